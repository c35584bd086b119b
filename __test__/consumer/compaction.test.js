// @ts-check
'use strict'

const { committed, createTopic, logEnd, produce } = require('../kafka/helpers')
const { numbered, startConsumer, waitFor } = require('./support')

const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.bytes': '1048576',
  'segment.ms': '100',
  'min.cleanable.dirty.ratio': '0.01',
  'max.compaction.lag.ms': '100',
  'delete.retention.ms': '1'
}

it('a compacted topic is read to its end, over the gaps', async () => {
  const topic = await createTopic({ config: COMPACTED })
  for (let round = 0; round < 5; round++) {
    const messages = numbered(20, { first: round * 20 })
    await produce(
      topic,
      messages.map((message, i) => ({ ...message, key: `key ${i % 10}` }))
    )
  }
  // The log cleaner leaves the active segment alone: this one begins another.
  const first = async () => {
    await produce(topic, [{ key: 'last', value: null }])
    const { consumer, messages } = await startConsumer({ topics: [topic] })
    const end = Number((await logEnd(topic))[0])
    await waitFor(() => messages.length > 0 && messages[messages.length - 1].offset === end - 1)
    await consumer.disconnect()
    return messages
  }
  const messages = await waitFor(
    async () => {
      const all = await first()
      return all.length < 60 && all
    },
    { message: 'the log cleaner', timeout: 240_000 }
  )
  const offsets = messages.map(({ offset }) => offset)
  expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
  expect(new Set(offsets).size).toBe(offsets.length)

  const {
    consumer,
    groupId,
    messages: again
  } = await startConsumer({
    topics: [topic],
    maxBytesPerPartition: 100
  })
  const end = await logEnd(topic)
  await waitFor(async () => (await committed(groupId, topic))[0] === end[0])
  await consumer.disconnect()
  expect(again.length).toBeGreaterThan(0)
})
