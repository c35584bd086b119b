'use strict'

const { Kafka, KafkaJSNonRetriableError: OracleError } = require('kafkajs')
const config = { ...require('../../src/config'), ...require('../../src/consumer/arguments') }
const { KafkaJSNonRetriableError } = require('../../src/errors')

const kafkajsConsumer = options => new Kafka({ brokers: ['b:1'], logLevel: 0 }).consumer(options)

const outcome = async f => {
  try {
    await f()
    return 'ok'
  } catch (e) {
    return `${e.name}: ${e.message}`
  }
}

const NOT_INITIALISED =
  'KafkaJSNonRetriableError: Consumer group was not initialized, consumer#run must be called first'

/** kafkajs validates first and complains about the missing run() last. */
const compare = async (ours, theirs) => {
  const expected = await outcome(theirs)
  expect(await outcome(ours)).toBe(expected === NOT_INITIALISED ? 'ok' : expected)
}

describe('kafkaOptions', () => {
  it('has the defaults', () => {
    const { logCreator, ...rest } = config.kafkaOptions({ brokers: ['b:1'], clientId: undefined })
    expect(typeof logCreator).toBe('function')
    expect(rest).toEqual({
      brokers: ['b:1'],
      insteadOfBrokers: null,
      ssl: undefined,
      sasl: undefined,
      clientId: 'kafkajs',
      connectionTimeout: 1000,
      authenticationTimeout: 10000,
      reauthenticationThreshold: 10000,
      requestTimeout: 30000,
      retry: undefined,
      logLevel: 4
    })
  })

  it('turns enforceRequestTimeout: false into no timeout', () => {
    const { requestTimeout } = config.kafkaOptions({ enforceRequestTimeout: false })
    expect(requestTimeout).toBe(0)
  })

  it('takes what the environment gives', () => {
    const text = { connectionTimeout: '3000', requestTimeout: '25000', clientId: 7 }
    expect(config.kafkaOptions(text)).toMatchObject({
      connectionTimeout: 3000,
      requestTimeout: 25000,
      clientId: '7'
    })
    const unset = { connectionTimeout: parseInt(undefined), requestTimeout: '', clientId: null }
    expect(config.kafkaOptions({ ...unset, retry: null })).toMatchObject({
      connectionTimeout: 1000,
      requestTimeout: 30000,
      clientId: 'kafkajs',
      retry: undefined
    })
    const retry = {
      retries: '3',
      initialRetryTime: '10',
      maxRetryTime: '',
      factor: parseInt(undefined)
    }
    expect(config.kafkaOptions({ retry }).retry).toEqual({ retries: 3, initialRetryTime: 10 })
    const restartOnFailure = async () => true
    for (const options of [config.kafkaOptions, config.consumerOptions]) {
      const given = { retry: { multiplier: '3', restartOnFailure } }
      expect(options(given).retry).toEqual({ multiplier: 3, restartOnFailure })
      expect(() => options({ retry: { retries: 'many' } })).toThrow(
        'Invalid retries, expected a number received many'
      )
    }
    expect(() => config.kafkaOptions({ requestTimeout: '30s' })).toThrow(
      new KafkaJSNonRetriableError('Invalid requestTimeout, expected a number received 30s')
    )
  })

  it('refuses socketFactory', () => {
    expect(() => config.kafkaOptions({ socketFactory: () => {} })).toThrow(KafkaJSNonRetriableError)
  })
})

