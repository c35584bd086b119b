'use strict'

jest.mock('../../src/native', () => ({ NativeSiblings: class {} }))
jest.mock('../../src/consumer/runner', () => jest.fn())

const native = require('../../src/native')
const createRunner = require('../../src/consumer/runner')
const { Kafka, ...errors } = require('../..')
const kafkajs = require('kafkajs')
const support = require('./support')

const { createFailure, createFakeRunner, createTopic, createWorld } = support

/** A consumer over a virtual cluster and fake runners, and everything it does in order. */
const create = (options = {}, kafkaConfig = {}) => {
  const world = createWorld()
  native.NativeClient = support.createNativeClient(world)
  const runners = []
  createRunner.mockReset().mockImplementation(given => {
    const runner = createFakeRunner(given)
    runners.push(runner)
    return runner
  })
  const logs = []
  const kafka = new Kafka({
    brokers: ['b1:9092'],
    logLevel: 5,
    logCreator: () => entry => logs.push(entry),
    ...kafkaConfig
  })
  const consumer = kafka.consumer({ groupId: 'g', ...options })
  const history = []
  for (const name of ['CONNECT', 'DISCONNECT', 'STOP', 'CRASH']) {
    consumer.on(consumer.events[name], ({ payload }) => {
      history.push(name)
      if (name === 'CRASH') {
        Object.defineProperty(history, 'crash', { value: payload, configurable: true })
      }
    })
  }
  return { world, runners, logs, kafka, consumer, history }
}

/** Runs, and lets the first join succeed. */
const running = async (...args) => {
  const context = create(...args)
  const run = context.consumer.run({ eachMessage: async () => {} })
  await jest.advanceTimersByTimeAsync(0)
  context.runners[0].joined.resolve()
  await run
  return { ...context, runner: context.runners[0] }
}

const NOT_INITIALISED = 'Consumer group was not initialized, consumer#run must be called first'
const timeout = () => Object.assign(new Error('timed out'), { retriable: true })

