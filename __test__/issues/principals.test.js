// @ts-check
'use strict'

/**
 * Credentials of another principal than those before: what hands out roles gives each its own name, and brokers let no connection change
 * its principal (jmaver-plume/kafkajs-msk-iam-authentication-mechanism#20, aws/aws-msk-iam-sasl-signer-js#19).
 */

const { unsecuredToken } = require('../kafka/connections')
const { createTopic } = require('../kafka/helpers')
const { createKafka, pause, startConsumer, useCluster, waitFor } = require('../consumer/support')

const SESSION = 5000

/** @type {import('../kafka').Cluster} */
let cluster
useCluster({ config: { 'connections.max.reauth.ms': SESSION } }, lent => (cluster = lent))

it('a principal that is another one at each authentication costs connections, and nothing else', async () => {
  const topic = await createTopic({ brokers: cluster.brokers })
  let count = 0
  const oauthBearerProvider = async () => ({
    value: unsecuredToken({ subject: `role-${count++}` })
  })
  const kafka = createKafka({
    brokers: cluster.listeners.oauth,
    sasl: { mechanism: 'oauthbearer', oauthBearerProvider }
  })
  const { messages, seen } = await startConsumer({ topics: [topic], kafka })
  const producer = kafka.producer()
  const admin = kafka.admin()
  await Promise.all([producer.connect(), admin.connect()])
  const before = count
  let written = 0
  for (const end = performance.now() + 3 * SESSION; performance.now() < end; await pause(100)) {
    await producer.send({ topic, messages: [{ value: String(written++) }] })
    await admin.fetchTopicOffsets(topic)
  }
  await waitFor(() => messages.length >= written)
  await Promise.all([producer.disconnect(), admin.disconnect()])
  expect(messages).toHaveLength(written)
  expect(seen.of('CRASH')).toEqual([])
  expect(seen.of('GROUP_JOIN')).toHaveLength(1)
  expect(count - before).toBeGreaterThan(3)
})
