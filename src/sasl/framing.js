// @ts-check
'use strict'

const { KafkaJSSASLAuthenticationError } = require('../errors')

/**
 * kafkajs's framing of SASL bytes: their length (int32), then the bytes.
 * @param {Uint8Array | string} content
 * @returns {Buffer}
 */
const withLength = content => {
  const bytes = Buffer.from(content)
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/**
 * @param {Uint8Array} framed
 * @returns {Buffer}
 */
const withoutLength = framed => {
  const bytes = Buffer.from(framed)
  const length = bytes.length >= 4 ? bytes.readInt32BE(0) : NaN
  // A length of -1 stands for null: no bytes.
  if (Math.max(length, 0) !== bytes.length - 4) {
    throw new KafkaJSSASLAuthenticationError(
      'SASL: request.encode() has to return bytes that start with their length (int32)'
    )
  }
  return bytes.subarray(4)
}

module.exports = { withLength, withoutLength }
