'use strict'

jest.mock('../../src/native', () => ({ NativeSiblings: class {} }))
const native = require('../../src/native')
const Cluster = require('../../src/cluster')
const { kafkaOptions } = require('../../src/config')
const networkEvents = require('../../src/network/instrumentationEvents')
const InstrumentationEventEmitter = require('../../src/instrumentation/emitter')
const errors = require('../../src/errors')
const support = require('./support')

const { createFailure, createTopic, createWorld } = support

const create = (config = {}, options = {}) => {
  const world = createWorld()
  native.NativeClient = support.createNativeClient(world)
  const { root, entries, messages } = support.createLogger()
  const emitter = new InstrumentationEventEmitter()
  const cluster = new Cluster({
    config: kafkaOptions({ brokers: ['b1:9092', 'b2:9092', '[::1]:9093'], ...config }),
    logger: root,
    emitter,
    metadataMaxAge: 300000,
    allowAutoTopicCreation: true,
    maxInFlightRequests: null,
    readCommitted: true,
    ...options
  })
  return { cluster, world, emitter, entries, messages }
}

const refused = () =>
  createFailure('connection', { message: 'Connection error: refused', code: 'ECONNREFUSED' })

/** The outcome under a virtual clock. */
const settle = async promise => {
  const outcome = promise.then(
    value => ({ value }),
    error => ({ error })
  )
  await jest.runAllTimersAsync()
  return outcome
}

beforeEach(() => jest.useFakeTimers())
afterEach(() => jest.useRealTimers())

describe('a seed that closes', () => {
  const closed = hasAnswered => createFailure('closed', { broker: 'b1:9092', hasAnswered })
  const SASL = 'does this listener want SASL?'
  const sasl = { mechanism: 'plain', username: 'u', password: 'p' }

  /** What is said of each attempt. */
  const told = async (config, ...answers) => {
    const { cluster, world, messages } = create({
      retry: { retries: answers.length - 1 },
      ...config
    })
    world.onConnect = async () => answers.shift()
    const { error } = await settle(cluster.connect())
    return { cluster, world, error, lines: messages('ERROR') }
  }

  it('behind ApiVersions wants SASL if it does so again', async () => {
    const { error, lines } = await told({}, closed(true), closed(true), closed(true))
    expect(lines.map(line => line.includes(SASL))).toEqual([false, true, true])
    expect(lines[0]).toContain(
      'closed it at the first request: a broker or a proxy that is going down, or a listener that wants SASL'
    )
    expect(error.cause).toMatchObject({ name: 'KafkaJSConnectionClosedError', broker: 'b1:9092' })
    expect(error.message).toContain(SASL)
  })

  it.each([
    ['before it has answered', {}, closed(false), 'before it has answered anything'],
    ['before it has answered, with TLS', { ssl: true }, closed(false), '(ssl.cert)'],
    ['on a client with SASL', { sasl }, closed(true), 'while it was opened'],
    ['on one with SASL and without TLS', { sasl }, closed(false), '("ssl" is not given)'],
    ['on one with SASL and TLS', { sasl, ssl: true }, closed(false), '(ssl.cert)']
  ])('%s is told as it is, however often', async (_, config, failure, words) => {
    const { lines } = await told(config, failure, failure, failure)
    expect(lines).toHaveLength(3)
    for (const line of lines) {
      expect(line).toContain(words)
      expect(line).not.toContain(SASL)
    }
  })

  it('on a client that it has served is going down', async () => {
    const { cluster, world } = await told({}, null)
    await cluster.disconnect()
    world.onConnect = async () => closed(true)
    const { error } = await settle(cluster.connect())
    expect(error.message).toContain(
      'at the first request: a broker or a proxy that is going down, as'
    )
    const again = await settle(cluster.connect())
    expect(again.error.message).not.toContain('SASL')
  })
})

