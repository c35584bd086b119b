'use strict'

/** Elastic's agent, which sends its transactions to us. */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { after, test } = require('node:test')
const { gunzipSync } = require('node:zlib')

const received = []
const server = http.createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  response.end('{}')
  if (!request.url.startsWith('/intake')) return
  const lines = gunzipSync(Buffer.concat(chunks)).toString().split('\n').filter(Boolean)
  received.push(...lines.map(line => JSON.parse(line)))
})

after(() => {
  server.closeAllConnections()
  server.close()
})

test('a transaction for every message, in the trace that its headers name', async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const agent = require('elastic-apm-node').start({
    serverUrl: `http://127.0.0.1:${server.address().port}`,
    serviceName: 'ecosystem',
    centralConfig: false,
    cloudProvider: 'none',
    apiRequestTime: '1s',
    metricsInterval: '0s',
    logLevel: 'off'
  })
  const { readTwo, waitFor, writeTwo } = require('./cluster')
  const trace = '0af7651916cd43dd8448eb211c80319c'
  const { topic, seen } = await readTwo({
    headers: { traceparent: `00-${trace}-b7ad6b7169203331-01` },
    look: () => agent.currentTransaction.traceId
  })
  await agent.flush()
  const transactions = () =>
    received.flatMap(({ transaction }) => transaction ?? []).filter(({ name }) => name !== 'order')
  await waitFor(() => transactions().length === 2)

  const order = agent.startTransaction('order')
  const { topic: other, written } = await writeTwo()
  order.end()
  await agent.flush()
  const spans = () =>
    received.flatMap(({ span }) => span ?? []).filter(({ subtype }) => subtype === 'kafka')
  await waitFor(() => spans().length === 2)
  assert.deepEqual(
    spans().map(({ name, outcome, trace_id: id }) => [name, outcome, id]),
    [1, 2].map(() => [`Kafka SEND to ${other}`, 'success', order.traceId])
  )
  for (const [i, { headers }] of written.entries()) {
    assert.equal(headers.traceparent, `00-${order.traceId}-${spans()[i].id}-01`)
  }

  assert.equal(seen[0], trace)
  assert.notEqual(seen[1], trace)
  assert.deepEqual(
    transactions().map(({ name, outcome, trace_id: id }) => [name, outcome, id]),
    seen.map(id => [`Kafka RECEIVE from ${topic}`, 'success', id])
  )
})
