// @ts-check
'use strict'

const Connection = require('./connection')
const { Members } = require('./members')
const { Metadata, throwTopicErrors } = require('./metadata')
const { createBroker, describeGroup, findCoordinator, listOffsets } = require('./broker')
const { KafkaJSBrokerNotFound, KafkaJSMetadataNotLoaded } = require('../errors')

const EARLIEST_OFFSET = -2
const LATEST_OFFSET = -1

/**
 * A cluster as a consumer or an admin client has it: the connection, and what is asked over it. Towards assigners and tracing
 * libraries it has the shape of kafkajs's.
 */
class Cluster extends Connection {
  /**
   * @param {{
   *   config: ReturnType<typeof import('../config').kafkaOptions>,
   *   logger: import('../..').Logger,
   *   emitter: import('../instrumentation/emitter'),
   *   metadataMaxAge: number,
   *   allowAutoTopicCreation: boolean,
   *   maxInFlightRequests: number | null,
   *   readCommitted: boolean,
   *   members?: Members
   * }} options times in ms; `members`: the clients of the same `Kafka`
   */
  constructor({
    metadataMaxAge,
    allowAutoTopicCreation,
    readCommitted,
    members = new Members(),
    ...options
  }) {
    super({ members, ...options })
    this.readCommitted = readCommitted
    this.brokerPool = new Metadata(this, { metadataMaxAge, allowAutoTopicCreation })
    /** @type {Set<string>} */
    this.targetTopics = new Set()
    /** Subscriptions change the target topics one after the other. */
    this.lastUpdate = Promise.resolve()
  }

  interrupt() {
    super.interrupt()
    this.brokerPool.forget()
  }

  // Topics

  /**
   * Metadata of these topics as the brokers know them now; of all topics when none are named.
   * @param {{ topics?: string[] }} [options]
   * @returns {Promise<any>} `BrokerMetadata`; rejects with the first topic's error
   */
  async metadata({ topics = [] } = {}) {
    const metadata = await this.brokerPool.ask(topics)
    if (topics.length > 0) throwTopicErrors(metadata, this.brokerPool)
    return metadata
  }

  /** The cluster without its topics. */
  describe() {
    return this.brokerPool.describe()
  }

  /**
   * Reads the metadata of the target topics.
   * @returns {Promise<void>} rejects with a topic's KafkaJSProtocolError
   */
  async refreshMetadata() {
    await this.brokerPool.refreshMetadata([...this.targetTopics])
  }

  async refreshMetadataIfNecessary() {
    await this.brokerPool.refreshMetadataIfNecessary([...this.targetTopics])
  }

  /** @param {string} topic */
  addTargetTopic(topic) {
    return this.addMultipleTargetTopics([topic])
  }

  /**
   * @param {string[]} topics
   * @returns {Promise<void>} rejects, and forgets them, when one of them is missing, invalid or forbidden
   */
  addMultipleTargetTopics(topics) {
    const { signal } = this.closed
    const update = this.lastUpdate.then(() => {
      signal.throwIfAborted()
      return this.extendTargetTopics(topics)
    })
    this.lastUpdate = update.catch(() => {})
    return update
  }

  /**
   * What is known to be there, or to be there no more: no broker is asked.
   * @param {string[]} added
   * @param {string[]} gone
   */
  changeTargetTopics(added, gone) {
    for (const topic of gone) this.targetTopics.delete(topic)
    for (const topic of added) this.targetTopics.add(topic)
  }

  /** @private */
  async extendTargetTopics(topics) {
    const added = topics.filter(topic => !this.targetTopics.has(topic))
    if (added.length === 0 && this.brokerPool.metadata) return
    for (const topic of added) this.targetTopics.add(topic)
    try {
      await this.refreshMetadata()
    } catch (e) {
      for (const topic of added) this.targetTopics.delete(topic)
      throw e
    }
  }

