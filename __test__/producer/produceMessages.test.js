// @ts-check
'use strict'

const { createTopic, uniqueName, waitFor, withAdmin } = require('../kafka/helpers')
const { startJavaConsumer } = require('../kafka/consumer')
const { sharedCluster } = require('../kafka/helpers')
const { CompressionTypes, Partitioners } = require('./support')
const { createProducer, readLog, rejection, startProducer, upTo, valuesOf } = require('./support')

/** @param {any[]} rows */
const sorted = rows =>
  [...rows].sort((a, b) => a.topicName.localeCompare(b.topicName) || a.partition - b.partition)

describe('send()', () => {
  it('writes keys, values, headers and timestamps as they are', async () => {
    const topic = await createTopic()
    const producer = await startProducer()
    const before = Date.now()
    const rows = await producer.send({
      topic,
      messages: [
        { key: 'grün', value: 'wörld' },
        { key: Buffer.from([1, 2]), value: Buffer.from('bytes') },
        { key: '', value: '' },
        { key: null, value: null },
        {
          value: 'x'.repeat(100_000),
          headers: { one: '1', two: Buffer.from('2'), many: ['a', Buffer.from('b')], none: [] }
        },
        { value: 'then', timestamp: '1700000000000' }
      ]
    })
    expect(rows).toEqual([
      {
        topicName: topic,
        partition: 0,
        errorCode: 0,
        baseOffset: '0',
        logAppendTime: '-1',
        logStartOffset: '0'
      }
    ])
    const log = await readLog(topic)
    expect(log.map(({ key, value }) => [key, value])).toEqual([
      ['grün', 'wörld'],
      ['\u0001\u0002', 'bytes'],
      ['', ''],
      [null, null],
      [null, 'x'.repeat(100_000)],
      [null, 'then']
    ])
    const { one, two, many, ...others } = log[4].headers
    expect([String(one), String(two), many.map(String), others]).toEqual(['1', '2', ['a', 'b'], {}])
    expect(log[5].timestamp).toBe(1700000000000)
    for (const { timestamp } of log.slice(0, 5)) {
      expect(timestamp).toBeGreaterThanOrEqual(before)
      expect(timestamp).toBeLessThanOrEqual(Date.now())
    }
  })

  it('takes other bytes than Buffers, header values that are null, timestamps that are numbers or Dates', async () => {
    const topic = await createTopic()
    const producer = await startProducer()
    const bytes = new Uint8Array([0x68, 0x69])
    await producer.send({
      topic,
      messages: /** @type {any} */ ([
        { key: bytes, value: new DataView(bytes.buffer) },
        { value: 'h', headers: { none: null, gone: undefined, some: 'x' } },
        { value: 'n', timestamp: 1700000000001 },
        { value: 'd', timestamp: new Date(1700000000002) }
      ])
    })
    const log = await readLog(topic)
    expect(log.map(({ key, value }) => [key, value])).toEqual([
      ['hi', 'hi'],
      [null, 'h'],
      [null, 'n'],
      [null, 'd']
    ])
    expect(Object.keys(log[1].headers)).toEqual(['none', 'some'])
    expect(log[2].timestamp).toBe(1700000000001)
    expect(log[3].timestamp).toBe(1700000000002)
  })

  it('answers a row for each partition, with the offset of its own first message there', async () => {
    const topic = await createTopic({ partitions: 3 })
    const producer = await startProducer()
    const message = (/** @type {number} */ partition) => ({ partition, value: 'x' })
    const [one, two] = await Promise.all([
      producer.send({ topic, messages: [0, 0, 2].map(message) }),
      producer.send({ topic, messages: [2, 0].map(message) })
    ])
    const places = rows => sorted(rows).map(({ partition, baseOffset }) => [partition, baseOffset])
    expect(places(one)).toEqual([
      [0, '0'],
      [2, '0']
    ])
    expect(places(two)).toEqual([
      [0, '2'],
      [2, '1']
    ])
  })

  it('answers the time of appending where the topic is so configured', async () => {
    const topic = await createTopic({ config: { 'message.timestamp.type': 'LogAppendTime' } })
    const producer = await startProducer()
    const before = Date.now()
    const [row] = await producer.send({ topic, messages: [{ value: 'x' }] })
    const time = Number(row.logAppendTime)
    expect(time).toBeGreaterThanOrEqual(before - 1000)
    expect(time).toBeLessThanOrEqual(Date.now() + 1000)
  })

  it('keeps the order of calls that nobody has awaited', async () => {
    const topic = await createTopic()
    const producer = await startProducer()
    await Promise.all(
      upTo(200).map(i => producer.send({ topic, messages: [{ value: String(i) }] }))
    )
    expect(valuesOf(await readLog(topic))).toEqual(upTo(200).map(String))
  })

  it('writes ten thousand messages of one call', async () => {
    const topic = await createTopic({ partitions: 2 })
    const producer = await startProducer()
    const messages = upTo(10_000).map(i => ({ value: String(i), partition: i % 2 }))
    const rows = await producer.send({ topic, messages })
    expect(sorted(rows).map(({ baseOffset }) => baseOffset)).toEqual(['0', '0'])
    const log = await readLog(topic)
    expect(valuesOf(log)).toEqual([
      ...upTo(5000).map(i => String(2 * i)),
      ...upTo(5000).map(i => String(2 * i + 1))
    ])
  })

  it('with options that come from the environment, as text', async () => {
    const topic = await createTopic({ partitions: 2 })
    const retry = { retries: '3', initialRetryTime: '10', maxRetryTime: '100' }
    const producer = await startProducer(
      /** @type {any} */ ({ retry, idempotent: false, maxInFlightRequests: '5' })
    )
    for (const acks of ['-1', '1']) {
      const messages = [{ value: acks, partition: '1' }]
      await producer.send(
        /** @type {any} */ ({ topic, acks, timeout: '30000', compression: '1', messages })
      )
    }
    expect((await readLog(topic)).map(({ partition }) => partition)).toEqual([1, 1])
  })

  it('with acks 1 and 0', async () => {
    const topic = await createTopic()
    const producer = await startProducer()
    const [row] = await producer.send({ topic, acks: 1, messages: [{ value: 'leader' }] })
    expect(row).toMatchObject({ topicName: topic, partition: 0, errorCode: 0, baseOffset: '0' })
    expect(await producer.send({ topic, acks: 0, messages: [{ value: 'nobody' }] })).toEqual([])
    await producer.send({ topic, messages: [{ value: 'all' }] })
    expect(valuesOf(await readLog(topic))).toEqual(['leader', 'nobody', 'all'])
  })

  it('with acks that are null as with none: nodes of Node-RED send `acks || null`', async () => {
    const topic = await createTopic()
    const options = /** @type {any} */ ({ acks: null })
    for (const producer of [await startProducer(), await startProducer(options)]) {
      const [row] = await producer.send({ topic, ...options, messages: [{ value: 'all' }] })
      expect(row).toMatchObject({ topicName: topic, partition: 0, errorCode: 0 })
    }
    expect(valuesOf(await readLog(topic))).toEqual(['all', 'all'])
  })

  it('without messages resolves to nothing', async () => {
    const topic = await createTopic()
    const producer = await startProducer()
    expect(await producer.send({ topic, messages: [] })).toEqual([])
    expect(await producer.sendBatch({ topicMessages: [] })).toEqual([])
    expect(await producer.sendBatch(/** @type {any} */ ({}))).toEqual([])
  })

  it('creates a topic that does not exist', async () => {
    const topic = uniqueName('created')
    const producer = await startProducer()
    const [row] = await producer.send({ topic, messages: [{ value: 'first' }] })
    expect(row).toMatchObject({ topicName: topic, baseOffset: '0' })
    expect(valuesOf(await readLog(topic))).toEqual(['first'])
  })

  it('leaves the messages as they are', async () => {
    const topic = await createTopic()
    const producer = await startProducer()
    const message = Object.freeze({ value: 'x', headers: Object.freeze({ a: '1' }) })
    const messages = /** @type {any} */ (Object.freeze([message]))
    await producer.send({ topic, messages })
    expect(message).toEqual({ value: 'x', headers: { a: '1' } })
  })
})

