'use strict'

/** `disconnect()` and `stop()` win over what was begun before them, wherever it is. */

jest.mock('../../src/native', () => ({ NativeSiblings: class {} }))
jest.mock('../../src/consumer/runner', () => jest.fn())

const { spawnSync } = require('node:child_process')
const native = require('../../src/native')
const createRunner = require('../../src/consumer/runner')
const { Kafka, KafkaJSNonRetriableError, logLevel } = require('../..')
const support = require('./support')

const { createDeferred, createFailure, createFakeRunner, createWorld } = support

/** As many turns of microtasks as whatever is on its way needs. */
const settled = () => new Promise(resolve => setImmediate(() => setImmediate(resolve)))

const BEHIND = 'Disconnected: connect() has to be called before anything else'

const create = ({ brokers = /** @type {any} */ (['b1:9092']), onCall = async () => {} } = {}) => {
  const world = createWorld()
  const NativeClient = support.createNativeClient(world)
  // Whoever is called takes its time, and fails when the client is closed meanwhile, as the engine does.
  for (const name of ['connect', 'metadata', 'describeClassicGroups', 'findCoordinator']) {
    const answer = NativeClient.prototype[name]
    NativeClient.prototype[name] = async function (...args) {
      world.calls.push(name)
      const closed = new Promise(resolve => (this.onClose ??= []).push(resolve))
      await Promise.race([onCall(name), closed])
      return this.closed ? createFailure('client-closed') : answer.apply(this, args)
    }
  }
  const { close } = NativeClient.prototype
  NativeClient.prototype.close = async function () {
    await close.call(this)
    for (const tell of this.onClose ?? []) tell()
  }
  world.calls = []
  native.NativeClient = NativeClient
  const runners = []
  createRunner.mockReset().mockImplementation(given => {
    const runner = createFakeRunner(given)
    runners.push(runner)
    return runner
  })
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: 'g' })
  return { world, runners, kafka, consumer }
}

/** Nothing is open, nothing is to come. */
const expectNothing = ({ world }) => {
  expect(world.clients.filter(({ closed }) => !closed)).toEqual([])
  expect(jest.getTimerCount()).toBe(0)
}

const outcomeOf = promise =>
  promise.then(
    () => 'done',
    error => error
  )

const connectToRun = async ({ consumer }) => {
  await consumer.connect()
  await consumer.subscribe({ topics: ['t', /u/], fromBeginning: true })
  await consumer.run({ eachMessage: async () => {} })
}

const runAlone = async ({ consumer }) => {
  consumer.subscribe({ topics: ['t'] }).catch(() => {})
  await consumer.run({ eachMessage: async () => {} })
}

