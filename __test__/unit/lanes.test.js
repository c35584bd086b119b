'use strict'

/**
 * JavaScript's half of the consumer in random programs, which a seed decides: messages arrive; handlers end, fail, pause, seek, commit;
 * partitions are given, revoked and lost, the session is interrupted; the program stops. After each step: every message in its order,
 * in one handler at a time, none past a flag, and nothing resolved or committed that is not handled. In the end all is handled.
 */

jest.mock('../../src/native', () => ({ NativeSiblings: class {} }))
jest.mock('node:timers', () => require('./virtualTime').callbacks)
jest.mock('node:timers/promises', () => require('./virtualTime').promises)

const time = require('./virtualTime')

jest.spyOn(Date, 'now').mockImplementation(() => time.now())

const { STALE } = require('../../src/consumer/cells')
const { HEADERS } = require('../../src/consumer/onFailure/letters')
const { failureOptions } = require('../../src/consumer/onFailure/options')
const { World, createRandom } = require('./world')

afterAll(() => jest.restoreAllMocks())

/** In how many programs each kind of consumer is tried. `LANES_SEEDS` for more. */
const SEEDS = Number(process.env.LANES_SEEDS) || 40
const FIRST = Number(process.env.LANES_FIRST) || 1
const STEPS = 120

const read = ({ data }) => {
  if (String(data) === 'd') throw new Error('unreadable')
  return data
}

/** The options of a consumer that leaves out what it cannot read, if it reads anything. @param {any} random @param {() => World} where */
const deserializers = (random, where) => {
  const onDeserializationError = (_, { partition, offset }) => {
    where().leavesOut(partition, Number(offset))
    return 'skip'
  }
  const readLater = async data => read(data)
  const keyDeserializer = random.pick([undefined, undefined, read, readLater])
  return { keyDeserializer, onDeserializationError }
}

/** What the program may do at any time. @param {World} world */
const program = world => {
  const { random, runner } = world
  const partition = random.below(world.logs.length)
  const partitions = random.chance(0.2) ? undefined : [partition]
  const what = random.below(10)
  if (what < 3) runner.pause([{ topic: 't', partitions }])
  else if (what < 8) runner.resume([{ topic: 't', partitions }])
  else if (what === 8) seek(world, partition)
  else void runner.commits.commitHandled().catch(() => {})
}

/** @param {World} world @param {number} partition */
const seek = (world, partition) => {
  const offset = world.random.below(world.logs[partition].end + 1)
  world.steps.push(`seek ${partition} ${offset}`)
  world.runner.seek({ topic: 't', partition, offset })
}

/** @param {World} world */
const step = async world => {
  const { random, engine } = world
  const what = random.below(20)
  if (what < 3) world.write(random.below(world.logs.length), 1 + random.below(4))
  else if (what < 8) world.fetch()
  else if (what < 11 && world.told.length > 0) await world.hear()
  else if (what < 15 && world.jobs.length > 0) await world.goOn()
  else if (what === 15) program(world)
  else if (what === 16) world.regroup()
  else if (what === 17) {
    time.pass(1 + random.below(6))
    await time.ring()
  } else if (what === 18 && random.chance(0.5)) engine.commitResolved()
  else if (what === 18) engine.answer()
  else await time.turn()
  await time.settle()
  if (world.failure) throw world.failure
}

/** What a handler does besides. @param {World} world @param {number} partition @param {any} payload */
const meddle = (world, partition, { pause, heartbeat }) => {
  const { random, isCalm } = world
  if (isCalm) return
  const what = random.below(40)
  if (what === 0) {
    const resume = pause()
    if (random.chance(0.7)) void world.work().then(resume)
  } else if (what === 1) pause()()
  else if (what === 2) seek(world, partition)
  else if (what === 3) void heartbeat().catch(() => {})
  else if (what === 4) void world.runner.commits.commitHandled().catch(() => {})
}

/**
 * A handler of single messages, of any manner. @param {() => World} where @param {(world: World, partition: number, message: any) => void} check
 */
