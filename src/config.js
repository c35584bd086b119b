// @ts-check
'use strict'

/**
 * Defaults and validation of everything a user passes in. A value that is `undefined` means the default; unknown keys are
 * ignored (`unknown.js` warns of them). The texts are kafkajs's wherever it complains too.
 *
 * Programs take options from the environment, from forms and from YAML, and kafkajs never looks at their types: what can be
 * read as a number is one, any value is true or false, and nothing in the place of a number means the default.
 */

const { isRegExp } = require('node:util').types
const { KafkaJSNonRetriableError, KafkaJSNotImplemented } = require('./errors')
const { LEVELS } = require('./loggers')
const consoleLogCreator = require('./loggers/console')
const Long = require('./utils/long')
const { checkTls } = require('./tls')

const DEFAULT_CLIENT_ID = 'kafkajs'

/**
 * The options of `new Kafka()`. Brokers, `sasl`, certificates and keys are looked at when connecting.
 * @param {any} config
 */
const kafkaOptions = ({
  brokers,
  ssl,
  sasl,
  clientId,
  connectionTimeout,
  authenticationTimeout,
  reauthenticationThreshold,
  requestTimeout,
  enforceRequestTimeout = true,
  retry,
  socketFactory,
  logLevel = LEVELS.INFO,
  logCreator = consoleLogCreator
}) => {
  if (socketFactory != null) {
    throw new KafkaJSNonRetriableError(
      'The option "socketFactory" is not supported: connections are made by the native engine. For a proxy, let ' +
        '"brokers" and the advertised listeners point to it'
    )
  }
  checkTls(ssl)
  return {
    brokers,
    ssl,
    sasl,
    clientId: String(clientId ?? DEFAULT_CLIENT_ID),
    connectionTimeout: number({ connectionTimeout }, 1000),
    authenticationTimeout: number({ authenticationTimeout }, 10000),
    reauthenticationThreshold: number({ reauthenticationThreshold }, 10000),
    requestTimeout: enforceRequestTimeout ? number({ requestTimeout }, 30000) : 0,
    retry: retry ?? undefined,
    logLevel,
    logCreator
  }
}

/**
 * The options of `kafka.consumer()` with their defaults; `validateConsumer` checks them.
 * @param {any} [config]
 */
const consumerOptions = ({
  groupId,
  partitionAssigners,
  metadataMaxAge,
  sessionTimeout,
  rebalanceTimeout,
  heartbeatInterval,
  maxBytesPerPartition,
  minBytes,
  maxBytes,
  maxWaitTimeInMs,
  retry = { retries: 5 },
  allowAutoTopicCreation = true,
  maxInFlightRequests,
  readUncommitted = false,
  rackId,
  groupInstanceId = null,
  groupProtocol = 'classic',
  maxPollInterval,
  autoOffsetReset = null,
  checkCrcs = true,
  copyValues = false,
  maxQueuedBytes,
  maxDecompressedBytes,
  autoCommit,
  autoCommitInterval,
  autoCommitThreshold
} = {}) => ({
  groupId: groupId && String(groupId),
  partitionAssigners,
  metadataMaxAge: number({ metadataMaxAge }, 300000),
  sessionTimeout: number({ sessionTimeout }, 30000),
  rebalanceTimeout: number({ rebalanceTimeout }, 60000),
  heartbeatInterval: number({ heartbeatInterval }, 3000),
  maxBytesPerPartition: number({ maxBytesPerPartition }, 1048576),
  minBytes: number({ minBytes }, 1),
  maxBytes: number({ maxBytes }, 10485760),
  maxWaitTimeInMs: number({ maxWaitTimeInMs }, 5000),
  retry,
  allowAutoTopicCreation: Boolean(allowAutoTopicCreation),
  maxInFlightRequests: number({ maxInFlightRequests }, null),
  readUncommitted: Boolean(readUncommitted),
  rackId: String(rackId ?? ''),
  groupInstanceId,
  groupProtocol,
  maxPollInterval: number({ maxPollInterval }, 300000),
  autoOffsetReset,
  checkCrcs: Boolean(checkCrcs),
  copyValues: Boolean(copyValues),
  maxQueuedBytes: number({ maxQueuedBytes }, 67108864),
  maxDecompressedBytes: number({ maxDecompressedBytes }, 536870912),
  autoCommit,
  autoCommitInterval,
  autoCommitThreshold
})

