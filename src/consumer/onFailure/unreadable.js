// @ts-check
'use strict'

/**
 * Batches that cannot be read, with `onFailure.unreadable`: each goes to the dead-letter topic as it is, and its partition goes on
 * behind it. Nobody has seen a message of it, so there is nothing to try again in place.
 */

const { fromFailure } = require('../../errors')
const { Backoff, isRetriable, sleep } = require('../../retry')
const { createAbort } = require('../../utils/interruption')
const { placeOf } = require('../../utils/offsets')
const { letterOfBatch } = require('./letters')

class Unreadable {
  /**
   * @param {{
   *   deadLetterTopic: string,
   *   groupId: string,
   *   outbox: import('./outbox').Outbox,
   *   logger: import('../../..').Logger,
   *   retry: any,
   *   isOurs: (topic: string, partition: number) => boolean,
   *   seek: (position: import('./outbox').Position) => void,
   *   crash: (error: any) => void
   * }} options `isOurs`: is the partition still this member's? `seek`: its next message is that one
   */
  constructor({ deadLetterTopic, groupId, outbox, logger, retry, isOurs, seek, crash }) {
    this.deadLetterTopic = deadLetterTopic
    this.groupId = groupId
    this.outbox = outbox
    this.logger = logger
    this.retry = retry
    this.isOurs = isOurs
    this.seek = seek
    this.crash = crash
    this.closed = createAbort()
    /** Behind which batch each partition waits to go on. @type {Map<string, import('./outbox').Position>} */
    this.waiting = new Map()
  }

  /** The program says where this partition goes on. @param {{ topic: string, partition: number }} where */
  sought(where) {
    this.waiting.delete(placeOf(where))
  }

  /**
   * Ends when the partition goes on, here or where the program has sought, or is another member's.
   * @param {{ error: import('../../native').NativeFailure, bytes: Buffer, next: string }} event of the engine
   */
  async setAside({ error: failure, bytes, next }) {
    const error = fromFailure(failure)
    const { topic, partition, offset } = /** @type {any} */ (error)
    const { deadLetterTopic, groupId } = this
    const letter = letterOfBatch(bytes, { topic, partition, offset, next, groupId, error })
    const position = { topic, partition, offset: next }
    const where = { topic, partition, offset, lastOffset: letter.lastOffset }
    const backoff = new Backoff(this.retry)
    const place = placeOf(position)
    this.waiting.set(place, position)
    const isOurs = () => this.waiting.get(place) === position && this.isOurs(topic, partition)
    while (isOurs()) {
      try {
        await this.outbox.send(deadLetterTopic, [letter.message], position, isOurs)
        this.logger.warn(
          `Sent to topic "${deadLetterTopic}" as it is, it cannot be read: ${error.message}`,
          where
        )
        if (isOurs()) this.seek(position)
        return
      } catch (refused) {
        const isLost = !isRetriable(refused)
        this.logger.error(
          `A batch that cannot be read could not be sent to topic "${deadLetterTopic}": ${refused.message}`,
          { ...where, stack: refused.stack }
        )
        // Too large for its topic, for instance: it stays where it is, and the end is that of a consumer without onFailure.
        if (isLost && isOurs()) return this.crash(error)
        await sleep(backoff.retryTime, this.closed.signal).catch(() => {})
        backoff.advance()
      }
    }
  }

  /** Nothing is tried again. */
  close() {
    this.closed.abort(undefined)
  }
}

module.exports = { Unreadable }
