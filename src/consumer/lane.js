// @ts-check
'use strict'

/**
 * A lane: one of the `partitionsConsumedConcurrently` handlers that may run at once. It takes a delivery, drives the
 * user's handler through it, reports how it ended, takes the next.
 *
 * Per message it makes no native call, no promise and no closure: a handler that returns a promise is chained with
 * one `then`; one that returns nothing is followed by the next message at once.
 */

const { RESOLVED, FLAGS, STALE, CLOSING, laneAt } = require('./cells')
const { Delivery } = require('./delivery')
const Batch = require('./batch')

/** Outcomes of `native.finish`. */
const DONE = 0
const AGAIN = 1

const INT32_MAX = 2n ** 31n - 1n
const INT32_MIN = -(2n ** 31n)

const isThenable = value => value !== null && typeof value === 'object' && typeof value.then === 'function'

class Lane {
  /**
   * @param {import('./runner').Runner} runner
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
    /** @type {Delivery | null} */
    this.delivery = null
    this.topic = ''
    this.partition = 0
    this.next = 0
    this.startedAt = 0
    this.pause = () => () => {}
    this.proceed = () => this.step()
    this.begin = () => {
      if (this.handle()) this.take()
    }
    this.handled = () => {
      this.resolveMessage()
      this.step()
    }
    this.failed = error => this.fail(error)
    this.takeNext = () => this.take()
  }

  /** Takes deliveries until there is none. */
  take() {
    const { runner } = this
    for (;;) {
      const slab = runner.take(this.number)
      if (slab === null) {
        this.idle = true
        return
      }
      this.idle = false
      this.open(slab)
      if (runner.isOverdue()) {
        setImmediate(this.begin)
        return
      }
      if (!this.handle()) return
    }
  }

  /** Handles the delivery that was opened; false when its handler makes us wait. */
  handle() {
    const { runner, delivery } = this
    if (/** @type {Delivery} */ (delivery).count > 0) {
      return runner.eachMessage ? this.messages() : this.batch()
    }
    // Nothing but control records, aborted or compacted ones: the position moves, no handler runs.
    this.resolveTo(/** @type {Delivery} */ (delivery).nextOffset)
    this.close(DONE, 0)
    return true
  }

  /** @param {Uint8Array} slab */
  open(slab) {
    const { runner } = this
    const delivery = new Delivery(slab, runner.copyValues)
    const { topic, partition } = runner.slot(delivery.slot)
    this.delivery = delivery
    this.topic = topic
    this.partition = partition
    this.next = 0
    this.pause = () => runner.pausePartition(topic, partition)
    this.startedAt = runner.batchStarted(this)
  }

  /**
   * The delivery is over, well or not.
   * @param {number} outcome
   * @param {number} backoff ms
   */
  close(outcome, backoff) {
    if (outcome === DONE) this.runner.batchEnded(this)
    this.delivery = null
    this.runner.finish(this.number, outcome, backoff)
  }

  // ---- eachMessage

  /** Goes on with the delivery, then with the next ones. */
  step() {
    if (this.messages()) this.take()
  }

  /** Handles messages until the delivery ends (true) or a handler makes us wait (false). */
  messages() {
    const { runner, cells, flagsAt, topic, partition, pause } = this
    const { eachMessage, heartbeat } = runner
    const delivery = /** @type {Delivery} */ (this.delivery)
    while (this.next < delivery.count) {
      if (cells[flagsAt] !== 0) {
        this.close(AGAIN, 0)
        return true
      }
      if (runner.isDue() && runner.isOverdue()) {
        setImmediate(this.proceed)
        return false
      }
      let result
      try {
        const message = delivery.message(this.next)
        result = eachMessage({ topic, partition, message, heartbeat, pause })
      } catch (error) {
        this.fail(error)
        return false
      }
      if (isThenable(result)) {
        if (result instanceof Promise) result.then(this.handled, this.failed)
        else Promise.resolve(result).then(this.handled, this.failed)
        return false
      }
      this.resolveMessage()
    }
    // Behind the last message there may be control records and gaps.
    if (cells[flagsAt] === 0) this.resolveTo(delivery.nextOffset)
    this.close(cells[flagsAt] === 0 ? DONE : AGAIN, 0)
    return true
  }

  resolveMessage() {
    const { delivery, runner } = this
    const next = this.next++
    this.cells[this.resolvedAt] = /** @type {Delivery} */ (delivery).offsetDelta(next) + 1
    if (runner.hasFailed) runner.succeeded(this)
    if (runner.countsMessages) runner.progress()
  }

  // ---- eachBatch

  /** Handles the delivery as one batch; false when the handler makes us wait. */
  batch() {
    const { runner } = this
    let result
    try {
      result = runner.eachBatch(this.payload())
    } catch (error) {
      this.fail(error)
      return false
    }
    if (isThenable(result)) {
      Promise.resolve(result).then(() => {
        this.batchHandled()
        this.take()
      }, this.failed)
      return false
    }
    this.batchHandled()
    return true
  }

  batchHandled() {
    const { runner, delivery } = this
    if (runner.hasFailed) runner.succeeded(this)
    if (runner.autoResolve) this.resolveTo(/** @type {Delivery} */ (delivery).nextOffset)
    this.close(DONE, 0)
  }

  /** @returns {import('../..').EachBatchPayload} */
  payload() {
    const { runner, cells, flagsAt, topic, partition } = this
    const delivery = /** @type {Delivery} */ (this.delivery)
    const batch = new Batch(topic, partition, delivery)
    const isCurrent = () => this.delivery === delivery
    return {
      batch: /** @type {any} */ (batch),
      resolveOffset: offset => {
        if (isCurrent()) this.resolveOffset(BigInt(offset))
      },
      heartbeat: runner.heartbeat,
      pause: this.pause,
      commitOffsetsIfNecessary: offsets => runner.commitOffsetsIfNecessary(offsets),
      uncommittedOffsets: () => runner.uncommittedOffsets(),
      isRunning: () => runner.running && (cells[flagsAt] & CLOSING) === 0,
      isStale: () => !isCurrent() || (cells[flagsAt] & STALE) !== 0
    }
  }

  /** @param {bigint} offset */
  resolveOffset(offset) {
    const delivery = /** @type {Delivery} */ (this.delivery)
    const last = delivery.baseOffset + BigInt(delivery.offsetDelta(delivery.count - 1))
    // Control records behind the last message never reach the user, who could not resolve them.
    this.resolveTo(offset === last ? delivery.nextOffset : offset + 1n)
  }

  // ---- both

  /** @param {bigint} next the next offset to read */
  resolveTo(next) {
    const delta = next - /** @type {Delivery} */ (this.delivery).baseOffset
    if (delta <= INT32_MAX && delta > INT32_MIN) this.cells[this.resolvedAt] = Number(delta)
    else this.runner.resolve(this.number, String(next))
  }

  /** @param {any} error what the handler threw */
  fail(error) {
    const backoff = this.runner.handlerFailed(this, error)
    this.close(AGAIN, backoff)
    // Other partitions go on meanwhile, in a turn of their own: a handler that fails at once must not spin.
    setImmediate(this.takeNext)
  }
}

module.exports = { Lane }
