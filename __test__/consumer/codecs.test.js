// @ts-check
'use strict'

const { committed, createTopic, logEnd, sharedCluster } = require('../kafka/helpers')
const { startProducer } = require('../kafka/producer')
const { byPartition, distinct, startConsumer, upTo, waitFor } = require('./support')

const COUNT = 10_000
const PARTITIONS = 12

describe.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('compressed with %s', compression => {
  it(`${COUNT} messages of ${PARTITIONS} partitions arrive complete and in order`, async () => {
    const topic = await createTopic({ partitions: PARTITIONS })
    const producer = await startProducer(sharedCluster().brokers, {
      'compression.type': compression,
      'linger.ms': 20
    })
    await producer.generate({ topic, count: COUNT, valueBytes: 100, keys: true })
    await producer.close()

    const { consumer, groupId, messages } = await startConsumer({
      topics: [topic],
      run: { partitionsConsumedConcurrently: 4 }
    })
    await waitFor(() => messages.length >= COUNT)
    await consumer.disconnect()

    const numbers = messages.map(({ value }) => ({ value: value.split(' ')[0] }))
    expect(distinct(/** @type {any} */ (numbers))).toEqual(upTo(COUNT))
    expect(messages).toHaveLength(COUNT)
    const end = await logEnd(topic)
    for (const [partition, offsets] of Object.entries(byPartition(messages))) {
      expect(offsets).toEqual(upTo(Number(end[partition])))
    }
    expect(await committed(groupId, topic)).toEqual(end)
  })
})

it('all codecs side by side in one partition, in any order, each batch by its own', async () => {
  const topic = await createTopic()
  const codecs = /** @type {const} */ (['none', 'gzip', 'snappy', 'lz4', 'zstd'])
  const producers = await Promise.all(
    codecs.map(codec => startProducer(sharedCluster().brokers, { 'compression.type': codec }))
  )
  let sent = 0
  for (let round = 0; round < 40; round++) {
    // Each codec comes behind each other one, and in batches of 1 to 20 messages.
    const producer = producers[(round * (1 + Math.floor(round / 5))) % codecs.length]
    const messages = upTo(1 + (round % 20)).map(() => ({ value: String(sent++), partition: 0 }))
    await producer.send(topic, messages)
  }
  await Promise.all(producers.map(producer => producer.close()))

  const { consumer, groupId, messages } = await startConsumer({ topics: [topic] })
  await waitFor(() => messages.length >= sent)
  await consumer.disconnect()
  expect(messages.map(({ value }) => Number(value))).toEqual(upTo(sent))
  expect(await committed(groupId, topic)).toEqual({ 0: String(sent) })
})
