'use strict'

/**
 * Messages that are pulled, in random programs, which a seed decides: they are asked for one by one, in numbers, by iterators, of all
 * partitions or of some; whoever iterates leaves, also in the middle of a question; partitions are paused, sought, revoked, lost.
 * A message counts as handled when the next is asked for: each comes in its order, and nothing is resolved or committed before that.
 */

jest.mock('../../src/native', () => ({ NativeSiblings: class {} }))
jest.mock('node:timers', () => require('./virtualTime').callbacks)
jest.mock('node:timers/promises', () => require('./virtualTime').promises)

const time = require('./virtualTime')

jest.spyOn(Date, 'now').mockImplementation(() => time.now())

const { World, createRandom } = require('./world')
const { LANES, Puller } = require('../../src/consumer/puller')
const { createPull } = require('../../src/consumer/pull')

afterAll(() => jest.restoreAllMocks())

const SEEDS = Number(process.env.LANES_SEEDS) || 100
const FIRST = Number(process.env.LANES_FIRST) || 1
const STEPS = 200

/** A program that pulls, and what it has in hand. */
class Program {
  /** @param {number} seed @param {{ partitions?: number, options?: any }} [setup] */
  constructor(seed, { partitions = 1, options = {} } = {}) {
    this.puller = new Puller()
    const run = { puller: this.puller, partitionsConsumedConcurrently: LANES }
    this.world = new World(seed, { partitions, options, run })
    this.pull = createPull({ puller: this.puller, start: async () => {} })
    /** @type {{ partition: number, offset: number, epoch: number }[]} */
    this.hand = []
    this.iterators = /** @type {AsyncIterator<any>[]} */ ([])
    /** Whose question is open. @type {any} */
    this.asking = null
    this.hasSought = false
  }

  /** What was in hand is handled. */
  handle() {
    for (const { partition, offset, epoch } of this.hand) {
      const account = this.world.accounts[partition]
      account.ever.add(offset)
      if (account.epoch === epoch) account.done.add(offset)
    }
    this.hand = []
  }

  /** @param {any} message */
  got({ partition, offset }) {
    const { world } = this
    const at = Number(offset)
    const { start, done, epoch } = world.accounts[partition]
    const isIn = message =>
      this.hand.some(
        one => one.partition === partition && one.epoch === epoch && one.offset === message.offset
      )
    const isNext = message => message.offset >= start && !done.has(message.offset) && !isIn(message)
    const next = world.logs[partition].messages.find(isNext)
    world.steps.push(`got ${partition} ${at}`)
    if (next?.offset !== at) world.fail(`${partition}: ${at} comes before ${next?.offset}`)
    this.hand.push({ partition, offset: at, epoch })
  }

  /** Asks; at most one question is open. @param {any} who @param {() => Promise<any[]>} question */
  ask(who, question) {
    if (this.asking !== null) return
    this.asking = who
    this.world.steps.push('ask')
    this.handle()
    const ended = question().then(
      messages => {
        this.asking = null
        for (const message of messages) this.got(message)
      },
      error => {
        this.asking = null
        const { partition, offset, name } = error
        if (name !== 'KafkaJSDeserializationError') throw error
        const { world } = this
        world.steps.push(`unreadable ${partition} ${offset}`)
        // It is asked for once more.
        if (!world.isCalm && world.random.chance(0.5)) return
        world.leavesOut(partition, Number(offset))
        world.runner.seek({ topic: 't', partition, offset: String(Number(offset) + 1) })
        this.hasSought = true
      }
    )
    ended.catch(error => {
      this.world.failure ??= error
    })
  }

  next(iterator = this.iterators.at(-1)) {
    this.ask(iterator, async () => {
      const { value, done } = await iterator.next()
      this.iterators = this.iterators.filter(one => one !== iterator || !done)
      return done ? [] : [value]
    })
  }

  getOne(options) {
    this.ask(this, async () => {
      const message = await this.pull.getOne(options)
      return message === null ? [] : [message]
    })
  }

  getMany(options) {
    this.ask(this, async () => {
      const batches = await this.pull.getMany(options)
      return batches.flatMap(({ messages }) => messages)
    })
  }

  /** Who leaves takes nothing along: what is in hand comes again. @param {AsyncIterator<any>} iterator */
  leave(iterator) {
    this.world.steps.push(iterator === this.asking ? 'leaves while it asks' : 'leaves')
    this.iterators = this.iterators.filter(one => one !== iterator)
    this.hand = []
    void (this.world.random.chance(0.5)
      ? iterator.return?.(undefined)
      : iterator.throw?.(new Error('a fault')).catch(() => {}))
  }

