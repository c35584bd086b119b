// @ts-check
'use strict'

const { committed, createTopic, produce, uniqueName } = require('../kafka/helpers')
const {
  LONG_POLL,
  SOON,
  createConsumer,
  defer,
  filled,
  numbered,
  numbers,
  pause,
  polling,
  startConsumer,
  timed,
  upTo,
  waitFor
} = require('./support')

it('stops a topic, resume() wakes it at once', async () => {
  const topic = await filled(10)
  const { consumer, messages, seen } = await startConsumer({
    topics: [topic],
    maxWaitTimeInMs: LONG_POLL
  })
  await waitFor(() => messages.length >= 10)
  await polling({ seen })
  consumer.pause([{ topic }])
  await produce(topic, numbered(5, { first: 10 }))
  await pause(300) // nothing must come
  expect(messages).toHaveLength(10)
  const took = await timed(async () => {
    consumer.resume([{ topic }])
    await waitFor(() => messages.length >= 15)
  })
  expect(took).toBeLessThan(SOON)
  expect(numbers(messages)).toEqual(upTo(15))
})

it('stops some partitions, and paused() names them in order', async () => {
  const partitions = 12
  const topic = await createTopic({ partitions })
  const { consumer, messages } = await startConsumer({ topics: [topic] })
  consumer.pause([{ topic, partitions: [11, 2, 10] }])
  expect(consumer.paused()).toEqual([{ topic, partitions: [2, 10, 11] }])
  await produce(topic, numbered(24, { partitions }))
  await waitFor(() => messages.length >= 18)
  expect(new Set(messages.map(({ partition }) => partition))).toEqual(
    new Set([0, 1, 3, 4, 5, 6, 7, 8, 9])
  )
  consumer.resume([{ topic, partitions: [2] }])
  await waitFor(() => messages.length >= 20)
  expect(consumer.paused()).toEqual([{ topic, partitions: [10, 11] }])
  consumer.resume([{ topic }])
  await waitFor(() => messages.length >= 24)
  expect(consumer.paused()).toEqual([])
})

it('of a topic, then resume() of one partition: all others stay paused', async () => {
  const topic = await createTopic({ partitions: 3 })
  const { consumer } = await startConsumer({ topics: [topic] })
  consumer.pause([{ topic }])
  consumer.resume([{ topic, partitions: [1] }])
  expect(consumer.paused()).toEqual([{ topic, partitions: [0, 2] }])
  consumer.pause([{ topic, partitions: [0] }])
  expect(consumer.paused()).toEqual([{ topic, partitions: [0, 2] }])
})

it('is told by paused() during a rebalance too: whoever resumes that, resumes all of it', async () => {
  const topic = await createTopic({ partitions: 2 })
  const groupId = uniqueName('group')
  const { consumer, seen } = await startConsumer({ topics: [topic], groupId })
  consumer.pause([{ topic }])
  let told = /** @type {any} */ (null)
  consumer.on(consumer.events.REBALANCING, () => {
    told ??= consumer.paused()
    consumer.resume(told)
  })
  const other = await startConsumer({ topics: [topic], groupId })
  await waitFor(() => seen.of('GROUP_JOIN').length > 1)
  expect(told).toEqual([{ topic, partitions: [0, 1] }])
  await other.consumer.disconnect()
  expect(consumer.paused()).toEqual([])
})

it('of a partition that is a string is one of that number', async () => {
  const topic = await createTopic({ partitions: 3 })
  const { consumer } = await startConsumer({ topics: [topic] })
  consumer.pause([{ topic, partitions: /** @type {any} */ (['2']) }])
  expect(consumer.paused()).toEqual([{ topic, partitions: [2] }])
})

it('of a partition that is not assigned does no harm', async () => {
  const topic = await createTopic({ partitions: 2 })
  const { consumer } = await startConsumer({ topics: [topic] })
  consumer.pause([{ topic, partitions: [1, 7] }])
  expect(consumer.paused()).toEqual([{ topic, partitions: [1] }])
  consumer.resume([{ topic, partitions: [7] }])
  expect(consumer.paused()).toEqual([{ topic, partitions: [1] }])
})

