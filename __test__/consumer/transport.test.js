// @ts-check
'use strict'

/** TCP and TLS: what connects, and what those who do not connect are told. */

const crypto = require('node:crypto')
const { execFileSync } = require('node:child_process')
const { once } = require('node:events')
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const net = require('node:net')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const tls = require('node:tls')
const { createAuthority } = require('../kafka/certificates')
const { connections } = require('../kafka/connections')
const { createTopic, produce, sharedCluster } = require('../kafka/helpers')
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
const { ssl: sslListener, plaintext } = cluster.listeners
const all = connections(cluster)
const ca = [cluster.ca]

/** Two attempts, soon after each other. */
const RETRY = { retries: 1, initialRetryTime: 10 }

/** @param {any} options of `new Kafka()` */
const connect = async options => {
  const consumer = createConsumer({ kafka: createKafka({ retry: RETRY, ...options }) })
  await consumer.connect()
}

/** What connect() rejects with. @param {any} options @returns {Promise<any>} */
const failureOf = options =>
  connect(options).then(
    () => {
      throw new Error('It has connected')
    },
    error => error
  )

/**
 * A failure that is retried looks like kafkajs's: its words outside, the reason inside.
 * @param {any} error
 * @param {{ code?: string, message: string }} reason
 */
const expectConnectionError = (error, { code, message }) => {
  expect(error).toMatchObject({ name: 'KafkaJSNumberOfRetriesExceeded', retryCount: 1 })
  expect(error.message).toContain(message)
  expect(error.cause).toMatchObject({ name: 'KafkaJSConnectionError', message: error.message })
  expect(error.cause.broker).toMatch(/:\d+$/)
  if (code) expect(error.cause.code).toBe(code)
}

/** Servers that speak TLS and no word of Kafka. @type {net.Server[]} */
const servers = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/**
 * @param {net.Server} server
 * @returns {Promise<string>} its address
 */
