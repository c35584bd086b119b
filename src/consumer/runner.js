// @ts-check
'use strict'

// Placeholder until the runner lands here: tests put a fake in its place.

/**
 * @param {any} _options
 * @returns {any}
 */
module.exports = _options => {
  throw new Error('The runner is not there yet')
}
