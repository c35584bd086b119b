// @ts-check
'use strict'

/**
 * What a cluster's brokers tell of themselves and of topics, in kafkajs's shape. The engine has metadata of its own, and routes
 * its requests by it; what is kept here is the last answer, for assigners, which ask synchronously, and for tracing libraries,
 * which know this object as `cluster.brokerPool`: they read `metadata.clusterId`, and wrap `refreshMetadata`.
 */

const { createRetry } = require('../retry')
const { createErrorFromCode } = require('../protocol/error')
const { describe } = require('../protocol/errorCodes')
const { KafkaJSError, KafkaJSTopicMetadataNotLoaded, unwrap } = require('../errors')

/**
 * A topic that is being created (by auto-creation, or a moment ago by an admin) is unknown to some brokers for a while.
 * About 3 s in all.
 */
const TOPIC_RETRY = { initialRetryTime: 100, factor: 0.2, multiplier: 2, retries: 5 }
const TOPIC_NOT_READY = ['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']

class Metadata {
  /**
   * @param {import('./connection')} connection
   * @param {{ metadataMaxAge: number, allowAutoTopicCreation: boolean }} options ms
   */
  constructor(connection, { metadataMaxAge, allowAutoTopicCreation }) {
    this.connection = connection
    this.metadataMaxAge = metadataMaxAge
    this.allowAutoTopicCreation = allowAutoTopicCreation
    /** The last answer in kafkajs's shape, `BrokerMetadata`; null before the first, and when disconnected. @type {any} */
    this.metadata = null
    /** ms since the epoch */
    this.metadataExpireAt = 0
    /** @type {Set<(answer: any, topics: string[]) => void>} */
    this.answerWatchers = new Set()
  }

  /** What was read belongs to connections that are closed. */
  forget() {
    this.metadata = null
  }

  /**
   * Asks a broker, and keeps nothing of the answer.
   * @param {string[]} topics none: all topics
   * @returns {Promise<any>} `BrokerMetadata`; errors of topics are in it
   */
  async ask(topics) {
    const client = await this.connection.connected()
    const names = topics.length > 0 ? topics : null
    const answer = toBrokerMetadata(
      unwrap(await client.metadata(names, this.allowAutoTopicCreation))
    )
    for (const watcher of this.answerWatchers) watcher(answer, topics)
    return answer
  }

  /**
   * The cluster without its topics.
   * @returns {Promise<{ brokers: any[], controller: number | null, clusterId: any }>}
   */
  async describe() {
    const client = await this.connection.connected()
    const { brokers, clusterId, controllerId } = toBrokerMetadata(
      unwrap(await client.metadata([], false))
    )
    return {
      brokers: brokers.map(({ nodeId, host, port }) => ({ nodeId, host, port })),
      controller: controllerId === -1 ? null : controllerId,
      clusterId
    }
  }

  /**
   * Reads the metadata of these topics, which takes the place of the last answer. A topic that is being created is waited for.
   * @param {string[]} topics none: all topics
   * @returns {Promise<void>} rejects with a topic's KafkaJSProtocolError
   */
  async refreshMetadata(topics) {
    const { signal } = this.connection.closed
    /** Topics that the first answer does not know. @type {string[] | null} */
    let missing = null
    try {
      await createRetry(TOPIC_RETRY, { signal })(async bail => {
        try {
          const metadata = await this.ask(topics)
          missing ??= this.allowAutoTopicCreation ? unknownTopics(metadata) : []
          throwTopicErrors(metadata, this)
          this.tellCreated(missing)
          this.metadata = metadata
          this.metadataExpireAt = Date.now() + this.metadataMaxAge
        } catch (e) {
          if (TOPIC_NOT_READY.includes(e.type)) throw e
          bail(e)
        }
      })
    } catch (e) {
      // Programs look at the `type` of the broker's error.
      throw TOPIC_NOT_READY.includes(e.cause?.type) ? e.cause : e
    }
  }

  /** Nobody should have topics without knowing, those with a misspelt name for instance. @param {string[]} topics @private */
  tellCreated(topics) {
    const logger = this.connection.rootLogger.namespace('Cluster')
    for (const topic of topics) {
      logger.info(`Topic "${topic}" did not exist and was created (allowAutoTopicCreation)`, {
        topic
      })
    }
  }

