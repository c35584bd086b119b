// @ts-check
'use strict'

/**
 * A broker that speaks the protocol as Azure Event Hubs does where Apache Kafka does not: at a version of ApiVersions that it does not
 * know it closes the connection (twmb/franz-go#1025, dpkp/kafka-python#2602).
 */

const { createTopic } = require('../kafka/helpers')
const { createKafka, startConsumer, useCluster, waitFor } = require('../consumer/support')

const API_VERSIONS = 18
/** The highest that it answers. */
const KNOWN = 3

/** @type {import('../kafka').Cluster} */
let cluster
useCluster({ proxied: true }, async own => {
  cluster = own
})

it('a broker that closes the connection at a version of ApiVersions that it does not know is written to and read from', async () => {
  const [proxy] = cluster.proxies
  proxy.answer(API_VERSIONS, ({ version }) => {
    if (version > KNOWN) proxy.cut({ reset: true })
    return undefined
  })
  const topic = await createTopic({ brokers: cluster.brokers })
  const kafka = createKafka({ brokers: cluster.listeners.proxied })
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ value: 'a' }] })
  await producer.disconnect()
  const { messages } = await startConsumer({ kafka, topics: [topic] })
  await waitFor(() => messages.length === 1)
})
