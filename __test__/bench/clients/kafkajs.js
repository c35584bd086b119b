'use strict'

const { consume } = require('./kafkajs-api')
const { decoderOf } = require('./codecs')

/** @type {import('./index').Client} */
module.exports = {
  manifest: 'node_modules/kafkajs/package.json',
  load: async codec => {
    /** @type {any} */
    const library = require('kafkajs')
    if (codec !== 'none' && codec !== 'gzip') {
      const { CompressionTypes, CompressionCodecs } = library
      const type = CompressionTypes[codec === 'snappy' ? 'Snappy' : codec.toUpperCase()]
      CompressionCodecs[type] = decoderOf(codec)
    }
    return library
  },
  consume
}
