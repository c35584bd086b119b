'use strict'

/** Everything that is known about the topic and the group: what was read, how far, and by whom. */

const { performance } = require('node:perf_hooks')

/**
 * @typedef {object} PartitionState
 * @property {number} end the log end offset; nothing is written any more
 * @property {number} position offset of the next order
 * @property {string | null} owner name of the member that has it
 * @property {boolean} kept the owner is who it was when the watch began
 * @property {number} readAt ms, when its last order was read
 * @property {number} pause ms, the longest time between two of its orders since the watch began
 */

class Ledger {
  /** how often every order was read */
  #seen
  #cents = 0
  /** @type {PartitionState[]} */
  partitions
  /** orders that were read at least once */
  distinct = 0
  /** deliveries of an order that had been read before */
  repeated = 0
  /** deliveries that are not what was written */
  damaged = 0
  deliveries = 0

  /**
   * @param {number} count orders that were written, numbered from 0
   * @param {number[]} ends log end offset of every partition
   */
  constructor(count, ends) {
    this.#seen = new Uint8Array(count)
    const unread = { position: 0, owner: null, kept: false, readAt: 0, pause: 0 }
    this.partitions = ends.map(end => ({ end, ...unread }))
  }

  get count() {
    return this.#seen.length
  }

  get complete() {
    return this.distinct === this.count
  }

  /** The sum of all orders that were read, each counted once. */
  get totalCents() {
    return this.#cents
  }

  /**
   * @param {number} partition
   * @param {number} offset
   * @param {import('./orders').Order | null} order null = not what was written
   */
  add(partition, offset, order) {
    this.deliveries += 1
    const state = this.partitions[partition]
    state.position = offset + 1
    const now = performance.now()
    state.pause = Math.max(state.pause, now - state.readAt)
    state.readAt = now
    if (order === null || !(order.id < this.count)) {
      this.damaged += 1
      return
    }
    if (this.#seen[order.id] > 0) {
      this.repeated += 1
    } else {
      this.distinct += 1
      this.#cents += order.totalCents
    }
    if (this.#seen[order.id] < 255) this.#seen[order.id] += 1
  }

  /**
   * @param {string} owner
   * @param {number[]} partitions all that it has now
   */
  assign(owner, partitions) {
    this.partitions.forEach((state, partition) => {
      const { owner: before } = state
      if (partitions.includes(partition)) state.owner = owner
      else if (before === owner) state.owner = null
      state.kept &&= state.owner === before
    })
  }

  /** The group is about to change: who keeps what, and for how long does it stand still? */
  watchKept() {
    for (const state of this.partitions) {
      Object.assign(state, { kept: state.owner !== null, pause: 0 })
    }
  }

  /** What has kept its owner since. `pause`: ms, the longest time that one of them stood still. */
  kept() {
    const kept = this.partitions.flatMap((state, partition) => (state.kept ? [partition] : []))
    return { partitions: kept, pause: Math.max(0, ...kept.map(at => this.partitions[at].pause)) }
  }
}

module.exports = { Ledger }
