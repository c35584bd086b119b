// @ts-check
'use strict'

/**
 * What a person sees who connects in the wrong way: TLS, SASL, a listener of another kind, nobody there, and a pulled consumer that is
 * asked wrongly. A row for each; the client is any, they connect alike.
 */

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const net = require('node:net')
const tls = require('node:tls')
const { createAuthority } = require('../kafka/certificates')
const { connections } = require('../kafka/connections')
const { createTopic, produce, sharedCluster, waitFor } = require('../kafka/helpers')
const { SECRET, createLogs, expectTold, linesOf } = require('../consumer/told')
const { createConsumer, createKafka, errorOf } = require('./support')

const authority = createAuthority('somebody')
const certificate = (/** @type {any} */ options) =>
  authority.issue({ name: 'broker', hosts: ['127.0.0.1'], ...options })
const GOOD = certificate({})
const DEMANDS = { ...GOOD, requestCert: true, rejectUnauthorized: true, ca: [authority.cert] }
const day = (/** @type {string} */ text) => new Date(text)

/** @type {(net.Server | tls.Server)[]} */
const servers = []
/** @type {import('node:child_process').ChildProcess[]} */
const children = []
afterAll(() => {
  servers.forEach(server => server.close())
  children.forEach(child => child.kill('SIGKILL'))
})

/** That tries as often as `retry` of the client says. @param {any} options of `new Kafka()` */
const createAdmin = options => createKafka(options).admin()

/** @param {net.Server} server @returns {Promise<string[]>} */
const listening = async server => {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return [`127.0.0.1:${/** @type {net.AddressInfo} */ (server.address()).port}`]
}

/** A listener with TLS that is no Kafka. @param {tls.TlsOptions} options @param {any} [ssl] of the client */
const behindTls = (options, ssl) => async () => {
  const server = tls.createServer(options, socket => socket.on('error', () => {}))
  server.on('tlsClientError', () => {})
  return { brokers: await listening(server), ssl: { ca: [authority.cert], ...ssl } }
}

/** @param {(socket: net.Socket) => void} handle @param {any} [more] */
const behindTcp = (handle, more) => async () => {
  const server = net.createServer(socket => {
    socket.on('error', () => {})
    handle(socket)
  })
  return { brokers: await listening(server), ...more }
}

/** Listens and accepts nothing, behind a queue that is full. */
const DEAF = `
const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  require('node:fs').writeSync(1, String(server.address().port))
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})`

/** @returns {Promise<string>} where nothing answers, not even to a connection */
const swallowing = async () => {
  const child = spawn(process.execPath, ['-e', DEAF])
  children.push(child)
  const [port] = await once(child.stdout, 'data')
  const waiting = Array.from({ length: 8 }, () => net.connect(Number(port), '127.0.0.1'))
  for (const socket of waiting) socket.on('error', () => {})
  await waitFor(() => waiting.some(({ connecting }) => !connecting))
  return `127.0.0.1:${port}`
}

/** Answers ApiVersions as a broker does, and closes at the request behind it. @param {{ then?: (socket: net.Socket) => void }} [options] */
const afterVersions = ({ then = socket => socket.destroy() } = {}) => {
  const [upstream] = sharedCluster().brokers
  const [host, port] = upstream.split(':')
  return socket => {
    const broker = net.connect(Number(port), host)
    broker.on('error', () => {})
    let requests = 0
    socket.on('data', chunk => {
      if (++requests === 1) broker.write(chunk)
      else then(socket)
    })
    broker.on('data', chunk => socket.write(chunk))
    socket.on('close', () => broker.destroy())
  }
}

/**
 * @typedef {object} Row
 * @property {() => Promise<any>} to options of `new Kafka()`
 * @property {any} is
 * @property {(string | RegExp)[]} says
 * @property {string} [help]
 * @property {string[]} [not] and these not
 */

