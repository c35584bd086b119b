// @ts-check
'use strict'

/**
 * What becomes of a message whose handler has failed, by `onFailure`:
 *
 *   attempt fails ──► again in place, `retries` times ──► the retry topics, one after the other ──► the dead-letter topic
 *        │                  (its partition waits)              (nobody waits for it)                         ▲
 *        └── `when` says otherwise, or trying again cannot help ─────────────────────────────────────────────┘
 *
 * A message that has gone to another topic counts as handled, when the brokers have acknowledged it there and not before. In a retry
 * topic all messages wait equally long, so only the first one's time has to be waited for.
 */

const { KafkaJSNonRetriableError } = require('../../errors')
const { Backoff, isRetriable } = require('../../retry')
const { placeOf, placesOf } = require('../../utils/offsets')
const { show } = require('../../utils/show')
const { CLOSING, STALE } = require('../cells')
const { now } = require('../clock')
const { letterOf, originOf } = require('./letters')

/** @typedef {import('../lane').Lane} Lane */
/** @typedef {import('../delivery').Delivery} Delivery */
/** @typedef {'retry' | 'deadLetter' | 'skip' | 'fail'} Verdict */

const VERDICTS = ['retry', 'deadLetter', 'skip', 'fail']

/** No error: the partition is to be handed out again later. */
class Later {
  /** @param {number} wait ms */
  constructor(wait) {
    this.wait = wait
  }
}

class Recovery {
  /**
   * @param {{
   *   policy: import('./options').FailureOptions,
   *   groupId: string,
   *   isBatch: boolean,
   *   outbox: import('./outbox').Outbox,
   *   failures: import('../failures').Failures,
   *   logger: import('../../..').Logger,
   *   retry: any
   * }} options `isBatch`: the handler is an eachBatch
   */
  constructor({ policy, groupId, isBatch, outbox, failures, logger, retry }) {
    this.policy = policy
    this.groupId = groupId
    this.isBatch = isBatch
    this.outbox = outbox
    this.failures = failures
    this.logger = logger
    this.retry = retry
    /** Which of the retry topics a topic is. @type {Map<string, number>} */
    this.levels = new Map(policy.levels.map(({ topic }, level) => [topic, level]))
    /** Of the message that a partition is held by. @type {Map<string, { offset: string, count: number }>} */
    this.attempts = new Map()
    /** Of the topics that cannot be written to. @type {Map<string, Backoff>} */
    this.backoffs = new Map()
  }

  /**
   * Cuts off what has to wait longer.
   * @param {Delivery} delivery
   * @param {string} topic
   * @returns {number} ms until the next message may be handed out; 0: nothing is cut off
   */
  hold(delivery, topic) {
    const level = this.levels.get(topic)
    if (level === undefined) return 0
    const { delay } = this.policy.levels[level]
    const time = now()
    for (let i = delivery.first; i < delivery.count; i++) {
      const wait = Number(delivery.message(i).timestamp) + delay - time
      if (wait > 0) {
        delivery.cutAt(i)
        // A clock that is wrong by years must not hold the partition for years.
        return Math.min(wait, delay)
      }
    }
    return 0
  }

  /**
   * Where a message has failed before; null: nowhere.
   * @param {string} topic
   * @param {any} message
   */
  originOf(topic, message) {
    return this.levels.has(topic) ? originOf(message) : null
  }

  /**
   * The handler has failed. Resolves when the message is settled: the lane goes on behind it.
   * @param {Lane} lane
   * @param {any} thrown by it
   * @returns {Promise<void>} rejects with the error when it is not ours to treat, with a `Later` when the message is to be handed out again
   */
  async recover(lane, thrown) {
    const error = this.failures.readable(thrown)
    if (!this.failures.isFault(lane, error)) throw error
    const { topic, partition, delivery } = lane
    const first = this.isBatch ? firstUnresolved(lane) : lane.next
    if (first >= delivery.count) throw error
    // A batch that cannot be read begins with the message that cannot.
    const end = this.isBatch && !isOfDeserializer(error) ? delivery.count : first + 1
    const message = delivery.message(first)
    const attempts = this.count(lane, message.offset)
    const origin = originIn(this, lane, message, attempts)
    const verdict = await this.verdict(error, { ...origin, message })
    const level = this.levels.get(topic) ?? -1
    const where = { topic, partition, offset: message.offset, attempts: origin.attempts }
    if (verdict === 'retry' && level < 0 && attempts <= this.policy.retries) {
      const wait = await this.waitOf(attempts, error)
      this.failures.log(lane, error)
      throw new Later(wait)
    }
    if (verdict === 'skip') {
      this.logger.warn(`Left out, its handler has failed: ${show(error.message)}`, where)
    } else {
      const to = verdict === 'fail' ? null : this.next(topic, level, verdict)
      if (to === null) throw error
      this.failures.log(lane, error)
      await this.sendTo(to, { lane, first, end, error, where })
    }
    this.attempts.delete(placeOf(lane))
    settle(lane, end)
  }

  /** A handler that has failed for this partition before has gone through. @param {Lane} lane */
  succeeded(lane) {
    if (this.attempts.size > 0) this.attempts.delete(placeOf(lane))
  }

