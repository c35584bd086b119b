// @ts-check
'use strict'

/** SASL on the real broker: who gets in, what the others are told, and that no secret is ever told. */

const { inspect } = require('node:util')
const { connections, unsecuredToken } = require('../kafka/connections')
const { createTopic, produce, sharedCluster } = require('../kafka/helpers')
const { startProxy } = require('../kafka/proxy')
const {
  createConsumer,
  createKafka,
  numbered,
  numbers,
  startConsumer,
  upTo,
  waitFor
} = require('./support')

const cluster = sharedCluster()
const { saslSsl, ssl, oauth } = cluster.listeners
const all = connections(cluster)
const [[username, password]] = Object.entries(cluster.users)
const WRONG = 'wrong-password-0123456789'
const DEBUG = 5
/** Its key. */
const SASL_AUTHENTICATE = 36

/** @param {any} sasl @returns {any} */
const overTls = sasl => ({ brokers: saslSsl, ssl: { ca: [cluster.ca] }, sasl })

/** @param {any} oauthBearerProvider @returns {any} */
const withTokens = oauthBearerProvider => ({
  brokers: oauth,
  sasl: { mechanism: 'oauthbearer', oauthBearerProvider }
})

/** Everything that was said, as one text. */
const createLog = () => {
  const entries = /** @type {any[]} */ ([])
  return {
    entries,
    options: { logLevel: DEBUG, logCreator: () => entry => entries.push(entry) },
    text: () => inspect(entries, { depth: null, maxStringLength: null })
  }
}

/**
 * What connect() rejects with.
 * @param {any} options of `new Kafka()`
 * @returns {Promise<any>}
 */
const failureOf = options =>
  createConsumer({ kafka: createKafka(options) })
    .connect()
    .then(
      () => {
        throw new Error('It has connected')
      },
      error => error
    )

/** Consumes ten messages. @param {any} options of `new Kafka()` */
const consume = async options => {
  const topic = await createTopic()
  await produce(topic, numbered(10))
  const { consumer, messages } = await startConsumer({
    topics: [topic],
    kafka: createKafka(options)
  })
  await waitFor(() => messages.length === 10)
  await consumer.disconnect()
  expect(numbers(messages)).toEqual(upTo(10))
}

describe.each([
  ['plain', 'SASL PLAIN'],
  ['scram-sha-256', 'SASL SCRAM SHA256'],
  ['scram-sha-512', 'SASL SCRAM SHA512']
])('%s', (mechanism, label) => {
  it('lets the right password in, and never tells it', async () => {
    const log = createLog()
    await consume({ ...overTls({ mechanism, username, password }), ...log.options })
    const messages = log.entries.map(
      ({ namespace, log: { message } }) => `[${namespace}] ${message}`
    )
    expect(messages).toContain(
      `[SaslAuthenticator-${mechanism.toUpperCase()}] ${label} authentication successful`
    )
    expect(log.text()).not.toContain(password)
  })

  it('rejects connect() at once for a wrong one', async () => {
    const log = createLog()
    const sasl = { mechanism, username, password: WRONG }
    const error = await failureOf({ ...overTls(sasl), ...log.options })
    expect(error).toMatchObject({ name: 'KafkaJSSASLAuthenticationError', retriable: false })
    expect(error.message).toMatch(
      new RegExp(`^${label} authentication failed: .*[Aa]uthentication`)
    )
    const attempts = log.entries.filter(({ log: { message } }) => message === 'Connecting')
    expect(attempts).toHaveLength(1)
    expect(log.text()).not.toContain(WRONG)
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain(WRONG)
  })

  it('names what is missing', async () => {
    const error = await failureOf(overTls({ mechanism, username }))
    expect(error).toMatchObject({ name: 'KafkaJSSASLAuthenticationError' })
    expect(error.message).toMatch(/^SASL .*: Invalid username or password/)
  })

  it('leaves the options as they were', async () => {
    const sasl = Object.freeze({ mechanism, username, password })
    await createConsumer({ kafka: createKafka(overTls(sasl)) }).connect()
  })
})

