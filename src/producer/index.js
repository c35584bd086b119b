// @ts-check
'use strict'

const { optionsIfAny } = require('../config')
const { createOn } = require('../instrumentation/clientEvents')
const InstrumentationEventEmitter = require('../instrumentation/emitter')
const { KafkaJSError, KafkaJSNonRetriableError, explained } = require('../errors')
const { withHelp } = require('../help')
const { interruptible } = require('../utils/interruption')
const { events, wrap, unwrap } = require('./instrumentationEvents')
const createMessageProducer = require('./messageProducer')
const { createLook } = require('./misspelt')
const { producerOptions, retriesOf, sendOptions } = require('./options')
const { DefaultPartitioner, LegacyPartitioner } = require('./partitioners')
const { Partitioning } = require('./partitioning')
const { Sender } = require('./sender')
const { Transactions } = require('./transactions')
const { unknownOption } = require('../unknown')
const { within } = require('../utils/timers')

/** The partitioners that the engine has as well. */
const NATIVE = new Map([
  [DefaultPartitioner, /** @type {const} */ ('default')],
  [LegacyPartitioner, /** @type {const} */ ('legacy')]
])

/** @typedef {import('./sender').TopicMessages} TopicMessages */
/** @typedef {import('./turn').Terms} Terms */

/**
 * Nothing to send is no mistake, but messages under another name are: as in kafkajs they are not sent, and the log says so.
 * @param {any} batch
 * @param {import('../..').Logger} logger
 */
const tellOfNothing = (batch, logger) => {
  if (batch.topicMessages !== undefined) return
  const [name] = Object.keys(batch).filter(key => !SEND_BATCH.includes(key))
  if (name !== undefined) {
    logger.warn(`Nothing was sent. ${unknownOption('producer.sendBatch()', name, SEND_BATCH)}`)
  }
}

const BATCH = '{ topicMessages: [{ topic, messages }] }'
const SEND_BATCH = ['topicMessages', 'acks', 'timeout', 'compression', 'compressionLevel']

/** `disconnect()` waits so long for what was sent before it, ms. */
const PATIENCE = 30000

/**
 * Makes the producer that `kafka.producer()` returns: a plain object, whose methods work without `this` and may be replaced.
 *
 * ```text
 * disconnected ──connect()──► connected ──disconnect()──► disconnecting ──► disconnected
 * ```
 *
 * @param {{
 *   cluster: import('../cluster'),
 *   logger: import('../..').Logger,
 *   retry?: any,
 *   options?: import('./options').ProducerOptions,
 *   instrumentationEmitter?: import('../instrumentation/emitter')
 * } & Record<string, any>} config `options`: the user's, when somebody has looked at them already
 * @returns {import('../..').Producer}
 */
