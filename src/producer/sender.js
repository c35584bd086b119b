// @ts-check
'use strict'

/**
 * The hand-over to the engine: what is sent in one turn of the event loop goes over in one call, or in a few when these are many sends;
 * what is answered comes back in one wake-up, and settles in the order in which it happened.
 *
 *   send ──► turn ──(its end, or AHEAD)──► engine ──(wake-up)──► answers ──► promises
 *                         │ no room         ▲
 *                         └─► backlog ──────┘ there is room
 */

const native = require('../native')
const { createEngineLog } = require('../loggers')
const {
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSTimeout,
  fromFailure
} = require('../errors')
const { createInterruption } = require('../utils/interruption')
const { Numbered } = require('../utils/numbered')
const { nextTick, within } = require('../utils/timers')
const { Answers } = require('./answers')
const { Backlog } = require('./backlog')
const { TurnWriter } = require('./turn')
// Not those that a test's fake timers replace.
const { setImmediate } = require('node:timers')

/** What `notify` is called with when there are answers. */
const WAKE = -1
/**
 * Sends that go over before their turn ends: they are on their way while the program makes the rest. Else a thousand sends, each made
 * when one before it is answered, go to and fro as one, and either the program or the broker has nothing to do.
 */
const AHEAD = 512

/** @typedef {import('../..').RecordMetadata} RecordMetadata */
/** @typedef {{ topic: string, messages: any[] }} TopicMessages */
/**
 * @typedef {object} Pending a send that is not answered
 * @property {number} order which of all sends it is
 * @property {(rows: RecordMetadata[]) => void} resolve
 * @property {(error: any) => void} reject
 * @property {Map<string, number> | null} firsts number of each topic's first message, counted through all of them; null: of one topic
 */
/**
 * @typedef {object} SenderOptions
 * @property {boolean | null} idempotent null: where acks is -1 and the brokers allow it
 * @property {'default' | 'legacy'} partitioner of messages without a partition
 * @property {number} retries
 * @property {number} retryTime ms, for which is tried at least
 * @property {import('../native').NativePace | null} pace of the attempts; null: the engine's own
 * @property {number} deliveryTimeout
 * @property {number} linger
 * @property {number} batchSize
 * @property {number} bufferMemory
 * @property {number} maxBlock
 * @property {number} maxRequestSize
 * @property {number | null} maxInFlightRequests
 * @property {number} metadataMaxAge
 * @property {boolean} allowAutoTopicCreation
 * @property {string | null} [transactionalId] all messages belong to transactions of it
 * @property {number} [transactionTimeout] ms
 */

const IDEMPOTENCE = /** @type {const} */ ({
  true: 'required',
  false: 'off',
  null: 'if-allowed'
})

class Sender {
  /**
   * @param {{
   *   cluster: import('../cluster'),
   *   logger: import('../..').Logger,
   *   options: SenderOptions
   * }} parts
   */
  constructor({ cluster, logger, options }) {
    const { idempotent, maxBlock, ...others } = options
    this.cluster = cluster
    this.engineLog = createEngineLog(logger)
    this.options = options
    /** The connections. */
    this.client = cluster.native
    this.engine = new native.NativeProducer(
      this.client,
      {
        transactionalId: null,
        transactionTimeout: 0,
        ...others,
        idempotence: IDEMPOTENCE[/** @type {'null'} */ (String(idempotent))]
      },
      told => this.hear(told)
    )
    const { engine } = this
    this.turn = new TurnWriter()
    this.answers = new Answers(number => engine.topic(number) ?? '')
    this.backlog = new Backlog({
      maxBlock,
      submit: bytes => engine.submit(bytes, bytes.length),
      expired: ticket => this.expired(ticket)
    })
    /** Their number is the send's ticket. @type {Numbered<Pending>} */
    this.pending = new Numbered()
    this.sends = 0
    /** By ticket. @type {Map<number, () => void>} */
    this.flushes = new Map()
    this.lastFlush = 0
    this.willSubmit = false
    /** Sends that are not handed over. */
    this.unsubmitted = 0
    /** Have sends gone ahead of their turn's end since answers were taken last? */
    this.isAhead = false
    /** What everything rejects with, once nothing is sent any more. @type {any} */
    this.ended = null
    /** What answers do. */
    this.settling = {
      sent: this.sent.bind(this),
      /** @param {number} ticket */
      flushed: ticket => {
        this.flushes.get(ticket)?.()
        this.flushes.delete(ticket)
      },
      room: () => this.backlog.drain()
    }
    this.submitTurn = () => {
      this.willSubmit = false
      this.submit()
    }
    this.takeAnswers = () => this.take()
  }