const at = listener => () => sharedCluster().listeners[listener]
const [plaintext, ssl, saslSsl, oauth] = ['plaintext', 'ssl', 'saslSsl', 'oauth'].map(at)
const trusted = () => ({ ca: [sharedCluster().ca] })
const known = () => connections(sharedCluster()).plain.sasl
const CONNECTION = { name: 'KafkaJSNumberOfRetriesExceeded' }
const because = code => ({ ...CONNECTION, cause: { name: 'KafkaJSConnectionError', code } })
const closed = { ...CONNECTION, cause: { name: 'KafkaJSConnectionClosedError' } }
const SASL = 'does this listener want SASL?'
const OTHER_KIND = 'this is a listener with TLS, spoken to in plain text: "ssl" is not given'

/** @type {Record<string, Row>} */
const MISTAKES = {
  'an authority that nobody trusts': {
    to: async () => ({ brokers: ssl(), ssl: { ca: [sharedCluster().otherCa] } }),
    is: because('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    says: ['ssl.ca has to have the CA that has signed it', /broker 127\.0\.0\.1:\d+/]
  },
  'no authority': {
    to: async () => ({ brokers: ssl(), ssl: true }),
    is: because('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    says: ['unless that is a public one']
  },
  'another host': {
    to: behindTls(certificate({ hosts: ['kafka.example.com'] })),
    is: because('ERR_TLS_CERT_ALTNAME_INVALID'),
    says: ["does not match certificate's altnames", 'broker 127.0.0.1:', 'or set ssl.servername']
  },
  'another servername': {
    to: async () => ({ brokers: ssl(), ssl: { ...trusted(), servername: 'b.example.com' } }),
    is: because('ERR_TLS_CERT_ALTNAME_INVALID'),
    says: ['b.example.com', 'DNS:localhost', 'connect by one of them']
  },
  'a certificate that has expired': {
    to: behindTls(certificate({ notBefore: day('2020-01-01'), notAfter: day('2021-01-01') })),
    is: because('CERT_HAS_EXPIRED'),
    says: ['certificate has expired', 'broker 127.0.0.1:', 'needs a new certificate']
  },
  'a certificate of the future': {
    to: behindTls(certificate({ notBefore: day('2048-01-01'), notAfter: day('2049-01-01') })),
    is: because('CERT_NOT_YET_VALID'),
    says: ['not yet valid', 'is the clock of this machine right']
  },
  'no certificate where one is demanded': {
    to: behindTls(DEMANDS),
    is: because('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'),
    says: ['broker 127.0.0.1:', 'demands a certificate of the client: give ssl.cert and ssl.key']
  },
  'no certificate where one is demanded, with TLS 1.2': {
    to: behindTls({ ...DEMANDS, maxVersion: 'TLSv1.2' }),
    is: { ...CONNECTION, cause: { code: expect.stringMatching(/HANDSHAKE_FAILURE$/) } },
    says: ['demands a certificate of the client: give ssl.cert and ssl.key']
  },
  'a certificate that the listener does not trust': {
    to: behindTls(DEMANDS, createAuthority('else').issue({ name: 'me' })),
    is: CONNECTION,
    says: ['ssl.cert'],
    not: [SASL]
  },
  'versions of TLS that have nothing in common': {
    to: behindTls({ ...GOOD, maxVersion: 'TLSv1.2' }, { minVersion: 'TLSv1.3' }),
    is: because('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'),
    says: ['minVersion and maxVersion of "ssl"']
  },
  'TLS to a listener without it': {
    to: async () => ({ brokers: plaintext(), ssl: trusted() }),
    is: because('ECONNRESET'),
    says: ['is this a listener with TLS?', /broker 127\.0\.0\.1:\d+/]
  },
  'plain text to a listener with TLS': {
    to: async () => ({ brokers: ssl() }),
    is: CONNECTION,
    says: [OTHER_KIND, /broker 127\.0\.0\.1:\d+/],
    not: [SASL]
  },
  'SASL in plain text to a listener with TLS': {
    to: async () => ({ brokers: saslSsl(), sasl: known() }),
    is: CONNECTION,
    says: [OTHER_KIND]
  },
  'no SASL to a listener with it': {
    to: async () => ({ brokers: oauth() }),
    is: closed,
    says: [SASL, '("sasl" is not given)', /127\.0\.0\.1:\d+ closed it at the first request, again/]
  },
  'no SASL to a listener with it and TLS': {
    to: async () => ({ brokers: saslSsl(), ssl: trusted() }),
    is: closed,
    says: [SASL]
  },
  'SASL to a listener without it': {
    to: async () => ({ brokers: plaintext(), sasl: known() }),
    is: { type: 'ILLEGAL_SASL_STATE', code: 34 },
    says: ['is a listener without SASL: leave out "sasl"'],
    help: 'sasl'
  },
  'a wrong password': {
    to: async () => ({
      ...connections(sharedCluster()).plain,
      sasl: { ...known(), password: SECRET }
    }),
    is: { name: 'KafkaJSSASLAuthenticationError' },
    says: ['Invalid username or password', 'broker 127.0.0.1:'],
    help: 'sasl'
  },
  'a wrong password, by SCRAM': {
    to: async () => {
      const { scram256 } = connections(sharedCluster())
      return { ...scram256, sasl: { ...scram256.sasl, password: SECRET } }
    },
    is: { name: 'KafkaJSSASLAuthenticationError' },
    says: ['invalid credentials with SASL mechanism SCRAM-SHA-256', 'broker 127.0.0.1:'],
    help: 'sasl'
  },
  'no Kafka': {
    to: behindTcp(socket =>
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    ),
    is: CONNECTION,
    says: [
      'this is a server of HTTP, and no Kafka listener: broker 127.0.0.1:',
      'has to have the port of a Kafka listener'
    ],
    not: [SASL]
  },
  'no Kafka, and nobody who is known': {
    to: behindTcp(socket => socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))),
    is: CONNECTION,
    says: [
      'announced a response of 1397966893 bytes, as no Kafka listener does: broker 127.0.0.1:'
    ],
    not: [SASL]
  },
  'a proxy that has nobody behind it': {
    to: behindTcp(socket => socket.once('data', () => socket.end())),
    is: closed,
    says: [
      'closed it before it has answered anything',
      'a proxy that is going down',
      '("ssl" is not'
    ],
    not: ['SASL']
  },
  'a proxy that drops': {
    to: behindTcp(socket => socket.resetAndDestroy()),
    is: because('ECONNRESET'),
    says: ['the other end has hung up: a broker or a proxy that is going down', /127\.0\.0\.1:\d+/],
    not: ['SASL']
  },
  'a broker that drops a client with SASL': {
    to: behindTcp(socket => socket.once('data', () => socket.end()), {
      sasl: { mechanism: 'plain', username: 'u', password: SECRET }
    }),
    is: closed,
    says: ['closed it while it was opened'],
    not: [SASL]
  },
  'nobody who answers': {
    to: behindTcp(() => {}, { requestTimeout: 300 }),
    is: { ...CONNECTION, cause: { name: 'KafkaJSRequestTimeoutError' } },
    says: ['timed out: broker 127.0.0.1:', 'has not answered within requestTimeout'],
    help: 'requests-time-out'
  },
  'nobody who answers in TLS': {
    to: behindTcp(() => {}, { connectionTimeout: 300, ssl: true }),
    is: CONNECTION,
    says: [
      'Connection timeout: broker 127.0.0.1:',
      'within connectionTimeout, or within authenticationTimeout once there was a connection: a firewall'
    ],
    not: [SASL]
  },
  // As a firewall does that drops what it does not know: the connections that wait to be accepted are as many as may.
  'a host that swallows everything': {
    to: async () => ({ brokers: [await swallowing()], connectionTimeout: 300 }),
    is: CONNECTION,
    says: [
      'Connection timeout: broker 127.0.0.1:',
      'within connectionTimeout',
      'a firewall, a broker that is busy or stands still'
    ],
    not: [SASL]
  },
  'nobody who listens, by IPv6': {
    to: async () => ({ brokers: ['[::1]:1'] }),
    is: { ...CONNECTION, cause: { code: expect.stringMatching(/^(ECONNREFUSED|EADDRNOTAVAIL)$/) } },
    says: ['[::1]:1'],
    not: ['broker ::1']
  },
  'nobody who listens': {
    to: async () => ({ brokers: ['127.0.0.1:1'] }),
    is: because('ECONNREFUSED'),
    says: ['ECONNREFUSED 127.0.0.1:1', 'is the port right, and is the broker up?']
  },
  'a host that there is not': {
    to: async () => ({ brokers: ['no-such-host.invalid:9092'] }),
    is: { ...CONNECTION, cause: { code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) } },
    says: ['no-such-host.invalid', /no such host|name server does not answer/]
  }
}

