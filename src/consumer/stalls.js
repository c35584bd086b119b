// @ts-check
'use strict'

/**
 * Which partitions stand still: there is something to read, nobody has paused them, and their position has not moved for so long. What
 * is seen and when are arguments: nothing here asks a clock or an engine.
 *
 *   behind ──moves, paused, read to the end──► (counts anew)
 *     │
 *     └─ stands still for `after` ──► told, once ──moves──► (counts anew)
 */

const { placeOf } = require('../utils/offsets')
const { TROUBLE, waitOfAll } = require('./health')

/**
 * @typedef {import('./health').Snapshot} Snapshot
 * @typedef {object} Stall
 * @property {import('../..').ConsumerWait | null} wait why
 * @property {number} since when the first of them has stopped, as far as was seen, ms since the epoch
 * @property {import('./health').Partition[]} partitions none: the consumer gets no assignment
 */

/** What only a consumer that should read can be in. */
const RUNNING = ['joining', 'running', 'rebalancing', 'overdue']

class Stalls {
  /** @param {number} after ms */
  constructor(after) {
    this.after = after
    /** @type {Map<string, { position: string | null, since: number, told: boolean }>} */
    this.known = new Map()
    /** Since when it has no assignment. @type {{ since: number, told: boolean } | null} */
    this.without = null
  }

  /**
   * @param {Snapshot} snapshot
   * @param {number} now ms since the epoch
   * @returns {Stall[]} what has not been told yet: one for each reason
   */
  look(snapshot, now) {
    const isRunning = RUNNING.includes(snapshot.state)
    const partitions = isRunning ? snapshot.partitions : []
    const stalls = this.lookAtPartitions(partitions, now)
    const isWithout = isRunning && partitions.length === 0 && snapshot.wait !== null
    this.without = isWithout ? (this.without ?? { since: now, told: false }) : null
    if (this.without && !this.without.told && now - this.without.since >= this.after) {
      this.without.told = true
      stalls.push({ wait: waitOfAll(snapshot), since: this.without.since, partitions: [] })
    }
    return stalls
  }

  /** @param {import('./health').Partition[]} partitions @param {number} now @private */
  lookAtPartitions(partitions, now) {
    const before = this.known
    this.known = new Map()
    /** @type {Map<string | undefined, Stall>} */
    const stalls = new Map()
    for (const partition of partitions) {
      const { position, wait } = partition
      const place = placeOf(partition)
      let seen = before.get(place)
      if (!seen || seen.position !== position || !isBehind(partition)) {
        seen = { position, since: now, told: false }
      }
      this.known.set(place, seen)
      if (seen.told || now - seen.since < this.after) continue
      seen.told = true
      const stall = stalls.get(wait?.reason)
      if (stall) {
        stall.partitions.push(partition)
        stall.since = Math.min(stall.since, seen.since)
      } else stalls.set(wait?.reason, { wait, since: seen.since, partitions: [partition] })
    }
    return [...stalls.values()]
  }
}

/** Is there something to read, as far as anybody can know? Of a broker that does not answer the end is not known. */
const isBehind = ({ isPaused, lag, wait }) => {
  if (isPaused || wait?.reason === 'delay') return false
  return lag !== '0' || TROUBLE.includes(wait?.reason)
}

module.exports = { Stalls }
