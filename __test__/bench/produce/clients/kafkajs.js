'use strict'

const { connect } = require('./kafkajs-api')

/** @type {import('./index').Client} */
module.exports = {
  load: () => require('kafkajs'),
  connect
}
