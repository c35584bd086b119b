// @ts-check
'use strict'

/** Log lines that programs search for: namespace, level, words and the names of the details. */

const { createTopic, produce, sharedCluster, uniqueName } = require('../kafka/helpers')
const { assigning, createKafka, numbered, startConsumer, waitFor } = require('./support')

/** A consumer of 3 messages, and the lines since it has handled them. */
const settled = async () => {
  const topic = await createTopic()
  await produce(topic, numbered(3))
  const lines = /** @type {any[]} */ ([])
  const kafka = createKafka({ logLevel: 4, logCreator: () => entry => lines.push(entry) })
  const test = await startConsumer({ topics: [topic], kafka })
  await waitFor(() => test.messages.length >= 3)
  lines.length = 0
  return { ...test, topic, lines }
}

/** What is told beside the words. */
const detailsOf = ({ log: { timestamp, logger, message, ...details } }) => details

const told = lines => lines.map(({ namespace, label, log }) => [namespace, label, log.message])

it('pause() and resume() are told', async () => {
  const { consumer, topic, lines } = await settled()
  consumer.pause([{ topic }])
  consumer.resume([{ topic, partitions: [0] }])
  expect(told(lines)).toEqual([
    ['ConsumerGroup', 'INFO', 'Pausing fetching from 1 topics'],
    ['ConsumerGroup', 'INFO', 'Resuming fetching from 1 topics']
  ])
  expect(lines.map(({ log }) => log.topicPartitions)).toEqual([
    [{ topic }],
    [{ topic, partitions: [0] }]
  ])
})

it('run() while running is told', async () => {
  const { consumer, groupId, lines } = await settled()
  await consumer.run({ eachMessage: async () => {} })
  expect(told(lines)).toEqual([
    ['Consumer', 'WARN', 'consumer#run was called, but the consumer is already running']
  ])
  expect(lines[0].log).toMatchObject({ groupId })
})

it('stop() and disconnect() each say that the consumer has stopped', async () => {
  const { consumer, groupId, lines } = await settled()
  await consumer.stop()
  await consumer.disconnect()
  const stopped = lines.filter(({ log }) => log.message === 'Stopped')
  expect(told(stopped)).toEqual(Array(2).fill(['Consumer', 'INFO', 'Stopped']))
  for (const { log } of stopped) expect(log).toMatchObject({ groupId })
})

it('a position outside the log is told, with who lost it', async () => {
  const { consumer, messages, topic, groupId, lines } = await settled()
  consumer.seek({ topic, partition: 0, offset: '1000' })
  await waitFor(() => messages.length >= 6)
  const line = lines.find(({ namespace }) => namespace === 'ConsumerGroup')
  expect(told([line])).toEqual([
    ['ConsumerGroup', 'ERROR', 'Offset out of range, resetting to default offset']
  ])
  expect(line.log).toMatchObject({ topic, groupId, memberId: expect.any(String) })
  expect(Number(line.log.partition)).toBe(0)
})

it('assigned partitions of which nothing is known are told', async () => {
  const topic = await createTopic()
  const lines = /** @type {any[]} */ ([])
  const kafka = createKafka({ logLevel: 2, logCreator: () => entry => lines.push(entry) })
  const { groupId, seen } = await startConsumer({
    topics: [topic],
    kafka,
    partitionAssigners: [assigning({ [topic]: [0, 7] })]
  })
  await waitFor(() => seen.of('GROUP_JOIN').length > 0)
  const line = lines.find(({ log }) => log.message.startsWith('Consumer is not aware'))
  expect(told([line])).toEqual([
    [
      'ConsumerGroup',
      'WARN',
      'Consumer is not aware of all assigned partitions, refreshing metadata'
    ]
  ])
  const [{ memberId }] = seen.of('GROUP_JOIN')
  expect(detailsOf(line)).toEqual({
    groupId,
    generationId: 1,
    memberId,
    topic,
    knownPartitions: [0],
    assignedPartitions: [0, 7]
  })
})

it('a rebalance is told, and is no error', async () => {
  const { topic, groupId, seen, lines } = await settled()
  await startConsumer({ topics: [topic], groupId })
  await waitFor(() => seen.of('GROUP_JOIN').length > 1)
  expect(told(lines)).toEqual([
    ['Runner', 'WARN', 'The group is rebalancing, re-joining'],
    ['ConsumerGroup', 'INFO', 'Consumer has joined the group']
  ])
})

/** What a program does from its start to its end, while all is well. @type {Record<string, (kafka: any, topic: string) => Promise<void>>} */
const HEALTHY = {
  consumer: async (kafka, topic) => {
    await produce(topic, numbered(100))
    const consumer = kafka.consumer({ groupId: uniqueName('group') })
    let handled = 0
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({ eachMessage: async () => void handled++ })
    await waitFor(() => handled >= 100)
    await consumer.disconnect()
  },
  producer: async (kafka, topic) => {
    const producer = kafka.producer()
    await producer.connect()
    for (let i = 0; i < 3; i++) await producer.send({ topic, messages: numbered(20) })
    await producer.sendBatch({ topicMessages: [{ topic, messages: numbered(2) }] })
    await producer.disconnect()
  },
  'transactional producer': async (kafka, topic) => {
    const transactionalId = uniqueName('id')
    const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: numbered(2) })
    await transaction.commit()
    await producer.disconnect()
  },
  'admin client': async (kafka, topic) => {
    const admin = kafka.admin()
    await admin.connect()
    const made = uniqueName('topic')
    await admin.createTopics({ topics: [{ topic: made, numPartitions: 3 }] })
    await admin.fetchTopicMetadata({ topics: [topic] })
    await admin.fetchTopicOffsets(topic)
    await admin.describeCluster()
    await admin.listGroups()
    await admin.deleteTopics({ topics: [made] })
    await admin.disconnect()
  }
}

/** What a program on one of the clients says. @param {any} client @param {string} what */
const saidBy = async (client, what) => {
  const topic = await createTopic({ partitions: 2 })
  const lines = /** @type {any[]} */ ([])
  const kafka = new client.Kafka({
    clientId: 'healthy',
    brokers: sharedCluster().brokers,
    logLevel: client.logLevel.INFO,
    logCreator: () => entry => lines.push(entry)
  })
  await HEALTHY[what](kafka, topic)
  return lines
}

it.each(Object.keys(HEALTHY))('a healthy %s says no more than that of kafkajs', async what => {
  // First, because what it finds of a new cluster is not there yet: topics of the coordinators.
  const theirs = await saidBy(require('kafkajs'), what)
  const ours = await saidBy(require('../..'), what)
  if (what === 'consumer') expect(told(theirs).length).toBeGreaterThan(0)
  expect(told(ours)).toEqual(told(ours).filter(([, label]) => label === 'INFO'))
  expect(told(ours).length).toBeLessThanOrEqual(told(theirs).length)
  const length = lines => JSON.stringify(lines.map(({ log }) => log)).length
  // Names and ids of a run may be a few letters longer or shorter.
  expect(length(ours)).toBeLessThanOrEqual(length(theirs) * 1.05)
})
