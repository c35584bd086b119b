// @ts-check
'use strict'

/** How far a partition is from its end, by what the engine knows without asking anybody. */

/**
 * @template {{ position: string | null, highWatermark: string | null, lastStableOffset: string | null }} Progress
 * @param {Progress} progress
 * @param {boolean} readUncommitted
 * @returns {Progress & { lag: string | null }} null: not known yet
 */
const withLag = (progress, readUncommitted) => {
  const { position, highWatermark, lastStableOffset } = progress
  const end = readUncommitted ? highWatermark : (lastStableOffset ?? highWatermark)
  const lag = position === null || end === null ? null : BigInt(end) - BigInt(position)
  return { ...progress, lag: lag === null ? null : String(lag < 0n ? 0n : lag) }
}

module.exports = { withLag }
