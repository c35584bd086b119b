// @ts-check
'use strict'

const { events } = require('./instrumentationEvents')
const { createRetry } = require('../retry')
const { KafkaJSNotImplemented } = require('../errors')
const { interruptible } = require('../utils/interruption')

/** Methods of kafkajs's admin client that are not here. */
const NOT_IMPLEMENTED = [
  'listTopics',
  'createTopics',
  'deleteTopics',
  'createPartitions',
  'fetchTopicMetadata',
  'fetchOffsets',
  'fetchTopicOffsets',
  'fetchTopicOffsetsByTimestamp',
  'setOffsets',
  'resetOffsets',
  'describeConfigs',
  'alterConfigs',
  'listGroups',
  'deleteGroups',
  'describeGroups',
  'describeAcls',
  'deleteAcls',
  'createAcls',
  'deleteTopicRecords',
  'alterPartitionReassignments',
  'listPartitionReassignments'
]

/**
 * As much of an admin client as a tracing library needs for the name of the cluster: `connect`, `describeCluster`,
 * `disconnect`. The rest rejects and says where to find it.
 *
 * @param {{ cluster: import('../cluster'), logger: import('../..').Logger, retry?: any }} options
 * @returns {any}
 */
module.exports = ({ cluster, logger, retry = {} }) => {
  const connect = interruptible(async () => cluster.connect())

  const disconnect = async () => cluster.disconnect()

  const describeCluster = interruptible(async () =>
    cluster.untilDisconnected(signal => createRetry(retry, { signal })(() => cluster.describe()))
  )

  const on = () => {
    throw notImplemented('on')
  }

  const admin = { connect, disconnect, describeCluster, events, on, logger: () => logger }
  for (const name of NOT_IMPLEMENTED) {
    admin[name] = async () => {
      throw notImplemented(name)
    }
  }
  return admin
}

const notImplemented = name =>
  new KafkaJSNotImplemented(
    `kafkars has no admin.${name} yet: use the admin client of the kafkajs package, with the same options; ` +
      'both can be installed side by side'
  )
