// @ts-check
'use strict'

/**
 * What a person sees who makes a mistake with a producer or a transaction: a row for each. On a cluster of its own, where our user may do
 * nothing.
 */

const { connections } = require('../kafka/connections')
const { createTopic, uniqueName } = require('../kafka/helpers')
const { SECRET, createLogs, expectTold, headOf, linesOf } = require('../consumer/told')
const {
  WITH_ACLS,
  createConsumer,
  createKafka,
  createProducer,
  rejection,
  useCluster,
  waitFor
} = require('./support')

/** @type {import('../kafka').Cluster} */
let cluster

useCluster({ config: WITH_ACLS, proxied: true }, lent => (cluster = lent))

/**
 * @typedef {object} Context
 * @property {string} topic that exists
 * @property {string} missing the name of one that does not
 * @property {string} transactionalId
 *
 * @typedef {object} Row
 * @property {'plain' | 'plaintext' | 'proxied'} [by] the listener; `plain`: as the user without any ACL
 * @property {any} [kafka] options of `new Kafka()`
 * @property {any} [producer] options of `kafka.producer()`; a function is given the context
 * @property {(producer: any, context: Context) => any} does rejects
 * @property {any} is
 * @property {(context: Context) => (string | RegExp)[]} says
 * @property {string} help
 * @property {number} [produced] how many requests went out with messages
 */

const ONE = [{ value: 'x' }]
const OPTIONS = 'options-and-arguments'
const SOON = { initialRetryTime: 10, retries: 2 }
const REFUSED = { name: 'KafkaJSNonRetriableError', retriable: false }

/** @param {any} [record] what is different from a good one; a function is given the context */
const send = record => async (producer, context) => {
  await producer.connect()
  const { topic } = context
  return producer.send({
    topic,
    messages: ONE,
    ...(typeof record === 'function' ? record(context) : record)
  })
}

/** @param {any} [message] */
const one = message => send({ messages: [{ value: 'x', ...message }] })

/** @param {(transaction: any, producer: any, context: Context) => any} work */
const inTransaction = work => async (producer, context) => {
  await producer.connect()
  return work(await producer.transaction(), producer, context)
}

const transactional = ({ transactionalId }) => ({ transactionalId })

/** A topic with these settings. @param {Record<string, string>} config @param {any} message */
const toTopicWith = (config, message) => async (producer, context) => {
  const topic = await createTopic({ brokers: cluster.brokers, config })
  context.topic = topic
  await producer.connect()
  return producer.send({ topic, messages: [message] })
}

const argument = (says, does, more = {}) => ({
  does,
  is: REFUSED,
  says: () => says,
  help: OPTIONS,
  produced: 0,
  ...more
})

const shown = 'has to be a string, a Buffer or null'

