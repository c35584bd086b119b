'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')
const { SchemaRegistry, SchemaType } = require('@kafkajs/confluent-schema-registry')
const { Kafka } = require('kafkajs')
const { options, topicOf, uniqueName, waitFor } = require('./cluster')

const schema = JSON.stringify({
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'note', type: 'string' }
  ]
})

/** As much of a registry as one schema takes. */
const startRegistry = async () => {
  const server = http.createServer((request, response) => {
    request.resume()
    const { method, url } = request
    const answer =
      method === 'GET' && url.startsWith('/schemas/ids/')
        ? { schema }
        : method === 'POST'
          ? { id: 7 }
          : { compatibilityLevel: 'BACKWARD' }
    response.setHeader('content-type', 'application/vnd.schemaregistry.v1+json')
    response.end(JSON.stringify(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

test('what the schema registry encodes is written, and decoded from the memory that it is read into', async () => {
  const server = await startRegistry()
  const host = `http://127.0.0.1:${server.address().port}`
  const { id } = await new SchemaRegistry({ host }).register({ type: SchemaType.AVRO, schema })
  // Another one, that has to ask.
  const registry = new SchemaRegistry({ host })
  const orders = Array.from({ length: 50 }, (_, i) => ({ id: i, note: `grün ${i}` }))
  const values = await Promise.all(orders.map(order => registry.encode(id, order)))
  const topic = await topicOf([])
  const kafka = new Kafka(options)
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: values.map(value => ({ value })) })
  await producer.disconnect()

  const consumer = kafka.consumer({ groupId: uniqueName('group') })
  const decoded = []
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => decoded.push({ ...(await registry.decode(message.value)) })
  })
  await waitFor(() => decoded.length === orders.length)
  await consumer.disconnect()
  server.close()
  assert.deepEqual(decoded, orders)
})
