// @ts-check
'use strict'

/** `heartbeat()` of the handlers. The engine has a timer of its own; this one only spares it questions. */

// Not the global ones, which jsdom and a test's fake timers replace.
const { clearTimeout, setTimeout } = require('node:timers')
const { createErrorFromCode } = require('../protocol/error')
const { toDelay } = require('../utils/timers')
const { GROUP_ERROR } = require('./cells')

const DONE = Promise.resolve()

class Heartbeats {
  /**
   * @param {{
   *   engine: import('../native').NativeConsumer,
   *   questions: import('./questions').Questions,
   *   cells: Int32Array,
   *   turn: import('./turn').Turn,
   *   interval: number,
   *   asked: import('../protocol/remedies').Asked
   * }} parts `interval`: heartbeatInterval, ms; `asked`: what errors name
   */
  constructor({ engine, questions, cells, turn, interval, asked }) {
    this.engine = engine
    this.questions = questions
    this.cells = cells
    this.interval = interval
    this.asked = asked
    /** Is it time to ask the engine for a heartbeat? A timer says so: reading the clock costs more than the rest. */
    this.isDue = false
    /** @type {NodeJS.Timeout | undefined} */
    this.timer = undefined
    /** What all handlers wait for that ask meanwhile. @type {Promise<void> | null} */
    this.beating = null
    /** Called for every message by many: too early, it makes not even a promise. @type {() => Promise<void>} */
    this.heartbeat = () => {
      if (turn.isDue()) turn.look()
      return cells[GROUP_ERROR] === 0 && !this.isDue ? DONE : this.beat()
    }
  }

  start() {
    const due = () => (this.isDue = true)
    this.timer = setTimeout(due, toDelay(this.interval)).unref()
  }

  end() {
    clearTimeout(this.timer)
  }

  /** The engine has sent one: the next is due an interval later, and listeners never see two that are closer. */
  seen() {
    this.isDue = false
    this.timer?.refresh()
  }

  /** @private */
  async beat() {
    this.throwGroupError()
    this.beating ??= this.ask()
    await this.beating
    this.throwGroupError()
  }

  /** The engine knows whether one is due. @private */
  async ask() {
    this.seen()
    try {
      await this.questions.ask(this.engine.heartbeat())
    } finally {
      this.beating = null
    }
  }

  /** @private */
  throwGroupError() {
    const code = this.cells[GROUP_ERROR]
    if (code !== 0) throw createErrorFromCode(code, this.asked)
  }
}

module.exports = { Heartbeats }