describe('sendBatch()', () => {
  it('writes to several topics, and entries of one topic in their order', async () => {
    const [one, two] = [await createTopic(), await createTopic()]
    const producer = await startProducer()
    const rows = await producer.sendBatch({
      topicMessages: [
        { topic: one, messages: [{ value: '1' }] },
        { topic: two, messages: [{ value: '2' }] },
        { topic: one, messages: [{ value: '3' }] }
      ]
    })
    expect(rows.map(({ topicName }) => topicName).sort()).toEqual([one, two].sort())
    expect(valuesOf(await readLog(one))).toEqual(['1', '3'])
    expect(valuesOf(await readLog(two))).toEqual(['2'])
  })
})

describe('compression', () => {
  it.each(/** @type {const} */ (['GZIP', 'Snappy', 'LZ4', 'ZSTD']))(
    '%s is read by Java',
    async name => {
      const topic = await createTopic()
      const producer = await startProducer()
      const values = upTo(500).map(i => `message ${i} ${'x'.repeat(50)}`)
      await producer.send({
        topic,
        compression: CompressionTypes[name],
        messages: values.map(value => ({ value }))
      })
      const consumer = await startJavaConsumer(sharedCluster().brokers, {
        topic,
        groupId: uniqueName('java'),
        config: { 'auto.offset.reset': 'earliest' }
      })
      await waitFor(() => consumer.values.length >= values.length)
      await consumer.kill()
      expect(consumer.values).toEqual(values)
    }
  )

  it('has levels, and goes by its name', async () => {
    const topic = await createTopic()
    const producer = await startProducer()
    const messages = [{ value: 'x'.repeat(10_000) }]
    await producer.send({
      topic,
      compression: /** @type {any} */ ('gzip'),
      compressionLevel: 9,
      messages
    })
    expect(valuesOf(await readLog(topic))).toEqual([messages[0].value])
    const error = await rejection(
      producer.send({ topic, compression: CompressionTypes.ZSTD, compressionLevel: 99, messages })
    )
    expect(error.message).toMatch(/zstd has no compression level 99/)
  })
})

