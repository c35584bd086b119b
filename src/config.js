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
const { KafkaJSNonRetriableError, explained } = require('./errors')
const { withHelp } = require('./help')
const { LEAST, bounded, isNothing, toNumber } = require('./limits')
const { LEVELS, levelOf } = require('./loggers')
const consoleLogCreator = require('./loggers/console')
const { checkTls } = require('./tls')
const { givenFor } = require('./unknown')
const { agrees, isReset, showReset } = require('./utils/offsetReset')
const { show } = require('./utils/show')

const DEFAULT_CLIENT_ID = 'kafkajs'

/** Bytes: the wire has 16 bits for their length. */
const LONGEST_ID = 32767

/**
 * The options of `new Kafka()`. Brokers, `sasl`, certificates and keys are looked at when connecting, and again
 * when a broker is not let in, or does not let us in.
 * @param {any} config
 */
const kafkaOptions = config => {
  const {
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
    logLevel,
    logCreator
  } = optionsOf('new Kafka()', config, '{ brokers: ["localhost:9092"] }')
  if (socketFactory != null) {
    throw new KafkaJSNonRetriableError(
      'The option "socketFactory" is not supported: connections are made by the native engine. For a proxy, let ' +
        '"brokers" and the advertised listeners point to it'
    )
  }
  if (logCreator != null && typeof logCreator !== 'function') {
    const message = `logCreator has to be a function that returns a logger, received ${show(logCreator)}`
    throw withHelp(new TypeError(message), 'options-and-arguments')
  }
  checkTls(ssl)
  return {
    brokers,
    insteadOfBrokers: brokers == null ? givenFor('new Kafka()', 'brokers', config) : null,
    ssl,
    sasl,
    clientId: identifier('clientId', clientId ?? DEFAULT_CLIENT_ID),
    connectionTimeout: number({ connectionTimeout }, 1000),
    authenticationTimeout: number({ authenticationTimeout }, 10000),
    reauthenticationThreshold: number({ reauthenticationThreshold }, 10000),
    requestTimeout: enforceRequestTimeout ? number({ requestTimeout }, 30000) : 0,
    retry: retryOptions(retry),
    logLevel: levelOf(logLevel) ?? LEVELS.INFO,
    logCreator: logCreator ?? consoleLogCreator
  }
}

/** @type {(keyof import('..').RetryOptions)[]} */
const RETRY_NUMBERS = ['retries', 'initialRetryTime', 'maxRetryTime', 'factor', 'multiplier']

/**
 * @param {any} retry
 * @returns {import('..').RetryOptions | undefined} `undefined` values mean the default
 */
const retryOptions = retry => {
  if (retry == null) return undefined
  const options = { ...retry }
  for (const name of RETRY_NUMBERS) {
    if (name in options) options[name] = number({ [name]: options[name] }, undefined)
  }
  return options
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
  groupRemoteAssignor = null,
  maxPollInterval,
  autoOffsetReset = null,
  stalledAfter,
  lagInterval,
  checkCrcs = true,
  copyValues = false,
  maxQueuedBytes,
  maxDecompressedBytes,
  keyDeserializer,
  valueDeserializer,
  onDeserializationError,
  autoCommit,
  autoCommitInterval,
  autoCommitThreshold,
  onPartitionsAssigned,
  onPartitionsRevoked,
  onPartitionsLost
} = {}) => ({
  groupId: groupId && identifier('groupId', groupId),
  partitionAssigners,
  metadataMaxAge: number({ metadataMaxAge }, 300000),
  sessionTimeout: number({ sessionTimeout }, 30000),
  rebalanceTimeout: number({ rebalanceTimeout }, 60000),
  heartbeatInterval: number({ heartbeatInterval }, 3000),
  maxBytesPerPartition: number({ maxBytesPerPartition }, 1048576),
  minBytes: number({ minBytes }, 1),
  maxBytes: number({ maxBytes }, 10485760),
  maxWaitTimeInMs: number({ maxWaitTimeInMs }, 5000),
  retry: retryOptions(retry),
  allowAutoTopicCreation: Boolean(allowAutoTopicCreation),
  maxInFlightRequests: number({ maxInFlightRequests }, null),
  readUncommitted: Boolean(readUncommitted),
  rackId: identifier('rackId', rackId ?? ''),
  groupInstanceId,
  groupProtocol,
  groupRemoteAssignor,
  maxPollInterval: number({ maxPollInterval }, 300000),
  autoOffsetReset,
  stalledAfter: number({ stalledAfter }, 30000),
  lagInterval: number({ lagInterval }, null),
  checkCrcs: Boolean(checkCrcs),
  copyValues: Boolean(copyValues),
  maxQueuedBytes: number({ maxQueuedBytes }, 67108864),
  maxDecompressedBytes: number({ maxDecompressedBytes }, 536870912),
  keyDeserializer,
  valueDeserializer,
  onDeserializationError,
  autoCommit,
  autoCommitInterval,
  autoCommitThreshold,
  onPartitionsAssigned,
  onPartitionsRevoked,
  onPartitionsLost
})

