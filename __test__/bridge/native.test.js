// @ts-check
'use strict'

/** The addon itself, called in ways in which the facade never calls it: it may refuse, it must not crash or hang. */

const net = require('node:net')
const { once } = require('node:events')
const { setTimeout: pause } = require('node:timers/promises')
const native = require('../../src/native')
const { createCells } = require('../../src/consumer/cells')

const CLIENT = {
  clientId: 'bridge',
  connectionTimeout: 200,
  authenticationTimeout: 200,
  reauthenticationThreshold: 1000,
  requestTimeout: 200,
  maxInFlightRequests: null,
  lookup: false,
  tls: null,
  sasl: null
}

const CONSUMER = {
  groupId: 'bridge',
  groupInstanceId: null,
  sessionTimeout: 1000,
  rebalanceTimeout: 1000,
  heartbeatInterval: 100,
  maxPollInterval: 1000,
  metadataMaxAge: 1000,
  allowAutoTopicCreation: false,
  maxBytesPerPartition: 1000,
  minBytes: 1,
  maxBytes: 1000,
  maxWaitTimeInMs: 100,
  maxQueuedBytes: 1000,
  maxDecompressedBytes: 1_000_000,
  readUncommitted: false,
  rackId: '',
  checkCrcs: true,
  setsAside: false,
  autoOffsetReset: null,
  autoOffsetResetDuration: null,
  autoCommit: true,
  autoCommitInterval: null,
  autoCommitThreshold: null,
  lanes: 2,
  keepsFinished: false,
  assignors: ['range', 'eager'],
  groupProtocol: 'classic',
  groupRemoteAssignor: null,
  hooks: { assigned: false, revoked: false, lost: false }
}

const none = () => {}

const createClient = (options = {}, notify = none) =>
  new native.NativeClient({ ...CLIENT, ...options }, notify, new native.NativeSiblings())

/** By the consumer that was told. @type {WeakMap<object, any[]>} */
const told = new WeakMap()

const createConsumer = (client = createClient(), { cells = createCells(2), ...options } = {}) => {
  /** @type {any[]} */
  const heard = []
  const notify = (/** @type {any} */ event) => void heard.push(event)
  const consumer = new native.NativeConsumer(client, { ...CONSUMER, ...options }, cells, notify)
  told.set(consumer, heard)
  return consumer
}

/** Every method with arguments of the right types. */
const CALLS = /** @type {[string, (consumer: any) => any][]} */ ([
  ['give', consumer => consumer.give(new Uint8Array(1024))],
  ['take', consumer => consumer.take(0)],
  ['take of a lane that does not exist', consumer => consumer.take(4_000_000_000)],
  ['takeStaged', consumer => consumer.takeStaged(0, new Uint8Array(10))],
  ['takeStaged of no lane', consumer => consumer.takeStaged(99, new Uint8Array(0))],
  ['slot', consumer => consumer.slot(12345)],
  ['finish', consumer => consumer.finish(0, 0)],
  ['finish of no lane', consumer => consumer.finish(99, NaN)],
  ['finish for ever', consumer => consumer.finish(0, Infinity)],
  ['resolve', consumer => consumer.resolve(0, '9223372036854775807')],
  ['sendCommits', consumer => consumer.sendCommits()],
  ['isCommitNecessary', consumer => consumer.isCommitNecessary()],
  ['seek', consumer => consumer.seek('t', 0, '5')],
  ['seek of the last offset', consumer => consumer.seek('t', -1, '9223372036854775807')],
  ['pause', consumer => consumer.pause('t', [0, -1, 2147483647])],
  ['resume', consumer => consumer.resume('t', null)],
  ['paused', consumer => consumer.paused()],
  ['progresses', consumer => consumer.progresses()],
  ['health', consumer => consumer.health()],
  ['uncommitted', consumer => consumer.uncommitted(new BigInt64Array(2))],
  ['completeProtocols', consumer => consumer.completeProtocols(99, null, [])],
  ['completeJoin', consumer => consumer.completeJoin()],
  ['completeAssign', consumer => consumer.completeAssign(99, 'error', [], [])],
  ['enableFetchEvents', consumer => consumer.enableFetchEvents()],
  ['enableCommitEvents', consumer => consumer.enableCommitEvents()]
])

describe.each([
  ['before start()', async () => createConsumer()],
  [
    'after start() without a broker',
    async () => {
      const consumer = createConsumer()
      consumer.start([{ topic: 't', fromBeginning: true }])
      return consumer
    }
  ],
  [
    'after stop()',
    async () => {
      const consumer = createConsumer()
      await consumer.stop()
      return consumer
    }
  ],
  [
    'after start() and stop()',
    async () => {
      const consumer = createConsumer()
      consumer.start([])
      await consumer.stop()
      return consumer
    }
  ],
  [
    'after the client is closed',
    async () => {
      const client = createClient()
      const consumer = createConsumer(client)
      consumer.start([{ topic: 't', fromBeginning: true }])
      await client.close()
      return consumer
    }
  ]
])('a consumer %s', (_, create) => {
  it.each(CALLS)('%s', async (__, call) => {
    const consumer = await create()
    expect(() => call(consumer)).not.toThrow()
    await consumer.stop()
  })

  it('commits end', async () => {
    const consumer = await create()
    const offsets = [{ topic: 't', partition: 0, offset: '1', metadata: null, leaderEpoch: null }]
    const asked = [
      consumer.commit(null),
      consumer.commit(offsets),
      consumer.commitIfNecessary(),
      consumer.commit([]),
      consumer.heartbeat()
    ]
    await consumer.stop()
    const heard = /** @type {any[]} */ (told.get(consumer))
    for (const answer of asked) {
      if (typeof answer === 'number') {
        expect(heard.filter(event => event === answer || event.ticket === answer)).toHaveLength(1)
      } else expect(answer.failure).toBeTruthy()
    }
  })

  it('stops, again and again', async () => {
    const consumer = await create()
    await Promise.all([consumer.stop(), consumer.stop()])
    await consumer.stop()
  })
})

