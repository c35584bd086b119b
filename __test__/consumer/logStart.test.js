// @ts-check
'use strict'

/** The log begins later than a consumer is: what retention and DeleteRecords do behind its back. */

const { committed, createTopic, produce, withAdmin } = require('../kafka/helpers')
const { numbered, numbers, pause, startConsumer, upTo, waitFor } = require('./support')

/** The log of partition 0 begins at `offset` from now on. */
const deleteRecordsBefore = (topic, offset) =>
  withAdmin(undefined, async admin => {
    // deleteTopicRecords() relies on metadata that an earlier call has loaded.
    await admin.fetchTopicOffsets(topic)
    const partitions = [{ partition: 0, offset: String(offset) }]
    await admin.deleteTopicRecords({ topic, partitions })
  })

/** Nothing that was asked for before the pause is on its way any more. */
const pauseTopic = async ({ consumer, seen }, topic) => {
  consumer.pause([{ topic }])
  const before = seen.of('FETCH').length
  await waitFor(() => seen.of('FETCH').length >= before + 2)
}

/** A consumer that has handled 10 messages and is paused; the log has 10 more and begins in their middle. */
const overtaken = async options => {
  const topic = await createTopic({ partitions: 2 })
  await produce(topic, numbered(10))
  const test = await startConsumer({ topics: [topic], maxWaitTimeInMs: 100, ...options })
  await waitFor(() => test.messages.length >= 10)
  await pauseTopic(test, topic)
  await produce(topic, numbered(10, { first: 10 }))
  await deleteRecordsBefore(topic, 15)
  return { topic, ...test }
}

describe('messages that are deleted while their partition is paused', () => {
  it('are left out with fromBeginning, and the rest is handled', async () => {
    const { topic, consumer, groupId, messages, seen } = await overtaken({})
    consumer.resume([{ topic }])
    await waitFor(() => messages.length >= 15)
    await waitFor(async () => (await committed(groupId, topic))[0] === '20')
    expect(numbers(messages)).toEqual([...upTo(10), 15, 16, 17, 18, 19])
    expect(seen.of('CRASH')).toEqual([])
  })

  it('take the rest with them without fromBeginning, for the position becomes the end', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(10))
    const { consumer, groupId } = await startConsumer({ topics: [topic] })
    await waitFor(async () => (await committed(groupId, topic))[0] === '10')
    await consumer.disconnect()

    const test = await startConsumer({
      topics: [topic],
      groupId,
      fromBeginning: false,
      maxWaitTimeInMs: 100
    })
    await pauseTopic(test, topic)
    await produce(topic, numbered(10, { first: 10 }))
    await deleteRecordsBefore(topic, 15)
    test.consumer.resume([{ topic }])
    let sent = 20
    await waitFor(async () => {
      await produce(topic, [{ value: String(sent++) }])
      return test.messages.length > 0
    })
    expect(Math.min(...numbers(test.messages))).toBeGreaterThanOrEqual(20)
    expect(test.seen.of('CRASH')).toEqual([])
  })

  it('are an error with autoOffsetReset none, and the position stays where it was', async () => {
    const { topic, consumer, groupId, messages, seen } = await overtaken({
      autoOffsetReset: 'none'
    })
    consumer.resume([{ topic }])
    await waitFor(() => seen.of('CRASH').length > 0)
    const [{ error, restart }] = seen.of('CRASH')
    expect(restart).toBe(false)
    expect(error).toMatchObject({ name: 'KafkaJSOffsetOutOfRange', topic, partition: 0 })
    expect(messages).toHaveLength(10)
    expect((await committed(groupId, topic))[0]).toBe('10')
  })
})

it('all messages are deleted under a consumer at work: it goes on with the next one that is sent', async () => {
  const topic = await createTopic()
  await produce(topic, numbered(200))
  const { messages, seen } = await startConsumer({
    topics: [topic],
    maxBytesPerPartition: 300,
    handle: () => pause(5)
  })
  await waitFor(() => messages.length >= 5)
  await deleteRecordsBefore(topic, 200)
  await produce(topic, [{ value: '200' }])
  await waitFor(() => numbers(messages).includes(200))
  expect(numbers(messages)).toEqual([...numbers(messages)].sort((a, b) => a - b))
  expect(seen.of('CRASH')).toEqual([])
})

describe('an empty topic', () => {
  it.each([true, false])(
    'that a consumer waits at (fromBeginning: %s) gives it the very first message of each partition',
    async fromBeginning => {
      const topic = await createTopic({ partitions: 3 })
      const { messages, seen } = await startConsumer({
        topics: [topic],
        fromBeginning,
        maxWaitTimeInMs: 100
      })
      // Positions are looked up before the first fetch.
      await waitFor(() => seen.of('FETCH').length > 0)
      await produce(topic, numbered(6, { partitions: 3 }))
      await waitFor(() => messages.length >= 6)
      const firsts = messages.filter(({ offset }) => offset === 0).map(({ value }) => value)
      expect(firsts.sort()).toEqual(['0', '1', '2'])
    }
  )

  it('that has had messages is empty again: a group without offsets starts at its end', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(10))
    await deleteRecordsBefore(topic, 10)
    const { messages, groupId } = await startConsumer({ topics: [topic] })
    await produce(topic, [{ value: '10' }])
    await waitFor(async () => (await committed(groupId, topic))[0] === '11')
    expect(messages.map(({ offset }) => offset)).toEqual([10])
  })
})

it('without fromBeginning nothing is missed that is sent behind the first fetch', async () => {
  for (let round = 0; round < 10; round++) {
    const topic = await createTopic()
    await produce(topic, numbered(3))
    const { consumer, messages, seen } = await startConsumer({
      topics: [topic],
      fromBeginning: false,
      maxWaitTimeInMs: 50
    })
    await waitFor(() => seen.of('FETCH').length > 0)
    await produce(topic, numbered(3, { first: 3 }))
    await waitFor(() => messages.length >= 3)
    await consumer.disconnect()
    expect(numbers(messages)).toEqual([3, 4, 5])
  }
})
