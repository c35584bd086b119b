// @ts-check
'use strict'

/** What becomes of a handler's error: its partition is handed out again after a while, or the consumer crashes. */

const { KafkaJSError, isRebalancing } = require('../errors')
const { Backoff } = require('../retry')
const { placeOf, placesOf } = require('../utils/offsets')
const { readable } = require('../utils/thrown')
const { Later } = require('./onFailure/recovery')

/** Errors that end the consumer as they are, neither retried nor wrapped. */
const FINAL = new Set(['KafkaJSNotImplemented', 'KafkaJSNoBrokerAvailableError'])

/**
 * A lane, or one of the messages that are handled beside each other, which has a `name`.
 * @typedef {Pick<import('./lane').Lane, 'delivery' | 'topic' | 'partition' | 'next' | 'flagsAt'> & { name?: string }} Lane
 */

class Failures {
  /**
   * @param {{
   *   handler: 'eachMessage' | 'eachBatch',
   *   cells: Int32Array,
   *   retry: any,
   *   logger: import('../..').Logger,
   *   crash: (error: any) => void
   * }} options
   */
  constructor({ handler, cells, retry, logger, crash }) {
    this.handler = handler
    this.cells = cells
    this.retry = retry
    this.logger = logger
    this.crash = crash
    /** Of handlers that have failed and not succeeded since, by partition or message. @type {Map<string, Backoff>} */
    this.backoffs = new Map()
    /** Is there any? Asked for every message. */
    this.any = false
  }

  /** A handler went through: its partition's failures are forgiven. @param {Lane} lane */
  succeeded(lane) {
    this.backoffs.delete(keyOf(lane))
    this.any = this.backoffs.size > 0
  }

  /**
   * What is not ours any more begins anew when it comes back: a failure of hours ago must not make the next one a crash.
   * @param {{ topic: string, partitions: number[] }[]} assignment
   */
  assigned(assignment) {
    if (!this.any) return
    const ours = placesOf(assignment)
    for (const key of [...this.backoffs.keys()]) {
      const [topic, partition] = key.split('\u0000')
      if (!ours.has(placeOf({ topic, partition: Number(partition) }))) this.backoffs.delete(key)
    }
    this.any = this.backoffs.size > 0
  }

  /**
   * @param {Lane} lane
   * @param {any} thrown by its handler
   * @returns {number} ms until the partition may be handed out again
   */
  failed(lane, thrown) {
    const error = this.readable(thrown)
    if (error instanceof Later) return error.wait
    if (endsGeneration(error)) {
      // With a flag in the cell the engine knows of the rebalance. Without one the error is no news of our group, which goes on:
      // the handler, which may throw it at each call, is not called again at once.
      return this.cells[lane.flagsAt] === 0 ? new Backoff(this.retry).retryTime : 0
    }
    const { topic, partition } = lane
    if (isGone(lane, error)) {
      this.logger.warn('The memory of messages was transferred: the rest of them is read again', {
        topic,
        partition
      })
      return new Backoff(this.retry).retryTime
    }
    this.log(lane, error)
    if (FINAL.has(error.name) || isUnreadable(error)) return this.giveUp(error)
    const backoff = this.backoffs.get(keyOf(lane)) ?? new Backoff(this.retry)
    const final = backoff.verdict(error)
    if (final) return this.giveUp(final)
    const wait = backoff.retryTime
    backoff.advance()
    this.backoffs.set(keyOf(lane), backoff)
    this.any = true
    return wait
  }

  /** What the handler has thrown. In kafkajs, too, a TypeError takes the place of null. @param {any} thrown */
  readable(thrown) {
    return readable(thrown, this.handler)
  }

  /** Is it the message that the handler has failed at, and not our group or the program's use of memory? @param {Lane} lane @param {any} error */
  isFault(lane, error) {
    return !endsGeneration(error) && !isGone(lane, error) && !FINAL.has(error.name)
  }

  /** @param {Lane} lane @param {any} error */
  log({ delivery, topic, partition, next }, error) {
    if (error instanceof KafkaJSError) return
    const isMessage = this.handler === 'eachMessage'
    this.logger.error(`Error when calling ${this.handler}`, {
      topic,
      partition,
      offset: isMessage ? delivery.offset(next) : String(delivery.firstOffset),
      stack: error.stack,
      error
    })
  }

  /** @private */
  giveUp(error) {
    this.crash(error)
    return 0
  }
}

/** What `heartbeat()` and commits say when the partitions are about to go: the group decides, not the handler's retries. */
const endsGeneration = error => isRebalancing(error) || error.type === 'UNKNOWN_MEMBER_ID'

/** The memory of the messages was given away. @param {Lane} lane @param {any} error */
const isGone = ({ delivery }, error) => error.name === 'TypeError' && delivery.isGone()

/** Bytes that are not of their format: they will not be the next time. */
const isUnreadable = error =>
  error.name === 'KafkaJSDeserializationError' && error.retriable === false

/** @param {Lane} lane */
const keyOf = lane => lane.name ?? placeOf(lane)

module.exports = { Failures }