const eachMessageOf = (where, check) => payload => {
  const world = where()
  const { partition, message } = payload
  const offset = Number(message.offset)
  const { random } = world
  check(world, partition, message)
  const { atWork } = world.accounts[partition]
  const done = world.hand(partition, offset)
  const end = () => {
    atWork.delete(offset)
    if (random.chance(0.15)) throw random.chance(0.1) ? 'a text' : new Error('a fault')
    done()
  }
  meddle(world, partition, payload)
  if (random.chance(0.3)) return void end()
  const later = async () => {
    if (random.chance(0.8)) await world.work()
    if (random.chance(0.3)) meddle(world, partition, payload)
    end()
  }
  return later()
}

/** @param {World} world @param {number} partition @param {any} message */
const inOrder = (world, partition, { offset }) => {
  if (world.accounts[partition].atWork.size > 0) world.fail(`two handlers of ${partition}`)
  const first = world.firstOpen(partition)
  if (Number(offset) !== first) world.fail(`${partition}: ${offset} comes before ${first}`)
}

/** A handler of batches, of any manner. @param {() => World} where @param {boolean} autoResolve */
const eachBatchOf = (where, autoResolve) => payload => {
  const world = where()
  const { batch, resolveOffset, isStale } = payload
  const { partition } = batch
  const { random, engine } = world
  const offsets = batch.messages.map(({ offset }) => Number(offset))
  const account = world.accounts[partition]
  if (account.isExcused) offsets.forEach(offset => account.done.delete(offset))
  account.isExcused = false
  inOrder(world, partition, batch.messages[0])
  const { lane } = engine.slots.get(partition) ?? {}
  const dones = offsets.map(offset => world.hand(partition, offset))
  const leave = () => offsets.forEach(offset => account.atWork.delete(offset))
  let [handled, isTold] = [0, false]
  /** The first so many messages. @param {number} count */
  const resolve = count => {
    for (let n = 0; n < count; n++) dones[n]()
    resolveOffset(String(offsets[count - 1]))
  }
  const end = () => {
    leave()
    const isVoid = isTold || (engine.lanes[lane].flags & STALE) !== 0
    if (autoResolve && !isVoid) dones.forEach(done => done())
  }
  const work = async () => {
    for (; handled < offsets.length; handled++) {
      if (random.chance(0.3)) await world.work()
      if (random.chance(0.3) && isStale()) {
        isTold = true
        return end()
      }
      if (random.chance(0.3)) resolve(handled + 1)
      if (random.chance(0.1)) meddle(world, partition, payload)
      if (random.chance(0.05)) {
        leave()
        throw new Error('a fault')
      }
    }
    if (!autoResolve && random.chance(0.8)) resolve(offsets.length)
    end()
  }
  meddle(world, partition, payload)
  if (random.chance(0.7)) return work()
  if (!autoResolve) resolve(1 + random.below(offsets.length))
  end()
}

/** A producer of dead letters, which may be refused. @param {any} random @param {() => World} where */
const deadLetters = (random, where) => ({
  connect: async () => {},
  disconnect: async () => {},
  send: async ({ messages }) => {
    const world = where()
    if (random.chance(0.5)) await world.work()
    if (random.chance(0.3)) throw new Error('refused')
    for (const { headers } of messages) {
      world.leavesOut(Number(headers[HEADERS.partition]), Number(headers[HEADERS.offset]))
    }
  }
})

