// @ts-check
'use strict'

/**
 * The transactions of a producer, one at a time, and kafkajs's object for each of them.
 *
 *   READY ──begin──► TRANSACTING ──commit──► COMMITTING ──► READY
 *                     ▲    └───────abort──► ABORTING ───────► READY
 *                     └── a commit that was refused: only an abort is left
 */

const assert = require('node:assert')
const { listOf, optionsOf } = require('../config')
const { KafkaJSError, KafkaJSNonRetriableError, explained, fromFailure } = require('../errors')
const { withHelp } = require('../help')
const { createInterruption } = require('../utils/interruption')
const { toPartition } = require('../utils/partition')
const { said, show } = require('../utils/show')
const { within } = require('../utils/timers')
const createMessageProducer = require('./messageProducer')

/** @typedef {import('../..').RecordMetadata} RecordMetadata */
/** @typedef {'READY' | 'TRANSACTING' | 'COMMITTING' | 'ABORTING'} State */

/**
 * What is to be sent, looked at and in the engine's words; throws what is wrong with it.
 * @typedef {{ topicMessages: { topic: string, messages: any[] }[], terms: import('./turn').Terms }} Checked
 * @typedef {(batch: any, isIdempotent: boolean) => Checked} Check
 * @typedef {Pick<import('./sender').Sender, 'send'>} Gate where it is handed over: a sender, or what lets it through
 * @typedef {(to: Gate, checked: Checked) => Promise<RecordMetadata[]>} HandOver
 */

/** `disconnect()` tries so long to abort a transaction, ms: its coordinator does it otherwise, after `transactionTimeout`. */
const PATIENCE = 1000

/** @param {string} text kafkajs's @param {string} [more] */
const misused = (text, more) =>
  withHelp(explained(new KafkaJSNonRetriableError(text), more), 'transactions')

const ENDED = 'Cannot continue to use transaction once ended'
const BEGIN_ANOTHER = 'begin another one by producer.transaction()'

class Transactions {
  /**
   * @param {{
   *   cluster: import('../cluster'),
   *   logger: import('../..').Logger,
   *   transactionalId: string,
   *   transactionTimeout: number,
   *   createSender: () => import('./sender').Sender,
   *   look: (record: any) => void,
   *   check: (batch: any) => Checked,
   *   handOver: HandOver
   * }} options `createSender`: one whose messages all belong to transactions
   */
  constructor({
    cluster,
    logger,
    transactionalId,
    transactionTimeout,
    createSender,
    look,
    check,
    handOver
  }) {
    this.cluster = cluster
    this.logger = logger
    this.transactionalId = transactionalId
    this.transactionTimeout = transactionTimeout
    this.createSender = createSender
    this.look = look
    this.check = check
    this.handOver = handOver
    /** @type {State} */
    this.state = 'READY'
    /** The first transaction opens it. @type {import('./sender').Sender | null} */
    this.sender = null
    this.isBeginning = false
    /** How often it was closed. */
    this.closes = 0
    /** The commit or the abort that is under way. @type {Promise<void> | null} */
    this.ending = null
  }

  /** @returns {Promise<import('../..').Transaction>} */
  async begin() {
    if (this.state === 'TRANSACTING' || this.isBeginning) {
      throw misused(
        'There is already an ongoing transaction for this producer. Please end the transaction before beginning another.',
        'commit() or abort() ends it; for two at the same time, make two producers, each with a transactionalId of its own'
      )
    }
    if (this.state !== 'READY') {
      throw misused(
        `Transaction state exception: Cannot call "beginTransaction" in state "${this.state}"`,
        'await what commit() or abort() of the transaction before returns'
      )
    }
    this.isBeginning = true
    const { closes } = this
    try {
      const sender = await this.open()
      this.throwIfClosedSince(closes)
      const trouble = await sender.engine.beginTransaction()
      // What has begun nevertheless is aborted by whoever has closed it.
      this.throwIfClosedSince(closes)
      if (trouble) throw this.errorOf(trouble)
      this.transition(sender, 'TRANSACTING')
      return createTransaction(this, sender)
    } finally {
      if (this.closes === closes) this.isBeginning = false
    }
  }