  /**
   * @param {string} topic
   * @returns {import('../..').PartitionMetadata[]} empty for an unknown topic
   */
  findTopicPartitionMetadata(topic) {
    return this.brokerPool.partitionsOf(topic)
  }

  /**
   * @param {string} topic
   * @param {(number | string)[]} partitions unknown ones are left out
   * @returns {Record<string, number[]>} partitions by the node id of their leader
   */
  findLeaderForPartitions(topic, partitions) {
    return this.brokerPool.leadersOf(topic, partitions)
  }

  // Brokers, as far as assigners use them

  /** @returns {any[]} strings, as in kafkajs */
  getNodeIds() {
    return this.brokerPool.brokers.map(({ nodeId }) => String(nodeId))
  }

  /** The engine drops broken connections itself. */
  removeBroker() {}

  /** @param {{ nodeId: string | number }} node */
  async findBroker({ nodeId }) {
    const find = () =>
      this.brokerPool.brokers.find(broker => String(broker.nodeId) === String(nodeId))
    if (!find()) await this.refreshMetadata()
    const broker = find()
    if (!broker) {
      throw new KafkaJSBrokerNotFound(`Broker ${nodeId} not found in the cached metadata`)
    }
    return createBroker(this, broker)
  }

  async findControllerBroker() {
    const controllerId = this.brokerPool.metadata?.controllerId
    if (controllerId == null) throw new KafkaJSMetadataNotLoaded('Topic metadata not loaded')
    return this.findBroker({ nodeId: controllerId })
  }

  /**
   * A broker object for the group's coordinator.
   * @param {{ groupId: string }} group
   */
  async findGroupCoordinator({ groupId }) {
    return createBroker(this, await findCoordinator(this, groupId))
  }

  /**
   * Where the group's coordinator is.
   * @param {{ groupId: string }} group
   * @returns {Promise<import('../..').CoordinatorMetadata>} rejects with KafkaJSGroupCoordinatorNotFound, whose `cause` is why
   */
  async findGroupCoordinatorMetadata({ groupId }) {
    return { errorCode: 0, coordinator: await findCoordinator(this, groupId) }
  }

  /**
   * @param {string} groupId
   * @returns {Promise<any>} `GroupDescription` and `errorCode`
   */
  describeGroup(groupId) {
    return describeGroup(this, groupId)
  }

  // Offsets

  /**
   * A transaction has committed this offset of the group: for consumers of the same `Kafka` it is not uncommitted any more.
   * @param {{ groupId: string, topic: string, partition: number, offset: string }} committed
   */
  markOffsetAsCommitted({ groupId, ...offset }) {
    for (const member of this.members.of(groupId)) member.markCommitted(offset)
  }

  /** @param {{ fromBeginning?: boolean }} config */
  defaultOffset({ fromBeginning }) {
    return fromBeginning ? EARLIEST_OFFSET : LATEST_OFFSET
  }

  /**
   * The first, last or timestamp's offset of partitions; unknown partitions are left out.
   * @param {any[]} topics `{ topic, partitions: [{ partition }] }` with `fromBeginning` or `fromTimestamp` (ms)
   * @returns {Promise<import('../..').TopicOffsets[]>}
   */
  async fetchTopicsOffset(topics) {
    const wanted = topics.flatMap(({ topic, partitions, fromBeginning, fromTimestamp }) => {
      const timestamp = fromTimestamp ?? this.defaultOffset({ fromBeginning })
      const leaders = this.findLeaderForPartitions(
        topic,
        partitions.map(({ partition }) => partition)
      )
      return Object.values(leaders)
        .flat()
        .map(partition => ({ topic, partition, timestamp }))
    })
    return this.listOffsets(wanted)
  }

  /**
   * @param {{ topic: string, partition: number, timestamp: number | string }[]} wanted timestamps in ms, -1 latest, -2 earliest
   * @returns {Promise<import('../..').TopicOffsets[]>}
   */
  listOffsets(wanted) {
    return listOffsets(this, wanted, this.readCommitted)
  }
}

module.exports = Cluster
