// @ts-check
'use strict'

/**
 * The way out for failed messages: a producer that is there from the first of them on. What it writes is acknowledged before anybody
 * counts the message as handled; with `exactlyOnce` the offset is committed in the same transaction. When nobody can say whether that
 * was committed (its coordinator does not answer, or refuses a producer whose commit it may have carried out), the group can: its
 * offset is behind the message, or it is not.
 */

const { randomUUID } = require('node:crypto')

const { unwrap } = require('../../errors')
const { Backoff, sleep } = require('../../retry')
const { show } = require('../../utils/show')

/** @typedef {{ topic: string, partition: number, offset: string }} Position the next offset to read */

/** For so long at the most what a member that was killed has left open holds up readers and its successor, ms. */
const TRANSACTION_TIMEOUT = 15000

/** Between two questions, ms: a consumer that stops waits for the last of them. */
const LONGEST_WAIT = 1000

class Outbox {
  /**
   * @param {{
   *   groupId: string,
   *   groupInstanceId: string | null,
   *   exactlyOnce: boolean,
   *   createProducer: (options: any) => import('../../..').Producer,
   *   groupMetadata: (topics: { topic: string, partitions: { partition: number }[] }[]) => import('../../..').ConsumerGroupMetadata,
   *   commitResolved: () => Promise<void>,
   *   cluster: import('../../cluster'),
   *   logger: import('../../..').Logger,
   *   retry: any
   * }} options `groupMetadata`: who this member is; throws when it does not have all of these
   */
  constructor({ groupId, groupInstanceId, exactlyOnce, createProducer, ...rest }) {
    const { groupMetadata, commitResolved, cluster, logger, retry } = rest
    this.groupId = groupId
    // Who takes the place of a static member that was killed ends the transaction that it has left open. Others wait for its timeout.
    this.transactionalId = `${groupId}.failures.${groupInstanceId ?? randomUUID()}`
    this.exactlyOnce = exactlyOnce
    this.createProducer = createProducer
    this.groupMetadata = groupMetadata
    this.commitResolved = commitResolved
    this.cluster = cluster
    this.logger = logger
    this.retry = retry
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
   * @param {() => boolean} isOurs is the partition still this member's to go on with?
   */
  async send(topic, messages, position, isOurs) {
    if (!this.exactlyOnce) {
      const producer = await this.connected()
      await producer.send({ topic, messages })
      return
    }
    // As it is now: who has the partition by the time that its turn comes has read the messages, too, and this offset is refused then.
    const { topic: from, partition, offset } = position
    const topics = [{ topic: from, partitions: [{ partition, offset }] }]
    const metadata = this.groupMetadata(topics)
    const offsets = { consumer: { groupMetadata: () => metadata }, topics }
    const done = this.tail.then(() =>
      this.sendInTransaction(topic, messages, offsets, position, isOurs)
    )
    this.tail = done.catch(() => {})
    await done
  }

  /** @private @param {string} topic @param {any[]} messages @param {any} offsets @param {Position} position @param {() => boolean} isOurs */
  async sendInTransaction(topic, messages, offsets, position, isOurs) {
    // A commit of an earlier offset must not come behind the transaction's.
    await this.commitResolved()
    const producer = await this.connected()
    let mayBeCommitted = false
    try {
      const transaction = await producer.transaction()
      try {
        await transaction.send({ topic, messages })
        await transaction.sendOffsets(offsets)
        mayBeCommitted = true
        await transaction.commit()
      } catch (error) {
        if (transaction.isActive()) await transaction.abort()
        throw error
      }
    } catch (error) {
      // It may be fenced, for instance: another one begins anew.
      this.producer = null
      producer.disconnect().catch(() => {})
      if (mayBeCommitted && (await this.isCommitted(position, error, isOurs))) return
      throw error
    }
  }

  /**
   * Did a transaction come to its end that has this offset in it? Asked until the group answers. Where the partition is not ours
   * any more, nobody goes on by the answer: its next member begins where the group is.
   * @private
   * @param {Position} position
   * @param {any} refused what its commit has rejected with
   * @param {() => boolean} isOurs
   */
  async isCommitted({ topic, partition, offset }, refused, isOurs) {
    const backoff = new Backoff({ ...this.retry, maxRetryTime: LONGEST_WAIT })
    while (isOurs()) {
      try {
        return (await this.committed(topic, partition)) === offset
      } catch (error) {
        this.logger.warn(
          `It is not known whether a transaction of onFailure was committed (${show(refused.message)}), and the group does not say: ${show(error.message)}`,
          { topic, partition, offset }
        )
        await sleep(backoff.retryTime)
        backoff.advance()
      }
    }
    return false
  }

  /**
   * What the group has, once no transaction is about to change it.
   * @private
   * @param {string} topic
   * @param {number} partition
   */
  async committed(topic, partition) {
    const { groupId, cluster } = this
    const client = await cluster.connected()
    const topics = [{ topic, partitions: [partition] }]
    const [found] = unwrap(await client.offsetFetch(groupId, topics), { groupId })
    return found.offset
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