describe('connect', () => {
  it('goes from seed to seed, logs and finally gives up', async () => {
    const { cluster, world, entries, messages } = create({ retry: { retries: 3 } })
    world.onConnect = async () => refused()
    const { error } = await settle(cluster.connect())
    expect(error).toBeInstanceOf(errors.KafkaJSNumberOfRetriesExceeded)
    expect(error.cause).toMatchObject({ name: 'KafkaJSConnectionError', code: 'ECONNREFUSED' })
    expect(world.connects).toEqual(['b1:9092', 'b2:9092', '::1:9093', 'b1:9092'])
    expect(messages('ERROR')).toEqual(
      Array(4).fill(
        '[BrokerPool] Failed to connect to seed broker, trying another broker from the list: Connection error: refused'
      )
    )
    const failures = entries.filter(({ label }) => label === 'ERROR')
    for (const { log } of failures) expect(log.help).toMatch('nobody listens there')
  })

  it('is shared, and does nothing when connected', async () => {
    const { cluster, world } = create()
    await Promise.all([cluster.connect(), cluster.connect()])
    await cluster.connect()
    expect(world.connects).toHaveLength(1)
    expect(cluster.isConnected()).toBe(true)
  })

  it.each([
    [undefined, 'KafkaJSNonRetriableError: Failed to connect: brokers should not be null: it has'],
    [[], 'KafkaJSNonRetriableError: Failed to connect: brokers array is empty: it has'],
    [[1], 'KafkaJSNonRetriableError: Failed to connect: broker at index 0 is invalid "number"'],
    [
      () => {
        throw new Error('boom')
      },
      'KafkaJSConnectionError: Failed to connect: "config.brokers" threw: boom'
    ],
    ['b1:9092', 'KafkaJSNonRetriableError: Failed to connect: brokers has to be a list']
  ])('of brokers %p rejects with %s', async (brokers, expected) => {
    const { cluster, world } = create({ brokers })
    const { error } = await settle(cluster.connect())
    expect(String(error).startsWith(expected)).toBe(true)
    expect(world.connects).toEqual([])
  })

  it('asks a brokers function at every turn', async () => {
    const brokers = jest.fn(async () => ['x:1', 'y:2'])
    const { cluster, world } = create({ brokers })
    world.onConnect = async host => (host === 'x' ? refused() : null)
    expect(await settle(cluster.connect())).toEqual({ value: undefined })
    expect(world.connects).toEqual(['x:1', 'y:2'])
    expect(brokers).toHaveBeenCalledTimes(2)
  })

  it('rejects at once with a failed authentication', async () => {
    const { cluster, world } = create()
    world.onConnect = async () => createFailure('authentication', { message: 'SASL PLAIN …' })
    const { error } = await settle(cluster.connect())
    expect(error).toBeInstanceOf(errors.KafkaJSSASLAuthenticationError)
    expect(world.connects).toHaveLength(1)
  })

  it('rejects at once with an option that only the engine can judge', async () => {
    const { cluster } = create()
    native.NativeClient = class {
      constructor() {
        throw Object.assign(new Error('Invalid ssl.ca: no certificate in PEM'), {
          code: 'InvalidArg'
        })
      }
    }
    const { error } = await settle(cluster.connect())
    expect(error).toBeInstanceOf(errors.KafkaJSNonRetriableError)
    expect(error).toMatchObject({ name: 'KafkaJSNonRetriableError', retriable: false })
    expect(error.message).toBe('Invalid ssl.ca: no certificate in PEM')
  })

  it('ends its retries when disconnected, and starts anew with another client', async () => {
    const { cluster, world } = create()
    world.onConnect = async () => refused()
    const connecting = cluster.connect().catch(e => e)
    await jest.advanceTimersByTimeAsync(1)
    await cluster.disconnect()
    expect((await connecting).message).toBe('Disconnected before it was done')
    expect(jest.getTimerCount()).toBe(0)

    world.onConnect = async () => null
    await cluster.connect()
    expect(world.clients.map(({ closed }) => closed)).toEqual([true, false])
    expect(cluster.isConnected()).toBe(true)
  })
})

