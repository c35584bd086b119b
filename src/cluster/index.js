// @ts-check
'use strict'

/**
 * The connection to a cluster: one `NativeClient` from `connect()` to `disconnect()`, a new one after that; the choice of
 * the seed broker; the metadata. Towards assigners and tracing libraries it has the shape of kafkajs's cluster.
 *
 * What is asked before the first `connect()` connects by itself. What is asked behind a `disconnect()` does not.
 */

// Not the global ones, which a test's fake timers replace.
const { clearInterval, setInterval } = require('node:timers')
const { createEngineLog } = require('../loggers')
const { createRetry } = require('../retry')
const networkEvents = require('../network/instrumentationEvents')
const { createErrorFromCode } = require('../protocol/error')
const native = require('../native')
const { authenticate, toNativeSasl } = require('../sasl')
const { createIdentityCheck, toNativeTls } = require('../tls')
const { hasOwnLookup, lookUp } = require('./lookup')
const { createSeeds, validatePort } = require('./seeds')
const { createBroker, byTopic } = require('./broker')
const { createAbort, createInterruption, unlessAborted } = require('../utils/interruption')
const { LONGEST_DELAY } = require('../utils/timers')
const {
  KafkaJSBrokerNotFound,
  KafkaJSError,
  KafkaJSGroupCoordinatorNotFound,
  KafkaJSMetadataNotLoaded,
  KafkaJSNonRetriableError,
  KafkaJSTopicMetadataNotLoaded,
  fromFailure,
  isFailure,
  unwrap
} = require('../errors')

/** @typedef {import('../native').NativeClient} NativeClient */
/** @typedef {import('../native').NativeClientEvent} NativeClientEvent */

/**
 * The engine tells of requests only while somebody listens to one of their events.
 * @param {import('../instrumentation/emitter')} emitter
 */
const listensToRequests = emitter =>
  Object.values(networkEvents).some(name => emitter.listens(name))

/** Is never aborted. */
const NEVER = createAbort().signal

const EARLIEST_OFFSET = -2
const LATEST_OFFSET = -1

/**
 * A topic that is being created (by auto-creation, or a moment ago by an admin) is unknown to some brokers for a while.
 * About 3 s in all.
 */
const TOPIC_RETRY = { initialRetryTime: 100, factor: 0.2, multiplier: 2, retries: 5 }
const TOPIC_NOT_READY = ['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']

class Cluster {
  /**
   * @param {{
   *   config: ReturnType<typeof import('../config').kafkaOptions>,
   *   logger: import('../..').Logger,
   *   emitter: import('../instrumentation/emitter'),
   *   metadataMaxAge: number,
   *   allowAutoTopicCreation: boolean,
   *   maxInFlightRequests: number | null,
   *   readCommitted: boolean
   * }} options times in ms
   */
  constructor({ config, logger, emitter, ...options }) {
    this.config = config
    this.options = options
    this.rootLogger = logger
    this.logger = logger.namespace('BrokerPool')
    this.writeLog = createEngineLog(logger)
    this.emitter = emitter
    this.nextSeed = createSeeds(config.brokers)
    /** @type {NativeClient | null} */
    this.client = null
    /** Clients that are about to be closed. @type {Set<NativeClient>} */
    this.left = new Set()
    /** The attempt to connect that is under way. @type {{ done: Promise<NativeClient>, waiting: number } | null} */
    this.connecting = null
    /** Ends what was begun on these connections. From `disconnect()` to the next `connect()` it is aborted. */
    this.closed = createAbort()
    /** Nothing of the engine keeps the process alive; connections do. @type {NodeJS.Timeout | null} */
    this.keepAlive = null
    /** @type {Set<string>} */
    this.targetTopics = new Set()
    /** Subscriptions change the target topics one after the other. */
    this.lastUpdate = Promise.resolve()
    /** What JavaScript authentication threw, by its text: the engine only hands back the text. */
    this.authenticationErrors = new Map()
    /** Tracing libraries read `cluster.brokerPool.metadata.clusterId`, and wrap what refreshes it. */
    this.brokerPool = {
      metadata: /** @type {any} */ (null),
      refreshMetadata: (/** @type {string[]} */ topics) => this.readMetadata(topics)
    }
    this.metadataExpireAt = 0
    /** @type {Set<(answer: any, topics: string[]) => void>} */
    this.answerWatchers = new Set()
    emitter.watch(() => this.client?.setRequestEvents(listensToRequests(emitter)))
  }

  /** The engine's client; made when it is first needed. */
  get native() {
    return (this.client ??= this.open())
  }

  isConnected() {
    return this.client !== null && this.client.isConnected()
  }