it.each(Object.entries(MISTAKES))('%s', async (_, { to, is, says, help, not = [] }) => {
  const { logs, logCreator } = createLogs()
  const kafka = {
    logLevel: 5,
    logCreator,
    retry: { retries: 1, initialRetryTime: 10 },
    ...(await to())
  }
  const error = await errorOf(createAdmin(kafka).connect())
  expectTold(error, { is, says, help: help ?? 'no-connection' }, logs)
  for (const text of not) expect(`${error.stack}${JSON.stringify(logs)}`).not.toContain(text)
})

describe('a broker that answers ApiVersions and closes is taken for one with SASL', () => {
  const lines = logs => linesOf(logs, 'ERROR').filter(line => line.includes('closed it'))
  const retry = { retries: 0 }

  it('only when it does so again', async () => {
    const { logs, logCreator } = createLogs()
    const to = await behindTcp(afterVersions())()
    const admin = createAdmin({
      ...to,
      logLevel: 5,
      logCreator,
      retry: { retries: 2, initialRetryTime: 10 }
    })
    await errorOf(admin.connect())
    expect(lines(logs).map(line => line.includes(SASL))).toEqual([false, true, true])
    expect(lines(logs)[0]).toContain(
      'a broker or a proxy that is going down, or a listener that wants SASL'
    )
  })

  it('and not by a client that it has served', async () => {
    const { logs, logCreator } = createLogs()
    let isUp = true
    const [upstream] = sharedCluster().brokers
    const [host, port] = upstream.split(':')
    const to = await behindTcp(socket => {
      if (!isUp) return afterVersions()(socket)
      const broker = net.connect(Number(port), host)
      broker.on('error', () => {})
      socket.pipe(broker).pipe(socket)
    })()
    const admin = createAdmin({ ...to, logLevel: 5, logCreator, retry })
    await admin.connect()
    await admin.disconnect()
    isUp = false
    for (let n = 0; n < 3; n++) await errorOf(admin.connect())
    expect(lines(logs)).toHaveLength(3)
    expect(JSON.stringify(logs)).not.toContain('SASL?')
    expect(lines(logs)[2]).toContain('at the first request: a broker or a proxy that is going down')
  })
})

