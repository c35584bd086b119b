// @ts-check
'use strict'

/**
 * A partitioner of the program's: called here, once for each message, in the order of the sends. What is sent waits until the
 * partitions of its topics are known, and everything behind it waits with it, so that no send overtakes another.
 */

const { createRetry } = require('../retry')
const { KafkaJSNonRetriableError, explained } = require('../errors')
const { withHelp } = require('../help')
const { toPartition } = require('../utils/partition')
const { show } = require('../utils/show')
const { readable } = require('../utils/thrown')

/** @typedef {{ topic: string, messages: any[] }} TopicMessages */

/** The section that helps. */
const OPTIONS = 'options-and-arguments'

/** Topics whose partitions are known. */
const MOST_TOPICS = 1000

class Partitioning {
  /**
   * @param {{
   *   cluster: import('../cluster'),
   *   createPartitioner: any,
   *   retry: any
   * }} options `createPartitioner`: the program's
   */
  constructor({ cluster, createPartitioner, retry }) {
    this.cluster = cluster
    this.partitioner = partitionerOf(createPartitioner)
    this.retry = retry
    /** The send that waits for the partitions of its topics, and all behind it. @type {Promise<any> | null} */
    this.tail = null
    /** The partitions are read again. @type {Promise<void> | null} */
    this.refreshing = null
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

  /** Resolves when everything is handed over that was sent before, or has failed. @returns {Promise<void>} */
  handedOver() {
    return this.tail ?? Promise.resolve()
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
    await createRetry(this.retry)(() => this.add(topics)).catch(error => {
      throw namedBy(error, error.cause)
    })
    if (!topics.every(topic => this.isKnown(topic))) await this.cluster.refreshMetadata()
  }

  /** @private @param {string[]} topics */
  async add(topics) {
    for (;;) {
      try {
        return await this.cluster.addMultipleTargetTopics(topics)
      } catch (error) {
        // Another one, which is deleted for instance, is the concern of those who send to it.
        if (topics.includes(error.topic) || !this.forget(error)) throw error
      }
    }
  }

  /** Its topic is not asked for any more; says whether it was. @private @param {any} error */
  forget(error) {
    return this.cluster.targetTopics.delete(error.topic)
  }

  /** Partitions that are added are seen when the metadata is too old; nobody waits for that. @private */
  refresh() {
    const { cluster } = this
    this.refreshing ??= cluster
      .refreshMetadataIfNecessary()
      .catch(error => {
        this.forget(error)
        cluster.logger.debug(`Metadata could not be read: ${error.message}`)
      })
      .finally(() => {
        this.refreshing = null
      })
  }

  /**
   * @private
   * @param {{ topic: string, partitionMetadata: any[], message: any }} args of the partitioner
   * @param {number} i which of the topic's messages it is
   */
  partitionOf(args, i) {
    const which = () => `message ${i} of topic "${args.topic}"`
    let partition
    try {
      partition = this.partitioner(args)
    } catch (thrown) {
      throw thrownBy(`the partitioner, for ${which()}`, thrown)
    }
    if (toPartition(partition) !== null) return partition
    throw new KafkaJSNonRetriableError(
      `The partitioner has to return the number of a partition, it returned ${show(partition)} for ${which()}`
    )
  }

  /** Not the user's messages: those are never changed. @private @param {TopicMessages[]} topicMessages */
  partitioned(topicMessages) {
    return topicMessages.map(({ topic, messages }) => {
      const partitionMetadata = this.cluster.findTopicPartitionMetadata(topic)
      return {
        topic,
        messages: messages.map((message, i) => {
          const partition = this.partitionOf({ topic, partitionMetadata, message }, i)
          return { ...message, partition }
        })
      }
    })
  }
}

/**
 * With the topic that it is about, and what brokers have against it: as of a send that the engine partitions.
 * @param {any} error
 * @param {any} cause
 */
const namedBy = (error, { topic = undefined, type = undefined, code = undefined } = {}) => {
  if (topic !== undefined) error.topic ??= topic
  if (type !== undefined && error.name === 'KafkaJSNonRetriableError') {
    Object.assign(error, { type, code })
  }
  return error
}

/** As in kafkajs, where what is none is called. @param {string} message */
const mistyped = message => withHelp(new TypeError(message), OPTIONS)

/** @param {any} create @returns {(args: any) => any} */
const partitionerOf = create => {
  if (typeof create !== 'function') {
    throw mistyped(
      `createPartitioner has to be a function that returns a partitioner, received ${show(create)}`
    )
  }
  let partitioner
  try {
    partitioner = create()
  } catch (thrown) {
    throw thrownBy('createPartitioner, which gets nothing and returns the partitioner', thrown)
  }
  if (typeof partitioner !== 'function') {
    throw mistyped(
      `createPartitioner has to return a partitioner, a function, it returned ${show(partitioner)}`
    )
  }
  return partitioner
}

/**
 * What the program throws stays the error, as in kafkajs; where people see it, it says where it comes from.
 * @param {string} by
 * @param {any} thrown
 */
const thrownBy = (by, thrown) => {
  const error = readable(thrown, by)
  if (!(error instanceof Error)) return error
  try {
    explained(error, `thrown by ${by}`)
    return 'helpUrl' in error ? error : withHelp(error, OPTIONS)
  } catch {
    // It is frozen, or computes its stack.
    return error
  }
}

module.exports = { Partitioning }
