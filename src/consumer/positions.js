// @ts-check
'use strict'

/** Where a consumer is, and where the log begins and ends. */

const { KafkaJSNonRetriableError, unwrap } = require('../errors')
const { fail, listOf } = require('../config')
const { toOffset } = require('./arguments')
const { createRetry } = require('../retry')
const { EARLIEST, LATEST, byTopic, lastOfEach, lookUp } = require('../utils/offsets')
const { toPartition } = require('../utils/partition')
const { show, showEntry } = require('../utils/show')

/** @typedef {{ topic: string, partition: number }} TopicPartition */

/** `'earliest'`, `'latest'`, or an offset, as the engine takes it. @type {Record<string, string>} */
const NAMED = { earliest: EARLIEST, latest: LATEST }

/**
 * @param {string} place the call
 * @param {any} partitions
 * @returns {any[]} with `topic` and `partition`
 */
const partitionsOf = (place, partitions) =>
  listOf(place, partitions, '[{ topic: "orders", partition: 0 }]').map(entry => {
    const { topic } = entry ?? {}
    const partition = toPartition(entry?.partition)
    if (!topic || partition === null) {
      fail(
        `Invalid partition of ${place}: expected { topic: "orders", partition: 0 }, received ${showEntry(entry)}`
      )
    }
    return { ...entry, topic: String(topic), partition }
  })

class Positions {
  /**
   * @param {{
   *   cluster: import('../cluster'),
   *   lifecycle: import('./lifecycle'),
   *   groupId: string,
   *   readUncommitted: boolean,
   *   retry: any
   * }} parts
   */
  constructor({ cluster, lifecycle, groupId, readUncommitted, retry }) {
    this.cluster = cluster
    this.lifecycle = lifecycle
    this.groupId = groupId
    this.readUncommitted = readUncommitted
    this.retry = retry
  }

  /** What is assigned. */
  assignment() {
    return byTopic(this.assigned(), numberOf)
  }

  /** By the user, who need not have begun to read, or by the group. @returns {TopicPartition[]} */
  assigned() {
    return this.lifecycle.assigned ?? this.progresses()
  }

  /** What is known of each assigned partition. */
  progresses() {
    const { runner } = this.lifecycle.session ?? {}
    return runner?.engine.progresses() ?? []
  }

  /** @param {TopicPartition} where @returns {string | null} the next offset to handle; null: not known yet, or not assigned */
  position({ topic, partition }) {
    const is = entry => entry.topic === topic && entry.partition === Number(partition)
    return this.progresses().find(is)?.position ?? null
  }

  /** How far each assigned partition is from its end. No broker is asked. */
  lag() {
    return this.lifecycle.session?.runner?.lag() ?? []
  }

  /** What the group has committed. @param {TopicPartition[]} partitions */
  async committed(partitions) {
    if (!this.groupId) {
      throw new KafkaJSNonRetriableError(
        'A consumer without groupId has committed nothing: there is no group to ask'
      )
    }
    const wanted = partitionsOf('consumer.committed()', partitions)
    const found = await this.ask(async client =>
      unwrap(await client.offsetFetch(this.groupId, byTopic(wanted, numberOf)), {
        groupId: this.groupId
      })
    )
    const of = lookUp(/** @type {any[]} */ (found))
    return wanted.map(({ topic, partition }) => {
      const { offset = '-1', metadata = null, leaderEpoch = null } = of({ topic, partition }) ?? {}
      return { topic, partition, offset: Number(offset) < 0 ? null : offset, metadata, leaderEpoch }
    })
  }

  /** The first offset of each. @param {TopicPartition[]} partitions */
  beginningOffsets(partitions) {
    return this.offsets(partitionsOf('consumer.beginningOffsets()', partitions), EARLIEST)
  }

  /** The offset behind the last message that this consumer could read. @param {TopicPartition[]} partitions */
  endOffsets(partitions) {
    return this.offsets(partitionsOf('consumer.endOffsets()', partitions), LATEST)
  }

  /** The first offset at or behind a time, ms or a Date. null: there is none. @param {any[]} times */
  async offsetsForTimes(times) {
    const wanted = partitionsOf('consumer.offsetsForTimes()', times)
    /** Those of the same time are one question. @type {Map<string, any[]>} */
    const byTime = new Map()
    for (const entry of wanted) {
      const time = timeOf(entry.timestamp)
      const same = byTime.get(time)
      if (same) same.push(entry)
      else byTime.set(time, [entry])
    }
    const answers = new Map()
    await Promise.all(
      Array.from(byTime, async ([time, same]) => {
        const found = await this.offsets(same, time)
        same.forEach((entry, i) => answers.set(entry, found[i]))
      })
    )
    return wanted.map(entry => answers.get(entry))
  }

  /**
   * An offset as the engine takes it: a Date becomes the first one at or behind it, the end where there is none. That end is a number,
   * and asked for first: reading may begin much later, and what is written until then is not older.
   * @param {TopicPartition} where
   * @param {any} offset an offset, 'earliest', 'latest', a Date
   * @returns {Promise<string>}
   */
  async resolve({ topic, partition }, offset) {
    if (!(offset instanceof Date)) return offsetOf(offset)
    const time = timeOf(offset)
    const where = [{ topic, partition }]
    const [end] = await this.offsets(where, LATEST)
    const [found] = await this.offsets(where, time)
    return found.offset ?? end.offset ?? LATEST
  }

  /** @private @param {TopicPartition[]} partitions @param {string} timestamp */
  async offsets(partitions, timestamp) {
    // A broker refuses a request that has a partition twice.
    const topics = byTopic(lastOfEach(partitions), numberOf)
    const found = await this.ask(async client =>
      unwrap(await client.listOffsets(topics, timestamp, !this.readUncommitted))
    )
    const of = lookUp(/** @type {any[]} */ (found))
    return partitions.map(({ topic, partition }) => {
      const { offset = '-1' } = of({ topic, partition }) ?? {}
      return { topic, partition, offset: Number(offset) < 0 ? null : offset }
    })
  }

  /** @private @param {(client: import('../native').NativeClient) => Promise<any>} question */
  ask(question) {
    const { cluster, retry } = this
    return cluster.untilDisconnected(signal =>
      createRetry(retry, { signal })(async () => question(await cluster.connected()))
    )
  }
}

/** @param {any} offset @returns {string} */
const offsetOf = offset => NAMED[offset] ?? String(toOffset(offset))

/**
 * To a broker -1, -2 and so on are places of the log. So a Date before 1970 counts as 1970, than which no message is older, and a
 * negative number is refused: whoever says it may well mean such a place.
 * @param {any} time @returns {string}
 */
const timeOf = time => {
  // To Number() nothing, an empty text and an empty list are 0.
  const mayBeNumber = ['number', 'string', 'bigint'].includes(typeof time)
  const isNumber = mayBeNumber && /^\s*-?\d+\s*$/.test(String(time))
  const ms = time instanceof Date ? time.getTime() : isNumber ? Number(time) : NaN
  if (!Number.isInteger(ms)) {
    fail(`Invalid time, expected a Date or milliseconds, received ${show(time)}`)
  }
  if (ms >= 0) return String(ms)
  if (time instanceof Date) return '0'
  return fail(
    `Invalid time, expected a Date or milliseconds, not negative, received ${show(time)}: endOffsets() and beginningOffsets() tell the ends of the log`
  )
}

/** @param {TopicPartition} where */
const numberOf = ({ partition }) => partition

module.exports = { Positions, partitionsOf }
