// @ts-check
'use strict'

const { committed } = require('../kafka/helpers')
const {
  createConsumer,
  createKafka,
  defer,
  filled,
  logLevel,
  startConsumer,
  waitFor,
  watch
} = require('./support')

describe('options', () => {
  const KAFKA = ['ssl', 'sasl', 'clientId', 'connectionTimeout', 'authenticationTimeout'].concat([
    'reauthenticationThreshold',
    'requestTimeout',
    'enforceRequestTimeout',
    'retry',
    'socketFactory'
  ])
  const CONSUMER = [
    'partitionAssigners',
    'metadataMaxAge',
    'sessionTimeout',
    'rebalanceTimeout'
  ].concat(
    ['heartbeatInterval', 'maxBytesPerPartition', 'minBytes', 'maxBytes', 'maxWaitTimeInMs'],
    ['retry', 'allowAutoTopicCreation', 'maxInFlightRequests', 'readUncommitted', 'rackId']
  )
  const RUN = ['autoCommit', 'autoCommitInterval', 'autoCommitThreshold'].concat([
    'eachBatchAutoResolve',
    'partitionsConsumedConcurrently',
    'eachBatch'
  ])
  const undefinedFor = names => Object.fromEntries(names.map(name => [name, undefined]))

  it('that are undefined have their defaults', async () => {
    const topic = await filled(3)
    const consumer = createConsumer({
      kafka: createKafka(undefinedFor(KAFKA)),
      ...undefinedFor(CONSUMER)
    })
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const seen = watch(consumer)
    let handled = 0
    await consumer.run({ ...undefinedFor(RUN), eachMessage: async () => void handled++ })
    await waitFor(() => handled === 3)
    const { groupId, members, protocol } = await consumer.describeGroup()
    expect(members).toMatchObject([
      { clientId: 'kafkajs', memberId: expect.stringMatching(/^kafkajs-/) }
    ])
    expect(protocol).toBe('RoundRobinAssigner')
    await consumer.disconnect()
    expect(await committed(groupId, topic)).toEqual({ 0: '3' })
    expect(seen.of('CRASH')).toEqual([])
  })

  it('that nobody knows are ignored', async () => {
    const topic = await filled(3)
    const { consumer, messages, seen } = await startConsumer({
      topics: [topic],
      kafka: createKafka(/** @type {any} */ ({ clientId: 'mine', brokerz: 1 })),
      .../** @type {any} */ ({ sessionTimeOut: 1 }),
      run: /** @type {any} */ ({ eachPartition: 1 })
    })
    await waitFor(() => messages.length === 3)
    // What stands beside them counts: a sessionTimeout of 1 ms would be refused.
    expect((await consumer.describeGroup()).members).toMatchObject([{ clientId: 'mine' }])
    expect(seen.of('CRASH')).toEqual([])
  })

  it('brokers may be a function', async () => {
    const { brokers } = require('../kafka/helpers').sharedCluster()
    const topic = await filled(3)
    const ask = jest.fn(() => brokers)
    const { messages } = await startConsumer({
      topics: [topic],
      kafka: createKafka({ brokers: ask })
    })
    await waitFor(() => messages.length === 3)
    expect(ask).toHaveBeenCalledTimes(1)
  })

  it('sessionTimeout outside of what the broker allows is a crash for good', async () => {
    const topic = await filled(3)
    const { seen } = await startConsumer({ topics: [topic], sessionTimeout: 200 })
    await waitFor(() => seen.of('CRASH').length > 0)
    const [{ error, restart }] = seen.of('CRASH')
    expect(error).toMatchObject({ name: 'KafkaJSProtocolError', type: 'INVALID_SESSION_TIMEOUT' })
    expect(restart).toBe(false)
  })
})

describe('how often a handler is called before the consumer crashes', () => {
  it.each([
    [{ retries: 1 }, undefined, 6],
    [{ retries: 1 }, { factor: 0 }, 2],
    [{ retries: 3 }, { retries: 2 }, 3],
    [{ retries: 3 }, { retries: 0 }, 1]
  ])('with kafka.retry %j and consumer.retry %j', async (ofKafka, ofConsumer, calls) => {
    const topic = await filled(3)
    const kafka = createKafka({ retry: { initialRetryTime: 5, ...ofKafka } })
    const consumer = createConsumer({ kafka, retry: ofConsumer })
    const { promise: crash, resolve } = defer()
    let called = 0
    // At once: it restarts soon.
    consumer.on(consumer.events.CRASH, ({ payload: { error } }) => resolve({ called, error }))
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      eachMessage: async () => {
        called += 1
        throw new Error('again')
      }
    })
    const { called: before, error } = await crash
    expect(before).toBe(calls)
    expect(error).toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      message: 'again',
      retryCount: calls - 1
    })
    await consumer.disconnect()
  })
})

