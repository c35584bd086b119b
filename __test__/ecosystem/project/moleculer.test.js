'use strict'

/** The channels of Moleculer, which commit by hand. */

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Middleware } = require('@moleculer/channels')
const { ServiceBroker } = require('moleculer')
const { options, topicOf, uniqueName, waitFor } = require('./cluster')

const { Kafka } = require('kafkajs')

test('a channel is read in order, what fails becomes a dead letter, and both are committed', async () => {
  const topic = await topicOf([])
  const deadLetters = await topicOf([])
  const group = uniqueName('moleculer')
  const seen = []
  const kafka = { ...options, consumerOptions: { maxWaitTimeInMs: 1000 }, producerOptions: {} }
  const adapter = { type: 'Kafka', options: { kafka } }
  const broker = new ServiceBroker({ logger: false, middlewares: [Middleware({ adapter })] })
  broker.createService({
    name: 'orders',
    channels: {
      [topic]: {
        group,
        maxRetries: 0,
        kafka: { fromBeginning: true, partitionsConsumedConcurrently: 2 },
        deadLettering: { enabled: true, queueName: deadLetters },
        handler: ({ id }) => {
          if (id === 1) throw new Error('no such order')
          seen.push(id)
        }
      }
    }
  })
  await broker.start()
  for (const id of [0, 1, 2]) await broker.sendToChannel(topic, { id })
  const admin = new Kafka(options).admin()
  await admin.connect()
  const end = async name => (await admin.fetchTopicOffsets(name))[0].high
  const committed = async () => {
    const [{ partitions }] = await admin.fetchOffsets({
      groupId: `${group}:${topic}`,
      topics: [topic]
    })
    return partitions[0].offset
  }
  await waitFor(async () => (await committed()) === '3')
  await waitFor(async () => (await end(deadLetters)) === '1')
  await broker.stop()
  await admin.disconnect()
  assert.deepEqual(seen, [0, 2])
})
