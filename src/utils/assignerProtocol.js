// @ts-check
'use strict'

/**
 * The bytes by which the members of a group tell each other their subscriptions and their partitions
 * (`ConsumerProtocolSubscription` and `ConsumerProtocolAssignment`, version 0 fields).
 */

const Reader = require('./protocolReader')

const EMPTY = Buffer.alloc(0)

/** @param {number} value */
const int16 = value => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

/** @param {number} value */
const int32 = value => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const string = value => {
  if (value == null) return int16(-1)
  const bytes = Buffer.from(value)
  return Buffer.concat([int16(bytes.length), bytes])
}

const bytesField = value => {
  if (value == null) return int32(-1)
  const bytes = Buffer.from(value)
  return Buffer.concat([int32(bytes.length), bytes])
}

/**
 * @template T
 * @param {T[]} items
 * @param {(item: T) => Buffer} encode
 */
const array = (items, encode) => Buffer.concat([int32(items.length), ...items.map(encode)])

/** What a member offers in JoinGroup. */
const MemberMetadata = {
  /** @param {{ version: number, topics: string[], userData?: Buffer | null }} metadata */
  encode({ version, topics, userData = EMPTY }) {
    return Buffer.concat([int16(version), array(topics, string), bytesField(userData)])
  },

  /**
   * @param {Buffer} buffer
   * @returns {any} `{ version, topics, userData }`
   */
  decode(buffer) {
    const reader = new Reader(buffer)
    return {
      version: reader.int16(),
      topics: reader.array(() => reader.string()),
      userData: reader.bytes()
    }
  }
}

/** What a member is given in SyncGroup. */
const MemberAssignment = {
  /** @param {{ version: number, assignment: Record<string, number[]>, userData?: Buffer | null }} assignment */
  encode({ version, assignment, userData = EMPTY }) {
    const topic = ([name, partitions]) => Buffer.concat([string(name), array(partitions, int32)])
    return Buffer.concat([
      int16(version),
      array(Object.entries(assignment), topic),
      bytesField(userData)
    ])
  },

  /**
   * @param {Buffer} buffer
   * @returns {any} `{ version, assignment, userData }`, or null for an empty buffer: nothing is assigned
   */
  decode(buffer) {
    if (buffer.length < 2) return null
    const reader = new Reader(buffer)
    return {
      version: reader.int16(),
      assignment: Object.fromEntries(
        reader.array(() => [reader.string(), reader.array(() => reader.int32())])
      ),
      userData: reader.bytes()
    }
  }
}

module.exports = { MemberMetadata, MemberAssignment }