  /**
   * What is not ours any more begins anew when it comes back, as with `Failures`.
   * @param {{ topic: string, partitions: number[] }[]} assignment
   */
  assigned(assignment) {
    if (this.attempts.size === 0) return
    const ours = placesOf(assignment)
    for (const place of [...this.attempts.keys()]) if (!ours.has(place)) this.attempts.delete(place)
  }

  /** @private @param {Lane} lane @param {string} offset @returns {number} of this message, this one included */
  count(lane, offset) {
    const key = placeOf(lane)
    const before = this.attempts.get(key)
    const count = before?.offset === offset ? before.count + 1 : 1
    this.attempts.set(key, { offset, count })
    return count
  }

  /** @private @param {any} error @param {any} failed @returns {Promise<Verdict>} */
  async verdict(error, failed) {
    const { when } = this.policy
    const usual = isRetriable(error) ? 'retry' : 'deadLetter'
    if (when === null) return usual
    const said = await when(error, failed)
    if (said === true) return usual
    if (said === false) return 'fail'
    if (VERDICTS.includes(said)) return said
    throw new KafkaJSNonRetriableError(
      `onFailure.when has to return true, false, ${VERDICTS.map(one => `"${one}"`).join(', ')}, it returned ${show(said)}`
    )
  }

  /** @private @param {number} attempts @param {any} error @returns {Promise<number>} ms */
  async waitOf(attempts, error) {
    const { backoff } = this.policy
    if (backoff !== null) {
      const said = await backoff(attempts, error)
      const wait = Number(said)
      if (wait >= 0) return wait
      const returned = `it returned ${show(said)}`
      throw new KafkaJSNonRetriableError(`onFailure.backoff has to return ms, ${returned}`)
    }
    const waits = new Backoff(this.retry)
    for (let n = 1; n < attempts && n < MOST_DOUBLINGS; n++) waits.advance()
    return waits.retryTime
  }

  /**
   * The topic that a message goes to next; null: there is none.
   * @private
   * @param {string} topic it is in
   * @param {number} level of that; -1: it is none of the retry topics
   * @param {Verdict} verdict
   */
  next(topic, level, verdict) {
    const { levels, deadLetterTopic } = this.policy
    if (verdict === 'retry' && level + 1 < levels.length) return levels[level + 1].topic
    // What cannot be read in the dead-letter topic would be written there again, for ever.
    return topic === deadLetterTopic ? null : deadLetterTopic
  }

  /**
   * @private
   * @param {string} to
   * @param {{ lane: Lane, first: number, end: number, error: any, where: object }} failure of the messages from `first` to before `end`
   */
  async sendTo(to, { lane, first, end, error, where }) {
    const { cells, delivery, flagsAt, topic, partition } = lane
    const { groupId } = this
    const attempts = this.attempts.get(placeOf(lane))?.count ?? 1
    const letters = []
    for (let i = first; i < end; i++) {
      const message = delivery.message(i)
      letters.push(
        letterOf(message, { origin: originIn(this, lane, message, attempts), groupId, error })
      )
    }
    const next = delivery.bigOffset(end - 1) + 1n
    try {
      const isOurs = () => (cells[flagsAt] & (STALE | CLOSING)) === 0
      await this.outbox.send(to, letters, { topic, partition, offset: String(next) }, isOurs)
    } catch (refused) {
      throw new Later(this.postpone(to, refused, where))
    }
    this.backoffs.delete(to)
    this.logger.warn(`Sent to topic "${to}", its handler has failed: ${show(error.message)}`, where)
  }

  /**
   * The message stays where it is, and the handler gets it again.
   * @private
   * @param {string} to
   * @param {any} error
   * @param {object} where
   * @returns {number} ms
   */
  postpone(to, error, where) {
    const backoff = this.backoffs.get(to) ?? new Backoff(this.retry)
    this.backoffs.set(to, backoff)
    const wait = backoff.retryTime
    backoff.advance()
    this.logger.error(
      `A message that has failed could not be sent to topic "${to}": ${error.message}. It is handled again in ${wait} ms`,
      { ...where, stack: error.stack }
    )
    return wait
  }
}

/** The waits do not grow any more. */
const MOST_DOUBLINGS = 30

/**
 * @param {Recovery} recovery
 * @param {Lane} lane
 * @param {any} message
 * @param {number} attempts here
 * @returns {import('./letters').Origin}
 */
const originIn = (recovery, { topic, partition }, message, attempts) => {
  const { offset, timestamp } = message
  const before = recovery.originOf(topic, message)
  return before
    ? { ...before, attempts: before.attempts + attempts }
    : { topic, partition, offset, timestamp, attempts }
}

/** The first message of a batch that its handler has not resolved. @param {Lane} lane */
const firstUnresolved = ({ delivery, cells, resolvedAt }) => {
  let i = delivery.first
  while (i < delivery.count && delivery.offsetDelta(i) < cells[resolvedAt]) i++
  return i
}

/** @param {any} error */
const isOfDeserializer = error => error?.name === 'KafkaJSDeserializationError'

/** What has gone elsewhere counts as handled. @param {Lane} lane @param {number} end */
const settle = (lane, end) => {
  const { delivery } = lane
  lane.next = end
  lane.resolveTo(end === delivery.count ? delivery.nextOffset : delivery.bigOffset(end - 1) + 1n)
}

module.exports = { Later, Recovery }