describe('partitioners', () => {
  const partitions = 7
  const keys = upTo(50).map(i => `key-${i}-${'ü'.repeat(i % 5)}`)
  const messages = keys.map(key => ({ key, value: key }))

  /** Where the keys are. */
  const placesOf = async topic =>
    Object.fromEntries((await readLog(topic)).map(({ key, partition }) => [key, partition]))

  it.each(
    /** @type {const} */ (['DefaultPartitioner', 'LegacyPartitioner', 'JavaCompatiblePartitioner'])
  )('%s puts each key where the function puts it', async name => {
    const topic = await createTopic({ partitions })
    const producer = await startProducer({ createPartitioner: Partitioners[name] })
    await producer.send({ topic, messages })
    const { topics } = await withAdmin(undefined, admin =>
      admin.fetchTopicMetadata({ topics: [topic] })
    )
    const partitionMetadata = topics[0].partitions
    const partition = Partitioners[name]()
    expect(await placesOf(topic)).toEqual(
      Object.fromEntries(
        messages.map(message => [message.key, partition({ topic, partitionMetadata, message })])
      )
    )
  })

  it('messages without a key go to all partitions in turn', async () => {
    const topic = await createTopic({ partitions: 3 })
    const producer = await startProducer()
    await producer.send({ topic, messages: upTo(9).map(i => ({ value: String(i) })) })
    const log = await readLog(topic)
    expect(log.map(({ partition }) => partition)).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2])
  })

  it('place again what waits for a partition that is gone: the topic was made anew with fewer', async () => {
    const topic = await createTopic({ partitions: 6 })
    const producer = await startProducer({ allowAutoTopicCreation: false, retry: { retries: 10 } })
    const places = /** @type {number[]} */ ([])
    const sends = /** @type {Promise<void>[]} */ ([])
    const send = async () => {
      const rows = await producer.send({ topic, messages: [{ value: 'x' }] })
      places.push(rows[0].partition)
    }
    await send()
    const ticking = setInterval(() => sends.push(send()), 5)
    try {
      await withAdmin(undefined, admin => admin.deleteTopics({ topics: [topic] }))
      await createTopic({ topic })
      const before = places.length
      await waitFor(() => places.length > before + 100)
    } finally {
      clearInterval(ticking)
    }
    await Promise.all(sends)
    expect(places.at(-1)).toBe(0)
  })

  it("of the program's gets topic, partitions and message, in order, once each", async () => {
    const topic = await createTopic({ partitions: 3 })
    const calls = /** @type {any[]} */ ([])
    const producer = await startProducer({
      createPartitioner: () => args => {
        calls.push(args)
        return Number(args.message.value) % 3
      }
    })
    const sends = upTo(6).map(i => producer.send({ topic, messages: [{ value: String(i) }] }))
    await Promise.all(sends)
    expect(calls.map(({ message }) => message.value)).toEqual(upTo(6).map(String))
    expect(calls[0].topic).toBe(topic)
    const ids = calls[0].partitionMetadata.map(({ partitionId }) => partitionId)
    expect(ids.sort()).toEqual([0, 1, 2])
    expect(calls[0].partitionMetadata[0]).toMatchObject({
      partitionErrorCode: 0,
      leader: expect.any(Number),
      replicas: expect.any(Array),
      isr: expect.any(Array)
    })
    expect(valuesOf(await readLog(topic))).toEqual(['0', '3', '1', '4', '2', '5'])
  })

  it('of the program that throws, or returns no partition, rejects the send', async () => {
    const topic = await createTopic()
    const throws = await startProducer({
      createPartitioner: () => () => {
        throw new TypeError('no idea')
      }
    })
    expect((await rejection(throws.send({ topic, messages: [{ value: 'x' }] }))).message).toBe(
      'no idea'
    )
    const promises = await startProducer({
      createPartitioner: () => /** @type {any} */ (async () => 0)
    })
    const error = await rejection(promises.send({ topic, messages: [{ value: 'x' }] }))
    expect(error.message).toMatch(/partitioner has to return the number of a partition/)
    expect(await readLog(topic)).toEqual([])
  })

  it('createPartitioner that is no function is a TypeError', () => {
    expect(() => createProducer({ createPartitioner: /** @type {any} */ ('murmur') })).toThrow(
      TypeError
    )
  })
})
