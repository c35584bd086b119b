'use strict'

/**
 * A runner over the engine of `engine.js`, and a ledger of what became of each message. Whatever is done in the program's name goes
 * through here; what must never happen is thrown at once, with the seed and the last steps.
 */

const native = require('../../src/native')
const Runner = require('../../src/consumer/runner')
const { createDeserialization } = require('../../src/consumer/deserialization')
const { random: createRandom } = require('../chaos/random')
const { Engine } = require('./engine')
const time = require('./virtualTime')

const silent = () => {
  const logger = { namespace: () => logger, setLogLevel() {} }
  for (const level of ['error', 'warn', 'info', 'debug']) logger[level] = () => {}
  return logger
}

/** What has become of a partition's messages, as the program sees it. */
class Account {
  constructor() {
    /** Changes when messages from before have no say any more: a seek, another assignment. */
    this.epoch = 0
    /** Where this epoch began. */
    this.start = 0
    /** What is handled in this epoch. @type {Set<number>} */
    this.done = new Set()
    /** What is being handled. @type {Set<number>} */
    this.atWork = new Set()
    /** In which epoch each was handed to a handler last. @type {Map<number, number>} */
    this.handed = new Map()
    /** What was ever handled. @type {Set<number>} */
    this.ever = new Set()
    /** What the program has sought past. @type {Set<number>} */
    this.passed = new Set()
    /** The session may have been over: what was handled then may come once more. */
    this.isExcused = false
  }
}

class World {
  /**
   * @param {number} seed
   * @param {{ partitions: number, run: object, options?: any, eachMessage?: any, eachBatch?: any, createProducer?: any, retry?: any }} setup
   */
  constructor(seed, { partitions, run, options = {}, retry = {}, ...handlers }) {
    this.seed = seed
    this.random = createRandom(seed)
    this.steps = /** @type {string[]} */ ([])
    this.logs = Array.from({ length: partitions }, () => ({ messages: [], end: 0 }))
    this.accounts = this.logs.map(() => new Account())
    /** What the group has. @type {Map<number, { offset: number, finished: [number, number][] }>} */
    this.committed = new Map()
    /** What handlers wait for. @type {(() => void)[]} */
    this.jobs = []
    this.told = /** @type {any[]} */ ([])
    this.crashes = /** @type {any[]} */ ([])
    /** Does the engine do things of its own in the middle of JavaScript's calls? */
    this.isNervous = false
    /** Does nobody do anything but what he has begun? */
    this.isCalm = false
    this.isOver = false
    /** @type {Engine} */
    this.engine = /** @type {any} */ (null)
    time.start()
    const world = this
    native.NativeConsumer = /** @type {any} */ (
      class extends Engine {
        constructor(client, given, cells, notify) {
          super(client, given, cells, told => world.told.push({ told, notify }))
        }
      }
    )
    const logger = /** @type {any} */ (silent())
    this.runner = new Runner({
      eachMessage: handlers.eachMessage,
      eachBatch: handlers.eachBatch,
      createProducer: handlers.createProducer,
      run: {
        autoCommit: true,
        partitionsConsumedConcurrently: 1,
        eachBatchAutoResolve: true,
        ...run
      },
      cluster: { native: this, getNodeIds: () => [] },
      groupId: 'g',
      options: { heartbeatInterval: 3000, maxQueuedBytes: 100_000, ...options },
      deserialization: createDeserialization(options, logger),
      assigners: [],
      retry: { retries: 1e9, initialRetryTime: 5, maxRetryTime: 20, factor: 0, ...retry },
      logger,
      emitter: { listens: () => false, watch: () => () => {}, emit() {} },
      onCrash: error => this.crashes.push(error)
    })
  }

  /** @param {string} what @returns {never} */
  fail(what) {
    const error = new Error(`seed ${this.seed}: ${what}\n${this.steps.slice(-30).join('\n')}`)
    this.failure ??= error
    throw error
  }

