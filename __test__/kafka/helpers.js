// @ts-check
/**
 * What specs do with a cluster apart from consuming: through kafkajs, the independent observer, and through
 * Kafka's own producer for the codecs that kafkajs lacks. All of it talks to the run's shared cluster unless
 * `brokers` are given.
 */
const crypto = require('node:crypto')
const fs = require('node:fs')
const { setTimeout: pause } = require('node:timers/promises')
const { CompressionTypes, Kafka, logLevel } = require('kafkajs')

const { startProducer } = require('./producer')

/**
 * The shared cluster of this run.
 *
 * @returns {import('.').ClusterDescription}
 */
const sharedCluster = () => {
  const { KAFKA_FIXTURE } = process.env
  if (!KAFKA_FIXTURE) {
    throw new Error('KAFKA_FIXTURE is not set: this spec belongs to `npm run test:kafka`')
  }
  return JSON.parse(fs.readFileSync(KAFKA_FIXTURE, 'utf8'))
}

/**
 * A name that nothing else in the cluster has: for topics, groups and transactional ids.
 *
 * @param {string} [prefix]
 */
const uniqueName = (prefix = 'spec') => `${prefix}-${crypto.randomUUID()}`

/**
 * @param {object} [options]
 * @param {string} [options.topic]             default: a unique name
 * @param {number} [options.partitions]        default 1
 * @param {number} [options.replicationFactor] default: the cluster's
 * @param {Record<string, string>} [options.config]
 * @param {string[]} [options.brokers]
 * @returns {Promise<string>} its name; all partitions have leaders, which answer for them
 */
const createTopic = async ({
  topic = uniqueName('topic'),
  partitions: numPartitions = 1,
  replicationFactor = -1,
  config = {},
  brokers
} = {}) => {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
  const description = { topic, numPartitions, replicationFactor, configEntries }
  await withAdmin(brokers, async admin => {
    const timeout = ADMIN_TIMEOUT
    await admin.createTopics({ topics: [description], waitForLeaders: false, timeout })
    // For a moment some of the brokers do not know it yet, or not that they lead it.
    await waitFor(() => isServed(admin, topic).catch(() => false), { message: `topic ${topic}` })
  })
  return topic
}

/**
 * @param {import('kafkajs').Admin} admin
 * @param {string} topic
 */
const isServed = async (admin, topic) => {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  if (!topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))) return false
  await admin.fetchTopicOffsets(topic)
  return true
}

/**
 * @typedef {object} ProduceOptions
 * @property {'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'} [compression]
 * @property {-1 | 0 | 1} [acks]
 * @property {string[]} [brokers]
 */

/**
 * Produces all of the messages, one request per partition if they fit.
 *
 * @param {string} topic
 * @param {import('kafkajs').Message[]} messages
 * @param {ProduceOptions} [options]
 */
const produce = async (topic, messages, { compression = 'none', acks = -1, brokers } = {}) => {
  if (compression !== 'none' && compression !== 'gzip') {
    const config = { 'compression.type': compression, acks, 'linger.ms': 100 }
    const idempotence = { 'enable.idempotence': acks === -1 }
    const producer = await startProducer(brokers ?? sharedCluster().brokers, {
      ...config,
      ...idempotence
    })
    try {
      const records = messages.map(({ timestamp, ...message }) =>
        timestamp === undefined ? message : { ...message, timestamp: Number(timestamp) }
      )
      await producer.send(topic, /** @type {any} */ (records))
    } finally {
      await producer.close()
    }
    return
  }
  let rest = messages
  await waitFor(async () => {
    const written = await send(topic, rest, { compression, acks, brokers })
    // kafkajs drops without a word what goes to a partition that the broker it asked has not heard of yet.
    rest = rest.filter(({ partition }) => acks !== 0 && !written.has(partition ?? -1))
    return rest.length === 0
  })
}

/** What passes while brokers die and come back. */
const PASSING = [
  'LEADER_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE'
]

/**
 * While brokers die, kafkajs's idempotent producer does not even connect: it asks for all topics, and gives up at the first
 * partition of any of them that has no leader in that moment, or at a coordinator that has just come.
 *
 * @param {import('kafkajs').Producer} producer
 */
const connected = producer =>
  waitFor(async () => {
    try {
      await producer.connect()
      return true
    } catch (error) {
      if (!PASSING.includes(/** @type {any} */ (error).cause?.type)) throw error
    }
  })

