// @ts-check
'use strict'

/** `ssl.checkServerIdentity`, and by which names brokers may go without it: as with `tls.connect`. */

const { once } = require('node:events')
const { join } = require('node:path')
const tls = require('node:tls')
const { Worker } = require('node:worker_threads')
const { createAuthority } = require('../kafka/certificates')
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
const { ssl: brokers } = cluster.listeners
const ca = [cluster.ca]
const [[broker, sslPort]] = brokers.map(address => address.split(':'))

/** Of a name that the certificates of the fixture do not have. */
const servername = 'kafka.example'

/** @param {any} ssl @param {string[]} [seeds] */
const connect = async (ssl, seeds = brokers) => {
  const kafka = createKafka({ brokers: seeds, ssl, retry: { retries: 1, initialRetryTime: 10 } })
  await createConsumer({ kafka }).connect()
}

/** What connect() rejects with. @param {any} ssl @param {string[]} [seeds] @returns {Promise<any>} */
const failureOf = (ssl, seeds) =>
  connect(ssl, seeds).then(
    () => {
      throw new Error('It has connected')
    },
    error => error
  )

/**
 * @param {any} error
 * @param {{ code?: string, message: string }} reason
 */
const expectRefusal = (error, { code, message }) => {
  expect(error).toMatchObject({ name: 'KafkaJSNumberOfRetriesExceeded', message, retryCount: 1 })
  expect(error.cause).toMatchObject({ name: 'KafkaJSConnectionError', message, retriable: true })
  expect(error.cause.broker).toMatch(/:\d+$/)
  expect(error.cause.code).toBe(code)
}

/** What tls.connect gives the function. @param {tls.ConnectionOptions} options @returns {Promise<any[]>} */
const givenByNode = async options => {
  const check = jest.fn()
  const socket = tls.connect({ ...options, checkServerIdentity: check })
  await once(socket, 'secureConnect')
  socket.destroy()
  return check.mock.calls[0]
}

/** Servers with a certificate, and what their clients said before they were hung up on. @type {tls.Server[]} */
const servers = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** @param {{ cert: string, key: string }} identity */
const listen = async identity => {
  let heard = 0
  const server = tls.createServer(identity, socket => {
    socket.on('error', () => {})
    socket.once('data', ({ length }) => {
      heard += length
      socket.destroy()
    })
  })
  servers.push(server)
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return { port, heard: () => heard }
}