  /** Something that a program does. */
  act() {
    const { world, iterators } = this
    const { random, runner } = world
    const partition = random.below(world.logs.length)
    const partitions = random.chance(0.2) ? [{ topic: 't', partition }] : undefined
    const timeout = random.pick([undefined, 0, 5])
    const what = random.below(16)
    if (what < 3) this.getOne({ timeout, partitions })
    else if (what < 6) this.getMany({ timeout, partitions, maxRecords: 1 + random.below(6) })
    else if (what < 7) iterators.push(this.pull.iterator())
    else if (what < 11 && iterators.length > 0) this.next(random.pick(iterators))
    else if (what === 11 && iterators.length > 0) this.leave(random.pick(iterators))
    else if (what === 12) runner.pause([{ topic: 't', partitions: [partition] }])
    else if (what === 13) runner.resume([{ topic: 't' }])
    else if (what === 14 && random.chance(0.3)) {
      const offset = random.below(world.logs[partition].end + 1)
      world.steps.push(`seek ${partition} ${offset}`)
      runner.seek({ topic: 't', partition, offset })
    } else if (what === 15) void runner.commits.commitHandled().catch(() => {})
  }

  /** Something that goes on around it. */
  async step() {
    const { world } = this
    const { random, engine } = world
    const what = random.below(20)
    if (what < 3) world.write(random.below(world.logs.length), 1 + random.below(6))
    else if (what < 7) world.fetch()
    else if (what < 9 && world.told.length > 0) await world.hear()
    else if (what < 15) this.act()
    else if (what === 15 && random.chance(0.4)) world.regroup()
    else if (what === 16) {
      time.pass(1 + random.below(6))
      await time.ring()
    } else if (what === 17) engine.commitResolved()
    else await time.turn()
    await time.settle()
    if (world.failure) throw world.failure
  }

  /** All that can be had. */
  async rest() {
    await this.world.rest(async () => {
      if (this.asking === this) this.puller.endWait()
      else if (this.asking !== null) this.leave(this.asking)
      await time.settle()
      const before = this.hand.length
      this.hasSought = false
      this.getMany({ timeout: 0 })
      await time.settle()
      return this.hand.length > 0 || before > 0 || this.hasSought
    })
    // The last ones are handled as well.
    this.getMany({ timeout: 0 })
    await this.world.rest()
  }
}

const seeds = Array.from({ length: SEEDS }, (_, n) => FIRST + n)

it('each message comes in its order, and counts as handled when the next is asked for, whatever happens', async () => {
  for (const seed of seeds) {
    const random = createRandom(seed * 104_729)
    const program = new Program(seed, {
      partitions: 1 + random.below(5),
      options: optionsOf(random, () => program)
    })
    const { world } = program
    const all = world.logs.map((_, partition) => partition)
    world.isNervous = random.chance(0.5)
    await world.start(all)
    for (let n = 0; n < STEPS; n++) await program.step()
    if (random.chance(0.2)) {
      await world.stop()
      continue
    }
    await program.rest()
    if (world.engine.drain !== null) world.fail('partitions are not given up')
    world.engine.assign(all)
    await program.rest()
    world.check()
    await world.stop()
  }
})

/** @param {any} random @param {() => Program} where */
const optionsOf = (random, where) => {
  const read = ({ data }) => {
    if (String(data) === 'd') throw new Error('unreadable')
    return data
  }
  const skip = (_, { partition, offset }) => {
    where().world.leavesOut(partition, Number(offset))
    return 'skip'
  }
  return {
    keyDeserializer: random.pick([undefined, undefined, read, async data => read(data)]),
    onDeserializationError: random.pick(['fail', skip])
  }
}

/** So many messages in each partition, for a program of which no ledger is kept. */
const withMessages = async (count, setup) => {
  const program = new Program(1, setup)
  const { world } = program
  world.resolves = () => {}
  world.commits = (partition, offset) => world.committed.set(partition, { offset, finished: [] })
  for (const log of world.logs) {
    for (let n = 0; n < count; n++) log.messages.push({ offset: log.end++, key: null })
  }
  await world.start(world.logs.map((_, partition) => partition))
  return program
}

/** What is fetched is there. */
const fetched = async (world, partition, count) => {
  world.engine.fetch(world.engine.slots.get(partition), count, false)
  while (world.told.length > 0) await world.hear()
}

const offsetOf = message => Number(message.offset)

/** Leaves, and has what was handled committed. */
const leave = async (world, messages) => {
  const left = messages.return(undefined)
  await time.settle()
  world.engine.answer()
  while (world.told.length > 0) await world.hear()
  await left
}

it('who leaves while his question waits for its turn takes no message along', async () => {
  const { world, pull } = await withMessages(4)
  await fetched(world, 0, 4)
  const messages = pull.iterator()
  expect(offsetOf((await messages.next()).value)).toBe(0)
  // Longer than a turn of the event loop may last: others have theirs first.
  await time.settle()
  time.pass(10)
  const next = messages.next()
  await time.settle()
  await leave(world, messages)
  await time.turn()
  expect(await next).toEqual({ value: undefined, done: true })
  const again = pull.getOne()
  await world.rest()
  expect(offsetOf(await again)).toBe(1)
})