/** @typedef {ReturnType<typeof consumerOptions>} ConsumerOptions */

/** Positions in a slab are Int32. */
const MOST_DECOMPRESSED = 2 ** 31 - 1

/**
 * @param {any} [options] the user's, of `kafka.consumer()`. `groupId: null`: there is to be none, which nobody writes by mistake
 */
const validateGroupId = (options = {}) => {
  if (options.groupId === null) return
  if (optionsOf('kafka.consumer()', options, '{ groupId: "orders" }').groupId) return
  const given = givenFor('kafka.consumer()', 'groupId', options)
  fail(
    `Consumer groupId must be a non-empty string.${given === null ? '' : ` Did you mean it by "${given}"?`}`
  )
}

/**
 * The options of a consumer that names no group at all: it reads what it is told to. A variable that is not set, or the name in
 * another spelling, is a mistake.
 * @param {any} config
 */
const withoutGroup = config => {
  if (typeof config !== 'object' || config === null || 'groupId' in config) return config
  return givenFor('kafka.consumer()', 'groupId', config) === null
    ? { ...config, groupId: null }
    : config
}

const GROUP_PROTOCOLS = ['classic', 'consumer', 'auto']

/** By KIP-848 these are the broker's to say, and the option is refused as it is by Kafka's own client. */
const SAID_BY_BROKER = {
  sessionTimeout: 'group.consumer.session.timeout.ms of the broker',
  heartbeatInterval: 'group.consumer.heartbeat.interval.ms of the broker',
  partitionAssigners: 'groupRemoteAssignor, for the broker assigns'
}

/**
 * @param {ConsumerOptions} options
 * @param {any} given what the user has given of them
 */
const validateGroupProtocol = ({ groupProtocol, groupRemoteAssignor }, given) => {
  if (!GROUP_PROTOCOLS.includes(groupProtocol)) {
    fail(
      `Consumer groupProtocol must be "classic", "consumer" or "auto", received ${show(groupProtocol)}`
    )
  }
  if (groupRemoteAssignor !== null) {
    if (typeof groupRemoteAssignor !== 'string' || !groupRemoteAssignor) {
      fail(
        `Consumer groupRemoteAssignor must be "uniform", "range" or the name of another assignor of the broker's, received ${show(groupRemoteAssignor)}`
      )
    }
    if (groupProtocol === 'classic') {
      fail(
        `Consumer groupRemoteAssignor cannot be set when groupProtocol is "classic": the members assign, by partitionAssigners`
      )
    }
  }
  if (groupProtocol !== 'consumer') return
  for (const [name, instead] of Object.entries(SAID_BY_BROKER)) {
    if (given[name] != null) {
      fail(
        `Consumer ${name} cannot be set when groupProtocol is "consumer". What counts is ${instead}`
      )
    }
  }
}