/**
 * Each partition by itself: of one send to several leaders kafkajs repeats what a slow one has not acknowledged yet as soon as another
 * one fails, with sequences of its own, so that the slow one writes it twice.
 *
 * @returns {Promise<Set<number>>} the partitions that took their messages; -1 for those of the producer's choice
 */
const send = async (topic, messages, { compression, acks, brokers }) => {
  // A producer that has to try again must not write anything twice.
  const idempotent = acks === -1
  const producer = observer(brokers).producer({ idempotent, maxInFlightRequests: 1 })
  const type = compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None
  /** @type {Map<number, import('kafkajs').Message[]>} */
  const byPartition = new Map()
  for (const message of messages) {
    const partition = message.partition ?? -1
    const others = byPartition.get(partition)
    if (others) others.push(message)
    else byPartition.set(partition, [message])
  }
  try {
    await connected(producer)
    const written = new Set([-1])
    for (const part of byPartition.values()) {
      const rows = await producer.send({ topic, messages: part, acks, compression: type })
      for (const { partition } of rows) written.add(partition)
    }
    return written
  } finally {
    await producer.disconnect()
  }
}

/**
 * What a group has committed; `'-1'` where it has not.
 *
 * @param {string} groupId
 * @param {string} topic
 * @param {string[]} [brokers]
 * @returns {Promise<Record<number, string>>} by partition
 */
const committed = async (groupId, topic, brokers) => {
  const [{ partitions }] = await withAdmin(brokers, admin =>
    admin.fetchOffsets({ groupId, topics: [topic] })
  )
  return Object.fromEntries(partitions.map(({ partition, offset }) => [partition, offset]))
}

/**
 * The end of what can be read: the last stable offset, which an open transaction holds back.
 *
 * @param {string} topic
 * @param {string[]} [brokers]
 * @returns {Promise<Record<number, string>>} by partition
 */
const logEnd = async (topic, brokers) => {
  const partitions = await withAdmin(brokers, admin => admin.fetchTopicOffsets(topic))
  return Object.fromEntries(partitions.map(({ partition, high }) => [partition, high]))
}

/**
 * Which broker coordinates a group, or a transactional id; as the broker finds it: by the hash of Java's String.
 *
 * @param {string} key
 * @param {string[]} [brokers]
 * @param {'__consumer_offsets' | '__transaction_state'} [log] of groups, or of transactions
 * @returns {Promise<number>} its id
 */
const coordinatorOf = async (key, brokers, log = '__consumer_offsets') => {
  let hash = 0
  for (const char of key) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) | 0
  const { topics } = await withAdmin(brokers, admin => admin.fetchTopicMetadata({ topics: [log] }))
  // Not the lowest 31 bits: Kafka's Utils.abs.
  const partition = Math.abs(hash) % topics[0].partitions.length
  const found = topics[0].partitions.find(({ partitionId }) => partitionId === partition)
  return found?.leader ?? -1
}

/**
 * Asks until the answer is truthy, and returns it.
 *
 * @template T
 * @param {() => T | Promise<T>} predicate
 * @param {object} [options]
 * @param {number} [options.timeout]  milliseconds
 * @param {string} [options.message]  what was waited for
 * @returns {Promise<T>}
 */
const waitFor = async (predicate, { timeout = 90_000, message = String(predicate) } = {}) => {
  const end = Date.now() + timeout
  for (;;) {
    const answer = await predicate()
    if (answer) return answer
    if (Date.now() > end) throw new Error(`Waited ${timeout} ms in vain for: ${message}`)
    await pause(20)
  }
}

/**
 * A silent kafkajs client.
 *
 * @param {string[]} [brokers]
 */
const observer = (brokers = sharedCluster().brokers) =>
  new Kafka({
    brokers,
    clientId: 'observer',
    logLevel: logLevel.NOTHING,
    // On a busy machine a second, its default, may pass before anybody has looked.
    connectionTimeout: 20_000
  })

/**
 * @template T
 * @param {string[] | undefined} brokers
 * @param {(admin: import('kafkajs').Admin) => Promise<T>} use
 * @returns {Promise<T>}
 */
const withAdmin = async (brokers, use) => {
  const admin = observer(brokers).admin()
  try {
    await admin.connect()
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

/** What the broker may take to create topics, ms; kafkajs's default, 5 s, is little on a busy machine. */
const ADMIN_TIMEOUT = 60_000

module.exports = {
  ADMIN_TIMEOUT,
  committed,
  coordinatorOf,
  createTopic,
  logEnd,
  observer,
  produce,
  sharedCluster,
  uniqueName,
  waitFor,
  withAdmin
}
