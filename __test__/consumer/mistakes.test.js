// @ts-check
'use strict'

/**
 * What a person sees who makes a mistake that a broker has to find, or that a running consumer makes: the error names what,
 * which, why and what to do, and nothing is tried twice for it. Those that need no broker are in `__test__/unit/mistakes.test.js`.
 * On a cluster of its own, where our user may do nothing but what a spec allows.
 */

const { generateKeyPairSync } = require('node:crypto')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { AssignerProtocol } = require('../..')
const { createAuthority } = require('../kafka/certificates')
const { connections, unsecuredToken } = require('../kafka/connections')
const { createTopic, produce, uniqueName } = require('../kafka/helpers')
const { headOf } = require('./told')
const {
  WITH_ACLS,
  createConsumer,
  createKafka,
  logLevel,
  numbered,
  useCluster,
  waitFor,
  watch
} = require('./support')

/** @type {import('../kafka').Cluster} */
let cluster

useCluster({ config: WITH_ACLS }, lent => (cluster = lent))

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

/** @param {(context: Context) => any} value @param {string} says @returns {Row} */
const ca = (value, says) => ({
  kafka: context => ({ brokers: context.to.ssl.brokers, ssl: { ca: value(context) } }),
  does: connect,
  is: { name: 'KafkaJSNonRetriableError' },
  says: () => ['Invalid ssl.ca', says],
  connections: 0
})

/** @param {any} oauthBearerProvider @param {string} says @returns {Row} */
const oauth = (oauthBearerProvider, says) => ({
  kafka: ({ to }) => ({
    ...to.oauthBearer,
    sasl: { mechanism: 'oauthbearer', oauthBearerProvider }
  }),
  does: connect,
  is: { name: 'KafkaJSSASLAuthenticationError' },
  says: () => [says, 'a function that resolves with { value: token }'],
  connections: 1
})

