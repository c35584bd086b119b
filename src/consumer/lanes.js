// @ts-check
'use strict'

/** The lanes of a runner, and how they are woken. */

// Not by the global one, which a test's fake timers replace.
const { setImmediate } = require('node:timers')
const { Lane } = require('./lane')

class Lanes {
  /**
   * @param {import('./runner')} runner
   * @param {number} count
   */
  constructor(runner, count) {
    this.runner = runner
    this.turn = runner.turn
    this.lanes = Array.from({ length: count }, (_, number) => new Lane(runner, number))
  }

  get count() {
    return this.lanes.length
  }

  /**
   * There may be something to take. At once, but once per turn of the event loop: libuv goes on in one turn for as long as more
   * wake-ups come meanwhile.
   */
  wakeOnce() {
    if (this.turn.beginEarly()) this.wakeIdle()
    // With what is left of the time that this turn may take.
    else setImmediate(() => this.wakeIdle())
  }

  /** In a turn that has just begun. */
  wake() {
    this.turn.begin()
    this.wakeIdle()
  }

  /** @private */
  wakeIdle() {
    for (const lane of this.lanes) {
      // What escapes a lane is no handler's error: a logger that throws, or a bug of ours.
      if (lane.idle) lane.take().catch(error => this.runner.crash(error))
    }
  }
}

module.exports = { Lanes }
