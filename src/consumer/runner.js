// @ts-check
'use strict'

/**
 * The runner: one membership of the group, from join to leave, and the lanes that feed the user's handler.
 *
 * The engine drives itself (heartbeats, fetching, commits, rebalances); the runner takes what is ready, and turns the
 * engine's events into kafkajs's.
 */

const { setImmediate } = require('node:timers')
const { setTimeout: delay } = require('node:timers/promises')
const workerThreads = require('node:worker_threads')
const native = require('../native')
const { KafkaJSError, KafkaJSNonRetriableError, isRebalancing, unwrap } = require('../errors')
const { commitOptions } = require('../config')
const { events } = require('../events')
const { createErrorFromCode } = require('../protocol/error')
const Long = require('../utils/long')
const { createEngineLog } = require('../loggers')
const { Backoff, crashOf } = require('../retry')
const { createCells, GROUP_ERROR, SLAB_SIZE } = require('./cells')
const { range } = require('./batch')
const Handlers = require('./context')
const { Delivery } = require('./delivery')
const { Lane } = require('./lane')
const { Membership } = require('./membership')
const { Necessity } = require('./necessity')
const { Turn } = require('./turn')

/** Slabs that the engine holds besides one per lane: being filled, and ready. */
const SPARE_SLABS = 4
const MOST_SLABS = 16
/** Errors that end the consumer as they are, retried or wrapped by nobody. */
const FINAL = new Set(['KafkaJSNotImplemented', 'KafkaJSNoBrokerAvailableError'])
/** How long a handler's `stop()` waits for that handler, which may be waiting for it, ms. */
const PATIENCE = 100
/** A delivery that is not in a slab has `-(bytes + 1)` as its number. */
const NOTHING = -1
/** One that is kept has its number there and this. */
const KEPT = 2 ** 32
/** What `notify` is called with when there may be something to take. */
const WAKE = -1
const DONE = Promise.resolve()

/** Tracers replace this class by the export of this file, and `eachMessage` and `eachBatch` of what it is given. */
class Runner {
  constructor({ eachMessage, eachBatch, run, cluster, groupId, options, assigners, ...rest }) {
    const { retry, logger, emitter, onCrash } = rest
    this.cluster = cluster
    this.groupId = groupId
    this.options = options
    this.membership = new Membership({ cluster, groupId, options, assigners, logger, emitter })
    this.retry = retry
    this.emitter = emitter
    this.onCrash = onCrash
    this.logger = logger.namespace('Runner')
    this.engineLog = createEngineLog(logger)

    this.handlers = new Handlers(eachMessage || eachBatch)
    this.handlers.look()
    this.hasHandler = Boolean(eachMessage || eachBatch)
    this.eachMessage = eachMessage
    this.eachBatch = eachBatch
    this.run = run
    this.autoResolve = run.eachBatchAutoResolve
    this.copyValues = options.copyValues
    const lanes = run.partitionsConsumedConcurrently
    this.cells = createCells(lanes)
    this.lanes = Array.from({ length: lanes }, (_, number) => new Lane(this, number))
    this.necessity = new Necessity(this.cells, lanes, run)
    /** @type {Map<number, Uint8Array>} by number: given to the engine, not yet taken */
    this.slabs = new Map()
    /** What lanes have let go of, by number: until a `take` goes on with it, or it is void. @type {Map<number, Delivery>} */
    this.kept = new Map()
    /** @type {Map<number, { topic: string, partition: number }>} */
    this.slots = new Map()
    /** @type {Map<string, Backoff>} by partition: handlers that failed and have not succeeded since */
    this.failures = new Map()
    this.hasFailed = false

    this.running = false
    /** @type {any} the engine's consumer, once started */
    this.consumer = null
    /** Commands that came before the start. */
    this.early = []
    /** The engine's consumer as soon as it has started; null if it never will. @type {Promise<any>} */
    this.started = new Promise(resolve => {
      this.hasStarted = resolve
    })
    /** @type {Promise<void> | null} */
    this.stopping = null
    this.over = false
    this.crashed = false
    this.joined = () => {}
    this.joinFailed = /** @type {(error: any) => void} */ (() => {})

    /** Where the engine writes slots and offsets. */
    this.uncommitted = new BigInt64Array(32)
    /** What the engine has been asked and has not answered yet. @type {Map<number, (failure: any) => void>} */
    this.questions = new Map()
    this.turn = new Turn(() => this.progress())
    /** Is it time to ask the engine for a heartbeat? A timer says so: reading the clock costs more than the rest. */
    this.heartbeatDue = false
    /** @type {NodeJS.Timeout | undefined} */
    this.heartbeatTimer = undefined
    /** @type {Promise<void> | null} shared by all who wait for the same one */
    this.beating = null
    /** Called for every message by many: too early, it makes not even a promise. @type {() => Promise<void>} */
    this.heartbeat = () => {
      if (this.turn.isDue()) this.turn.look()
      return this.cells[GROUP_ERROR] === 0 && !this.heartbeatDue ? DONE : this.beat()
    }
  }

