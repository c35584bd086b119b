// @ts-check
'use strict'

/**
 * What lag-aware assigners ask of brokers: groups, committed offsets, the ends of partitions. The engine itself finds the right
 * broker for each request, whichever broker object is asked.
 */

const { createErrorFromCode } = require('../protocol/error')
const { createRetry } = require('../retry')
const {
  KafkaJSNotImplemented,
  coordinatorNotFound,
  fromFailure,
  isFailure,
  unwrap
} = require('../errors')
const { toDescription } = require('../utils/groupDescription')
const { byTopic } = require('../utils/offsets')

/** @typedef {import('./connection')} Connection */

const GROUP_ID_NOT_FOUND = 69

/** Methods of kafkajs's broker that no assigner needs. */
const NOT_IMPLEMENTED = [
  'apiVersions',
  'offsetCommit',
  'fetch',
  'produce',
  'alterPartitionReassignments',
  'listPartitionReassignments'
]

/**
 * As much of kafkajs's broker objects as assigners use.
 * @param {import('./index')} cluster
 * @param {{ nodeId: number | null, host: string | null, port: number | null }} address
 * @returns {any}
 */
const createBroker = (cluster, address) => {
  const broker = {
    ...address,
    isConnected: () => cluster.isConnected(),
    connect: async () => void (await cluster.connected()),
    disconnect: async () => {},
    metadata: topics => cluster.metadata({ topics }),

    describeGroups: async ({ groupIds }) => ({
      groups: await Promise.all(groupIds.map(groupId => describeGroup(cluster, groupId)))
    }),

    /** @returns {Promise<{ responses: any[] }>} offset '-1': nothing is committed */
    offsetFetch: async ({ groupId, topics }) => {
      const client = await cluster.connected()
      const offsets = unwrap(await client.offsetFetch(groupId, topics.map(withNumbers)), {
        groupId,
        operation: 'DESCRIBE'
      })
      const toPartition = ({ partition, offset, metadata }) => ({
        errorCode: 0,
        partition,
        offset,
        metadata
      })
      return { responses: byTopic(offsets, toPartition) }
    },

    listOffsets: async ({ topics }) => {
      const found = await cluster.listOffsets(
        topics.flatMap(({ topic, partitions }) =>
          partitions.map(({ partition, timestamp = -1 }) => ({ topic, partition, timestamp }))
        )
      )
      const responses = found.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(entry => ({ errorCode: 0, ...entry }))
      }))
      return { responses }
    }
  }
  for (const name of NOT_IMPLEMENTED) {
    broker[name] = async () => {
      throw new KafkaJSNotImplemented(
        `broker.${name} is not implemented: the engine sends requests`
      )
    }
  }
  return broker
}

/**
 * Where the group's coordinator is. A new cluster makes its coordinators when it is first asked for one, so it is asked again.
 * @param {Connection} connection
 * @param {string} groupId
 * @returns {Promise<{ nodeId: number, host: string, port: number }>} rejects with KafkaJSGroupCoordinatorNotFound, whose
 * `cause` is why
 */
const findCoordinator = async (connection, groupId) => {
  const client = await connection.connected()
  const { signal } = connection.closed
  try {
    return await createRetry(connection.config.retry, { signal })(async bail => {
      const answer = await client.findCoordinator(groupId)
      if (!isFailure(answer)) {
        const { nodeId, host, port } = answer
        return { nodeId, host, port }
      }
      const error = fromFailure(answer, { groupId })
      if (error.cause?.retriable) throw error.cause
      bail(error)
      throw error
    })
  } catch (e) {
    const { cause } = e
    if (!cause?.retriable) throw e
    throw coordinatorNotFound({ groupId }, cause)
  }
}

/**
 * @param {Connection} connection
 * @param {string} groupId
 * @returns {Promise<any>} `GroupDescription` and `errorCode`
 */
const describeGroup = async (connection, groupId) => {
  const client = await connection.connected()
  const asked = { groupId, operation: 'DESCRIBE' }
  let group = unwrap(only(await client.describeClassicGroups([groupId])), asked)
  // To DescribeGroups a group of KIP-848 does not exist.
  if (group.state === 'Dead') {
    const other = only(await client.describeConsumerGroups([groupId]))
    const isKnown = !isFailure(other) && other.errorCode !== GROUP_ID_NOT_FOUND
    if (isKnown) group = other
    // Brokers before 4.0 have no such groups.
    else if (isFailure(other) && other.failure !== 'unsupported-api') unwrap(other, asked)
  }
  if (group.errorCode !== 0) throw createErrorFromCode(group.errorCode, asked)
  return toDescription(group)
}

/**
 * What the coordinator says of the only group that was asked for.
 * @param {import('../native').NativeFailure | import('../native').NativeTold<import('../native').NativeGroup[]>[]} told
 */
const only = told => {
  if (isFailure(told)) return told
  const [{ failure, answer }] = told
  return failure ?? answer?.[0] ?? LEFT_OUT
}

/** UNKNOWN_SERVER_ERROR: a group that the answer leaves out. */
const LEFT_OUT = /** @type {import('../native').NativeGroup} */ ({ errorCode: -1 })

/**
 * @param {Connection} connection
 * @param {{ topic: string, partition: number, timestamp: number | string }[]} wanted timestamps in ms, -1 latest, -2 earliest
 * @param {boolean} readCommitted
 * @returns {Promise<import('../..').TopicOffsets[]>}
 */
const listOffsets = async (connection, wanted, readCommitted) => {
  const client = await connection.connected()
  const timestamps = [...new Set(wanted.map(({ timestamp }) => String(timestamp)))]
  const answers = await Promise.all(
    timestamps.map(async timestamp => {
      const same = wanted.filter(entry => String(entry.timestamp) === timestamp)
      const topics = byTopic(same, ({ partition }) => partition)
      return unwrap(await client.listOffsets(topics, timestamp, readCommitted))
    })
  )
  return byTopic(answers.flat(), ({ partition, offset }) => ({ partition, offset }))
}

/** `[{ partition }]` as `[0, …]`. */
const withNumbers = ({ topic, partitions }) => ({
  topic,
  partitions: partitions.map(({ partition }) => Number(partition))
})

module.exports = { createBroker, describeGroup, findCoordinator, listOffsets }
