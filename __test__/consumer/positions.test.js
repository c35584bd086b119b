// @ts-check
'use strict'

/** Seeks and pauses that meet rebalances, stops, failures and each other. */

const { committed, produce, uniqueName } = require('../kafka/helpers')
const {
  defer,
  filled,
  numbered,
  numbers,
  pause,
  startConsumer,
  upTo,
  waitFor
} = require('./support')

const offsetsOf = ({ batch }) => batch.messages.map(({ offset }) => Number(offset))

describe('a seek', () => {
  it('to a partition of another member counts once the partition is ours', async () => {
    const topic = await filled(20, { partitions: 2 })
    const groupId = uniqueName('group')
    const first = await startConsumer({ topics: [topic], groupId })
    await waitFor(() => first.messages.length >= 20)
    const second = await startConsumer({ topics: [topic], groupId })
    await waitFor(() => first.seen.of('GROUP_JOIN').at(-1).memberAssignment[topic].length === 1)
    const [ours] = first.seen.of('GROUP_JOIN').at(-1).memberAssignment[topic]
    const before = first.messages.length
    first.consumer.seek({ topic, partition: 1 - ours, offset: '7' })
    await pause(300) // nothing must come
    expect(first.messages).toHaveLength(before)
    await second.consumer.disconnect()
    await waitFor(() => first.messages.length >= before + 3)
    expect(
      first.messages.slice(before).map(({ partition, offset }) => [partition, offset])
    ).toEqual([7, 8, 9].map(offset => [1 - ours, offset]))
  })

  it('to a partition that is a string is one to that number', async () => {
    const topic = await filled(10)
    const { consumer, messages } = await startConsumer({ topics: [topic] })
    await waitFor(() => messages.length >= 10)
    consumer.seek({ topic, partition: /** @type {any} */ ('0'), offset: '8' })
    await waitFor(() => messages.length >= 12)
    expect(numbers(messages).slice(10)).toEqual([8, 9])
  })

  it('after another, while a handler is at work: the last one counts', async () => {
    const topic = await filled(10)
    const [begun, go] = [defer(), defer()]
    const { consumer, messages } = await startConsumer({
      topics: [topic],
      handle: async () => {
        begun.resolve()
        await go.promise
      }
    })
    await begun.promise
    for (const offset of ['2', '9', '6']) consumer.seek({ topic, partition: 0, offset })
    go.resolve()
    await waitFor(() => messages.length >= 5)
    expect(numbers(messages)).toEqual([0, 6, 7, 8, 9])
  })

  it('before a failure counts: the message that failed does not come again', async () => {
    const topic = await filled(10)
    let failed = false
    const { messages, seen } = await startConsumer({
      topics: [topic],
      handle: ({ message }, consumer) => {
        if (message.offset !== '3' || failed) return
        failed = true
        consumer.seek({ topic, partition: 0, offset: '8' })
        throw new Error('skip this one')
      }
    })
    await waitFor(() => messages.length >= 5)
    expect(numbers(messages)).toEqual([0, 1, 2, 8, 9])
    expect(seen.of('CRASH')).toEqual([])
  })

  it('to a partition that never was ours is forgotten by stop()', async () => {
    const topic = await filled(5)
    const { consumer, messages } = await startConsumer({ topics: [topic] })
    await waitFor(() => messages.length >= 5)
    consumer.seek({ topic, partition: 1, offset: '0' })
    await consumer.stop()
    let handled = 0
    await consumer.run({ eachMessage: async () => void handled++ })
    await pause(200)
    expect(handled).toBe(0)
  })

  it('right before stop() is committed', async () => {
    const topic = await filled(10)
    const { consumer, messages, groupId } = await startConsumer({ topics: [topic] })
    await waitFor(() => messages.length >= 10)
    consumer.seek({ topic, partition: 0, offset: '4' })
    await consumer.stop()
    expect(await committed(groupId, topic)).toEqual({ 0: '4' })
  })

  it('that is committed is told by COMMIT_OFFSETS', async () => {
    const topic = await filled(10)
    const { consumer, seen } = await startConsumer({ topics: [topic], fromBeginning: false })
    consumer.pause([{ topic }])
    consumer.seek({ topic, partition: 0, offset: '4' })
    await waitFor(() => seen.of('COMMIT_OFFSETS').length > 0)
    expect(seen.of('COMMIT_OFFSETS')[0].topics).toEqual([
      { topic, partitions: [{ partition: '0', offset: '4' }] }
    ])
  })
})

describe('a pause', () => {
  it('ends with stop()', async () => {
    const topic = await filled(4)
    const { consumer } = await startConsumer({ topics: [topic], run: { autoCommit: false } })
    consumer.pause([{ topic }])
    await consumer.stop()
    expect(consumer.paused()).toEqual([])
    let handled = 0
    await consumer.run({ eachMessage: async () => void handled++ })
    await waitFor(() => handled >= 4)
  })

  it('by a handler that fails then: the message waits for resume(), and the consumer lives on', async () => {
    const topic = await filled(6)
    const resumes = /** @type {(() => void)[]} */ ([])
    const calls = /** @type {string[]} */ ([])
    const { messages, groupId, seen } = await startConsumer({
      topics: [topic],
      retry: { initialRetryTime: 10, retries: 2 },
      handle: ({ message, pause: pausePartition }) => {
        calls.push(message.offset)
        if (calls.length !== 3) return
        resumes.push(pausePartition())
        throw new Error('not before resume()')
      }
    })
    await waitFor(() => resumes.length > 0)
    await waitFor(async () => (await committed(groupId, topic))[0] === '2')
    await pause(300) // nothing must come
    expect(calls).toEqual(['0', '1', '2'])
    resumes[0]()
    await waitFor(() => messages.length >= 6)
    expect(numbers(messages)).toEqual(upTo(6))
    expect(seen.of('CRASH')).toEqual([])
  })

  it('by a handler of batches that fails then: what is not resolved waits for resume()', async () => {
    const topic = await filled(6)
    const batches = /** @type {number[][]} */ ([])
    const resumes = /** @type {(() => void)[]} */ ([])
    const { consumer, groupId } = await startConsumer({
      topics: [topic],
      run: {
        eachMessage: undefined,
        eachBatch: async payload => {
          batches.push(offsetsOf(payload))
          if (batches.length > 1) return
          payload.resolveOffset('2')
          resumes.push(payload.pause())
          throw new Error('not before resume()')
        }
      }
    })
    await waitFor(async () => (await committed(groupId, topic))[0] === '3')
    await pause(300) // nothing must come
    expect(consumer.paused()).toEqual([{ topic, partitions: [0] }])
    resumes[0]()
    await waitFor(async () => (await committed(groupId, topic))[0] === '6')
    expect(batches).toEqual([upTo(6), [3, 4, 5]])
    expect(resumes[0]()).toBeUndefined()
  })

  it('by a handler of batches that returns: the batch is resolved', async () => {
    const topic = await filled(6)
    const batches = /** @type {number[][]} */ ([])
    const { consumer, groupId } = await startConsumer({
      topics: [topic],
      run: {
        eachMessage: undefined,
        eachBatch: async payload => {
          batches.push(offsetsOf(payload))
          payload.pause()
        }
      }
    })
    await waitFor(async () => (await committed(groupId, topic))[0] === '6')
    consumer.resume([{ topic }])
    await produce(topic, numbered(1, { first: 6 }))
    await waitFor(() => batches.length >= 2)
    expect(batches).toEqual([upTo(6), [6]])
  })
})
