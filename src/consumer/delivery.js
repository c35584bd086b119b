// @ts-check
'use strict'

/**
 * A delivery: messages of one partition as the engine left them in a slab, and the kafkajs objects made of them.
 * The layout is documented in `src/engine/records/layout.rs`.
 *
 * Everything per message is written for V8: one object literal of one shape, no closures, no intermediate arrays,
 * decimal strings without BigInt or division by hand-made prefixes, header names decoded once per delivery.
 */

/** @typedef {import('../..').KafkaMessage} KafkaMessage */

/** Node's own Buffer class: constructing it directly is twice as fast as `subarray`. */
const FastBuffer = pickBuffer()

/** An object literal `{}` reserves room for four properties; an instance of this has none and the same prototype. */
function Empty() {}
Empty.prototype = Object.prototype

const TIMESTAMP_TYPES = { CREATE_TIME: 0, LOG_APPEND_TIME: 1 }
const TRANSACTIONAL = 0x10
const LOG_APPEND_TIME = 0x08

/** '000' … '999' */
const THREE_DIGITS = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0'))

/** Positions of the header's fields, as indexes into Int32 and Int64 views. */
const I32 = { COUNT: 0, INDEX: 1, HEADERS: 2, NAMES: 4, NAME_COUNT: 5, BATCHES: 6, SLOT: 24 }
const I64 = {
  BASE_OFFSET: 4,
  BASE_TIMESTAMP: 5,
  FIRST_OFFSET: 6,
  LAST_OFFSET: 7,
  NEXT_OFFSET: 8,
  HIGH_WATERMARK: 9,
  FETCH_OFFSET: 10
}
/** Int32 words per entry of the tables. */
const INDEX_WORDS = 8
const HEADER_WORDS = 3
const BATCH_WORDS = 16

/** Timestamp deltas below this are places among the far timestamps, counted from -2^31. */
const NEAREST = -(2 ** 30)
const FIRST_FAR = -(2 ** 31)

/** Decimal strings of `base + delta`, for deltas that mostly grow by one. */
class Decimals {
  /** @param {bigint} base */
  constructor(base) {
    this.base = base
    this.number = Number(base)
    this.safe = base >= 0n && this.number <= Number.MAX_SAFE_INTEGER - 2 ** 32
    this.thousands = -1
    this.prefix = ''
  }

  /** @param {number} delta @returns {string} */
  at(delta) {
    // Timestamps may wrap around, as they do in Java.
    if (!this.safe) return String(BigInt.asIntN(64, this.base + BigInt(delta)))
    const value = this.number + delta
    if (value < 1000) return String(value)
    const thousands = Math.floor(value / 1000)
    if (thousands !== this.thousands) {
      this.thousands = thousands
      this.prefix = String(thousands)
    }
    return this.prefix + THREE_DIGITS[value - thousands * 1000]
  }
}

class Delivery {
  /**
   * @param {Uint8Array} slab of its own ArrayBuffer, at offset 0
   * @param {boolean} copyValues keys, values and header values get memory of their own
   */
  constructor(slab, copyValues) {
    const { buffer } = slab
    const i32 = new Int32Array(buffer, 0, slab.byteLength >> 2)
    const i64 = new BigInt64Array(buffer, 0, 16)
    this.buffer = buffer
    this.i32 = i32
    this.slot = i32[I32.SLOT]
    /** How many messages. */
    this.count = i32[I32.COUNT]
    /** The message to begin with: those before it have been handled, see `leaveAt`. */
    this.first = 0
    this.index = i32[I32.INDEX] >> 2
    this.headers = i32[I32.HEADERS] >> 2
    this.baseOffset = i64[I64.BASE_OFFSET]
    this.firstOffset = i64[I64.FIRST_OFFSET]
    this.lastOffset = i64[I64.LAST_OFFSET]
    this.nextOffset = i64[I64.NEXT_OFFSET]
    this.highWatermark = i64[I64.HIGH_WATERMARK]
    this.fetchOffset = i64[I64.FETCH_OFFSET]
    this.offsets = new Decimals(this.baseOffset)
    this.timestamps = new Decimals(i64[I64.BASE_TIMESTAMP])
    this.timestampDelta = NaN
    this.timestamp = ''
    /** @type {BigInt64Array | null} */
    this.farTimestamps = null
    this.names = i32[I32.NAME_COUNT] === 0 ? [] : readNames(buffer, i32)
    /** Where the next RecordBatch's entry is, and which message it begins with. */
    this.nextBatch = i32[I32.BATCHES] >> 2
    this.batchStart = 0
    this.batchEnd = 0
    this.magicByte = 2
    /** @type {object | null} */
    this.batchContext = null
    /** What START_BATCH_PROCESS has told of it, if anybody has listened: END_BATCH_PROCESS tells the same. @type {object | null} */
    this.told = null
    this.slice = copyValues ? copy : slice
  }

