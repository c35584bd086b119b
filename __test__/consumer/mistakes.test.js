// @ts-check
'use strict'

/**
 * What a person sees who makes a mistake that a broker has to find, or that a running consumer makes: the error names what,
 * which, why and what to do, and nothing is tried twice for it. Those that need no broker are in `__test__/unit/mistakes.test.js`.
 * On a cluster of its own, where our user may do nothing but what a spec allows.
 */

const { generateKeyPairSync } = require('node:crypto')
const { startCluster } = require('../kafka')
const { createAuthority } = require('../kafka/certificates')
const { connections } = require('../kafka/connections')
const { createTopic, produce, uniqueName } = require('../kafka/helpers')
const { createConsumer, createKafka, logLevel, numbered, waitFor, watch } = require('./support')

/** @type {import('../kafka').Cluster} */
let cluster

beforeAll(async () => {
  const config = {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    // Without SASL: the brokers themselves, the observer, and our user where it is not about ACLs.
    'super.users': 'User:ANONYMOUS'
  }
  cluster = await startCluster({ config })
})

afterAll(async () => {
  await cluster?.stop()
})

/**
 * @typedef {object} Context
 * @property {string} topic that exists, with a message in it
 * @property {string} groupId
 * @property {ReturnType<typeof connections>} to the cluster
 *
 * @typedef {object} Row
 * @property {(context: Context) => any} [kafka] options of `new Kafka()`; plaintext without
 * @property {any} [consumer] options of `kafka.consumer()`
 * @property {(consumer: import('kafkajs').Consumer, context: Context) => any} does rejects, or crashes the consumer
 * @property {any} is the error
 * @property {(context: Context) => (string | RegExp)[]} says parts of its message
 * @property {number} [connections] that were attempted, until the error
 * @property {Record<string, number>} [requests] that were answered until then, by name
 */

/** @type {import('node:crypto').ED25519KeyPairOptions<'pem', 'pem'>} */
const PEM = {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' }
}

const connect = consumer => consumer.connect()

const read = async (consumer, { topic }) => {
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ eachMessage: async () => {} })
}

/** @param {any} thrown */
const readAndThrow =
  thrown =>
  async (consumer, { topic }) => {
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      eachMessage: async () => {
        throw thrown
      }
    })
  }

const plain = ({ to }) => to.plain
const withSasl = sasl => context => {
  const { plain: options } = context.to
  return { ...options, sasl: { ...options.sasl, ...sasl } }
}