const KINDS = {
  eachMessage: (random, where) => ({
    run: { partitionsConsumedConcurrently: 1 + random.below(3) },
    eachMessage: eachMessageOf(where, inOrder)
  }),
  eachBatch: (random, where) => {
    const eachBatchAutoResolve = random.chance(0.6)
    return {
      run: { partitionsConsumedConcurrently: 1 + random.below(3), eachBatchAutoResolve },
      eachBatch: eachBatchOf(where, eachBatchAutoResolve)
    }
  },
  onFailure: (random, where) => {
    const isBatch = random.chance(0.4)
    const verdicts = isBatch
      ? [true, 'retry', 'deadLetter']
      : [true, true, 'retry', 'deadLetter', 'skip']
    const when = async (_, { partition, offset }) => {
      if (random.chance(0.3)) await where().work()
      const verdict = random.pick(verdicts)
      if (verdict === 'skip') where().leavesOut(partition, Number(offset))
      return verdict
    }
    const given = { retries: 1, backoff: 5, deadLetterTopic: 'dead', when }
    return {
      run: {
        partitionsConsumedConcurrently: 1 + random.below(3),
        onFailure: failureOptions(given, { groupId: 'g', autoCommit: true })
      },
      createProducer: () => deadLetters(random, where),
      ...(isBatch
        ? { eachBatch: eachBatchOf(where, true) }
        : { eachMessage: eachMessageOf(where, inOrder) })
    }
  },
  parallel: (random, where) => {
    const limit = 1 + random.below(4)
    const orderBy = random.pick(['key', 'partition', 'none'])
    const orderOf = ({ key }) => (orderBy === 'partition' ? '' : orderBy === 'key' ? key : null)
    const check = (world, partition, { offset }) => {
      const atWork = world.accounts.reduce((sum, account) => sum + account.atWork.size, 0)
      if (atWork >= limit) world.fail(`more than ${limit} handlers`)
      const { messages } = world.logs[partition]
      const { start, done, atWork: own } = world.accounts[partition]
      const at = Number(offset)
      if (done.has(at) || own.has(at)) world.fail(`${partition} ${at} is handed out twice`)
      const order = orderOf(messages.find(message => message.offset === at))
      if (order === null) return
      const isOpen = message =>
        message.offset >= start && message.offset < at && !done.has(message.offset)
      const first = messages.find(message => orderOf(message) === order && isOpen(message))
      if (first) world.fail(`${partition}: ${at} comes before ${first.offset} of ${order}`)
    }
    return {
      run: {
        partitionsConsumedConcurrently: 256,
        messagesConsumedConcurrently: limit,
        orderBy
      },
      eachMessage: eachMessageOf(where, check)
    }
  }
}

describe.each(Object.entries(KINDS))('%s', (kind, kindOf) => {
  const seeds = Array.from({ length: SEEDS }, (_, n) => FIRST + n)

  it('handles each message, in its order, whatever happens', async () => {
    for (const seed of seeds) {
      const random = createRandom(seed * 7919)
      const partitions = 1 + random.below(4)
      const options = deserializers(random, () => world)
      /** @type {World} */
      const world = new World(seed, { partitions, options, ...kindOf(random, () => world) })
      world.isNervous = random.chance(0.5)
      await world.start(world.logs.map((_, partition) => partition))
      for (let n = 0; n < STEPS; n++) await step(world)
      if (random.chance(0.3)) {
        await world.stop()
        continue
      }
      await world.rest()
      if (world.engine.drain !== null) world.fail('partitions are not given up')
      world.engine.assign(world.logs.map((_, partition) => partition))
      await world.rest()
      world.check()
      await world.stop()
    }
  })
})

it('parallel: a partition is given up although all handlers are at work for another', async () => {
  const atWork = /** @type {number[]} */ ([])
  const world = new World(1, {
    partitions: 2,
    run: { partitionsConsumedConcurrently: 256, messagesConsumedConcurrently: 2, orderBy: 'none' },
    eachMessage: async ({ partition }) => {
      atWork.push(partition)
      await world.work()
    }
  })
  world.resolves = () => {}
  world.commits = () => {}
  for (const log of world.logs) {
    for (let n = 0; n < 4; n++) log.messages.push({ offset: log.end++, key: null })
  }
  await world.start([0, 1])
  for (const slot of world.engine.assigned()) world.engine.fetch(slot, 4, false)
  while (world.told.length > 0) await world.hear()
  // Partition 1 has a lane, and waits for a handler.
  expect(atWork).toEqual([0, 0])
  expect(world.engine.slots.get(1)?.lane).not.toBe(null)
  let isGone = false
  world.engine.revoke([world.engine.slots.get(1)], () => (isGone = true))
  time.pass(100)
  await time.ring()
  expect(isGone).toBe(true)
  expect(world.jobs).toHaveLength(2)
})

