// @ts-check
/**
 * Answers to Produce, changed on their way: the broker has done what it was asked, and says that it has not.
 */

const PRODUCE = 0

/** @param {number} version */
const isFlexible = version => version >= 9

/**
 * @param {(partition: number) => number} errorOf an error code; 0: as the broker says
 * @returns {import('./proxy').Change} for `proxy.mutate(PRODUCE, …)`
 */
const failPartitions = errorOf => (answer, request) => {
  const { version } = request
  const flexible = isFlexible(version)
  // Behind the length, the correlation id and, if there are any, the tags of the header.
  const input = new Cursor(answer, 8 + (flexible ? 1 : 0), flexible)
  for (let topics = input.count(); topics > 0; topics--) {
    if (version >= 13) input.at += 16
    else input.text()
    for (let partitions = input.count(); partitions > 0; partitions--) {
      const error = errorOf(answer.readInt32BE(input.at))
      if (error !== 0) answer.writeInt16BE(error, input.at + 4)
      input.at += 4 + 2 + 8 + 8 + (version >= 5 ? 8 : 0)
      if (version >= 8) {
        for (let errors = input.count(); errors > 0; errors--) {
          input.at += 4
          input.text()
          input.tags()
        }
        input.text()
      }
      input.tags()
    }
    input.tags()
  }
  return answer
}

class Cursor {
  /** @param {Buffer} bytes @param {number} at @param {boolean} flexible */
  constructor(bytes, at, flexible) {
    this.bytes = bytes
    this.at = at
    this.flexible = flexible
  }

  varint() {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++]
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }

  count() {
    if (this.flexible) return this.varint() - 1
    this.at += 4
    return this.bytes.readInt32BE(this.at - 4)
  }

  text() {
    let length
    if (this.flexible) length = this.varint() - 1
    else {
      length = this.bytes.readInt16BE(this.at)
      this.at += 2
    }
    this.at += Math.max(0, length)
  }

  /** Nodes that lead now (KIP-951), and the like: passed over. */
  tags() {
    if (!this.flexible) return
    for (let tags = this.varint(); tags > 0; tags--) {
      this.varint()
      const length = this.varint()
      this.at += length
    }
  }
}

module.exports = { PRODUCE, failPartitions }
