// @ts-check
'use strict'

/**
 * A lane: one of the `partitionsConsumedConcurrently` handlers that may run at once. It takes a delivery, drives the
 * user's handler through it, reports how it ended, takes the next.
 *
 * Per message it makes no native call and no closure; a handler that returns a promise costs one `await`, one that
 * returns nothing none.
 */

// The event loop's other work gets its turn. (Not by the global one, which a test's fake timers replace.)
const { setImmediate: nextTurn } = require('node:timers/promises')
const { RESOLVED, FLAGS, STALE, CLOSING, laneAt } = require('./cells')
const Batch = require('./batch')
const { toOffset } = require('./arguments')
const { isThenable } = require('../utils/thenable')

/** @typedef {import('./delivery').Delivery} Delivery */

/** Instead of a handler's answer: it was not called. */
const WITHHELD = Symbol('withheld')

class Lane {
  /**
   * @param {import('./runner')} runner
   * @param {number} number
   */
  constructor(runner, number) {
    this.runner = runner
    this.number = number
    this.cells = runner.cells
    this.resolvedAt = laneAt(number) + RESOLVED
    this.flagsAt = laneAt(number) + FLAGS
    /** Waits for a wake-up. */
    this.idle = true
    /** Between `open` and the end of the handler. */
    this.handling = false
    /** What is being handled, or was last. @type {Delivery} */
    this.delivery = /** @type {any} */ (null)
    this.topic = ''
    this.partition = 0
    /** The message to hand out next; where batches are handed out, behind the last one when the handler has gone through. */
    this.next = 0
    this.startedAt = 0
    /** Its handler has heard that the batch is stale: it may have left it early. */
    this.toldStale = false
    this.pause = () => () => {}
    /** The user's. */
    this.handler = runner.eachMessage || runner.eachBatch
    const handle = runner.eachMessage ? () => this.eachMessage() : () => this.eachBatch()
    /** Handlers are only ever awaited in here: see `handlers.js`. */
    this.handle = runner.handlers.named(handle)
  }

  /** Takes deliveries until there is none. Never rejects. */
  async take() {
    const { runner } = this
    const { deliveries, recovery, turn } = runner
    this.idle = false
    // Handlers begin where those of kafkajs do, in a microtask: what streams schedule by `process.nextTick` comes after what
    // they await.
    await null
    for (;;) {
      const delivery = runner.take(this.number)
      if (delivery === null) break
      const held =
        recovery === null ? 0 : recovery.hold(delivery, deliveries.slot(delivery.slot).topic)
      if (held > 0 && delivery.count === delivery.first) {
        deliveries.finish(this.number, held)
        continue
      }
      this.open(delivery)
      if (turn.isOverdue()) await turn.next()
      try {
        if (this.delivery.count === 0) {
          // Nothing but control records, aborted or compacted ones: the position moves, no handler runs.
          this.resolveTo(this.delivery.nextOffset)
        } else {
          await (recovery === null ? this.handle() : this.handleAndRecover(recovery))
        }
        this.handling = false
        runner.batchEvents.ended(this)
        if (runner.eachMessage && this.next < this.delivery.count) deliveries.leave(this)
        else deliveries.finish(this.number, held)
      } catch (error) {
        this.handling = false
        let wait = 0
        try {
          wait = runner.failures.failed(this, error)
        } finally {
          // The end of the consumer waits for it.
          deliveries.finish(this.number, wait)
        }
        // Other partitions go on meanwhile, in a turn of their own: a handler that fails at once must not spin.
        await nextTurn()
      }
    }
    this.idle = true
  }

  /**
   * Goes on behind messages that have failed and are settled.
   * @param {import('./onFailure/recovery').Recovery} recovery
   * @private
   */
  async handleAndRecover(recovery) {
    for (;;) {
      const { next } = this
      try {
        await this.handle()
        // One that was not called, because the engine said stop, has not succeeded.
        if (this.next > next) recovery.succeeded(this)
        return
      } catch (error) {
        this.handling = false
        await recovery.recover(this, error)
        // The rest of a batch is delivered again.
        if (!this.runner.eachMessage) return
        this.handling = true
      }
    }
  }

  /** @param {Delivery} delivery */
  open(delivery) {
    const { runner } = this
    const { topic, partition } = runner.deliveries.slot(delivery.slot)
    this.delivery = delivery
    this.handling = true
    this.topic = topic
    this.partition = partition
    this.next = delivery.first
    this.toldStale = false
    this.pause = runner.pausing(topic, partition)
    this.handler = runner.tracing.current()
    this.startedAt = runner.batchEvents.started(this)
  }