const listen = async server => {
  servers.push(server)
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${/** @type {net.AddressInfo} */ (server.address()).port}`
}

/** Takes every client and says goodbye. @param {net.Socket} socket */
const goodbye = socket => {
  socket.on('error', () => {})
  socket.end()
}

describe('a listener with TLS', () => {
  it.each([
    ['the authority of its certificate', all.ssl],
    ['several authorities', { ...all.ssl, ssl: { ca: [cluster.otherCa, cluster.ca] } }],
    ['an authority as a Buffer', { ...all.ssl, ssl: { ca: Buffer.from(cluster.ca) } }],
    ['a client certificate', all.mutualTls],
    ['no verification', { ...all.ssl, ssl: { rejectUnauthorized: false } }],
    [
      'no verification, and an odd ca',
      { ...all.ssl, ssl: { rejectUnauthorized: false, ca: 'old' } }
    ],
    ['a server name', { ...all.ssl, ssl: { ca, servername: 'localhost' } }],
    ['a lowest version', { ...all.ssl, ssl: { ca, minVersion: 'TLSv1.3' } }],
    ['a highest version', { ...all.ssl, ssl: { ca, maxVersion: 'TLSv1.2' } }],
    ['ciphers', { ...all.ssl, ssl: { ca, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } }],
    ['a curve', { ...all.ssl, ssl: { ca, ecdhCurve: 'secp384r1' } }]
  ])('is consumed from with %s', async (_, options) => {
    const topic = await createTopic()
    await produce(topic, numbered(10))
    const kafka = createKafka(/** @type {any} */ (options))
    const { messages } = await startConsumer({ topics: [topic], kafka })
    await waitFor(() => messages.length === 10)
    expect(numbers(messages)).toEqual(upTo(10))
  })

  it('of a private authority is not trusted by `ssl: true`, which says what to do', async () => {
    const error = await failureOf({ brokers: sslListener, ssl: true })
    expectConnectionError(error, {
      code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      message: 'Connection error: unable to verify the first certificate'
    })
    expect(error.message).toContain('ssl.ca')
  })

  it('of another authority than the one given is not trusted', async () => {
    expectConnectionError(
      await failureOf({ brokers: sslListener, ssl: { ca: [cluster.otherCa] } }),
      {
        code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
        message: 'Connection error: unable to verify the first certificate'
      }
    )
  })

  it('is refused when it goes by another name', async () => {
    const ssl = { ca, servername: 'kafka.example' }
    expectConnectionError(await failureOf({ brokers: sslListener, ssl }), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      message:
        "Hostname/IP does not match certificate's altnames: Host: kafka.example. is not in the cert's altnames: IP Address:127.0.0.1, DNS:localhost"
    })
  })

  it('is refused when its certificate has expired', async () => {
    const authority = createAuthority('an authority')
    const yesterday = new Date(Date.now() - 24 * 60 * 60 * 1000)
    const lastYear = new Date(Date.now() - 365 * 24 * 60 * 60 * 1000)
    const times = { notBefore: lastYear, notAfter: yesterday }
    const expired = authority.issue({ name: 'broker', hosts: ['127.0.0.1'], ...times })
    const address = await listen(tls.createServer(expired, goodbye))
    expectConnectionError(await failureOf({ brokers: [address], ssl: { ca: authority.cert } }), {
      code: 'CERT_HAS_EXPIRED',
      message: 'Connection error: certificate has expired'
    })
  })

  it('is refused when its certificate is for another host', async () => {
    const authority = createAuthority('an authority')
    const elsewhere = authority.issue({ name: 'broker', hosts: ['kafka.example', '10.0.0.1'] })
    const address = await listen(tls.createServer(elsewhere, goodbye))
    expectConnectionError(await failureOf({ brokers: [address], ssl: { ca: authority.cert } }), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      message:
        "Connection error: Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list: 10.0.0.1"
    })
  })

  it.each([
    ['cipher', { ciphers: 'TLS_AES_256_GCM_SHA384' }, { ciphers: 'TLS_AES_128_GCM_SHA256' }],
    ['curve', { ecdhCurve: 'P-384' }, { ecdhCurve: 'P-256' }]
  ])('that has no %s of ours is refused', async (_, theirs, ours) => {
    const authority = createAuthority('an authority')
    const broker = authority.issue({ name: 'broker', hosts: ['127.0.0.1'] })
    const brokers = [await listen(tls.createServer({ ...broker, ...theirs }, goodbye))]
    const error = await failureOf({ brokers, ssl: { ca: authority.cert, ...ours } })
    expectConnectionError(error, { message: 'Connection error: ' })
    expect(error.message).toMatch(/handshake.?failure/i)
  })

  it('elsewhere than the brokers say is named by ssl.host and ssl.port', async () => {
    const [host, port] = sslListener[0].split(':')
    const topic = await createTopic()
    await produce(topic, numbered(10))
    const kafka = createKafka({ brokers: ['127.0.0.1:1'], ssl: { ca, host, port: Number(port) } })
    const { messages } = await startConsumer({ topics: [topic], kafka })
    await waitFor(() => messages.length === 10)
    expect(numbers(messages)).toEqual(upTo(10))
  })

  it.each([
    ['a broker keeps its name', 'kafka.example', 'kafka.example'],
    ['the name is that of ssl.host if the broker is an IP address', '10.0.0.1', 'localhost']
  ])('elsewhere than the brokers say: %s', async (_, broker, name) => {
    const authority = createAuthority('an authority')
    const stranger = authority.issue({ name: 'broker', hosts: ['a.stranger'] })
    const [, port] = (await listen(tls.createServer(stranger, goodbye))).split(':')
    const ssl = { ca: authority.cert, host: 'localhost', port: Number(port) }
    expectConnectionError(await failureOf({ brokers: [`${broker}:1`], ssl }), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      message: `Hostname/IP does not match certificate's altnames: Host: ${name}. is not in the cert's altnames: DNS:a.stranger`
    })
  })

  it('that speaks no version we accept is refused', async () => {
    const authority = createAuthority('an authority')
    const broker = authority.issue({ name: 'broker', hosts: ['127.0.0.1'] })
    const old = tls.createServer({ ...broker, maxVersion: 'TLSv1.2' }, goodbye)
    const ssl = { ca: authority.cert, minVersion: 'TLSv1.3' }
    const error = await failureOf({ brokers: [await listen(old)], ssl })
    expectConnectionError(error, { message: 'Connection error: ' })
    expect(error.message).toMatch(/version/i)
  })
})

describe('a client certificate', () => {
  const authority = createAuthority('an authority')
  const broker = authority.issue({ name: 'broker', hosts: ['127.0.0.1'] })
  const client = authority.issue({ name: 'a client' })
  const passphrase = 'correct horse'
  const key = crypto.createPrivateKey(client.key)
  const encrypted = (/** @type {'pkcs8' | 'sec1'} */ type) =>
    key.export(/** @type {any} */ ({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase }))
  /** @type {Buffer} */
  let pfx

  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), 'kafkars-'))
    const file = join(folder, 'client')
    writeFileSync(`${file}.pem`, client.key + client.cert)
    const out = ['-passout', `pass:${passphrase}`, '-out', `${file}.p12`]
    execFileSync('openssl', ['pkcs12', '-export', '-in', `${file}.pem`, ...out])
    pfx = readFileSync(`${file}.p12`)
    rmSync(folder, { recursive: true })
  })

  /** Who showed up at a server that insists on certificates. @param {any} ssl */
  const seenBy = async ssl => {
    const names = /** @type {any[]} */ ([])
    const options = { ...broker, ca: authority.cert, requestCert: true, rejectUnauthorized: true }
    const server = tls.createServer(options, socket => {
      names.push(socket.getPeerCertificate().subject.CN)
      goodbye(socket)
    })
    const brokers = [await listen(server)]
    const retry = { retries: 0 }
    const error = await failureOf({ brokers, retry, ssl: { ca: authority.cert, ...ssl } })
    return { names, error }
  }

  it.each([
    ['its key', () => ({ cert: client.cert, key: client.key })],
    ['an encrypted key', () => ({ cert: client.cert, key: encrypted('pkcs8'), passphrase })],
    [
      'a key encrypted as openssl used to',
      () => ({ cert: client.cert, key: encrypted('sec1'), passphrase })
    ],
    ['a pfx file', () => ({ pfx, passphrase })]
  ])('is shown with %s', async (_, identity) => {
    const { names } = await seenBy(identity())
    expect(names).toEqual(['a client'])
  })

  it('that is missing ends the connection, and the reason is said', async () => {
    const { names, error } = await seenBy({})
    expect(names).toEqual([])
    expect(error.message).toMatch(/certificate.?required/i)
  })

  it('whose passphrase is wrong is refused, without a word of it', async () => {
    const wrong = { cert: client.cert, key: encrypted('pkcs8'), passphrase: 'battery staple' }
    const { error } = await seenBy(wrong)
    expect(error).toMatchObject({ name: 'KafkaJSNonRetriableError' })
    expect(error.message).toMatch(/^ssl\.key cannot be read: /)
    expect(error.message).not.toContain('battery')
  })

  it('of an authority that the broker does not know ends the connection', async () => {
    const stranger = createAuthority('a stranger').issue({ name: 'a client' })
    const error = await failureOf({
      brokers: sslListener,
      ssl: { ca, cert: stranger.cert, key: stranger.key }
    })
    expectConnectionError(error, { message: 'Connection error: ' })
    expect(error.message).toMatch(/certificate/i)
  })
})

describe('material that cannot be used', () => {
  it.each([
    ['a ca that is none', { ca: 'no PEM' }, /ssl\.ca/],
    ['a certificate without its key', { ca, cert: cluster.clientCert }, /ssl\.key/],
    [
      "a certificate with another's key",
      { ca, cert: cluster.clientCert, key: createAuthority('x').issue({ name: 'x' }).key },
      /ssl\.key/
    ]
  ])('is refused by name, before anything is connected: %s', async (_, ssl, field) => {
    const error = await failureOf({ brokers: sslListener, ssl })
    expect(error).toMatchObject({ name: 'KafkaJSNonRetriableError', retriable: false })
    expect(error.message).toMatch(field)
  })
})

describe('what the engine cannot honour', () => {
  it.each([
    ['secureContext', { secureContext: {} }],
    ['crl', { crl: cluster.ca }],
    ['localAddress', { localAddress: '127.0.0.1' }],
    ['timeout', { timeout: 60_000 }]
  ])('is refused at once, by name: %s', (field, ssl) => {
    const construct = () => createKafka({ ssl: { ca, .../** @type {any} */ (ssl) } })
    expect(construct).toThrow(
      expect.objectContaining({
        name: 'KafkaJSNonRetriableError',
        message: expect.stringContaining(`ssl.${field} `)
      })
    )
  })
})

describe('a listener of the other kind', () => {
  // Not by a timeout, whose words would be others.
  it('with TLS, spoken to in plain text, is recognised', async () => {
    const error = await failureOf({ brokers: sslListener })
    expectConnectionError(error, { message: 'this is a listener with TLS' })
  })

  it('without TLS, greeted with TLS, is recognised', async () => {
    const error = await failureOf({ brokers: plaintext, ssl: { ca } })
    expectConnectionError(error, { message: 'is this a listener with TLS?' })
  })

  it('that never answers a greeting is given up after the connection timeout', async () => {
    const silent = await listen(net.createServer(socket => socket.on('error', () => {}).resume()))
    const error = await failureOf({ brokers: [silent], ssl: { ca }, connectionTimeout: 100 })
    expectConnectionError(error, { message: 'Connection timeout' })
  })
})

describe('brokers', () => {
  it('may be an async function, asked again for every seed', async () => {
    const brokers = jest.fn(async () =>
      brokers.mock.calls.length === 1 ? ['127.0.0.1:1'] : plaintext
    )
    await connect({ brokers })
    expect(brokers).toHaveBeenCalledTimes(2)
  })

  it('that are not there: every seed in turn, a line for each, and then the error', async () => {
    const lines = /** @type {any[]} */ ([])
    const error = await failureOf({
      brokers: ['127.0.0.1:1', '127.0.0.1:2'],
      retry: { retries: 3, initialRetryTime: 10 },
      logLevel: 1,
      logCreator: () => entry => lines.push(entry)
    })
    expect(error).toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      message: 'Connection error: connect ECONNREFUSED 127.0.0.1:2',
      retriable: false,
      retryCount: 3,
      cause: { name: 'KafkaJSConnectionError', code: 'ECONNREFUSED', broker: '127.0.0.1:2' }
    })
    const attempts = lines.filter(({ namespace }) => namespace === 'BrokerPool')
    expect(attempts.map(({ log }) => [log.message, log.retryCount])).toEqual(
      [1, 2, 1, 2].map((port, attempt) => [
        `Failed to connect to seed broker, trying another broker from the list: Connection error: connect ECONNREFUSED 127.0.0.1:${port}`,
        attempt
      ])
    )
    const engine = lines.filter(({ namespace }) => namespace === 'Connection')
    expect(engine.map(({ log }) => log.broker)).toEqual(
      [1, 2, 1, 2].map(port => `127.0.0.1:${port}`)
    )
  })
})
