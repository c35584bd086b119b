// @ts-check
'use strict'

/** What takes three brokers: partitions that move, leaders that are elected, a broker that is down. */

const { coordinatorOf, uniqueName } = require('../kafka/helpers')
const { createAdmin, createObserver, errorOf, eventually, useCluster } = require('./support')

/** @type {import('../kafka').Cluster} */
let cluster
let admin
let observer

useCluster({ brokers: 3 }, started => {
  cluster = started
  admin = createAdmin({ brokers: cluster.brokers })
  observer = createObserver(cluster.brokers)
})

/** @returns {Promise<any>} of its only partition, as kafkajs sees it */
const partitionOf = async topic => {
  const { topics } = await observer.fetchTopicMetadata({ topics: [topic] })
  return topics[0].partitions[0]
}

const assigned = async replicas => {
  const topic = uniqueName('assigned')
  const replicaAssignment = [{ partition: 0, replicas }]
  await admin.createTopics({ waitForLeaders: false, topics: [{ topic, replicaAssignment }] })
  await eventually(() => partitionOf(topic))
  return topic
}

it('describes the cluster as kafkajs does', async () => {
  const [ours, theirs] = [await admin.describeCluster(), await observer.describeCluster()]
  const byId = (a, b) => a.nodeId - b.nodeId
  expect(ours.brokers.sort(byId)).toEqual(theirs.brokers.sort(byId))
  expect(ours.clusterId).toBe(theirs.clusterId)
  expect([1, 2, 3]).toContain(ours.controller)
})

it('tells of brokers and features more than kafkajs', async () => {
  const { brokers } = await admin.describeCluster({ includeFencedBrokers: true })
  expect(brokers.map(({ nodeId, isFenced }) => [nodeId, isFenced]).sort()).toEqual([
    [1, false],
    [2, false],
    [3, false]
  ])
  const { epoch, features } = await admin.describeFeatures()
  expect(Number(epoch)).toBeGreaterThan(0)
  const { level, minLevel, maxLevel } = features.find(({ name }) => name === 'metadata.version')
  expect(level).toBeGreaterThanOrEqual(minLevel)
  expect(level).toBeLessThanOrEqual(maxLevel)
})

it('configs of every broker come from that broker', async () => {
  const resources = ['1', '2', '3'].map(name => ({ type: 4, name, configNames: ['node.id'] }))
  const described = await admin.describeConfigs({ resources })
  const ids = described.resources.map(({ configEntries }) => configEntries[0].configValue)
  expect(ids).toEqual(['1', '2', '3'])
})

it('moves a partition', async () => {
  const topic = await assigned([1])
  const partitionAssignment = [{ partition: 0, replicas: [2, 3] }]
  await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] })
  await eventually(async () =>
    expect(await partitionOf(topic)).toMatchObject({ leader: 2, replicas: [2, 3] })
  )
  expect(await admin.listPartitionReassignments({ topics: [{ topic, partitions: [0] }] })).toEqual({
    topics: []
  })
})

it('names the partition that cannot be moved', async () => {
  const [topic, missing] = [await assigned([1]), uniqueName('nope')]
  const to = replicas => [{ partition: 0, replicas }]
  const topics = [
    { topic, partitionAssignment: to([99]) },
    { topic: missing, partitionAssignment: to([1]) }
  ]
  const error = await errorOf(admin.alterPartitionReassignments({ topics }))
  expect(error).toMatchObject({
    name: 'KafkaJSAggregateError',
    message: 'Errors altering partition reassignments'
  })
  const told = error.errors.map(({ name, topic: of, partition, type, message }) => ({
    name,
    of,
    partition,
    type,
    message
  }))
  const name = 'KafkaJSAlterPartitionReassignmentsError'
  expect(told).toEqual(
    expect.arrayContaining([
      {
        name,
        of: topic,
        partition: 0,
        type: 'INVALID_REPLICA_ASSIGNMENT',
        message: 'Replica assignment is invalid'
      },
      {
        name,
        of: missing,
        partition: 0,
        type: 'UNKNOWN_TOPIC_OR_PARTITION',
        message: 'This server does not host this topic-partition'
      }
    ])
  )
})

