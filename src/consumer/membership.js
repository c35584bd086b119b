// @ts-check
'use strict'

/** The consumer as its group knows it: what transactions commit its offsets as, and what they have committed for it. */

const { KafkaJSProtocolError } = require('../errors')
const { describe } = require('../protocol/errorCodes')
const { placeOf, placesOf } = require('../utils/offsets')
const { toPartition } = require('../utils/partition')

const REBALANCE_IN_PROGRESS = 27

class Membership {
  /** @param {{ engine: import('../native').NativeConsumer, groupId: string }} options */
  constructor({ engine, groupId }) {
    this.engine = engine
    this.groupId = groupId
    /** What the group has given it, now or before. @type {Set<string>} */
    this.given = new Set()
  }

  /** @param {{ topic: string, partitions: number[] }[]} assignment */
  joined(assignment) {
    // What a program assigns to itself is no membership.
    if (this.engine.membership() === null) return
    for (const place of placesOf(assignment)) this.given.add(place)
  }

  /** Has it, or had it once? @param {string} topic @param {any} partition the user's */
  hadOnce(topic, partition) {
    return this.given.has(placeOf({ topic, partition: toPartition(partition) ?? -1 }))
  }

  /**
   * @param {{ topic: string, partitions: { partition: number }[] }[]} topics
   * @returns {import('../..').ConsumerGroupMetadata | null} null: it is no member now, or does not have all of these
   */
  metadataFor(topics) {
    const membership = this.engine.membership()
    if (membership === null) return null
    const { assignment, generationId, memberId, groupInstanceId } = membership
    const has = (topic, partition) =>
      assignment.some(entry => entry.topic === topic && entry.partitions.includes(partition))
    const hasAll = topics.every(({ topic, partitions }) =>
      partitions.every(entry => has(topic, toPartition(entry?.partition)))
    )
    return hasAll ? { groupId: this.groupId, generationId, memberId, groupInstanceId } : null
  }

  /**
   * `groupMetadata()` of the consumer.
   * @param {{ topic: string, partitions: { partition: number }[] }[]} topics
   * @throws {KafkaJSProtocolError} it is no member now, or does not have all of these: a rebalance, which a handler that throws it
   *   has to survive
   */
  metadata(topics) {
    const metadata = this.metadataFor(topics)
    if (metadata !== null) return metadata
    const { groupId } = this
    const message =
      this.engine.membership() === null
        ? `The consumer is no member of group "${groupId}" at present`
        : `The consumer does not have all of these partitions any more: group "${groupId}" has rebalanced`
    throw new KafkaJSProtocolError({ ...describe(REBALANCE_IN_PROGRESS), message })
  }

  /** The leader epoch of the message before an offset. @param {{ topic: string, partition: number, offset: string }} offset */
  epochBefore({ topic, partition, offset }) {
    return this.engine.epochBefore(topic, partition, offset)
  }

  /** @param {{ topic: string, partition: number, offset: string }} offset */
  markCommitted({ topic, partition, offset }) {
    this.engine.markCommitted({ topic, partition, offset, metadata: null, leaderEpoch: null })
  }
}

module.exports = { Membership }
