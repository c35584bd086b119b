'use strict'

/**
 * What the spectator sees. On a terminal a table that is drawn again and again, with the events scrolling by
 * above it; anywhere else plain lines, and a line of figures every two seconds.
 */

const { performance } = require('node:perf_hooks')

/** ms between two pictures */
const FRAME = 200
/** ms between two lines of figures where there is no terminal */
const LINE = 2000
/** the rate is that of the last so many ms */
const RATE_SPAN = 1000
const BAR = 24

class Screen {
  #live
  #out
  #startAt = performance.now()
  /** @type {string[]} the picture that is on the terminal now */
  #picture = []
  /** @type {NodeJS.Timeout | undefined} */
  #timer
  /** @type {{ at: number, deliveries: number }[]} */
  #samples = []

  /** @param {NodeJS.WriteStream} out */
  constructor(out) {
    this.#out = out
    this.#live = Boolean(out.isTTY)
  }

  /**
   * An event, with the time since the start.
   * @param {string} line
   */
  tell(line) {
    const seconds = ((performance.now() - this.#startAt) / 1000).toFixed(1)
    this.say(`${seconds.padStart(5)} s  ${line}`)
  }

  /** @param {string} line */
  say(line) {
    this.#replace([`${line}\n`, ...this.#picture])
  }

  /**
   * Shows one changing line, on a terminal only.
   * @param {string} line
   */
  progress(line) {
    if (!this.#live) return
    this.#picture = [`         ${line}\n`]
    this.#replace(this.#picture)
  }

  /** @param {import('./ledger').Ledger} ledger */
  watch(ledger) {
    this.#samples = [{ at: performance.now(), deliveries: ledger.deliveries }]
    const draw = () => {
      const rate = this.#rate(ledger.deliveries)
      if (!this.#live) {
        this.tell(figures(ledger, rate))
        return
      }
      this.#picture = [...table(ledger), `\n  ${figures(ledger, rate)}\n`]
      this.#replace(this.#picture)
    }
    this.#timer = setInterval(draw, this.#live ? FRAME : LINE)
  }

  /** Takes the changing part away; the events stay. */
  clear() {
    clearInterval(this.#timer)
    this.#picture = []
    this.#replace([])
  }

  /** @param {number} deliveries */
  #rate(deliveries) {
    const now = performance.now()
    this.#samples.push({ at: now, deliveries })
    while (this.#samples.length > 2 && now - this.#samples[0].at > RATE_SPAN) this.#samples.shift()
    const [first] = this.#samples
    return ((deliveries - first.deliveries) / (now - first.at)) * 1000
  }

  /** @type {number} lines below the last event */
  #drawn = 0

  /** @param {string[]} lines the last of them are the picture */
  #replace(lines) {
    const wipe = this.#live && this.#drawn > 0 ? `\x1b[${this.#drawn}A\x1b[J` : ''
    this.#out.write(wipe + lines.join(''))
    this.#drawn = this.#live ? this.#picture.join('').split('\n').length - 1 : 0
  }
}

/** @param {import('./ledger').Ledger} ledger */
const table = ({ partitions }) => [
  '\n  partition  owner    position       lag\n',
  ...partitions.map(({ owner, position, end }, partition) => {
    const full = end === 0 ? BAR : Math.round((position / end) * BAR)
    const bar = '█'.repeat(full) + '░'.repeat(BAR - full)
    return (
      `  ${String(partition).padStart(9)}  ${(owner || '–').padEnd(6)} ${grouped(position).padStart(10)}` +
      `${grouped(end - position).padStart(10)}  ${bar}\n`
    )
  })
]

/**
 * @param {import('./ledger').Ledger} ledger
 * @param {number} rate
 */
const figures = ({ distinct, count, repeated, partitions }, rate) => {
  const lag = partitions.reduce((sum, { end, position }) => sum + end - position, 0)
  return (
    `${grouped(distinct)} of ${grouped(count)} orders, ${grouped(Math.round(rate))} msg/s, ` +
    `lag ${grouped(lag)}, read again ${grouped(repeated)}`
  )
}

/** @param {number} n */
const grouped = n => n.toLocaleString('en-US')

module.exports = { Screen, grouped }