it.each([
  [{ topics: 'a' }, 'Invalid topics array a'],
  [
    { topics: [{ topic: 't', partitionAssignment: null }] },
    'Invalid partitions array: null for topic: t'
  ],
  [
    { topics: [{ topic: 't', partitionAssignment: [{ partition: -1, replicas: [1] }] }] },
    'Invalid partitions index: -1 for topic: t'
  ],
  [
    { topics: [{ topic: 't', partitionAssignment: [{ partition: 0, replicas: null }] }] },
    'Invalid replica assignment: null for topic: t on partition: 0'
  ],
  [
    { topics: [{ topic: 't', partitionAssignment: [{ partition: 0, replicas: [0, 'a'] }] }] },
    'Invalid replica assignment: 0,a for topic: t on partition: 0. Replicas must be a non negative number'
  ]
])('alterPartitionReassignments() refuses %j', async (options, message) => {
  const error = await errorOf(admin.alterPartitionReassignments(options))
  expect([error.name, error.message]).toEqual(['KafkaJSNonRetriableError', message])
})

describe('with a broker that is down', () => {
  it('a move to it is listed and can be ended, its leaders come back by election, and it is named', async () => {
    const [moved, led] = [await assigned([1, 2]), await assigned([3, 1])]
    await eventually(async () => expect((await partitionOf(led)).isr).toHaveLength(2))
    await cluster.nodes[2].stop()
    await eventually(async () => expect((await partitionOf(led)).leader).toBe(1))

    const asked = [{ topic: moved, partitions: [0] }]
    const move = partitionAssignment =>
      admin.alterPartitionReassignments({ topics: [{ topic: moved, partitionAssignment }] })
    await move([{ partition: 0, replicas: [1, 3] }])
    await eventually(async () =>
      expect((await admin.listPartitionReassignments({ topics: asked })).topics).toEqual([
        {
          name: moved,
          partitions: [
            { partition: 0, replicas: [1, 3, 2], addingReplicas: [3], removingReplicas: [2] }
          ]
        }
      ])
    )
    const { brokers } = await admin.describeLogDirs({ brokers: [1, 3], topics: asked })
    expect(brokers.map(({ nodeId, error }) => [nodeId, error?.name ?? null])).toEqual([
      [1, null],
      [3, 'KafkaJSBrokerNotFound']
    ])
    await move([{ partition: 0, cancel: true }])
    await eventually(async () => expect((await partitionOf(moved)).replicas).toEqual([1, 2]))

    await cluster.nodes[2].restart()
    await eventually(async () => expect((await partitionOf(led)).isr).toHaveLength(2))
    const elections = { topics: [{ topic: led, partitions: [0] }] }
    const [{ elected }] = await admin.electLeaders(elections)
    await eventually(async () => expect((await partitionOf(led)).leader).toBe(3))
    expect(elected).toBe(true)
    expect(await admin.electLeaders(elections)).toEqual([
      { topic: led, partition: 0, elected: false }
    ])
  })
})

it('lists no groups while a broker that has some does not answer, and says which the others have', async () => {
  const topic = await assigned([1, 2])
  const groups = Array.from({ length: 24 }, () => uniqueName('listed')).sort()
  for (const groupId of groups) {
    await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '0' }] })
  }
  const of = found => found.map(({ groupId }) => groupId).filter(id => groups.includes(id))
  const impatient = createAdmin({
    brokers: cluster.brokers,
    requestTimeout: 1000,
    // The first to be asked where the others are may be the one that stands still.
    retry: { initialRetryTime: 20, retries: 2 }
  })
  expect(of((await impatient.listGroups()).groups).sort()).toEqual(groups)
  const coordinators = await Promise.all(groups.map(id => coordinatorOf(id, cluster.brokers)))
  const [frozen] = coordinators
  await cluster.nodes[frozen - 1].sigstop()
  try {
    const error = await errorOf(impatient.listGroups())
    expect(error.message).toContain('timed out')
    const others = groups.filter((_, n) => coordinators[n] !== frozen)
    expect(of(error.groups).sort()).toEqual(others)
  } finally {
    await cluster.nodes[frozen - 1].sigcont()
  }
  expect(of((await impatient.listGroups()).groups).sort()).toEqual(groups)
})

it('elects nobody in a topic that does not exist, and names it', async () => {
  const topic = uniqueName('nope')
  const error = await errorOf(
    admin.electLeaders({ electionType: 'unclean', topics: [{ topic, partitions: [0] }] })
  )
  expect(error.errors).toEqual([expect.objectContaining({ topic, partition: 0 })])
  const { message } = await errorOf(admin.electLeaders({ electionType: 'any' }))
  expect(message).toBe('Invalid election type "any": it is "preferred" or "unclean"')
})
