'use strict'

/**
 * The client that an example runs on: kafkars, or with `CLIENT=kafkajs` kafkajs. Everything else in the
 * examples is the same for both, which is their point.
 */

/** @type {Record<string, () => any>} */
const CLIENTS = {
  kafkars: () => require('../../index.js'),
  kafkajs: () => require('kafkajs')
}

const { CLIENT = 'kafkars' } = process.env
if (!Object.hasOwn(CLIENTS, CLIENT)) {
  throw new Error(`CLIENT=${CLIENT}: choose from ${Object.keys(CLIENTS).join(', ')}`)
}

/** @type {typeof import('../..')} */
module.exports = CLIENTS[CLIENT]()
