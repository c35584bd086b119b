// @ts-check
'use strict'

/** What happens to answers on their way, for `Proxy.mutate`. */

// @ts-expect-error kafkajs has no types for it
const crc32C = require('kafkajs/src/protocol/recordBatch/crc32C')

/**
 * A record batch in which one bit is wrong, where its checksum says so. (What no checksum covers may be wrong without
 * anybody's noticing: that is no fault of the client's.)
 *
 * @param {ReturnType<typeof import('./random').random>} rng
 * @returns {import('../kafka/proxy').Change}
 */
const damaged = rng => answer => {
  const batches = batchesIn(answer)
  if (batches.length === 0) return undefined
  const { from, to } = rng.pick(batches)
  answer[rng.between(from, to - 1)] ^= 1 << rng.below(8)
  return answer
}

/** Where batches of format 2 have what their checksums are about. @param {Buffer} answer */
const batchesIn = answer => {
  const found = []
  for (let at = 4; at + HEADER <= answer.length; at++) {
    const from = at + CHECKED_AT
    const to = at + LENGTH_ENDS + answer.readInt32BE(at + LENGTH_AT)
    if (answer[at + MAGIC_AT] !== 2 || to < at + HEADER || to > answer.length) continue
    if (crc32C(answer.subarray(from, to)) !== answer.readUInt32BE(at + CRC_AT)) continue
    found.push({ from, to })
    at = to - 1
  }
  return found
}

/**
 * The first answer to each question, again and again.
 *
 * @returns {import('../kafka/proxy').Change}
 */
const stale = () => {
  const first = /** @type {Map<string, Buffer>} */ (new Map())
  return (answer, { version, frame, body, correlationId }) => {
    const question = `${version} ${frame.toString('latin1', body)}`
    const before = first.get(question)
    if (!before) {
      first.set(question, Buffer.from(answer))
      return undefined
    }
    const again = Buffer.from(before)
    again.writeInt32BE(correlationId, 4)
    return again
  }
}

const LENGTH_AT = 8
const LENGTH_ENDS = 12
const MAGIC_AT = 16
const CRC_AT = 17
const CHECKED_AT = 21
const HEADER = 61

module.exports = { batchesIn, damaged, stale }
