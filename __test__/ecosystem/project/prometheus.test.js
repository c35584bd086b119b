'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Kafka } = require('kafkajs')
const { Registry } = require('prom-client')
const { options, topicOf, uniqueName, waitFor } = require('./cluster')

test('the exporter counts what the producer does', async () => {
  const { monitorKafkaJSProducer } = await import('@christiangalsterer/kafkajs-prometheus-exporter')
  const register = new Registry()
  const topic = await topicOf([])
  const producer = new Kafka(options).producer()
  monitorKafkaJSProducer(producer, register)
  await producer.connect()
  await producer.send({ topic, messages: [{ value: 'a' }] })
  const requests = async () => {
    const { values } = await register.getSingleMetric('kafka_producer_request_total').get()
    return values.reduce((sum, { value }) => sum + value, 0)
  }
  await waitFor(async () => (await requests()) > 0)
  await producer.disconnect()
  assert.match(await register.metrics(), /kafka_producer_request_duration_seconds_bucket/)
})

test('the exporter counts what the consumer does', async () => {
  const { monitorKafkaJSConsumer } = await import('@christiangalsterer/kafkajs-prometheus-exporter')
  const register = new Registry()
  const topic = await topicOf([{ value: 'a' }, { value: 'b' }])
  const groupId = uniqueName('group')
  const consumer = new Kafka(options).consumer({ groupId, heartbeatInterval: 50 })
  monitorKafkaJSConsumer(consumer, register)
  const seen = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => seen.push(message.offset) })

  const value = async (name, labels = {}) => {
    const metric = await register.getSingleMetric(name).get()
    return metric.values
      .filter(entry => Object.entries(labels).every(([key, label]) => entry.labels[key] === label))
      .reduce((sum, entry) => sum + entry.value, 0)
  }
  await waitFor(
    async () => seen.length === 2 && (await value('kafka_consumer_heartbeat_total')) > 0
  )
  await waitFor(async () => (await value('kafka_consumer_fetch_total')) > 0)
  const [broker] = options.brokers
  assert.equal(await value('kafka_consumer_batch_size_total', { topic }), 2)
  assert.ok((await value('kafka_consumer_heartbeat_total', { group_id: groupId })) > 0)
  assert.ok((await value('kafka_consumer_request_total', { broker })) > 3)
  assert.ok((await value('kafka_consumer_request_size_total', { broker })) > 0)
  assert.ok((await value('kafka_consumer_connection_count')) > 0)
  await consumer.disconnect()
  assert.equal(await value('kafka_consumer_connection_crashed_total'), 0)
  assert.match(await register.metrics(), /kafka_consumer_request_duration_seconds_bucket/)
})
