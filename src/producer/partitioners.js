// @ts-check
'use strict'

/**
 * The partitioners that kafkajs exports: by the hash of the key, else in turn over the partitions that have a leader.
 *
 * They differ in the hash. `DefaultPartitioner` is Java's murmur2; `LegacyPartitioner` is what kafkajs 1 computed, rounding
 * errors included, and stays for programs whose data is laid out by it.
 */

const { randomInt } = require('node:crypto')

/**
 * @callback Hash
 * @param {Buffer | string} key
 * @returns {number} 32 bits
 */

const SEED = 0x9747b28c
const M = 0x5bd1e995

const bytesOf = key => (Buffer.isBuffer(key) ? key : Buffer.from(String(key)))

/** @type {Hash} */
const murmur2 = key => {
  const bytes = bytesOf(key)
  const tail = bytes.length & ~3
  let hash = SEED ^ bytes.length
  for (let at = 0; at < tail; at += 4) {
    let word = Math.imul(bytes.readInt32LE(at), M)
    word ^= word >>> 24
    hash = Math.imul(hash, M) ^ Math.imul(word, M)
  }
  if (tail < bytes.length) {
    hash = Math.imul(hash ^ bytes.readUIntLE(tail, bytes.length - tail), M)
  }
  hash = Math.imul(hash ^ (hash >>> 13), M)
  return hash ^ (hash >>> 15)
}

/**
 * Multiplies in floating point, which loses the low bits, and reads the last, incomplete word twice.
 * @type {Hash}
 */
const legacyMurmur2 = key => {
  const bytes = bytesOf(key)
  let hash = SEED ^ bytes.length
  for (let at = 0; at < bytes.length; at += 4) {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4)
    let word = (a + (b << 8) + (c << 16) + (d << 24)) * M
    word ^= word >>> 24
    hash = (hash * M) ^ (word * M)
  }
  const tail = bytes.length & ~3
  if (tail < bytes.length) {
    hash ^= bytes.readUIntLE(tail, bytes.length - tail)
    hash *= M
  }
  hash ^= hash >>> 13
  hash *= M
  return hash ^ (hash >>> 15)
}

const positive = value => value & 0x7fffffff

/**
 * @param {Hash} hash
 * @returns {import('../..').ICustomPartitioner}
 */
const createPartitioner = hash => () => {
  /** @type {Map<string, number>} */
  const turns = new Map()

  return ({ topic, partitionMetadata, message }) => {
    if (message.partition != null) return message.partition
    if (message.key != null) return positive(hash(message.key)) % partitionMetadata.length

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
