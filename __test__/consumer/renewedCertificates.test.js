// @ts-check
'use strict'

/** Certificates that change while programs run, and that `ssl` has by then. On a cluster of its own. */

const fs = require('node:fs')
const path = require('node:path')
const { Kafka, logLevel } = require('../..')
const { createAuthority } = require('../kafka/certificates')
const { createTopic, produce } = require('../kafka/helpers')
const { createConsumer, createKafka, isLetIn, pause, useCluster, waitFor } = require('./support')

/** Of `incrementalAlterConfigs`. */
const BROKER = 4
const DELETE = 1
const KEYSTORE = 'listener.name.ssl.ssl.keystore.location'

/** @type {import('../kafka').Cluster} */
let cluster

useCluster({}, lent => (cluster = lent))

/** Through our own admin client: kafkajs's cannot. @param {any} entry */
const configure = async entry => {
  const admin = new Kafka({
    brokers: cluster.brokers,
    logLevel: logLevel.NOTHING
  }).admin()
  const resources = [{ type: BROKER, name: '1', configEntries: [{ name: KEYSTORE, ...entry }] }]
  await admin.connect()
  await admin.incrementalAlterConfigs({ resources })
  await admin.disconnect()
}

/** Gives the broker a certificate of another authority, which is returned. */
const renew = async () => {
  const authority = createAuthority('the next authority')
  const { key, cert } = authority.issue({
    name: 'broker',
    hosts: ['127.0.0.1', 'localhost']
  })
  const file = path.join(cluster.nodes[0].directory, 'renewed.pem')
  fs.writeFileSync(file, key + cert)
  await configure({ value: file })
  await waitFor(() => isTrusted({ ca: authority.cert }))
  return authority.cert
}

/** Whether the broker is, by who has these. @param {any} ssl */
const isTrusted = ssl => isLetIn({ brokers: cluster.listeners.ssl, ssl, retry: { retries: 0 } })

/** Reads a message over connections that are opened when the broker has another certificate. */
const followsAuthority = async (
  /** @type {any} */ ssl,
  /** @type {(ca: string) => void} */ tell
) => {
  await configure({ operation: DELETE })
  await waitFor(() => isTrusted({ ca: cluster.ca }))
  const topic = await createTopic({ brokers: cluster.brokers })
  await produce(topic, [{ value: 'hello' }], { brokers: cluster.brokers })
  const consumer = createConsumer({
    kafka: createKafka({ brokers: cluster.listeners.ssl, ssl })
  })
  await consumer.connect()
  tell(await renew())
  // No connection of before is left.
  await cluster.nodes[0].restart()

  const values = /** @type {string[]} */ ([])
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      values.push(String(message.value))
    }
  })
  await waitFor(() => values.length > 0, { timeout: 20_000 })
  expect(values).toEqual(['hello'])
}

afterAll(() => configure({ operation: DELETE }))

it('an authority that is written into ssl is trusted by the next connection', async () => {
  const ssl = { ca: [cluster.ca] }
  await followsAuthority(ssl, ca => (ssl.ca = [ca]))
})

it('an authority that a getter of ssl knows is trusted by the next connection', async () => {
  let current = cluster.ca
  const ssl = {
    get ca() {
      return current
    }
  }
  await followsAuthority(ssl, ca => (current = ca))
})

it('a certificate of ours that is written into ssl is shown to the next connection', async () => {
  await configure({ operation: DELETE })
  await waitFor(() => isTrusted({ ca: cluster.ca }))
  const { cert, key } = createAuthority('one that the broker does not know').issue({ name: 'us' })
  const ssl = { ca: cluster.ca, cert, key }
  const retry = { initialRetryTime: 100, maxRetryTime: 100, retries: 100 }
  const kafka = createKafka({ brokers: cluster.listeners.ssl, ssl, retry })
  const connecting = createConsumer({ kafka }).connect()
  const early = await Promise.race([connecting.then(() => 'connected'), pause(1000)])
  expect(early).toBeUndefined()
  Object.assign(ssl, { cert: cluster.clientCert, key: cluster.clientKey })
  await connecting
})