it('plain sends the authorizationIdentity, and takes its mechanism in any case', async () => {
  const sasl = { mechanism: 'PlAiN', username, password }
  await consume(overTls({ ...sasl, authorizationIdentity: username }))
  const error = await failureOf(overTls({ ...sasl, authorizationIdentity: 'somebody' }))
  expect(error.message).toContain('authorization id that is different from username')
})

it.each([[{}], [{ mechanism: null }]])('%j is a mistake in the program', async sasl => {
  const error = await failureOf(overTls(sasl))
  expect(error.name).toBe('TypeError')
})

describe('a listener', () => {
  it('that does not offer the mechanism says so, with its code', async () => {
    const sasl = { mechanism: 'scram-sha-1', username, password }
    expect(await failureOf(overTls(sasl))).toMatchObject({
      name: 'KafkaJSProtocolError',
      type: 'UNSUPPORTED_SASL_MECHANISM',
      code: 33,
      retriable: false,
      message: expect.stringMatching(/^The broker does not support the requested SASL mechanism/)
    })
  })

  it('without SASL does not take it', async () => {
    const error = await failureOf({ ...all.plain, brokers: ssl })
    expect(error).toMatchObject({ name: 'KafkaJSProtocolError', type: 'ILLEGAL_SASL_STATE' })
  })

  it('with SASL closes on those without, and the log has a guess', async () => {
    const log = createLog()
    const retry = { retries: 1, initialRetryTime: 10 }
    const error = await failureOf({ brokers: oauth, retry, ...log.options })
    expect(error).toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      cause: {
        name: 'KafkaJSConnectionClosedError',
        message: expect.stringMatching(/^Closed connection/)
      }
    })
    expect(log.text()).toContain('does this listener want SASL?')
  })
})

describe('oauthbearer', () => {
  it('asks for a token at every authentication, and never tells it', async () => {
    const tokens = /** @type {string[]} */ ([])
    const provider = jest.fn(async () => {
      tokens.push(unsecuredToken())
      return { value: tokens[tokens.length - 1], extensions: { traceId: 'x1' } }
    })
    const log = createLog()
    await consume({ ...withTokens(provider), ...log.options })
    // Requests, coordinator and fetches have connections of their own.
    expect(tokens.length).toBeGreaterThanOrEqual(3)
    for (const token of tokens) expect(log.text()).not.toContain(token)
  })

  it('rejects connect() at once when the broker refuses the token, and says what the broker said', async () => {
    const token = unsecuredToken({ lifetime: -60 })
    const provider = jest.fn(async () => ({ value: token }))
    const log = createLog()
    const error = await failureOf({ ...withTokens(provider), ...log.options })
    expect(error).toMatchObject({ name: 'KafkaJSSASLAuthenticationError', retriable: false })
    expect(error.message).toBe('SASL OAUTHBEARER authentication failed: {"status":"invalid_token"}')
    expect(provider).toHaveBeenCalledTimes(1)
    // In either order: the engine's lines come by themselves.
    const errors = () => log.entries.filter(({ label }) => label === 'ERROR')
    await waitFor(() => errors().length >= 2)
    expect(errors().map(entry => [entry.namespace, entry.log.message])).toEqual(
      expect.arrayContaining([
        ['BrokerPool', error.message],
        ['SaslAuthenticator-OAUTHBEARER', error.message]
      ])
    )
    expect(errors()).toHaveLength(2)
    expect(log.text()).not.toContain(token)
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain(token)
  })

  it('rejects with the very error of the provider', async () => {
    const down = new Error('the identity provider is down')
    const provider = jest.fn(async () => {
      throw down
    })
    expect(await failureOf(withTokens(provider))).toBe(down)
    expect(provider).toHaveBeenCalledTimes(1)
  })

  it('whose provider does not answer is a connection timeout after authenticationTimeout', async () => {
    const error = await failureOf({
      ...withTokens(() => new Promise(() => {})),
      authenticationTimeout: 100,
      retry: { retries: 1, initialRetryTime: 10 }
    })
    const message =
      'Connection timeout: SASL authentication did not end within authenticationTimeout (100 ms)'
    expect(error).toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      message,
      retryCount: 1,
      cause: { name: 'KafkaJSConnectionError', message, retriable: true }
    })
  })

  it('to which the broker does not answer is tried again', async () => {
    const [[, port]] = oauth.map(address => address.split(':'))
    const proxy = await startProxy({ target: Number(port), kafka: true })
    try {
      const provider = jest.fn(async () => ({ value: unsecuredToken() }))
      proxy.answer(SASL_AUTHENTICATE, () => Buffer.alloc(0), 1)
      const kafka = createKafka({
        ...withTokens(provider),
        brokers: [proxy.address],
        requestTimeout: 1000,
        retry: { initialRetryTime: 10 }
      })
      await createConsumer({ kafka }).connect()
      expect(provider.mock.calls.length).toBeGreaterThan(1)
    } finally {
      await proxy.close()
    }
  })

  it.each([
    ['is missing', { mechanism: 'oauthbearer' }, 'Missing OAuth bearer token provider'],
    [
      'has no token',
      { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({}) },
      'Invalid OAuth bearer token'
    ]
  ])('rejects when the provider %s', async (_, sasl, words) => {
    expect(await failureOf({ brokers: oauth, sasl })).toMatchObject({
      name: 'KafkaJSSASLAuthenticationError',
      message: `SASL OAUTHBEARER: ${words}`
    })
  })
})

