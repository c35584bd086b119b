'use strict'

jest.mock('../../src/native', () => ({ NativeSiblings: class {} }))
const kafkajs = require('kafkajs')
const native = require('../../src/native')
const kafkars = require('../..')
const { createNativeClient, createWorld } = require('./support')

const create = () => {
  const world = createWorld()
  native.NativeClient = createNativeClient(world)
  const { Kafka, logLevel } = kafkars
  const admin = new Kafka({ brokers: ['b1:9092'], logLevel: logLevel.NOTHING }).admin()
  return { world, admin }
}

it('describes the cluster, without asking for a topic', async () => {
  const { world, admin } = create()
  await admin.connect()
  expect(await admin.describeCluster()).toEqual({
    brokers: [
      { nodeId: 1, host: 'b1', port: 9092 },
      { nodeId: 2, host: 'b2', port: 9092 }
    ],
    controller: 1,
    clusterId: 'cluster-1'
  })
  expect(world.metadataRequests).toEqual([{ topics: [], allowAutoTopicCreation: false }])
  await admin.disconnect()
  expect(world.clients[0].closed).toBe(true)
})

it('has every method and event of kafkajs', async () => {
  const { admin } = create()
  const theirs = new kafkajs.Kafka({ brokers: ['b1:9092'] }).admin()
  expect(Object.keys(admin)).toEqual(expect.arrayContaining(Object.keys(theirs)))
  expect(admin.events).toEqual(theirs.events)
})

it('refuses an event that does not exist in the words of kafkajs', () => {
  const { admin } = create()
  const theirs = new kafkajs.Kafka({ brokers: ['b1:9092'] }).admin()
  const messageOf = client => {
    try {
      client.on('connect', () => {})
    } catch (e) {
      return e.message
    }
  }
  expect(messageOf(admin)).toMatch(/^Event name should be one of admin\.events\.CONNECT, /)
  expect(messageOf(admin)).toBe(messageOf(theirs))
})

it('tells of connect and disconnect', async () => {
  const { admin } = create()
  const told = []
  const remove = admin.on(admin.events.CONNECT, event => told.push(event))
  admin.on(admin.events.DISCONNECT, ({ type, payload }) => told.push({ type, payload }))
  await admin.connect()
  remove()
  await admin.connect()
  await admin.disconnect()
  expect(told).toEqual([
    { id: expect.any(Number), type: 'admin.connect', timestamp: expect.any(Number) },
    { type: 'admin.disconnect', payload: undefined }
  ])
})

it('asks again, and says nothing, while brokers are behind with a topic that was just made', async () => {
  create()
  const lines = []
  const admin = new kafkars.Kafka({
    brokers: ['b1:9092'],
    logCreator: () => entry => lines.push(entry)
  }).admin()
  const codes = [6, 3, 0, 0]
  native.NativeClient.prototype.listPartitionOffsets = async parts => {
    const errorCode = codes.shift() ?? 0
    const rows = parts.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      errorCode,
      offset: offset === '-2' ? '0' : '9'
    }))
    return [{ broker: 1, parts: parts.map((_, i) => i), failure: null, answer: rows }]
  }
  expect(await admin.fetchTopicOffsets('u')).toEqual([
    { partition: 0, offset: '9', high: '9', low: '0' }
  ])
  expect(lines).toEqual([])
  await admin.disconnect()
})

/** What users have given in place of a name or a number. */
const WRONG = [{}, ['x'], true, () => {}]

/** Each is refused before the engine sees it, which does not know what it is for. @type {[string, (admin: any, value: any) => Promise<any>, any[], string][]} */
const REFUSED = [
  ['fetchOffsets', (admin, value) => admin.fetchOffsets({ groupId: value }), [7, null, ''], 'groupId'],
  ['fetchOffsets', (admin, value) => admin.fetchOffsets({ groupId: 'g', topics: [value] }), [7, null, ''], 'topic'],
  ['setOffsets', (admin, value) => admin.setOffsets({ groupId: value, topic: 't', partitions: [{ partition: 0, offset: '1' }] }), [7], 'groupId'],
  ['setOffsets', (admin, value) => admin.setOffsets({ groupId: 'g', topic: value, partitions: [{ partition: 0, offset: '1' }] }), [7], 'topic'],
  ['setOffsets', (admin, value) => admin.setOffsets({ groupId: 'g', topic: 't', partitions: [value] }), [null, 7], 'partition'],
  ['resetOffsets', (admin, value) => admin.resetOffsets({ groupId: value, topic: 't' }), [7], 'groupId'],
  ['resetOffsets', (admin, value) => admin.resetOffsets({ groupId: 'g', topic: value }), [7], 'topic'],
  ['createTopics', (admin, value) => admin.createTopics({ topics: [{ topic: 't', numPartitions: value }] }), ['', 1.5, 2 ** 31], 'numPartitions for topic "t"'],
  ['createTopics', (admin, value) => admin.createTopics({ topics: [{ topic: 't', replicationFactor: value }] }), ['many'], 'replicationFactor for topic "t"'],
  ['createTopics', (admin, value) => admin.createTopics({ topics: [{ topic: 't', replicaAssignment: [value] }] }), [null, 7], 'partition of the replicaAssignment for topic "t"'],
  ['createTopics', (admin, value) => admin.createTopics({ topics: [{ topic: 't', replicaAssignment: [{ partition: 0, replicas: [value] }] }] }), [null, ''], 'replica for topic "t"'],
  ['createTopics', (admin, value) => admin.createTopics({ topics: [{ topic: 't' }], timeout: value }), ['5 s', Infinity], 'timeout'],
  ['deleteTopics', (admin, value) => admin.deleteTopics({ topics: ['t'], timeout: value }), ['5 s'], 'timeout'],
  ['createPartitions', (admin, value) => admin.createPartitions({ topicPartitions: [{ topic: 't', count: value }] }), [undefined, null, ''], 'count for topic "t"'],
  ['deleteTopicRecords', (admin, value) => admin.deleteTopicRecords({ topic: 't', partitions: [value] }), [null, 7], 'partition'],
  ['electLeaders', (admin, value) => admin.electLeaders({ timeout: value }), ['5 s'], 'timeout'],
  ['listPartitionReassignments', (admin, value) => admin.listPartitionReassignments({ timeout: value }), ['5 s'], 'timeout'],
  ['describeConfigs', (admin, value) => admin.describeConfigs({ resources: [{ type: 2, name: 't', configNames: [value] }] }), [], 'resource configNames']
] // prettier-ignore

it.each(REFUSED)('%s() refuses by name what is none (%#)', async (method, call, values, name) => {
  const { world, admin } = create()
  await admin.connect()
  for (const value of [...WRONG, ...values]) {
    const error = await call(admin, value).then(
      () => null,
      e => e
    )
    expect(error).toBeInstanceOf(kafkars.KafkaJSNonRetriableError)
    expect(error.message).toContain(`Invalid ${name}`)
  }
  expect(world.metadataRequests).toEqual([])
  await admin.disconnect()
})
