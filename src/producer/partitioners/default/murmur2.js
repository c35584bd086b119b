// @ts-check
'use strict'

const SEED = 0x9747b28c
const M = 0x5bd1e995

/**
 * Java's.
 * @param {Buffer | string} key
 */
const murmur2 = key => {
  const bytes = Buffer.isBuffer(key) ? key : Buffer.from(String(key))
  const tail = bytes.length & ~3
  let hash = SEED ^ bytes.length
  for (let at = 0; at < tail; at += 4) {
    let word = Math.imul(bytes.readInt32LE(at), M)
    word ^= word >>> 24
    hash = Math.imul(hash, M) ^ Math.imul(word, M)
  }
  if (tail < bytes.length) {
    hash = Math.imul(hash ^ bytes.readUIntLE(tail, bytes.length - tail), M)
  }
  hash = Math.imul(hash ^ (hash >>> 13), M)
  return hash ^ (hash >>> 15)
}

module.exports = murmur2
