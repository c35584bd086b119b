'use strict'

/** `node -r onKafkajs.js worker.js`: a program that requires kafkars gets kafkajs, as it had before the swap. */

const kafkars = require.resolve('../../index.js')
const Module = require('node:module')

const swapped = new Module(kafkars)
swapped.filename = kafkars
swapped.loaded = true
swapped.exports = require('kafkajs')
require.cache[kafkars] = swapped
