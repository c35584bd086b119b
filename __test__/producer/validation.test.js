// @ts-check
'use strict'

/** What is refused before anything is sent: kafkajs's classes, texts and order. */

const { createTopic, uniqueName } = require('../kafka/helpers')
const {
  createKafka,
  createProducer,
  readLog,
  rejection,
  startProducer,
  valuesOf
} = require('./support')

const EOS =
  "Not requiring ack for all messages invalidates the idempotent producer's EoS guarantees"

/** @param {any} record @param {any} [options] */
const refused = (record, options) => rejection(createProducer(options).send(record))

describe('before it is connected', () => {
  const topic = 't'
  const messages = [{ value: 'x' }]

  it.each(
    /** @type {[string, any, any, string][]} */ ([
      ['no topic', { messages }, {}, 'Invalid topic'],
      ['an empty topic', { topic: '', messages }, {}, 'Invalid topic'],
      ['no messages', { topic }, {}, 'Invalid messages array [undefined] for topic "t"'],
      ['null', { topic, messages: null }, {}, 'Invalid messages array [null] for topic "t"'],
      [
        'a message without a value',
        { topic, messages: [{ value: 'x' }, { foo: 'bar' }] },
        {},
        'Invalid message without value for topic "t": {"foo":"bar"}'
      ],
      ['acks 1 of an idempotent one', { topic, acks: 1, messages }, { idempotent: true }, EOS],
      ['acks 0 of an idempotent one', { topic, acks: 0, messages }, { idempotent: true }, EOS]
    ])
  )('%s is a KafkaJSNonRetriableError', async (_, record, options, text) => {
    const error = await refused(record, options)
    expect(error).toMatchObject({ name: 'KafkaJSNonRetriableError', retriable: false })
    expect(error.message).toBe(text)
  })

  it('the topic comes first, then acks, then messages', async () => {
    const idempotent = { idempotent: true }
    expect((await refused({ acks: 1 }, idempotent)).message).toBe('Invalid topic')
    expect((await refused({ topic, acks: 1 }, idempotent)).message).toBe(EOS)
    expect((await refused({ topic, messages: [{}] })).message).toMatch(/^Invalid message without/)
  })

  it('no argument is a TypeError', async () => {
    const producer = /** @type {any} */ (createProducer())
    expect((await rejection(producer.send())).name).toBe('TypeError')
    expect((await rejection(producer.sendBatch())).name).toBe('TypeError')
  })

  it('topicMessages that are no list are refused by name', async () => {
    const producer = /** @type {any} */ (createProducer())
    for (const topicMessages of [{}, 7, null, new Set()]) {
      const error = await rejection(producer.sendBatch({ topicMessages }))
      expect(error).toMatchObject({ name: 'KafkaJSNonRetriableError' })
      expect(error.message).toMatch(/^Invalid topicMessages array /)
    }
  })

  it('what is right says that the producer is disconnected', async () => {
    const error = await refused({ topic, messages })
    expect(error).toMatchObject({ name: 'KafkaJSError', retriable: true })
    expect(error.message).toBe('The producer is disconnected')
  })

  it('retries of an idempotent one have to be allowed', () => {
    expect(() => createProducer({ idempotent: true, retry: { retries: 0 } })).toThrow(
      'Idempotent producer must allow retries to protect against transient errors'
    )
  })
})

it('retries of an idempotent one that end are told, and by default they do not', () => {
  const told = 'Limiting retries for the idempotent producer may invalidate EoS guarantees'
  const lines = /** @type {string[]} */ ([])
  const logCreator = () => entry => void (entry.log.message === told && lines.push(told))
  const start = (options, retry) =>
    createProducer({
      kafka: createKafka({ logLevel: 2, logCreator, ...(retry && { retry }) }),
      retry: undefined,
      ...options
    })
  start({ idempotent: true })
  start({ idempotent: true, retry: { retries: Number.MAX_SAFE_INTEGER } })
  start({ retry: { retries: 3 } })
  expect(lines).toEqual([])
  start({ idempotent: true, retry: { retries: 3 } })
  expect(lines).toEqual([told])
  start({ idempotent: true }, { retries: 3 })
  expect(lines).toEqual([told, told])
  expect(() => start({ idempotent: true }, { retries: 0 })).toThrow('must allow retries')
})

