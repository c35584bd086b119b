// @ts-check
'use strict'

/**
 * A consumer that is pulled: it hands messages out when the program asks for them. It stands where the lanes of a pushed one do, and
 * takes deliveries as they do.
 *
 * A message counts as handled when the next one is asked for; what was handed out and not followed by another question is handed
 * out again. Who waits for messages costs nothing: the engine wakes us once.
 */

// Not by the global ones, which a test's fake timers replace.
const { clearTimeout, setImmediate, setTimeout } = require('node:timers')
const { Aside } = require('./aside')
const { RESOLVED, FLAGS, STALE, laneAt } = require('./cells')
const clock = require('./clock')
const { KafkaJSNonRetriableError } = require('../errors')
const { isThenable } = require('../utils/thenable')
const { LONGEST_DELAY } = require('../utils/timers')

/** Partitions whose messages may be held at once. */
const LANES = 16
/** Messages after which `getMany()` looks into no further partition: many at once are garbage that lives long. */
const ENOUGH = 500

/** Instead of a message: it cannot be read, and counts as handled. */
const LEFT_OUT = Symbol('left out')

/** @typedef {import('./delivery').Delivery} Delivery */

/**
 * A message that is handed out.
 * @typedef {{ lane: PulledLane, delivery: Delivery | null, next: number }} Place
 */

/** What is held of one partition. */
class PulledLane {
  /** @param {number} number */
  constructor(number) {
    this.number = number
    this.resolvedAt = laneAt(number) + RESOLVED
    this.flagsAt = laneAt(number) + FLAGS
    /** @type {Delivery | null} */
    this.delivery = null
    this.topic = ''
    this.partition = 0
    /** The message to hand out next; those before it are handed out. */
    this.next = 0
    /** Those before this one are handled. */
    this.handled = 0
    /** When its first message was handed out; 0: it was not. */
    this.startedAt = 0
  }
}

/**
 * @callback Wanted
 * @param {string} topic
 * @param {number} partition
 * @returns {boolean}
 */
/** @type {Wanted} */
const ALL = () => true
const NEVER = () => false

class Puller {
  constructor() {
    /** @type {import('./runner') | null} */
    this.runner = null
    /** As many as have been needed at once: each question looks at all. @type {PulledLane[]} */
    this.lanes = []
    /** The only lane with messages that are handed out and not handled, while they are asked for one by one. @type {PulledLane | null} */
    this.current = null
    /** Others want to have their turn before the next message. */
    this.mustYield = false
    this.aside = new Aside()
    /** Who waits for messages: one at a time. @type {{ look: () => boolean, end: (error: any) => void } | null} */
    this.waiter = null
    /** A call asks for messages. */
    this.isAsked = false
    /** How the last run has ended, unless there is another. @type {{ error: any } | null} */
    this.ended = null
    /** How often the program has ended a run. */
    this.stops = 0
  }

  // ---- what a runner asks of its lanes

  /** Of its lanes: what they hold is handled one after the other, and slabs that wait for long are dear. */
  get count() {
    return 1
  }

  /** @param {import('./runner')} runner its lanes are ours from now on */
  attach(runner) {
    this.runner = runner
    this.ended = null
    this.lanes = []
    this.current = null
    this.aside.clear()
    return this
  }

  /** As `Lanes.wakeOnce`. */
  wakeOnce() {
    if (this.runner?.turn.beginEarly()) this.waiter?.look()
    else setImmediate(() => this.waiter?.look())
  }

  /** In a turn that has just begun. */
  wake() {
    this.runner?.turn.begin()
    this.waiter?.look()
  }

  /** The runner is about to end: what is held goes back, and nothing of what was handed out last counts as handled. */
  release() {
    for (const lane of this.lanes) if (lane.delivery) this.giveBack(lane)
    this.current = null
  }

  /** There will be no other runner. @param {any} error what has ended it; null: the program has */
  over(error) {
    this.ended = { error }
    if (error === null) this.stops++
    this.waiter?.end(error)
  }

