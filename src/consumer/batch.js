// @ts-check
'use strict'

/** @typedef {import('./delivery').Delivery} Delivery */

/** No private field: a batch may be copied, and wrapped in a Proxy. */
const RANGE = Symbol('range')

/** kafkajs's `Batch`: messages of one partition, and what is known about their place in the log. */
module.exports = class Batch {
  /**
   * @param {string} topic
   * @param {number} partition
   * @param {Delivery} delivery
   * @param {any[]} [messages] of the delivery
   */
  constructor(topic, partition, delivery, messages = delivery.messages()) {
    this.fetchedOffset = String(delivery.fetchOffset)
    this.topic = topic
    this.partition = partition
    this.highWatermark = String(delivery.highWatermark)
    /** Control records and aborted messages never leave the engine: the three lists are one. */
    this.rawMessages = messages
    this.messagesWithinOffset = this.rawMessages
    this.messages = this.rawMessages
    this[RANGE] = range(delivery)
  }

  isEmpty() {
    return this.messages.length === 0
  }

  isEmptyIncludingFiltered() {
    return this.messages.length === 0
  }

  isEmptyDueToFiltering() {
    return false
  }

  isEmptyControlRecord() {
    return false
  }

  isEmptyDueToLogCompactedMessages() {
    return false
  }

  /** First offset, control records and aborted messages included. */
  firstOffset() {
    return this[RANGE].firstOffset
  }

  /** Last offset, control records and aborted messages included. */
  lastOffset() {
    return this[RANGE].lastOffset
  }

  /** How far the last message is from the end of the partition. */
  offsetLag() {
    return this[RANGE].offsetLag
  }

  /** How far the first message is from the end of the partition. */
  offsetLagLow() {
    return this[RANGE].offsetLagLow
  }
}

/**
 * The same figures for events, without a Batch.
 * @param {Delivery} delivery
 * @param {bigint} [lastOffset] if not that of the delivery
 */
const range = (delivery, lastOffset = delivery.lastOffset) => ({
  firstOffset: String(delivery.firstOffset),
  lastOffset: String(lastOffset),
  offsetLag: String(delivery.highWatermark - 1n - lastOffset),
  offsetLagLow: String(delivery.highWatermark - 1n - delivery.firstOffset)
})

module.exports.range = range
