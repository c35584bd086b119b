// @ts-check
'use strict'

/**
 * What a failed message looks like in a retry topic or in the dead-letter topic: its own key, value and headers, and headers that say
 * where it is from and why it is there. Their names follow those of Kafka Streams (KIP-1034, `__streams.errors.…`).
 */

const PREFIX = '__kafkars.errors.'

const HEADERS = /** @type {const} */ ({
  topic: `${PREFIX}topic`,
  partition: `${PREFIX}partition`,
  offset: `${PREFIX}offset`,
  lastOffset: `${PREFIX}last.offset`,
  timestamp: `${PREFIX}timestamp`,
  group: `${PREFIX}group`,
  attempts: `${PREFIX}attempts`,
  exception: `${PREFIX}exception`,
  message: `${PREFIX}message`,
  stacktrace: `${PREFIX}stacktrace`
})

/** Characters: a letter must not become larger than its topic takes because of an error's text. */
const LONGEST_MESSAGE = 1000
const LONGEST_STACK = 4000

/**
 * @typedef {object} Origin where a message was before it failed for the first time
 * @property {string} topic
 * @property {number} partition
 * @property {string} offset
 * @property {string} timestamp ms
 * @property {number} attempts that have failed
 */

/** Of a message in a retry topic; null where somebody else has written it. @param {any} message @returns {Origin | null} */
const originOf = ({ headers }) => {
  const text = name => (headers[name] === undefined ? null : String(headers[name]))
  const topic = text(HEADERS.topic)
  const partition = Number(text(HEADERS.partition) ?? NaN)
  const offset = text(HEADERS.offset)
  const attempts = Number(text(HEADERS.attempts) ?? NaN)
  if (topic === null || offset === null || !(partition >= 0) || !(attempts >= 0)) return null
  return { topic, partition, offset, timestamp: text(HEADERS.timestamp) ?? '', attempts }
}

/**
 * A batch that cannot be read: its bytes, header included, as the broker has them.
 * @param {Buffer} bytes
 * @param {{ topic: string, partition: number, offset: string, next: string, groupId: string, error: any }} from `offset`: the first of the
 *   batch, `next`: the one behind it
 */
const letterOfBatch = (bytes, { topic, partition, offset, next, groupId, error }) => {
  const lastOffset = String(BigInt(next) - 1n)
  const headers = {
    [HEADERS.topic]: topic,
    [HEADERS.partition]: String(partition),
    [HEADERS.offset]: offset,
    [HEADERS.lastOffset]: lastOffset,
    [HEADERS.group]: groupId,
    ...errorHeaders(error)
  }
  return { lastOffset, message: { key: null, value: bytes, headers } }
}

/** @param {any} error */
const errorHeaders = error => ({
  [HEADERS.exception]: String(error?.name ?? typeof error),
  [HEADERS.message]: String(error?.message ?? error).slice(0, LONGEST_MESSAGE),
  [HEADERS.stacktrace]: String(error?.stack ?? '').slice(0, LONGEST_STACK)
})

/**
 * @param {any} message as it is in the log
 * @param {{ origin: Origin, groupId: string, error: any }} failure
 */
const letterOf = ({ key, value, headers }, { origin, groupId, error }) => ({
  key,
  value,
  headers: {
    ...headers,
    [HEADERS.topic]: origin.topic,
    [HEADERS.partition]: String(origin.partition),
    [HEADERS.offset]: origin.offset,
    [HEADERS.timestamp]: origin.timestamp,
    [HEADERS.group]: groupId,
    [HEADERS.attempts]: String(origin.attempts),
    ...errorHeaders(error)
  }
})

module.exports = { HEADERS, letterOf, letterOfBatch, originOf }
