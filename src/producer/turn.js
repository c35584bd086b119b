// @ts-check
'use strict'

/**
 * The sends of one turn of the event loop, written one behind the other into one memory, which the engine reads in one call.
 * The layout is documented in `src/engine/records/turn.rs`.
 *
 * Everything per message is written for V8: no object, no closure and no promise per message, each byte written once.
 */

const { KafkaJSNonRetriableError } = require('../errors')
const { toPartition } = require('../utils/partition')
const { show } = require('../utils/show')

/** @typedef {import('../..').Message} Message */
/**
 * @typedef {object} Terms
 * @property {number} acks -1, 0 or 1
 * @property {number} timeout ms that the leader may wait for the replicas
 * @property {number} codec a CompressionTypes
 * @property {number | null} level of the codec; null: its default
 */

/** Bytes. */
const FIRST_SIZE = 64 * 1024
/** More than that is not kept for the next turn. */
const LARGEST_KEPT = 4 * 1024 * 1024
/** Strings of so many characters are written here: a call would take longer. */
const SHORT = 24
/** The engine takes what fits into 31 bits. */
const MOST = 2 ** 31 - 1

const SEND_WORDS = 8
const TOPIC_WORDS = 4
const MESSAGE_WORDS = 6
const HEADER_WORDS = 2
/** `DEFAULT_LEVEL` of the engine. */
const DEFAULT_LEVEL = -(2 ** 31)

/** Topics whose names are kept encoded. */
const MOST_NAMES = 1000

class TurnWriter {
  constructor() {
    this.bytes = Buffer.allocUnsafeSlow(FIRST_SIZE)
    this.words = new Int32Array(this.bytes.buffer)
    /** Where the next send begins. */
    this.length = 0
    this.at = 0
    /** UTF-8 by topic. @type {Map<string, Buffer>} */
    this.names = new Map()
  }

  /** @private @param {number} size */
  allocate(size) {
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.words = new Int32Array(this.bytes.buffer)
  }

  /** Makes room for so many bytes more. @private @param {number} size */
  reserve(size) {
    const needed = this.at + size
    if (needed <= this.bytes.length) return
    if (needed > MOST) {
      throw new KafkaJSNonRetriableError(
        `Too much is sent at once: ${needed} bytes, at most ${MOST} are possible`
      )
    }
    const { bytes } = this
    this.allocate(Math.min(MOST & ~7, Math.max(bytes.length * 2, (needed + 7) & ~7)))
    bytes.copy(this.bytes, 0, 0, this.at)
  }

  /**
   * Writes a send.
   * @param {number} ticket what it is called in its answer
   * @param {Terms} terms
   * @param {{ topic: string, messages: any[] }[]} topicMessages each topic once
   * @throws {KafkaJSNonRetriableError} for what is no message; then nothing is written
   */
  write(ticket, { acks, timeout, codec, level }, topicMessages) {
    this.at = this.length
    this.reserve(SEND_WORDS * 4)
    const head = this.at >> 2
    this.at += SEND_WORDS * 4
    for (const { topic, messages } of topicMessages) this.writeTopic(topic, messages)
    const { words } = this
    words[head] = this.at - this.length
    words[head + 1] = ticket
    words[head + 2] = acks
    words[head + 3] = timeout
    words[head + 4] = codec
    words[head + 5] = level ?? DEFAULT_LEVEL
    words[head + 6] = topicMessages.length
    words[head + 7] = 0
    this.length = this.at
  }

  /** Everything written is handed over: the next send begins at the start. */
  clear() {
    this.length = 0
    if (this.bytes.length > LARGEST_KEPT) this.allocate(FIRST_SIZE)
  }

  /** @private @param {string} topic @param {any[]} messages */
  writeTopic(topic, messages) {
    const name = this.nameOf(topic)
    this.reserve(TOPIC_WORDS * 4 + name.length + 4)
    const start = this.at
    const head = start >> 2
    this.at += TOPIC_WORDS * 4
    this.bytes.set(name, this.at)
    this.at = (this.at + name.length + 3) & ~3
    const now = Date.now()
    for (let i = 0; i < messages.length; i++) this.writeMessage(topic, messages[i], i, now)
    const { words } = this
    words[head] = this.at - start
    words[head + 1] = name.length
    words[head + 2] = messages.length
    words[head + 3] = 0
  }

  /** @private @param {string} topic */
  nameOf(topic) {
    let name = this.names.get(topic)
    if (!name) {
      // A program may send to ever new topics: those that it goes on with are soon here again.
      if (this.names.size >= MOST_NAMES) this.names.clear()
      name = Buffer.from(topic)
      this.names.set(topic, name)
    }
    return name
  }

