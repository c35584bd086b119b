// @ts-check
'use strict'

/**
 * A partition whose messages are handled beside each other (`messagesConsumedConcurrently`): which of them may begin, what becomes
 * of each, and how far all of them have come.
 *
 *            append                 start                 finished
 *   delivery ──────► waits for one ────────► its handler ─────────► its follower may begin
 *                    of its order    ▲          │ failed
 *                                    └─ after ──┘ a while
 *
 * The engine takes it for a lane whose work goes on: `takeMore` adds to it, `finished` tells how far it has come, and what is
 * not finished when it ends is delivered again.
 */

// Not by the global one, which a test's fake timers replace.
const { setTimeout, clearTimeout } = require('node:timers')
const { placeOf } = require('../utils/offsets')
const { toDelay } = require('../utils/timers')
const { FLAGS, STALE, laneAt } = require('./cells')
const { Window } = require('./window')

/**
 * Offsets between the first that is not finished and the last that may begin. What is finished in between is kept in the metadata of a
 * commit, of which brokers take 4096 bytes: with a bit for each offset, six to a character, this many always fit.
 */
const MOST_AHEAD = 16_384

/** @typedef {Window['entries'][0]} Entry */

/** One message. */
class Task {
  /** @param {Entry} entry @param {number} index @param {string | null} order messages of one order follow each other */
  constructor(entry, index, order) {
    this.entry = entry
    this.index = index
    this.order = order
    /** The next of its order. @type {Task | null} */
    this.follower = null
    this.isDone = false
    /** @type {NodeJS.Timeout | null} */
    this.timer = null
  }
}

class ParallelLane {
  /**
   * @param {import('./parallelLanes').ParallelLanes} lanes
   * @param {number} number
   * @param {import('./delivery').Delivery} delivery of a partition that no other lane has
   */
  constructor(lanes, number, delivery) {
    const { runner } = lanes
    const { topic, partition } = runner.deliveries.slot(delivery.slot)
    this.lanes = lanes
    this.runner = runner
    this.number = number
    this.flagsAt = laneAt(number) + FLAGS
    this.topic = topic
    this.partition = partition
    this.pause = runner.pausing(topic, partition)
    /** The user's. */
    this.handler = runner.tracing.current()
    /** Handlers are only ever awaited in here: see `handlers.js`. */
    this.handle = runner.handlers.named(task => this.call(task))
    this.window = new Window(runner.deliveries.finishedBeyond(number))
    /** May begin, from `head` on. @type {Task[]} */
    this.startable = []
    this.head = 0
    /** The last message of each order. @type {Map<string, Task>} */
    this.last = new Map()
    this.running = 0
    /** Have failed and are to be tried again. @type {Set<Task>} */
    this.failed = new Set()
    /** Nothing begins any more. */
    this.isStopping = false
    /** Before what is not finished is delivered again, ms. */
    this.backoff = 0
    /** There is something to tell the engine. */
    this.isNews = false
    /** There may be more of this partition. */
    this.mayTakeMore = true
    this.append(delivery)
  }

  /** @param {import('./delivery').Delivery} delivery @private */
  append(delivery) {
    const { runner, window, topic, partition } = this
    this.handler = runner.tracing.current()
    const startedAt = runner.batchEvents.started({ topic, partition, delivery })
    const entry = window.append(delivery)
    entry.startedAt = startedAt
    for (let i = entry.first; i < entry.count; i++) {
      if (entry.finished[i] === 0) this.line(new Task(entry, i, this.orderOf(delivery, i)))
    }
    if (entry.left === 0) this.ended(entry, delivery)
    this.tellSoon()
  }

  /** @param {Task} task takes its place behind the last one of its order @private */
  line(task) {
    const { order } = task
    if (order === null) return this.startable.push(task)
    const last = this.last.get(order)
    this.last.set(order, task)
    if (last === undefined) this.startable.push(task)
    else last.follower = task
  }

  /** @param {import('./delivery').Delivery} delivery @param {number} i @private */
  orderOf(delivery, i) {
    const { orderBy } = this.lanes
    // Messages without a key are in no order.
    return orderBy === 'key' ? delivery.keyText(i) : orderBy === 'partition' ? '' : null
  }

  /** Is there a message that may begin? @param {boolean} mayGrow may more be taken for it? */
  hasTask(mayGrow) {
    this.look()
    if (this.isStopping) return false
    if (this.head < this.startable.length) return true
    const wantsMore = () => this.mayTakeMore && this.head === this.startable.length
    while (mayGrow && wantsMore() && this.hasRoom()) {
      const delivery = this.runner.deliveries.takeMore(this.number)
      if (delivery === null) this.mayTakeMore = false
      else this.append(delivery)
    }
    return this.head < this.startable.length
  }

