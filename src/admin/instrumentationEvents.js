// @ts-check
'use strict'

const { networkNames } = require('../instrumentation/clientEvents')
const InstrumentationEventType = require('../instrumentation/eventType')
const networkEvents = require('../network/instrumentationEvents')
const adminType = InstrumentationEventType('admin')

/** @type {import('../..').AdminEvents} */
const events = {
  CONNECT: adminType('connect'),
  DISCONNECT: adminType('disconnect'),
  REQUEST: adminType(networkEvents.NETWORK_REQUEST),
  REQUEST_TIMEOUT: adminType(networkEvents.NETWORK_REQUEST_TIMEOUT),
  REQUEST_QUEUE_SIZE: adminType(networkEvents.NETWORK_REQUEST_QUEUE_SIZE)
}

module.exports = { events, ...networkNames(events) }