beforeEach(() => jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask'] }))
afterEach(() => jest.useRealTimers())

/** Not in kafkajs. */
const ADDED = [
  'getOne',
  'getMany',
  'stream',
  'readableStream',
  'assign',
  'assignment',
  'subscription',
  'unsubscribe',
  'position',
  'committed',
  'beginningOffsets',
  'endOffsets',
  'offsetsForTimes',
  'seekToBeginning',
  'seekToEnd',
  'lag',
  'health',
  'groupMetadata'
]

describe('the consumer object', () => {
  it('has the members of the consumer of kafkajs, plain, writable and free of this', () => {
    const { consumer } = create()
    const theirs = new kafkajs.Kafka({ brokers: [] }).consumer({ groupId: 'g' })
    expect(Object.keys(consumer)).toEqual([...Object.keys(theirs), ...ADDED])
    expect(Object.getPrototypeOf(consumer)).toBe(Object.prototype)
    expect(Object.isExtensible(consumer)).toBe(true)
    const { paused, logger } = consumer
    expect(paused()).toEqual([])
    expect(Object.keys(logger())).toEqual(Object.keys(theirs.logger()))
  })

  it('is made by what tracing libraries replace', () => {
    class Extended extends Kafka {
      consumer(config) {
        return { ...super.consumer(config), extended: true }
      }
    }
    expect(new Extended({}).consumer({ groupId: 'g' })).toMatchObject({ extended: true })
  })

  it('calls assigner factories once, after looking at the group id', () => {
    const assigner = { name: 'A', version: 1, assign: async () => [], protocol: () => ({}) }
    const factory = jest.fn(() => assigner)
    expect(() => create({ groupId: '', partitionAssigners: [factory] })).toThrow('groupId')
    expect(factory).not.toHaveBeenCalled()
    const { consumer } = create({ partitionAssigners: [factory] })
    expect(factory).toHaveBeenCalledWith({
      groupId: 'g',
      logger: consumer.logger(),
      cluster: expect.objectContaining({ brokerPool: expect.objectContaining({ metadata: null }) })
    })
    consumer.run()
    expect(createRunner.mock.calls[0][0].assigners).toEqual([assigner])
  })

  it.each([
    ['text', '"text"'],
    [[null], 'null'],
    [[{}], '{}'],
    [['RoundRobin', 'Raneg'], '"Raneg"']
  ])('takes %j for assigners no more than kafkajs does, and says why', (given, received) => {
    const { kafka } = create()
    const consumer = () => kafka.consumer({ groupId: 'g', partitionAssigners: given })
    expect(consumer).toThrow(errors.KafkaJSNonRetriableError)
    expect(consumer).toThrow(
      `(known: "RoundRobin", "RoundRobinAssignor", "range", "sticky", "cooperative-sticky"), received ${received}`
    )
    const theirs = new kafkajs.Kafka({ brokers: [] })
    expect(() => theirs.consumer({ groupId: 'g', partitionAssigners: given })).toThrow(TypeError)
  })

  it.each(['RoundRobin', 'roundrobin', 'round-robin', 'round_robin', 'RoundRobinAssigner'])(
    'knows an assigner by its name, %s',
    name => {
      create({ partitionAssigners: [name] }).consumer.run()
      const [{ assigners }] = createRunner.mock.calls[0]
      expect(assigners.map(assigner => assigner.name)).toEqual(['RoundRobinAssigner'])
    }
  )

  it.each([
    ['range', 'range'],
    ['Range', 'range'],
    ['RangeAssignor', 'range'],
    ['Sticky', 'sticky'],
    ['RoundRobinAssignor', 'roundrobin'],
    ['cooperative-sticky', 'cooperative-sticky'],
    ['CooperativeSticky', 'cooperative-sticky'],
    ['CooperativeStickyAssignor', 'cooperative-sticky']
  ])('knows an assigner of the engine by its name, %s', (name, own) => {
    create({ partitionAssigners: [name] }).consumer.run()
    expect(createRunner.mock.calls[0][0].assigners).toEqual([own])
  })

  it('takes no other word for how an assigner rebalances', () => {
    const { kafka } = create()
    const consumer = rebalanceProtocol =>
      kafka.consumer({
        groupId: 'g',
        partitionAssigners: [() => ({ name: 'Own', rebalanceProtocol })]
      })
    for (const known of [undefined, 'eager', 'cooperative']) {
      expect(() => consumer(known)).not.toThrow()
    }
    expect(() => consumer('Cooperative')).toThrow(errors.KafkaJSNonRetriableError)
    expect(() => consumer('Cooperative')).toThrow(
      'Invalid rebalanceProtocol of the assigner "Own", expected "eager" (the default) or "cooperative", received \'Cooperative\''
    )
  })

  it('tells the engine which assigners are its own, and how the others rebalance', () => {
    const { toNativeOptions } = require('../../src/consumer/nativeOptions')
    const assigners = [
      'range',
      { name: 'A' },
      { name: 'B', rebalanceProtocol: 'cooperative' },
      { name: 'C', rebalanceProtocol: 'eager' }
    ]
    const { assignors } = toNativeOptions({ groupId: 'g', options: {}, run: {}, assigners })
    expect(assignors).toEqual(['range', 'eager', 'cooperative', 'eager'])
  })

  it('takes what run() does not say about commits from its own options', () => {
    const options = { autoCommit: false, autoCommitInterval: 5, autoCommitThreshold: 7 }
    const runs = [{}, { autoCommit: true, autoCommitInterval: null, autoCommitThreshold: 9 }]
    const used = runs.map(run => {
      create(options).consumer.run(run)
      return createRunner.mock.calls[0][0].run
    })
    expect(used).toMatchObject([
      { autoCommit: false, autoCommitInterval: 5, autoCommitThreshold: 7 },
      { autoCommit: true, autoCommitInterval: null, autoCommitThreshold: 9 }
    ])
  })

  it.each([
    [{ retries: 1 }, undefined, { retries: 5 }],
    [{ retries: 1 }, { factor: 0 }, { retries: 1, factor: 0 }],
    [{ retries: 3 }, { retries: 2 }, { retries: 2 }]
  ])('merges retry %j and %j', (ofKafka, ofConsumer, expected) => {
    create({ retry: ofConsumer }, { retry: ofKafka }).consumer.run()
    expect(createRunner.mock.calls[0][0].retry).toEqual(expected)
  })
})

describe('before run()', () => {
  it('refuses what needs a runner', async () => {
    const { consumer } = create()
    const offset = { topic: 't', partition: 0, offset: '1' }
    await expect(consumer.commitOffsets([offset])).rejects.toThrow(NOT_INITIALISED)
    await expect(consumer.commitOffsets()).rejects.toThrow(NOT_INITIALISED)
    expect(() => consumer.seek(offset)).toThrow(NOT_INITIALISED)
    expect(() => consumer.pause([{ topic: 't' }])).toThrow(NOT_INITIALISED)
    expect(() => consumer.resume([{ topic: 't' }])).toThrow(NOT_INITIALISED)
  })

  it('tells who pulls that it is not run() that is missing there', async () => {
    const { consumer } = create()
    await consumer.assign([{ topic: 't', partition: 0, offset: 0 }])
    const error = await consumer.commitOffsets([]).catch(e => e)
    expect(error.stack).toMatch(`${NOT_INITIALISED}: in a consumer that is pulled, getOne()`)
  })

  it('stops without STOP, and disconnects with DISCONNECT every time', async () => {
    const { consumer, history } = create()
    await consumer.stop()
    expect(history).toEqual([])
    await consumer.disconnect()
    await consumer.disconnect()
    expect(history).toEqual(['DISCONNECT', 'DISCONNECT'])
  })

  it('logs the end as if there had been a beginning', async () => {
    const { consumer, logs } = create()
    await consumer.stop()
    await consumer.disconnect()
    expect(logs.map(({ label, log }) => [label, log.message])).toEqual([
      ['INFO', 'Stopped'],
      ['INFO', 'Stopped'],
      ['DEBUG', 'consumer has stopped, disconnecting']
    ])
  })

  it('connects, and connects again after disconnect() without waiting for it', async () => {
    const { consumer, history, world } = create()
    await consumer.connect()
    const disconnecting = consumer.disconnect()
    await consumer.connect()
    await disconnecting
    expect(history.filter(name => name === 'CONNECT')).toHaveLength(2)
    expect(world.clients.map(({ connected }) => connected)).toEqual([false, true])
  })

  it('describes the group, without connect()', async () => {
    const { consumer } = create()
    expect(await consumer.describeGroup()).toEqual({
      errorCode: 0,
      groupId: 'g',
      state: 'Stable',
      protocolType: 'consumer',
      protocol: 'RoundRobinAssigner',
      members: []
    })
  })
})

describe('subscribe()', () => {
  const topicsOf = async ({ consumer, runners }) => {
    consumer.run({})
    await jest.advanceTimersByTimeAsync(5000)
    return Object.fromEntries(runners[0].start.mock.calls[0][0])
  }

  it('counts from the moment of the call', async () => {
    const context = create()
    context.consumer.subscribe({ topics: ['t'], fromBeginning: true })
    context.consumer.subscribe({ topic: 'u' })
    expect(await topicsOf(context)).toEqual({
      t: { fromBeginning: true },
      u: { fromBeginning: false }
    })
  })

  it('replaces fromBeginning', async () => {
    const context = create()
    await context.consumer.subscribe({ topics: ['t', 'u'], fromBeginning: true })
    await context.consumer.subscribe({ topics: ['t'] })
    expect(await topicsOf(context)).toEqual({
      t: { fromBeginning: false },
      u: { fromBeginning: true }
    })
  })

  it.each([/^[tu]/, /^[tu]/g, /[tu]/y])('matches %p over all topics', async pattern => {
    const context = create()
    context.world.topics.t2 = createTopic('t2')
    await context.consumer.subscribe({ topics: [pattern] })
    expect(Object.keys(await topicsOf(context)).sort()).toEqual(['t', 't2', 'u'])
    expect(context.logs.map(({ log }) => log)).toContainEqual(
      expect.objectContaining({
        message: 'Subscription based on RegExp',
        topicRegExp: String(pattern)
      })
    )
  })

  it('finds internal topics too', async () => {
    const context = create()
    await context.consumer.subscribe({ topics: [/internal/] })
    expect(Object.keys(await topicsOf(context))).toEqual(['__internal'])
  })

  const FORBIDDEN = 29

  it('that rejects leaves no trace', async () => {
    const context = create()
    context.world.topics.forbidden = createTopic('forbidden', 0, FORBIDDEN)
    await context.consumer.subscribe({ topics: ['t'], fromBeginning: true })
    const rejected = context.consumer.subscribe({ topics: ['t', 'forbidden'] }).catch(e => e)
    await jest.advanceTimersByTimeAsync(10000)
    expect(await rejected).toMatchObject({
      name: 'KafkaJSProtocolError',
      type: 'TOPIC_AUTHORIZATION_FAILED'
    })
    expect(await topicsOf(context)).toEqual({ t: { fromBeginning: true } })
  })

  it('that rejects for a topic that is only missing has subscribed', async () => {
    const context = create()
    const topics = ['t', 'missing', /^u/]
    const rejected = context.consumer.subscribe({ topics, fromBeginning: true }).catch(e => e)
    await jest.advanceTimersByTimeAsync(10000)
    expect(await rejected).toMatchObject({
      name: 'KafkaJSProtocolError',
      type: 'UNKNOWN_TOPIC_OR_PARTITION'
    })
    const fromBeginning = true
    expect(await topicsOf(context)).toEqual({
      t: { fromBeginning },
      missing: { fromBeginning },
      u: { fromBeginning }
    })
  })

  it('is refused while running', async () => {
    const { consumer } = await running()
    await expect(consumer.subscribe({ topics: ['t'] })).rejects.toThrow(
      'Cannot subscribe to topic while consumer is running'
    )
  })
})

describe('run()', () => {
  it('makes its runner at once, so that seek() and pause() may follow', () => {
    const { consumer, runners } = create()
    const eachMessage = async () => {}
    consumer.run({ eachMessage, eachBatch: undefined, unknown: 1 })
    consumer.seek({ topic: 't', partition: 0, offset: 5 })
    consumer.pause([{ topic: 't' }])
    const [runner] = runners
    expect(runner.seek).toHaveBeenCalledWith({ topic: 't', partition: 0, offset: '5' })
    expect(runner.pause).toHaveBeenCalledWith([{ topic: 't' }])
    expect(runner.options).toMatchObject({
      groupId: 'g',
      run: { eachMessage, eachBatch: null, autoCommit: true, partitionsConsumedConcurrently: 1 },
      options: { sessionTimeout: 30000, maxQueuedBytes: 67108864, checkCrcs: true },
      assigners: [expect.objectContaining({ name: 'RoundRobinAssigner', version: 0 })]
    })
  })

  it('connects, emits CONNECT again and resolves after the join', async () => {
    const { consumer, runners, history } = create()
    await consumer.connect()
    let resolved = false
    const run = consumer.run().then(() => {
      resolved = true
    })
    await jest.advanceTimersByTimeAsync(0)
    expect([history, resolved]).toEqual([['CONNECT', 'CONNECT'], false])
    runners[0].joined.resolve()
    await run
  })

  it('called twice only warns', async () => {
    const { consumer, runners, logs } = await running()
    await consumer.run()
    expect(runners).toHaveLength(1)
    const { log } = logs.findLast(({ label }) => label === 'WARN')
    expect(log.message).toBe('consumer#run was called, but the consumer is already running')
  })

  it('hands offsets and pauses to the runner', async () => {
    const { consumer, runner } = await running()
    await consumer.commitOffsets([{ topic: 't', partition: 0, offset: '7' }])
    expect(runner.commitOffsets).toHaveBeenCalledWith([
      { topic: 't', partition: 0, offset: '7', metadata: null, leaderEpoch: null }
    ])
    await consumer.commitOffsets([])
    expect(runner.commitOffsets).toHaveBeenCalledTimes(1)
    consumer.resume([{ topic: 't', partitions: [1] }])
    expect(runner.resume).toHaveBeenCalledWith([{ topic: 't', partitions: [1] }])
    // kafkajs asks no more of the list than that.
    consumer.pause(new Set([{ topic: 't' }, { topic: 'u', partitions: [2] }]))
    expect(runner.pause).toHaveBeenCalledWith([{ topic: 't' }, { topic: 'u', partitions: [2] }])
    expect(consumer.paused()).toEqual([{ topic: 't', partitions: [0] }])
  })
})

describe('stop() and disconnect()', () => {
  it('stop once, in order, however many ask', async () => {
    const { consumer, history, world } = await running()
    await Promise.all([consumer.stop(), consumer.disconnect(), consumer.stop()])
    expect(history).toEqual(['CONNECT', 'STOP', 'DISCONNECT'])
    expect(world.clients[0].closed).toBe(true)
    await consumer.stop()
    expect(history).toHaveLength(3)
    expect(() => consumer.seek({ topic: 't', partition: 0, offset: 1 })).toThrow(NOT_INITIALISED)
  })

  it('wait for the runner', async () => {
    const { consumer, runner, history } = await running()
    runner.autoLeave = false
    const stopping = consumer.disconnect()
    await jest.advanceTimersByTimeAsync(100000)
    expect(history).toEqual(['CONNECT'])
    runner.left.resolve()
    await stopping
    expect(history).toEqual(['CONNECT', 'STOP', 'DISCONNECT'])
  })

  it.each(['stop', 'disconnect'])('%s() in a handler does not wait for it', async method => {
    const { consumer, runner, history } = await running()
    const gate = support.createDeferred()
    let returned = false
    const handler = runner.handle(async () => {
      await consumer[method]()
      returned = true
      expect(history).toEqual(['CONNECT'])
      await gate.promise
    })
    // Somebody outside of the handler does wait.
    const outside = consumer[method]()
    await new Promise(resolve => setImmediate(() => setImmediate(resolve)))
    expect([returned, history]).toEqual([true, ['CONNECT']])
    gate.resolve()
    await handler
    await outside
    const end = method === 'stop' ? ['STOP'] : ['STOP', 'DISCONNECT', 'DISCONNECT']
    expect(history).toEqual(['CONNECT', ...end])
  })

  it('during the join: no zombie, and run() rejects', async () => {
    const { consumer, runners, history } = create()
    const run = consumer.run()
    await jest.advanceTimersByTimeAsync(0)
    await consumer.disconnect()
    await expect(run).rejects.toThrow('Disconnected before the group was joined')
    // What the join still comes to changes nothing.
    runners[0].joined.reject(new Error('stopped'))
    await jest.advanceTimersByTimeAsync(100000)
    expect(history).toEqual(['CONNECT', 'STOP', 'DISCONNECT'])
  })

  it('before the connection is there: never joins', async () => {
    const { consumer, runners, history, world } = create()
    const connected = support.createDeferred()
    world.onConnect = () => connected.promise
    const run = consumer.run()
    await jest.advanceTimersByTimeAsync(0)
    await consumer.stop()
    await expect(run).rejects.toThrow('Stopped before the group was joined')
    expect(world.clients.map(({ closed }) => closed)).toEqual([true])
    connected.resolve(null)
    await jest.advanceTimersByTimeAsync(100000)
    expect(runners[0].start).not.toHaveBeenCalled()
    expect(history).toEqual(['STOP'])
    expect([world.clients.length, jest.getTimerCount()]).toEqual([1, 0])
  })

  it('may be followed by connect() and run() at once', async () => {
    const { consumer, runners, history, world } = await running()
    consumer.disconnect()
    consumer.connect()
    const run = consumer.run()
    await new Promise(setImmediate)
    expect(runners).toHaveLength(2)
    runners[1].joined.resolve()
    await run
    expect(history.filter(name => name === 'CONNECT')).toHaveLength(3)
    expect(history).not.toContain('CRASH')
    expect(world.clients.map(({ closed }) => closed)).toEqual([true, false])
  })

  it('end the session even if the runner fails to stop', async () => {
    const { consumer, runner, history } = await running()
    runner.stop.mockImplementation(async () => {
      throw new Error('commit failed')
    })
    await expect(consumer.stop()).rejects.toThrow('commit failed')
    expect(history).toEqual(['CONNECT', 'STOP'])
    await consumer.stop()
  })
})

describe('a crash', () => {
  const exceeded = (cause = new Error('poison')) =>
    new errors.KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 5, retryTime: 9000 })

  it('stops, disconnects, asks, tells and restarts', async () => {
    const order = []
    const restartOnFailure = jest.fn(async () => {
      order.push('asked')
      return true
    })
    const { consumer, runner, runners, history, logs, world } = await running({
      retry: { restartOnFailure }
    })
    for (const name of ['STOP', 'DISCONNECT', 'CRASH']) {
      consumer.on(consumer.events[name], () => order.push(name))
    }
    const error = exceeded()
    runner.options.onCrash(error)
    await jest.advanceTimersByTimeAsync(0)
    expect(order).toEqual(['STOP', 'DISCONNECT', 'asked', 'CRASH'])
    expect(history.crash).toEqual({ error, groupId: 'g', restart: true })
    expect(restartOnFailure).toHaveBeenCalledWith(error)
    expect(logs.filter(({ label }) => label === 'ERROR').map(({ log }) => log.message)).toEqual([
      'Crash: KafkaJSNumberOfRetriesExceeded: poison',
      'Restarting the consumer in 9000ms'
    ])

    await jest.advanceTimersByTimeAsync(8999)
    expect(runners).toHaveLength(1)
    await jest.advanceTimersByTimeAsync(1)
    expect(runners).toHaveLength(2)
    expect(runners[1].options.run).toBe(runner.options.run)
    expect(history[history.length - 1]).toBe('CONNECT')
    expect(world.clients).toHaveLength(2)
    await consumer.disconnect()
  })

  it.each([
    ['retries exceeded', () => exceeded(), true],
    ['a non-retriable error', () => new errors.KafkaJSNonRetriableError('no'), false],
    [
      'a retriable cause',
      () => new errors.KafkaJSNonRetriableError('no', { cause: timeout() }),
      true
    ],
    ['a plain error', () => new Error('plain'), false],
    ['a retriable error', () => timeout(), true]
  ])('because of %s restarts: %#', async (_, createError, restart) => {
    const { consumer, runner, history } = await running()
    runner.options.onCrash(createError())
    await jest.advanceTimersByTimeAsync(0)
    expect(history.crash.restart).toBe(restart)
    expect(jest.getTimerCount()).toBe(restart ? 1 : 0)
    await consumer.disconnect()
    expect(jest.getTimerCount()).toBe(0)
  })

  it.each([
    [false, false],
    [async () => false, false],
    [() => false, false],
    [() => true, true],
    [() => { throw new Error('x') }, true], // prettier-ignore
    [() => Promise.reject(new Error('x')), true]
  ])('asks restartOnFailure %p, even a careless one: %p', async (restartOnFailure, restart) => {
    const retry = { restartOnFailure: restartOnFailure || (async () => null) }
    const { consumer, runner, history } = await running({ retry })
    runner.options.onCrash(exceeded())
    await jest.advanceTimersByTimeAsync(0)
    expect(history.crash.restart).toBe(restart)
    await consumer.disconnect()
  })

  it('does not leave the cluster without metadata, which tracing libraries read', async () => {
    const { consumer, runners, world } = create()
    await consumer.subscribe({ topics: ['t'] })
    consumer.run({ eachMessage: async () => {} })
    await jest.advanceTimersByTimeAsync(0)
    const { onCrash, cluster } = runners[0].options
    const { brokerPool } = cluster
    expect(world.metadataRequests).toHaveLength(1)

    onCrash(exceeded())
    await jest.advanceTimersByTimeAsync(0)
    expect(brokerPool.metadata).toBe(null)
    await jest.advanceTimersByTimeAsync(9000)
    expect(brokerPool.metadata.clusterId).toBe('cluster-1')
    await consumer.disconnect()
  })

  it('restarts even if a topic is gone', async () => {
    const { consumer, runners, world } = create()
    await consumer.subscribe({ topics: ['t'] })
    consumer.run({ eachMessage: async () => {} })
    await jest.advanceTimersByTimeAsync(0)
    delete world.topics.t
    runners[0].options.onCrash(exceeded())
    await jest.advanceTimersByTimeAsync(20000)
    expect(runners).toHaveLength(2)
    expect(runners[1].start).toHaveBeenCalled()
    await consumer.disconnect()
  })

  it('of the first join or connection: run() resolves when it is over', async () => {
    const { consumer, runners, history } = create()
    const run = consumer.run()
    await jest.advanceTimersByTimeAsync(0)
    const error = new errors.KafkaJSNonRetriableError('bad session timeout')
    runners[0].joined.reject(error)
    await run
    expect(history).toEqual(['CONNECT', 'STOP', 'DISCONNECT', 'CRASH'])
    expect(history.crash).toEqual({ error, groupId: 'g', restart: false })
  })

  it('of the connection, again and again', async () => {
    const { consumer, world, history } = create({}, { retry: { retries: 0 } })
    world.onConnect = async () => createFailure('connection')
    const run = consumer.run()
    await jest.advanceTimersByTimeAsync(0)
    await run
    expect(history).toEqual(['STOP', 'DISCONNECT', 'CRASH'])
    await jest.advanceTimersByTimeAsync(500)
    expect(history.filter(name => name === 'CRASH').length).toBeGreaterThan(1)
    await consumer.disconnect()
  })

  it('of bad options shows too', async () => {
    const { consumer, history } = create({}, { sasl: {} })
    await consumer.run()
    expect(history.crash).toMatchObject({ error: { name: 'TypeError' }, restart: false })
  })

  it('of options by which no runner can be made is no reason for calls behind run() to throw', async () => {
    const { consumer, history } = create()
    const error = new errors.KafkaJSNonRetriableError('Invalid ssl.ca: no certificate in PEM')
    createRunner.mockImplementation(() => {
      throw error
    })
    const run = consumer.run()
    const offset = { topic: 't', partition: 0, offset: '1' }
    consumer.seek(offset)
    consumer.pause([{ topic: 't' }])
    consumer.resume([{ topic: 't' }])
    expect(consumer.paused()).toEqual([])
    await expect(consumer.commitOffsets([offset])).rejects.toThrow('stopped before it could commit')
    await run
    expect(history.crash).toEqual({ error, groupId: 'g', restart: false })
    expect(() => consumer.seek(offset)).toThrow(NOT_INITIALISED)
  })

  it.each(['stop', 'disconnect'])('does not restart after %s()', async method => {
    const { consumer, runner, runners } = await running()
    runner.options.onCrash(exceeded())
    await jest.advanceTimersByTimeAsync(10)
    await consumer[method]()
    await jest.advanceTimersByTimeAsync(100000)
    expect(runners).toHaveLength(1)
  })

  it('does not restart after disconnect() in the middle of it', async () => {
    const { consumer, runner, runners, history } = await running()
    runner.autoLeave = false
    runner.options.onCrash(exceeded())
    const disconnecting = consumer.disconnect()
    runner.left.resolve()
    await disconnecting
    await jest.advanceTimersByTimeAsync(100000)
    expect(runners).toHaveLength(1)
    expect(history.crash.restart).toBe(false)
  })

  it('run() instead of the restart makes one runner, not two', async () => {
    const { consumer, runner, runners } = await running()
    runner.options.onCrash(exceeded())
    await jest.advanceTimersByTimeAsync(10)
    consumer.run()
    await jest.advanceTimersByTimeAsync(100000)
    expect(runners).toHaveLength(2)
    await consumer.disconnect()
  })

  it('is told even if its own clean-up fails', async () => {
    const { runner, history } = await running()
    runner.stop.mockImplementation(async () => {
      throw new Error('no')
    })
    runner.options.onCrash(new errors.KafkaJSNonRetriableError('why'))
    await jest.advanceTimersByTimeAsync(0)
    expect(history).toEqual(['CONNECT', 'STOP', 'DISCONNECT', 'CRASH'])
  })

  it('happens at most once, and not while stopping', async () => {
    const { consumer, runner, history } = await running()
    runner.options.onCrash(new errors.KafkaJSNonRetriableError('one'))
    runner.options.onCrash(new errors.KafkaJSNonRetriableError('two'))
    await jest.advanceTimersByTimeAsync(0)
    expect(history.filter(name => name === 'CRASH')).toHaveLength(1)

    const other = await running()
    const stopping = other.consumer.stop()
    other.runner.options.onCrash(new Error('late'))
    await stopping
    expect(other.history).toEqual(['CONNECT', 'STOP'])
    await consumer.disconnect()
  })
})
