'use strict'

/** Sentry, which rewrites the source of `run` in src/consumer/index.js. */

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
    beforeSendTransaction: ({ transaction, contexts }) => {
      transactions.push({ transaction, ...contexts.trace })
      return null
    }
  })
  const { readTwo, waitFor } = require('./cluster')
  const trace = '0af7651916cd43dd8448eb211c80319c'
  const { topic, seen } = await readTwo({
    headers: { 'sentry-trace': `${trace}-b7ad6b7169203331-1` },
    look: () => Sentry.getActiveSpan()?.spanContext().traceId
  })
  const processed = () => transactions.filter(({ op }) => op === 'queue.process')
  await waitFor(() => processed().length === 2)
  await Sentry.close(1000)

  assert.equal(seen[0], trace)
  assert.notEqual(seen[1], trace)
  for (const { transaction } of processed()) assert.equal(transaction, `process ${topic}`)
  assert.ok(processed().some(({ trace_id: id }) => id === trace))
})
