// @ts-check
'use strict'

/** Places in the log and partitions that users name, looked at in kafkajs's order and words. */

const { fail, identifier, listOf, optionsOf } = require('../config')
const Long = require('../utils/long')
const { toPartition } = require('../utils/partition')
const { show, showEntry } = require('../utils/show')

const EARLIEST_OFFSET = -2n
const LATEST_OFFSET = -1n

/**
 * The argument of `consumer.seek()`.
 * @param {any} where
 * @returns {{ topic: string, partition: number, offset: string }}
 */
const seekOptions = where => {
  const { topic, partition, offset } = optionsOf(
    'consumer.seek()',
    where,
    '{ topic: "orders", partition: 0, offset: "0" }'
  )
  const number = partitionOf(topic, partition)
  const next = toOffset(offset)
  if (next < 0n && next !== EARLIEST_OFFSET && next !== LATEST_OFFSET) {
    fail('Offset must not be a negative number')
  }
  return { topic, partition: number, offset: String(next) }
}

/**
 * The argument of `consumer.commitOffsets()`.
 * @param {any} [offsets]
 * @returns {{ topic: string, partition: number, offset: string, metadata: string | null, leaderEpoch: number | null }[]}
 */
const commitOptions = (offsets = []) =>
  listOf(
    'consumer.commitOffsets()',
    offsets,
    '[{ topic: "orders", partition: 0, offset: "1" }]'
  ).map(entry => {
    const { topic, partition, offset, metadata = null, leaderEpoch = null } = entry ?? {}
    const number = partitionOf(topic, partition)
    const next = toOffset(offset)
    if (next < 0n) fail('Offset must not be a negative number')
    if (metadata !== null && typeof metadata !== 'string') {
      fail(`Invalid offset metadata, expected string or null, received ${metadata}`)
    }
    return {
      topic,
      partition: number,
      offset: String(next),
      metadata,
      leaderEpoch: epochOf(leaderEpoch)
    }
  })

/** @param {any} epoch @returns {number | null} null: not known, for which brokers say -1 */
const epochOf = epoch => {
  if (epoch === null || epoch === -1) return null
  if (!Number.isInteger(epoch) || epoch < 0 || epoch >= 2 ** 31) {
    fail(`Invalid leaderEpoch, expected a whole number or null, received ${show(epoch)}`)
  }
  return epoch
}

/** @param {any} topic @param {any} partition @returns {number} */
const partitionOf = (topic, partition) => {
  if (!topic || typeof topic !== 'string') fail(`Invalid topic ${topic ? show(topic) : topic}`)
  identifier('topic', topic)
  return (
    toPartition(partition) ?? fail(`Invalid partition, expected a number received ${partition}`)
  )
}

/**
 * What is an offset: a number, a string, a bigint, a Long. To kafkajs NaN is 0, as text too: where a sum went wrong,
 * `String(Number(x) + 1)`, a commit or a seek would begin the partition anew.
 * @param {any} offset
 * @returns {bigint}
 */
const toOffset = offset => {
  const value = toInteger(offset)
  if (value !== null && value === BigInt.asIntN(64, value)) return value
  return fail(`Invalid offset, expected a long received ${offset}`, meantByOffset(offset))
}

/** @param {any} offset */
const meantByOffset = offset => {
  if (['earliest', 'beginning', 'first', 'smallest'].includes(offset)) {
    return 'consumer.seekToBeginning() and offset "-2" mean the first message'
  }
  if (['latest', 'end', 'last', 'largest'].includes(offset)) {
    return 'consumer.seekToEnd() and offset "-1" mean the end'
  }
  return typeof offset === 'string' && !Number.isNaN(Date.parse(offset))
    ? 'for a time, offset has to be a Date'
    : undefined
}

/** @param {any} value @returns {bigint | null} */
const toInteger = value => {
  if (typeof value === 'bigint') return value
  if (Long.isLong(value)) return value.value
  if (typeof value === 'string' ? !value.trim() : !Number.isInteger(value)) return null
  try {
    return BigInt(value)
  } catch {
    return null
  }
}

const PAUSED = '{ topic: "orders", partitions: [0] }'

/**
 * The argument of `consumer.pause()` and `consumer.resume()`: a list, or a Set, as in kafkajs.
 * @param {'pause' | 'resume'} action
 * @param {any} [topicPartitions]
 * @returns {{ topic: string, partitions?: number[] }[]}
 */
const pauseOptions = (action, topicPartitions = []) => {
  const entries = topicPartitions instanceof Set ? [...topicPartitions] : topicPartitions
  return listOf(`consumer.${action}()`, entries, `[${PAUSED}]`).map(entry => {
    const isNamed = entry?.topic && typeof entry.topic === 'string'
    if (!isNamed) {
      const received = showEntry(entry)
      fail(`Invalid topic ${entry?.topic || entry}`, `expected ${PAUSED}, received ${received}`)
    }
    const { topic, partitions } = entry
    if (partitions === undefined) return { topic }
    const numbers = Array.isArray(partitions) ? partitions.map(toPartition) : [null]
    if (numbers.includes(null)) {
      fail(
        `Array of valid partitions required to ${action} specific partitions instead of ${partitions}`
      )
    }
    return { topic, partitions: /** @type {number[]} */ (numbers) }
  })
}

module.exports = { commitOptions, pauseOptions, seekOptions, toOffset }