  /** What comes before message `i` is handled; the rest waits. @param {number} i */
  leaveAt(i) {
    this.first = i
    this.told = null
    this.firstOffset = this.bigOffset(i)
  }

  /** What comes from message `i` on is not handed out: it has to be delivered again. @param {number} i */
  cutAt(i) {
    this.count = i
    this.nextOffset = this.firstOffset
    if (i === this.first) return
    this.lastOffset = this.bigOffset(i - 1)
    this.nextOffset = this.lastOffset + 1n
  }

  /** The offset of message `i`, relative to `baseOffset`. @param {number} i */
  offsetDelta(i) {
    return this.i32[this.index + i * INDEX_WORDS + 6]
  }

  /** The offset of message `i`, to count with. @param {number} i */
  bigOffset(i) {
    return this.baseOffset + BigInt(this.offsetDelta(i))
  }

  /** The offset of message `i`. @param {number} i */
  offset(i) {
    return this.offsets.at(this.offsetDelta(i))
  }

  /**
   * Message `i`. Going forward is free; going back (a retry) finds its RecordBatch again.
   * @param {number} i
   * @param {string} [topic] it says where it comes from (there would be no room for more properties in an object that is made)
   * @param {number} [partition]
   * @returns {KafkaMessage}
   */
  message(i, topic, partition) {
    if (i >= this.batchEnd || i < this.batchStart) this.enterBatch(i)
    const { i32, buffer, magicByte, batchContext } = this
    const at = this.index + i * INDEX_WORDS
    const keyLength = i32[at + 1]
    const valueLength = i32[at + 3]
    const headerCount = i32[at + 5]
    const timestampDelta = i32[at + 7]
    if (timestampDelta !== this.timestampDelta) {
      this.timestampDelta = timestampDelta
      this.timestamp =
        timestampDelta < NEAREST
          ? this.farTimestamp(timestampDelta - FIRST_FAR)
          : this.timestamps.at(timestampDelta)
    }
    const { timestamp } = this
    const offset = this.offsets.at(i32[at + 6])
    const key = keyLength < 0 ? null : this.slice(buffer, i32[at], keyLength)
    const value = valueLength < 0 ? null : this.slice(buffer, i32[at + 2], valueLength)
    const headers = headerCount === 0 ? new Empty() : this.readHeaders(i32[at + 4], headerCount)
    // prettier-ignore
    const message = topic === undefined
      ? { magicByte, attributes: 0, timestamp, offset, key, value, headers, isControlRecord: false, batchContext }
      : { magicByte, attributes: 0, timestamp, offset, key, value, headers, isControlRecord: false, batchContext, topic, partition }
    return /** @type {any} */ (message)
  }

  /** The key of message `i`, to compare it with others; null: it has none. @param {number} i @returns {string | null} */
  keyText(i) {
    const at = this.index + i * INDEX_WORDS
    const length = this.i32[at + 1]
    return length < 0 ? null : slice(this.buffer, this.i32[at], length).toString('latin1')
  }

  /** Has the program transferred the memory, to a worker for instance? Its views are empty then. */
  isGone() {
    return this.i32.length === 0
  }

  /** All messages. */
  messages() {
    const messages = new Array(this.count)
    for (let i = 0; i < this.count; i++) messages[i] = this.message(i)
    return messages
  }

