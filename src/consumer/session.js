// @ts-check
'use strict'

/** @typedef {ReturnType<typeof import('../config').runOptions>} RunOptions */

/**
 * One pass through the lifecycle; it owns one runner.
 *
 *   open ──stop(), disconnect(), a failure──► stopping ──► over
 */
class Session {
  /**
   * @param {RunOptions} run
   * @param {import('../utils/interruption').Signal} signal aborted by `stop()` and `disconnect()`, not by a crash
   */
  constructor(run, signal) {
    this.run = run
    this.signal = signal
    /** Null if it could not be made. @type {any} */
    this.runner = null
    /** @type {'open' | 'stopping' | 'over'} */
    this.state = 'open'
    /** @type {Promise<void> | null} */
    this.finishing = null
    /** Resolves when it is over. @type {Promise<void>} */
    this.ended = new Promise(resolve => {
      this.resolveEnded = resolve
    })
  }

  /** Is it, or has it been, on its way to the end? */
  get isEnding() {
    return this.state !== 'open'
  }

  get isOver() {
    return this.state === 'over'
  }

  /**
   * Begins the end; once, however many ask.
   * @param {() => Promise<void>} stop what there is to do
   * @returns {Promise<void>}
   */
  finish(stop) {
    if (this.finishing === null) {
      this.state = 'stopping'
      this.finishing = stop()
    }
    return this.finishing
  }

  end() {
    this.state = 'over'
    this.resolveEnded()
  }
}

module.exports = { Session }
