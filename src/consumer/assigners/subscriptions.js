// @ts-check
'use strict'

const { MemberMetadata } = require('../assignerProtocol')
const Reader = require('../../utils/protocolReader')

/**
 * What a member of the group subscribes to; null if that cannot be read. An assigner may write what it likes into its members'
 * metadata: then only that assigner can read their topics.
 *
 * @param {Buffer} memberMetadata
 * @returns {string[] | null}
 */
const topicsOf = memberMetadata => {
  try {
    return MemberMetadata.decode(memberMetadata).topics
  } catch {
    return null
  }
}

/**
 * What a member of a cooperative group has kept: nothing if it has just come, or does not say.
 *
 * @param {Buffer} memberMetadata
 * @returns {{ ownedPartitions: import('../../..').Assignment, generationId: number }} -1: none
 */
const ownedOf = memberMetadata => {
  const owned = { ownedPartitions: Object.create(null), generationId: -1 }
  try {
    const reader = new Reader(memberMetadata)
    reader.int16()
    reader.array(() => reader.string())
    reader.bytes()
    reader.array(() => {
      const topic = String(reader.string())
      owned.ownedPartitions[topic] = reader.array(() => reader.int32())
    })
    owned.generationId = reader.int32()
  } catch {
    // Versions 0 and 1 end earlier.
  }
  return owned
}

module.exports = { ownedOf, topicsOf }