module.exports = config => {
  const { cluster, logger: rootLogger, retry: given = {} } = config
  const options = config.options ?? producerOptions(config)
  const { createPartitioner, idempotent, transactionalId } = options
  const logger = rootLogger.namespace('Producer')
  const emitter = config.instrumentationEmitter ?? new InstrumentationEventEmitter('producer')

  if (idempotent && given.retries < 1) {
    throw new KafkaJSNonRetriableError(
      'Idempotent producer must allow retries to protect against transient errors'
    )
  }
  if (idempotent && given.retries < Number.MAX_SAFE_INTEGER) {
    logger.warn('Limiting retries for the idempotent producer may invalidate EoS guarantees')
  }

  const native = NATIVE.get(createPartitioner)
  const partitioning = native
    ? null
    : new Partitioning({ cluster, createPartitioner, retry: given })

  /** @type {'disconnected' | 'connected' | 'disconnecting'} */
  let status = 'disconnected'
  /** @type {Sender | null} */
  let sender = null
  /** The `disconnect()` that is under way. @type {Promise<void> | null} */
  let ending = null

  /** @param {Partial<import('./sender').SenderOptions>} [others] */
  const createSender = others =>
    new Sender({
      cluster,
      logger: rootLogger,
      options: {
        ...retriesOf(given, options),
        idempotent,
        partitioner: native ?? 'default',
        deliveryTimeout: options.deliveryTimeout,
        linger: options.linger,
        batchSize: options.batchSize,
        bufferMemory: options.bufferMemory,
        maxBlock: options.maxBlock,
        maxRequestSize: options.maxRequestSize,
        maxInFlightRequests: options.maxInFlightRequests,
        metadataMaxAge: options.metadataMaxAge,
        allowAutoTopicCreation: options.allowAutoTopicCreation,
        ...others
      }
    })

  /** @type {Promise<void> | null} */
  let reopening = null

  /** The cluster may have other users, and one of them has closed its connections. */
  const reopen = async () => {
    try {
      await cluster.connect()
      // Behind a disconnect() nobody would close the new one.
      const before = connected()
      if (before.isOpen) return
      sender = createSender()
      await Promise.all([before.close({ timeout: 0 }), sender.open()])
    } finally {
      // The next send tries again what has failed.
      reopening = null
    }
  }

  const connect = async () => {
    await ending
    await cluster.connect()
    const isNew = sender === null
    sender ??= createSender()
    status = 'connected'
    emitter.emit(events.CONNECT)
    if (isNew) await sender.open()
  }

  const end = async ({ timeout }) => {
    status = 'disconnecting'
    const until = Date.now() + timeout
    try {
      if (partitioning) await within(timeout, partitioning.handedOver())
      const left = { timeout: Math.max(0, until - Date.now()) }
      await Promise.all([sender?.close(left), transactions?.close(left)])
    } finally {
      sender = null
      status = 'disconnected'
      await cluster.disconnect()
    }
    logger.debug('Producer has disconnected')
    emitter.emit(events.DISCONNECT)
  }

  const disconnect = async ({ timeout = PATIENCE } = {}) => {
    // One after the other: each is told of.
    const before = ending
    const done = (before ?? Promise.resolve()).catch(() => {}).then(() => end({ timeout }))
    if (before === null) status = 'disconnecting'
    const marked = done.catch(() => {})
    ending = marked
    await done.finally(() => {
      if (ending === marked) ending = null
    })
  }

  /** @returns {Sender} */
  const connected = () => {
    if (status === 'disconnecting') {
      throw explained(
        new KafkaJSNonRetriableError(
          `The producer is disconnecting; therefore, it can't safely accept messages anymore`
        ),
        'disconnect() was called before this send: send first, or connect() again'
      )
    }
    if (status === 'disconnected' || sender === null) {
      const more = 'await producer.connect() before anything is sent, also behind a disconnect()'
      throw withHelp(
        explained(new KafkaJSError('The producer is disconnected'), more),
        'options-and-arguments'
      )
    }
    return sender
  }

  /** @type {import('./transactions').Check} */
  const check = (argument, isIdempotent) => {
    const batch = optionsIfAny('producer.sendBatch()', argument, BATCH, logger)
    const checked = sendOptions(batch, { options, isIdempotent })
    connected()
    if (checked.topicMessages.length === 0) tellOfNothing(batch, logger)
    return checked
  }

  /** @type {import('./transactions').HandOver} */
  const handOver = (open, { topicMessages, terms }) =>
    partitioning === null
      ? open.send(topicMessages, terms)
      : partitioning.send(topicMessages, messages => open.send(messages, terms))

  /** @param {{ topicMessages: TopicMessages[], terms: Terms }} checked */
  const reopenAndHandOver = async checked => {
    await (reopening ??= reopen())
    return handOver(connected(), checked)
  }

  const look = createLook(logger)

  // No async function: that would be two promises more for every send.
  const { send, sendBatch } = createMessageProducer({
    look,
    deliver: batch => {
      const checked = check(batch, idempotent === true)
      const open = connected()
      if (checked.topicMessages.length === 0) return Promise.resolve([])
      return open.isOpen ? handOver(open, checked) : reopenAndHandOver(checked)
    }
  })

  const flush = async () => {
    await reopening?.catch(() => {})
    await partitioning?.handedOver()
    await sender?.flush()
  }

  // What is sent outside of them has a producer id of its own, as in kafkajs.
  const transactions = transactionalId
    ? new Transactions({
        look,
        cluster,
        logger,
        transactionalId,
        transactionTimeout: options.transactionTimeout,
        createSender: () => {
          const { transactionTimeout } = options
          const retries = retriesOf(given, { ...options, idempotent: true })
          return createSender({ ...retries, idempotent: null, transactionalId, transactionTimeout })
        },
        check: batch => check(batch, true),
        handOver
      })
    : null

  const transaction = async () => {
    if (transactions === null) {
      throw explained(
        new KafkaJSNonRetriableError('Must provide transactional id for transactional producer'),
        'kafka.producer({ transactionalId: "orders-1" }), a name that no producer has which runs at the same time'
      )
    }
    await ending
    return transactions.begin()
  }

  const on = createOn({ client: 'producer', events, wrap, unwrap, emitter, logger })

  return /** @type {any} */ ({
    connect: interruptible(connect),
    disconnect,
    isIdempotent: () => Boolean(idempotent),
    isConnected: () => status === 'connected' && cluster.isConnected(),
    events,
    on,
    send,
    sendBatch,
    flush,
    transaction,
    logger: () => logger,
    // `await using`, where there is that.
    ...(Symbol.asyncDispose && { [Symbol.asyncDispose]: () => disconnect() })
  })
}