  /** @private */
  async open() {
    const before = this.sender
    if (before?.isOpen) return before
    const { closes } = this
    await this.cluster.connect()
    // Who has closed it found no sender to close.
    this.throwIfClosedSince(closes)
    const sender = this.createSender()
    this.sender = sender
    await Promise.all([before?.close({ timeout: 0 }), sender.open()])
    return sender
  }

  /** @private @param {number} closes how often it was closed by then */
  throwIfClosedSince(closes) {
    if (this.closes !== closes) throw createInterruption('The producer is disconnected')
  }

  /**
   * A transaction that is open is aborted.
   * @param {{ timeout: number }} options ms
   */
  async close({ timeout }) {
    const until = Date.now() + timeout
    this.closes += 1
    this.isBeginning = false
    const { sender, ending } = this
    if (ending) await within(timeout, ending)
    this.sender = null
    this.state = 'READY'
    await sender?.close({ timeout: Math.max(0, Math.min(until - Date.now(), PATIENCE)) })
  }

  /**
   * What has outlived a `disconnect()` does not touch what has begun since.
   * @param {import('./sender').Sender} sender of the transaction that begins or ends
   * @param {State} to
   */
  transition(sender, to) {
    if (this.sender !== sender) return
    this.logger.debug(`Transaction state transition ${this.state} --> ${to}`)
    this.state = to
  }

  /**
   * @param {import('../native').NativeTrouble} trouble
   * @param {import('../errors').Asked} [asked] what for
   */
  errorOf({ trouble, failure }, asked) {
    const { transactionalId, transactionTimeout } = this
    if (!failure) return misused(ENDED, BEGIN_ANOTHER)
    const error = fromFailure(failure, { ...asked, transactionalId, transactionTimeout })
    if (trouble === 'unanswered') {
      const { helpUrl } = error
      return Object.assign(
        new KafkaJSNonRetriableError(
          `The coordinator of transactional id "${transactionalId}" does not answer: ${error.message}`,
          { cause: error }
        ),
        { helpUrl }
      )
    }
    return error
  }
}

/**
 * @param {Transactions} transactions
 * @param {import('./sender').Sender} sender
 * @returns {import('../..').Transaction}
 */
