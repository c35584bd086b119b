// @ts-check
'use strict'

/**
 * The partitioners that kafkajs exports: by the hash of the key, else in turn over the partitions that have a leader.
 *
 * They differ in the hash. `DefaultPartitioner` is Java's murmur2; `LegacyPartitioner` is what kafkajs 1 computed, rounding
 * errors included, and stays for programs whose data is laid out by it.
 */

const { randomInt } = require('node:crypto')
const murmur2 = require('./default/murmur2')
const legacyMurmur2 = require('./legacy/murmur2')

/** Topics that take turns; who begins anew begins anywhere. */
const MOST_TOPICS = 1000

const positive = value => value & 0x7fffffff

/**
 * @param {(key: Buffer | string) => number} hash 32 bits of it
 * @returns {import('../../..').ICustomPartitioner}
 */
const createPartitioner = hash => () => {
  /** @type {Map<string, number>} */
  const turns = new Map()

  return ({ topic, partitionMetadata, message }) => {
    if (message.partition != null) return message.partition
    if (message.key != null) return positive(hash(message.key)) % partitionMetadata.length

    if (turns.size >= MOST_TOPICS) turns.clear()
    const turn = (turns.get(topic) ?? randomInt(2 ** 32)) + 1
    turns.set(topic, turn)
    const available = partitionMetadata.filter(({ leader }) => leader >= 0)
    return available.length > 0
      ? available[positive(turn) % available.length].partitionId
      : positive(turn) % partitionMetadata.length
  }
}

const DefaultPartitioner = createPartitioner(murmur2)
const LegacyPartitioner = createPartitioner(legacyMurmur2)

module.exports = {
  DefaultPartitioner,
  LegacyPartitioner,
  /** @deprecated the earlier name of DefaultPartitioner */
  JavaCompatiblePartitioner: DefaultPartitioner
}