  // ---- what the engine asks

  now() {
    return time.now()
  }

  hasRoom() {
    return !this.random.chance(0.2)
  }

  /** JavaScript has called the engine, whose threads do what they like meanwhile. */
  called() {
    if (!this.isNervous || !this.random.chance(0.02)) return
    this.isNervous = false
    if (this.engine.isExpired) this.engine.reassure()
    else this.interrupt()
    this.isNervous = true
  }

  /** Delivery begins here. @param {number} partition @param {number} offset @param {boolean} isSought by the program */
  begins(partition, offset, isSought) {
    const account = this.accounts[partition]
    const { finished = [] } = (!isSought && this.committed.get(partition)) || {}
    const done = finished.flatMap(([from, to]) =>
      Array.from({ length: to - from }, (_, n) => from + n)
    )
    Object.assign(account, { epoch: account.epoch + 1, start: offset, done: new Set(done) })
    if (!isSought) return
    for (const { offset: at } of this.logs[partition].messages) {
      if (at < offset) account.passed.add(at)
    }
  }

  /** The engine takes all before `next` and what is in these ranges for handled. */
  resolves(partition, next, finished) {
    const { start, done } = this.accounts[partition]
    for (const { offset } of this.logs[partition].messages) {
      const isBefore = offset >= start && offset < next
      const isIn = finished.some(([from, to]) => offset >= from && offset < to)
      if ((isBefore || isIn) && !done.has(offset)) {
        this.fail(`${partition}: ${offset} is not handled, and resolved by ${next}`)
      }
    }
  }

  commits(partition, offset, finished) {
    this.steps.push(`commit ${partition} ${offset} ${JSON.stringify(finished)}`)
    const { ever, passed } = this.accounts[partition]
    for (const message of this.logs[partition].messages) {
      const at = message.offset
      if (at < offset && !ever.has(at) && !passed.has(at)) {
        this.fail(`${partition}: ${at} is not handled, and committed by ${offset}`)
      }
    }
    this.committed.set(partition, { offset, finished: finished.map(range => [...range]) })
  }

  // ---- what the ledger knows

  /** The first message of the partition that is not handled. */
  firstOpen(partition) {
    const { start, done } = this.accounts[partition]
    const open = this.logs[partition].messages.find(
      ({ offset }) => offset >= start && !done.has(offset)
    )
    return open?.offset ?? this.logs[partition].end
  }

  /** A handler is about to get this message. @returns {() => void} to be called when it is handled */
  hand(partition, offset) {
    const account = this.accounts[partition]
    const { epoch } = account
    const slot = this.engine.slots.get(partition)
    const lane = slot?.lane == null ? null : this.engine.lanes[slot.lane]
    this.steps.push(`hand ${partition} ${offset}`)
    if (this.isOver) this.fail(`${partition} ${offset} is handed out behind the end`)
    if (!lane) this.fail(`${partition} ${offset} is handed out by no lane`)
    else if (lane.flags !== 0) {
      this.fail(`${partition} ${offset} is handed out in spite of its flags`)
    }
    account.atWork.add(offset)
    account.handed.set(offset, epoch)
    return () => {
      this.steps.push(`done ${partition} ${offset}`)
      account.ever.add(offset)
      if (account.epoch === epoch) account.done.add(offset)
    }
  }

  /** It cannot be read, and counts as handled. */
  leavesOut(partition, offset) {
    const { ever, done, epoch, handed } = this.accounts[partition]
    ever.add(offset)
    if ((handed.get(offset) ?? epoch) === epoch) done.add(offset)
  }

  /** Waits until a step says so. */
  work() {
    return new Promise(resolve => this.jobs.push(() => resolve(undefined)))
  }

  // ---- what a test does

  interrupt() {
    this.steps.push('interrupt')
    for (const account of this.accounts) account.isExcused = true
    this.engine.interrupt()
  }

