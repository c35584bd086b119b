'use strict'

const { connect } = require('./kafkajs-api')
const { load } = require('./kafkars')

/** Without numbers in its batches: what idempotence costs. @type {import('./index').Client} */
module.exports = {
  load,
  connect: (library, job) => connect(library, job, { idempotent: false })
}