describe('SASL led by JavaScript', () => {
  /** Connects, letting the engine ask for authentication. */
  const authenticate = async (sasl, onSaslAuthenticate) => {
    const { cluster, world, messages } = create({ sasl })
    Object.assign(world, onSaslAuthenticate && { onSaslAuthenticate })
    world.onConnect = async (host, port, client) => {
      const mechanism = sasl.mechanism.toUpperCase()
      client.notify({ type: 'authenticate', session: 7, host, port, mechanism })
      await jest.advanceTimersByTimeAsync(1)
      const { error } = world.authenticated[0]
      return error && createFailure('authentication', { message: error })
    }
    const outcome = await settle(cluster.connect())
    return { ...outcome, world, messages }
  }

  it('sends the token', async () => {
    const oauthBearerProvider = async () => ({ value: 'tok', extensions: { a: '1', b: '2' } })
    const sasl = Object.freeze({ mechanism: 'oauthbearer', oauthBearerProvider })
    const { world, error } = await authenticate(sasl)
    expect(error).toBeUndefined()
    expect(String(world.rounds[0].bytes)).toBe(
      'n,,\u0001auth=Bearer tok\u0001a=1\u0001b=2\u0001\u0001'
    )
    expect(world.authenticated).toEqual([{ session: 7, error: null, retriable: false }])
  })

  it.each([
    [null, 'n,,'],
    ['', 'n,,'],
    ['admin', 'n,a=admin,']
  ])('acts as %p', async (authorizationIdentity, header) => {
    const oauthBearerProvider = async () => ({ value: 'tok' })
    const sasl = { mechanism: 'oauthbearer', oauthBearerProvider, authorizationIdentity }
    const { world } = await authenticate(sasl)
    expect(String(world.rounds[0].bytes)).toBe(`${header}\u0001auth=Bearer tok\u0001\u0001`)
  })

  it('fails with the reason for which the broker refused the token', async () => {
    const sasl = { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: 'tok' }) }
    const answers = [Buffer.from('{"status":"invalid_token"}'), createFailure('authentication')]
    const { world, error } = await authenticate(sasl, async () => answers.shift())
    expect(error).toBeInstanceOf(errors.KafkaJSSASLAuthenticationError)
    expect(error.message).toBe('SASL OAUTHBEARER authentication failed: {"status":"invalid_token"}')
    expect(world.rounds.map(({ bytes }) => bytes.length)[1]).toBe(1)
  })

  it('lets the error of a token provider through', async () => {
    const mine = new Error('token service is down')
    const oauthBearerProvider = () => Promise.reject(mine)
    const { error } = await authenticate({ mechanism: 'oauthbearer', oauthBearerProvider })
    expect(error).toBe(mine)
  })

  it.each([
    [{ mechanism: 'oauthbearer' }, 'SASL OAUTHBEARER: Missing OAuth bearer token provider'],
    [
      { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({}) },
      'SASL OAUTHBEARER: Invalid OAuth bearer token'
    ],
    [{ mechanism: 'aws' }, 'SASL AWS-IAM: Missing authorizationIdentity'],
    [
      { mechanism: 'aws', authorizationIdentity: 'i', accessKeyId: 'a' },
      'SASL AWS-IAM: Missing secretAccessKey'
    ]
  ])('complains about %j', async (sasl, message) => {
    const { error } = await authenticate(sasl)
    expect(error).toBeInstanceOf(errors.KafkaJSSASLAuthenticationError)
    expect(error.message).toBe(message)
  })

  it('says what a provider gave instead of a token, and nothing that is in it', async () => {
    const oauthBearerProvider = async () => Buffer.from('the token itself')
    const { error } = await authenticate({ mechanism: 'oauthbearer', oauthBearerProvider })
    expect(error.stack).toContain('it resolved with a Buffer\n')
  })

  it('keeps no more than a few of the errors of a provider that always says something else', async () => {
    let n = 0
    const oauthBearerProvider = async () => {
      throw new Error(`request ${n++} was refused`)
    }
    const { cluster, world } = create({ sasl: { mechanism: 'oauthbearer', oauthBearerProvider } })
    await cluster.connect()
    const event = { type: 'authenticate', host: 'b1', port: 9092, mechanism: 'OAUTHBEARER' }
    for (let session = 0; session < 1000; session++) {
      world.clients[0].notify({ ...event, session })
      await jest.advanceTimersByTimeAsync(0)
    }
    expect(world.authenticated.length).toBe(1000)
    expect(cluster.authenticationErrors.size).toBeLessThanOrEqual(100)
    expect(cluster.authenticationErrors.has('request 999 was refused')).toBe(true)
  })

  it('sends the fields of AWS', async () => {
    const sasl = { mechanism: 'aws', authorizationIdentity: 'i', accessKeyId: 'a', secretAccessKey: 's' } // prettier-ignore
    const { world } = await authenticate(sasl)
    expect(String(world.rounds[0].bytes)).toBe('i\u0000a\u0000s\u0000')
  })

  it('speaks the framing of kafkajs with a provider of the user', async () => {
    const seen = []
    const authenticationProvider = ({ host, port, saslAuthenticate }) => ({
      authenticate: async () => {
        const encode = () => Buffer.from('00000002abcd', 'hex')
        const decode = raw => (seen.push(raw.toString('hex')), raw.subarray(4))
        const parse = data => data.toString()
        seen.push(host, port, await saslAuthenticate({ request: { encode }, response: { decode, parse } })) // prettier-ignore
      }
    })
    const sasl = { mechanism: 'plain', authenticationProvider }
    const { world, error } = await authenticate(sasl, async () => Buffer.from('ok'))
    expect(error).toBeUndefined()
    expect(world.clients[0].options.sasl).toEqual({
      mechanism: 'PLAIN',
      username: null,
      password: null,
      authorizationIdentity: null
    })
    expect(world.rounds[0].bytes.toString('hex')).toBe('abcd')
    expect(seen).toEqual(['000000026f6b', 'b1', 9092, 'ok'])
  })

  it.each([
    ['plain', 'SASL Plain: Invalid username or password'],
    ['scram-sha-256', 'SASL SCRAM SHA256 authentication: Invalid username or password'],
    ['SCRAM-SHA-512', 'SASL SCRAM SHA512 authentication: Invalid username or password']
  ])('is not needed for %s, but credentials are', async (mechanism, message) => {
    const { cluster } = create({ sasl: { mechanism, username: 'u' } })
    const { error } = await settle(cluster.connect())
    expect(error).toBeInstanceOf(errors.KafkaJSSASLAuthenticationError)
    expect(error.message).toBe(`${message}: sasl.password is undefined (no broker was asked)`)

    const other = create({ sasl: { mechanism, username: 'u', password: 'p' } })
    await other.cluster.connect()
    expect(other.world.clients[0].options.sasl).toMatchObject({
      mechanism: mechanism.toUpperCase(),
      username: 'u',
      password: 'p'
    })
  })
})

