// @ts-check
'use strict'

/**
 * Numbers that a seed decides.
 *
 * @param {number} seed
 */
const random = seed => {
  let state = seed >>> 0
  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (/** @type {number} */ limit) => Math.floor(next() * limit)
  return {
    /** An integer from 0 up to this, exclusive. */
    below,
    /** An integer in this range, both inclusive. @param {number} low @param {number} high */
    between: (low, high) => low + below(high - low + 1),
    /** @param {number} probability */
    chance: probability => next() < probability,
    /** @template T @param {readonly T[]} items @returns {T} */
    pick: items => items[below(items.length)]
  }
}

module.exports = { random }
