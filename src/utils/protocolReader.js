// @ts-check
'use strict'

/** Reads fields one after the other; a buffer that ends too early throws a RangeError. */
class Reader {
  /** @param {Buffer} buffer */
  constructor(buffer) {
    this.buffer = buffer
    this.position = 0
  }

  int16() {
    const value = this.buffer.readInt16BE(this.position)
    this.position += 2
    return value
  }

  int32() {
    const value = this.buffer.readInt32BE(this.position)
    this.position += 4
    return value
  }

  /** @param {number} length */
  take(length) {
    const end = this.position + length
    if (end > this.buffer.length) throw new RangeError('The buffer ends inside of a field')
    const bytes = this.buffer.subarray(this.position, end)
    this.position = end
    return bytes
  }

  string() {
    const length = this.int16()
    return length < 0 ? null : this.take(length).toString()
  }

  bytes() {
    const length = this.int32()
    return length < 0 ? null : this.take(length)
  }

  /**
   * @template T
   * @param {() => T} read
   * @returns {T[]}
   */
  array(read) {
    const items = []
    for (let left = this.int32(); left > 0; left--) items.push(read())
    return items
  }
}

module.exports = Reader