const createTransaction = (transactions, sender) => {
  /** What has become of it, once it is over. @type {string | null} */
  let outcome = null
  /** How much was sent and is not answered. */
  let outstanding = 0
  /** Called when nothing is. */
  let allAnswered = () => {}
  /** What was refused first: nothing is committed then. @type {any} */
  let refused = null
  /** What consumers of the same `Kafka` are told when it is committed. @type {any[]} */
  const carried = []

  const isActive = () =>
    transactions.state === 'TRANSACTING' && transactions.sender === sender && outcome === null

  /**
   * @template {any[]} A, T
   * @param {(...args: A) => Promise<T>} method
   * @returns {(...args: A) => Promise<T>}
   */
  const guarded =
    method =>
    (...args) =>
      isActive() ? method(...args) : Promise.reject(misused(ENDED, why()))

  const why = () => {
    if (transactions.sender !== sender) return `the producer was disconnected: ${BEGIN_ANOTHER}`
    return `it is ${outcome ?? 'about to end'}: ${BEGIN_ANOTHER}`
  }

  const answered = () => {
    outstanding -= 1
    if (outstanding === 0) allAnswered()
  }
  const rejected = (/** @type {any} */ error) => {
    const ofThis = ofTransaction(error)
    refused ??= ofThis
    answered()
  }

  /** @template T @param {Promise<T>} answer @returns {Promise<T>} */
  const awaited = answer => {
    outstanding += 1
    answer.then(answered, rejected)
    return answer
  }

  /** What waits for the partitions of its topics may come when the transaction is aborted, and another one has begun. @type {Gate} */
  const gate = {
    send: (topicMessages, terms) =>
      outcome === null ? sender.send(topicMessages, terms) : Promise.reject(misused(ENDED, why()))
  }

  const { send, sendBatch } = createMessageProducer({
    look: transactions.look,
    deliver: batch => {
      const checked = transactions.check(batch)
      if (checked.topicMessages.length === 0) return Promise.resolve([])
      return awaited(transactions.handOver(gate, checked))
    }
  })

  const sendOffsets = async (/** @type {any} */ argument) => {
    const { consumer, consumerGroupId, topics } = offsetsOptions(argument)
    const { cluster } = transactions
    let group
    try {
      group = consumer
        ? consumer.groupMetadata({ topics })
        : groupOf(cluster, consumerGroupId, topics)
    } catch (error) {
      // The messages must not be committed without the offsets that belong to them.
      throw (refused ??= error)
    }
    const members = cluster.members.of(group.groupId)
    const offsets = topics.flatMap(({ topic, partitions }) =>
      partitions.map(entry => offsetOf(topic, entry, members))
    )
    // The coordinator has no transaction of them, and would refuse to commit it.
    if (offsets.length === 0) return
    const trouble = await awaited(sender.engine.sendOffsets(group, offsets))
    if (trouble) {
      const { groupId } = group
      throw (refused ??= ofTransaction(
        transactions.errorOf(trouble, { groupId, topic: only(topics) })
      ))
    }
    for (const { topic, partition, offset } of offsets) {
      carried.push({ groupId: group.groupId, topic, partition, offset })
    }
  }

  const commitAll = async () => {
    if (outstanding > 0) {
      const done = new Promise(resolve => (allAnswered = () => resolve(undefined)))
      sender.flush().catch(() => {})
      await done
    }
    const trouble = refused ? null : await sender.engine.commitTransaction()
    if (refused || trouble?.trouble === 'doomed') {
      transactions.transition(sender, 'TRANSACTING')
      throw refusalOf(refused ?? ofTransaction(transactions.errorOf(/** @type {any} */ (trouble))))
    }
    ended(trouble, 'committed')
    for (const offset of carried) transactions.cluster.markOffsetAsCommitted(offset)
  }

  /** @param {State} state @param {() => Promise<void>} end */
  const ending = async (state, end) => {
    transactions.transition(sender, state)
    const done = end()
    const marked = done.catch(() => {})
    transactions.ending = marked
    await done.finally(() => {
      if (transactions.ending === marked) transactions.ending = null
    })
  }

  const commit = () => ending('COMMITTING', commitAll)

  const abortAll = async () => {
    outcome = 'aborted'
    const trouble = await sender.engine.abortTransaction()
    // There is room again. What has waited for it is refused now; it would be taken for the next transaction's.
    sender.take()
    ended(trouble, 'aborted')
  }

  const abort = () => ending('ABORTING', abortAll)

  /** @param {import('../native').NativeTrouble | null} trouble @param {string} how */
  const ended = (trouble, how) => {
    outcome = trouble ? 'over, by an error' : how
    transactions.transition(sender, 'READY')
    if (trouble) throw transactions.errorOf(trouble)
  }

  return {
    send: guarded(send),
    sendBatch: guarded(sendBatch),
    sendOffsets: guarded(sendOffsets),
    commit: guarded(commit),
    abort: guarded(abort),
    isActive
  }
}

/** What ends a transaction, and not its producer: when it is aborted, another one may do the same. A producer that is fenced cannot abort it. */
const ENDS_TRANSACTION = new Set([
  'TRANSACTION_ABORTABLE',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_TXN_STATE',
  'INVALID_PRODUCER_ID_MAPPING',
  'UNKNOWN_PRODUCER_ID',
  'OUT_OF_ORDER_SEQUENCE_NUMBER'
])

/**
 * An error of something in a transaction: whether it may be tried again is about all of the transaction. A consumer whose handler
 * aborts it, and throws this, hands the messages out again.
 * @param {any} error
 */
const ofTransaction = error => {
  if (ENDS_TRANSACTION.has(error.type) || error.name === 'KafkaJSNumberOfRetriesExceeded') {
    error.retriable = true
  }
  return error
}

/**
 * What `commit()` rejects with when something in the transaction has failed: for a consumer whose handler throws it, it is what the
 * cause is.
 * @param {any} cause
 */
const refusalOf = cause => {
  const text = `The transaction can only be aborted, because something in it has failed: ${cause.message}`
  const error = new (cause.retriable ? KafkaJSError : KafkaJSNonRetriableError)(text, { cause })
  const { type, code, helpUrl } = cause
  if (helpUrl !== undefined) error.helpUrl = helpUrl
  return type === undefined ? error : Object.assign(error, { type, code })
}