describe('what kafkajs sends, or trips over', () => {
  it.each(
    /** @type {[string, any, RegExp][]} */ ([
      ['messages that are a string', { messages: 'x' }, /^Invalid messages array \[x\] for topic/],
      [
        'a message that is null',
        { messages: [null] },
        /^Invalid messages array \[null\] for topic/
      ],
      [
        'a value that is a number',
        { messages: [{ value: 5 }] },
        /^Invalid value of message 0 .* received 5$/
      ],
      [
        'a key that is an object',
        { messages: [{ key: {}, value: 'x' }] },
        /^Invalid key of message 0/
      ],
      [
        'a header that is a number',
        { messages: [{ value: 'x' }, { value: 'x', headers: { a: 1 } }] },
        /^Invalid header of message 1 .* received 1$/
      ],
      [
        'headers that are a string',
        { messages: [{ value: 'x', headers: 'a' }] },
        /^Invalid headers of message 0/
      ],
      [
        'headers that are a Map',
        { messages: [{ value: 'x', headers: new Map([['a', 'b']]) }] },
        /^Invalid headers of message 0 .* Object.fromEntries/
      ],
      [
        'headers that are a list of pairs',
        { messages: [{ value: 'x', headers: [['a', 'b']] }] },
        /^Invalid headers of message 0 .* Object.fromEntries/
      ],
      [
        'a time that is a text',
        { messages: [{ value: 'x', timestamp: 'now' }] },
        /^Invalid timestamp of message 0 .* "now"$/
      ],
      [
        'a time that is NaN',
        { messages: [{ value: 'x', timestamp: NaN }] },
        /^Invalid timestamp of message 0 .* NaN$/
      ],
      [
        'a partition that is none',
        { messages: [{ value: 'x', partition: -1 }] },
        /^Invalid partition of message 0 .* -1$/
      ],
      [
        'a partition that is no number',
        { messages: [{ value: 'x', partition: NaN }] },
        /^Invalid partition of message 0 .* NaN$/
      ],
      ['acks 2', { acks: 2, messages: [{ value: 'x' }] }, /^Invalid acks 2: /],
      [
        'a codec that is none',
        { compression: 9, messages: [{ value: 'x' }] },
        /^Invalid compression 9: .*gzip, snappy, lz4, zstd/
      ]
    ])
  )('%s is refused by name', async (_, record, text) => {
    const topic = await createTopic()
    const producer = await startProducer()
    const error = await rejection(producer.send({ topic, ...record }))
    expect(error).toMatchObject({ name: 'KafkaJSNonRetriableError', retriable: false })
    expect(error.message).toMatch(text)
    await producer.send({ topic, messages: [{ value: 'and it goes on' }] })
    expect(valuesOf(await readLog(topic))).toEqual(['and it goes on'])
  })

  it('a partition that the topic does not have rejects, and says which', async () => {
    const topic = await createTopic()
    const producer = await startProducer({ retry: { initialRetryTime: 10, retries: 1 } })
    const error = await rejection(
      producer.send({
        topic,
        messages: [
          { value: 'here', partition: 0 },
          { value: 'there', partition: 9 }
        ]
      })
    )
    expect(error).toMatchObject({ topic, partition: 9 })
    expect(error.message).toMatch(new RegExp(`"${topic}" has no partition 9`))
    expect(error.failed).toMatchObject([{ topic, partition: 9, messages: [1] }])
    expect(error.succeeded).toMatchObject([{ topicName: topic, partition: 0, baseOffset: '0' }])
    expect(valuesOf(await readLog(topic))).toEqual(['here'])
  })
})

it.each([
  ['', {}],
  [", with a partitioner of the program's", { createPartitioner: () => () => 0 }]
])(
  'a name that is no topic is refused by the broker, and the producer goes on%s',
  async (_, options) => {
    const topic = await createTopic()
    const producer = await startProducer(options)
    const error = await rejection(
      producer.send({ topic: 'no (topic)', messages: [{ value: 'x' }] })
    )
    expect(error).toMatchObject({ name: 'KafkaJSNonRetriableError', retriable: false })
    expect(error.message).toMatch(
      /^The request attempted to perform an operation on an invalid topic/
    )
    expect(error.cause).toMatchObject({ type: 'INVALID_TOPIC_EXCEPTION', code: 17 })
    await producer.send({ topic, messages: [{ value: 'y' }] })
    expect(valuesOf(await readLog(topic))).toEqual(['y'])
  }
)

it('what a send rejects with is not logged as well', async () => {
  const lines = /** @type {string[]} */ ([])
  const logCreator = () => entry => void lines.push(entry.log.message)
  const producer = await startProducer({ kafka: createKafka({ logLevel: 1, logCreator }) })
  for (const record of [{ topic: 'no (topic)' }, { compression: /** @type {any} */ (9) }]) {
    await rejection(producer.send({ topic: 't', messages: [{ value: 'x' }], ...record }))
  }
  expect(lines).toEqual([])
})

it('a topic that is no text is refused, and not made', async () => {
  const producer = /** @type {any} */ (await startProducer())
  const error = await rejection(producer.send({ topic: 5, messages: [{ value: 'x' }] }))
  expect(error).toMatchObject({ name: 'KafkaJSNonRetriableError', retriable: false })
  expect(error.message).toMatch(/invalid topic/i)
})

it('a topic that does not exist rejects with its name, and the others go on', async () => {
  const [topic, missing] = [await createTopic(), uniqueName('missing')]
  const producer = await startProducer({
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 10, retries: 2 }
  })
  const [error] = await Promise.all([
    rejection(producer.send({ topic: missing, messages: [{ value: 'x' }] })),
    producer.send({ topic, messages: [{ value: 'y' }] })
  ])
  expect(error.name).toBe('KafkaJSNumberOfRetriesExceeded')
  expect(error.message).toMatch(/^This server does not host this topic-partition/)
  expect(error.message).toMatch(missing)
  expect(error).toMatchObject({ topic: missing })
  await producer.send({ topic, messages: [{ value: 'z' }] })
  expect(valuesOf(await readLog(topic))).toEqual(['y', 'z'])
})

it('an option that nobody knows is one warning', () => {
  const lines = /** @type {any[]} */ ([])
  const kafka = createKafka({
    logLevel: 2,
    logCreator: () => entry => void lines.push(entry.log.message)
  })
  createProducer({ kafka, ...{ idempotant: true } })
  expect(lines).toEqual([
    'Unknown option "idempotant" of kafka.producer() is ignored: did you mean "idempotent"?'
  ])
})
