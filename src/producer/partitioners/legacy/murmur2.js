// @ts-check
'use strict'

const SEED = 0x9747b28c
const M = 0x5bd1e995

/**
 * Multiplies in floating point, which loses the low bits, and reads the last, incomplete word twice.
 * @param {Buffer | string} key
 */
const murmur2 = key => {
  const bytes = Buffer.isBuffer(key) ? key : Buffer.from(String(key))
  let hash = SEED ^ bytes.length
  for (let at = 0; at < bytes.length; at += 4) {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4)
    let word = (a + (b << 8) + (c << 16) + (d << 24)) * M
    word ^= word >>> 24
    hash = (hash * M) ^ (word * M)
  }
  const tail = bytes.length & ~3
  if (tail < bytes.length) {
    hash ^= bytes.readUIntLE(tail, bytes.length - tail)
    hash *= M
  }
  hash ^= hash >>> 13
  hash *= M
  return hash ^ (hash >>> 15)
}

module.exports = murmur2
