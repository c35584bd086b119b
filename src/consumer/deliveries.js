// @ts-check
'use strict'

/**
 * The hand-over: slabs go to the engine empty and come back as deliveries, one for each lane that takes; and how far a lane
 * has come with its delivery goes back.
 */

const workerThreads = require('node:worker_threads')
const { SLAB_SIZE } = require('./cells')
const { Delivery } = require('./delivery')

/** Slabs that the engine holds besides one per lane: being filled, and ready. */
const SPARE_SLABS = 4
const MOST_SLABS = 16
/** A delivery that is not in a slab has `-(bytes + 1)` as its number. */
const NOTHING = -1
/** One that is kept has its number there and this. */
const KEPT = 2 ** 32

const INT32_MAX = 2n ** 31n - 1n
const INT32_MIN = -(2n ** 31n)

class Deliveries {
  /**
   * @param {{
   *   engine: import('../native').NativeConsumer,
   *   cells: Int32Array,
   *   necessity: import('./necessity').Necessity,
   *   copyValues: boolean
   * }} parts
   */
  constructor({ engine, cells, necessity, copyValues }) {
    this.engine = engine
    this.cells = cells
    this.necessity = necessity
    this.copyValues = copyValues
    /**
     * Given to the engine and not yet taken. The few there are are searched: tables that a Map has outgrown would keep them alive, see
     * `utils/numbered.js`.
     * @type {{ number: number, slab: Uint8Array }[]}
     */
    this.given = []
    /** What lanes have left in the middle, by number: until a `take` goes on with it, or it is void. @type {Map<number, Delivery>} */
    this.kept = new Map()
    /** @type {Map<number, { topic: string, partition: number }>} */
    this.slots = new Map()
  }

  /** Gives the engine its first slabs. @param {number} lanes */
  start(lanes) {
    const slabs = Math.min(lanes + SPARE_SLABS, MOST_SLABS)
    for (let i = 0; i < slabs; i++) this.given.push(this.give())
  }

  /** Nothing will be taken any more. */
  end() {
    this.kept.clear()
  }

  /** @private */
  give() {
    const slab = untransferable(Buffer.allocUnsafeSlow(this.cells[SLAB_SIZE]))
    return { number: this.engine.give(slab), slab }
  }

  /** @param {number} lane an idle one @returns {Delivery | null} null: there is none, and the engine will wake us for the next */
  take(lane) {
    return this.receive(lane, this.engine.take(lane))
  }

  /** @param {number} lane one at work @returns {Delivery | null} more of its partition; null: as with `take` */
  takeMore(lane) {
    return this.receive(lane, this.engine.takeMore(lane))
  }

  /** @param {number} lane @param {number} taken what the engine says @private */
  receive(lane, taken) {
    const { engine } = this
    if (taken === NOTHING) return null
    if (taken < NOTHING) {
      const staged = untransferable(new Uint8Array(new ArrayBuffer(-taken - 1)))
      engine.takeStaged(lane, staged)
      return new Delivery(staged, this.copyValues)
    }
    if (taken >= KEPT) {
      const kept = this.kept.get(taken - KEPT)
      this.kept.delete(taken - KEPT)
      return kept ?? null
    }
    const at = this.given.findIndex(({ number }) => number === taken)
    const { slab } = this.given[at]
    this.given[at] = this.give()
    return new Delivery(slab, this.copyValues)
  }

  /**
   * The lane has stopped before the end of its delivery, because its partition was paused above all. No handler has seen the rest:
   * the engine may want it kept.
   * @param {{ number: number, delivery: Delivery, next: number }} lane
   */
  leave({ number, delivery, next }) {
    const kept = this.engine.finish(number, -1)
    this.necessity.forget()
    if (kept === null) return
    delivery.leaveAt(next)
    this.kept.set(kept, delivery)
  }

  /** What was kept under this number will not be taken. @param {number} number */
  drop(number) {
    this.kept.delete(number)
  }

  /**
   * The lane is idle again. What is not resolved is delivered again.
   * @param {number} lane
   * @param {number} backoff ms before that
   */
  finish(lane, backoff) {
    this.engine.finish(lane, backoff)
    this.necessity.forget()
  }

  /**
   * Everything before `next` is handled.
   * @param {{ number: number, delivery: Delivery | null, resolvedAt: number }} lane
   * @param {bigint} next the next offset to read
   */
  resolveTo({ number, delivery, resolvedAt }, next) {
    const delta = next - (delivery?.baseOffset ?? 0n)
    if (delta <= INT32_MAX && delta > INT32_MIN) this.cells[resolvedAt] = Number(delta)
    else this.resolve(number, next)
  }

  /** For what a lane's cell cannot hold. @param {number} lane @param {bigint} next the next offset to read */
  resolve(lane, next) {
    this.necessity.forget()
    this.engine.resolve(lane, String(next))
  }

  /** For handlers of one partition that run beside each other. @param {number} lane @param {BigInt64Array} stand see `Window.stand` */
  finished(lane, stand) {
    this.necessity.forget()
    this.engine.finished(lane, stand)
  }

  /** @param {number} lane @returns {BigInt64Array | null} what is finished of its partition beyond its position, `from, to, from, to …` */
  finishedBeyond(lane) {
    return this.engine.finishedBeyond(lane)
  }

  /** For a handler that goes on after its lane has finished the delivery. @param {number} slot @param {bigint} next */
  resolveReturned(slot, next) {
    this.necessity.forget()
    this.engine.resolveReturned(slot, String(next))
  }

  /** @param {number} number @returns {{ topic: string, partition: number }} */
  slot(number) {
    let slot = this.slots.get(number)
    if (!slot) {
      const { topic, partitions } = /** @type {any} */ (this.engine.slot(number))
      slot = { topic, partition: partitions[0] }
      this.slots.set(number, slot)
    }
    return slot
  }
}

/**
 * Messages share this memory, as Buffers share Node's pool: a program that transfers the `buffer` of one value to a worker must
 * not take it from the others.
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

module.exports = { Deliveries }