describe('consumerOptions', () => {
  it('has the defaults of kafkajs', () => {
    const { groupId, partitionAssigners, ...rest } = config.consumerOptions({ groupId: 'g' })
    expect([groupId, partitionAssigners]).toEqual(['g', undefined])
    expect(rest).toEqual({
      metadataMaxAge: 300000,
      sessionTimeout: 30000,
      rebalanceTimeout: 60000,
      heartbeatInterval: 3000,
      maxBytesPerPartition: 1048576,
      minBytes: 1,
      maxBytes: 10485760,
      maxWaitTimeInMs: 5000,
      retry: { retries: 5 },
      allowAutoTopicCreation: true,
      maxInFlightRequests: null,
      readUncommitted: false,
      rackId: '',
      // Not in kafkajs.
      groupInstanceId: null,
      groupProtocol: 'classic',
      groupRemoteAssignor: null,
      maxPollInterval: 300000,
      autoOffsetReset: null,
      stalledAfter: 30000,
      lagInterval: null,
      checkCrcs: true,
      copyValues: false,
      maxQueuedBytes: 67108864,
      maxDecompressedBytes: 536870912
    })
  })

  const DEFAULTS = config.consumerOptions({ groupId: 'g' })
  const numbers = Object.keys(DEFAULTS).filter(name => typeof DEFAULTS[name] === 'number')

  it.each([...numbers, 'maxInFlightRequests'])('takes %s as text', name => {
    expect(config.consumerOptions({ [name]: '5000' })[name]).toBe(5000)
    for (const nothing of [null, undefined, '', NaN]) {
      expect(config.consumerOptions({ [name]: nothing })[name]).toBe(DEFAULTS[name])
    }
    expect(() => config.consumerOptions({ [name]: '5 s' })).toThrow(
      new KafkaJSNonRetriableError(`Invalid ${name}, expected a number received 5 s`)
    )
  })

  it('takes any value as true or false, and makes names of what is none', () => {
    const odd = { groupId: 7, rackId: null, allowAutoTopicCreation: 'true', readUncommitted: 0 }
    expect(config.consumerOptions(odd)).toMatchObject({
      groupId: '7',
      rackId: '',
      allowAutoTopicCreation: true,
      readUncommitted: false
    })
  })
})

describe('validateConsumer', () => {
  const validate = options => {
    config.validateGroupId(options)
    config.validateConsumer(config.consumerOptions(options))
  }

  it.each([
    {},
    { groupId: '' },
    { groupId: 1 },
    { groupId: 'g' },
    { groupId: 'g', heartbeatInterval: 30000 },
    { groupId: 'g', heartbeatInterval: 10, sessionTimeout: 10 },
    { groupId: 'g', sessionTimeout: undefined, heartbeatInterval: undefined }
  ])('says what kafkajs says to %j', async options => {
    await compare(
      () => validate(options),
      () => kafkajsConsumer(options)
    )
  })

  it.each([
    { rebalanceTimeout: 0 },
    { maxPollInterval: 0 },
    { groupInstanceId: '' },
    { groupInstanceId: 7 },
    { autoOffsetReset: 'first' },
    { autoOffsetReset: { duration: '1h' } },
    { autoOffsetReset: { duration: 5, from: 7 } },
    { stalledAfter: 0 },
    { lagInterval: -1 },
    { groupProtocol: 'stream' },
    { groupRemoteAssignor: 'range' },
    { groupProtocol: 'consumer', groupRemoteAssignor: 7 },
    { groupProtocol: 'auto', groupRemoteAssignor: '' }
  ])('refuses %j', options => {
    expect(() => validate({ groupId: 'g', ...options })).toThrow(KafkaJSNonRetriableError)
  })

  it.each(['sessionTimeout', 'heartbeatInterval', 'partitionAssigners'])(
    'refuses %s where the broker decides it, by name',
    name => {
      const given = { groupId: 'g', groupProtocol: 'consumer', [name]: 7000 }
      const check = options => config.validateConsumer(config.consumerOptions(options), options)
      expect(() => check(given)).toThrow(`${name} cannot be set when groupProtocol is "consumer"`)
      expect(() => check({ ...given, [name]: undefined })).not.toThrow()
      expect(() => check({ ...given, groupProtocol: 'auto' })).not.toThrow()
    }
  )

  it('takes an assignor of the broker for both protocols that have one', () => {
    for (const groupProtocol of ['consumer', 'auto']) {
      validate({ groupId: 'g', groupProtocol, groupRemoteAssignor: 'range' })
    }
  })
})

describe('subscribeOptions', () => {
  it.each([
    {},
    { topic: '' },
    { topic: null },
    { topics: 'a' },
    { topics: [1] },
    { topic: 3 },
    undefined
  ])('says what kafkajs says to %j', async argument => {
    const theirs = await outcome(() => kafkajsConsumer({ groupId: 'g' }).subscribe(argument))
    const ours = await outcome(() => config.subscribeOptions(argument))
    expect(ours.split(':')[0]).toBe(theirs.split(':')[0])
    // The texts of native TypeErrors are the business of V8.
    if (!ours.startsWith('TypeError')) expect(ours.startsWith(theirs)).toBe(true)
    expect(ours).not.toBe('ok')
  })

  it('takes expressions for the broker beside names and patterns', () => {
    const topics = ['a', /b/, { re2: 'c.*' }]
    expect(config.subscribeOptions({ topics, fromBeginning: true }).topics).toEqual(topics)
    for (const re2 of ['', 7, null]) {
      expect(() => config.subscribeOptions({ topic: { re2 } })).toThrow('Invalid topic')
    }
  })

  it('prefers topics, and takes the default of fromBeginning for undefined', () => {
    expect(
      config.subscribeOptions({ topic: 'a', topics: ['b', /c/], fromBeginning: undefined })
    ).toEqual({ topics: ['b', /c/], fromBeginning: false })
    expect(config.subscribeOptions({ topics: [] }).topics).toEqual([])
  })
})