/** @type {Record<string, Row>} */
const MISTAKES = {
  'no ACL on the topic': {
    kafka: plain,
    does: read,
    is: { name: 'KafkaJSProtocolError', type: 'TOPIC_AUTHORIZATION_FAILED', code: 29 },
    says: ({ topic }) => [
      'Not authorized to access topics',
      `needs the ACL operation READ on topic "${topic}"`
    ],
    connections: 1
  },
  'no ACL on the group': {
    kafka: plain,
    does: consumer => consumer.run({ eachMessage: async () => {} }),
    is: { name: 'KafkaJSGroupCoordinatorNotFound', cause: { code: 30 } },
    says: ({ groupId }) => [
      `Failed to find group coordinator of group "${groupId}": Not authorized to access group`,
      `needs the ACL operation READ on group "${groupId}"`
    ],
    connections: 1,
    // As kafkajs names FindCoordinator.
    requests: { GroupCoordinator: 1 }
  },
  'no ACL on the group, which is described': {
    kafka: plain,
    does: async consumer => {
      await consumer.connect()
      await consumer.describeGroup()
    },
    is: { retriable: false },
    says: ({ groupId }) => ['Not authorized to access group', `DESCRIBE on group "${groupId}"`],
    connections: 1
  },
  'a listener that wants SASL': {
    kafka: ({ to }) => ({ brokers: to.oauthBearer.brokers, retry: { retries: 1 } }),
    does: connect,
    is: { cause: { name: 'KafkaJSConnectionClosedError' } },
    says: ({ to }) => [to.oauthBearer.brokers[0], 'does this listener want SASL?'],
    // Once may be chance.
    connections: 2
  },
  'a listener that has no SASL': {
    kafka: ({ to }) => ({ ...to.plaintext, sasl: to.plain.sasl }),
    does: connect,
    is: { name: 'KafkaJSProtocolError', type: 'ILLEGAL_SASL_STATE', code: 34 },
    says: ({ to }) => [`${to.plaintext.brokers[0]} is a listener without SASL`],
    connections: 1
  },
  'a mechanism that the listener does not offer': {
    kafka: withSasl({ mechanism: 'scram-sha-1' }),
    does: connect,
    is: { name: 'KafkaJSProtocolError', type: 'UNSUPPORTED_SASL_MECHANISM', code: 33 },
    says: () => ['SCRAM-SHA-1 was asked for', /offers .*SCRAM-SHA-256/],
    connections: 1
  },
  'a username by another name': {
    kafka: withSasl({ username: undefined, user: 'me' }),
    does: connect,
    is: { name: 'KafkaJSSASLAuthenticationError' },
    says: () => ['sasl.username is undefined (no broker was asked); did you mean it by "user"?'],
    connections: 0
  },
  "another certificate's key": {
    kafka: ({ to }) => ({
      brokers: to.mutualTls.brokers,
      ssl: { ...to.mutualTls.ssl, key: createAuthority('x').issue({ name: 'x' }).key }
    }),
    does: connect,
    is: { name: 'KafkaJSNonRetriableError' },
    says: () => ['ssl.key: it does not belong to ssl.cert'],
    connections: 0
  },
  'a key of another kind than the certificate': {
    kafka: ({ to }) => ({
      brokers: to.mutualTls.brokers,
      ssl: { ...to.mutualTls.ssl, key: generateKeyPairSync('ed25519', PEM).privateKey }
    }),
    does: connect,
    is: { name: 'KafkaJSNonRetriableError' },
    says: () => ['ssl.key: it does not belong to ssl.cert'],
    connections: 0
  },
  'a broker without a port': {
    kafka: () => ({ brokers: ['localhost'] }),
    does: connect,
    is: { name: 'KafkaJSNonRetriableError' },
    says: () => ['expected "host:port", received "localhost"'],
    connections: 0
  },
  'a topic of a name that is none': {
    does: consumer => consumer.subscribe({ topics: ['my topic'] }),
    is: { name: 'KafkaJSProtocolError', type: 'INVALID_TOPIC_EXCEPTION', code: 17 },
    says: () => ['"my topic": a name has 1 to 249 of the characters'],
    connections: 1
  },
  'a sessionTimeout out of bounds': {
    consumer: { sessionTimeout: 200 },
    does: read,
    is: { name: 'KafkaJSProtocolError', type: 'INVALID_SESSION_TIMEOUT', code: 26 },
    says: () => ['sessionTimeout is 200 ms', '6000 to 1800000'],
    // The coordinator has one of its own.
    connections: 2
  },
  'a handler that throws undefined': {
    does: readAndThrow(undefined),
    is: { name: 'KafkaJSNonRetriableError', cause: expect.any(TypeError) },
    says: () => ['eachMessage has thrown undefined']
  }
}

/** @param {Row} row */
const make = async ({ kafka, consumer: options, does }) => {
  const topic = await createTopic({ brokers: cluster.brokers })
  await produce(topic, numbered(1), { brokers: cluster.brokers })
  const context = { topic, groupId: uniqueName('group'), to: connections(cluster) }
  const logs = /** @type {any[]} */ ([])
  const logCreator = () => entry => void logs.push(entry)
  const ofKafka = kafka?.(context) ?? context.to.plaintext
  const consumer = createConsumer({
    kafka: createKafka({ logLevel: logLevel.DEBUG, logCreator, ...ofKafka }),
    groupId: context.groupId,
    ...options
  })
  const seen = watch(consumer)
  /** @type {any} */
  const rejected = await Promise.resolve(does(consumer, context)).then(
    () => null,
    error => error
  )
  if (!rejected) await waitFor(() => seen.of('CRASH').length > 0)
  const [{ error, restart } = { error: rejected, restart: false }] = seen.of('CRASH')
  return { error, restart, context, logs, asked: seen.of('REQUEST') }
}

it.each(Object.entries(MISTAKES))('%s is told by name, and at once', async (_, row) => {
  const { error, restart, context, logs, asked } = await make(row)
  expect(error).toMatchObject(row.is)
  expect(restart).toBe(false)
  for (const part of row.says(context)) {
    if (typeof part === 'string') expect(error.message).toContain(part)
    else expect(error.message).toMatch(part)
  }
  expect(error.stack).toContain(row.says(context)[0])
  if (row.connections !== undefined) {
    const attempts = logs.filter(({ log }) => log.message === 'Connecting')
    expect(attempts).toHaveLength(row.connections)
  }
  for (const [name, count] of Object.entries(row.requests ?? {})) {
    expect(asked.filter(({ apiName }) => apiName === name)).toHaveLength(count)
  }
})
