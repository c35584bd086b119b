'use strict'

/** Everything that is known about the topic and the group: what was read, how far, and by whom. */

/**
 * @typedef {object} PartitionState
 * @property {number} end the log end offset; nothing is written any more
 * @property {number} position offset of the next order
 * @property {string | null} owner name of the member that has it
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
    this.partitions = ends.map(end => ({ end, position: 0, owner: null }))
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
      if (partitions.includes(partition)) state.owner = owner
      else if (state.owner === owner) state.owner = null
    })
  }
}

module.exports = { Ledger }