/** @param {import('../kafka').Cluster} of */
const controllerOf = ({ logDir }) => {
  const text = readFileSync(join(logDir, 'broker-1', 'server.properties'), 'utf8')
  return /** @type {string} */ (text.match(/CONTROLLER:\/\/([\d.:]+)/)?.[1])
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
  'a CA whose line ends were lost in the environment': ca(
    ({ to }) => to.ssl.ssl.ca[0].replaceAll('\n', '\\n'),
    'its line ends are written as "\\n"'
  ),
  'a CA without line ends': ca(
    ({ to }) => to.ssl.ssl.ca[0].replaceAll('\n', ' '),
    'it has no line ends, and PEM needs them'
  ),
  'half of a CA': ca(({ to }) => to.ssl.ssl.ca[0].slice(0, 200), 'it ends before its "-----END'),
  'a CA in base64': ca(
    ({ to }) => Buffer.from(to.ssl.ssl.ca[0]).toString('base64'),
    'it is PEM in base64: Buffer.from(text, "base64") is the PEM'
  ),
  'a keystore of Java for a CA': ca(
    () => Buffer.from('feedfeed00000002', 'hex'),
    'it is a keystore of Java: keytool'
  ),
  'no CA in the list': ca(() => [], 'the list is empty'),
  'a certificate that is none': {
    kafka: ({ to }) => ({
      ...to.ssl,
      ssl: { ...to.ssl.ssl, cert: 'x', key: to.mutualTls.ssl.key }
    }),
    does: connect,
    is: { name: 'KafkaJSNonRetriableError' },
    says: () => ['Invalid ssl.cert', 'it is no PEM, which begins with "-----BEGIN"'],
    connections: 0
  },
  'no provider of tokens': oauth(undefined, 'Missing OAuth bearer token provider'),
  'a provider of tokens that is a text': oauth('token', 'received a string'),
  'a provider of tokens that gives a text': oauth(async () => 'x.y.z', 'it resolved with a text'),
  'a provider of tokens that gives something else': oauth(
    async () => ({ token: 'x.y.z' }),
    'it resolved with an object with token'
  ),
  'a provider of tokens that throws a text': {
    kafka: ({ to }) => ({
      ...to.oauthBearer,
      sasl: {
        mechanism: 'oauthbearer',
        oauthBearerProvider: async () => {
          throw 'the issuer is down'
        }
      }
    }),
    does: connect,
    is: { name: 'KafkaJSSASLAuthenticationError' },
    says: () => ['the issuer is down', 'thrown by the provider of "sasl"'],
    connections: 1
  },
  'a token that has expired, or a clock that is wrong': {
    kafka: ({ to }) => ({
      ...to.oauthBearer,
      sasl: {
        mechanism: 'oauthbearer',
        oauthBearerProvider: async () => ({ value: unsecuredToken({ lifetime: -100 }) })
      }
    }),
    does: connect,
    is: { name: 'KafkaJSSASLAuthenticationError' },
    says: () => ['invalid_token', /the token has expired 10\d s ago by the clock of this machine/],
    connections: 1
  },
  'the port of a controller': {
    kafka: () => ({ brokers: [controllerOf(cluster)] }),
    does: connect,
    is: { name: 'KafkaJSServerDoesNotSupportApiKey', apiKey: 3 },
    says: () => [`${controllerOf(cluster)} is a listener of a controller`]
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
  'topics in one text': {
    does: consumer => consumer.subscribe({ topics: ['orders,payments'] }),
    is: { name: 'KafkaJSProtocolError', type: 'INVALID_TOPIC_EXCEPTION' },
    says: () => ['"orders,payments": a name has', 'several topics are a list of names'],
    connections: 1
  },
  'a pattern in a text': {
    does: consumer => consumer.subscribe({ topics: ['orders-*'] }),
    is: { name: 'KafkaJSProtocolError', type: 'INVALID_TOPIC_EXCEPTION' },
    says: () => ['"orders-*": a name has', 'give a RegExp: /^orders-/'],
    connections: 1
  },
  'no assignor that the others have': {
    consumer: { partitionAssigners: ['sticky'] },
    does: async (consumer, { groupId, topic, to }) => {
      const kafka = createKafka(to.plaintext)
      const other = createConsumer({ kafka, groupId, partitionAssigners: ['range'] })
      await read(other, { topic })
      await read(consumer, { topic })
    },
    is: { name: 'KafkaJSProtocolError', type: 'INCONSISTENT_GROUP_PROTOCOL', code: 23 },
    says: ({ groupId }) => [
      'incompatible with those of existing members',
      `all members of group "${groupId}" need one of partitionAssigners in common`
    ]
  },
  'an assigner without methods': {
    consumer: { partitionAssigners: [() => ({ name: 'mine', version: 0 })] },
    does: read,
    is: { name: 'KafkaJSNonRetriableError' },
    says: () => ['An assigner of partitionAssigners', 'protocol of "mine" is undefined']
  },
  'an assigner that offers nothing': {
    consumer: { partitionAssigners: [() => ({ name: 'mine', protocol() {}, assign() {} })] },
    does: read,
    is: { name: 'KafkaJSNonRetriableError' },
    says: () => ['protocol() of the assigner "mine" has to return { name, metadata }', 'undefined']
  },
  'an assigner that assigns nothing': {
    consumer: {
      partitionAssigners: [
        () => ({
          name: 'mine',
          version: 0,
          protocol: ({ topics }) => ({
            name: 'mine',
            metadata: AssignerProtocol.MemberMetadata.encode({
              version: 0,
              topics,
              userData: Buffer.alloc(0)
            })
          }),
          async assign() {}
        })
      ]
    },
    does: read,
    is: { name: 'KafkaJSNonRetriableError' },
    says: () => ['assign() of the assigner "mine" has to return a list', 'it returned undefined']
  },
  'a dead-letter topic that is read': {
    does: async (consumer, { topic }) => {
      await consumer.subscribe({ topics: [topic] })
      await consumer.run({ eachMessage: async () => {}, onFailure: { deadLetterTopic: topic } })
    },
    is: { name: 'KafkaJSNonRetriableError' },
    says: ({ topic }) => [`onFailure.deadLetterTopic is "${topic}"`, 'come back for ever']
  },
  'a back-off that is no time': {
    does: async (consumer, { topic }) => {
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await consumer.run({
        eachMessage: async () => {
          throw new Error('no')
        },
        onFailure: { retries: 1, backoff: () => 'soon' }
      })
    },
    is: { name: 'KafkaJSNonRetriableError' },
    says: () => ['onFailure.backoff has to return ms, it returned "soon"']
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
  const head = headOf(error)
  for (const part of row.says(context)) {
    if (typeof part === 'string') expect(head).toContain(part)
    else expect(head).toMatch(part)
  }
  expect(head).toContain(error.message)
  if (row.connections !== undefined) {
    const attempts = logs.filter(({ log }) => log.message === 'Connecting')
    expect(attempts).toHaveLength(row.connections)
  }
  for (const [name, count] of Object.entries(row.requests ?? {})) {
    expect(asked.filter(({ apiName }) => apiName === name)).toHaveLength(count)
  }
})

/** A consumer of the user who may do anything, and the lines that it logs. @param {any} [options] */
const createWatched = options => {
  const lines = /** @type {string[]} */ ([])
  const logCreator = () => (/** @type {any} */ entry) => void lines.push(entry.log.message)
  const kafka = createKafka({ brokers: cluster.brokers, logLevel: logLevel.INFO, logCreator })
  return { consumer: /** @type {any} */ (createConsumer({ kafka, ...options })), lines }
}

it('a dead-letter topic that a pattern matches is left out, and told', async () => {
  const prefix = uniqueName('orders')
  for (const topic of [prefix, `${prefix}.dead`]) {
    await createTopic({ topic, brokers: cluster.brokers })
  }
  await produce(prefix, numbered(1), { brokers: cluster.brokers })
  const { consumer, lines } = createWatched()
  const handled = /** @type {string[]} */ ([])
  await consumer.subscribe({ topics: [new RegExp(`^${prefix}`)], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ topic }) => {
      handled.push(topic)
      throw new Error('no')
    },
    onFailure: { retries: 0, deadLetterTopic: `${prefix}.dead` }
  })
  const admin = createKafka({ brokers: cluster.brokers }).admin()
  await waitFor(async () => {
    const [{ high }] = await admin.fetchTopicOffsets(`${prefix}.dead`)
    return high === '1'
  })
  await admin.disconnect()
  expect(consumer.assignment()).toEqual([{ topic: prefix, partitions: [0] }])
  expect(handled).toEqual([prefix])
  expect(lines).toContain(
    `The pattern of consumer.subscribe() matches "${prefix}.dead", which is onFailure.deadLetterTopic: it is left out`
  )
})

