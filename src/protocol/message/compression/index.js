// @ts-check
'use strict'

/** Where kafkajs has its codecs: programs put theirs in here, too. */

const { KafkaJSNotImplemented } = require('../../../errors')

const Types = { None: 0, GZIP: 1, Snappy: 2, LZ4: 3, ZSTD: 4 }

const builtIn = name => () => {
  throw new KafkaJSNotImplemented(
    `${name} compression not implemented in JavaScript: the engine has it built in`
  )
}

/**
 * The engine has all four. Programs written for kafkajs assign codecs here; the assignment is accepted and changes
 * nothing. Those that call the one that kafkajs has find it.
 * @type {Record<number, () => any>}
 */
const Codecs = {
  [Types.GZIP]: () => require('./gzip'),
  [Types.Snappy]: builtIn('Snappy'),
  [Types.LZ4]: builtIn('LZ4'),
  [Types.ZSTD]: builtIn('ZSTD')
}

module.exports = { Types, Codecs }