  // ---- what the program asks

  /**
   * The next message, if it is there without any ado: the one behind the last. null: ask `getOne`.
   * @returns {any}
   */
  quick() {
    const { current, runner } = this
    if (current === null || runner === null || this.isAsked) return null
    const { delivery, next } = current
    if (delivery === null || next >= delivery.count || runner.deserialization !== null) return null
    const { cells, turn } = runner
    if (turn.isDue() && turn.isOverdue()) {
      this.mustYield = true
      return null
    }
    // Behind the look at the clock, which makes them right.
    if (cells[current.flagsAt] !== 0) return null
    cells[current.resolvedAt] = delivery.offsetDelta(next - 1) + 1
    current.handled = next
    return this.read(current)
  }

  /**
   * The next message.
   * @param {{ timeout?: number, wanted?: Wanted, isOver?: () => boolean }} [options] ms; none: for as long as it takes; `isOver`: has who
   *   asks left meanwhile?
   * @returns {Promise<any>} null: none has come in time, or the consumer has ended
   */
  getOne({ timeout = Infinity, wanted = ALL, isOver = NEVER } = {}) {
    return this.ask(() => this.tryOne(wanted), { timeout, wanted, isOver, otherwise: null })
  }

  /**
   * What there is, of several partitions.
   * @param {{ timeout?: number, maxRecords?: number, wanted?: Wanted }} [options]
   * @returns {Promise<{ topic: string, partition: number, messages: any[] }[]>} empty: nothing has come in time
   */
  getMany({ timeout = Infinity, maxRecords = Infinity, wanted = ALL } = {}) {
    const attempt = () => this.tryMany(maxRecords, wanted)
    return this.ask(attempt, { timeout, wanted, isOver: NEVER, otherwise: [] })
  }

  /** What was handed out counts as handled; what the engine wants back goes, also where nothing was handed out lately. */
  settle() {
    this.current = null
    for (const lane of this.lanes) this.settleLane(lane)
  }

  /** Who waits for messages is answered that there are none. */
  endWait() {
    this.waiter?.end(null)
  }

  /** What was handed out last was not handled: it is handed out again. */
  async giveUp() {
    this.release()
    const { runner } = this
    if (runner?.state === 'running' && runner.autoCommit) await runner.commits.commitHandled()
  }

  /**
   * A call begins to ask; until `isAsked` is false again.
   * @throws {KafkaJSNonRetriableError} one call at a time: what the other has would count as handled
   */
  claim() {
    if (this.isAsked) {
      throw new KafkaJSNonRetriableError(
        'Messages are being waited for already: one call at a time can ask for them'
      )
    }
    this.isAsked = true
  }

  /**
   * @template T
   * @param {() => T | Promise<T | typeof LEFT_OUT> | null} attempt null: there is nothing
   * @param {{ timeout: number, wanted: Wanted, isOver: () => boolean, otherwise: T }} options ms
   * @returns {Promise<T>}
   * @private
   */
  async ask(attempt, { timeout, wanted, isOver, otherwise }) {
    this.claim()
    const until = clock.now() + timeout
    try {
      for (;;) {
        this.settle()
        const { runner } = this
        if (runner) this.aside.release(runner.engine, wanted)
        // Others want to have their turn, too.
        if (runner && (this.mustYield || (runner.turn.isDue() && runner.turn.isOverdue()))) {
          this.mustYield = false
          await runner.turn.next()
        }
        const found = await (attempt() ?? this.wait(attempt, until - clock.now(), otherwise))
        // Who has left takes nothing along: the next question would count it as handled.
        if (isOver()) {
          this.release()
          return otherwise
        }
        if (found !== LEFT_OUT) return found
      }
    } finally {
      this.isAsked = false
    }
  }