  /** @private @param {string} topic @param {any} message @param {number} i which of the topic's @param {number} now */
  writeMessage(topic, message, i, now) {
    const { key = null, value, partition, timestamp, headers } = message
    const entries = headers == null ? null : flatten(headers, topic, i)
    let size = MESSAGE_WORDS * 4 + 8 + mostOf(key) + mostOf(value)
    if (entries !== null) {
      for (const entry of entries) size += mostOf(entry) + (HEADER_WORDS * 4) / 2
    }
    this.reserve(size)
    const head = this.at >> 2
    const time = timestamp || Number.isNaN(timestamp) ? timeOf(timestamp, topic, i) : now
    const { words } = this
    words[head] = partition == null ? -1 : partitionOf(partition, topic, i)
    words[head + 1] = time | 0
    words[head + 2] = Math.floor(time / 2 ** 32)
    this.at += MESSAGE_WORDS * 4
    if (entries === null) {
      words[head + 5] = 0
      words[head + 3] = this.put(key, 'key', topic, i)
      words[head + 4] = this.put(value, 'value', topic, i)
    } else {
      const count = entries.length / 2
      words[head + 5] = count
      let length = this.at >> 2
      this.at += count * HEADER_WORDS * 4
      words[head + 3] = this.put(key, 'key', topic, i)
      words[head + 4] = this.put(value, 'value', topic, i)
      for (const entry of entries) words[length++] = this.put(entry, 'header', topic, i)
    }
    this.at = (this.at + 3) & ~3
  }

  /**
   * Writes bytes, for which there is room. Returns how many; -1: null.
   * @private
   * @param {any} value
   * @param {string} what
   * @param {string} topic
   * @param {number} i
   */
  put(value, what, topic, i) {
    if (value === null) return -1
    const { bytes, at } = this
    if (typeof value === 'string') {
      const length = value.length
      if (length <= SHORT) {
        let n = 0
        for (; n < length; n++) {
          const code = value.charCodeAt(n)
          if (code > 127) break
          bytes[at + n] = code
        }
        if (n === length) {
          this.at = at + length
          return length
        }
      }
      const written = bytes.write(value, at, 'utf8')
      this.at = at + written
      return written
    }
    if (ArrayBuffer.isView(value)) {
      const view =
        value instanceof Uint8Array
          ? value
          : new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      bytes.set(view, at)
      this.at = at + view.length
      return view.length
    }
    throw new KafkaJSNonRetriableError(
      `Invalid ${what} of message ${i} for topic "${topic}": it has to be a string, a Buffer or null, received ${show(value)}`
    )
  }
}

/** Bytes that this takes at the most. @param {any} value */
const mostOf = value => {
  if (typeof value === 'string') {
    return value.length <= 65536 ? value.length * 3 : Buffer.byteLength(value)
  }
  return value?.byteLength ?? 0
}

/**
 * Names and values in turn; an array is a header that is repeated, `undefined` none.
 * @param {any} headers
 * @param {string} topic
 * @param {number} i
 * @returns {any[]}
 */
const flatten = (headers, topic, i) => {
  if (typeof headers !== 'object') {
    throw new KafkaJSNonRetriableError(
      `Invalid headers of message ${i} for topic "${topic}": they have to be an object, received ${show(headers)}`
    )
  }
  // A Map or the Headers of a request have no keys of their own, a list of pairs has numbers: the names would be lost.
  if (Symbol.iterator in headers && !headers[Symbol.iterator]().next().done) {
    throw new KafkaJSNonRetriableError(
      `Invalid headers of message ${i} for topic "${topic}": they have to be an object of names and values: Object.fromEntries() makes one`
    )
  }
  const entries = []
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (Array.isArray(value)) {
      for (const one of value) if (one !== undefined) entries.push(name, one)
    } else if (value !== undefined) {
      entries.push(name, value)
    }
  }
  return entries
}

/** @param {any} timestamp @param {string} topic @param {number} i @returns {number} ms */
const timeOf = (timestamp, topic, i) => {
  const time = Math.trunc(Number(timestamp))
  const isNone = typeof timestamp === 'boolean' || Array.isArray(timestamp)
  if (isNone || !Number.isSafeInteger(time)) {
    throw new KafkaJSNonRetriableError(
      `Invalid timestamp of message ${i} for topic "${topic}": expected milliseconds, received ${show(timestamp)}`
    )
  }
  return time
}

/** @param {any} partition @param {string} topic @param {number} i @returns {number} */
const partitionOf = (partition, topic, i) => {
  const number = toPartition(partition)
  if (number === null) {
    throw new KafkaJSNonRetriableError(
      `Invalid partition of message ${i} for topic "${topic}": expected a number from 0 (without one the partitioner chooses), received ${show(partition)}`
    )
  }
  return number
}

module.exports = { TurnWriter }
