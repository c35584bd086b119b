// @ts-check
'use strict'

const InstrumentationEventType = require('../instrumentation/eventType')
const eventType = InstrumentationEventType('network')

/** What connections tell. Each client has its own names for them. */
const events = {
  NETWORK_REQUEST: eventType('request'),
  NETWORK_REQUEST_TIMEOUT: eventType('request_timeout'),
  NETWORK_REQUEST_QUEUE_SIZE: eventType('request_queue_size')
}

module.exports = events
