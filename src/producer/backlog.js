// @ts-check
'use strict'

/**
 * Sends for which the engine has no room, `bufferMemory` being full. They wait here, in their order, and for `maxBlock` at the
 * longest.
 */

// Not by the global ones, which a test's fake timers replace.
const { clearTimeout, setTimeout } = require('node:timers')
const { toDelay } = require('../utils/timers')

class Backlog {
  /**
   * @param {{
   *   maxBlock: number,
   *   submit: (bytes: Uint8Array) => number,
   *   expired: (ticket: number) => void
   * }} options `submit` returns how many bytes the engine has taken; `maxBlock` in ms
   */
  constructor({ maxBlock, submit, expired }) {
    this.maxBlock = maxBlock
    this.submit = submit
    this.expired = expired
    /** @type {{ bytes: Uint8Array, until: number }[]} */
    this.turns = []
    /** @type {NodeJS.Timeout | undefined} */
    this.timer = undefined
    /** Called when nothing waits any more. @type {(() => void)[]} */
    this.waiters = []
  }

  get isEmpty() {
    return this.turns.length === 0
  }

  /** @param {Uint8Array} bytes whole sends, in memory of their own */
  add(bytes) {
    this.turns.push({ bytes, until: Date.now() + this.maxBlock })
    if (this.turns.length === 1) this.look()
  }

  /** There is room: as much as fits is handed over. */
  drain() {
    while (this.turns.length > 0) {
      const [turn] = this.turns
      const taken = this.submit(turn.bytes)
      if (taken < turn.bytes.length) {
        turn.bytes = turn.bytes.subarray(taken)
        return
      }
      this.turns.shift()
    }
    this.look()
  }

  /** Resolves when nothing waits any more. @returns {Promise<void>} */
  drained() {
    if (this.isEmpty) return Promise.resolve()
    return new Promise(resolve => this.waiters.push(resolve))
  }

  /** Gives up what waits. @returns {void} */
  end() {
    for (const { bytes } of this.turns.splice(0)) this.expire(bytes)
    this.look()
  }

  /** Gives up what has waited for too long, and sees to the next. @private */
  look() {
    clearTimeout(this.timer)
    const now = Date.now()
    while (this.turns.length > 0 && this.turns[0].until <= now) {
      const turn = this.turns.shift()
      if (turn) this.expire(turn.bytes)
    }
    if (this.turns.length === 0) this.waiters.splice(0).forEach(waiter => waiter())
    else this.timer = setTimeout(() => this.look(), toDelay(this.turns[0].until - now))
  }

  /** @private @param {Uint8Array} bytes */
  expire(bytes) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
    for (let at = 0; at < words.length; at += words[at] >> 2) this.expired(words[at + 1])
  }
}

module.exports = { Backlog }