  /** Has nobody closed the connections? */
  get isOpen() {
    return this.cluster.client === this.client
  }

  /**
   * The connections are open. Resolves when messages are numbered, where they have to be.
   * @returns {Promise<void>} rejects when the brokers refuse that
   */
  async open() {
    this.engine.start()
    if (this.options.idempotent !== true) return
    const failure = await this.engine.identify()
    if (failure) throw this.ended ?? fromFailure(failure, { operation: 'IDEMPOTENT_WRITE' })
  }

  /**
   * Sends at the end of this turn of the event loop at the latest, with what else is sent in it.
   * @param {TopicMessages[]} topicMessages each topic once
   * @param {import('./turn').Terms} terms
   * @returns {Promise<RecordMetadata[]>} a row for each partition; none with acks 0
   */
  send(topicMessages, terms) {
    if (this.ended) return Promise.reject(this.ended)
    // The messages are the caller's again: what is kept of them here would be kept until the answer.
    this.turn.write(this.pending.next, terms, topicMessages)
    /** @type {Promise<RecordMetadata[]>} */
    const promise = new Promise(take)
    const firsts = topicMessages.length === 1 ? null : firstsOf(topicMessages)
    this.pending.add({
      order: this.sends++,
      resolve: taken.resolve,
      reject: taken.reject,
      firsts
    })
    if (++this.unsubmitted >= AHEAD) {
      this.isAhead = true
      this.submit()
    } else if (!this.willSubmit) {
      this.willSubmit = true
      nextTick(this.submitTurn)
    }
    return promise
  }

  /** Resolves when everything that was sent before is answered, well or not. @returns {Promise<void>} */
  async flush() {
    this.submit()
    await this.backlog.drained()
    if (this.ended) return
    await new Promise(resolve => {
      const ticket = ++this.lastFlush | 0
      this.flushes.set(ticket, () => resolve(undefined))
      this.engine.flush(ticket)
    })
  }

  /**
   * Sends no more. Resolves when everything is answered; what is not within `timeout` ms rejects then.
   * @param {{ timeout: number }} options
   */
  async close({ timeout }) {
    const until = Date.now() + timeout
    this.submit()
    this.ended = createInterruption('The producer is disconnected')
    if (!this.backlog.isEmpty) await within(timeout, this.backlog.drained())
    await this.engine.close(Math.max(0, until - Date.now()))
    this.take()
    this.backlog.end()
    this.rejectAll(this.ended)
  }

  /** Hands the turn over. @private */
  submit() {
    const { turn, backlog } = this
    const { bytes, length } = turn
    this.unsubmitted = 0
    if (length === 0) return
    // What came before goes first.
    const taken = backlog.isEmpty ? this.engine.submit(bytes, length) : 0
    if (taken < length) backlog.add(new Uint8Array(bytes.subarray(taken, length)))
    turn.clear()
  }

  /** @param {import('../native').NativeProducerEvent | number} told @private */
  hear(told) {
    if (told === WAKE) {
      // libuv goes on in one turn of the event loop for as long as more wake-ups come meanwhile, and when sends go ahead they do.
      if (this.isAhead) setImmediate(this.takeAnswers)
      else this.take()
    } else if (typeof told === 'number') return
    else if (told.type === 'log') this.engineLog(told)
    else this.broken(fromFailure(told.error))
  }

  /** Settles what is answered. */
  take() {
    this.isAhead = false
    this.answers.read(this.engine.answers(this.answers.memory), this.settling)
  }

