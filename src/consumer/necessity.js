// @ts-check
'use strict'

/**
 * Can `autoCommitInterval` or `autoCommitThreshold` have made a commit necessary? The engine knows, but asking it costs more
 * than a message. When it says no, it writes into the cells how far off the next commit is at least: until so much time has
 * passed, or the lanes' cells show that so many offsets are resolved, it need not be asked again.
 */

const { now } = require('./clock')
const { COMMIT_OFFSETS, COMMIT_WAIT, RESOLVED, laneAt } = require('./cells')

class Necessity {
  /**
   * @param {Int32Array} cells
   * @param {number} lanes
   * @param {{ autoCommitInterval?: number | null, autoCommitThreshold?: number | null }} rules
   */
  constructor(cells, lanes, { autoCommitInterval, autoCommitThreshold }) {
    this.cells = cells
    this.hasInterval = autoCommitInterval != null
    this.hasThreshold = autoCommitThreshold != null
    /** The lanes' cells when the engine was asked. */
    this.resolved = new Int32Array(lanes)
    this.known = false
    this.deniedAt = 0
    /** ms from then. */
    this.wait = 0
    this.offsets = 0
  }

  /** What is resolved or committed has changed by something else than a cell: only the engine knows. */
  forget() {
    this.known = false
  }

  /** The engine was asked just now, and it was not necessary. */
  denied() {
    const { cells, resolved } = this
    this.known = true
    this.deniedAt = now()
    this.wait = cells[COMMIT_WAIT]
    this.offsets = cells[COMMIT_OFFSETS]
    for (let lane = 0; lane < resolved.length; lane++) {
      resolved[lane] = cells[laneAt(lane) + RESOLVED]
    }
  }

  /** Must the engine be asked? */
  mayBe() {
    if (!this.hasInterval && !this.hasThreshold) return false
    if (!this.known) return true
    if (this.hasInterval && this.isWaitOver()) return true
    return this.hasThreshold && this.moved() >= this.offsets
  }

  /** Or was the clock set back? Then it does not tell how much time has passed. */
  isWaitOver() {
    const passed = now() - this.deniedAt
    return passed >= this.wait || passed < 0
  }

  /** Offsets that were resolved since then, at most: a lane that had nothing resolved has moved very far. */
  moved() {
    const { cells, resolved } = this
    let moved = 0
    for (let lane = 0; lane < resolved.length; lane++) {
      moved += Math.max(0, cells[laneAt(lane) + RESOLVED] - resolved[lane])
    }
    return moved
  }
}

module.exports = { Necessity }
