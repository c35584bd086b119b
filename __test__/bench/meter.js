'use strict'

/**
 * What one run costs: messages per second, CPU, the longest stall of the event loop, memory.
 *
 * ```
 * start ── connect, join ── first message ───────────── last message ── finish
 *   ├──────────── totalMs, cpu ──────────────────────────────┤
 *                              ├──── messagesPerSecond ──────┤
 *                        ├────────── stallMs ───────────────────┤
 * ```
 *
 * The stall is measured twice. Node's own histogram is reset at the first message, so it misses a
 * client that decodes a whole fetch before it hands over the first one. The ticker beside it counts
 * every gap between two ticks in which a message was delivered, the first and the last one whole.
 */

const { monitorEventLoopDelay, performance } = require('node:perf_hooks')

/** ms between two ticks of either measurement; taken off its result */
const TICK = 2
/** ms between two looks at the memory */
const MEMORY_TICK = 20

/**
 * @typedef {object} Figures
 * @property {number} count messages delivered
 * @property {number} bytes sum of all lengths that the handler read
 * @property {number} totalMs from before `connect()` to the last message
 * @property {number} firstMs from before `connect()` to the first message
 * @property {number} messagesPerSecond from the first callback to the last message
 * @property {number} cpuMicros user and system time per message, all threads of the process
 * @property {number} stallMs longest gap of the ticker
 * @property {number} histogramStallMs longest gap of `monitorEventLoopDelay`
 * @property {number} rssMb peak resident memory of the process
 * @property {number} rssGrowthMb that, less what was resident before `connect()`
 * @property {number} [disconnectMs] how long `disconnect()` took afterwards
 */

class Meter {
  count = 0
  bytes = 0

  #expected
  #startAt = 0
  #firstAt = 0
  #firstCount = 0
  #lastAt = 0
  #tickAt = 0
  #tickCount = 0
  #stall = 0
  #rssAtStart = 0
  #rssPeak = 0
  #cpu = process.cpuUsage()
  #histogram = monitorEventLoopDelay({ resolution: TICK })
  /** @type {NodeJS.Timeout[]} */
  #timers = []
  /** @type {() => void} */
  #resolve = () => {}

  /** Fulfilled with the last expected message. @type {Promise<void>} */
  done = new Promise(resolve => {
    this.#resolve = resolve
  })

  /** @param {number} expected messages */
  constructor(expected) {
    this.#expected = expected
  }

  start() {
    this.#rssAtStart = process.memoryUsage.rss()
    this.#histogram.enable()
    this.#timers = [
      setInterval(() => this.#tick(), TICK),
      setInterval(() => this.#lookAtMemory(), MEMORY_TICK)
    ]
    this.#startAt = this.#tickAt = performance.now()
    this.#cpu = process.cpuUsage()
  }

  /**
   * A message was handed over.
   * @param {number} bytes
   */
  add(bytes) {
    if (this.count === 0) this.#first()
    this.bytes += bytes
    this.count += 1
    if (this.count === this.#expected) this.#last()
  }

  /** A callback with many messages ends: the rate is counted from the end of the first one. */
  endOfBatch() {
    if (this.#firstCount !== 1) return
    this.#firstAt = performance.now()
    this.#firstCount = this.count
  }

  /** @returns {Figures} */
  finish() {
    this.#tick()
    this.#histogram.disable()
    this.#timers.forEach(clearInterval)
    const { user, system } = this.#cpu
    const peak = Math.max(this.#rssPeak, process.resourceUsage().maxRSS * 1024)
    return {
      count: this.count,
      bytes: this.bytes,
      totalMs: this.#lastAt - this.#startAt,
      firstMs: this.#firstAt - this.#startAt,
      messagesPerSecond:
        ((this.#expected - this.#firstCount) / (this.#lastAt - this.#firstAt)) * 1000,
      cpuMicros: (user + system) / this.#expected,
      stallMs: this.#stall,
      histogramStallMs: Math.max(0, this.#histogram.max / 1e6 - TICK),
      rssMb: peak / 2 ** 20,
      rssGrowthMb: (peak - this.#rssAtStart) / 2 ** 20
    }
  }

  #first() {
    this.#firstAt = performance.now()
    this.#firstCount = 1
    this.#histogram.reset()
  }

  #last() {
    this.#lastAt = performance.now()
    this.#cpu = process.cpuUsage(this.#cpu)
    this.#resolve()
  }

  #tick() {
    const now = performance.now()
    if (this.count > this.#tickCount) {
      this.#stall = Math.max(this.#stall, now - this.#tickAt - TICK)
    }
    this.#tickAt = now
    this.#tickCount = this.count
  }

  #lookAtMemory() {
    this.#rssPeak = Math.max(this.#rssPeak, process.memoryUsage.rss())
  }
}

module.exports = { Meter }