  /** @private @param {number} ticket @param {RecordMetadata[]} rows @param {any[] | null} failed */
  sent(ticket, rows, failed) {
    const pending = this.pending.take(ticket)
    if (!pending) return
    if (failed === null) pending.resolve(rows)
    else pending.reject(this.errorOf(pending, rows, failed))
  }

  /**
   * The first failure is the error, as in kafkajs; all of them are in its `failed`. It is not the same object as there: what contains
   * itself cannot be written as JSON, and loggers would throw.
   * @private
   * @param {Pending} pending
   * @param {RecordMetadata[]} succeeded
   * @param {import('../native').NativeFailedPart[]} parts
   */
  errorOf({ firsts }, succeeded, parts) {
    const { transactionalId } = this.options
    /** @param {import('../native').NativeFailedPart} part */
    const causeOf = ({ topic, partition, failure }) => {
      const named = partition === null ? { topic } : { topic, partition }
      const asked = { topic, transactionalId, operation: 'WRITE' }
      return Object.assign(fromFailure({ ...failure, topic, partition }, asked), named)
    }
    const failed = parts.map(part => {
      const { topic, partition, messages, mayBeWritten } = part
      const numbers = numbersOf(firsts?.get(topic) ?? 0, messages)
      return { topic, partition, messages: numbers, error: causeOf(part), mayBeWritten }
    })
    const [{ topic, partition }] = parts
    const told = this.toldOf({ topic, partition, error: causeOf(parts[0]) })
    return Object.assign(told, { failed, succeeded })
  }

  /** @private @param {{ topic: string, partition: number | null, error: any }} failed */
  toldOf({ topic, partition, error }) {
    const { retries, retryTime } = this.options
    if (error.retriable) {
      const exceeded = new KafkaJSNumberOfRetriesExceeded(error, {
        retryCount: retries,
        retryTime
      })
      return Object.assign(exceeded, { topic, partition })
    }
    if (partition !== null || error.type === undefined) return error
    // What the brokers have against the topic itself is a cause in kafkajs.
    const { type, code } = error
    return Object.assign(new KafkaJSNonRetriableError(error, { cause: error }), {
      type,
      code,
      topic
    })
  }

  /** @private @param {number} ticket */
  expired(ticket) {
    const pending = this.pending.take(ticket)
    const { maxBlock, bufferMemory } = this.options
    pending?.reject(
      this.ended ??
        new KafkaJSTimeout(
          `The send has waited for ${maxBlock} ms (maxBlock) for room among the messages that are not acknowledged yet, ${bufferMemory} bytes at most (bufferMemory)`
        )
    )
  }

  /** @private @param {any} error */
  broken(error) {
    this.ended = error
    this.backlog.end()
    this.rejectAll(error)
  }

  /** @private @param {any} error */
  rejectAll(error) {
    const pending = this.pending.takeAll().sort((a, b) => a.order - b.order)
    for (const { reject } of pending) reject(error)
    for (const resolve of this.flushes.values()) resolve()
    this.flushes.clear()
  }
}

/** What settles the promise that was made last: one executor for all, not a closure for each. */
const taken = {
  resolve: /** @type {(value: any) => void} */ (() => {}),
  reject: /** @type {(error: any) => void} */ (() => {})
}
/** @param {(value: any) => void} resolve @param {(error: any) => void} reject */
const take = (resolve, reject) => {
  taken.resolve = resolve
  taken.reject = reject
}

/** @param {TopicMessages[]} topicMessages */
const firstsOf = topicMessages => {
  const firsts = new Map()
  let first = 0
  for (const { topic, messages } of topicMessages) {
    firsts.set(topic, first)
    first += messages.length
  }
  return firsts
}

/**
 * Which messages of a topic these are.
 * @param {number} first number of the topic's first one
 * @param {number[]} ranges from and to in turn, counted through all topics
 */
const numbersOf = (first, ranges) => {
  const numbers = []
  for (let n = 0; n < ranges.length; n += 2) {
    for (let i = ranges[n]; i < ranges[n + 1]; i++) numbers.push(i - first)
  }
  return numbers
}

module.exports = { Sender }