describe('onFailure', () => {
  /** A handler that fails, and what `when` hears of the attempts. */
  const failing = async () => {
    const attempts = /** @type {number[]} */ ([])
    const when = (_, failed) => attempts.push(failed.attempts) > 0
    const onFailure = failureOptions({ when, backoff: 5 }, { groupId: 'g', autoCommit: true })
    const eachMessage = async () => {
      throw new Error('a fault')
    }
    const world = new World(1, { partitions: 1, run: { onFailure }, eachMessage })
    const [log] = world.logs
    log.messages.push({ offset: log.end++, key: null })
    await world.start([0])
    const come = async () => {
      world.fetch()
      while (world.told.length > 0) await world.hear()
    }
    const rest = async () => {
      for (let n = 0; n < 3; n++) await time.turn()
    }
    await come()
    await rest()
    expect(attempts).toEqual([1])
    time.pass(10)
    return { world, attempts, come, rest }
  }

  it('a handler that was not called, because of a pause, has not succeeded', async () => {
    const { world, attempts, come, rest } = await failing()
    // It is taken when the event loop has been kept for too long: others have their turn first.
    world.called = () => time.pass(10)
    await come()
    expect(world.engine.slots.get(0)?.lane).toBe(0)
    world.runner.pause([{ topic: 't' }])
    await rest()
    expect(attempts).toEqual([1])
    world.called = () => {}
    world.runner.resume([{ topic: 't' }])
    await come()
    await rest()
    expect(attempts).toEqual([1, 2])
  })

  it('a partition that was another member’s in between begins anew', async () => {
    const { world, attempts, come, rest } = await failing()
    world.engine.lose(world.engine.assigned())
    world.engine.assign([])
    while (world.told.length > 0) await world.hear()
    world.engine.assign([0])
    await come()
    await rest()
    expect(attempts).toEqual([1, 1])
  })
})

it('parallel: a message that fails counts its attempts on when its partition was paused in between', async () => {
  let attempts = 0
  const world = new World(1, {
    partitions: 1,
    retry: { retries: 2 },
    run: { partitionsConsumedConcurrently: 256, messagesConsumedConcurrently: 2, orderBy: 'key' },
    eachMessage: async ({ pause }) => {
      attempts++
      void time.promises.setTimeout(5).then(pause())
      throw new Error('a fault')
    }
  })
  const [log] = world.logs
  log.messages.push({ offset: log.end++, key: 'a' })
  await world.start([0])
  for (let n = 0; n < 20; n++) {
    world.fetch()
    while (world.told.length > 0) await world.hear()
    await time.turn()
    time.pass(5)
    await time.ring()
  }
  expect(attempts).toBe(3)
  expect(world.crashes).toMatchObject([{ name: 'KafkaJSNumberOfRetriesExceeded' }])
})

it('eachBatch: what was left early because the batch was stale comes again, also when it is not stale after all', async () => {
  const batches = /** @type {number[][]} */ ([])
  const world = new World(1, {
    partitions: 1,
    run: {},
    eachBatch: async ({ batch, isStale, resolveOffset }) => {
      batches.push(batch.messages.map(({ offset }) => Number(offset)))
      resolveOffset(batch.messages[0].offset)
      await world.work()
      if (isStale()) await world.work()
    }
  })
  world.resolves = () => {}
  world.commits = () => {}
  const [log] = world.logs
  for (let n = 0; n < 3; n++) log.messages.push({ offset: log.end++, key: null })
  await world.start([0])
  const [slot] = world.engine.assigned()
  world.engine.fetch(slot, 3, false)
  await world.hear()
  while (world.told.length > 0) await world.hear()
  world.interrupt()
  await world.goOn()
  world.engine.reassure()
  await world.goOn()
  expect(slot.resolved).toBe(1)
  await world.rest()
  expect(batches).toEqual([
    [0, 1, 2],
    [1, 2]
  ])
})
