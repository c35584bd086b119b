'use strict'

/** Fills the topics, once per broker: a topic that holds what it should is left as it is. */

const { Kafka, logLevel } = require('kafkajs')

const { startProducer } = require('../kafka/producer')
const { topicOf } = require('./workloads')

/** Bytes of a record batch: the default of Kafka's own producer. */
const BATCH_BYTES = 16 * 1024
const HEADERS = {
  source: 'bench',
  trace: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
}

/**
 * @param {string[]} brokers
 * @param {import('./workloads').Workload} workload
 * @returns {Promise<boolean>} whether anything had to be written
 */
const fill = async (brokers, workload) => {
  const kafka = new Kafka({ clientId: 'bench-data', brokers, logLevel: logLevel.ERROR })
  const topic = topicOf(workload)
  const admin = kafka.admin()
  await admin.connect()
  try {
    const held = await messagesIn(admin, topic)
    if (held === workload.messages) return false
    if (held !== null) {
      throw new Error(`${topic} holds ${held} messages instead of ${workload.messages}: delete it`)
    }
    await admin.createTopics({
      topics: [{ topic, numPartitions: workload.partitions }],
      waitForLeaders: true
    })
    if (workload.keys) return await fillKeys(brokers, workload)
    const producer = await startProducer(brokers, {
      'compression.type': workload.codec,
      'batch.size': BATCH_BYTES,
      'linger.ms': 20
    })
    await producer.generate({
      topic,
      count: workload.messages,
      valueBytes: workload.size,
      ...(workload.keyed ? { keys: true, headers: HEADERS } : {})
    })
    await producer.close()
    return true
  } finally {
    await admin.disconnect()
  }
}

/**
 * As many keys as the workload says, by turns.
 * @param {string[]} brokers
 * @param {import('./workloads').Workload} workload
 */
const fillKeys = async (brokers, workload) => {
  const { messages, size, keys = 1 } = workload
  const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer()
  await producer.connect()
  const value = Buffer.alloc(size)
  for (let first = 0; first < messages; first += 2000) {
    const count = Math.min(2000, messages - first)
    const batch = Array.from({ length: count }, (_, i) => ({
      key: `customer-${(first + i) % keys}`,
      value
    }))
    await producer.send({ topic: topicOf(workload), messages: batch })
  }
  await producer.disconnect()
  return true
}

/**
 * @param {import('kafkajs').Admin} admin
 * @param {string} topic
 * @returns {Promise<number | null>} null = there is no such topic
 */
const messagesIn = async (admin, topic) => {
  if (!(await admin.listTopics()).includes(topic)) return null
  const partitions = await admin.fetchTopicOffsets(topic)
  return partitions.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0)
}

/**
 * What a reader adds up: of every value, and of keys and headers where there are any.
 * @param {import('./workloads').Workload} workload
 */
const bytesIn = ({ messages, size, keyed }) => {
  if (!keyed) return messages * size
  const headers = Object.values(HEADERS).reduce((sum, value) => sum + value.length, 0)
  let keys = 0
  for (let key = 0; key < messages; key++) keys += String(key).length
  return messages * (size + headers) + keys
}

/**
 * @param {string[]} brokers
 * @param {string} topic
 * @param {string} groupId
 * @returns {Promise<number>} messages that the group has committed
 */
const committedBy = async (brokers, topic, groupId) => {
  const kafka = new Kafka({ clientId: 'bench-data', brokers, logLevel: logLevel.ERROR })
  const admin = kafka.admin()
  await admin.connect()
  try {
    const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] })
    return partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0)
  } finally {
    await admin.disconnect()
  }
}

module.exports = { fill, bytesIn, committedBy }
