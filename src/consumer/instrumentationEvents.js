// @ts-check
'use strict'

const { networkNames } = require('../instrumentation/clientEvents')
const InstrumentationEventType = require('../instrumentation/eventType')
const networkEvents = require('../network/instrumentationEvents')
const consumerType = InstrumentationEventType('consumer')

/** Those of kafkajs. */
const shared = {
  HEARTBEAT: consumerType('heartbeat'),
  COMMIT_OFFSETS: consumerType('commit_offsets'),
  GROUP_JOIN: consumerType('group_join'),
  FETCH: consumerType('fetch'),
  FETCH_START: consumerType('fetch_start'),
  START_BATCH_PROCESS: consumerType('start_batch_process'),
  END_BATCH_PROCESS: consumerType('end_batch_process'),
  CONNECT: consumerType('connect'),
  DISCONNECT: consumerType('disconnect'),
  STOP: consumerType('stop'),
  CRASH: consumerType('crash'),
  REBALANCING: consumerType('rebalancing'),
  RECEIVED_UNSUBSCRIBED_TOPICS: consumerType('received_unsubscribed_topics'),
  REQUEST: consumerType(networkEvents.NETWORK_REQUEST),
  REQUEST_TIMEOUT: consumerType(networkEvents.NETWORK_REQUEST_TIMEOUT),
  REQUEST_QUEUE_SIZE: consumerType(networkEvents.NETWORK_REQUEST_QUEUE_SIZE)
}

/**
 * Those that kafkajs does not have are not enumerable: a program that listens to all that there are hears what it knows, and does not
 * turn on what nobody asked for.
 */
const ours = { LAG: consumerType('lag'), STALLED: consumerType('stalled') }
const added = Object.entries(ours).map(([name, value]) => [name, { value, enumerable: false }])

/** @type {import('../..').Consumer['events']} */
const events = /** @type {any} */ (Object.defineProperties(shared, Object.fromEntries(added)))

module.exports = { events, ...networkNames(events) }
