// @ts-check
'use strict'

/** Offsets of topics' partitions, and the records before them. */

const {
  KafkaJSBrokerNotFound,
  KafkaJSDeleteTopicRecordsError,
  KafkaJSNonRetriableError,
  explained,
  unwrap
} = require('../errors')
const { failuresOf, isCurableChange } = require('./attempts')
const { checkTopic, invalid, named, refusal, said, toInt32 } = require('./refusals')
const { resultsOfParts } = require('./told')
const { EARLIEST, LATEST, inRounds, lookUp } = require('../utils/offsets')
const { show } = require('../utils/show')

/** Timestamps that mean a place, by name (KIP-734, 405, 1005, 1023). */
const SPECIAL_TIMESTAMPS = {
  latest: LATEST,
  earliest: EARLIEST,
  maxTimestamp: '-3',
  earliestLocal: '-4',
  latestTiered: '-5',
  earliestPendingUpload: '-6'
}

/** How long a broker may wait for the replicas, ms: as kafkajs's. */
const DELETE_TIMEOUT = 5000

/**
 * @param {{ cluster: import('../cluster'), attempts: import('./attempts').Attempts, logger: import('../..').Logger }} frame
 */
module.exports = ({ cluster, attempts, logger }) => {
  const fetchTopicOffsets = async topic => {
    checkTopic(topic)
    return attempts.whole('fetch topic offsets', async client => {
      const partitions = await partitionsOf(cluster, topic)
      const [high, low] = await Promise.all([
        offsetsAt(client, topic, partitions, LATEST),
        offsetsAt(client, topic, partitions, EARLIEST)
      ])
      return partitions.map((partition, i) => ({
        partition,
        offset: high[i],
        high: high[i],
        low: low[i]
      }))
    })
  }

  const fetchTopicOffsetsByTimestamp = async (topic, timestamp) => {
    checkTopic(topic)
    const at = timestamp == null ? LATEST : toTimestamp(timestamp)
    return attempts.whole('fetch topic offsets', async client => {
      const partitions = await partitionsOf(cluster, topic)
      // One after the other: what is written in between has to be found by its time, for it lies behind that end.
      const high = await offsetsAt(client, topic, partitions, LATEST)
      const found = await offsetsAt(client, topic, partitions, at)
      // Behind the last record there is none yet.
      return partitions.map((partition, i) => ({
        partition,
        offset: Number(found[i]) >= 0 ? found[i] : high[i]
      }))
    })
  }

  const listOffsets = async ({ topics, readUncommitted = true }) => {
    if (!Array.isArray(topics)) invalid(`Invalid topics array ${named(topics)}`)
    const parts = topics.flatMap(({ topic, partitions }) => {
      checkTopic(topic)
      if (!Array.isArray(partitions)) {
        invalid(`Invalid partitions of topic "${topic}": ${show(partitions)}`)
      }
      return partitions.map(entry => {
        const { partition, timestamp = LATEST } = entry ?? {}
        return { topic, partition: toPartition(partition), offset: toTimestamp(timestamp) }
      })
    })
    const list = async (client, wanted) =>
      resultsOfParts(
        unwrap(await client.listPartitionOffsets(wanted, !readUncommitted)),
        wanted,
        (answer, asked) => ofPartitions(answer, asked, 'DESCRIBE')
      )
    const results = await attempts.inPartsOfTopics(
      'list offsets',
      parts,
      async (client, wanted) => {
        const found = new Map()
        const listing = inRounds(wanted).map(async round => {
          const listed = await list(client, round)
          round.forEach((part, i) => found.set(part, listed[i]))
        })
        await Promise.all(listing)
        return wanted.map(part => found.get(part))
      }
    )
    let next = 0
    return topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => toListed(Number(partition), results[next++]))
    }))
  }

  const deleteTopicRecords = async ({ topic, partitions }) => {
    if (!topic || typeof topic !== 'string') invalid(`Invalid topic "${said(topic)}"`)
    if (!partitions || partitions.length === 0) invalid('Invalid partitions')
    const wanted = Array.from(partitions, entry => {
      const { partition, offset } = entry ?? {}
      return {
        topic,
        partition: toPartition(partition),
        offset: toOffset(offset),
        given: { partition, offset }
      }
    })
    await checkPlaces(topic, wanted)
    const results = await attempts.inParts(
      'delete records',
      wanted,
      async (client, asked) =>
        resultsOfParts(
          unwrap(await client.deleteRecords(asked.map(toNative), DELETE_TIMEOUT)),
          asked,
          (answer, parts) => ofPartitions(answer, parts, 'DELETE')
        ),
      // To delete them twice is to delete them.
      { isCurable: error => isCurableChange(error) || error.retriable === true }
    )
    const failed = results.flatMap((error, i) =>
      error instanceof Error ? [{ ...wanted[i].given, error }] : []
    )
    if (failed.length === 0) return
    const error = Object.assign(new KafkaJSDeleteTopicRecordsError({ partitions: failed }), {
      topic
    })
    throw error.retriable
      ? attempts.exceeded(error)
      : new KafkaJSNonRetriableError(error, { cause: error })
  }

  /** Has each partition a leader, and are the offsets in it? */
  const checkPlaces = async (topic, wanted) => {
    const { leaders, lows } = await attempts.whole('delete records', async client => {
      const partitions = await topicOf(cluster, topic)
      const led = partitions.filter(({ leader }) => leader >= 0)
      const places = new Set(led.map(({ partitionId }) => partitionId))
      const known = wanted.filter(({ partition }) => places.has(partition))
      const asked = known.map(({ partition }) => ({ topic, partition, offset: EARLIEST }))
      const told = unwrap(await client.listPartitionOffsets(asked, false))
      const found = resultsOfParts(told, asked, (answer, parts) =>
        ofPartitions(answer, parts, 'DESCRIBE')
      )
      return {
        leaders: places,
        lows: new Map(known.map(({ partition }, i) => [partition, found[i]?.offset]))
      }
    })
    const missing = wanted.filter(({ partition }) => !leaders.has(partition))
    if (missing.length > 0) {
      const text = 'Could not find the leader for the partition'
      throw new KafkaJSDeleteTopicRecordsError({
        partitions: missing.map(({ given }) => ({
          ...given,
          error: explained(
            new KafkaJSBrokerNotFound(text, { retriable: false }),
            `partition ${given.partition} of topic "${topic}"`
          )
        }))
      })
    }
    for (const { partition, offset, given } of wanted) {
      const low = lows.get(partition)
      if (low === undefined || offset === LATEST || BigInt(offset) >= BigInt(low)) continue
      logger.warn(
        'The requested offset is before the earliest offset maintained on the partition - no records will be deleted from this partition',
        { topic, ...given }
      )
    }
  }

  return { fetchTopicOffsets, fetchTopicOffsetsByTimestamp, listOffsets, deleteTopicRecords }
}