const WHERE = { topic: 't', partition: 0, offset: '1' }
const BAD_WHERES = [
  { topic: '' },
  { topic: null },
  { partition: undefined },
  { partition: 'x' },
  { offset: 1.5 },
  { offset: 'ABC' },
  { offset: undefined },
  { offset: null },
  { offset: '' },
  { offset: '-3' },
  { offset: -1 },
  { offset: '-2' },
  { offset: 7 },
  { offset: 7n }
]

/** What kafkajs takes for 0, or for 1. */
const NO_OFFSETS = [NaN, 'NaN', Infinity, 'Infinity', ' ', true, [], [5], {}]
const NO_PARTITIONS = [null, '', ' ', true, [], -1, 1.5, Infinity, 2 ** 31, 1n, {}]

describe('seekOptions', () => {
  it.each(BAD_WHERES)('says what kafkajs says to %p', async change => {
    const where = { ...WHERE, ...change }
    await compare(
      () => config.seekOptions(where),
      () => kafkajsConsumer({ groupId: 'g' }).seek(where)
    )
  })

  it.each([7, true, {}, ['t'], 1n])('refuses %p as a topic', topic => {
    expect(() => config.seekOptions({ ...WHERE, topic })).toThrow(/^Invalid topic /)
  })

  it.each(NO_OFFSETS)('refuses %p as an offset', offset => {
    expect(() => config.seekOptions({ ...WHERE, offset })).toThrow(
      `Invalid offset, expected a long received ${offset}`
    )
  })

  it.each(NO_PARTITIONS)('refuses %p as a partition', partition => {
    expect(() => config.seekOptions({ ...WHERE, partition })).toThrow(
      `Invalid partition, expected a number received ${partition}`
    )
  })

  it('makes a string of the offset and a number of the partition', () => {
    const big = 2n ** 60n
    expect(config.seekOptions({ topic: 't', partition: '3', offset: big })).toEqual({
      topic: 't',
      partition: 3,
      offset: String(big)
    })
  })
})

describe('commitOptions', () => {
  it.each([...BAD_WHERES, { metadata: 1 }, { metadata: null }, { metadata: 'm' }])(
    'says what kafkajs says to %p',
    async change => {
      const offsets = [{ ...WHERE, ...change }]
      await compare(
        () => config.commitOptions(offsets),
        () => kafkajsConsumer({ groupId: 'g' }).commitOffsets(offsets)
      )
    }
  )

  it.each([7, true, {}, ['t'], 1n])('refuses %p as a topic', topic => {
    expect(() => config.commitOptions([{ ...WHERE, topic }])).toThrow(/^Invalid topic /)
  })

  it.each(NO_OFFSETS)('refuses %p as an offset', offset => {
    expect(() => config.commitOptions([{ ...WHERE, offset }])).toThrow(
      `Invalid offset, expected a long received ${offset}`
    )
  })

  it.each(NO_PARTITIONS)('refuses %p as a partition', partition => {
    expect(() => config.commitOptions([{ ...WHERE, partition }])).toThrow(
      `Invalid partition, expected a number received ${partition}`
    )
  })

  it('refuses what is no entry', () => {
    expect(() => config.commitOptions([null])).toThrow(/^Invalid topic undefined/)
  })

  it('has no metadata unless given', () => {
    expect(config.commitOptions([WHERE])).toEqual([{ ...WHERE, metadata: null, leaderEpoch: null }])
    expect(config.commitOptions()).toEqual([])
  })

  it('has the leader epoch that is given, if it is one', () => {
    const epochOf = leaderEpoch => config.commitOptions([{ ...WHERE, leaderEpoch }])[0].leaderEpoch
    expect([7, 0, -1, null, undefined].map(epochOf)).toEqual([7, 0, null, null, null])
    for (const wrong of ['7', 1.5, -2, 2 ** 31]) {
      expect(() => epochOf(wrong)).toThrow(/^Invalid leaderEpoch/)
    }
  })
})

