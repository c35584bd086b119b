'use strict'

/** The Kafka transport of NestJS: server and client, which ask and answer each other. */

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')
const { lastValueFrom } = require('rxjs')
const { NestFactory } = require('@nestjs/core')
const { ClientKafka, Transport } = require('@nestjs/microservices')
const { options, topicOf, uniqueName, waitFor } = require('./cluster')

const { Kafka } = require('kafkajs')

let app
let client
let seen

before(async () => {
  process.env.EVENT_TOPIC = await topicOf([])
  process.env.MESSAGE_TOPIC = await topicOf([])
  const compiled = require('./dist/nest-app.js')
  seen = compiled.seen
  app = await NestFactory.createMicroservice(compiled.App, {
    logger: false,
    transport: Transport.KAFKA,
    options: {
      client: options,
      consumer: { groupId: uniqueName('nest') },
      subscribe: { fromBeginning: true }
    }
  })
  await app.listen()
})

after(async () => {
  await client?.close()
  await app?.close()
})

test('the server reads and writes with kafkars', () => {
  const [kafka, consumer, producer] = app.unwrap()
  assert.ok(kafka instanceof Kafka && 'paused' in consumer && 'flush' in producer)
})

const createClient = () =>
  new ClientKafka({ client: options, consumer: { groupId: uniqueName('nest-client') } })

test('an event pattern gets value, headers and context', async () => {
  client = createClient()
  await client.connect()
  await lastValueFrom(
    client.emit(process.env.EVENT_TOPIC, {
      key: 'k',
      value: { id: 1, items: ['a'] },
      headers: { tenant: 'x' }
    })
  )
  await waitFor(() => seen.length === 1)
  assert.deepEqual(seen, [
    {
      order: { id: 1, items: ['a'] },
      headers: { tenant: 'x' },
      offset: '0',
      topic: process.env.EVENT_TOPIC,
      partition: 0
    }
  ])
})

test('a message pattern answers', async () => {
  // Nest wants one partition of the topic for replies for each of its clients.
  const topic = process.env.MESSAGE_TOPIC
  client.subscribeToResponseOf(topic)
  await topicOfReplies(topic)
  await client.close()
  client = createClient()
  client.subscribeToResponseOf(topic)
  await client.connect()
  const answer = await lastValueFrom(client.send(topic, { numbers: [1, 2, 3] }))
  assert.deepEqual(answer, { sum: 6 })
})

/** `<topic>.reply`, where Nest expects the answers. */
const topicOfReplies = async topic => {
  const admin = new Kafka(options).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: `${topic}.reply`, numPartitions: 1 }] })
  await admin.disconnect()
}
