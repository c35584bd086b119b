// @ts-check
'use strict'

/**
 * What `npm test` leaves to `npm run test:soak`: of specs that say the same of many cases those that add little to what stands
 * for them, and single specs that take minutes. None of them is left silently: they count as skipped, and `left.js` says how
 * many there are. kafkajs, which is seldom tried, is tried in all of them.
 */

const SOAK = process.env.SOAK === '1' || process.env.CLIENT === 'kafkajs'

/**
 * `it.each` for a family of cases: `npm test` runs those that stand for the rest.
 *
 * @template {readonly any[]} C
 * @param {readonly C[]} cases
 * @param {(...of: C) => boolean} standsForOthers
 * @param {any} [block] `describe`, for families of blocks
 * @returns {(name: string, run: (...of: C) => any, timeout?: number) => void}
 */
const family =
  (cases, standsForOthers, block = it) =>
  (name, run, timeout) => {
    const [now, later] = [true, false].map(is => cases.filter(of => standsForOthers(...of) === is))
    if (now.length === 0) throw new Error(`Nothing stands for the family "${name}"`)
    block.each(now)(name, run, timeout)
    if (later.length > 0) (SOAK ? block : block.skip).each(later)(name, run, timeout)
  }

/** A spec for the soak run. */
const longSpec = SOAK ? it : it.skip

/** A block of them. */
const longBlock = SOAK ? describe : describe.skip

module.exports = { SOAK, family, longBlock, longSpec }
