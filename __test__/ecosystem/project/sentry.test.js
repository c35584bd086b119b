'use strict'

/** Sentry, which rewrites the source of `run` in src/consumer/index.js and of `sendBatch` in src/producer/messageProducer.js. */

const assert = require('node:assert/strict')
const { test } = require('node:test')
const Sentry = require('@sentry/node')

test('a transaction for every message, in the trace that its headers name', async () => {
  const transactions = []
  Sentry.init({
    // Nothing is sent there.
    dsn: 'http://public@127.0.0.1:1/1',
    tracesSampleRate: 1,
    traceLifecycle: 'static',
    beforeSendTransaction: ({ transaction, contexts, spans }) => {
      transactions.push({ transaction, spans, ...contexts.trace })
      return null
    }
  })
  const { readTwo, waitFor, writeTwo } = require('./cluster')
  const trace = '0af7651916cd43dd8448eb211c80319c'
  const { topic, seen } = await readTwo({
    headers: { 'sentry-trace': `${trace}-b7ad6b7169203331-1` },
    look: () => Sentry.getActiveSpan()?.spanContext().traceId
  })
  const processed = () => transactions.filter(({ op }) => op === 'queue.process')
  await waitFor(() => processed().length === 2)
  const { topic: other, written } = await Sentry.startSpan({ name: 'order', op: 'test' }, writeTwo)
  const order = () => transactions.find(({ transaction }) => transaction === 'order')
  await waitFor(order)
  await Sentry.close(1000)
  const sent = order().spans.filter(({ op }) => op === 'queue.publish')
  assert.deepEqual(
    sent.map(({ description }) => description),
    [`send ${other}`, `send ${other}`]
  )
  for (const [i, { headers }] of written.entries()) {
    assert.ok(headers['sentry-trace'].startsWith(`${order().trace_id}-${sent[i].span_id}`))
  }

  assert.equal(seen[0], trace)
  assert.notEqual(seen[1], trace)
  for (const { transaction } of processed()) assert.equal(transaction, `process ${topic}`)
  assert.ok(processed().some(({ trace_id: id }) => id === trace))
})
