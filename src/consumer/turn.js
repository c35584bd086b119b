// @ts-check
'use strict'

/**
 * When the clock is read, and what for: lanes must not keep the event loop for too long, and they must not hand out what
 * may be somebody else's by now, because the process stood still (a container that is paused, a computer that sleeps).
 *
 * What the engine has written into the cells does not tell: its threads stood still too, and may go on later than this one.
 * So a lane that was away for longer than a turn asks the engine, which knows until when the session lasts.
 *
 * To read the clock for every message would cost more than anything else that is done for it. It is read
 *
 * - for the first message after the event loop has turned: `nextTick` has its turn when no promise can go on by itself,
 * - and once in some 30 µs of work in between.
 */

// By no global that a test's fake timers replace.
const { setImmediate } = require('node:timers')
const { setImmediate: nextTurn } = require('node:timers/promises')
const { nextTick } = require('../utils/timers')
const { now } = require('./clock')

/** Handlers may keep the event loop this long at a stretch, ms. */
const TURN = 4
/** The clock is read so often per millisecond of work, or up to twice that, but for every message at most. */
const LOOKS_PER_MS = 32
/** And for one message in so many at least. */
const MOST_PER_LOOK = 64

/** @param {number} time @param {number} since lies behind `time` when the clock has been set back */
const isLong = (time, since) => time - since > TURN || time < since

class Turn {
  /** @param {() => void} ask has the engine say what the cells should say by now */
  constructor(ask) {
    this.ask = ask
    this.askedAt = 0
    this.startedAt = 0
    this.untilLook = 0
    this.perLook = 1
    this.lookedAt = 0
    /** Since `lookedAt`, in the same millisecond. */
    this.looks = 0
    this.willEnd = false
    this.ended = () => {
      this.willEnd = false
      this.untilLook = 0
    }
    /** Has this turn of the event loop begun with a wake-up, ahead of its immediates? */
    this.isEarly = false
    this.notEarly = () => {
      this.isEarly = false
    }
    /** @type {Promise<void> | null} shared by the lanes, so that all of them wait */
    this.coming = null
  }

  /** The event loop has had its turn, or this is one. */
  begin() {
    this.startedAt = now()
    this.untilLook = 0
  }

  /** Begins one ahead of the immediates, unless there has been one already, or lanes wait for theirs. Has it begun? */
  beginEarly() {
    if (this.isEarly || this.coming !== null) return false
    this.isEarly = true
    setImmediate(this.notEarly)
    this.begin()
    return true
  }

  /** Is it time to look? To be asked before each message. */
  isDue() {
    return --this.untilLook <= 0
  }

  /** Reads the clock. Afterwards the cells are right. */
  look() {
    const time = now()
    if (time === this.lookedAt) this.looks++
    else this.adapt(time)
    this.untilLook = this.perLook
    if (!this.willEnd) {
      this.willEnd = true
      nextTick(this.ended)
    }
    if (isLong(time, this.askedAt)) {
      this.askedAt = time
      this.ask()
    }
    return time
  }

  /** @param {number} time */
  adapt(time) {
    if (this.looks < LOOKS_PER_MS) this.perLook = Math.max(1, this.perLook >> 1)
    else if (this.looks > 2 * LOOKS_PER_MS) {
      this.perLook = Math.min(MOST_PER_LOOK, this.perLook << 1)
    }
    this.lookedAt = time
    this.looks = 0
  }

  /** As `look`. Has the event loop been kept for too long? Then others get their turn by `next`. */
  isOverdue() {
    return isLong(this.look(), this.startedAt)
  }

  async next() {
    this.coming ??= this.turn()
    await this.coming
    // Other lanes, whose messages come first, may have had this turn for so long that the session has ended.
    this.look()
  }

  async turn() {
    const { isEarly } = this
    await nextTurn()
    // The turn began ahead of its immediates, which is where we are now: the next turn begins one later.
    if (isEarly) await nextTurn()
    this.coming = null
    this.begin()
  }
}

module.exports = { Turn }
