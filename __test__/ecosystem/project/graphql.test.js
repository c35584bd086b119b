'use strict'

/** Subscriptions of GraphQL: a topic for all channels, which are told apart by a header. */

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { KafkaPubSub } = require('graphql-kafkajs-subscriptions')
const { options, topicOf, uniqueName, waitFor } = require('./cluster')

const { Kafka } = require('kafkajs')

test('what is published on a channel reaches those who listen to it, and nobody else', async () => {
  const topic = await topicOf([])
  const pubsub = await KafkaPubSub.create({
    kafka: new Kafka(options),
    topic,
    groupIdPrefix: uniqueName('graphql')
  })
  const others = []
  await pubsub.subscribe('payments', message => others.push(String(message.value)))
  const orders = pubsub.asyncIterator('orders')
  let first
  orders.next().then(({ value }) => (first = value))
  // It reads what comes from now on: where that begins, nobody tells.
  await waitFor(async () => {
    await pubsub.publish('orders', 'an order', { tenant: 'x' }, undefined, 'k')
    return first
  })
  await pubsub.publish('payments', 'a payment')
  await waitFor(() => others.length > 0)
  const { key, value, headers } = first
  assert.deepEqual([String(key), String(value)], ['k', 'an order'])
  assert.deepEqual([String(headers.channel), String(headers.tenant)], ['orders', 'x'])
  assert.deepEqual(others, ['a payment'])
  await orders.return()
  await pubsub.consumer.disconnect()
  await pubsub.producer.disconnect()
})
