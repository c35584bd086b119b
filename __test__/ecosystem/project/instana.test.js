'use strict'

/**
 * Instana's collector, without its agent: it replaces the class that src/consumer/runner.js exports, and the function that
 * src/producer/messageProducer.js does.
 */

const assert = require('node:assert/strict')
const { after, test } = require('node:test')

process.env.INSTANA_LOG_LEVEL = 'error'
require('@instana/collector')()
const { tracing } = require('@instana/core')

// It looks for its agent for ever.
after(() => setImmediate(() => process.exit()))

test('a span for every message, whose parent is in headers that the handler does not see', async () => {
  const spans = []
  tracing.activate()
  tracing.spanBuffer.addSpan = span => spans.push(span)
  const { readTwo, waitFor, writeTwo } = require('./cluster')
  const { topic, seen } = await readTwo({
    headers: { X_INSTANA_T: '0af7651916cd43dd', X_INSTANA_S: 'b7ad6b7169203331', tenant: 'x' },
    look: ({ headers }) => Object.keys(headers)
  })
  await waitFor(() => spans.length === 2)

  assert.deepEqual(seen, [['tenant'], []])
  const [first, second] = spans
  assert.deepEqual([first.t, first.p], ['0af7651916cd43dd', 'b7ad6b7169203331'])
  assert.notEqual(second.t, first.t)
  assert.deepEqual(first.data.kafka, { operation: 'consume', endpoints: topic })

  spans.length = 0
  const { topic: other, written } = await tracing.getCls().ns.runPromise(async () => {
    // Sends are traced in what something else has begun.
    tracing.getCls().startSpan({ spanName: 'node.http.server', kind: 1 })
    return writeTwo()
  })
  const sent = spans.filter(({ data }) => data.kafka?.operation === 'send')
  assert.deepEqual(
    sent.map(({ data }) => data.kafka.endpoints),
    [other, other]
  )
  assert.deepEqual(
    written.map(({ headers }) => [headers.tenant, headers.X_INSTANA_S]),
    [
      ['x', sent[0].s],
      [undefined, sent[1].s]
    ]
  )
})
