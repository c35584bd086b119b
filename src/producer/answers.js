// @ts-check
'use strict'

/** What the engine answers, read from the words in which `src/bridge/producer.rs` writes it. */

const SENT = 0
const FLUSHED = 1
const ROOM = 2

const HEAD_WORDS = 4
const ROW_WORDS = 8

/**
 * A 64-bit number as decimal digits.
 * @param {number} low
 * @param {number} high
 */
const decimal = (low, high) => {
  if (low === -1 && high === -1) return '-1'
  const value = high * 2 ** 32 + (low >>> 0)
  return Number.isSafeInteger(value)
    ? String(value)
    : String((BigInt(high) << 32n) | BigInt(low >>> 0))
}

/** Bytes for the answers of a wake-up; what is more has memory of its own. */
const MEMORY = 64 * 1024

class Answers {
  /** @param {(number: number) => string} topicOf */
  constructor(topicOf) {
    this.topicOf = topicOf
    this.memory = new Uint8Array(MEMORY)
    this.words = new Int32Array(this.memory.buffer)
    /** By number. @type {string[]} */
    this.topics = []
  }

  /**
   * Calls these in the order in which it happened.
   * @param {number | { words: Uint8Array, failures: any[][] }} answers how many bytes of `memory`, or the answers themselves
   * @param {{
   *   sent: (ticket: number, rows: import('../..').RecordMetadata[], failed: any[] | null) => void,
   *   flushed: (ticket: number) => void,
   *   room: () => void
   * }} to
   */
  read(answers, to) {
    if (typeof answers === 'number') return this.readWords(this.words, answers >> 2, [], to)
    // Words begin at a multiple of four.
    const { words: bytes, failures } = answers
    const whole = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
    const words = new Int32Array(whole.buffer, whole.byteOffset, whole.length >> 2)
    this.readWords(words, words.length, failures, to)
  }

  /** @private @param {Int32Array} words @param {number} end @param {any[][]} failures @param {any} to */
  readWords(words, end, failures, to) {
    let at = 0
    while (at < end) {
      const kind = words[at]
      const ticket = words[at + 1]
      const count = words[at + 2]
      const failure = words[at + 3]
      at += HEAD_WORDS
      if (kind === SENT) {
        const rows = new Array(count)
        for (let n = 0; n < count; n++, at += ROW_WORDS) rows[n] = this.row(words, at)
        to.sent(ticket, rows, failure === 0 ? null : failures[failure - 1])
      } else if (kind === FLUSHED) to.flushed(ticket)
      else if (kind === ROOM) to.room()
      // The numbers of topics begin anew.
      else this.topics.length = 0
    }
  }

  /** @private @param {Int32Array} words @param {number} at @returns {import('../..').RecordMetadata} */
  row(words, at) {
    const topic = words[at]
    return {
      topicName: (this.topics[topic] ??= this.topicOf(topic)),
      partition: words[at + 1],
      errorCode: 0,
      baseOffset: decimal(words[at + 2], words[at + 3]),
      logAppendTime: decimal(words[at + 4], words[at + 5]),
      logStartOffset: decimal(words[at + 6], words[at + 7])
    }
  }
}

module.exports = { Answers }