describe('topics', () => {
  it('are loaded once, in the shape of kafkajs', async () => {
    const { cluster, world } = create()
    expect(() => cluster.findTopicPartitionMetadata('t')).toThrow(
      errors.KafkaJSTopicMetadataNotLoaded
    )
    await cluster.addMultipleTargetTopics(['t'])
    await cluster.addMultipleTargetTopics(['t'])
    expect(world.metadataRequests).toEqual([{ topics: ['t'], allowAutoTopicCreation: true }])
    expect(cluster.brokerPool.metadata).toMatchObject({ clusterId: 'cluster-1', controllerId: 1 })
    expect(cluster.findTopicPartitionMetadata('t')[1]).toEqual({
      partitionErrorCode: 0,
      partitionId: 1,
      leader: 2,
      replicas: [1, 2],
      isr: [1],
      offlineReplicas: []
    })
    expect(cluster.findTopicPartitionMetadata('unknown')).toEqual([])
    expect(cluster.findLeaderForPartitions('t', [0, '1', 2, 99])).toEqual({ 1: [0, 2], 2: [1] })
    expect(cluster.getNodeIds()).toEqual(['1', '2'])
  })

  it('that are being created are waited for', async () => {
    const { cluster, world } = create()
    world.topics.young = createTopic('young', 0, 3)
    setTimeout(() => {
      world.topics.young = createTopic('young', 0, 5)
    }, 300)
    setTimeout(() => {
      world.topics.young = createTopic('young', 1)
    }, 800)
    expect(await settle(cluster.addMultipleTargetTopics(['young']))).toEqual({ value: undefined })
    expect(cluster.findTopicPartitionMetadata('young')).toHaveLength(1)
  })

  it.each([
    ['orders-*', '; to subscribe by a pattern'],
    ['/orders/i', '; to subscribe by a pattern'],
    ['a,b', '; several topics'],
    ['orders/eu', ''],
    ['orders eu', '']
  ])('of a name that none can have (%s) say what it looks like, if anything', async (name, end) => {
    const { cluster, world } = create()
    world.topics[name] = createTopic(name, 0, 17)
    const { error } = await settle(cluster.addMultipleTargetTopics([name]))
    expect(error.stack).toContain(`"${name}": a name has 1 to 249`)
    const [said] = error.stack.split('\n    at ', 1)
    const [, more] = said.split('is not "." or ".."')
    expect(more.split(/(?<=pattern|topics)/)[0]).toBe(end)
  })

  it.each([
    [3, 'UNKNOWN_TOPIC_OR_PARTITION', 6],
    [17, 'INVALID_TOPIC_EXCEPTION', 1],
    [29, 'TOPIC_AUTHORIZATION_FAILED', 1]
  ])('with error %i reject with %s and are forgotten', async (code, type, requests) => {
    const { cluster, world } = create()
    world.topics.bad = createTopic('bad', 0, code)
    const { error } = await settle(cluster.addMultipleTargetTopics(['t', 'bad']))
    expect(error).toBeInstanceOf(errors.KafkaJSProtocolError)
    expect(error).toMatchObject({ type, code, topic: 'bad' })
    expect(world.metadataRequests).toHaveLength(requests)
    expect([...cluster.targetTopics]).toEqual([])
    expect(await settle(cluster.addMultipleTargetTopics(['t']))).toEqual({ value: undefined })
  })

  it('are refreshed when they are too old', async () => {
    const { cluster, world } = create()
    await cluster.addTargetTopic('t')
    await cluster.refreshMetadataIfNecessary()
    expect(world.metadataRequests).toHaveLength(1)
    jest.advanceTimersByTime(300001)
    await cluster.refreshMetadataIfNecessary()
    expect(world.metadataRequests).toHaveLength(2)
  })

  it('as the engine has read it for an assignment is what an assigner finds', async () => {
    const { cluster, world } = create()
    await cluster.addMultipleTargetTopics(['t', 'u'])
    const partitions = [{ partitionId: 0, replicas: [], isr: [], offlineReplicas: [] }]
    const topics = [{ errorCode: 0, name: 'v', isInternal: false, partitions }]
    cluster.brokerPool.adopt({ clusterId: 'c', controllerId: 1, brokers: [], topics }, ['u', 'v'])
    expect(['t', 'u', 'v'].map(t => cluster.findTopicPartitionMetadata(t).length)).toEqual([
      3, 0, 1
    ])
    expect(world.metadataRequests).toHaveLength(1)
  })

  it('can be watched, whoever reads it', async () => {
    const { cluster } = create()
    const seen = /** @type {any[]} */ ([])
    const unwatch = cluster.brokerPool.watchAnswers((answer, topics) => {
      seen.push([answer.topicMetadata.map(({ topic }) => topic), topics])
    })
    await cluster.addMultipleTargetTopics(['t'])
    await cluster.metadata({ topics: ['u'] })
    unwatch()
    await cluster.refreshMetadata()
    expect(seen).toEqual([
      [['t'], ['t']],
      [['u'], ['u']]
    ])
  })
})

