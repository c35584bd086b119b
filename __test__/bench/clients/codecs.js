'use strict'

/**
 * Codecs for kafkajs, which has gzip alone: the native libraries that kafkats finds by itself, so that
 * both decompress with the same code.
 */

/** Bytes before the first block of the framing that Java clients put around snappy. */
const XERIAL_HEADER = 16
const XERIAL_MAGIC = Buffer.from('\x82SNAPPY\0', 'latin1')

/** @type {Record<string, () => (compressed: Buffer) => Promise<Buffer>>} */
const DECODERS = {
  lz4: () => require('lz4-napi').decompressFrame,
  zstd: () => require('@mongodb-js/zstd').decompress,
  snappy: () => {
    /** @type {(compressed: Buffer) => Promise<any>} */
    const uncompress = require('snappy').uncompress
    return async compressed => {
      if (!compressed.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) {
        return uncompress(compressed)
      }
      const blocks = []
      for (let at = XERIAL_HEADER; at < compressed.length;) {
        const length = compressed.readUInt32BE(at)
        blocks.push(uncompress(compressed.subarray(at + 4, at + 4 + length)))
        at += 4 + length
      }
      return Buffer.concat(await Promise.all(blocks))
    }
  }
}

/**
 * @param {string} codec
 * @returns {() => { compress(): never, decompress(compressed: Buffer): Promise<Buffer> }} for
 *   `CompressionCodecs`
 */
const decoderOf = codec => {
  const decompress = DECODERS[codec]()
  return () => ({
    compress: () => {
      throw new Error('the benchmark reads only')
    },
    decompress
  })
}

module.exports = { decoderOf }