  /**
   * Hands the delivery out message by message, until it ends or the engine says stop. What only some programs need stands in
   * `prepared`: each `await` and each branch in here costs every message.
   */
  async eachMessage() {
    const { runner, cells, flagsAt, topic, partition, pause, delivery } = this
    const { turn, failures } = runner
    const { heartbeat } = runner.heartbeats
    const { count } = delivery
    const handler = this.prepared()
    while (this.next < count) {
      if (turn.isDue() && turn.isOverdue()) await turn.next()
      if (cells[flagsAt] !== 0) return
      const message = delivery.message(this.next)
      // Read before the handler can give the memory away.
      const resolved = delivery.offsetDelta(this.next) + 1
      const result = handler({ topic, partition, message, heartbeat, pause })
      if (isThenable(result) && (await result) === WITHHELD) return
      cells[this.resolvedAt] = resolved
      this.next++
      if (failures.any) failures.succeeded(this)
    }
    // Behind the last message there may be control records and gaps.
    if ((cells[flagsAt] & STALE) === 0) this.resolveTo(delivery.nextOffset)
  }

  /**
   * The handler of a message, behind what has to be done with the message first.
   * @returns {(payload: any) => any} a promise of `WITHHELD`: the engine said stop meanwhile
   * @private
   */
  prepared() {
    const { runner, cells, flagsAt, topic, partition, handler } = this
    const { deserialization, recovery } = runner
    const retried = recovery !== null && recovery.levels.has(topic)
    if (deserialization === null && !retried) return handler
    const hand = (/** @type {any} */ payload, /** @type {any} */ message) => {
      // Left out.
      if (message === null) return undefined
      if (retried) payload.origin = recovery.originOf(topic, message)
      payload.message = message
      return handler(payload)
    }
    const handLater = async (/** @type {any} */ payload, /** @type {Promise<any>} */ reading) => {
      const message = await reading
      return cells[flagsAt] === 0 ? await hand(payload, message) : WITHHELD
    }
    return payload => {
      const { message } = payload
      const read =
        deserialization === null ? message : deserialization.read(topic, partition, message)
      return isThenable(read) ? handLater(payload, read) : hand(payload, read)
    }
  }

  /** Hands the delivery out as one batch. */
  async eachBatch() {
    const { runner, cells, flagsAt, delivery } = this
    if (cells[flagsAt] !== 0) return
    const { deserialization } = runner
    const messages = deserialization === null ? undefined : await this.readAll(deserialization)
    if (cells[flagsAt] !== 0) return
    const isEmpty = messages?.length === 0
    if (!isEmpty) {
      const result = this.handler(this.payload(messages))
      if (isThenable(result)) await result
    }
    this.next = delivery.count
    if (runner.failures.any) runner.failures.succeeded(this)
    if ((cells[flagsAt] & STALE) !== 0) return
    // A handler that was told that its batch is stale may have left it early, also if that has turned out to be wrong: what it has not
    // resolved is not handled. And what is all left out no handler can resolve.
    if (isEmpty || (runner.autoResolve && !this.toldStale)) this.resolveTo(delivery.nextOffset)
  }

  /**
   * The messages of the batch. It ends before the first that cannot be read, with which the next one begins.
   * @param {import('./deserialization').Deserialization} deserialization
   * @private
   */
  async readAll(deserialization) {
    const { topic, partition, delivery } = this
    const read = await deserialization.readAll(topic, partition, delivery.messages())
    const { readable, unreadable, error } = read
    if (error && unreadable === 0) throw error
    if (error) delivery.cutAt(unreadable)
    return readable
  }

  /**
   * @param {any[]} [messages] of the delivery, if they are not what they are in the log
   * @returns {import('../..').EachBatchPayload}
   */
  payload(messages) {
    const { runner, cells, flagsAt, topic, partition, delivery } = this
    const { turn, deliveries, commits } = runner
    const last = messages
      ? BigInt(messages[messages.length - 1].offset)
      : delivery.bigOffset(delivery.count - 1)
    const batch = new Batch(topic, partition, delivery, messages)
    const isCurrent = () => this.delivery === delivery
    return {
      batch: /** @type {any} */ (batch),
      resolveOffset: offset => {
        const next = behind(toOffset(offset), last, delivery)
        if (isCurrent() && this.handling) this.resolveTo(next)
        // The handler has returned, or thrown, and what it has begun goes on.
        else deliveries.resolveReturned(delivery.slot, next)
      },
      heartbeat: runner.heartbeats.heartbeat,
      pause: this.pause,
      commitOffsetsIfNecessary: offsets => commits.commitOffsetsIfNecessary(offsets),
      uncommittedOffsets: () => commits.uncommittedOffsets(),
      isRunning: () => runner.running && (cells[flagsAt] & CLOSING) === 0,
      isStale: () => {
        if (turn.isDue()) turn.look()
        if (!isCurrent()) return true
        this.toldStale ||= (cells[flagsAt] & STALE) !== 0
        return this.toldStale
      }
    }
  }

  /** @param {bigint} next the next offset to read */
  resolveTo(next) {
    this.runner.deliveries.resolveTo(this, next)
  }
}

/**
 * The next offset to read when this one is resolved.
 * @param {bigint} offset
 * @param {bigint} last of those that the user has
 * @param {Delivery} delivery
 */
const behind = (offset, last, delivery) => {
  // Control records behind the last message, and what is left out, never reach the user, who could not resolve them.
  const next = offset === last ? delivery.nextOffset : offset + 1n
  return next < 0n ? 0n : next
}

module.exports = { Lane }
