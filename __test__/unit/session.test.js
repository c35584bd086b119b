'use strict'

/** What lanes do when the session may be over: the runner over an engine that says so when it is asked. */

/** On which the runner's clock goes on when the test says so. */
let time = 1_000_000
jest.spyOn(Date, 'now').mockImplementation(() => time)

jest.mock('../../src/native', () => ({ NativeSiblings: class {} }))

const { setImmediate: nextTurn } = require('node:timers/promises')
const native = require('../../src/native')
const Runner = require('../../src/consumer/runner')
const { GROUP_ERROR, RESOLVED, FLAGS, STOP, STALE, laneAt } = require('../../src/consumer/cells')
const { createLogger, createSlab } = require('./support')

afterAll(() => jest.restoreAllMocks())

const SESSION = 10_000
const LANE = laneAt(0)

/** An engine with one delivery of so many messages for each lane. `asked` counts how often it was asked. */
const createEngine = (count, lanes) => {
  const engine = { asked: 0, until: time + SESSION, resolved: null, given: new Set(), finished: 0 }
  const messages = Array.from({ length: count }, (_, offset) => ({ offset }))
  const slab = createSlab({ baseOffset: 0n, highWatermark: BigInt(count), messages })
  native.NativeConsumer = class {
    constructor(client, options, cells) {
      engine.cells = cells
      engine.options = options
    }
    start() {}
    give() {
      return 0
    }
    take(lane) {
      if (engine.given.has(lane)) return -1
      engine.given.add(lane)
      return -slab.length - 1
    }
    takeStaged(lane, into) {
      into.set(slab)
    }
    slot() {
      return { topic: 't', partitions: [0] }
    }
    progress() {
      engine.asked++
      if (time < engine.until) return
      engine.cells[GROUP_ERROR] = 27
      engine.cells[LANE + FLAGS] |= STOP | STALE
    }
    finish(lane) {
      engine.resolved = engine.cells[laneAt(lane) + RESOLVED]
      engine.cells[laneAt(lane) + FLAGS] = 0
      if (++engine.finished === lanes) engine.done()
    }
    async heartbeat() {}
    async stop() {}
  }
  engine.end = new Promise(resolve => {
    engine.done = resolve
  })
  return engine
}

/** Hands `count` messages to this handler. */
const run = async (count, handlers, lanes = 1) => {
  const engine = createEngine(count, lanes)
  const logger = createLogger().root
  const runner = new Runner({
    ...handlers,
    run: {
      autoCommit: true,
      partitionsConsumedConcurrently: lanes,
      eachBatchAutoResolve: true,
      ...run
    },
    cluster: { native: {}, getNodeIds: () => [] },
    groupId: 'g',
    options: { heartbeatInterval: 3000 },
    assigners: [],
    retry: {},
    logger,
    emitter: { listens: () => false, watch: () => () => {}, emit: () => {} },
    onCrash: error => {
      throw error
    }
  })
  runner.start(new Map())
  await engine.end
  await runner.stop()
  return engine
}

const WAYS = {
  'waits for the world': () => nextTurn(),
  'has it at hand': async () => {},
  'returns nothing': () => {}
}

it.each(Object.entries(WAYS))(
  'nothing is handed out behind a handler that %s and the end of the session',
  async (_, work) => {
    const handed = []
    const eachMessage = async ({ message }) => {
      handed.push(Number(message.offset))
      await work()
      // Real handlers take time; and then everything stood still.
      time += handed.length === 100 ? SESSION : 1
    }
    const engine = await run(2000, { eachMessage })
    expect(handed).toHaveLength(100)
    expect(engine.resolved).toBe(100)
  }
)

/** Quick handlers, so that few of their messages have the clock read: a thousand per ms. */
const quick = handed => {
  if (handed % 1000 === 0) time++
}

it('nothing is handed out behind the one quick handler that waits for the world', async () => {
  let handed = 0
  const eachMessage = async () => {
    quick(++handed)
    if (handed !== 8765) return
    await nextTurn()
    time += SESSION
  }
  await run(10_000, { eachMessage })
  expect(handed).toBe(8765)
})

it('handlers that become slow are looked at one by one', async () => {
  let handed = 0
  const eachMessage = () => {
    if (++handed < 8000) quick(handed)
    else time += handed === 8765 ? SESSION : 1
  }
  await run(10_000, { eachMessage })
  expect(handed).toBe(8765)
})

it('quick handlers have the clock read for some messages only, and the engine asked for few', async () => {
  let handed = 0
  Date.now.mockClear()
  const eachMessage = async () => quick(++handed)
  const engine = await run(100_000, { eachMessage })
  expect(handed).toBe(100_000)
  expect(Date.now.mock.calls.length).toBeLessThan(100_000 / 10)
  expect(engine.asked).toBeLessThan(40)
})

it('a batch that goes on is told, and is not resolved to its end', async () => {
  const stale = []
  const eachBatch = async ({ batch, resolveOffset, isStale, heartbeat }) => {
    for (const { offset } of batch.messages) {
      stale.push(isStale())
      if (stale.at(-1)) return
      await nextTurn()
      resolveOffset(offset)
      await heartbeat()
      if (offset === '9') time += SESSION
    }
  }
  const engine = await run(100, { eachBatch })
  expect(stale).toEqual([...Array(10).fill(false), true])
  expect(engine.resolved).toBe(10)
})

it('heartbeat() rejects as in a rebalance', async () => {
  let error
  const eachBatch = async ({ heartbeat }) => {
    await heartbeat()
    await nextTurn()
    time += SESSION
    error = await heartbeat().catch(e => e)
    throw error
  }
  await run(10, { eachBatch })
  expect(error).toMatchObject({ type: 'REBALANCE_IN_PROGRESS' })
})

it('lanes whose handlers keep the event loop for longer than a turn all go on', async () => {
  let handed = 0
  const eachMessage = () => {
    time += 5
    handed++
  }
  await run(50, { eachMessage }, 3)
  expect(handed).toBe(150)
})
