'use strict'

/** Datadog's tracer, which sends its spans to us. */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { after, test } = require('node:test')

const received = []
const agent = http.createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  response.end('{}')
  if (request.url.includes('traces')) received.push(Buffer.concat(chunks).toString('latin1'))
})

after(() => {
  agent.closeAllConnections()
  agent.close()
})

test('a span for every message and every send, in the trace that headers name, with the name of the cluster', async () => {
  agent.listen(0, '127.0.0.1')
  await once(agent, 'listening')
  const tracer = require('dd-trace').init({
    url: `http://127.0.0.1:${agent.address().port}`,
    flushInterval: 50,
    startupLogs: false,
    telemetry: { enabled: false },
    remoteConfig: { enabled: false }
  })
  // Behind the tracer, as programs do.
  const { Kafka } = require('kafkajs')
  const { options, topicOf, uniqueName, waitFor, writeTwo } = require('./cluster')

  const headers = {
    'x-datadog-trace-id': '123',
    'x-datadog-parent-id': '456',
    'x-datadog-sampling-priority': '1'
  }
  const topic = await topicOf([{ value: 'a', headers }, { value: 'b' }])
  const kafka = new Kafka(options)
  const admin = kafka.admin()
  await admin.connect()
  const { clusterId } = await admin.describeCluster()
  await admin.disconnect()

  const consumer = kafka.consumer({ groupId: uniqueName('group') })
  const traces = []
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async () => {
      await new Promise(resolve => setImmediate(resolve))
      traces.push(tracer.scope().active().context().toTraceId())
    }
  })
  const spans = () => received.join('').match(/kafka\.consume/g)?.length ?? 0
  await waitFor(() => spans() === 2)
  await consumer.disconnect()

  const { topic: other, written } = await writeTwo()
  const sent = () => received.join('').match(/kafka\.produce/g)?.length ?? 0
  await waitFor(() => sent() === 2)
  assert.ok(received.join('').includes(other))
  assert.deepEqual(
    written.map(letter => [letter.value, letter.headers.tenant]),
    [
      ['a', 'x'],
      ['b', undefined]
    ]
  )
  for (const letter of written) assert.match(letter.headers['x-datadog-trace-id'], /^\d+$/)

  assert.equal(traces[0], '123')
  assert.notEqual(traces[1], '123')
  assert.ok(received.join('').includes(topic))
  assert.ok(received.join('').includes(clusterId))
})
