'use strict'

/**
 * The client that a program of the specs and the demo run on: kafkars, or with `CLIENT=kafkajs` kafkajs. Everything else in
 * them is the same for both.
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