/**
 * `autoOffsetReset` says it for all topics. What a topic says beside it has to be the same.
 * @param {any} reset @param {any} fromBeginning
 */
const checkBeginning = (reset, fromBeginning) => {
  if (agrees(reset, fromBeginning)) return
  fail(
    `fromBeginning: ${Boolean(fromBeginning)} of consumer.subscribe() contradicts autoOffsetReset: ${showReset(reset)} of kafka.consumer(), which says for all topics where reading begins: leave one of them out`
  )
}

/**
 * @param {ConsumerOptions} options
 * @param {any} [given] what the user has given of them
 */
const validateConsumer = (options, given = {}) => {
  const {
    heartbeatInterval,
    sessionTimeout,
    rebalanceTimeout,
    maxPollInterval,
    groupInstanceId,
    autoOffsetReset,
    stalledAfter,
    lagInterval,
    maxDecompressedBytes
  } = options
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
    fail(`Consumer groupInstanceId must be a non-empty string, received ${show(groupInstanceId)}`)
  }
  if (groupInstanceId !== null) identifier('groupInstanceId', groupInstanceId)
  if (!isReset(autoOffsetReset)) {
    fail(
      `Consumer autoOffsetReset must be "earliest", "latest", "none", { duration: 3600000 } (ms) or not given (then "fromBeginning" of the topic decides), received ${showReset(autoOffsetReset)}`
    )
  }
  if (!(stalledAfter > 0)) {
    fail(`Consumer stalledAfter (${stalledAfter}) must be greater than 0`)
  }
  if (lagInterval !== null && !(lagInterval > 0)) {
    fail(`Consumer lagInterval (${lagInterval}) must be greater than 0`)
  }
  const { onPartitionsAssigned, onPartitionsRevoked, onPartitionsLost } = options
  for (const [name, hook] of Object.entries({
    onPartitionsAssigned,
    onPartitionsRevoked,
    onPartitionsLost
  })) {
    if (hook != null && typeof hook !== 'function') {
      fail(`Consumer ${name} has to be a function, received ${show(hook)}`)
    }
  }
  validateGroupProtocol(options, given)
}

/**
 * The argument of `consumer.disconnect()`. Programs pass the method itself as a callback, which gets anything: only an object counts.
 * @param {any} [options]
 * @returns {{ leaveGroup: boolean | null }} null: by the kind of the member
 */
const disconnectOptions = options => {
  const leaveGroup = typeof options === 'object' ? (options?.leaveGroup ?? null) : null
  if (leaveGroup !== null && typeof leaveGroup !== 'boolean') {
    fail(`leaveGroup of consumer.disconnect() must be true or false, received ${show(leaveGroup)}`)
  }
  return { leaveGroup }
}

/**
 * The options of `consumer.run()`.
 * @param {any} [config]
 * @param {{ autoCommit?: any, autoCommitInterval?: any, autoCommitThreshold?: any }} [ofConsumer] many programs put these into
 * `kafka.consumer()`, where kafkajs ignores them
 */
