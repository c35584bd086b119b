// @ts-check
'use strict'

// Not by the global ones, which a test's fake timers replace.
const { clearTimeout, setImmediate, setTimeout } = require('node:timers')

const DONE = Promise.resolve()
/** Of a test, it ticks when the test says so: timers may have been replaced before this is loaded. It has the clock that ticks. */
const isFake = 'clock' in process.nextTick

/** The longest delay of a timer, ms: Node takes a longer one for none. */
const LONGEST_DELAY = 2 ** 31 - 1
/** Whatever is done over and over is done no more often than this, ms. */
const SHORTEST_INTERVAL = 100

/**
 * An option in ms as the delay of an interval.
 * @param {number} ms
 */
const toInterval = ms => Math.min(Math.max(ms, SHORTEST_INTERVAL), LONGEST_DELAY)

/**
 * An option in ms as the delay of a timer. What is more, `Infinity` for instance, would ring at once.
 * @param {number} ms
 */
const toDelay = ms => Math.min(ms, LONGEST_DELAY)

/**
 * Waits for this, for so many ms at the most.
 * @param {number} ms
 * @param {Promise<void>} done does not reject
 * @returns {Promise<void>}
 */
const within = (ms, done) =>
  new Promise(resolve => {
    const timer = setTimeout(resolve, toDelay(ms))
    done.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })

/**
 * `queueMicrotask`, for what does not throw.
 * @param {() => void} task
 */
const inMicrotask = task => void DONE.then(task)

/** When no promise can go on by itself. @type {(task: () => void) => void} */
const nextTick = isFake ? setImmediate : process.nextTick

module.exports = { LONGEST_DELAY, inMicrotask, nextTick, toDelay, toInterval, within }
