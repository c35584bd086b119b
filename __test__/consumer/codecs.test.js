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
