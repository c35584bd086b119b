// @ts-check
'use strict'

/** Offsets of partitions, records before them, and what they take. */

const { createTopic, produce, uniqueName } = require('../kafka/helpers')
const { createAdmin, createKafka, createObserver, errorOf, eventually } = require('./support')

const admin = createAdmin()
const observer = createObserver()

const at = timestamp => ({ timestamp: String(timestamp) })

/** Two partitions with four records each, a second apart. */
const filled = async () => {
  const topic = await createTopic({ partitions: 2 })
  const messages = [0, 1].flatMap(partition =>
    [1000, 2000, 3000, 4000].map(ms => ({ partition, value: `${ms}`, ...at(ms) }))
  )
  await produce(topic, messages)
  return topic
}

const byPartition = (a, b) => a.partition - b.partition

describe('fetchTopicOffsets(), fetchTopicOffsetsByTimestamp()', () => {
  it('tell where partitions begin and end', async () => {
    const topic = await filled()
    const offsets = await admin.fetchTopicOffsets(topic)
    expect(offsets.sort(byPartition)).toEqual(
      [0, 1].map(partition => ({ partition, offset: '4', high: '4', low: '0' }))
    )
  })

  it('tell the first record that is not older, or the end', async () => {
    const topic = await filled()
    const found = async timestamp => {
      const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, timestamp)
      return offsets.sort(byPartition).map(({ offset }) => offset)
    }
    expect(await found(1500)).toEqual(['1', '1'])
    expect(await found('3000')).toEqual(['2', '2'])
    expect(await found(9000)).toEqual(['4', '4'])
    expect(await found(undefined)).toEqual(['4', '4'])
  })

  it('tell as the end what can be read: an open transaction holds it back, as with kafkajs', async () => {
    const topic = await createTopic()
    const producer = createKafka().producer({ transactionalId: uniqueName('transaction') })
    await producer.connect()
    const transaction = await producer.transaction()
    try {
      await transaction.send({ topic, messages: [{ value: 'x' }] })
      for (const client of [admin, observer]) {
        expect(await client.fetchTopicOffsets(topic)).toMatchObject([{ high: '0', offset: '0' }])
        expect(await client.fetchTopicOffsetsByTimestamp(topic)).toMatchObject([{ offset: '0' }])
      }
    } finally {
      await transaction.abort()
      await producer.disconnect()
    }
    await eventually(async () => {
      expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ high: '2', low: '0' }])
    })
  })

  it.each([[undefined], [null], [''], [7]])('refuse %j as a topic', async topic => {
    for (const asked of [
      admin.fetchTopicOffsets(topic),
      admin.fetchTopicOffsetsByTimestamp(topic)
    ]) {
      const error = await errorOf(asked)
      expect([error.name, error.message]).toEqual([
        'KafkaJSNonRetriableError',
        `Invalid topic ${topic}`
      ])
    }
  })

  it('try an unknown topic again, as often as the option says', async () => {
    const error = await errorOf(admin.fetchTopicOffsets(uniqueName('nope')))
    expect(error).toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      message: 'This server does not host this topic-partition'
    })
  })
})

describe('listOffsets()', () => {
  it('finds places and times, of any partitions, and names what is wrong with one', async () => {
    const [topic, empty] = [await filled(), await createTopic()]
    const listed = await admin.listOffsets({
      topics: [
        {
          topic,
          partitions: [
            { partition: 0, timestamp: 'maxTimestamp' },
            { partition: 1, timestamp: 2500 },
            { partition: 7 }
          ]
        },
        { topic: empty, partitions: [{ partition: 0, timestamp: new Date(5) }] }
      ]
    })
    expect(listed).toEqual([
      {
        topic,
        partitions: [
          { partition: 0, offset: '3', timestamp: '4000', leaderEpoch: 0 },
          { partition: 1, offset: '2', timestamp: '3000', leaderEpoch: 0 },
          {
            partition: 7,
            offset: '-1',
            timestamp: '-1',
            leaderEpoch: -1,
            error: expect.objectContaining({
              type: 'UNKNOWN_TOPIC_OR_PARTITION',
              topic,
              partition: 7
            })
          }
        ]
      },
      {
        topic: empty,
        partitions: [{ partition: 0, offset: '-1', timestamp: '-1', leaderEpoch: -1 }]
      }
    ])
  })

  it('has several places of a partition, which no broker tells in one answer', async () => {
    const topic = await filled()
    const timestamps = ['earliest', 'latest', 'maxTimestamp', 'latest', new Date(-2)]
    const partitions = timestamps.map(timestamp => ({ partition: 0, timestamp }))
    const [listed] = await admin.listOffsets({ topics: [{ topic, partitions }] })
    expect(listed.partitions.map(({ offset }) => offset)).toEqual(['0', '4', '3', '4', '0'])
  })

  it.each(['earliest', 'latest', 'earliestLocal', 'latestTiered', 'earliestPendingUpload'])(
    'asks the broker for %s',
    async timestamp => {
      const topic = await filled()
      const asked = [{ topic, partitions: [{ partition: 0, timestamp }] }]
      const [{ partitions }] = await admin.listOffsets({ topics: asked })
      expect(partitions[0].error).toBeUndefined()
      // Without tiered storage nothing is in the remote tier.
      const expected = { latest: '4', latestTiered: '-1', earliestPendingUpload: '-1' }
      expect(partitions[0].offset).toBe(expected[timestamp] ?? '0')
    }
  )

  it('refuses what is no time', async () => {
    const topics = [{ topic: 'a', partitions: [{ partition: 0, timestamp: 'yesterday' }] }]
    const error = await errorOf(admin.listOffsets({ topics }))
    expect(error.message).toBe('Invalid timestamp "yesterday"')
  })
})