describe.each(['pause', 'resume'])('pauseOptions for %s', action => {
  it.each([7, true, {}, ['t']])('refuses %p as a topic', topic => {
    expect(() => config.pauseOptions(action, [{ topic }])).toThrow(/^Invalid topic /)
  })

  it.each([
    [[null]],
    [[{}]],
    [[{ topic: null }]],
    [[{ topic: 't', partitions: 1 }]],
    [[{ topic: 't', partitions: null }]],
    [[{ topic: 't', partitions: ['x'] }]],
    [[{ topic: 't' }]],
    [[{ topic: 't', partitions: [0] }]],
    [undefined]
  ])('says what kafkajs says to %j', async argument => {
    await compare(
      () => config.pauseOptions(action, argument),
      () => kafkajsConsumer({ groupId: 'g' })[action](argument)
    )
  })

  it.each(NO_PARTITIONS)('refuses %p as a partition', partition => {
    expect(() => config.pauseOptions(action, [{ topic: 't', partitions: [0, partition] }])).toThrow(
      `Array of valid partitions required to ${action} specific partitions`
    )
  })

  it('makes numbers of partitions', () => {
    expect(
      config.pauseOptions(action, [{ topic: 't', partitions: ['2'] }, { topic: 'u' }])
    ).toEqual([{ topic: 't', partitions: [2] }, { topic: 'u' }])
  })
})

describe('runOptions', () => {
  it('has the defaults', () => {
    const defaults = {
      autoCommit: true,
      autoCommitInterval: null,
      autoCommitThreshold: null,
      eachBatchAutoResolve: true,
      partitionsConsumedConcurrently: 1,
      messagesConsumedConcurrently: null,
      orderBy: 'key',
      eachBatch: null,
      eachMessage: null
    }
    expect(config.runOptions()).toEqual(defaults)
    const explicit = Object.fromEntries(Object.keys(defaults).map(key => [key, undefined]))
    expect(config.runOptions({ ...explicit, unknown: 1 })).toEqual(defaults)
  })

  it('takes what the environment gives', () => {
    const text = {
      autoCommit: 'true',
      autoCommitInterval: '5000',
      autoCommitThreshold: '100',
      partitionsConsumedConcurrently: '3',
      eachBatchAutoResolve: 0
    }
    expect(config.runOptions(text)).toMatchObject({
      autoCommit: true,
      autoCommitInterval: 5000,
      autoCommitThreshold: 100,
      partitionsConsumedConcurrently: 3,
      eachBatchAutoResolve: false
    })
    const unset = { partitionsConsumedConcurrently: NaN, autoCommitInterval: '' }
    expect(config.runOptions(unset)).toEqual(config.runOptions())
  })

  it('knows handlers beside each other', () => {
    const eachMessage = async () => {}
    const options = { messagesConsumedConcurrently: 1000, orderBy: 'none', eachMessage }
    expect(config.runOptions(options)).toMatchObject({
      ...options,
      partitionsConsumedConcurrently: 256
    })
  })

  it.each([
    [
      { messagesConsumedConcurrently: 0 },
      'messagesConsumedConcurrently must be a positive integer, received 0'
    ],
    [
      { messagesConsumedConcurrently: '5' },
      'messagesConsumedConcurrently must be a positive integer'
    ],
    [
      { messagesConsumedConcurrently: 5, orderBy: 'topic' },
      'orderBy must be "key", "partition" or "none"'
    ],
    [{ orderBy: 'key' }, 'orderBy says what messagesConsumedConcurrently keeps in order'],
    [
      { messagesConsumedConcurrently: 5, partitionsConsumedConcurrently: 2 },
      'messagesConsumedConcurrently and partitionsConsumedConcurrently exclude each other'
    ],
    [
      { messagesConsumedConcurrently: 5, eachBatch: async () => {} },
      'messagesConsumedConcurrently is for eachMessage'
    ]
  ])('refuses %p', (options, message) => {
    expect(() => config.runOptions(options)).toThrow(message)
  })

  it.each([0, -1, 1.5, '0', 'two'])('refuses %p workers', partitionsConsumedConcurrently => {
    expect(() => config.runOptions({ partitionsConsumedConcurrently })).toThrow(
      KafkaJSNonRetriableError
    )
  })
})

it('compares with the real kafkajs', () => {
  expect(() => kafkajsConsumer({})).toThrow(OracleError)
})
