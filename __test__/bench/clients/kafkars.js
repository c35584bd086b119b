'use strict'

const { consume } = require('./kafkajs-api')

/** @type {import('./index').Client} */
module.exports = {
  manifest: '../../package.json',
  load: async () => require('../../../index.js'),
  consume
}