describe('an authenticationProvider of the user', () => {
  /** What kafkajs's own PLAIN sends and expects: bytes behind their length. @param {string} secret */
  const plain =
    secret =>
    ({ host, port, logger, saslAuthenticate }) => ({
      authenticate: async () => {
        logger.info('mine', { broker: `${host}:${port}` })
        const message = Buffer.from(['', username, secret].join('\0'))
        const length = Buffer.alloc(4)
        length.writeInt32BE(message.length)
        const answer = await saslAuthenticate({
          request: { encode: async () => Buffer.concat([length, message]) },
          response: {
            decode: async bytes => ({ length: bytes.readInt32BE(0), rest: bytes.subarray(4) }),
            parse: async ({ length: size, rest }) => ({ size, rest })
          }
        })
        expect(answer).toEqual({ size: 0, rest: Buffer.alloc(0) })
      }
    })

  it('authenticates with the framing of kafkajs', async () => {
    const log = createLog()
    const authenticationProvider = plain(password)
    await consume({ ...overTls({ mechanism: 'plain', authenticationProvider }), ...log.options })
    const mine = log.entries.find(({ log: { message } }) => message === 'mine')
    expect(mine).toMatchObject({ namespace: 'SaslAuthenticator-PLAIN' })
    expect(saslSsl).toContain(mine.log.broker)
    expect(log.text()).not.toContain(password)
  })

  it('that is refused fails connect() with what it throws', async () => {
    const authenticationProvider = plain(WRONG)
    const error = await failureOf(overTls({ mechanism: 'PLAIN', authenticationProvider }))
    expect(error).toMatchObject({
      name: 'KafkaJSProtocolError',
      type: 'SASL_AUTHENTICATION_FAILED',
      code: 58,
      message: 'Authentication failed: Invalid username or password'
    })
  })
})

it('subscribe() without connect() is refused as well', async () => {
  const sasl = { mechanism: 'plain', username, password: WRONG }
  const consumer = createConsumer({ kafka: createKafka(overTls(sasl)) })
  await expect(consumer.subscribe({ topics: ['any'] })).rejects.toMatchObject({
    name: 'KafkaJSSASLAuthenticationError'
  })
})
