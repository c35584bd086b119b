// @ts-check
'use strict'

const { promisify } = require('node:util')
const zlib = require('node:zlib')

const gzip = promisify(zlib.gzip)
const unzip = promisify(zlib.unzip)

module.exports = {
  /** @param {{ buffer: Buffer }} encoder */
  compress: async encoder => gzip(encoder.buffer),

  /** @param {Buffer} buffer */
  decompress: async buffer => unzip(buffer)
}
