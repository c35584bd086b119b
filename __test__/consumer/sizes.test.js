// @ts-check
'use strict'

/** Large messages and many of everything: partitions, topics, batches. */

const {
  committed,
  createTopic,
  logEnd,
  observer,
  produce,
  sharedCluster,
  uniqueName
} = require('../kafka/helpers')
const { startProducer } = require('../kafka/producer')
const { byPartition, distinct, numbered, startConsumer, upTo, waitFor } = require('./support')

const MB = 1_000_000

/** A value that tells where a byte of it is wrong. @param {number} size @param {number} seed */
const largeValue = (size, seed) => {
  const value = Buffer.alloc(size)
  for (let i = 0; i < size; i++) value[i] = (i * 31 + (i >> 8) + seed) & 0xff
  return value
}

describe('a message of 20 MB, twice of what a fetch asks for', () => {
  const values = [largeValue(20 * MB, 1), Buffer.from('small'), largeValue(20 * MB, 2)]

  it.each(/** @type {const} */ (['none', 'gzip']))(
    'arrives as it was sent (%s), and so do those beside it',
    async compression => {
      const topic = await createTopic({
        partitions: 2,
        config: { 'max.message.bytes': String(30 * MB) }
      })
      for (const value of values) {
        const messages = [0, 1].map(partition => ({ value, partition }))
        await produce(topic, messages, { compression })
      }
      const received = /** @type {Record<number, any[]>} */ ({ 0: [], 1: [] })
      const { consumer, groupId, messages } = await startConsumer({
        topics: [topic],
        maxBytesPerPartition: MB,
        handle: ({ partition, message }) => received[partition].push(message.value)
      })
      await waitFor(() => messages.length >= 6, { timeout: 240_000 })
      await consumer.disconnect()
      for (const partition of [0, 1]) {
        expect(received[partition].map((value, i) => value.equals(values[i]))).toEqual(
          values.map(() => true)
        )
      }
      expect(await committed(groupId, topic)).toEqual({ 0: '3', 1: '3' })
    }
  )

  it('is a batch of its own, larger than maxBytes', async () => {
    const topic = await createTopic({ config: { 'max.message.bytes': String(30 * MB) } })
    for (const value of values) await produce(topic, [{ value }])
    const sizes = /** @type {number[]} */ ([])
    await startConsumer({
      topics: [topic],
      maxBytesPerPartition: 1000,
      maxBytes: 1000,
      run: {
        eachMessage: undefined,
        eachBatch: async ({ batch }) => {
          for (const { value } of batch.messages) sizes.push(value?.length ?? 0)
        }
      }
    })
    await waitFor(() => sizes.length >= 3, { timeout: 240_000 })
    expect(sizes).toEqual(values.map(({ length }) => length))
  })
})

it('200 partitions, three members: each has its third, nothing is lost when one leaves', async () => {
  const topic = await createTopic({ partitions: 200 })
  await produce(topic, numbered(2000, { partitions: 200 }))
  const groupId = uniqueName('group')
  const members = await Promise.all(upTo(3).map(() => startConsumer({ topics: [topic], groupId })))
  const share = ({ seen }) => seen.of('GROUP_JOIN').at(-1).memberAssignment[topic]?.length
  const all = () => members.flatMap(({ messages }) => messages)

  await waitFor(() => members.every(member => [66, 67].includes(share(member))))
  await produce(topic, numbered(1000, { partitions: 200, first: 2000 }))
  await waitFor(() => distinct(all()).length >= 3000)
  const [leaver, ...others] = members
  await leaver.consumer.disconnect()
  await waitFor(() => others.every(member => share(member) === 100))
  await produce(topic, numbered(1000, { partitions: 200, first: 3000 }))
  await waitFor(() => distinct(all()).length >= 4000)

  expect(distinct(all())).toEqual(upTo(4000))
  const end = await logEnd(topic)
  await waitFor(async () => {
    const offsets = await committed(groupId, topic)
    return JSON.stringify(offsets) === JSON.stringify(end)
  })
})

it('50 topics, by name and by pattern', async () => {
  const prefix = uniqueName('many')
  const names = upTo(50).map(i => `${prefix}.${i}`)
  for (const topic of names) await createTopic({ topic, partitions: 2 })
  const producer = observer().producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  await producer.sendBatch({
    topicMessages: names.map(topic => ({ topic, messages: numbered(10, { partitions: 2 }) }))
  })
  await producer.disconnect()

  for (const topics of [names, [new RegExp(`^${prefix}\\.\\d+$`)]]) {
    const { consumer, messages } = await startConsumer({ topics })
    await waitFor(() => messages.length >= 500)
    await consumer.disconnect()
    expect(messages).toHaveLength(500)
    for (const name of names) {
      const own = messages.filter(({ topic }) => topic === name)
      expect(distinct(own)).toEqual(upTo(10))
      expect(byPartition(own)).toEqual({ 0: upTo(5), 1: upTo(5) })
    }
  }
})

it('30,000 batches of one message', async () => {
  const topic = await createTopic({ partitions: 10 })
  const producer = await startProducer(sharedCluster().brokers, { 'batch.size': 0 })
  await producer.generate({ topic, count: 30_000 })
  await producer.close()

  const { consumer, groupId, messages } = await startConsumer({ topics: [topic] })
  await waitFor(() => messages.length >= 30_000, { timeout: 240_000 })
  await consumer.disconnect()
  expect(messages).toHaveLength(30_000)
  for (const offsets of Object.values(byPartition(messages))) expect(offsets).toEqual(upTo(3000))
  expect(distinct(messages)).toEqual(upTo(30_000))
  expect(await committed(groupId, topic)).toEqual(await logEnd(topic))
})

it('a batch that decompresses to more than maxDecompressedBytes ends the consumer, by name', async () => {
  const topic = await createTopic()
  await produce(topic, [{ value: 'small' }])
  await produce(topic, [{ value: Buffer.alloc(3 * MB) }], { compression: 'gzip' })
  const { seen, messages } = await startConsumer({
    topics: [topic],
    .../** @type {{}} */ ({ maxDecompressedBytes: 2 * MB })
  })
  await waitFor(() => seen.of('CRASH').length > 0)
  const [{ error, restart }] = seen.of('CRASH')
  expect([error.message, restart]).toEqual([
    expect.stringContaining('more than maxDecompressedBytes (2000000)'),
    false
  ])
  expect(messages).toHaveLength(1)
}, 60_000)

it('a message without compression knows no maxDecompressedBytes', async () => {
  const topic = await createTopic({ config: { 'max.message.bytes': String(4 * MB) } })
  await produce(topic, [{ value: Buffer.alloc(3 * MB) }])
  const { messages } = await startConsumer({
    topics: [topic],
    .../** @type {{}} */ ({ maxDecompressedBytes: 1000 })
  })
  await waitFor(() => messages.length === 1)
})
