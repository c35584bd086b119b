// @ts-check
'use strict'

/**
 * The partitions that an assigner sees. It is shown metadata, and may read more by itself, of a broker that is behind: only
 * what all answers tell has been seen for sure, and the rest is for the engine to find missing.
 */
class SeenPartitions {
  /** @param {import('../native').NativeMetadata} metadata what it is shown */
  constructor({ topics }) {
    /** @type {Map<string, Set<number>>} */
    this.partitions = new Map()
    for (const { name, partitions } of topics) {
      this.partitions.set(name, new Set(Array.from(partitions, ({ partitionId }) => partitionId)))
    }
  }

  /**
   * @param {any} answer `BrokerMetadata`
   * @param {string[]} topics what was asked for; none = everything
   */
  narrow({ topicMetadata }, topics) {
    const told = new Map(
      topicMetadata.map(({ topic, partitionMetadata }) => [
        topic,
        new Set(partitionMetadata.map(({ partitionId }) => partitionId))
      ])
    )
    for (const topic of topics.length > 0 ? topics : this.partitions.keys()) {
      const known = this.partitions.get(topic)
      const now = told.get(topic) ?? new Set()
      this.partitions.set(topic, known ? new Set([...known].filter(id => now.has(id))) : now)
    }
  }

  /** @returns {import('../native').NativeTopicPartitions[]} */
  toPartitions() {
    return Array.from(this.partitions, ([topic, partitions]) => ({
      topic,
      partitions: [...partitions]
    }))
  }
}

module.exports = SeenPartitions