  /** What the group does. */
  regroup() {
    const { random, engine } = this
    const what = random.below(6)
    if (what === 0) this.interrupt()
    else if (what < 3 && engine.isExpired) engine.reassure()
    else if (engine.drain !== null) return
    else if (what === 3) engine.assign(this.logs.map((_, partition) => partition))
    else {
      const some = engine.assigned().filter(() => random.chance(0.5))
      this.steps.push(`${what === 4 ? 'revoke' : 'lose'} ${some.map(slot => slot.partition)}`)
      if (what === 4) engine.revoke(some)
      else engine.lose(some)
    }
  }

  /** Messages are written. @param {number} partition @param {number} count */
  write(partition, count) {
    const log = this.logs[partition]
    for (let n = 0; n < count; n++) {
      // Control records, and what was compacted away.
      if (this.random.chance(0.15)) log.end += 1 + this.random.below(3)
      log.messages.push({ offset: log.end++, key: this.random.pick(['a', 'b', 'c', 'd', null]) })
    }
    if (this.random.chance(0.2)) log.end += 1
  }

  /** Something of what can be fetched is. */
  fetch() {
    const { engine, random } = this
    const slots = engine.assigned().filter(slot => engine.mayFetch(slot))
    if (slots.length === 0) return false
    engine.fetch(random.pick(slots), 1 + random.below(5), random.chance(0.5))
    return true
  }

  /** What the engine has said is heard. */
  async hear() {
    const { told, notify } = this.told.shift()
    notify(told)
    await time.settle()
  }

  /** One of the handlers goes on. */
  async goOn() {
    const { jobs, random } = this
    const [job] = jobs.splice(random.below(jobs.length), 1)
    job()
    await time.settle()
  }

  /** Begins with these partitions. @param {number[]} partitions */
  async start(partitions) {
    void this.runner.start(new Map([['t', { fromBeginning: true }]]), null)
    this.engine.assign(partitions)
    await time.settle()
  }

  /** Nobody does anything any more, and all that goes on by itself does. @param {() => Promise<any>} [help] */
  async rest(help = async () => false) {
    this.isNervous = false
    this.isCalm = true
    const { engine } = this
    if (engine.isExpired) engine.reassure()
    engine.resume('t', null)
    for (let idle = 0; idle < 5;) {
      let isBusy = false
      while (this.told.length > 0) {
        await this.hear()
        isBusy = true
      }
      while (this.jobs.length > 0) {
        await this.goOn()
        isBusy = true
      }
      while (engine.questions.length > 0) engine.answer()
      while (this.fetch()) isBusy = true
      await time.turn()
      isBusy = (await help()) || isBusy
      time.pass(20)
      await time.ring()
      idle = isBusy ? 0 : idle + 1
      if (this.failure) throw this.failure
    }
  }

  /** Ends, and must come to an end. */
  async stop() {
    let hasStopped = false
    const stopped = this.runner.stop().then(() => {
      hasStopped = true
      this.isOver = true
    })
    for (let n = 0; n < 100 && !hasStopped; n++) {
      await time.settle()
      while (this.told.length > 0) await this.hear()
      while (this.jobs.length > 0) await this.goOn()
      await time.turn()
      time.pass(20)
      await time.ring()
    }
    if (!hasStopped) this.fail('it does not stop')
    await stopped
    if (this.failure) throw this.failure
  }

  /** Is there a message that nobody has handled? */
  check() {
    if (this.failure) throw this.failure
    for (const [partition, { ever, passed }] of this.accounts.entries()) {
      for (const { offset } of this.logs[partition].messages) {
        if (!ever.has(offset) && !passed.has(offset)) this.fail(`${partition} ${offset} is lost`)
      }
    }
    if (this.crashes.length > 0) this.fail(`it has crashed: ${this.crashes[0].stack}`)
  }
}

module.exports = { World, createRandom }
