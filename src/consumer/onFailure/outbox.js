// @ts-check
'use strict'

/**
 * The way out for failed messages: a producer that is there from the first of them on. What it writes is acknowledged before anybody
 * counts the message as handled; with `exactlyOnce` the offset is committed in the same transaction.
 */

const { randomUUID } = require('node:crypto')

/** @typedef {{ topic: string, partition: number, offset: string }} Position the next offset to read */

/** For so long at the most what a member that was killed has left open holds up readers and its successor, ms. */
const TRANSACTION_TIMEOUT = 15000

class Outbox {
  /**
   * @param {{
   *   groupId: string,
   *   groupInstanceId: string | null,
   *   exactlyOnce: boolean,
   *   createProducer: (options: any) => import('../../..').Producer,
   *   commitResolved: () => Promise<void>
   * }} options
   */
  constructor({ groupId, groupInstanceId, exactlyOnce, createProducer, commitResolved }) {
    this.groupId = groupId
    // Who takes the place of a static member that was killed ends the transaction that it has left open. Others wait for its timeout.
    this.transactionalId = `${groupId}.failures.${groupInstanceId ?? randomUUID()}`
    this.exactlyOnce = exactlyOnce
    this.createProducer = createProducer
    this.commitResolved = commitResolved
    /** @type {Promise<import('../../..').Producer> | null} */
    this.producer = null
    /** The transaction that is under way: a producer has one at a time. @type {Promise<any>} */
    this.tail = Promise.resolve()
  }

  /**
   * Resolves when the brokers have it.
   * @param {string} topic
   * @param {any[]} messages
   * @param {Position} position behind the messages that have failed
   */
  async send(topic, messages, position) {
    if (!this.exactlyOnce) {
      const producer = await this.connected()
      await producer.send({ topic, messages })
      return
    }
    const done = this.tail.then(() => this.sendInTransaction(topic, messages, position))
    this.tail = done.catch(() => {})
    await done
  }

  /** @private @param {string} topic @param {any[]} messages @param {Position} position */
  async sendInTransaction(topic, messages, { topic: from, partition, offset }) {
    // A commit of an earlier offset must not come behind the transaction's.
    await this.commitResolved()
    const producer = await this.connected()
    try {
      const transaction = await producer.transaction()
      try {
        await transaction.send({ topic, messages })
        await transaction.sendOffsets({
          consumerGroupId: this.groupId,
          topics: [{ topic: from, partitions: [{ partition, offset }] }]
        })
        await transaction.commit()
      } catch (error) {
        if (transaction.isActive()) await transaction.abort()
        throw error
      }
    } catch (error) {
      // It may be fenced, for instance: another one begins anew.
      this.producer = null
      producer.disconnect().catch(() => {})
      throw error
    }
  }

  /** @private */
  connected() {
    this.producer ??= this.connect()
    return this.producer
  }

  /** @private */
  async connect() {
    const { transactionalId } = this
    const producer = this.createProducer(
      this.exactlyOnce ? { transactionalId, transactionTimeout: TRANSACTION_TIMEOUT } : {}
    )
    try {
      await producer.connect()
    } catch (error) {
      this.producer = null
      await producer.disconnect()
      throw error
    }
    return producer
  }

  /** Nothing is sent any more. */
  async close() {
    const producer = await this.producer?.catch(() => null)
    this.producer = null
    await producer?.disconnect()
  }
}

module.exports = { Outbox }