  /**
   * Until there is something to take.
   * @template T
   * @param {() => T | Promise<T> | null} attempt
   * @param {number} timeout ms
   * @param {T} otherwise also when the consumer has ended
   * @returns {Promise<T>}
   * @private
   */
  wait(attempt, timeout, otherwise) {
    return new Promise((resolve, reject) => {
      /** @type {NodeJS.Timeout | undefined} */
      let timer
      const done = () => {
        clearTimeout(timer)
        this.waiter = null
      }
      const end = error => {
        done()
        if (error === null) resolve(otherwise)
        else reject(error)
      }
      const look = () => {
        try {
          const late = attempt()
          if (late === null) return false
          done()
          resolve(late)
        } catch (error) {
          end(error)
        }
        return true
      }
      if (this.ended) return end(this.ended.error)
      this.waiter = { look, end }
      if (timeout <= LONGEST_DELAY) timer = setTimeout(() => end(null), Math.max(0, timeout))
    })
  }

  /** @private @param {Wanted} wanted */
  tryOne(wanted) {
    for (;;) {
      const lane = this.laneWith(wanted)
      if (lane === null) return null
      const place = { lane, delivery: lane.delivery, next: lane.next }
      const message = this.read(lane)
      this.current = lane
      const { deserialization } = /** @type {import('./runner')} */ (this.runner)
      if (deserialization === null) return message
      try {
        const read = deserialization.read(lane.topic, lane.partition, message)
        if (isThenable(read)) return readLater(read, place)
        if (read !== null) return read
      } catch (error) {
        handBack(place)
        throw error
      }
      // What cannot be read and is to be left out counts as handled.
      this.settle()
    }
  }

  /** @private @param {number} maxRecords @param {Wanted} wanted */
  tryMany(maxRecords, wanted) {
    const batches = []
    /** Where each of them begins. @type {Place[]} */
    const places = []
    let count = 0
    const seen = new Set()
    while (count < Math.min(maxRecords, ENOUGH)) {
      const lane = this.laneWith(wanted, seen)
      if (lane === null) break
      seen.add(lane)
      const { topic, partition, delivery, next } = lane
      const messages = this.readUpTo(lane, maxRecords - count)
      count += messages.length
      batches.push({ topic, partition, messages })
      places.push({ lane, delivery, next })
    }
    if (batches.length === 0) return null
    const { deserialization } = /** @type {import('./runner')} */ (this.runner)
    return deserialization === null ? batches : readMany(deserialization, batches, places)
  }

  /**
   * A lane with messages that are not handed out.
   * @param {Wanted} wanted
   * @param {Set<PulledLane>} [except]
   * @returns {PulledLane | null}
   * @private
   */
  laneWith(wanted, except) {
    const { runner, lanes } = this
    if (runner === null) return null
    // What is held comes before what is new: it would wait for as long as there is more of others.
    for (const lane of lanes) {
      if (lane.delivery === null || except?.has(lane)) continue
      this.settleLane(lane)
      if (this.isOffered(lane, wanted)) return lane
    }
    const free = this.freeLane()
    while (free !== null && this.take(free)) {
      if (this.isOffered(free, wanted)) return free
    }
    return null
  }

  /** @private @returns {PulledLane | null} null: all hold messages */
  freeLane() {
    const { lanes } = this
    for (const lane of lanes) if (lane.delivery === null) return lane
    if (lanes.length === LANES) return null
    const lane = new PulledLane(lanes.length)
    lanes.push(lane)
    return lane
  }

  /** Has it messages, and are they asked for? Others do not stay. @private @param {PulledLane} lane @param {Wanted} wanted */
  isOffered(lane, wanted) {
    const { batchEvents, engine } = /** @type {import('./runner')} */ (this.runner)
    if (lane.delivery === null) return false
    if (wanted(lane.topic, lane.partition)) {
      if (lane.startedAt === 0) lane.startedAt = batchEvents.started(/** @type {any} */ (lane))
      return true
    }
    // What nobody asks for must not fill the lanes, nor be in them when its partition is to go.
    this.aside.put(engine, lane)
    this.giveBack(lane)
    return false
  }