/**
 * @param {import('../cluster')} cluster
 * @param {string} topic
 * @returns {Promise<any[]>} its partitions, as the brokers order them; rejects when there is no such topic
 */
const topicOf = async (cluster, topic) => {
  cluster.targetTopics.add(topic)
  const { topicMetadata } = await cluster.brokerPool.ask([topic])
  const [{ topicErrorCode, partitionMetadata }] = topicMetadata
  if (topicErrorCode === 0) return partitionMetadata
  cluster.targetTopics.delete(topic)
  throw refusal(topicErrorCode, { topic, operation: 'DESCRIBE' })
}

/** Their numbers. @returns {Promise<number[]>} */
const partitionsOf = async (cluster, topic) =>
  (await topicOf(cluster, topic)).map(({ partitionId }) => partitionId)

/**
 * @param {import('../native').NativeClient} client
 * @param {string} topic
 * @param {number[]} partitions
 * @param {string} timestamp
 * @returns {Promise<string[]>} rejects with what is wrong with the first partition of which something is
 */
const offsetsAt = async (client, topic, partitions, timestamp) => {
  const asked = partitions.map(partition => ({ topic, partition, offset: timestamp }))
  // As in kafkajs the end is what its consumers, who read what is committed, can read: an open transaction holds it back.
  const told = unwrap(await client.listPartitionOffsets(asked, true))
  const found = resultsOfParts(told, asked, (answer, parts) =>
    ofPartitions(answer, parts, 'DESCRIBE')
  )
  const [error] = failuresOf(found)
  if (error) throw error
  return found.map(({ offset }) => offset)
}

/**
 * What a broker says of these partitions, in their order: an error where it refuses.
 * @param {{ topic: string, partition: number, errorCode: number, errorMessage: string | null }[]} answer
 * @param {{ topic: string, partition: number }[]} parts
 * @param {string} operation the ACL operation that it takes
 */
const ofPartitions = (answer, parts, operation) => {
  const of = lookUp(answer)
  return parts.map(({ topic, partition }) => {
    const result = of({ topic, partition })
    if (result?.errorCode === 0) return result
    const { errorCode = UNKNOWN, errorMessage: brokerMessage } = result ?? {}
    return refusal(errorCode, { topic, partition, operation, brokerMessage })
  })
}

/** UNKNOWN_SERVER_ERROR: a partition that the answer leaves out. */
const UNKNOWN = -1

const toNative = ({ topic, partition, offset }) => ({ topic, partition, offset })

const toListed = (partition, result) =>
  result instanceof Error
    ? { partition, offset: '-1', timestamp: '-1', leaderEpoch: -1, error: result }
    : {
        partition,
        offset: result.offset,
        timestamp: result.timestamp,
        leaderEpoch: result.leaderEpoch
      }

const toPartition = partition => toInt32(partition, 'partition')

/** @param {any} timestamp ms, number or text, a Date, or a name of `SPECIAL_TIMESTAMPS` */
const toTimestamp = timestamp => {
  // A negative number is a place of the log. No message is older than 1970.
  const value = timestamp instanceof Date ? Math.max(0, timestamp.getTime()) : timestamp
  const isSpecial = typeof value === 'string' && Object.hasOwn(SPECIAL_TIMESTAMPS, value)
  const special = isSpecial && SPECIAL_TIMESTAMPS[value]
  return special || toInteger(value, 'timestamp', 'it is a Date, or milliseconds since 1970')
}

const toOffset = offset => toInteger(offset, 'offset')

/** As text. @param {any} value @param {string} what @param {string} [hint] */
const toInteger = (value, what, hint) => {
  const text = typeof value === 'number' ? String(Math.trunc(value)) : said(value)
  if (!/^-?\d{1,19}$/.test(text) || BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) {
    invalid(`Invalid ${what} ${show(value)}`, hint)
  }
  return text
}

module.exports.offsetsAt = offsetsAt
module.exports.ofPartitions = ofPartitions
module.exports.partitionsOf = partitionsOf
module.exports.toInteger = toInteger
module.exports.toPartition = toPartition
