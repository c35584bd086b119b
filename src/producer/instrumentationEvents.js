// @ts-check
'use strict'

const { networkNames } = require('../instrumentation/clientEvents')
const InstrumentationEventType = require('../instrumentation/eventType')
const networkEvents = require('../network/instrumentationEvents')
const producerType = InstrumentationEventType('producer')

/** @type {import('../..').ProducerEvents} */
const events = {
  CONNECT: producerType('connect'),
  DISCONNECT: producerType('disconnect'),
  REQUEST: producerType(networkEvents.NETWORK_REQUEST),
  REQUEST_TIMEOUT: producerType(networkEvents.NETWORK_REQUEST_TIMEOUT),
  REQUEST_QUEUE_SIZE: producerType(networkEvents.NETWORK_REQUEST_QUEUE_SIZE)
}

module.exports = { events, ...networkNames(events) }