  /** Connects unless connected. @returns {Promise<void>} rejects when a `disconnect()` comes in between */
  async connect() {
    if (this.closed.signal.aborted) this.closed = createAbort()
    await this.connected()
  }

  /**
   * Connects if need be.
   * @param {AbortSignal} [signal] aborted: the caller wants it no more
   * @returns {Promise<NativeClient>} rejects after a `disconnect()`
   */
  connected(signal = NEVER) {
    return this.untilDisconnected(async () => {
      const attempt = (this.connecting ??= this.attempt())
      attempt.waiting++
      try {
        return await unlessAborted(signal, () => attempt.done)
      } finally {
        attempt.waiting--
        if (attempt.waiting === 0 && this.connecting === attempt) this.abandon()
      }
    })
  }

  /**
   * Does this, unless a `disconnect()` comes in between, or has come already: then it rejects at once.
   * @template T
   * @param {(signal: AbortSignal) => Promise<T>} work called at once
   * @returns {Promise<T>}
   */
  untilDisconnected(work) {
    const { signal } = this.closed
    return unlessAborted(signal, () => work(signal))
  }

  /** Throws between `disconnect()` and the next `connect()`. */
  throwIfDisconnected() {
    this.closed.signal.throwIfAborted()
  }

  /** Closes everything; nothing is opened before the next `connect()`. Idempotent. */
  async disconnect() {
    this.refuse()
    await this.close()
  }

  /** The beginning of `disconnect()`: nothing goes on, nothing begins. What is open stays so until `close()`. */
  refuse() {
    this.interrupt()
    this.closed.abort(
      new KafkaJSNonRetriableError('Disconnected: connect() has to be called before anything else')
    )
  }

  /** Ends what is under way. What comes after it connects anew. */
  interrupt() {
    const { client, closed } = this
    if (client) this.left.add(client)
    this.client = null
    this.connecting = null
    this.brokerPool.metadata = null
    if (closed.signal.aborted) return
    this.closed = createAbort()
    closed.abort(createInterruption('Disconnected before it was done'))
  }

  /** Closes what was interrupted. */
  async close() {
    if (this.keepAlive && !this.isConnected()) {
      clearInterval(this.keepAlive)
      this.keepAlive = null
    }
    await Promise.all([...this.left].map(client => this.closeClient(client)))
  }

  /** @private */
  async closeClient(client) {
    await client.close()
    this.left.delete(client)
  }

  /** Nobody waits for the connection any more. @private */
  abandon() {
    this.interrupt()
    this.close().catch(({ message }) => this.logger.debug(`Could not be closed: ${message}`))
  }

  /** @private */
  attempt() {
    const done = this.connectToSeed().finally(() => {
      // A disconnect() may have forgotten this attempt, and another one begun.
      if (this.connecting === attempt) this.connecting = null
    })
    const attempt = { done, waiting: 0 }
    return attempt
  }

  /** @private */
  open() {
    const { config, options } = this
    const tls = toNativeTls(config.ssl)
    const checkIdentity = createIdentityCheck(config.ssl, tls)
    const client = createNativeClient(
      {
        clientId: config.clientId,
        connectionTimeout: config.connectionTimeout,
        authenticationTimeout: config.authenticationTimeout,
        reauthenticationThreshold: config.reauthenticationThreshold,
        requestTimeout: config.requestTimeout,
        maxInFlightRequests: options.maxInFlightRequests,
        lookup: hasOwnLookup(config.ssl),
        tls,
        sasl: config.sasl ? toNativeSasl(config.sasl) : null
      },
      event => {
        if (event.type === 'check_server_identity') {
          const refusal = checkIdentity(event)
          client.serverIdentity(event.check, refusal?.message ?? null, refusal?.code ?? null)
        } else if (event.type === 'look_up') {
          lookUp(config.ssl, event.host, (...answer) => client.addresses(event.lookup, ...answer))
        } else {
          this.onEvent(client, event)
        }
      }
    )
    if (listensToRequests(this.emitter)) client.setRequestEvents(true)
    return client
  }

  /**
   * Tries one seed broker after the other.
   * @returns {Promise<NativeClient>}
   * @private
   */
  async connectToSeed() {
    const { signal } = this.closed
    const client = this.native
    if (client.isConnected()) return client
    const nextSeed = () => unlessAborted(signal, this.nextSeed)
    let seed = await nextSeed()

    return createRetry(this.config.retry, { signal })(async (bail, retryCount, retryTime) => {
      try {
        signal.throwIfAborted()
        validatePort(seed)
        const { host, port } = seed
        const failure = await unlessAborted(signal, () => client.connect(host, port))
        signal.throwIfAborted()
        if (failure) throw this.authenticationErrors.get(failure.message) ?? fromFailure(failure)
        this.keepAlive ??= setInterval(() => {}, LONGEST_DELAY)
        return client
      } catch (e) {
        signal.throwIfAborted()
        if (e.name === 'KafkaJSConnectionError' || e.type === 'ILLEGAL_SASL_STATE') {
          seed = await nextSeed()
          this.logger.error(
            `Failed to connect to seed broker, trying another broker from the list: ${e.message}`,
            { retryCount, retryTime }
          )
        } else {
          this.logger.error(e.message, { retryCount, retryTime })
        }
        if (!e.retriable) bail(e)
        throw e
      } finally {
        this.authenticationErrors.clear()
      }
    })
  }