  /** @private @param {PulledLane} lane @returns {boolean} false: there is nothing to take */
  take(lane) {
    const { deliveries, take } = /** @type {any} */ (this.runner)
    const delivery = take.call(this.runner, lane.number)
    if (delivery === null) return false
    const { topic, partition } = deliveries.slot(delivery.slot)
    Object.assign(lane, { delivery, topic, partition })
    lane.next = delivery.first
    lane.handled = delivery.first
    lane.startedAt = 0
    // Nothing but control records, aborted or compacted ones: the position moves.
    if (delivery.count === 0) this.settleLane(lane)
    return true
  }

  /** @private @param {PulledLane} lane */
  read(lane) {
    const delivery = /** @type {Delivery} */ (lane.delivery)
    const message = /** @type {any} */ (delivery.message(lane.next, lane.topic, lane.partition))
    lane.next++
    return message
  }

  /** @private @param {PulledLane} lane @param {number} most */
  readUpTo(lane, most) {
    const { topic, partition, next } = lane
    const delivery = /** @type {Delivery} */ (lane.delivery)
    const messages = new Array(Math.min(delivery.count - next, most))
    for (let i = 0; i < messages.length; i++) {
      messages[i] = delivery.message(next + i, topic, partition)
    }
    lane.next += messages.length
    return messages
  }

  /** What was handed out of it is handled. What the engine wants back goes. @private @param {PulledLane} lane */
  settleLane(lane) {
    const { delivery, number, flagsAt } = lane
    const { runner } = this
    if (delivery === null || runner === null) return
    const { cells, deliveries } = runner
    if (lane.next > lane.handled) {
      cells[lane.resolvedAt] = delivery.offsetDelta(lane.next - 1) + 1
    }
    lane.handled = lane.next
    if (lane.next >= delivery.count) {
      if ((cells[flagsAt] & STALE) === 0) deliveries.resolveTo(lane, delivery.nextOffset)
      if (lane.startedAt !== 0) runner.batchEvents.ended(/** @type {any} */ (lane))
      lane.delivery = null
      deliveries.finish(number, 0)
    } else if (cells[flagsAt] !== 0) {
      this.giveBack(lane)
    }
  }

  /** The engine has the rest again. @private @param {PulledLane} lane */
  giveBack(lane) {
    const { delivery, number, handled: next } = lane
    const { runner } = this
    if (delivery !== null && runner !== null) {
      if (next > delivery.first) runner.batchEvents.ended(/** @type {any} */ (lane), next)
      // The program may have written into what it has had in hand: that is fetched again.
      if (lane.next > next) runner.deliveries.finish(number, 0)
      else runner.deliveries.leave({ number, delivery, next })
    }
    lane.delivery = null
  }
}

/**
 * What could not be read was not handed out: the next call begins with it, unless the program seeks behind it.
 * @param {Place} place of that message
 */
const handBack = ({ lane, delivery, next }) => {
  if (lane.delivery === delivery) lane.next = next
}

/** @param {Promise<any>} reading @param {Place} place */
const readLater = async (reading, place) => {
  try {
    return (await reading) ?? LEFT_OUT
  } catch (error) {
    handBack(place)
    throw error
  }
}

/**
 * Up to the first message that cannot be read. If that is the very first, it is the error.
 * @param {import('./deserialization').Deserialization} deserialization
 * @param {{ topic: string, partition: number, messages: any[] }[]} batches
 * @param {Place[]} places where each of them begins
 */
const readMany = async (deserialization, batches, places) => {
  const whole = []
  for (const [n, { topic, partition, messages }] of batches.entries()) {
    const read = await deserialization.readAll(topic, partition, messages)
    const { readable, unreadable, error } = read
    if (error && n === 0 && unreadable === 0) {
      places.forEach(handBack)
      throw error
    }
    if (readable.length > 0) whole.push({ topic, partition, messages: readable })
    if (error) {
      handBack({ ...places[n], next: places[n].next + unreadable })
      places.slice(n + 1).forEach(handBack)
      break
    }
  }
  // All of it is left out: as if it had not come.
  return whole.length > 0 ? whole : LEFT_OUT
}

module.exports = { LANES, Puller }