/** @type {Record<string, Row>} */
const MISTAKES = {
  // Who may not.
  'no ACL on the topic': {
    by: 'plain',
    does: send(),
    is: { name: 'KafkaJSNonRetriableError', type: 'TOPIC_AUTHORIZATION_FAILED', code: 29 },
    says: ({ topic }) => [`needs the ACL operation WRITE on topic "${topic}"`],
    help: 'not-authorized'
  },
  'no ACL to make a topic': {
    by: 'plain',
    does: send(({ missing }) => ({ topic: missing })),
    is: { type: 'TOPIC_AUTHORIZATION_FAILED', code: 29 },
    says: ({ missing }) => [`on topic "${missing}"`],
    help: 'not-authorized'
  },
  'no ACL to number messages': {
    by: 'plain',
    producer: { idempotent: true },
    does: send(),
    is: { type: 'CLUSTER_AUTHORIZATION_FAILED', code: 31 },
    says: () => ['needs the ACL operation IDEMPOTENT_WRITE on the cluster'],
    help: 'not-authorized',
    produced: 0
  },
  'no ACL on the transactional id': {
    by: 'plain',
    producer: transactional,
    does: inTransaction(() => {}),
    is: { type: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', code: 53 },
    says: ({ transactionalId }) => [`operation WRITE on transactional id "${transactionalId}"`],
    help: 'not-authorized'
  },

  // Under another name.
  'messages by another name': argument(
    ['Invalid messages array [undefined]', 'did you mean it by "message"?'],
    send(() => ({ messages: undefined, message: ONE[0] }))
  ),
  'a topic by another name': argument(
    ['Invalid topic: expected its name', 'did you mean it by "topics"?'],
    send(({ topic }) => ({ topic: undefined, topics: [topic] }))
  ),
  'a value by another name': argument(
    ['Invalid message without value', 'did you mean it by "vaule"?'],
    one({ value: undefined, vaule: 'x' })
  ),

  // Where to.
  'a topic that does not exist': {
    producer: { allowAutoTopicCreation: false, retry: SOON },
    does: send(({ missing }) => ({ topic: missing })),
    is: { name: 'KafkaJSNumberOfRetriesExceeded', cause: { code: 3 } },
    says: ({ missing }) => [`topic "${missing}" does not exist: create it`],
    help: 'topics',
    produced: 0
  },
  'a partition that the topic does not have': {
    producer: { retry: SOON },
    does: one({ partition: 9 }),
    is: { name: 'KafkaJSNumberOfRetriesExceeded', partition: 9, cause: { code: 3 } },
    says: ({ topic }) => [`topic "${topic}" has no partition 9`, 'fetchTopicMetadata()'],
    help: 'topics',
    produced: 0
  },
  'a name that no topic can have': {
    does: send({ topic: 'my topic' }),
    is: { type: 'INVALID_TOPIC_EXCEPTION', code: 17 },
    says: () => ['"my topic": a name has 1 to 249 of the characters'],
    help: 'topics',
    produced: 0
  },
  "a name that no topic can have, for the program's partitioner": {
    producer: { createPartitioner: () => () => 0 },
    does: send({ topic: 'my topic' }),
    is: { name: 'KafkaJSNonRetriableError', type: 'INVALID_TOPIC_EXCEPTION', topic: 'my topic' },
    says: () => ['"my topic": a name has 1 to 249 of the characters'],
    help: 'topics',
    produced: 0
  },
  "a topic of the brokers' own": {
    does: send({ topic: '__consumer_offsets' }),
    is: { type: 'INVALID_TOPIC_EXCEPTION', code: 17 },
    says: () => [`"__consumer_offsets" is a topic of the brokers' own: nobody else writes to it`],
    help: 'topics'
  },
  'no topic': argument(
    ['Invalid topic: expected its name', 'received undefined'],
    send({ topic: undefined })
  ),
  'a topic that is an object': argument(
    ['Invalid topic: expected its name', 'received an object'],
    send({ topic: { name: 'x' } })
  ),

  // What.
  'no argument': argument(
    ['producer.send() takes an object, { topic: "orders", messages: [', 'received undefined'],
    producer => producer.send(),
    { is: { name: 'TypeError' } }
  ),
  'a text for an argument': argument(
    ['producer.send() takes an object', 'received "orders"'],
    producer => producer.send('orders')
  ),
  'a list for an argument': argument(
    ['producer.send() takes an object', 'received an array'],
    producer => producer.send([{ topic: 't', messages: ONE }])
  ),
  'no argument of sendBatch()': argument(
    ['producer.sendBatch() takes an object, { topicMessages:', 'received undefined'],
    producer => producer.sendBatch(),
    { is: { name: 'TypeError' } }
  ),
  'topicMessages that are an object': argument(
    ['Invalid topicMessages array an object'],
    producer => producer.sendBatch({ topicMessages: {} })
  ),
  'no messages': argument(
    ['Invalid messages array [undefined] for topic "t"', 'expected [{ value: "…" }]'],
    producer => producer.send({ topic: 't', message: ONE })
  ),
  'a message instead of a list': argument(
    [/^KafkaJS.*Invalid messages array/, 'expected [{ value: "…" }], received an object'],
    send({ messages: { value: 'x' } })
  ),
  'a message that is a text': argument(
    [
      'Invalid message without value for topic',
      '"x"',
      'message 1 has to be an object, { value: "…" }'
    ],
    send({ messages: [{ value: 'a' }, 'x'] })
  ),
  'a message without a value': argument(
    ['Invalid message without value', '{"body":"y"}', 'message 0 has no "value"; null is one'],
    send({ messages: [{ body: 'y' }] })
  ),
  'a message without a value that is no JSON': argument(
    ['Invalid message without value', 'an object', 'message 0 has no "value"'],
    send({ messages: [{ body: 1n }] })
  ),
  'a value that is a number': argument(
    [`Invalid value of message 0`, shown, 'received 5'],
    one({ value: 5 })
  ),
  'a value that is an object': argument(
    ['Invalid value of message 0', shown, 'received an object'],
    one({ value: {} })
  ),
  'a value that nobody has awaited': argument(
    ['Invalid value', 'received a promise (await it)'],
    one({ value: Promise.resolve('x') })
  ),
  'a key that is a number': argument(
    ['Invalid key of message 0', shown, 'received 7'],
    one({ key: 7 })
  ),
  'a header that is a number': argument(
    ['Invalid header of message 0', shown, 'received 1'],
    one({ headers: { a: 1 } })
  ),
  'headers that are a text': argument(
    ['Invalid headers of message 0', 'have to be an object, received "a"'],
    one({ headers: 'a' })
  ),
  'a time that is a word': argument(
    ['Invalid timestamp of message 0', 'expected milliseconds, received "now"'],
    one({ timestamp: 'now' })
  ),
  'a partition that is none': argument(
    ['Invalid partition of message 0', 'expected a number from 0', 'received -1'],
    one({ partition: -1 })
  ),
  'a message that is too large': {
    does: one({ value: Buffer.alloc(2_000_000, 'x') }),
    is: { type: 'MESSAGE_TOO_LARGE', code: 10 },
    says: ({ topic }) => [`max.message.bytes of topic "${topic}" is the limit`, 'raise it'],
    help: 'messages-that-cannot-be-written'
  },
  'a message without a key for a compacted topic': {
    does: toTopicWith({ 'cleanup.policy': 'compact' }, { value: 'x' }),
    is: { type: 'INVALID_RECORD', code: 87 },
    says: ({ topic }) => ['Compacted topic cannot accept message without key', `"${topic}"`],
    help: 'messages-that-cannot-be-written'
  },
  'a time that the topic does not take': {
    does: toTopicWith(
      { 'message.timestamp.before.max.ms': '1000' },
      { value: 'x', timestamp: '1000000' }
    ),
    is: { type: 'INVALID_TIMESTAMP', code: 32 },
    says: ({ topic }) => ['Timestamp 1000000', `topic "${topic}" has the limits`, 'milliseconds'],
    help: 'messages-that-cannot-be-written'
  },

  // How.
  'acks that there are not': argument(
    ['Invalid acks 2: -1 waits for all in-sync replicas, 1 for the leader, 0 for nobody'],
    send({ acks: 2 })
  ),
  'acks 1 of an idempotent producer': argument(
    ['Not requiring ack for all messages', 'acks is 1: leave it out, or set idempotent: false'],
    send({ acks: 1 }),
    { producer: { idempotent: true } }
  ),
  'a codec that nobody knows': argument(
    ['Invalid compression "gzipp"', 'none, gzip, snappy, lz4, zstd'],
    send({ compression: 'gzipp' })
  ),
  'a level that the codec does not have': argument(
    ['gzip has no compression level 99; it has 0 to 9'],
    send({ compression: 'gzip', compressionLevel: 99 })
  ),
  'a timeout with a unit': argument(
    ['Invalid timeout, expected a number received 5s'],
    send({ timeout: '5s' })
  ),
  'a send before connect()': argument(
    ['The producer is disconnected', 'await producer.connect()'],
    (producer, { topic }) => producer.send({ topic, messages: ONE }),
    { is: { name: 'KafkaJSError', retriable: true } }
  ),
  'a send behind disconnect()': argument(
    ['The producer is disconnected', 'also behind a disconnect()'],
    async (producer, { topic }) => {
      await producer.connect()
      await producer.disconnect()
      return producer.send({ topic, messages: ONE })
    },
    { is: { name: 'KafkaJSError', retriable: true } }
  ),
  'a send during disconnect()': argument(
    ["it can't safely accept messages anymore", 'disconnect() was called before this send'],
    async (producer, { topic }) => {
      await producer.connect()
      const disconnected = producer.disconnect()
      return producer.send({ topic, messages: ONE }).finally(() => disconnected)
    }
  ),
  'a partitioner that returns nothing': argument(
    [
      'The partitioner has to return the number of a partition, it returned undefined for message 0'
    ],
    send(),
    { producer: { createPartitioner: () => () => {} } }
  ),
  'a partitioner that returns NaN': argument(['it returned NaN for message 0 of topic'], send(), {
    producer: { createPartitioner: () => () => NaN }
  }),
  'a partitioner that returns -1': argument(['it returned -1 for message 0 of topic'], send(), {
    producer: { createPartitioner: () => () => -1 }
  }),
  'a partitioner that is async': argument(['it returned a promise (await it)'], send(), {
    producer: { createPartitioner: () => async () => 0 }
  }),
  'a partitioner that throws': argument(
    ["reading 'length'", 'thrown by the partitioner, for message 0 of topic'],
    send(),
    {
      producer: { createPartitioner: () => args => args.message.key.length },
      is: { name: 'TypeError' }
    }
  ),
  'a partitioner that throws nothing': argument(
    ['the partitioner, for message 0', 'has thrown undefined'],
    send(),
    {
      producer: {
        createPartitioner: () => () => {
          throw undefined
        }
      },
      is: { name: 'TypeError' }
    }
  ),
  'nobody listens': {
    kafka: { brokers: ['127.0.0.1:1'], retry: SOON },
    does: producer => producer.connect(),
    is: { name: 'KafkaJSNumberOfRetriesExceeded', cause: { code: 'ECONNREFUSED' }, retryCount: 2 },
    says: () => ['connect ECONNREFUSED 127.0.0.1:1', 'is the port right, and is the broker up?'],
    help: 'no-connection'
  },
  'a broker that goes away': {
    by: 'proxied',
    producer: { retry: SOON },
    does: async (producer, { topic }) => {
      await producer.connect()
      await producer.send({ topic, messages: ONE })
      cluster.proxies[0].refuse()
      cluster.proxies[0].cut()
      return producer.send({ topic, messages: ONE })
    },
    is: { name: 'KafkaJSNumberOfRetriesExceeded' },
    says: () => [/ECONNREFUSED|Closed connection|ECONNRESET/],
    help: 'no-connection'
  },

  // Transactions.
  'a transaction without an id': argument(
    ['Must provide transactional id', 'kafka.producer({ transactionalId: "orders-1" })'],
    async producer => {
      await producer.connect()
      return producer.transaction()
    }
  ),
  'a transactionTimeout that the broker does not take': {
    producer: context => ({ ...transactional(context), transactionTimeout: 10_000_000 }),
    does: inTransaction(() => {}),
    is: { type: 'INVALID_TRANSACTION_TIMEOUT', code: 50 },
    says: () => ['transactionTimeout is 10000000 ms', '(transaction.max.timeout.ms)', '900000'],
    help: 'transactions'
  },
  'a transaction in a transaction': {
    producer: transactional,
    does: inTransaction((_, producer) => producer.transaction()),
    is: REFUSED,
    says: () => [
      'already an ongoing transaction',
      'make two producers, each with a transactionalId'
    ],
    help: 'transactions'
  },
  'a send behind a commit': {
    producer: transactional,
    does: inTransaction(async (transaction, _, { topic }) => {
      await transaction.commit()
      return transaction.send({ topic, messages: ONE })
    }),
    is: REFUSED,
    says: () => ['Cannot continue to use transaction once ended: it is committed', 'begin another'],
    help: 'transactions',
    produced: 0
  },
  'a commit behind an abort': {
    producer: transactional,
    does: inTransaction(async transaction => {
      await transaction.abort()
      return transaction.commit()
    }),
    is: REFUSED,
    says: () => ['Cannot continue to use transaction once ended: it is aborted'],
    help: 'transactions'
  },
  'a commit of what was refused': {
    producer: transactional,
    does: inTransaction(async transaction => {
      await rejection(transaction.send({ topic: 'my topic', messages: ONE }))
      return transaction.commit()
    }),
    is: { name: 'KafkaJSNonRetriableError', type: 'INVALID_TOPIC_EXCEPTION', code: 17 },
    says: () => ['The transaction can only be aborted, because', '"my topic": a name has 1 to 249'],
    help: 'topics'
  },
  'a producer that another one has replaced': {
    producer: transactional,
    does: inTransaction(async (transaction, _, { transactionalId, topic }) => {
      const kafka = createKafka(connections(cluster).plaintext)
      const other = createProducer({ kafka, transactionalId })
      await other.connect()
      await other.transaction()
      return transaction.send({ topic, messages: ONE })
    }),
    is: { type: 'INVALID_PRODUCER_EPOCH', code: 47 },
    says: ({ transactionalId }) => [
      `another producer has begun as transactionalId "${transactionalId}"`,
      'this producer can do nothing any more'
    ],
    help: 'transactions'
  },
  'sendOffsets() without a group': {
    producer: transactional,
    does: inTransaction(transaction => transaction.sendOffsets({ topics: [] })),
    is: { name: 'AssertionError' },
    says: () => ['Missing consumerGroupId', '"consumer" or "consumerGroupId"', 'it got "topics"'],
    help: 'transactions'
  },
  'sendOffsets() without topics': {
    producer: transactional,
    does: inTransaction(transaction => transaction.sendOffsets({ consumerGroupId: 'g' })),
    is: { name: 'AssertionError' },
    says: () => [
      'Missing offset topics',
      '"topics": [{ topic: "orders"',
      'it got "consumerGroupId"'
    ],
    help: 'transactions'
  },
  'sendOffsets() without an argument': argument(
    ['transaction.sendOffsets() takes an object, { consumer, topics: [', 'received undefined'],
    inTransaction(transaction => transaction.sendOffsets()),
    { producer: transactional, is: { name: 'TypeError' } }
  ),
  'offsets that are no list': argument(
    ['topics of transaction.sendOffsets() takes a list', 'received an object'],
    inTransaction(transaction => transaction.sendOffsets({ consumerGroupId: 'g', topics: {} })),
    { producer: transactional, is: { name: 'TypeError' } }
  ),
  'offsets without partitions': argument(
    ['partitions of topic "t" in transaction.sendOffsets() takes a list', 'received undefined'],
    inTransaction(transaction =>
      transaction.sendOffsets({ consumerGroupId: 'g', topics: [{ topic: 't', offset: '1' }] })
    ),
    { producer: transactional, is: { name: 'TypeError' } }
  ),
  'offsets of nothing': argument(
    ['partitions of topic undefined in transaction.sendOffsets() takes a list'],
    inTransaction(transaction =>
      transaction.sendOffsets({ consumerGroupId: 'g', topics: [undefined] })
    ),
    { producer: transactional, is: { name: 'TypeError' } }
  ),
  'no offset': argument(
    ['Invalid partition undefined of topic "t"'],
    inTransaction(transaction =>
      transaction.sendOffsets({
        consumerGroupId: 'g',
        topics: [{ topic: 't', partitions: [null] }]
      })
    ),
    { producer: transactional }
  ),
  'an offset that is none': argument(
    ['Invalid offset "last" of partition 0 of topic "t"', 'that of the next message'],
    inTransaction(transaction =>
      transaction.sendOffsets({
        consumerGroupId: 'g',
        topics: [{ topic: 't', partitions: [{ partition: 0, offset: 'last' }] }]
      })
    ),
    { producer: transactional }
  ),
  'an offset of a partition that is none': argument(
    ['Invalid partition "a" of topic "t"', 'expected a number from 0'],
    inTransaction(transaction =>
      transaction.sendOffsets({
        consumerGroupId: 'g',
        topics: [{ topic: 't', partitions: [{ partition: 'a', offset: '1' }] }]
      })
    ),
    { producer: transactional }
  ),
  'a consumer that is none': {
    producer: transactional,
    does: inTransaction(transaction => transaction.sendOffsets({ consumer: 'g', topics: [] })),
    is: REFUSED,
    says: () => ['consumer of transaction.sendOffsets() has to be one of kafka.consumer()', '"g"'],
    help: 'transactions'
  },
  'a consumer that is no member yet': argument(
    ['Consumer group was not initialized, consumer#run must be called first'],
    inTransaction((transaction, _, { topic }) =>
      transaction.sendOffsets({
        consumer: createConsumer({ kafka: createKafka(connections(cluster).plaintext) }),
        topics: [{ topic, partitions: [{ partition: 0, offset: '1' }] }]
      })
    ),
    { producer: transactional }
  )
}

/** @param {Row} row */
const make = async ({ by = 'plaintext', kafka: options, producer: given, does }) => {
  const topic = await createTopic({ brokers: cluster.brokers })
  const context = { topic, missing: uniqueName('missing'), transactionalId: uniqueName('tx') }
  const { logs, logCreator } = createLogs()
  const to = by === 'proxied' ? { brokers: cluster.listeners.proxied } : connections(cluster)[by]
  const kafka = createKafka({ logLevel: 4, logCreator, ...to, ...options })
  const own = typeof given === 'function' ? given(context) : given
  const producer = createProducer({ kafka, ...own })
  let produced = 0
  producer.on(producer.events.REQUEST, ({ payload }) => {
    if (payload.apiName === 'Produce') produced++
  })
  const error = await rejection(Promise.resolve(does(producer, context)))
  return { error, context, logs, produced: () => produced }
}

it.each(Object.entries(MISTAKES))('%s', async (_, row) => {
  const { error, context, logs, produced } = await make(row)
  expectTold(error, { ...row, says: row.says(context) }, logs)
  if (row.produced !== undefined) expect(produced()).toBe(row.produced)
})

describe('of what makes a producer, it says at once', () => {
  const thrownBy = options => {
    try {
      createProducer(options)
    } catch (error) {
      return error
    }
    throw new Error('It was made')
  }

  it.each(
    /** @type {[string, any, string[], string][]} */ ([
      ['a codec', { compression: 'brotli' }, ['Invalid compression "brotli"'], REFUSED.name],
      ['acks', { acks: 'most' }, ['Invalid acks "most"'], REFUSED.name],
      ['a time', { transactionTimeout: '60s' }, ['Invalid transactionTimeout'], REFUSED.name],
      ['no time', { transactionTimeout: 0 }, ['transactionTimeout (0) must be'], REFUSED.name],
      [
        'a partitioner by name',
        { createPartitioner: 'murmur2' },
        ['createPartitioner has to be a function', '"murmur2"'],
        'TypeError'
      ],
      [
        'a partitioner in its place',
        { createPartitioner: ({ message }) => message.key.length },
        ['thrown by createPartitioner, which gets nothing and returns the partitioner'],
        'TypeError'
      ],
      [
        'no partitioner',
        { createPartitioner: () => {} },
        ['createPartitioner has to return a partitioner, a function, it returned undefined'],
        'TypeError'
      ]
    ])
  )('%s', (_, options, says, name) => {
    const kafka = createKafka(connections(cluster).plaintext)
    const error = thrownBy({ kafka, ...options })
    expectTold(error, { is: { name }, says, help: OPTIONS }, [])
  })
})

it('messages under another name are not sent, as in kafkajs, and the log says so', async () => {
  const { logs, logCreator } = createLogs()
  const kafka = createKafka({ ...connections(cluster).plaintext, logLevel: 2, logCreator })
  const producer = /** @type {any} */ (createProducer({ kafka }))
  await producer.connect()
  expect(await producer.sendBatch({ topic: 't', messages: ONE })).toEqual([])
  expect(linesOf(logs, 'WARN')).toEqual([
    'Nothing was sent. Unknown option "topic" of producer.sendBatch() is ignored: did you mean "topicMessages"?'
  ])
  expect(await producer.sendBatch({})).toEqual([])
  expect(await producer.sendBatch({ topicMessages: [] })).toEqual([])
  expect(linesOf(logs, 'WARN')).toHaveLength(1)
  expect(await producer.sendBatch([{ topic: 't', messages: ONE }])).toEqual([])
  const { length, [length - 1]: last } = linesOf(logs, 'WARN')
  expect(last).toBe(
    'producer.sendBatch() takes an object, { topicMessages: [{ topic, messages }] }, received an array: it is ignored'
  )
  expect(length).toBe(2)
})

it('what nobody knows of a send() is told once, and what was consumed may be sent on', async () => {
  const { logs, logCreator } = createLogs()
  const kafka = createKafka({ ...connections(cluster).plaintext, logLevel: 2, logCreator })
  const producer = /** @type {any} */ (createProducer({ kafka }))
  const topic = await createTopic({ brokers: cluster.brokers })
  await producer.connect()
  const consumed = { offset: '1', size: 5, attributes: 0, magicByte: 2, isControlRecord: false }
  for (let n = 0; n < 2; n++) {
    await producer.send({ topic, messages: [{ ...ONE[0], ...consumed }] })
    await producer.send({ topic, ack: 1, messages: [{ ...ONE[0], header: { a: 'b' } }] })
  }
  expect(linesOf(logs, 'WARN')).toEqual([
    'Unknown option "ack" of producer.send() is ignored: did you mean "acks"?',
    'Unknown option "header" of a message of producer.send() is ignored: did you mean "headers"?'
  ])
})

it('messages of a transaction under another name are told, too', async () => {
  const { logs, logCreator } = createLogs()
  const kafka = createKafka({ ...connections(cluster).plaintext, logLevel: 2, logCreator })
  const producer = createProducer({ kafka, transactionalId: uniqueName('tx') })
  await producer.connect()
  const transaction = /** @type {any} */ (await producer.transaction())
  expect(await transaction.sendBatch({ messages: ONE })).toEqual([])
  expect(linesOf(logs, 'WARN').filter(line => line.includes('Nothing was sent'))).toEqual([
    'Nothing was sent. Unknown option "messages" of producer.sendBatch() is ignored'
  ])
  await transaction.abort()
})

it('offsets of a topic that there is not are waited for, and the log says which', async () => {
  const { logs, logCreator } = createLogs()
  const kafka = createKafka({ ...connections(cluster).plaintext, logLevel: 2, logCreator })
  const producer = createProducer({ kafka, transactionalId: uniqueName('tx') })
  await producer.connect()
  const transaction = await producer.transaction()
  const missing = uniqueName('missing')
  const topics = [{ topic: missing, partitions: [{ partition: 0, offset: '1' }] }]
  const sent = transaction.sendOffsets({ consumerGroupId: 'g', topics })
  sent.catch(() => {})
  await waitFor(() => linesOf(logs, 'WARN').some(line => line.includes(missing)))
  expect(linesOf(logs, 'WARN').filter(line => line.includes(missing))).toEqual([
    `The offsets of group "g" cannot be sent to the transaction, trying again: topic "${missing}" has no partition 0, or does not exist`
  ])
  await createTopic({ topic: missing, brokers: cluster.brokers })
  await sent
  await transaction.abort()
})

it("an error of the program's partitioner stays what it is, also one that cannot be changed", async () => {
  const topic = await createTopic({ brokers: cluster.brokers })
  class Mine extends Error {}
  class Computed extends Mine {
    constructor() {
      super('of itself')
      Object.defineProperty(this, 'stack', { get: () => 'Computed' })
    }
  }
  for (const thrown of [new Mine('no'), Object.freeze(new Mine('never')), new Computed(), 'text']) {
    const producer = createProducer({
      kafka: createKafka(connections(cluster).plaintext),
      createPartitioner: () => () => {
        throw thrown
      }
    })
    await producer.connect()
    for (let n = 0; n < 2; n++) {
      expect(await rejection(producer.send({ topic, messages: ONE }))).toBe(thrown)
    }
    if (thrown instanceof Mine && thrown.message === 'no') {
      expect(headOf(thrown).match(/thrown by/g)).toHaveLength(1)
    }
  }
})

it('a password is in no error and in no log', async () => {
  const { logs, logCreator } = createLogs()
  const { plain } = connections(cluster)
  const sasl = { ...plain.sasl, password: SECRET }
  const kafka = createKafka({ ...plain, sasl, logLevel: 5, logCreator })
  const error = await rejection(createProducer({ kafka }).connect())
  const told = {
    is: { name: 'KafkaJSSASLAuthenticationError' },
    says: ['broker 127.0.0.1:'],
    help: 'sasl'
  }
  expectTold(error, told, logs)
})

test('there are as many as people make', () => {
  expect(Object.keys(MISTAKES).length).toBeGreaterThanOrEqual(60)
})