  /**
   * @param {NativeClient} client
   * @param {NativeClientEvent} event
   * @private
   */
  onEvent(client, { type, ...payload }) {
    const { emitter } = this
    switch (type) {
      case 'log':
        return this.writeLog(/** @type {any} */ (payload))
      case 'request':
        return emitter.emit(networkEvents.NETWORK_REQUEST, payload)
      case 'request_timeout':
        return emitter.emit(networkEvents.NETWORK_REQUEST_TIMEOUT, payload)
      case 'request_queue_size':
        return emitter.emit(networkEvents.NETWORK_REQUEST_QUEUE_SIZE, payload)
      case 'unreachable':
        // They may have moved, all of them: the seeds know more. What goes wrong is logged, and will be tried again.
        if (client === this.client) this.connected().catch(() => {})
        return
      case 'authenticate':
        this.authenticate(client, /** @type {any} */ (payload))
    }
  }

  /** @private */
  async authenticate(client, event) {
    const { sasl } = this.config
    try {
      await authenticate({ sasl, client, event, logger: this.rootLogger })
      client.authenticated(event.session, null, false)
    } catch (e) {
      const message = String(e?.message ?? e)
      this.authenticationErrors.set(message, e)
      // A provider that cannot be reached is no refusal: connections are tried again, as after any other failure.
      client.authenticated(event.session, message, e?.retriable !== false)
    }
  }

  // Metadata

  /**
   * Metadata of these topics as the brokers know them now; of all topics when none are named.
   * @param {{ topics?: string[] }} [options]
   * @returns {Promise<any>} `BrokerMetadata`; rejects with the first topic's error
   */
  async metadata({ topics = [] } = {}) {
    const metadata = await this.request(topics)
    if (topics.length > 0) throwTopicErrors(metadata)
    return metadata
  }

  /**
   * The cluster without its topics.
   * @returns {Promise<{ brokers: any[], controller: number | null, clusterId: any }>}
   */
  async describe() {
    const client = await this.connected()
    const metadata = unwrap(await client.metadata([], false))
    const { clusterId, controllerId } = metadata
    const brokers = Array.from(metadata.brokers, ({ nodeId, host, port }) => ({
      nodeId,
      host,
      port
    }))
    return { brokers, controller: controllerId === -1 ? null : controllerId, clusterId }
  }

  /**
   * Reads the metadata of the target topics.
   * @returns {Promise<void>} rejects with a topic's KafkaJSProtocolError
   */
  async refreshMetadata() {
    await this.brokerPool.refreshMetadata([...this.targetTopics])
  }