describe('deleteTopicRecords()', () => {
  const lows = async topic => {
    const offsets = await observer.fetchTopicOffsets(topic)
    return offsets.sort(byPartition).map(({ low }) => low)
  }

  it('deletes the records before an offset, or all', async () => {
    const topic = await filled()
    await admin.fetchTopicOffsets(topic) // kafkajs has to have met the topic
    await admin.deleteTopicRecords({
      topic,
      partitions: [
        { partition: 0, offset: '3' },
        { partition: 1, offset: '-1' }
      ]
    })
    expect(await lows(topic)).toEqual(['3', '4'])
  })

  it('works on a client that has not met the topic', async () => {
    const topic = await filled()
    const fresh = createAdmin()
    await fresh.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] })
    expect(await lows(topic)).toEqual(['2', '0'])
  })

  it('rejects with what is out of range, when the others are deleted', async () => {
    const topic = await filled()
    await admin.fetchTopicOffsets(topic)
    const partitions = [
      { partition: 0, offset: '99' },
      { partition: 1, offset: '1' }
    ]
    const error = await errorOf(admin.deleteTopicRecords({ topic, partitions }))
    expect(error).toMatchObject({
      name: 'KafkaJSNonRetriableError',
      cause: {
        name: 'KafkaJSDeleteTopicRecordsError',
        partitions: [{ partition: 0, offset: '99', error: { type: 'OFFSET_OUT_OF_RANGE' } }]
      }
    })
  })

  it('deletes nothing when a partition does not exist', async () => {
    const topic = await filled()
    await admin.fetchTopicOffsets(topic)
    const partitions = [
      { partition: 9, offset: '1' },
      { partition: 1, offset: '1' }
    ]
    const error = await errorOf(admin.deleteTopicRecords({ topic, partitions }))
    expect(error).toMatchObject({
      name: 'KafkaJSDeleteTopicRecordsError',
      retriable: false,
      partitions: [{ partition: 9, offset: '1', error: { name: 'KafkaJSBrokerNotFound' } }]
    })
    expect(await lows(topic)).toEqual(['0', '0'])
  })

  it('warns when there is nothing before the offset', async () => {
    const lines = []
    const kafka = createKafka({ logLevel: 4, logCreator: () => line => lines.push(line) })
    const client = kafka.admin()
    const topic = await filled()
    await client.fetchTopicOffsets(topic)
    await client.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] })
    await client.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] })
    await client.disconnect()
    const warnings = lines.filter(({ log }) =>
      log.message.startsWith('The requested offset is before')
    )
    expect(warnings).toHaveLength(1)
    expect(warnings[0].log).toMatchObject({ topic, partition: 0, offset: '1' })
  })

  it.each([
    [{ topic: '', partitions: [{ partition: 0, offset: '1' }] }, 'Invalid topic ""'],
    [{ topic: 'a', partitions: [] }, 'Invalid partitions'],
    [{ topic: 'a' }, 'Invalid partitions']
  ])('refuses %j', async (options, message) => {
    const error = await errorOf(admin.deleteTopicRecords(options))
    expect([error.name, error.message]).toEqual(['KafkaJSNonRetriableError', message])
  })
})

describe('describeLogDirs()', () => {
  it('tells how large partitions are, and which broker does not exist', async () => {
    const topic = await filled()
    const asked = { brokers: [1, 99], topics: [{ topic, partitions: [0, 1] }] }
    const { brokers } = await admin.describeLogDirs(asked)
    expect(brokers).toEqual([
      { nodeId: 1, error: null, logDirs: [expect.objectContaining({ error: null })] },
      { nodeId: 99, error: expect.objectContaining({ name: 'KafkaJSBrokerNotFound' }), logDirs: [] }
    ])
    const [{ path, totalBytes, usableBytes, isCordoned, topics }] = brokers[0].logDirs
    expect(isCordoned).toBe(false)
    expect(path).toMatch(/data/)
    expect(totalBytes).toBeGreaterThan(usableBytes)
    expect(topics[0].partitions.sort(byPartition)).toEqual(
      [0, 1].map(partition => ({
        partition,
        size: expect.any(Number),
        offsetLag: '0',
        isFuture: false
      }))
    )
    expect(topics[0].partitions[0].size).toBeGreaterThan(50)
  })
})