/** @typedef {ReturnType<typeof consumerOptions>} ConsumerOptions */

/** Positions in a slab are Int32. */
const MOST_DECOMPRESSED = 2 ** 31 - 1

/** @param {{ groupId: any }} options */
const validateGroupId = ({ groupId }) => {
  if (!groupId) fail('Consumer groupId must be a non-empty string.')
}

/** @param {ConsumerOptions} options */
const validateConsumer = ({
  heartbeatInterval,
  sessionTimeout,
  rebalanceTimeout,
  maxPollInterval,
  groupInstanceId,
  groupProtocol,
  autoOffsetReset,
  maxDecompressedBytes
}) => {
  if (heartbeatInterval >= sessionTimeout) {
    fail(
      `Consumer heartbeatInterval (${heartbeatInterval}) must be lower than sessionTimeout (${sessionTimeout}). It is recommended to set heartbeatInterval to approximately a third of the sessionTimeout.`
    )
  }
  if (!(rebalanceTimeout > 0)) {
    fail(
      `Consumer rebalanceTimeout (${rebalanceTimeout}) must be greater than 0: no member could join`
    )
  }
  if (!(maxPollInterval > 0)) {
    fail(`Consumer maxPollInterval (${maxPollInterval}) must be greater than 0`)
  }
  if (!(maxDecompressedBytes > 0 && maxDecompressedBytes <= MOST_DECOMPRESSED)) {
    fail(
      `Consumer maxDecompressedBytes (${maxDecompressedBytes}) must be greater than 0 and at most ${MOST_DECOMPRESSED}`
    )
  }
  if (groupInstanceId !== null && (typeof groupInstanceId !== 'string' || !groupInstanceId)) {
    fail(`Consumer groupInstanceId must be a non-empty string, received ${groupInstanceId}`)
  }
  if (autoOffsetReset !== null && autoOffsetReset !== 'none') {
    fail(
      `Consumer autoOffsetReset must be "none" or not given (then "fromBeginning" of the topic decides), received ${autoOffsetReset}`
    )
  }
  if (groupProtocol === 'consumer') {
    throw new KafkaJSNotImplemented('groupProtocol "consumer" (KIP-848) is not implemented yet')
  }
  if (groupProtocol !== 'classic') {
    fail(`Consumer groupProtocol must be "classic" or "consumer", received ${groupProtocol}`)
  }
}

/**
 * The options of `consumer.run()`.
 * @param {any} [config]
 * @param {{ autoCommit?: any, autoCommitInterval?: any, autoCommitThreshold?: any }} [ofConsumer] many programs put these into
 * `kafka.consumer()`, where kafkajs ignores them
 */
const runOptions = (
  {
    autoCommit,
    autoCommitInterval,
    autoCommitThreshold,
    eachBatchAutoResolve = true,
    partitionsConsumedConcurrently,
    eachBatch = null,
    eachMessage = null
  } = {},
  ofConsumer = {}
) => {
  if (autoCommit === undefined) autoCommit = ofConsumer.autoCommit ?? true
  if (autoCommitInterval === undefined) autoCommitInterval = ofConsumer.autoCommitInterval
  if (autoCommitThreshold === undefined) autoCommitThreshold = ofConsumer.autoCommitThreshold
  const lanes = number({ partitionsConsumedConcurrently }, 1)
  if (!(Number.isInteger(lanes) && lanes > 0)) {
    fail(
      `partitionsConsumedConcurrently must be a positive integer, received ${partitionsConsumedConcurrently}`
    )
  }
  return {
    autoCommit: Boolean(autoCommit),
    autoCommitInterval: number({ autoCommitInterval }, null),
    autoCommitThreshold: number({ autoCommitThreshold }, null),
    eachBatchAutoResolve: Boolean(eachBatchAutoResolve),
    partitionsConsumedConcurrently: lanes,
    eachBatch,
    eachMessage
  }
}

/** @typedef {ReturnType<typeof runOptions>} RunOptions */