describe('what lag-aware assigners ask for', () => {
  it('is answered', async () => {
    const { cluster, world } = create()
    await cluster.addMultipleTargetTopics(['t', 'u'])
    const partitions = [{ partition: 0 }, { partition: 1 }]
    expect(
      await cluster.fetchTopicsOffset([
        { topic: 't', partitions, fromBeginning: false },
        { topic: 'u', partitions, fromBeginning: true }
      ])
    ).toEqual([
      { topic: 't', partitions: [{ partition: 0, offset: '9' }, { partition: 1, offset: '9' }] }, // prettier-ignore
      { topic: 'u', partitions: [{ partition: 0, offset: '0' }] }
    ])
    expect(world.offsetRequests[0]).toMatchObject({ timestamp: '-1', readCommitted: true })

    const coordinator = await cluster.findGroupCoordinator({ groupId: 'g' })
    expect(coordinator).toMatchObject({ nodeId: 2, host: 'b2', port: 9092 })
    expect(
      await coordinator.listOffsets({ topics: [{ topic: 't', partitions: [{ partition: 0 }] }] })
    ).toEqual({
      responses: [{ topic: 't', partitions: [{ errorCode: 0, partition: 0, offset: '9' }] }]
    })
    expect(
      await coordinator.offsetFetch({ groupId: 'g', topics: [{ topic: 't', partitions }] })
    ).toEqual({
      responses: [
        {
          topic: 't',
          partitions: partitions.map(p => ({ ...p, errorCode: 0, offset: '5', metadata: 'g' }))
        }
      ]
    })
    await expect(coordinator.fetch({})).rejects.toThrow(errors.KafkaJSNotImplemented)
    expect(await cluster.findBroker({ nodeId: '2' })).toMatchObject({ host: 'b2', nodeId: 2 })
    await expect(cluster.findBroker({ nodeId: '9' })).rejects.toThrow(errors.KafkaJSBrokerNotFound)
  })
})