it('of an unknown topic does no harm', async () => {
  const topic = await filled(3)
  const { consumer, messages } = await startConsumer({ topics: [topic] })
  consumer.pause([{ topic: 'no-such-topic' }])
  consumer.resume([{ topic: 'neither-this' }])
  await waitFor(() => messages.length >= 3)
  expect(consumer.paused()).toEqual([])
})

it('from a handler: no further message of the partition, and none is lost', async () => {
  const topic = await filled(20)
  let resume = () => {}
  const { messages, consumer, groupId } = await startConsumer({
    topics: [topic],
    handle: async ({ message, pause: pausePartition }) => {
      if (message.offset === '4') resume = pausePartition()
    }
  })
  await waitFor(() => messages.length >= 5)
  await waitFor(async () => (await committed(groupId, topic))[0] === '5')
  expect(messages).toHaveLength(5)
  expect(consumer.paused()).toEqual([{ topic, partitions: [0] }])
  resume()
  await waitFor(() => messages.length >= 20)
  expect(numbers(messages)).toEqual(upTo(20))
})

it('of a partition whose messages wait already: none of them is handled', async () => {
  const topic = await filled(20, { partitions: 2 })
  const handled = /** @type {any[]} */ ([])
  const { promise, resolve } = defer()
  const { consumer } = await startConsumer({
    topics: [topic],
    handle: async payload => {
      handled.push(payload.partition)
      await promise
    }
  })
  await waitFor(() => handled.length === 1)
  const [first] = handled
  await pause(100) // the other partition's messages arrive
  consumer.pause([{ topic, partitions: [1 - first] }])
  resolve()
  await waitFor(() => handled.length >= 10)
  await pause(100)
  expect(handled).toEqual(Array(10).fill(first))
})

it('survives a rebalance', async () => {
  const topic = await filled(20, { partitions: 2 })
  const groupId = uniqueName('group')
  const first = await startConsumer({ topics: [topic], groupId })
  await waitFor(() => first.messages.length >= 20)
  first.consumer.pause([{ topic }])
  const second = await startConsumer({ topics: [topic], groupId })
  await waitFor(() => first.seen.of('GROUP_JOIN').length >= 2)
  await second.consumer.disconnect()
  await waitFor(() => first.seen.of('GROUP_JOIN').at(-1).memberAssignment[topic].length === 2)
  expect(first.consumer.paused()).toEqual([{ topic, partitions: [0, 1] }])
  const before = first.messages.length
  await produce(topic, numbered(4, { partitions: 2 }))
  await pause(200)
  expect(first.messages).toHaveLength(before)
  first.consumer.resume([{ topic }])
  await waitFor(() => first.messages.length >= before + 4)
})

it('does not lose a seek', async () => {
  const topic = await filled(10)
  const { consumer, messages } = await startConsumer({ topics: [topic] })
  await waitFor(() => messages.length >= 10)
  consumer.pause([{ topic }])
  consumer.seek({ topic, partition: 0, offset: '8' })
  consumer.resume([{ topic }])
  await waitFor(() => messages.length >= 12)
  expect(numbers(messages).slice(10)).toEqual([8, 9])
})

it('right after run(), before the join', async () => {
  const topic = await filled(5)
  const consumer = createConsumer()
  let handled = 0
  consumer.subscribe({ topics: [topic], fromBeginning: true })
  const running = consumer.run({ eachMessage: async () => void handled++ })
  consumer.pause([{ topic }])
  await running
  await pause(100)
  expect(handled).toBe(0)
  expect(consumer.paused()).toEqual([{ topic, partitions: [0] }])
  consumer.resume([{ topic }])
  await waitFor(() => handled === 5)
})

it('and resume a thousand times: each message once, in order', async () => {
  const topic = await createTopic()
  const { consumer, messages } = await startConsumer({ topics: [topic] })
  let sent = 0
  for (let round = 0; round < 20; round++) {
    const producing = produce(topic, numbered(20, { first: sent }))
    sent += 20
    for (let i = 0; i < 50; i++) {
      consumer.pause([{ topic }])
      if (i % 10 === 0) await pause(1)
      consumer.resume([{ topic }])
    }
    await producing
  }
  await waitFor(() => messages.length >= sent)
  expect(numbers(messages)).toEqual(upTo(sent))
})
