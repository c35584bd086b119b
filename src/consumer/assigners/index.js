// @ts-check
'use strict'

const roundRobin = require('./roundRobinAssigner')

/** The assigners that come with the package: kafkajs's own, and the names of those that the engine brings, which are Kafka's. */
module.exports = {
  roundRobin,
  range: /** @type {'range'} */ ('range'),
  sticky: /** @type {'sticky'} */ ('sticky'),
  cooperativeSticky: /** @type {'cooperative-sticky'} */ ('cooperative-sticky')
}