const runOptions = (config = {}, ofConsumer = {}) => {
  const {
    eachBatchAutoResolve = true,
    partitionsConsumedConcurrently,
    messagesConsumedConcurrently = null,
    orderBy = null,
    eachBatch = null,
    eachMessage = null
  } = optionsOf('consumer.run()', config, '{ eachMessage: async ({ message }) => {} }')
  for (const [name, handler] of Object.entries({ eachMessage, eachBatch })) {
    if (handler && typeof handler !== 'function') {
      fail(`${name} has to be a function, received ${show(handler)}`)
    }
  }
  const given = name => (config[name] === undefined ? ofConsumer[name] : config[name])
  const lanes = number({ partitionsConsumedConcurrently }, 1)
  if (!(Number.isInteger(lanes) && lanes > 0)) {
    fail(
      `partitionsConsumedConcurrently must be a positive integer, received ${partitionsConsumedConcurrently}`
    )
  }
  if (messagesConsumedConcurrently == null && orderBy != null) {
    fail('orderBy says what messagesConsumedConcurrently keeps in order, which is not given')
  }
  if (messagesConsumedConcurrently != null) {
    checkParallel(messagesConsumedConcurrently, orderBy)
    if (partitionsConsumedConcurrently != null) {
      fail(
        'messagesConsumedConcurrently and partitionsConsumedConcurrently exclude each other: both say how many handlers run at once'
      )
    }
    if (eachBatch) fail('messagesConsumedConcurrently is for eachMessage, received eachBatch')
  }
  return {
    autoCommit: Boolean(given('autoCommit') ?? true),
    autoCommitInterval: number({ autoCommitInterval: given('autoCommitInterval') }, null),
    autoCommitThreshold: number({ autoCommitThreshold: given('autoCommitThreshold') }, null),
    eachBatchAutoResolve: Boolean(eachBatchAutoResolve),
    partitionsConsumedConcurrently:
      messagesConsumedConcurrently == null
        ? Math.min(lanes, MOST_PARTITIONS)
        : Math.min(messagesConsumedConcurrently, MOST_LANES),
    messagesConsumedConcurrently,
    orderBy: orderBy ?? 'key',
    eachBatch,
    eachMessage
  }
}

/** Each of them has a place in memory, whether a partition comes to it or not. */
const MOST_PARTITIONS = 2 ** 16
/** Partitions whose messages are handled beside each other at a time. */
const MOST_LANES = 256
const ORDERS = ['key', 'partition', 'none']

/** @param {any} messages @param {any} orderBy */
const checkParallel = (messages, orderBy) => {
  if (!(Number.isInteger(messages) && messages > 0)) {
    fail(`messagesConsumedConcurrently must be a positive integer, received ${show(messages)}`)
  }
  if (orderBy != null && !ORDERS.includes(orderBy)) {
    fail(`orderBy must be "key", "partition" or "none", received ${show(orderBy)}`)
  }
}

/**
 * `prepare` comes before the group is joined.
 * @typedef {ReturnType<typeof runOptions> & {
 *   onFailure?: import('./consumer/onFailure/options').FailureOptions,
 *   prepare?: () => Promise<void>
 * }} RunOptions
 */

/**
 * The argument of `consumer.subscribe()`.
 * @param {any} argument
 * @param {any} [autoOffsetReset] of the consumer
 * @returns {{ topics: (string | RegExp | { re2: string })[], fromBeginning: boolean }}
 */
const subscribeOptions = (argument, autoOffsetReset = null) => {
  const {
    topic,
    topics,
    fromBeginning = false
  } = optionsOf('consumer.subscribe()', argument, '{ topics: ["orders"] }')
  if (!topic && !topics) {
    const place = 'consumer.subscribe()'
    const given = givenFor(place, 'topics', argument) ?? givenFor(place, 'topic', argument)
    fail(
      `Missing required argument "topics"${given === null ? '' : `: did you mean it by "${given}"?`}`
    )
  }
  if (topics != null && !Array.isArray(topics)) {
    fail(`Argument "topics" must be an array, received ${show(topics)}`)
  }
  const subscriptions = topics || [topic]
  for (const subscription of subscriptions) {
    if (typeof subscription?.re2 === 'string' && subscription.re2) {
      identifier('re2', subscription.re2)
    } else if (typeof subscription !== 'string' && !isRegExp(subscription)) {
      fail(
        `Invalid topic ${subscription} (${typeof subscription}), the topic name has to be a String or a RegExp`,
        meantByTopic(subscription)
      )
    }
    if (typeof subscription === 'string') identifier('topic', subscription)
  }
  checkBeginning(autoOffsetReset, argument.fromBeginning)
  return { topics: subscriptions, fromBeginning: Boolean(fromBeginning) }
}

