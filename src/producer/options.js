// @ts-check
'use strict'

/** Defaults and validation of what a user gives to a producer. The texts are kafkajs's wherever it complains too. */

const { fail, identifier, number, retryOptions } = require('../config')
const { CompressionTypes } = require('../enums')
const { Backoff, RETRY_DEFAULTS } = require('../retry')
const { nearestOf } = require('../utils/nearest')
const { named, show } = require('../utils/show')
const { DefaultPartitioner } = require('./partitioners')

/** ms that brokers may wait for replicas. */
const TIMEOUT = 30000
/** ms. */
const DELIVERY_TIMEOUT = 120000
/** The engine takes no longer times, ms. */
const MONTH = 30 * 24 * 3600 * 1000

/**
 * The options of `kafka.producer()` with their defaults.
 * @param {any} [config]
 */
const producerOptions = (config = {}) => {
  const {
    createPartitioner = DefaultPartitioner,
    retry,
    metadataMaxAge,
    allowAutoTopicCreation = true,
    idempotent,
    transactionalId,
    transactionTimeout,
    maxInFlightRequests,
    acks,
    timeout,
    compression,
    compressionLevel,
    linger,
    batchSize,
    bufferMemory,
    maxBlock,
    deliveryTimeout,
    maxRequestSize
  } = config
  return {
    createPartitioner,
    retry: retryOptions(retry),
    metadataMaxAge: number({ metadataMaxAge }, 300000),
    allowAutoTopicCreation: Boolean(allowAutoTopicCreation),
    /** null: as the brokers allow it. */
    idempotent: idempotent == null ? null : Boolean(idempotent),
    transactionalId: transactionalId ? identifier('transactionalId', transactionalId) : undefined,
    transactionTimeout: positive('transactionTimeout', number({ transactionTimeout }, 60000)),
    maxInFlightRequests: number({ maxInFlightRequests }, null),
    acks: acks == null ? undefined : acksOf(acks),
    timeout: number({ timeout }, TIMEOUT),
    compression: codecOf(compression),
    compressionLevel: number({ compressionLevel }, null),
    linger: lingerOf(linger, deliveryTimeout),
    batchSize: positive('batchSize', number({ batchSize }, 1000000)),
    bufferMemory: positive('bufferMemory', number({ bufferMemory }, 33554432)),
    maxBlock: number({ maxBlock }, 60000),
    deliveryTimeout: positive('deliveryTimeout', number({ deliveryTimeout }, DELIVERY_TIMEOUT)),
    maxRequestSize: positive('maxRequestSize', number({ maxRequestSize }, 4194304))
  }
}

/** @typedef {ReturnType<typeof producerOptions>} ProducerOptions */

/**
 * How often a batch is tried, for how long, and what is waited between its attempts. The waits are the engine's own unless one of
 * the options that shape them is given: then all of them are as kafkajs's.
 * @param {import('../..').RetryOptions} retry
 * @param {{ idempotent: boolean | null, deliveryTimeout: number }} options
 * @returns {{ retries: number, retryTime: number, pace: import('../native').NativePace | null }} ms
 */
const retriesOf = (retry, { idempotent, deliveryTimeout }) => {
  const retries = retry.retries ?? (idempotent ? Number.MAX_SAFE_INTEGER : RETRY_DEFAULTS.retries)
  const backoff = new Backoff({ ...retry, retries }, () => 0.5)
  const { initialRetryTime, maxRetryTime, multiplier, factor } = backoff.config
  const longest = Math.min(deliveryTimeout, MONTH)
  let retryTime = 0
  while (!backoff.exhausted && retryTime < longest) {
    const wait = backoff.retryTime
    // A wait of nothing, or of what is no number, stays what it is.
    if (!(wait > 0)) break
    backoff.advance()
    // One that grows no more is not counted one by one: there may be any number of them.
    const isLast = backoff.retryTime === wait
    retryTime += isLast ? wait * (retries - backoff.retryCount + 1) : wait
    if (isLast) break
  }
  const isShaped = SHAPE.some(name => retry[name] !== undefined)
  // Waits that chance makes shorter are over before.
  if (isShaped) retryTime *= Math.max(0, 1 - factor)
  return {
    retries: Math.min(Math.max(0, retries), 2 ** 32 - 1),
    retryTime: Math.min(retryTime, longest),
    pace: isShaped
      ? { first: initialRetryTime, longest: maxRetryTime, multiplier, jitter: factor }
      : null
  }
}

/** @type {(keyof import('../..').RetryOptions)[]} */
const SHAPE = ['initialRetryTime', 'maxRetryTime', 'multiplier', 'factor']

const IDEMPOTENT_ACKS =
  "Not requiring ack for all messages invalidates the idempotent producer's EoS guarantees"

/**
 * The argument of `producer.sendBatch()`, looked at in kafkajs's order.
 * @param {any} batch
 * @param {{ options: ProducerOptions, isIdempotent: boolean }} producer
 * @returns {{ topicMessages: { topic: string, messages: any[] }[], terms: import('./turn').Terms }} each topic once
 */