describe('a consumer that is pulled', () => {
  const OPTIONS = 'options-and-arguments'
  const PATIENT = { timeout: 20_000 }
  const invalid = { name: 'KafkaJSNonRetriableError' }
  const typeError = { name: 'TypeError' }
  const place = topic => [{ topic, partition: 0 }]

  /** @type {Record<string, { options?: any, does: (consumer: any, topic: string) => any, is: any, says: string[], help?: string }>} */
  const PULLED = {
    'a value that is no JSON': {
      options: { valueDeserializer: 'json' },
      does: async (consumer, topic) => {
        await consumer.subscribe({ topics: [topic], fromBeginning: true })
        return consumer.getOne(PATIENT)
      },
      is: { name: 'KafkaJSDeserializationError', offset: '0', part: 'value' },
      says: ['The value of the message at offset 0 of partition 0 of topic', 'is not valid JSON'],
      help: 'messages-that-cannot-be-read'
    },
    'values that are no JSON': {
      options: { valueDeserializer: 'json' },
      does: async (consumer, topic) => {
        await consumer.assign(place(topic))
        await consumer.seek({ topic, partition: 0, offset: '0' })
        return consumer.getMany(PATIENT)
      },
      is: { name: 'KafkaJSDeserializationError' },
      says: ['at offset 0 of partition 0', 'is not valid JSON'],
      help: 'messages-that-cannot-be-read'
    },
    'a pull of one that is pushed': {
      does: async (consumer, topic) => {
        await consumer.subscribe({ topics: [topic] })
        await consumer.run({ eachMessage: async () => {} })
        return consumer.getOne({ timeout: 100 })
      },
      is: invalid,
      says: ['either pushed or pulled: this one has begun with run()']
    },
    'a push of one that is pulled': {
      does: async (consumer, topic) => {
        await consumer.subscribe({ topics: [topic] })
        await consumer.getOne({ timeout: 100 })
        return consumer.run({ eachMessage: async () => {} })
      },
      is: invalid,
      says: ['either pushed or pulled: this one has begun with pulling messages']
    },
    'two pulls at once': {
      does: async (consumer, topic) => {
        await consumer.subscribe({ topics: [topic] })
        return Promise.all([consumer.getOne({ timeout: 100 }), consumer.getOne({ timeout: 100 })])
      },
      is: invalid,
      says: ['Messages are being waited for already', 'one call at a time']
    },
    'subscribe() behind assign()': {
      does: async (consumer, topic) => {
        await consumer.assign(place(topic))
        return consumer.subscribe({ topics: [topic] })
      },
      is: invalid,
      says: ['reads what assign() says', 'after unsubscribe()']
    },
    'assign() behind subscribe()': {
      does: async (consumer, topic) => {
        await consumer.subscribe({ topics: [topic] })
        return consumer.assign(place(topic))
      },
      is: invalid,
      says: ['has subscribed', 'after unsubscribe()']
    },
    'an assignment that is a text': {
      does: consumer => consumer.assign('orders'),
      is: typeError,
      says: ['consumer.assign() takes a list', 'received "orders"']
    },
    'an assignment of whole topics': {
      does: consumer => consumer.assign(['orders']),
      is: invalid,
      says: ['expected { topic: "orders", partition: 0 }, received "orders"']
    },
    'a number for the options of getMany()': {
      does: consumer => consumer.getMany(5),
      is: invalid,
      says: ['consumer.getMany() takes an object, { timeout: 1000 }, received 5']
    },
    'null for the options of getOne()': {
      does: consumer => consumer.getOne(null),
      is: typeError,
      says: ['consumer.getOne() takes an object', 'received null']
    },
    'no records': {
      does: consumer => consumer.getMany({ maxRecords: 0 }),
      is: invalid,
      says: ['maxRecords of consumer.getMany() must be at least 1, received 0']
    },
    'a time with a unit': {
      does: consumer => consumer.getOne({ timeout: '5s' }),
      is: invalid,
      says: ['Invalid timeout, expected a number received 5s']
    },
    'partitions that are a text': {
      does: consumer => consumer.getOne({ partitions: 'orders' }),
      is: typeError,
      says: [
        'consumer.getOne() takes a list, [{ topic: "orders", partition: 0 }]',
        'received "orders"'
      ]
    },
    'a pull behind disconnect()': {
      does: async (consumer, topic) => {
        await consumer.subscribe({ topics: [topic] })
        await consumer.getOne({ timeout: 100 })
        await consumer.disconnect()
        return consumer.getOne({ timeout: 100 })
      },
      is: invalid,
      says: ['Disconnected: connect() has to be called'],
      help: 'ended-by-the-program'
    }
  }

  it.each(Object.entries(PULLED))('%s', async (_, { options, does, is, says, help = OPTIONS }) => {
    const topic = await createTopic()
    await produce(topic, [{ value: 'no JSON' }])
    const { logs, logCreator } = createLogs()
    const kafka = createKafka({ logLevel: 5, logCreator })
    const consumer = createConsumer({ kafka, ...options })
    const error = await errorOf(Promise.resolve(does(consumer, topic)))
    expectTold(error, { is, says, help }, logs)
  })
})
