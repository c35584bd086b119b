// @ts-check
'use strict'

/**
 * `messagesConsumedConcurrently` handlers over the partitions that have messages. In place of `lanes.js`, where a handler has a
 * partition to itself.
 */

// Not by the global ones, which a test's fake timers replace.
const { setImmediate, setTimeout } = require('node:timers')
const { inMicrotask } = require('../utils/timers')
const { now } = require('./clock')
const { ParallelLane } = require('./parallelLane')

/** How far lanes have come is told the engine after so many ms: it commits no more often either. */
const SPACING = 20
/** Lanes in which nothing is under way, and something waits, are looked at after so many ms: are they to stop? */
const WATCH = 50

class ParallelLanes {
  /**
   * @param {import('./runner')} runner
   * @param {{ lanes: number, limit: number, orderBy: string, maxBytes: number }} options `lanes`: partitions at once; `limit`:
   *   handlers at once; `maxBytes`: of deliveries beyond the first of each partition
   */
  constructor(runner, { lanes, limit, orderBy, maxBytes }) {
    this.runner = runner
    this.turn = runner.turn
    this.limit = limit
    this.orderBy = orderBy
    this.maxBytes = maxBytes
    this.count = lanes
    /** The numbers of lanes without a partition. */
    this.idle = Array.from({ length: lanes }, (_, number) => lanes - 1 - number)
    /** Lanes with a partition, whose turn it is by turns. @type {ParallelLane[]} */
    this.busy = []
    this.at = 0
    /** Handlers at work. */
    this.running = 0
    /** There may be a partition to take. */
    this.mayTake = false
    this.isPumping = false
    /** The event loop's other work has its turn. */
    this.isWaiting = false
    this.toldAt = 0
    this.isTelling = false
    this.isWatching = false
  }

  /** As `Lanes.wakeOnce`. */
  wakeOnce() {
    // Handlers begin where those of kafkajs do, in a microtask: see `lane.js`.
    if (this.turn.beginEarly()) inMicrotask(() => this.woken())
    else setImmediate(() => this.woken())
  }

  /** In a turn that has just begun. */
  wake() {
    this.turn.begin()
    inMicrotask(() => this.woken())
  }

  /** @private */
  woken() {
    this.mayTake = true
    for (const lane of this.busy) lane.mayTakeMore = true
    this.pump()
  }

  /** Begins as many messages as may be. */
  pump() {
    if (this.isPumping || this.isWaiting) return
    this.isPumping = true
    try {
      this.begin()
    } catch (error) {
      this.runner.crash(error)
    } finally {
      this.isPumping = false
    }
    this.watch()
  }

  /** @private */
  begin() {
    const { turn } = this
    while (this.running < this.limit) {
      if (turn.isDue() && turn.isOverdue()) {
        void this.wait()
        return
      }
      this.takeOne()
      const lane = this.next()
      if (lane !== null) {
        this.running += 1
        lane.start()
      } else if (!this.sweep()) {
        return
      }
    }
  }

  /** @private */
  async wait() {
    this.isWaiting = true
    await this.turn.next()
    this.isWaiting = false
    this.pump()
  }

  /** A partition that nobody has comes first: those with much to do would keep it waiting. @private */
  takeOne() {
    const number = this.idle.at(-1)
    if (!this.mayTake || number === undefined) return
    const delivery = this.runner.take(number)
    if (delivery === null) {
      this.mayTake = false
      return
    }
    this.idle.pop()
    this.busy.push(new ParallelLane(this, number, delivery))
  }

  /** @returns {ParallelLane | null} the next one with a message that may begin @private */
  next() {
    const { busy } = this
    // Asked once for all of them: where there is none, a look at each lane costs nothing.
    const mayGrow = this.hasRoom()
    for (let tried = 0; tried < busy.length; tried++) {
      const lane = busy[this.at % busy.length]
      this.at = (this.at + 1) % busy.length
      if (lane.hasTask(mayGrow)) return lane
    }
    return null
  }

  /** Closes the lanes that have nothing left, or are to stop. Were there any? @private */
  sweep() {
    const over = this.busy.filter(lane => lane.isOver())
    for (const lane of over) this.close(lane)
    return over.length > 0
  }

  /** Is there room for more of a partition than its first delivery? */
  hasRoom() {
    let bytes = 0
    for (const { window } of this.busy) bytes += window.bytes
    return bytes < this.maxBytes
  }

  /** A handler of this lane has ended. @param {ParallelLane} lane */
  ended(lane) {
    this.running -= 1
    if (lane.isOver()) this.close(lane)
    this.pump()
  }

  /** @param {ParallelLane} lane @private */
  close(lane) {
    this.busy.splice(this.busy.indexOf(lane), 1)
    this.idle.push(lane.number)
    lane.close()
    this.mayTake = true
  }

  /** Lanes have news for the engine. */
  tellSoon() {
    if (this.isTelling) return
    this.isTelling = true
    const passed = now() - this.toldAt
    const tell = () => this.tell()
    if (passed >= SPACING || passed < 0) setImmediate(tell)
    else setTimeout(tell, SPACING - passed)
  }

  /** @private */
  tell() {
    this.isTelling = false
    this.toldAt = now()
    for (const lane of this.busy) lane.tell()
  }

  /**
   * As long as there are lanes of which no handler will tell when to look at them: their messages wait for another attempt, or all handlers
   * are at work for others.
   * @private
   */
  watch() {
    if (this.isWatching || !this.busy.some(lane => lane.running === 0)) return
    this.isWatching = true
    setTimeout(() => {
      this.isWatching = false
      this.sweep()
      this.pump()
    }, WATCH).unref()
  }
}

module.exports = { ParallelLanes }