/** @param {any} value in the place of a topic */
const meantByTopic = value => {
  if (Array.isArray(value)) return 'several topics are a list, { topics: ["orders", "payments"] }'
  return value == null ? 'is a variable of the environment not set?' : `received ${show(value)}`
}

/**
 * @param {string} place the call, as users write it
 * @param {any} value what it was given
 * @param {string} example
 * @param {string} [words] what kafkajs says of a text, a number or a list
 * @returns {any} an object; null, undefined are a TypeError, as in kafkajs
 */
const optionsOf = (place, value, example, words) => {
  if (isOptions(value)) return value
  const message = takesObject(place, value, example)
  if (value != null) fail(words ?? message, words && message)
  throw withHelp(new TypeError(message), 'options-and-arguments')
}

/**
 * The same where kafkajs goes on with whatever it finds no option in: that is a warning.
 * @param {string} place
 * @param {any} value
 * @param {string} example
 * @param {import('..').Logger} logger
 * @returns {any} an object
 */
const optionsIfAny = (place, value, example, logger) => {
  if (value == null || isOptions(value)) return optionsOf(place, value, example)
  logger.warn(`${takesObject(place, value, example)}: it is ignored`)
  return {}
}

/** @param {any} value */
const isOptions = value => typeof value === 'object' && value !== null && !Array.isArray(value)

/** @param {string} place @param {any} value @param {string} example */
const takesObject = (place, value, example) =>
  `${place} takes an object, ${example}, received ${show(value)}`

/**
 * @param {string} place the call, as users write it
 * @param {any} value what it was given
 * @param {string} example
 * @returns {any[]} anything else is a TypeError, as in kafkajs
 */
const listOf = (place, value, example) => {
  if (Array.isArray(value)) return value
  const message = `${place} takes a list, ${example}, received ${show(value)}`
  throw withHelp(new TypeError(message), 'options-and-arguments')
}

/**
 * A name that brokers get. The engine would cut a longer one off; and as a text all objects are alike.
 * @param {string} name of the option
 * @param {any} value a text, or a number
 * @returns {string}
 */
const identifier = (name, value) => {
  const isName = ['string', 'bigint'].includes(typeof value) || Number.isFinite(value)
  if (!isName) {
    fail(`Invalid ${name}: expected a text, received ${show(value)}`)
  }
  const text = String(value)
  const length = Buffer.byteLength(text)
  if (length > LONGEST_ID) {
    fail(`Invalid ${name}: ${length} bytes, at most ${LONGEST_ID} are possible: ${show(text)}`)
  }
  return text
}

/**
 * @template Default
 * @param {Record<string, any>} option its name and value
 * @param {Default} byDefault
 * @returns {number | Default}
 */
const number = (option, byDefault) => {
  const [[name, value]] = Object.entries(option)
  if (isNothing(value)) return byDefault
  const result = toNumber(value)
  const received = typeof value === 'string' ? value : show(value)
  if (Number.isNaN(result)) fail(`Invalid ${name}, expected a number received ${received}`)
  if (result < LEAST[name]) {
    fail(`Invalid ${name}, expected a number from ${LEAST[name]} on, received ${received}`)
  }
  return bounded(name, result)
}

/**
 * @param {string} message kafkajs's, where it refuses that, too
 * @param {string} [more] what it goes on with where people see it
 * @returns {never}
 */
const fail = (message, more) => {
  throw explained(new KafkaJSNonRetriableError(message), more)
}

module.exports = {
  consumerOptions,
  disconnectOptions,
  fail,
  identifier,
  kafkaOptions,
  listOf,
  number,
  optionsIfAny,
  optionsOf,
  retryOptions,
  runOptions,
  subscribeOptions,
  validateConsumer,
  validateGroupId,
  withoutGroup
}