describe('logs', () => {
  /** @param {Partial<import('kafkajs').KafkaConfig>} [options] */
  const logging = options => {
    const entries = /** @type {import('kafkajs').LogEntry[]} */ ([])
    const logCreator = jest.fn(() => entry => void entries.push(entry))
    const kafka = createKafka({ logCreator, logLevel: logLevel.INFO, ...options })
    return { kafka, entries, logCreator }
  }

  /** The variable is read when a Kafka is made; the observer of these specs must not see it. */
  const withLevel = (level, make) => {
    const { KAFKAJS_LOG_LEVEL } = process.env
    process.env.KAFKAJS_LOG_LEVEL = level
    try {
      return make()
    } finally {
      if (KAFKAJS_LOG_LEVEL === undefined) delete process.env.KAFKAJS_LOG_LEVEL
      else process.env.KAFKAJS_LOG_LEVEL = KAFKAJS_LOG_LEVEL
    }
  }

  const live = async kafka => {
    const topic = await filled(3)
    const { consumer, messages, groupId } = await startConsumer({ topics: [topic], kafka })
    await waitFor(() => messages.length === 3)
    await consumer.disconnect()
    return { consumer, groupId }
  }

  const flat = ({ namespace, label, log }) => `${label} [${namespace}] ${log.message}`

  it('go to one creator for each Kafka, which is told the level', async () => {
    const { kafka, entries, logCreator } = logging()
    const { groupId } = await live(kafka)
    await live(kafka)
    expect(logCreator.mock.calls).toEqual([[logLevel.INFO]])
    expect(entries[0]).toEqual({
      namespace: 'Consumer',
      level: logLevel.INFO,
      label: 'INFO',
      log: { timestamp: expect.any(String), logger: 'kafkajs', message: 'Starting', groupId }
    })
  })

  it('have the level of the environment rather than the one of the program', async () => {
    const quiet = withLevel('error', () => logging({ logLevel: logLevel.DEBUG }))
    await live(quiet.kafka)
    expect(quiet.logCreator.mock.calls).toEqual([[logLevel.ERROR]])
    expect(quiet.entries).toEqual([])

    const loud = withLevel('debug', () => logging({ logLevel: logLevel.NOTHING }))
    await live(loud.kafka)
    expect(loud.entries.some(({ level }) => level === logLevel.DEBUG)).toBe(true)
  })

  it('follow setLogLevel() of any logger of the instance', async () => {
    const { kafka, entries } = logging({ logLevel: logLevel.INFO })
    const { consumer } = await live(kafka)
    entries.length = 0
    consumer.logger().setLogLevel(logLevel.ERROR)
    await live(kafka)
    expect(entries).toEqual([])
    kafka.logger().setLogLevel(logLevel.INFO)
    await live(kafka)
    expect(entries.map(flat)).toEqual(
      expect.arrayContaining([
        'INFO [Consumer] Starting',
        'INFO [ConsumerGroup] Consumer has joined the group',
        'INFO [Consumer] Stopped'
      ])
    )
  })

  it('of the program go where those of the client go', async () => {
    const { kafka, entries } = logging()
    kafka.logger().info('root', { a: 1 })
    kafka.logger().namespace('Mine').warn('named')
    createConsumer({ kafka }).logger().error('consumer')
    expect(entries.map(flat)).toEqual([
      'INFO [undefined] root',
      'WARN [Mine] named',
      'ERROR [Consumer] consumer'
    ])
    expect(entries[0].log).toMatchObject({ a: 1 })
  })

  it('name what failed where programs look for it', async () => {
    const { kafka, entries } = logging({
      brokers: ['127.0.0.1:1'],
      retry: { retries: 1, initialRetryTime: 5 }
    })
    const consumer = createConsumer({ kafka })
    await expect(consumer.connect()).rejects.toThrow('ECONNREFUSED')
    const failure = 'Connection error: connect ECONNREFUSED 127.0.0.1:1'
    const attempt = [
      `ERROR [Connection] ${failure}`,
      `ERROR [BrokerPool] Failed to connect to seed broker, trying another broker from the list: ${failure}`
    ]
    expect(entries.map(flat)).toEqual([...attempt, ...attempt])
    expect(entries[0].log).toMatchObject({ broker: '127.0.0.1:1', clientId: 'kafkajs' })
    expect(entries[1].log).toMatchObject({ retryCount: 0, retryTime: expect.any(Number) })
  })
})

it('autoCommit of the consumer is that of run()', async () => {
  const topic = await filled(3)
  const { consumer, groupId, messages } = await startConsumer({
    topics: [topic],
    .../** @type {{}} */ ({ autoCommit: false })
  })
  await waitFor(() => messages.length === 3)
  await consumer.disconnect()
  expect(await committed(groupId, topic)).toEqual({ 0: '-1' })
})

it('an option that nobody knows is warned of', async () => {
  const warnings = /** @type {string[]} */ ([])
  const kafka = createKafka({
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ log }) =>
        warnings.push(log.message)
  })
  createConsumer({ kafka, .../** @type {{}} */ ({ sesionTimeout: 1 }) })
  expect(warnings).toEqual([
    'Unknown option "sesionTimeout" of kafka.consumer() is ignored: did you mean "sessionTimeout"?'
  ])
})

it('an assigner may be named, and what is none is refused by name', async () => {
  const topic = await filled(3)
  const named = name => /** @type {{}} */ ({ partitionAssigners: [name] })
  const { messages } = await startConsumer({ topics: [topic], ...named('RoundRobin') })
  await waitFor(() => messages.length === 3)
  expect(() => createConsumer(named('Raneg'))).toThrow(
    '(known: "RoundRobin", "RoundRobinAssignor", "range", "sticky", "cooperative-sticky"), received "Raneg"'
  )
})