describe('arguments of a wrong type are refused', () => {
  it.each([
    [
      'no client',
      () => new native.NativeConsumer(/** @type {any} */ ({}), CONSUMER, createCells(2), none)
    ],
    ['cells that are too short', () => createConsumer(undefined, { cells: new Int32Array(4) })],
    [
      'cells of another type',
      () => createConsumer(undefined, { cells: /** @type {any} */ (new Float64Array(999)) })
    ],
    ['an offset that is none', () => createConsumer().seek('t', 0, 'x')],
    ['an offset beyond int64', () => createConsumer().seek('t', 0, '9223372036854775808')],
    ['a topic that is a number', () => createConsumer().pause(/** @type {any} */ (5), null)],
    ['no topics', () => createConsumer().start(/** @type {any} */ (undefined))],
    ['a slab that is a string', () => createConsumer().give(/** @type {any} */ ('slab'))],
    [
      'options without a group',
      () => createConsumer(undefined, { groupId: /** @type {any} */ (undefined) })
    ],
    [
      'a client without options',
      () => new native.NativeClient(/** @type {any} */ (undefined), none)
    ],
    [
      'a client without a callback',
      () => new native.NativeClient(CLIENT, /** @type {any} */ (null))
    ]
  ])('%s', (_, call) => {
    expect(call).toThrow()
  })

  it('a method without its object', () => {
    const { take } = createConsumer()
    expect(() => take.call(/** @type {any} */ ({}), 0)).toThrow()
  })
})

describe('a client', () => {
  it('says why it cannot connect', async () => {
    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = /** @type {net.AddressInfo} */ (server.address())
    server.close()
    await once(server, 'close')
    const client = createClient({ connectionTimeout: 20_000 })
    const failure = await client.connect('127.0.0.1', port)
    expect(failure).toMatchObject({ failure: 'connection', code: 'ECONNREFUSED', retriable: true })
  })

  it.each([
    // Without a network nobody knows whether somebody has it.
    ['a name that nobody has', 'host.invalid', 9092, /^(ENOTFOUND|EAI_AGAIN)$/],
    ['an empty name', '', 9092, /^(ENOTFOUND|EAI_AGAIN)$/],
    ['port 0', '127.0.0.1', 0, /^(ECONNREFUSED|EADDRNOTAVAIL)$/]
  ])('answers for %s', async (_, host, port, code) => {
    expect(await createClient().connect(host, port)).toMatchObject({
      failure: 'connection',
      code: expect.stringMatching(code)
    })
  })

  it.each([
    ['ends the connection', 'closed', socket => socket.end()],
    [
      'says something else',
      'connection',
      socket => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')
    ],
    [
      'announces two gigabytes',
      'connection',
      socket => socket.write(Buffer.from([0x7f, 0xff, 0xff, 0xff]))
    ],
    [
      'announces a negative length',
      'connection',
      socket => socket.write(Buffer.from([0xff, 0, 0, 0, 0, 0]))
    ],
    ['says nothing', 'timeout', () => {}]
  ])('survives a peer that %s (%s)', async (_, failure, behave) => {
    const sockets = new Set()
    const server = net.createServer(socket => {
      sockets.add(socket)
      socket.on('error', none)
      socket.once('data', () => behave(socket))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = /** @type {net.AddressInfo} */ (server.address())
    const client = createClient()
    expect(await client.connect('127.0.0.1', port)).toMatchObject({ failure })
    await client.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  it('that is closed answers at once, and closes again', async () => {
    const client = createClient()
    await client.close()
    await client.close()
    expect(client.isConnected()).toBe(false)
    const answers = await Promise.all([
      client.connect('127.0.0.1', 9092),
      client.metadata(null, false),
      client.describeClassicGroups(['g']).then(([{ failure }]) => failure),
      client.listOffsets([{ topic: 't', partitions: [0] }], '-1', true),
      client.offsetFetch('g', [{ topic: 't', partitions: [0] }])
    ])
    for (const answer of answers) expect(answer).toMatchObject({ failure: 'closed-client' })
    // Of a broker that was never there.
    const answer = await client.saslAuthenticate(1, Buffer.from('x'))
    expect(answer).toMatchObject({ failure: 'no-broker' })
    client.authenticated(1, null, false)
    client.credentials(1, null)
    client.serverIdentity(1, null, null)
    client.setRequestEvents(true)
  })

  it('that is closed while it connects ends that', async () => {
    const server = net.createServer(() => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = /** @type {net.AddressInfo} */ (server.address())
    const client = createClient({ requestTimeout: 60_000, connectionTimeout: 60_000 })
    const connecting = client.connect('127.0.0.1', port)
    await pause(20)
    await client.close()
    expect(await connecting).toMatchObject({ failure: expect.any(String) })
    server.close()
  })
})
