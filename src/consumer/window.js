// @ts-check
'use strict'

/**
 * What a partition's handlers that run beside each other have been given, and what of it they have finished, in any order: the
 * offset up to which everything is finished, and what is finished beyond it.
 *
 *   entry       entry             entry
 *   ■■■■■■■■■ │ ■■□■■■□□■■■■■ │ ■■■■□□□□□□
 *               ▲ next: everything before it is finished
 */

/** @typedef {import('./delivery').Delivery} Delivery */

/** A delivery in the window. */
class Entry {
  /** @param {Delivery} delivery */
  constructor(delivery) {
    const { first, count, baseOffset, nextOffset } = delivery
    /** Null when all of it is finished: its memory is not needed any more. @type {Delivery | null} */
    this.delivery = delivery
    this.first = first
    this.count = count
    this.baseOffset = baseOffset
    this.nextOffset = nextOffset
    /** Copied: a handler may give the memory away. */
    this.deltas = new Int32Array(count)
    for (let i = first; i < count; i++) this.deltas[i] = delivery.offsetDelta(i)
    /** By message: 1 = finished. */
    this.finished = new Uint8Array(count)
    this.left = count - first
    /** The first message that is not finished, or may not be. */
    this.low = first
    this.bytes = delivery.buffer.byteLength
    /** Of START_BATCH_PROCESS, ms since the epoch. */
    this.startedAt = 0
  }

  /** @param {number} i */
  offset(i) {
    return this.baseOffset + BigInt(this.deltas[i])
  }

  /** Behind the last message there may be control records and gaps, which nobody handles. @param {number} i */
  behind(i) {
    return i + 1 === this.count ? this.nextOffset : this.offset(i) + 1n
  }
}

class Window {
  /** @param {BigInt64Array | null} known finished before this window began: `from, to, from, to …`, in order */
  constructor(known) {
    this.known = known
    /** @type {Entry[]} */
    this.entries = []
    /** Everything before it is finished; -1: nothing is yet. */
    this.next = -1n
    /** Bytes of deliveries that are not finished. */
    this.bytes = 0
  }

  /** Is nothing left to handle? */
  get isFinished() {
    return this.entries.length === 0
  }

  /** How many offsets lie between the first that is not finished and the end. */
  get span() {
    const { entries } = this
    if (entries.length === 0) return 0
    const [head] = entries
    const start = head.low < head.count ? head.offset(head.low) : head.nextOffset
    return Number(entries[entries.length - 1].nextOffset - start)
  }

  /** @param {Delivery} delivery what follows in the partition */
  append(delivery) {
    const entry = new Entry(delivery)
    this.entries.push(entry)
    this.bytes += entry.bytes
    this.leaveOut(entry)
    if (entry.left === 0) this.close(entry)
    this.advance()
    return entry
  }

  /** @param {Entry} entry @param {number} i its message that is finished */
  finish(entry, i) {
    if (entry.finished[i] === 1) return
    entry.finished[i] = 1
    entry.left -= 1
    if (entry.left === 0) this.close(entry)
    this.advance()
  }

  /** For the engine: the next offset to read, or -1, and what is finished behind it, as `from, to, from, to …`. */
  stand() {
    const stand = [this.next]
    for (const entry of this.entries) {
      const { finished, count } = entry
      for (let i = entry.low; i < count; i++) {
        if (finished[i] === 0) continue
        const from = i
        while (i + 1 < count && finished[i + 1] === 1) i++
        stand.push(entry.offset(from), entry.behind(i))
      }
    }
    return BigInt64Array.from(stand)
  }

  /** What was finished before the window began is not handled again. @param {Entry} entry @private */
  leaveOut(entry) {
    const { known } = this
    if (known === null) return
    let at = 0
    for (let i = entry.first; i < entry.count; i++) {
      const offset = entry.offset(i)
      while (at < known.length && known[at + 1] <= offset) at += 2
      if (at >= known.length) break
      if (known[at] <= offset) {
        entry.finished[i] = 1
        entry.left -= 1
      }
    }
    this.known = at < known.length ? known.subarray(at) : null
  }

  /** @param {Entry} entry @private */
  close(entry) {
    entry.delivery = null
    this.bytes -= entry.bytes
  }

  /** @private */
  advance() {
    const { entries } = this
    while (entries.length > 0) {
      const [entry] = entries
      while (entry.low < entry.count && entry.finished[entry.low] === 1) entry.low++
      if (entry.low > entry.first) this.next = entry.behind(entry.low - 1)
      if (entry.low < entry.count) return
      this.next = entry.nextOffset
      entries.shift()
    }
  }
}

module.exports = { Window }
