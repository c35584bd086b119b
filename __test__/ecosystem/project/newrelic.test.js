'use strict'

/** New Relic's agent, without its server: what it would report is read off the agent. */

const assert = require('node:assert/strict')
const { after, test } = require('node:test')

Object.assign(process.env, {
  NEW_RELIC_NO_CONFIG_FILE: 'true',
  NEW_RELIC_APP_NAME: 'ecosystem',
  NEW_RELIC_LICENSE_KEY: 'x'.repeat(40),
  NEW_RELIC_LOG_ENABLED: 'false',
  NEW_RELIC_HOST: '127.0.0.1',
  NEW_RELIC_PORT: '1',
  NEW_RELIC_FEATURE_FLAG_KAFKAJS_INSTRUMENTATION: 'true'
})

// It tries to connect for ever.
after(() => setImmediate(() => process.exit()))

test('a transaction for every message, and metrics of topic and broker', async () => {
  const newrelic = require('newrelic')
  const { agent } = newrelic
  agent.setState('started')
  const names = []
  agent.on('transactionFinished', transaction => names.push(transaction.getFullName()))
  const { options, readTwo, waitFor, writeTwo } = require('./cluster')
  const { topic, seen } = await readTwo({
    headers: {},
    look: () => agent.tracer.getTransaction()?.isActive()
  })
  await waitFor(() => names.length === 2)
  const { topic: other, written } = await newrelic.startBackgroundTransaction('order', writeTwo)

  assert.ok(seen.every(active => active !== undefined))
  const name = `OtherTransaction/Message/Kafka/Topic/Consume/Named/${topic}`
  assert.deepEqual(names.slice(0, 2), [name, name])
  const metrics = Object.keys(agent.metrics._metrics.unscoped)
  const [broker] = options.brokers
  assert.ok(agent.metrics._metrics.unscoped[`MessageBroker/Kafka/Topic/Produce/Named/${other}`])
  for (const { headers } of written) assert.match(headers.traceparent, /^00-/)
  assert.ok(metrics.includes(`Message/Kafka/Topic/Named/${topic}/Received/Messages`))
  assert.ok(metrics.includes(`MessageBroker/Kafka/Nodes/${broker}/Consume/${topic}`))
})