beforeEach(() => jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask'] }))
afterEach(() => jest.useRealTimers())

describe.each([
  ['connect(), subscribe(), run()', connectToRun],
  ['run() alone', runAlone]
])('%s', (_, chain) => {
  /** The chain up to its step `at`, and then for ever in that step. */
  const stopped = async at => {
    let calls = 0
    const onCall = () => (calls++ === at ? new Promise(() => {}) : Promise.resolve())
    const context = create({ onCall })
    const outcome = outcomeOf(chain(context))
    await settled()
    return { ...context, outcome }
  }

  it.each([0, 1, 2, 3])('disconnect() while call %i to the brokers is silent ends it', async at => {
    const context = await stopped(at)
    await context.consumer.disconnect()
    const { message } = await context.outcome
    expect(message).toMatch(/^Disconnected before /)
    expect(await context.outcome).toBeInstanceOf(KafkaJSNonRetriableError)
    const { calls, clients } = context.world
    const before = [calls.length, clients.length]
    await settled()
    await jest.advanceTimersByTimeAsync(100_000)
    expect([calls.length, clients.length]).toEqual(before)
    expectNothing(context)
    await expect(context.consumer.subscribe({ topics: ['t'] })).rejects.toThrow(BEHIND)
  })

  it('disconnect() at any microtask of it ends it, and a later connect() starts afresh', async () => {
    let done = false
    for (let at = 0; !done; at++) {
      const context = create()
      createRunner.mockImplementation(given => {
        const runner = createFakeRunner(given)
        runner.joined.resolve()
        return runner
      })
      const outcome = outcomeOf(chain(context))
      outcome.then(result => (done = result === 'done'))
      for (let i = 0; i < at; i++) await null
      await context.consumer.disconnect()
      const result = await outcome
      if (result !== 'done') expect(result.message).toMatch(/^Disconnected/)
      await settled()
      expectNothing(context)
      expect(at).toBeLessThan(1000)

      const again = chain === runAlone ? context.consumer.connect() : Promise.resolve()
      await again
      await chain(context)
      await context.consumer.disconnect()
      expectNothing(context)
    }
  })
})

describe('disconnect()', () => {
  it.each([
    ['connect', consumer => consumer.connect()],
    ['subscribe', consumer => consumer.subscribe({ topics: ['t'] })],
    ['run', consumer => consumer.run({})],
    ['describeGroup', consumer => consumer.describeGroup()]
  ])('ends %s() at once, also when nobody answers for ever', async (_, call) => {
    const context = create({ brokers: () => new Promise(() => {}) })
    const outcome = outcomeOf(call(context.consumer))
    await settled()
    await context.consumer.disconnect()
    expect((await outcome).message).toMatch(/^Disconnected before /)
    expectNothing(context)
  })

  it('refuses what comes after it, and opens nothing', async () => {
    const context = create()
    const { consumer } = context
    await consumer.connect()
    await consumer.disconnect()
    for (const call of [
      () => consumer.subscribe({ topics: ['t'] }),
      () => consumer.run({}),
      () => consumer.describeGroup()
    ]) {
      await expect(call()).rejects.toThrow(BEHIND)
    }
    await consumer.stop()
    await consumer.disconnect()
    expect(context.world.clients).toHaveLength(1)
    expect(context.runners).toHaveLength(0)
    expectNothing(context)
  })

  it('beside connect(): that one rejects, the next one connects', async () => {
    const context = create()
    const { consumer } = context
    await expect(Promise.all([consumer.connect(), consumer.disconnect()])).rejects.toThrow(
      'Disconnected before it was done'
    )
    await settled()
    expectNothing(context)
    const first = outcomeOf(consumer.connect())
    const disconnecting = consumer.disconnect()
    await consumer.connect()
    await disconnecting
    expect((await first).message).toBe('Disconnected before it was done')
    await consumer.subscribe({ topics: ['t'] })
    expect(context.world.clients.filter(({ connected }) => connected)).toHaveLength(1)
    await consumer.disconnect()
    expectNothing(context)
  })

  it('forgets a subscription that was not done', async () => {
    const context = create({
      onCall: name => (name === 'metadata' ? new Promise(() => {}) : Promise.resolve())
    })
    const outcome = outcomeOf(context.consumer.subscribe({ topics: ['t', /u/] }))
    await settled()
    await context.consumer.disconnect()
    expect((await outcome).message).toBe('Disconnected before it was done')
    await context.consumer.connect()
    context.consumer.run({}).catch(() => {})
    await settled()
    expect([...context.runners[0].start.mock.calls[0][0]]).toEqual([])
    await context.consumer.disconnect()
  })

  it('while it stops leaves a connection alone that is made meanwhile', async () => {
    const context = create()
    const { consumer, runners, world } = context
    consumer.run({}).catch(() => {})
    await settled()
    runners[0].autoLeave = false
    const disconnecting = consumer.disconnect()
    await consumer.connect()
    runners[0].left.resolve()
    await disconnecting
    expect(world.clients.map(({ connected }) => connected)).toEqual([false, true])
    await consumer.disconnect()
    expectNothing(context)
  })

  it('in the middle of a crash does not have the connection closed that is made behind it', async () => {
    const context = create()
    const { consumer, runners, world } = context
    consumer.run({}).catch(() => {})
    await settled()
    runners[0].autoLeave = false
    runners[0].options.onCrash(new Error('crash'))
    const disconnecting = consumer.disconnect()
    await consumer.connect()
    runners[0].left.resolve()
    await disconnecting
    await settled()
    expect(world.clients.map(({ connected }) => connected)).toEqual([false, true])
    await consumer.disconnect()
    expectNothing(context)
  })

  it('behind a crash keeps run() from starting again; a crash alone does not', async () => {
    const context = create()
    const { consumer, runners } = context
    consumer.run({}).catch(() => {})
    await settled()
    runners[0].options.onCrash(new Error('crash'))
    await settled()
    consumer.run({}).catch(() => {})
    await settled()
    expect(runners).toHaveLength(2)
    await consumer.disconnect()
    await expect(consumer.run({})).rejects.toThrow(BEHIND)
  })
})

describe('stop()', () => {
  it('ends a run() that waits for the end of the one before', async () => {
    const context = create()
    const { consumer, runners } = context
    consumer.run({}).catch(() => {})
    await settled()
    runners[0].autoLeave = false
    const stopping = consumer.stop()
    const outcome = outcomeOf(consumer.run({}))
    const again = consumer.stop()
    runners[0].left.resolve()
    await Promise.all([stopping, again])
    expect((await outcome).message).toBe('Stopped before the group was joined')
    await settled()
    expect(runners).toHaveLength(1)
    await consumer.disconnect()
  })

  it('of a run() that connects leaves the connection to others who want it', async () => {
    const gate = createDeferred()
    const context = create({ onCall: () => gate.promise })
    const { consumer, world } = context
    const connecting = consumer.connect()
    const outcome = outcomeOf(consumer.run({}))
    await settled()
    await consumer.stop()
    expect((await outcome).message).toBe('Stopped before the group was joined')
    gate.resolve()
    await connecting
    expect(world.clients.map(({ connected }) => connected)).toEqual([true])
    await consumer.disconnect()
    expectNothing(context)
  })
})

it('an interruption that nobody waits for is no unhandled rejection', async () => {
  const unhandled = jest.fn()
  process.on('unhandledRejection', unhandled)
  const context = create({ onCall: () => new Promise(() => {}) })
  const { consumer } = context
  consumer.connect()
  consumer.subscribe({ topics: ['t'] })
  consumer.run({})
  await consumer.disconnect()
  await settled()
  process.off('unhandledRejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
  expectNothing(context)
})

describe('an admin client', () => {
  it.each(['connect', 'describeCluster'])('%s() ends with disconnect()', async method => {
    const context = create({ onCall: () => new Promise(() => {}) })
    const admin = context.kafka.admin()
    const outcome = outcomeOf(admin[method]())
    await settled()
    await admin.disconnect()
    expect((await outcome).message).toBe('Disconnected before it was done')
    await jest.advanceTimersByTimeAsync(100_000)
    expectNothing(context)
    // As in kafkajs, a call behind it connects again, until the next one.
    const again = outcomeOf(admin.describeCluster())
    await settled()
    await admin.disconnect()
    expect((await again).message).toBe('Disconnected before it was done')
    expectNothing(context)
  })
})

it('as many calls as a program makes may wait for its disconnect()', () => {
  // In a process of its own: Jest's has warnings of its own.
  const program = `
    const { createAbort, unlessAborted } = require(${JSON.stringify(require.resolve('../../src/utils/interruption'))})
    const { signal } = createAbort()
    for (let i = 0; i < 20; i++) unlessAborted(signal, () => new Promise(() => {}))
  `
  const { stderr, status } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
})
