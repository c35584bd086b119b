// @ts-check
'use strict'

const {
  committed,
  createTopic,
  logEnd,
  produce,
  sharedCluster,
  uniqueName
} = require('../kafka/helpers')
const { startProducer } = require('../kafka/producer')
const {
  commitFor,
  distinct,
  numbered,
  numbers,
  pause,
  startConsumer,
  upTo,
  waitFor
} = require('./support')

/** @type {import('../kafka/producer').Producer[]} */
const producers = []

afterEach(async () => {
  await Promise.all(producers.splice(0).map(producer => producer.close()))
})

const transactional = async (config = {}) => {
  const settings = { 'transactional.id': uniqueName('transaction'), 'linger.ms': 20, ...config }
  const producer = await startProducer(sharedCluster().brokers, settings)
  producers.push(producer)
  return producer
}

/** So many messages, and what else comes by the time that the consumer has ended. */
const readAll = async (topic, count, options = {}) => {
  const { consumer, messages } = await startConsumer({ topics: [topic], ...options })
  await waitFor(() => messages.length >= count)
  await consumer.disconnect()
  return messages
}

it.each(['none', 'gzip', 'zstd'])('aborted messages are not handled (%s)', async compression => {
  const topic = await createTopic({ partitions: 3 })
  const producer = await transactional({ 'compression.type': compression })
  const { transactions } = await producer.generate({
    topic,
    count: 2000,
    transactions: ['commit', 'abort', 'abort', 'commit', 'abort'],
    perTransaction: 50
  })
  const outcomes = transactions.map(({ outcome }) => outcome)
  const expected = upTo(2000).filter(n => outcomes[Math.floor(n / 50)] === 'commit')
  const messages = await readAll(topic, expected.length)
  expect(distinct(messages)).toEqual(expected)
  expect(messages).toHaveLength(expected.length)
})

it('what is aborted behind the last message is committed: no lag remains', async () => {
  const topic = await createTopic()
  const producer = await transactional()
  await produce(topic, numbered(3))
  await producer.begin()
  await producer.send(topic, [{ value: 'aborted', partition: 0 }])
  await producer.abort()
  const { messages, groupId } = await startConsumer({ topics: [topic] })
  await waitFor(async () => (await committed(groupId, topic))[0] === '5')
  expect(await logEnd(topic)).toEqual({ 0: '5' })
  expect(numbers(messages)).toEqual(upTo(3))
})

it('a key that looks like an abort marker is none', async () => {
  const topic = await createTopic()
  const producer = await transactional()
  await producer.begin()
  await producer.send(topic, [{ key: Buffer.alloc(4), value: 'aborted', partition: 0 }])
  await producer.send(topic, [{ value: 'aborted as well', partition: 0 }])
  await producer.abort()
  await produce(topic, numbered(1))
  const messages = await readAll(topic, 1)
  expect(messages.map(({ value }) => value)).toEqual(['0'])
})

it('of several producers at once, from the middle: all of them are known', async () => {
  const topic = await createTopic()
  const groupId = uniqueName('group')
  const [one, two] = await Promise.all([transactional(), transactional()])
  await one.begin()
  await two.begin()
  await one.send(topic, [{ value: 'one', partition: 0 }])
  await two.send(topic, [{ value: 'two', partition: 0 }])
  await two.send(topic, [{ value: 'two again', partition: 0 }])
  await one.abort()
  await two.abort()
  await produce(topic, numbered(1))
  await commitFor(groupId, topic, { 0: 2 })
  const messages = await readAll(topic, 1, { groupId })
  expect(messages.map(({ value }) => value)).toEqual(['0'])
})

it('of several producers at once, interleaved', async () => {
  const topic = await createTopic()
  const [one, two] = await Promise.all([transactional(), transactional()])
  await one.begin()
  await two.begin()
  for (let i = 0; i < 10; i++) {
    await one.send(topic, [{ value: String(i), partition: 0 }])
    await two.send(topic, [{ value: String(100 + i), partition: 0 }])
  }
  await two.abort()
  await two.begin()
  await two.send(topic, [{ value: '200', partition: 0 }])
  await one.commit()
  await two.commit()
  await produce(topic, [{ value: '300' }])
  const messages = await readAll(topic, 12)
  expect(numbers(messages)).toEqual([...upTo(10), 200, 300])
})

it('a topic of nothing but aborted messages is read to its end', async () => {
  const topic = await createTopic()
  const producer = await transactional()
  await producer.generate({ topic, count: 100, transactions: ['abort'], perTransaction: 10 })
  const { messages, groupId, seen, consumer } = await startConsumer({ topics: [topic] })
  await produce(topic, [{ value: '1000' }])
  await waitFor(() => messages.length > 0)
  await consumer.disconnect()
  expect(numbers(messages)).toEqual([1000])
  expect(await committed(groupId, topic)).toEqual({ 0: '111' })
  expect(seen.of('CRASH')).toEqual([])
})