it('a dead-letter topic that cannot be made is told with the reason', async () => {
  const topic = await createTopic({ brokers: cluster.brokers })
  const { consumer, lines } = createWatched()
  await consumer.subscribe({ topics: [topic] })
  await consumer.run({ eachMessage: async () => {}, onFailure: { deadLetterTopic: 'my dead' } })
  const [line] = lines.filter(text => text.startsWith('The topics of onFailure could not be made'))
  expect(line).toContain('"my dead": a name has 1 to 249 of the characters')
})

it('a partition to assign that there is not is told, and a topic that is made for it', async () => {
  const topic = await createTopic({ brokers: cluster.brokers })
  const missing = uniqueName('missing')
  const { consumer, lines } = createWatched({ groupId: null })
  await consumer.assign([topic, missing].map((name, i) => ({ topic: name, partition: 9 - 9 * i })))
  expect(await consumer.getOne({ timeout: 1 })).toBe(null)
  const expected = [
    `Topic "${topic}" has no partition 9, it has one, 0: what was assigned is waited for`,
    `Topic "${missing}" did not exist and was created (allowAutoTopicCreation)`
  ]
  await waitFor(() => expected.every(line => lines.includes(line)))
})

it('pause() of "partition" pauses all of the topic, as in kafkajs, and is told', async () => {
  const topic = await createTopic({ brokers: cluster.brokers })
  const { consumer, lines } = createWatched()
  await read(consumer, { topic })
  for (let n = 0; n < 2; n++) consumer.pause([{ topic, partition: 0 }])
  expect(lines.filter(line => line.includes('consumer.pause()'))).toEqual([
    `Unknown option "partition" of consumer.pause() is ignored: did you mean "partitions"? All partitions of "${topic}" are meant without it`
  ])
})

it('health() says that a transaction is open, which hides messages', async () => {
  const topic = await createTopic({ brokers: cluster.brokers })
  const kafka = createKafka({ brokers: cluster.brokers })
  const producer = kafka.producer({ transactionalId: uniqueName('tx') })
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: [{ value: 'x' }] })
  const { consumer } = createWatched({ maxWaitTimeInMs: 100 })
  await read(consumer, { topic })
  await waitFor(() => consumer.health().waitsFor?.message.includes('a transaction is open'))
  expect(consumer.health().waitsFor).toMatchObject({
    reason: 'messages',
    message: `All messages of "${topic}" partition 0 are read that can be: a transaction is open at offset 0, and hides what is behind it, up to 1`
  })
  await transaction.abort()
  await producer.disconnect()
})