  /** @private */
  hasRoom() {
    return this.window.span < MOST_AHEAD && this.lanes.hasRoom()
  }

  /** What the engine says by now. */
  look() {
    const { runner } = this
    this.isStopping ||= runner.cells[this.flagsAt] !== 0 || runner.state !== 'running'
  }

  /** Begins with the next message. */
  start() {
    const task = this.startable[this.head++]
    if (this.head === this.startable.length || this.head > 4096) {
      this.startable = this.startable.slice(this.head)
      this.head = 0
    }
    this.running += 1
    void this.run(task)
  }

  /** Never rejects. @param {Task} task @private */
  async run(task) {
    try {
      await this.handle(task)
      if (task.isDone) this.finished(task)
    } catch (error) {
      this.orCrash(() => this.fail(task, error))
    }
    // Whatever has come of it: the end of the consumer waits for it.
    this.running -= 1
    this.orCrash(() => this.lanes.ended(this))
  }

  /** What this throws is no handler's error, but a bug of ours. @param {() => void} act @private */
  orCrash(act) {
    try {
      act()
    } catch (error) {
      this.runner.crash(error)
    }
  }

  /** @param {Task} task @private */
  async call(task) {
    const { runner, topic, partition, pause, handler } = this
    const { deserialization, heartbeats } = runner
    const { delivery } = task.entry
    /** @type {any} */
    let message = delivery?.message(task.index)
    if (deserialization !== null) {
      message = await deserialization.read(topic, partition, message)
      this.look()
      if (this.isStopping) return
    }
    if (message !== null) {
      await handler({ topic, partition, message, heartbeat: heartbeats.heartbeat, pause })
    }
    task.isDone = true
  }

  /** @param {Task} task @private */
  finished(task) {
    const { entry, follower, order } = task
    const { delivery } = entry
    this.window.finish(entry, task.index)
    if (order !== null) {
      if (follower !== null) this.startable.push(follower)
      else this.last.delete(order)
    }
    const { failures } = this.runner
    // Also of one that has failed in a lane before this one.
    if (failures.any) failures.succeeded(this.failureOf(task))
    if (entry.left === 0) this.ended(entry, delivery)
    this.tellSoon()
  }

  /** @param {Entry} entry @param {import('./delivery').Delivery | null} delivery @private */
  ended({ startedAt }, delivery) {
    const { topic, partition, runner } = this
    if (delivery !== null) runner.batchEvents.ended({ topic, partition, delivery, startedAt })
  }

  /** It is tried again after a while. The others of its order wait, and no one else does. @param {Task} task @private */
  fail(task, error) {
    const { delivery } = task.entry
    if (delivery === null) return
    const wait = this.runner.failures.failed(this.failureOf(task), error)
    this.failed.add(task)
    if (delivery.isGone()) {
      this.isStopping = true
      this.backoff = Math.max(this.backoff, wait)
    }
    this.look()
    if (this.isStopping) return
    task.timer = setTimeout(() => this.again(task), toDelay(wait))
    // The engine counts what goes on.
    this.tellSoon()
  }

  /** As `Failures` know it: the same message again when another lane has it. @param {Task} task @private */
  failureOf({ entry, index }) {
    const { topic, partition, flagsAt } = this
    const name = `${placeOf(this)}\u0000${entry.offset(index)}`
    return {
      topic,
      partition,
      delivery: /** @type {any} */ (entry.delivery),
      next: index,
      flagsAt,
      name
    }
  }

  /** @param {Task} task @private */
  again(task) {
    this.failed.delete(task)
    this.startable.push(task)
    this.lanes.pump()
  }

  /** @private */
  tellSoon() {
    this.isNews = true
    this.lanes.tellSoon()
  }

  /** Tells the engine how far it has come. */
  tell() {
    if (!this.isNews) return
    this.isNews = false
    this.runner.deliveries.finished(this.number, this.window.stand())
  }

  /** Is nothing under way, and will nothing begin? */
  isOver() {
    if (this.running > 0) return false
    this.look()
    return this.isStopping || this.window.isFinished
  }

  /** What is not finished is delivered again. */
  close() {
    const { runner, window, number, flagsAt, backoff } = this
    this.tell()
    const isStale = (runner.cells[flagsAt] & STALE) !== 0
    for (const task of this.failed) {
      if (task.timer !== null) clearTimeout(task.timer)
      // The program has sought, for instance. Else the next attempt counts on, in whichever lane.
      if (isStale) runner.failures.succeeded(this.failureOf(task))
    }
    for (const entry of window.entries) this.ended(entry, entry.delivery)
    runner.deliveries.finish(number, window.isFinished ? 0 : backoff)
  }
}

module.exports = { ParallelLane }