/**
 * The argument of `consumer.subscribe()`.
 * @param {any} subscription
 * @returns {{ topics: (string | RegExp)[], fromBeginning: boolean }}
 */
const subscribeOptions = ({ topic, topics, fromBeginning = false }) => {
  if (!topic && !topics) fail('Missing required argument "topics"')
  if (topics != null && !Array.isArray(topics)) fail('Argument "topics" must be an array')
  const subscriptions = topics || [topic]
  for (const subscription of subscriptions) {
    if (typeof subscription !== 'string' && !isRegExp(subscription)) {
      fail(
        `Invalid topic ${subscription} (${typeof subscription}), the topic name has to be a String or a RegExp`
      )
    }
  }
  return { topics: subscriptions, fromBeginning: Boolean(fromBeginning) }
}

const EARLIEST_OFFSET = -2n
const LATEST_OFFSET = -1n

/**
 * The argument of `consumer.seek()`.
 * @param {any} where
 * @returns {{ topic: string, partition: number, offset: string }}
 */
const seekOptions = ({ topic, partition, offset }) => {
  validateTopicPartition(topic, partition)
  const where = toOffset(offset)
  if (where < 0n && where !== EARLIEST_OFFSET && where !== LATEST_OFFSET) {
    fail('Offset must not be a negative number')
  }
  return { topic, partition: Number(partition), offset: String(where) }
}

/**
 * The argument of `consumer.commitOffsets()`.
 * @param {any} [offsets]
 * @returns {{ topic: string, partition: number, offset: string, metadata: string | null }[]}
 */
const commitOptions = (offsets = []) =>
  offsets.map(({ topic, partition, offset, metadata = null }) => {
    validateTopicPartition(topic, partition)
    const next = toOffset(offset)
    if (next < 0n) fail('Offset must not be a negative number')
    if (metadata !== null && typeof metadata !== 'string') {
      fail(`Invalid offset metadata, expected string or null, received ${metadata}`)
    }
    return { topic, partition: Number(partition), offset: String(next), metadata }
  })

const validateTopicPartition = (topic, partition) => {
  if (!topic) fail(`Invalid topic ${topic}`)
  if (isNaN(partition)) fail(`Invalid partition, expected a number received ${partition}`)
}

/**
 * Whatever kafkajs takes for an offset: a number, a string, a bigint, a Long.
 * @param {any} offset
 * @returns {bigint}
 */
const toOffset = offset => {
  try {
    const { value } = Long.fromValue(offset)
    if (value === BigInt.asIntN(64, value)) return value
  } catch {
    // As an offset that does not fit.
  }
  return fail(`Invalid offset, expected a long received ${offset}`)
}

/**
 * The argument of `consumer.pause()` and `consumer.resume()`.
 * @param {'pause' | 'resume'} action
 * @param {any} [topicPartitions]
 * @returns {{ topic: string, partitions?: number[] }[]}
 */
const pauseOptions = (action, topicPartitions = []) =>
  topicPartitions.map(entry => {
    if (!entry?.topic) fail(`Invalid topic ${entry?.topic || entry}`)
    const { topic, partitions } = entry
    if (partitions === undefined) return { topic }
    if (!Array.isArray(partitions) || partitions.some(isNaN)) {
      fail(
        `Array of valid partitions required to ${action} specific partitions instead of ${partitions}`
      )
    }
    return { topic, partitions: partitions.map(Number) }
  })

/**
 * @template Default
 * @param {Record<string, any>} option its name and value
 * @param {Default} byDefault
 * @returns {number | Default}
 */
const number = (option, byDefault) => {
  const [[name, value]] = Object.entries(option)
  // parseInt() of a variable that is not set gives NaN.
  if (value == null || value === '' || Number.isNaN(value)) return byDefault
  const result = Number(value)
  if (Number.isNaN(result)) fail(`Invalid ${name}, expected a number received ${value}`)
  return result
}

/**
 * @param {string} message
 * @returns {never}
 */
const fail = message => {
  throw new KafkaJSNonRetriableError(message)
}

module.exports = {
  commitOptions,
  consumerOptions,
  kafkaOptions,
  pauseOptions,
  runOptions,
  seekOptions,
  subscribeOptions,
  toOffset,
  validateConsumer,
  validateGroupId
}
