// @ts-check
'use strict'

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

module.exports = { LONGEST_DELAY, toDelay, toInterval }