describe('checkServerIdentity', () => {
  it('that has nothing to object lets brokers go by any name', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(10))
    const ssl = { ca, servername, checkServerIdentity: () => undefined }
    const kafka = createKafka({ brokers, ssl })
    const { messages } = await startConsumer({ topics: [topic], kafka })
    await waitFor(() => messages.length === 10)
    expect(numbers(messages)).toEqual(upTo(10))
  })

  it('is asked by an admin client too', async () => {
    const check = jest.fn()
    const admin = createKafka({ brokers, ssl: { ca, checkServerIdentity: check } }).admin()
    await admin.connect()
    const { brokers: found } = await admin.describeCluster()
    await admin.disconnect()
    expect(found.map(({ host }) => host)).toEqual([broker])
    expect(check).toHaveBeenCalledWith(broker, expect.anything())
  })

  it('is asked for every connection, with the host as it is known', async () => {
    const check = jest.fn()
    const topic = await createTopic()
    await produce(topic, numbered(1))
    const ssl = { ca, checkServerIdentity: check }
    const kafka = createKafka({ brokers: [`localhost:${sslPort}`], ssl })
    const { consumer, messages } = await startConsumer({ topics: [topic], kafka })
    await waitFor(() => messages.length === 1)
    const names = check.mock.calls.map(([name]) => name)
    expect(names[0]).toBe('localhost')
    // What the broker calls itself.
    expect(names.slice(1)).toContain('127.0.0.1')
    expect(new Set(names)).toEqual(new Set(['localhost', '127.0.0.1']))
    await consumer.disconnect()
    check.mockClear()
    await consumer.connect()
    expect(check).toHaveBeenCalledWith('localhost', expect.anything())
  })

  it('is asked in a worker thread', async () => {
    const program = join(__dirname, 'programs/identity.js')
    const worker = new Worker(program, { workerData: { brokers, ca } })
    const ended = once(worker, 'exit')
    const [asked] = await once(worker, 'message')
    const { subject } = (await givenByNode({ host: broker, port: Number(sslPort), ca }))[1]
    expect(asked[0]).toEqual([servername, subject.CN])
    await ended
  })

  it('is given what tls.connect gives, up to the root', async () => {
    const check = jest.fn()
    await connect({ ca: [cluster.otherCa, ...ca], checkServerIdentity: check })
    const given = await givenByNode({ host: broker, port: Number(sslPort), ca })
    const [name, certificate] = check.mock.calls[0]
    expect([name, certificate]).toEqual(given)
    expect(certificate.issuerCertificate.issuerCertificate).toBe(certificate.issuerCertificate)
    expect(certificate.raw).toBeInstanceOf(Buffer)
  })

  it('is given the servername if there is one', async () => {
    const check = jest.fn()
    await connect({ ca, servername, checkServerIdentity: check })
    const names = new Set(check.mock.calls.map(([name]) => name))
    expect(names).toEqual(new Set([servername]))
  })

  it.each([
    ['an error', new Error('not ours'), undefined],
    ['an error with a code', Object.assign(new Error('not ours'), { code: 'EPIN' }), 'EPIN'],
    ['what looks like an error', { message: 'not ours', code: 'EPIN' }, 'EPIN']
  ])('that returns %s refuses the broker with it', async (_, error, code) => {
    const ssl = { ca, checkServerIdentity: () => error }
    expectRefusal(await failureOf(ssl), { code, message: 'Connection error: not ours' })
  })

  it.each([null, false, 0, ''])('that returns %p has nothing to object', async answer => {
    await connect({ ca, servername, checkServerIdentity: () => answer })
  })

  it('that returns anything else refuses the broker', async () => {
    for (const answer of [true, 'no']) {
      const error = await failureOf({ ca, checkServerIdentity: () => answer })
      expect(error.cause).toMatchObject({ name: 'KafkaJSConnectionError', retriable: true })
    }
  })

  it('that returns a promise refuses the broker, and says why', async () => {
    expectRefusal(await failureOf({ ca, checkServerIdentity: async () => undefined }), {
      message:
        'Connection error: ssl.checkServerIdentity has to return undefined or an Error, received a promise'
    })
  })

  it('that throws refuses the broker with what it throws', async () => {
    const error = Object.assign(new Error('not ours'), { code: 'EPIN' })
    let calls = 0
    // Once: kafkajs makes an uncaught exception of it, which must not come when the spec is over.
    const checkServerIdentity = () => {
      if (calls++ === 0) throw error
      return error
    }
    expectRefusal(await failureOf({ ca, checkServerIdentity }), {
      code: 'EPIN',
      message: 'Connection error: not ours'
    })
  })

  it('may change its mind', async () => {
    let answers = 0
    const checkServerIdentity = () => (answers++ === 0 ? new Error('not yet') : undefined)
    await connect({ ca, checkServerIdentity })
    expect(answers).toBeGreaterThan(1)
  })

  it('is not asked about a certificate that is not trusted', async () => {
    const check = jest.fn()
    const error = await failureOf({ ca: [cluster.otherCa], checkServerIdentity: check })
    expect(error.cause.code).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    expect(check).not.toHaveBeenCalled()
  })

  it('that objects is of no effect without verification', async () => {
    const checkServerIdentity = () => new Error('not ours')
    await connect({ ca, rejectUnauthorized: false, checkServerIdentity })
  })

  it('is not called without verification', async () => {
    const check = jest.fn()
    await connect({ ca, rejectUnauthorized: false, checkServerIdentity: check })
    expect(check).not.toHaveBeenCalled()
  })

  it('that objects keeps the broker from hearing a word', async () => {
    const authority = createAuthority('an authority')
    const { port, heard } = await listen(authority.issue({ name: 'x', hosts: ['127.0.0.1'] }))
    const ssl = { ca: authority.cert, checkServerIdentity: () => new Error('not ours') }
    await failureOf(ssl, [`127.0.0.1:${port}`])
    expect(heard()).toBe(0)
    await failureOf({ ...ssl, checkServerIdentity: () => undefined }, [`127.0.0.1:${port}`])
    expect(heard()).toBeGreaterThan(0)
  })
})

describe.each([
  ["Node's own function", { checkServerIdentity: tls.checkServerIdentity }],
  ['no function', {}]
])('with %s', (_, options) => {
  it('a broker goes by the names in its certificate', async () => {
    await connect({ ca, ...options })
    await connect({ ca, ...options }, [`localhost:${sslPort}`])
    expectRefusal(await failureOf({ ca, servername, ...options }), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      message:
        "Connection error: Hostname/IP does not match certificate's altnames: Host: kafka.example. is not in the cert's altnames: IP Address:127.0.0.1, DNS:localhost"
    })
  })

  it('a broker without any goes by the common name', async () => {
    const authority = createAuthority('an authority')
    const { port, heard } = await listen(authority.issue({ name: 'localhost' }))
    const ssl = { ca: authority.cert, ...options }
    await failureOf(ssl, [`localhost:${port}`])
    expect(heard()).toBeGreaterThan(0)
    expectRefusal(await failureOf({ ...ssl, servername }, [`localhost:${port}`]), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      message:
        "Connection error: Hostname/IP does not match certificate's altnames: Host: kafka.example. is not cert's CN: localhost"
    })
    expectRefusal(await failureOf(ssl, [`127.0.0.1:${port}`]), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      message:
        "Connection error: Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list: "
    })
  })
})

it("what a program puts in the place of Node's function is asked", async () => {
  const check = jest.spyOn(tls, 'checkServerIdentity').mockReturnValue(new Error('not ours'))
  try {
    expectRefusal(await failureOf({ ca }), { message: 'Connection error: not ours' })
    expect(check).toHaveBeenCalledWith(broker, expect.anything())
  } finally {
    check.mockRestore()
  }
})