  /**
   * Joins the group; resolves with the first assignment.
   * @param {Map<string, { fromBeginning: boolean }>} topics
   * @returns {Promise<void>} rejects with the error of a join that failed for good
   */
  start(topics) {
    return new Promise((resolve, reject) => {
      if (this.stopping) return resolve()
      this.joined = resolve
      this.joinFailed = reject
      this.consumer = new native.NativeConsumer(
        this.cluster.native,
        this.engineOptions(),
        this.cells,
        event => this.hear(event)
      )
      this.running = true
      const due = () => (this.heartbeatDue = true)
      this.heartbeatTimer = setTimeout(due, this.options.heartbeatInterval).unref()
      this.membership.start(this.consumer, topics)
      for (const command of this.early.splice(0)) command(this.consumer)
      const slabs = Math.min(this.lanes.length + SPARE_SLABS, MOST_SLABS)
      for (let i = 0; i < slabs; i++) this.give()
      this.consumer.start(toNativeTopics(topics))
      this.hasStarted(this.consumer)
      this.wake()
    })
  }

  /** Joins again for these topics. @param {Map<string, { fromBeginning: boolean }>} topics */
  subscribe(topics) {
    this.membership.topics = topics
    this.consumer?.start(toNativeTopics(topics))
  }

  /**
   * Current messages finish, resolved offsets are committed, the group is left. Idempotent. A handler that asks is not
   * waited for (it would wait for itself), unless it turns out soon that it does not wait for this.
   */
  stop() {
    const fromHandler = this.handlers.areCalling()
    this.stopping ??= this.end()
    return fromHandler ? Promise.race([this.stopping, delay(PATIENCE)]) : this.stopping
  }

  async end() {
    this.running = false
    try {
      if (this.consumer) await this.consumer.stop()
      const { memberId } = this.membership
      if (memberId && !this.crashed) {
        this.logger.info('consumer not running, exiting', { groupId: this.groupId, memberId })
      }
    } finally {
      this.over = true
      this.kept.clear()
      clearTimeout(this.heartbeatTimer)
      this.membership.end()
      this.hasStarted(this.consumer)
      this.joined()
    }
  }

  // ---- commands

  seek({ topic, partition, offset }) {
    this.necessity.forget()
    this.command(consumer => consumer.seek(topic, Number(partition), String(offset)))
  }

  pause(topicPartitions) {
    this.membership.tellFetching('Pausing', topicPartitions)
    for (const { topic, partitions } of topicPartitions) {
      this.command(consumer => consumer.pause(topic, partitions?.map(Number) ?? null))
    }
  }

  resume(topicPartitions) {
    this.membership.tellFetching('Resuming', topicPartitions)
    for (const { topic, partitions } of topicPartitions) {
      this.command(consumer => consumer.resume(topic, partitions?.map(Number) ?? null))
    }
  }

  paused() {
    if (!this.consumer) return []
    return this.membership
      .inOrder(this.consumer.paused())
      .map(({ topic, partitions }) => ({ topic, partitions: [...partitions] }))
  }

  command(command) {
    if (this.consumer) command(this.consumer)
    else this.early.push(command)
  }

  /**
   * The consumer's method: its errors look like those of kafkajs's retrier. (The engine has made the retries.)
   * @param {ReturnType<typeof commitOptions>} offsets
   */
  async commitOffsets(offsets) {
    const written = offsets.map(({ partition, offset, metadata }) => ({
      partition,
      offset: Long.fromValue(offset),
      metadata
    }))
    try {
      await this.commitThese(offsets, written)
    } catch (error) {
      const backoff = new Backoff(this.retry)
      backoff.spend()
      throw backoff.verdict(error)
    }
  }