/** A topic with 0 to 2, 3 in a transaction that is open, and 4 behind it. */
const withOpenTransaction = async () => {
  const topic = await createTopic()
  const producer = await transactional()
  await produce(topic, numbered(3))
  await producer.begin()
  await producer.send(topic, [{ value: '3', partition: 0 }])
  await produce(topic, [{ value: '4' }])
  return { topic, producer }
}

it('an open transaction holds back what is behind it', async () => {
  const { topic, producer } = await withOpenTransaction()
  const { messages } = await startConsumer({ topics: [topic], maxWaitTimeInMs: 200 })
  await waitFor(() => messages.length >= 3)
  await pause(300) // nothing must come
  expect(messages).toHaveLength(3)
  await producer.commit()
  await waitFor(() => messages.length >= 5)
  expect(numbers(messages)).toEqual(upTo(5))
})

it('an open transaction that is aborted lets go of what is behind it, and only of that', async () => {
  const topic = await createTopic({ partitions: 2 })
  const producer = await transactional()
  await produce(topic, numbered(4, { partitions: 2 }))
  await producer.begin()
  await producer.send(topic, numbered(4, { partitions: 2, first: 4 }))
  await produce(topic, numbered(4, { partitions: 2, first: 8 }))
  const { messages, groupId } = await startConsumer({ topics: [topic], maxWaitTimeInMs: 200 })
  await waitFor(() => messages.length >= 4)
  await pause(300) // nothing must come
  expect(distinct(messages)).toEqual([0, 1, 2, 3])
  await producer.abort()
  await waitFor(() => messages.length >= 8)
  await waitFor(async () => {
    const offsets = await committed(groupId, topic)
    return JSON.stringify(offsets) === JSON.stringify(await logEnd(topic))
  })
  expect(distinct(messages)).toEqual([0, 1, 2, 3, 8, 9, 10, 11])
  expect(messages).toHaveLength(8)
})

it('the lag is that of what may be read: an open transaction ends it, unless what is not committed is read', async () => {
  const { topic, producer } = await withOpenTransaction()
  const [committedOnly, all] = await Promise.all(
    [false, true].map(async readUncommitted => {
      const { consumer, messages } = await startConsumer({
        topics: [topic],
        maxWaitTimeInMs: 200,
        readUncommitted
      })
      await waitFor(() => messages.length === (readUncommitted ? 5 : 3))
      return /** @type {any} */ (consumer)
    })
  )
  const of = consumer => consumer.lag()[0] ?? {}
  const ends = { highWatermark: '5', lastStableOffset: '3', lag: '0' }
  await waitFor(() => of(committedOnly).lag === '0' && of(all).lag === '0')
  expect(of(committedOnly)).toMatchObject({ ...ends, position: '3' })
  expect(of(all)).toMatchObject({ ...ends, position: '5' })
  await producer.commit()
  // The end of a transaction has an offset, too.
  await waitFor(() => of(committedOnly).position === '6')
  expect(of(committedOnly)).toMatchObject({
    highWatermark: '6',
    lastStableOffset: '6',
    lag: '0'
  })
})

it('without fromBeginning a group begins at the last stable offset: an open transaction is still to come', async () => {
  const { topic, producer } = await withOpenTransaction()
  const { messages, seen } = await startConsumer({
    topics: [topic],
    fromBeginning: false,
    maxWaitTimeInMs: 100
  })
  await waitFor(() => seen.of('FETCH').length > 0)
  await producer.commit()
  await waitFor(() => messages.length >= 2)
  expect(numbers(messages)).toEqual([3, 4])
})

it('readUncommitted handles all of them', async () => {
  const topic = await createTopic()
  const producer = await transactional()
  await producer.generate({
    topic,
    count: 40,
    transactions: ['commit', 'abort'],
    perTransaction: 10
  })
  await producer.begin()
  await producer.send(topic, [{ value: '40', partition: 0 }])
  const { messages } = await startConsumer({ topics: [topic], readUncommitted: true })
  await waitFor(() => messages.length >= 41)
  expect(numbers(messages)).toEqual(upTo(41))
})

it('batchContext says who wrote a message', async () => {
  const topic = await createTopic()
  const producer = await transactional()
  await producer.begin()
  await producer.send(topic, [{ value: 'v', partition: 0 }])
  await producer.commit()
  const contexts = /** @type {any[]} */ ([])
  await startConsumer({
    topics: [topic],
    handle: ({ message }) => contexts.push(/** @type {any} */ (message).batchContext)
  })
  await waitFor(() => contexts.length > 0)
  expect(contexts[0]).toMatchObject({ inTransaction: true, isControlBatch: false })
  expect(Number(contexts[0].producerId)).toBeGreaterThanOrEqual(0)
})
