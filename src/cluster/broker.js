// @ts-check
'use strict'

const { KafkaJSNotImplemented, unwrap } = require('../errors')

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
 * What lag-aware assigners use of kafkajs's broker objects. The engine itself finds the right broker for each request,
 * whichever object is asked.
 *
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
      groups: await Promise.all(groupIds.map(groupId => cluster.describeGroup(groupId)))
    }),

    /** @returns {Promise<{ responses: any[] }>} offset '-1': nothing is committed */
    offsetFetch: async ({ groupId, topics }) => {
      const client = await cluster.connected()
      const offsets = unwrap(await client.offsetFetch(groupId, topics.map(withNumbers)))
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

/** `[{ partition }]` as `[0, …]`. */
const withNumbers = ({ topic, partitions }) => ({
  topic,
  partitions: partitions.map(({ partition }) => Number(partition))
})

/**
 * Flat answers of the engine, grouped as kafkajs groups them.
 * @param {any[]} entries with a `topic`
 * @param {(entry: any) => any} toPartition
 * @returns {{ topic: string, partitions: any[] }[]}
 */
const byTopic = (entries, toPartition) => {
  const topics = new Map()
  for (const entry of entries) {
    if (!topics.has(entry.topic)) topics.set(entry.topic, [])
    topics.get(entry.topic).push(toPartition(entry))
  }
  return Array.from(topics, ([topic, partitions]) => ({ topic, partitions }))
}

module.exports = { createBroker, byTopic }