  /** @param {string[]} topics read when one of them is unknown, or the last answer too old */
  async refreshMetadataIfNecessary(topics) {
    const isKnown = topic => this.metadata.topicMetadata.some(entry => entry.topic === topic)
    if (!this.metadata || Date.now() > this.metadataExpireAt || !topics.every(isKnown)) {
      await this.refreshMetadata(topics)
    }
  }

  /**
   * Takes over what the engine has read, beside what is known of other topics.
   * @param {import('../native').NativeMetadata} metadata
   * @param {string[]} topics of which it tells; those that are not in it are unknown
   */
  adopt(metadata, topics) {
    const read = toBrokerMetadata(metadata)
    const others = (this.metadata?.topicMetadata ?? []).filter(
      ({ topic }) => !topics.includes(topic)
    )
    this.metadata = { ...read, topicMetadata: [...others, ...read.topicMetadata] }
  }

  /**
   * Calls this with each answer about topics until the function that it returns is called.
   * @param {(answer: any, topics: string[]) => void} watcher `BrokerMetadata`, and what was asked for: none = everything
   * @returns {() => void}
   */
  watchAnswers(watcher) {
    this.answerWatchers.add(watcher)
    return () => void this.answerWatchers.delete(watcher)
  }

  /** @returns {{ nodeId: number, host: string, port: number }[]} */
  get brokers() {
    return this.metadata?.brokers ?? []
  }

  /**
   * @param {string} topic
   * @returns {import('../..').PartitionMetadata[]} empty for an unknown topic
   */
  partitionsOf(topic) {
    const { metadata } = this
    if (!metadata) throw new KafkaJSTopicMetadataNotLoaded('Topic metadata not loaded', { topic })
    return metadata.topicMetadata.find(entry => entry.topic === topic)?.partitionMetadata ?? []
  }

  /**
   * @param {string} topic
   * @param {(number | string)[]} partitions unknown ones are left out
   * @returns {Record<string, number[]>} partitions by the node id of their leader
   */
  leadersOf(topic, partitions) {
    const known = this.partitionsOf(topic)
    /** @type {Record<string, number[]>} */
    const leaders = {}
    for (const partition of partitions) {
      const partitionId = Number(partition)
      const metadata = known.find(entry => entry.partitionId === partitionId)
      if (!metadata) continue
      if (metadata.leader == null) throw new KafkaJSError('Invalid partition metadata')
      ;(leaders[metadata.leader] ??= []).push(partitionId)
    }
    return leaders
  }
}

/**
 * @param {import('../native').NativeMetadata} metadata
 * @returns {any} kafkajs's shape
 */
const toBrokerMetadata = ({ clusterId, controllerId, brokers, topics }) => ({
  brokers: Array.from(brokers, broker => ({ ...broker })),
  clusterId,
  controllerId,
  topicMetadata: Array.from(topics, ({ errorCode, name, isInternal, partitions }) => ({
    topicErrorCode: errorCode,
    topic: name,
    isInternal,
    partitionMetadata: Array.from(partitions, partition => ({
      partitionErrorCode: partition.errorCode,
      partitionId: partition.partitionId,
      leader: partition.leader,
      replicas: [...partition.replicas],
      isr: [...partition.isr],
      offlineReplicas: [...partition.offlineReplicas]
    }))
  }))
})

/**
 * The first topic's error. A partition without a leader is none: the engine waits for one.
 * @param {any} metadata `BrokerMetadata`
 * @param {{ allowAutoTopicCreation?: boolean }} [asked]
 */
const throwTopicErrors = ({ topicMetadata }, { allowAutoTopicCreation } = {}) => {
  for (const { topic, topicErrorCode } of topicMetadata) {
    if (topicErrorCode === 0) continue
    const error = createErrorFromCode(topicErrorCode, { topic, allowAutoTopicCreation })
    throw Object.assign(error, { topic })
  }
}

/** @param {any} metadata `BrokerMetadata` @returns {string[]} */
const unknownTopics = ({ topicMetadata }) =>
  topicMetadata
    .filter(({ topicErrorCode }) => describe(topicErrorCode).type === 'UNKNOWN_TOPIC_OR_PARTITION')
    .map(({ topic }) => topic)

module.exports = { Metadata, throwTopicErrors }