const SEND_OFFSETS = 'transaction.sendOffsets()'
const OFFSETS = '[{ topic: "orders", partitions: [{ partition: 0, offset: "1" }] }]'

/** The argument of `sendOffsets()`. What is missing is an AssertionError, as in kafkajs. @param {any} argument */
const offsetsOptions = argument => {
  const { consumer, consumerGroupId, topics } = optionsOf(
    SEND_OFFSETS,
    argument,
    `{ consumer, topics: ${OFFSETS} }`
  )
  const checked = check => {
    try {
      check()
    } catch (error) {
      const known = `"consumer" or "consumerGroupId", and "topics": ${OFFSETS}`
      const given =
        Object.keys(argument)
          .map(name => `"${name}"`)
          .join(', ') || 'none of them'
      throw withHelp(
        explained(error, `${SEND_OFFSETS} takes ${known}; it got ${given}`),
        'transactions'
      )
    }
  }
  checked(() => assert(consumer || consumerGroupId, 'Missing consumerGroupId'))
  checked(() => assert(topics, 'Missing offset topics'))
  if (consumer && typeof consumer.groupMetadata !== 'function') {
    throw misused(
      `consumer of ${SEND_OFFSETS} has to be one of kafka.consumer(), received ${show(consumer)}`
    )
  }
  listOf(`topics of ${SEND_OFFSETS}`, topics, OFFSETS)
  return { consumer, consumerGroupId, topics: topics.map(entryOf) }
}

/** @param {any} entry of `topics` @returns {{ topic: string, partitions: any[] }} */
const entryOf = entry => {
  const { topic, partitions } = entry ?? {}
  const where = `partitions of topic ${show(topic)} in ${SEND_OFFSETS}`
  return { topic, partitions: listOf(where, partitions, '[{ partition: 0, offset: "1" }]') }
}

/** Whose name an error about them can only be. @param {any[]} topics */
const only = topics => (topics.length === 1 ? String(topics[0].topic) : undefined)

/**
 * As whom offsets of a group are committed: a member of it that runs here, if one of them has all these partitions. Then an offset
 * that came too late is refused. One of a partition that nobody has here any more is too late already: as nobody's it would be taken,
 * and whoever has the partition now reads the messages once more.
 * @param {import('../cluster')} cluster
 * @param {string} groupId
 * @param {any[]} topics
 */
const groupOf = (cluster, groupId, topics) => {
  const members = cluster.members.of(groupId)
  for (const member of members) {
    const metadata = member.metadataFor(topics)
    if (metadata) return metadata
  }
  for (const { topic, partitions } of topics) {
    for (const entry of partitions) {
      const one = [{ topic, partitions: [entry] }]
      const former = members.find(member => member.hadOnce(topic, entry?.partition))
      if (former && members.every(member => member.metadataFor(one) === null)) {
        return former.metadata(one)
      }
    }
  }
  return { groupId, generationId: -1, memberId: '', groupInstanceId: null }
}

/**
 * @param {string} topic
 * @param {any} entry the user's
 * @param {import('../cluster/members').Member[]} members of the group that run here: they know who wrote the message before it
 */
const offsetOf = (topic, entry, members) => {
  const { partition: given, offset, metadata = null } = entry ?? {}
  const partition = toPartition(given)
  if (partition === null) {
    throw new KafkaJSNonRetriableError(
      `Invalid partition ${show(given)} of topic ${show(topic)} in ${SEND_OFFSETS}: expected a number from 0`
    )
  }
  const text = said(offset)
  if (!/^\d{1,19}$/.test(text)) {
    throw new KafkaJSNonRetriableError(
      `Invalid offset ${show(offset)} of partition ${partition} of topic ${show(topic)} in ${SEND_OFFSETS}: expected that of the next message, as digits`
    )
  }
  const where = { topic, partition, offset: text }
  const epochs = members.map(member => member.epochBefore(where))
  return { ...where, metadata, leaderEpoch: epochs.find(epoch => epoch !== null) ?? null }
}

module.exports = { Transactions }
