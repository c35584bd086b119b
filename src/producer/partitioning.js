// @ts-check
'use strict'

/**
 * A partitioner of the program's: called here, once for each message, in the order of the sends. What is sent waits until the
 * partitions of its topics are known, and everything behind it waits with it, so that no send overtakes another.
 */

const { createRetry } = require('../retry')
const { KafkaJSNonRetriableError } = require('../errors')
const { show } = require('../utils/show')

/** @typedef {{ topic: string, messages: any[] }} TopicMessages */

/** Topics whose partitions are known. */
const MOST_TOPICS = 1000

class Partitioning {
  /**
   * @param {{
   *   cluster: import('../cluster'),
   *   partitioner: (args: any) => any,
   *   retry: any
   * }} options
   */
  constructor({ cluster, partitioner, retry }) {
    this.cluster = cluster
    this.partitioner = partitioner
    this.retry = retry
    /** The send that waits for the partitions of its topics, and all behind it. @type {Promise<any> | null} */
    this.tail = null
  }

  /**
   * Sends messages that have their partitions.
   * @template T
   * @param {TopicMessages[]} topicMessages
   * @param {(topicMessages: TopicMessages[]) => Promise<T>} send
   * @returns {Promise<T>}
   */
  async send(topicMessages, send) {
    const topics = topicMessages.map(({ topic }) => topic)
    if (this.tail === null && topics.every(topic => this.isKnown(topic))) {
      this.refresh()
      return send(this.partitioned(topicMessages))
    }
    const load = () => (topics.every(topic => this.isKnown(topic)) ? null : this.load(topics))
    const ready = (this.tail ?? Promise.resolve()).then(load)
    // What follows waits for this one to be handed over, not for its answer.
    const handed = ready.then(() => ({ answer: send(this.partitioned(topicMessages)) }))
    const tail = handed.then(
      () => {},
      () => {}
    )
    this.tail = tail
    tail.then(() => {
      if (this.tail === tail) this.tail = null
    })
    return (await handed).answer
  }

  /** @private @param {string} topic */
  isKnown(topic) {
    const { brokerPool } = this.cluster
    return brokerPool.metadata !== null && brokerPool.partitionsOf(topic).length > 0
  }

  /** @private @param {string[]} topics */
  async load(topics) {
    const { targetTopics } = this.cluster
    // All of them are read at once. A program may send to ever new topics: those that it goes on with are soon here again.
    if (targetTopics.size >= MOST_TOPICS) targetTopics.clear()
    await createRetry(this.retry)(() => this.cluster.addMultipleTargetTopics(topics))
    if (!topics.every(topic => this.isKnown(topic))) await this.cluster.refreshMetadata()
  }

  /** Partitions that are added are seen when the metadata is too old; nobody waits for that. @private */
  refresh() {
    this.cluster.refreshMetadataIfNecessary().catch(({ message }) => {
      this.cluster.logger.debug(`Metadata could not be read: ${message}`)
    })
  }

  /** Not the user's messages: those are never changed. @private @param {TopicMessages[]} topicMessages */
  partitioned(topicMessages) {
    return topicMessages.map(({ topic, messages }) => {
      const partitionMetadata = this.cluster.findTopicPartitionMetadata(topic)
      return {
        topic,
        messages: messages.map((message, i) => {
          const partition = this.partitioner({ topic, partitionMetadata, message })
          if (!isPartition(partition)) {
            throw new KafkaJSNonRetriableError(
              `The partitioner has to return the number of a partition, it returned ${show(partition)} for message ${i} of topic "${topic}"`
            )
          }
          return { ...message, partition }
        })
      }
    })
  }
}

const isPartition = partition =>
  (typeof partition === 'number' || typeof partition === 'string') &&
  Number.isInteger(Number(partition))

module.exports = { Partitioning }