  /** @private */
  async readMetadata(topics) {
    const { signal } = this.closed
    try {
      await createRetry(TOPIC_RETRY, { signal })(async bail => {
        try {
          const metadata = await this.request(topics)
          throwTopicErrors(metadata)
          this.remember(metadata)
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

  async refreshMetadataIfNecessary() {
    const { metadata } = this.brokerPool
    const known = topic => metadata.topicMetadata.some(entry => entry.topic === topic)
    if (!metadata || Date.now() > this.metadataExpireAt || ![...this.targetTopics].every(known)) {
      await this.refreshMetadata()
    }
  }

  /**
   * What `findTopicPartitionMetadata` answers from now on, beside what it knows of other topics.
   * @param {import('../native').NativeMetadata} metadata as the engine has read it
   * @param {string[]} topics of which it tells; those that are not in it are unknown
   */
  adopt(metadata, topics) {
    const read = toBrokerMetadata(metadata)
    const others = (this.brokerPool.metadata?.topicMetadata ?? []).filter(
      ({ topic }) => !topics.includes(topic)
    )
    this.brokerPool.metadata = { ...read, topicMetadata: [...others, ...read.topicMetadata] }
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

  /** @private */
  async request(topics) {
    const client = await this.connected()
    const names = topics.length > 0 ? topics : null
    const create = this.options.allowAutoTopicCreation
    const answer = toBrokerMetadata(unwrap(await client.metadata(names, create)))
    for (const watcher of this.answerWatchers) watcher(answer, topics)
    return answer
  }

  /** @private */
  remember(metadata) {
    this.brokerPool.metadata = metadata
    this.metadataExpireAt = Date.now() + this.options.metadataMaxAge
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
    const { metadata } = this.brokerPool
    if (!metadata) throw new KafkaJSTopicMetadataNotLoaded('Topic metadata not loaded', { topic })
    return metadata.topicMetadata.find(entry => entry.topic === topic)?.partitionMetadata ?? []
  }

  /**
   * @param {string} topic
   * @param {(number | string)[]} partitions unknown ones are left out
   * @returns {Record<string, number[]>} partitions by the node id of their leader
   */
  findLeaderForPartitions(topic, partitions) {
    const known = this.findTopicPartitionMetadata(topic)
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

  // Brokers, as far as assigners use them

  /** @returns {any[]} strings, as in kafkajs */
  getNodeIds() {
    return (this.brokerPool.metadata?.brokers ?? []).map(({ nodeId }) => String(nodeId))
  }

  /** The engine drops broken connections itself. */
  removeBroker() {}

  /** @param {{ nodeId: string | number }} node */
  async findBroker({ nodeId }) {
    const find = () =>
      this.brokerPool.metadata?.brokers.find(broker => String(broker.nodeId) === String(nodeId))
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
  async findGroupCoordinator(group) {
    const { coordinator } = await this.findGroupCoordinatorMetadata(group)
    return createBroker(this, coordinator)
  }

  /**
   * Where the group's coordinator is.
   * @param {{ groupId: string }} group
   * @returns {Promise<import('../..').CoordinatorMetadata>} rejects with KafkaJSGroupCoordinatorNotFound, whose `cause` is why
   */
  async findGroupCoordinatorMetadata({ groupId }) {
    const client = await this.connected()
    const { signal } = this.closed
    try {
      return await createRetry(this.config.retry, { signal })(async bail => {
        const answer = await client.findCoordinator(groupId)
        if (!isFailure(answer)) {
          const { nodeId, host, port } = answer
          return { errorCode: 0, coordinator: { nodeId, host, port } }
        }
        const error = fromFailure(answer)
        // A new cluster makes its coordinators when it is first asked for one.
        if (error.cause?.retriable) throw error.cause
        bail(error)
        throw error
      })
    } catch (e) {
      const { cause } = e
      if (!cause?.retriable) throw e
      throw new KafkaJSGroupCoordinatorNotFound('Failed to find group coordinator', { cause })
    }
  }

  /**
   * @param {string} groupId
   * @returns {Promise<any>} `GroupDescription` and `errorCode`
   */
  async describeGroup(groupId) {
    const client = await this.connected()
    const group = unwrap(await client.describeGroup(groupId))
    if (group.errorCode !== 0) throw createErrorFromCode(group.errorCode)
    const { errorCode, state, protocolType, protocol } = group
    const members = Array.from(group.members, member => ({
      memberId: member.memberId,
      ...(member.groupInstanceId !== null && { groupInstanceId: member.groupInstanceId }),
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: Buffer.from(member.memberMetadata),
      memberAssignment: Buffer.from(member.memberAssignment)
    }))
    return { errorCode, groupId: group.groupId, state, protocolType, protocol, members }
  }

  // Offsets

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
  async listOffsets(wanted) {
    const client = await this.connected()
    const timestamps = [...new Set(wanted.map(({ timestamp }) => String(timestamp)))]
    const answers = await Promise.all(
      timestamps.map(async timestamp => {
        const same = wanted.filter(entry => String(entry.timestamp) === timestamp)
        const topics = byTopic(same, ({ partition }) => partition)
        const { readCommitted } = this.options
        return unwrap(await client.listOffsets(topics, timestamp, readCommitted))
      })
    )
    return byTopic(answers.flat(), ({ partition, offset }) => ({ partition, offset }))
  }
}

/**
 * @param {import('../native').NativeClientOptions} options
 * @param {(event: NativeClientEvent) => void} notify
 * @returns {NativeClient}
 */
const createNativeClient = (options, notify) => {
  const { NativeClient } = native
  try {
    return new NativeClient(options, notify)
  } catch (e) {
    // An option that only the engine can judge, a certificate for instance.
    throw new KafkaJSNonRetriableError(e.message, { cause: e })
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

/** A partition without a leader is no reason to fail: the engine waits for one. */
const throwTopicErrors = ({ topicMetadata }) => {
  for (const { topic, topicErrorCode } of topicMetadata) {
    if (topicErrorCode !== 0) throw Object.assign(createErrorFromCode(topicErrorCode), { topic })
  }
}

module.exports = Cluster