  /**
   * The payload's method: given offsets at once, else what interval and threshold say. Called for every message by many: when
   * nothing is due it makes neither a native call nor a promise.
   */
  commitOffsetsIfNecessary(offsets) {
    if (offsets) return this.commitGiven(offsets)
    // A handler that outlived the consumer: nothing is necessary any more.
    if (this.over || !this.necessity.mayBe()) return DONE
    return this.commitIfNecessary()
  }

  async commitIfNecessary() {
    if (!this.consumer.isCommitNecessary()) return this.necessity.denied()
    try {
      unwrap(await this.answerTo(this.consumer.commitIfNecessary()), this.options)
    } finally {
      this.necessity.forget()
    }
  }

  async commitGiven(offsets) {
    if (!offsets.topics) return this.commit(null)
    const given = offsets.topics.flatMap(({ topic, partitions }) =>
      partitions.map(written => ({ topic, written }))
    )
    await this.commitThese(
      commitOptions(given.map(({ topic, written }) => ({ ...written, topic }))),
      given.map(({ written }) => ({ ...written }))
    )
  }

  /**
   * @param {ReturnType<typeof commitOptions>} offsets
   * @param {object[]} written how the user put each of them, for COMMIT_OFFSETS
   */
  async commitThese(offsets, written) {
    const topics = new Map()
    for (const { topic, ...offset } of offsets) {
      if (!topics.has(topic)) topics.set(topic, { topic, partitions: [] })
      topics.get(topic).partitions.push(offset)
    }
    const forget = this.membership.committing(offsets, written)
    try {
      await this.commit([...topics.values()])
    } finally {
      forget()
    }
  }

  async commit(topics) {
    if (topics && topics.length === 0) return
    const consumer = await this.started
    if (!consumer) {
      throw new KafkaJSNonRetriableError('The consumer was stopped before it could commit')
    }
    try {
      unwrap(await this.answerTo(consumer.commit(topics)), this.options)
    } finally {
      this.necessity.forget()
    }
  }

  /**
   * What the engine answers, in the order of its events: COMMIT_OFFSETS goes before the end of the commit.
   * @param {any} asked the number of the question, or why it will not be answered
   * @returns {Promise<any>} null or a failure
   */
  answerTo(asked) {
    if (typeof asked !== 'number') return Promise.resolve(asked)
    return new Promise(resolve => this.questions.set(asked, resolve))
  }

  /** Called for every message by some. */
  uncommittedOffsets() {
    const count = this.consumer.uncommitted(this.uncommitted)
    if (count > this.uncommitted.length) {
      this.uncommitted = new BigInt64Array(count)
      return this.uncommittedOffsets()
    }
    /** @type {{ topic: string, partitions: { partition: string, offset: string }[] }[]} */
    const topics = []
    let last = topics[0]
    for (let i = 0; i < count; i += 2) {
      const { topic, partition } = this.slot(Number(this.uncommitted[i]))
      if (topic !== last?.topic) topics.push((last = { topic, partitions: [] }))
      last.partitions.push({
        partition: String(partition),
        offset: String(this.uncommitted[i + 1])
      })
    }
    return { topics: topics.length > 1 ? this.membership.inOrder(topics) : topics }
  }

  // ---- what lanes need

  /** @param {number} lane @returns {Delivery | null} */
  take(lane) {
    const { consumer } = this
    if (!this.running || this.crashed || !this.hasHandler) return null
    const taken = consumer.take(lane)
    if (taken === NOTHING) return null
    if (taken < NOTHING) {
      const staged = untransferable(new Uint8Array(new ArrayBuffer(-taken - 1)))
      consumer.takeStaged(lane, staged)
      return new Delivery(staged, this.copyValues)
    }
    if (taken >= KEPT) {
      const kept = this.kept.get(taken - KEPT)
      this.kept.delete(taken - KEPT)
      return kept ?? null
    }
    const slab = this.slabs.get(taken)
    this.slabs.delete(taken)
    this.give()
    return slab ? new Delivery(slab, this.copyValues) : null
  }

  give() {
    const slab = untransferable(Buffer.allocUnsafeSlow(this.cells[SLAB_SIZE]))
    this.slabs.set(this.consumer.give(slab), slab)
  }

  /** The lane was asked to stop before its next message: a pause, above all. No handler has seen the rest. @param {Lane} lane */
  leave({ number, delivery, next }) {
    const kept = this.consumer.finish(number, -1)
    this.necessity.forget()
    if (kept === null) return
    delivery.leaveAt(next)
    this.kept.set(kept, delivery)
  }