describe('the coordinator of a group', () => {
  const notFound = code =>
    createFailure('coordinator-not-found', {
      message: 'Failed to find group coordinator',
      retriable: false,
      cause: createFailure('protocol', { code, message: 'why' })
    })

  it('is found', async () => {
    const { cluster } = create()
    expect(await cluster.findGroupCoordinatorMetadata({ groupId: 'g' })).toEqual({
      errorCode: 0,
      coordinator: { nodeId: 2, host: 'b2', port: 9092 }
    })
  })

  it('is waited for while a new cluster makes it', async () => {
    const { cluster, world } = create()
    const find = world.onFindCoordinator
    let attempts = 0
    world.onFindCoordinator = async () => (++attempts < 3 ? notFound(15) : find())
    const { value } = await settle(cluster.findGroupCoordinatorMetadata({ groupId: 'g' }))
    expect(value).toMatchObject({ coordinator: { nodeId: 2 } })
  })

  it.each([
    [15, 'GROUP_COORDINATOR_NOT_AVAILABLE', 3],
    [30, 'GROUP_AUTHORIZATION_FAILED', 1]
  ])('that cannot be found for %i says why', async (code, type, attempts) => {
    const { cluster, world } = create({ retry: { retries: 2 } })
    world.onFindCoordinator = jest.fn(async () => notFound(code))
    const { error } = await settle(cluster.findGroupCoordinator({ groupId: 'g' }))
    expect(error).toBeInstanceOf(errors.KafkaJSGroupCoordinatorNotFound)
    expect(error).toMatchObject({
      message: expect.stringMatching(/^Failed to find group coordinator of group "g": why/),
      retriable: false,
      cause: { type }
    })
    expect(world.onFindCoordinator).toHaveBeenCalledTimes(attempts)
  })
})

describe('events of the engine', () => {
  it('reach listeners, and are asked for while there are any', async () => {
    const { cluster, world, emitter, messages } = create()
    const remove = emitter.addListener(networkEvents.NETWORK_REQUEST, () => {})
    await cluster.connect()
    const [client] = world.clients
    expect(client.requestEvents).toBe(true)
    remove()
    expect(client.requestEvents).toBe(false)

    const seen = []
    emitter.addListener(networkEvents.NETWORK_REQUEST, ({ payload }) => seen.push(payload))
    const payload = { broker: 'b1:9092', duration: 3, apiName: 'Fetch' }
    client.notify({ type: 'request', ...payload })
    client.notify({ type: 'log', level: 2, namespace: 'Connection', message: 'hm', extra: [] })
    expect(seen).toEqual([payload])
    expect(messages('WARN')).toEqual(['[Connection] hm'])
  })
})