  /** One that is too far from `baseTimestamp` for a delta. They lie between the index and the headers. @param {number} n */
  farTimestamp(n) {
    const { buffer, index, count, headers } = this
    const at = index + count * INDEX_WORDS
    this.farTimestamps ??= new BigInt64Array(buffer, at * 4, (headers - at) >> 1)
    return String(this.farTimestamps[n])
  }

  /** @param {number} first @param {number} count */
  readHeaders(first, count) {
    const { i32, buffer, names } = this
    const headers = {}
    let at = this.headers + first * HEADER_WORDS
    for (let n = 0; n < count; n++, at += HEADER_WORDS) {
      const name = names[i32[at]]
      const length = i32[at + 2]
      const value = length < 0 ? null : this.slice(buffer, i32[at + 1], length)
      if (name === '__proto__' || Object.hasOwn(headers, name)) addHeader(headers, name, value)
      else headers[name] = value
    }
    return headers
  }

  /** Makes the `batchContext` that the messages of one RecordBatch share. @param {number} i */
  enterBatch(i) {
    const { i32, buffer } = this
    if (i < this.batchStart) this.nextBatch = i32[I32.BATCHES] >> 2
    while (i >= i32[this.nextBatch] + i32[this.nextBatch + 1]) this.nextBatch += BATCH_WORDS
    const at = this.nextBatch
    this.nextBatch += BATCH_WORDS
    this.batchStart = i32[at]
    this.batchEnd = i32[at] + i32[at + 1]
    const [firstOffset, firstTimestamp, maxTimestamp, producerId] = new BigInt64Array(
      buffer,
      (at + 2) * 4,
      4
    )
    const attributes = i32[at + 14]
    this.magicByte = i32[at + 15]
    this.batchContext = {
      firstOffset: String(firstOffset),
      firstTimestamp: String(firstTimestamp),
      partitionLeaderEpoch: i32[at + 10],
      inTransaction: (attributes & TRANSACTIONAL) !== 0,
      isControlBatch: false,
      lastOffsetDelta: i32[at + 11],
      producerId: String(producerId),
      producerEpoch: i32[at + 13],
      firstSequence: i32[at + 12],
      maxTimestamp: String(maxTimestamp),
      timestampType:
        (attributes & LOG_APPEND_TIME) !== 0
          ? TIMESTAMP_TYPES.LOG_APPEND_TIME
          : TIMESTAMP_TYPES.CREATE_TIME,
      magicByte: this.magicByte
    }
  }
}

/** @param {ArrayBufferLike} buffer @param {number} position @param {number} length */
const slice = (buffer, position, length) => new FastBuffer(buffer, position, length)

/** @param {ArrayBufferLike} buffer @param {number} position @param {number} length */
const copy = (buffer, position, length) => Buffer.from(new FastBuffer(buffer, position, length))

/** @param {ArrayBufferLike} buffer @param {Int32Array} i32 */
const readNames = (buffer, i32) => {
  const names = new Array(i32[I32.NAME_COUNT])
  let at = i32[I32.NAMES] >> 2
  for (let n = 0; n < names.length; n++, at += 2) {
    names[n] = slice(buffer, i32[at], i32[at + 1]).toString()
  }
  return names
}

/** A name that is there already, or that assignment would not make an own property of. */
const addHeader = (headers, name, value) => {
  const has = Object.hasOwn(headers, name)
  const before = has ? headers[name] : undefined
  const all = !has ? value : Array.isArray(before) ? [...before, value] : [before, value]
  Object.defineProperty(headers, name, {
    value: all,
    enumerable: true,
    writable: true,
    configurable: true
  })
}

/** @returns {new (buffer: ArrayBufferLike, position: number, length: number) => Buffer} */
function pickBuffer() {
  try {
    const Fast = /** @type {any} */ (Buffer)[Symbol.species]
    const probe = new Fast(new ArrayBuffer(8), 2, 4)
    if (
      Buffer.isBuffer(probe) &&
      Object.getPrototypeOf(probe) === Buffer.prototype &&
      probe.length === 4
    ) {
      return Fast
    }
  } catch {
    // An unusual runtime: the documented way below works everywhere.
  }
  return /** @type {any} */ (
    function (buffer, position, length) {
      return Buffer.from(buffer, position, length)
    }
  )
}

module.exports = { Delivery }