const sendOptions = (batch, { options, isIdempotent }) => {
  const { topicMessages = [], timeout, compression, compressionLevel } = batch
  // What a program has left out may be null here.
  const acks = batch.acks ?? options.acks ?? -1
  if (!Array.isArray(topicMessages)) fail(`Invalid topicMessages array ${show(topicMessages)}`)
  for (const entry of topicMessages) {
    // `String()` of what is no text may well be the name of a topic, which would be made.
    if (!entry?.topic || typeof entry.topic !== 'string') {
      fail(
        'Invalid topic',
        `expected its name, "orders" for instance, received ${show(entry?.topic)}`
      )
    }
  }
  if (isIdempotent && inNumbers(acks) !== -1) {
    fail(IDEMPOTENT_ACKS, `acks is ${show(acks)}: leave it out, or set idempotent: false`)
  }
  for (const { topic, messages } of topicMessages) checkMessages(topic, messages)
  return {
    topicMessages: merged(topicMessages),
    terms: {
      acks: acksOf(acks),
      timeout: timeout === undefined ? options.timeout : number({ timeout }, options.timeout),
      codec: compression === undefined ? options.compression : codecOf(compression),
      level:
        compressionLevel === undefined
          ? options.compressionLevel
          : number({ compressionLevel }, options.compressionLevel)
    }
  }
}

/** @param {string} topic @param {any} messages */
const checkMessages = (topic, messages) => {
  if (!Array.isArray(messages)) {
    fail(
      `Invalid messages array [${named(messages)}] for topic "${topic}"`,
      `expected [{ value: "…" }], received ${show(messages)}`
    )
  }
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i]
    if (typeof message !== 'object' || message === null) {
      fail(
        message == null
          ? `Invalid messages array [${message}] for topic "${topic}"`
          : `Invalid message without value for topic "${topic}": ${textOf(message)}`,
        `message ${i} has to be an object, { value: "…" }`
      )
    }
    if (message.value === undefined) {
      const near = Object.keys(message).find(
        name => name !== 'value' && nearestOf(['value'], name) !== null
      )
      const meant = near === undefined ? '' : `; did you mean it by "${near}"?`
      fail(
        `Invalid message without value for topic "${topic}": ${textOf(message)}`,
        `message ${i} has no "value"; null is one, which deletes the key where a topic is compacted${meant}`
      )
    }
  }
}

/** JSON, where there is one: of a BigInt there is none, or of what leads in a circle. @param {any} message */
const textOf = message => {
  try {
    return JSON.stringify(message)
  } catch {
    return show(message)
  }
}

/**
 * Entries of the same topic become one, in their order.
 * @param {{ topic: string, messages: any[] }[]} topicMessages
 */
const merged = topicMessages => {
  if (topicMessages.length === 1) {
    const [{ topic, messages }] = topicMessages
    return [{ topic, messages }]
  }
  /** @type {Map<string, any[]>} */
  const byTopic = new Map()
  for (const { topic, messages } of topicMessages) {
    const before = byTopic.get(topic)
    // The first array is the caller's, and stays as it is.
    if (before === undefined) byTopic.set(topic, messages.slice())
    else for (const message of messages) before.push(message)
  }
  return [...byTopic].map(([topic, messages]) => ({ topic, messages }))
}

/** `acks` may be text, from the environment. @param {any} acks */
const inNumbers = acks => {
  if (acks === 'all') return -1
  return typeof acks === 'string' && acks !== '' ? Number(acks) : acks
}

/** @param {any} acks @returns {number} */
const acksOf = acks => {
  const required = inNumbers(acks)
  if (required === -1 || required === 0 || required === 1) return required
  return fail(
    `Invalid acks ${show(acks)}: -1 waits for all in-sync replicas, 1 for the leader, 0 for nobody`
  )
}

/** By name, in any case. */
const CODECS = new Map(
  Object.entries(CompressionTypes).map(([name, codec]) => [name.toLowerCase(), codec])
)

const NUMBERS = new Set(CODECS.values())

/** @param {any} compression @returns {number} */
const codecOf = compression => {
  if (compression == null || compression === false) return CompressionTypes.None
  const codec =
    typeof compression === 'string'
      ? (CODECS.get(compression.toLowerCase()) ?? Number(compression))
      : compression
  if (NUMBERS.has(codec)) return codec
  return fail(
    `Invalid compression ${show(compression)}: it has to be one of CompressionTypes (${[...CODECS.keys()].join(', ')})`
  )
}

/** What lingered for longer would be given up before it is sent. @param {any} given @param {any} deliveryTimeout */
const lingerOf = (given, deliveryTimeout) => {
  const linger = number({ linger: given }, 0)
  const most = number({ deliveryTimeout }, DELIVERY_TIMEOUT)
  if (linger === 0 || linger < most) return linger
  return fail(`Producer linger (${linger}) must be lower than deliveryTimeout (${most})`)
}

/** @param {string} name @param {number} value */
const positive = (name, value) =>
  value > 0 ? value : fail(`Producer ${name} (${value}) must be greater than 0`)

module.exports = { producerOptions, retriesOf, sendOptions }