  /** What is not resolved comes again, after `backoff` ms. */
  finish(lane, backoff) {
    this.consumer.finish(lane, backoff)
    this.necessity.forget()
  }

  resolve(lane, next) {
    this.necessity.forget()
    this.consumer.resolve(lane, next)
  }

  resolveReturned(slot, next) {
    this.necessity.forget()
    this.consumer.resolveReturned(slot, String(next))
  }

  /** The engine reads and writes the cells. */
  progress() {
    this.consumer.progress()
  }

  slot(number) {
    let slot = this.slots.get(number)
    if (!slot) {
      const { topic, partitions } = this.consumer.slot(number)
      slot = { topic, partition: partitions[0] }
      this.slots.set(number, slot)
    }
    return slot
  }

  async beat() {
    this.throwGroupError()
    this.beating ??= this.askForHeartbeat()
    await this.beating
    this.throwGroupError()
  }

  /** The engine knows whether one is due. */
  async askForHeartbeat() {
    this.heartbeatSeen()
    try {
      await this.answerTo(this.consumer.heartbeat())
    } finally {
      this.beating = null
    }
  }

  /** Listeners never see two that are closer than the interval. */
  heartbeatSeen() {
    this.heartbeatDue = false
    this.heartbeatTimer?.refresh()
  }

  throwGroupError() {
    const code = this.cells[GROUP_ERROR]
    if (code !== 0) throw createErrorFromCode(code, this.options)
  }

  /** The `pause` of a handler; called for every message by some. */
  pausing(topic, partition) {
    const topicPartitions = [{ topic, partitions: [partition] }]
    const resume = () => this.resume(topicPartitions)
    return () => {
      this.pause(topicPartitions)
      return resume
    }
  }

  // ---- batches and failures

  /** @param {Lane} lane */
  batchStarted(lane) {
    if (this.emitter.listens(events.START_BATCH_PROCESS)) {
      this.emitter.emit(events.START_BATCH_PROCESS, batchPayload(lane))
    }
    return Date.now()
  }

  /** @param {Lane} lane */
  batchEnded(lane) {
    if (this.emitter.listens(events.END_BATCH_PROCESS)) {
      const duration = Date.now() - lane.startedAt
      this.emitter.emit(events.END_BATCH_PROCESS, { ...batchPayload(lane), duration })
    }
  }

  /** A handler went through: its partition's failures are forgiven. @param {Lane} lane */
  succeeded(lane) {
    this.failures.delete(keyOf(lane))
    this.hasFailed = this.failures.size > 0
  }

  /**
   * @param {Lane} lane
   * @param {any} error
   * @returns {number} ms until the partition may be handed out again
   */
  handlerFailed(lane, error) {
    if (endsGeneration(error)) {
      // The engine knows, or the error is none of this group's: then at least not at once.
      return this.cells[lane.flagsAt] === 0 ? new Backoff(this.retry).retryTime : 0
    }
    const name = this.eachMessage ? 'eachMessage' : 'eachBatch'
    const { delivery, topic, partition } = lane
    if (error?.name === 'TypeError' && delivery.isGone()) {
      this.logger.warn('The memory of messages was transferred: the rest of them is read again', {
        topic,
        partition
      })
      return new Backoff(this.retry).retryTime
    }
    if (!(error instanceof KafkaJSError)) {
      const offset = this.eachMessage ? delivery.offset(lane.next) : String(delivery.firstOffset)
      this.logger.error(`Error when calling ${name}`, {
        topic,
        partition,
        offset,
        stack: error?.stack,
        error
      })
    }
    // As in kafkajs, a TypeError: a mistake in the program.
    error ??= new TypeError(`${name} has thrown ${error}, which says nothing: throw an Error`)
    if (FINAL.has(error.name)) {
      this.crash(error)
      return 0
    }
    const key = keyOf(lane)
    const backoff = this.failures.get(key) ?? new Backoff(this.retry)
    const final = backoff.verdict(error)
    if (final) {
      this.crash(final)
      return 0
    }
    const wait = backoff.retryTime
    backoff.advance()
    this.failures.set(key, backoff)
    this.hasFailed = true
    return wait
  }

  crash(error) {
    if (this.crashed || this.stopping) return
    this.crashed = true
    if (this.membership.memberId === '') this.joinFailed(error)
    else this.onCrash(error)
  }

  // ---- the engine speaks