it('who leaves while a deserializer is at work takes no message along', async () => {
  const reads = []
  const keyDeserializer = () => new Promise((resolve, reject) => reads.push({ resolve, reject }))
  const { world, pull } = await withMessages(0, {
    options: { keyDeserializer, onDeserializationError: 'skip' }
  })
  for (const offset of [0, 1, 2]) world.logs[0].messages.push({ offset, key: 'k' })
  world.logs[0].end = 3
  await fetched(world, 0, 3)
  const messages = pull.iterator()
  const next = messages.next()
  await time.settle()
  await leave(world, messages)
  // It is left out, and the question, if it went on, would have the one behind it.
  reads.shift().reject(new Error('unreadable'))
  await time.settle()
  for (const { resolve } of reads) resolve('k')
  expect(await next).toEqual({ value: undefined, done: true })
  reads.length = 0
  const again = pull.getOne()
  await world.rest(async () => {
    reads.splice(0).forEach(({ resolve }) => resolve('k'))
    return false
  })
  expect(offsetOf(await again)).toBe(0)
})

it('an iterator of a run that has ended has nothing of the next one', async () => {
  const { world, pull, puller } = await withMessages(4)
  await fetched(world, 0, 4)
  const before = pull.iterator()
  expect(offsetOf((await before.next()).value)).toBe(0)
  // As `stop()` and another run do.
  puller.over(null)
  puller.ended = null
  const after = pull.iterator()
  expect(offsetOf((await after.next()).value)).toBe(1)
  expect(await before.next()).toEqual({ value: undefined, done: true })
  world.engine.commitResolved()
  expect(world.committed.get(0)?.offset).toBe(1)
})

it('what is left of a partition comes before more of others', async () => {
  const { world, pull } = await withMessages(20, { partitions: 2 })
  await fetched(world, 0, 3)
  await fetched(world, 1, 3)
  const [first, second] = await pull.getMany({ maxRecords: 4 })
  expect([first.messages.length, second.messages.length]).toEqual([3, 1])
  await fetched(world, 0, 3)
  expect(await pull.getOne()).toMatchObject({ partition: 1, offset: '1' })
})

it('what is left of a partition goes with the next question when the partition goes', async () => {
  const { world, pull } = await withMessages(20, { partitions: 2 })
  await fetched(world, 0, 3)
  await fetched(world, 1, 3)
  await pull.getMany({ maxRecords: 4 })
  await fetched(world, 0, 3)
  await pull.getOne()
  let isGone = false
  world.engine.revoke([world.engine.slots.get(1)], () => (isGone = true))
  await pull.getOne()
  expect(isGone).toBe(true)
})

it('nothing is handed out of what may be another member’s since the process stood still', async () => {
  const { world, pull, puller } = await withMessages(4)
  await fetched(world, 0, 4)
  const messages = pull.iterator()
  await messages.next()
  // The sleep is over, the event loop turns, and the engine says so when it is asked.
  time.pass(60_000)
  const { engine } = world
  engine.progress = () => engine.interrupt()
  puller.wakeOnce()
  const next = messages.next()
  await time.settle()
  let hasCome = false
  void next.then(() => (hasCome = true))
  await time.settle()
  expect(hasCome).toBe(false)
  await leave(world, messages)
  expect(await next).toMatchObject({ done: true })
})

it('what comes again is not what the program has written into it', async () => {
  const { world, pull } = await withMessages(0)
  for (const offset of [0, 1]) world.logs[0].messages.push({ offset, key: 'k' })
  world.logs[0].end = 2
  world.hasRoom = () => true
  await fetched(world, 0, 2)
  const messages = pull.iterator()
  const { value } = await messages.next()
  value.key.fill(0)
  await leave(world, messages)
  const again = pull.getOne()
  await world.rest()
  expect(String((await again).key)).toBe('k')
})

it('a timeout counts while the group is joined, too', async () => {
  const puller = new Puller()
  const pull = createPull({ puller, start: () => new Promise(() => {}) })
  time.start()
  /** Ends in time. @param {Promise<any>} asked */
  const inTime = async asked => {
    for (const ms of [5, 1]) {
      time.pass(ms)
      await time.ring()
    }
    return asked
  }
  expect(await inTime(pull.getOne({ timeout: 5 }))).toBe(null)
  expect(await inTime(pull.getMany({ timeout: 5 }))).toEqual([])
})

it('one call asks at a time, also while the group is joined', async () => {
  const pull = createPull({ puller: new Puller(), start: () => new Promise(() => {}) })
  void pull.getOne()
  await expect(pull.getMany()).rejects.toThrow(/one call at a time/)
})
