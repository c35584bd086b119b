'use strict'

/**
 * Time that goes on only when a test says so, in place of `node:timers`, `node:timers/promises` and `Date.now`. Promises and
 * `process.nextTick` are the real ones: `settle()` lets all of them come to rest.
 */

const { setImmediate: realTurn } = jest.requireActual('node:timers/promises')

let time = 0
/** @type {{ call: () => void }[]} */
let immediates = []
/** @type {Set<Timer>} */
const timers = new Set()

class Timer {
  constructor(call, ms, every = false) {
    Object.assign(this, { call, ms: Math.max(1, ms || 0), every })
    this.refresh()
  }

  refresh() {
    this.at = time + this.ms
    timers.add(this)
    return this
  }

  ref() {
    return this
  }

  unref() {
    return this
  }
}

const setImmediate = (call, ...args) => {
  const immediate = { call: () => call(...args) }
  immediates.push(immediate)
  return immediate
}

const clearImmediate = immediate => {
  immediates = immediates.filter(other => other !== immediate)
}

const clear = timer => timers.delete(timer)

const callbacks = {
  setImmediate,
  clearImmediate,
  setTimeout: (call, ms) => new Timer(call, ms),
  clearTimeout: clear,
  setInterval: (call, ms) => new Timer(call, ms, true),
  clearInterval: clear
}

const promises = {
  setImmediate: () => new Promise(resolve => setImmediate(resolve)),
  setTimeout: ms => new Promise(resolve => new Timer(resolve, ms))
}

const start = () => {
  time = 1_000_000
  immediates = []
  timers.clear()
}

/** Everything that needs no time and no turn of the event loop is done. */
const settle = () => realTurn()

/** The event loop turns once. */
const turn = async () => {
  const due = immediates
  immediates = []
  for (const { call } of due) {
    call()
    await settle()
  }
  await settle()
}

/** So many ms go by, without anything being done meanwhile. @param {number} ms */
const pass = ms => {
  time += ms
}

/** What is due by now is done. */
const ring = async () => {
  for (;;) {
    const [first] = [...timers].filter(timer => timer.at <= time).sort((a, b) => a.at - b.at)
    if (first === undefined) return
    timers.delete(first)
    if (first.every) first.refresh()
    first.call()
    await settle()
  }
}

const now = () => time

module.exports = { callbacks, now, pass, promises, ring, settle, start, turn }