  /** @param {any} told of `native.d.ts` */
  hear(told) {
    if (told === WAKE) return this.wakeOnce()
    if (typeof told === 'number') return this.answered(told, null)
    if (told.type === 'answered') return this.answered(told.ticket, told.failure)
    // Listeners and assigners begin where those of kafkajs do: see `lane.js`.
    queueMicrotask(() => this.handle(told))
  }

  answered(ticket, failure) {
    const resolve = this.questions.get(ticket)
    this.questions.delete(ticket)
    resolve?.(failure)
  }

  /** At once, but once per turn of the event loop: libuv goes on with what comes meanwhile for as long as there is more. */
  wakeOnce() {
    if (this.turn.beginEarly()) this.wakeLanes()
    // With what is left of the time that this turn may take.
    else setImmediate(() => this.wakeLanes())
  }

  wake() {
    this.turn.begin()
    this.wakeLanes()
  }

  wakeLanes() {
    for (const lane of this.lanes) {
      // What escapes a lane is no handler's error: a logger that throws, or a bug of ours.
      if (lane.idle) lane.take().catch(error => this.crash(error))
    }
  }

  /** @param {any} event of `native.d.ts` */
  handle(event) {
    // In the next turn: what is committed in this one, by listeners and behind run(), says where to begin.
    if (event.type === 'joined') setImmediate(() => this.consumer.completeJoin())
    if (event.type === 'crash') {
      const joined = this.membership.memberId !== ''
      const { retry } = this
      this.crash(
        this.membership.callbackError ??
          crashOf(event.error, { joined, retry, asked: this.options })
      )
    } else if (event.type === 'log') this.engineLog(event)
    else if (event.type === 'dropped') this.kept.delete(event.kept)
    else this.membership.handle(event)
    if (event.type === 'heartbeat') this.heartbeatSeen()
    if (event.type === 'joined') this.joined()
  }

  engineOptions() {
    const { options, run, groupId } = this
    return {
      groupId,
      groupInstanceId: options.groupInstanceId ?? null,
      sessionTimeout: options.sessionTimeout,
      rebalanceTimeout: options.rebalanceTimeout,
      heartbeatInterval: options.heartbeatInterval,
      maxPollInterval: options.maxPollInterval,
      metadataMaxAge: options.metadataMaxAge,
      allowAutoTopicCreation: options.allowAutoTopicCreation,
      maxBytesPerPartition: options.maxBytesPerPartition,
      minBytes: options.minBytes,
      maxBytes: options.maxBytes,
      maxWaitTimeInMs: options.maxWaitTimeInMs,
      maxQueuedBytes: options.maxQueuedBytes,
      maxDecompressedBytes: options.maxDecompressedBytes,
      readUncommitted: options.readUncommitted,
      rackId: options.rackId,
      checkCrcs: options.checkCrcs,
      autoOffsetReset: options.autoOffsetReset ?? null,
      autoCommit: run.autoCommit,
      autoCommitInterval: run.autoCommitInterval ?? null,
      autoCommitThreshold: run.autoCommitThreshold ?? null,
      lanes: this.lanes.length
    }
  }
}

/**
 * Messages share this memory, as Buffers share Node's pool: whoever transfers the `buffer` of one value must not take it from
 * the others.
 * @template {Uint8Array} T
 * @param {T} memory
 * @returns {T}
 */
const untransferable = memory => {
  try {
    workerThreads.markAsUntransferable(memory.buffer)
  } catch {
    // Not all that runs Node's programs has it.
  }
  return memory
}

/** @param {Map<string, { fromBeginning: boolean }>} topics */
const toNativeTopics = topics =>
  [...topics].map(([topic, { fromBeginning }]) => ({ topic, fromBeginning }))

/** What `heartbeat()` and commits say when the partitions are about to go: the group decides, not the handler's retries. */
const endsGeneration = error =>
  error != null && (isRebalancing(error) || error.type === 'UNKNOWN_MEMBER_ID')

/** @param {Lane} lane */
const keyOf = ({ topic, partition }) => `${topic}\u0000${partition}`

/** @param {Lane} lane */
const batchPayload = ({ topic, partition, delivery }) => {
  const { firstOffset, lastOffset, offsetLag, offsetLagLow } = range(delivery)
  return {
    topic,
    partition,
    highWatermark: String(delivery.highWatermark),
    offsetLag,
    offsetLagLow,
    batchSize: delivery.count - delivery.first,
    firstOffset,
    lastOffset
  }
}

module.exports = Runner
