// @ts-check
'use strict'

/**
 * The Int32 cells shared with the engine: the only thing that is touched per message besides the slab.
 *
 * One block of 16 (a cache line) for the consumer, then one per lane:
 *
 *   consumer  [0] error code that `heartbeat()` rejects with, 0 = none   written by the engine
 *             [1] bytes that the next slab should have                   written by the engine
 *             [2] ms before which autoCommitInterval, and                written by the engine when it
 *             [3] offsets before which autoCommitThreshold is not due    is asked; INT32_MAX = never
 *   lane      [0] next offset to read, minus the delivery's baseOffset   written by us; NOTHING_RESOLVED by the engine
 *             [1] flags: heed them before each message                   written by the engine
 */

const STRIDE = 16

const GROUP_ERROR = 0
const SLAB_SIZE = 1
const COMMIT_WAIT = 2
const COMMIT_OFFSETS = 3

const RESOLVED = 0
const FLAGS = 1

/** Lane flag: do not start another message. */
const STOP = 1
/** Lane flag: the position of this partition has changed, or the session may be over and the partition another member's. */
const STALE = 2
/** Lane flag: the consumer is stopping. */
const CLOSING = 4

/** @param {number} lanes */
const createCells = lanes => {
  const cells = new Int32Array((lanes + 1) * STRIDE)
  cells[SLAB_SIZE] = 256 * 1024
  return cells
}

/** @param {number} lane index of the lane's first cell */
const laneAt = lane => (lane + 1) * STRIDE

module.exports = {
  createCells,
  laneAt,
  GROUP_ERROR,
  SLAB_SIZE,
  COMMIT_WAIT,
  COMMIT_OFFSETS,
  RESOLVED,
  FLAGS,
  STOP,
  STALE,
  CLOSING
}
