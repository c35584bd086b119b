// @ts-check
'use strict'

const { committed, createTopic, logEnd, produce } = require('../kafka/helpers')
const {
  byPartition,
  defer,
  distinct,
  filled,
  numbered,
  numbers,
  pause,
  startConsumer,
  upTo,
  waitFor
} = require('./support')

/** In so many small batches that a fetch, small as well, has several of each partition. */
const filledBySmall = async (count, partitions) => {
  const topic = await createTopic({ partitions })
  const each = 5 * partitions
  for (let first = 0; first < count; first += each) {
    await produce(topic, numbered(each, { partitions, first }))
  }
  return topic
}

/** Counts handlers at work. The first ones wait for each other, until there are so many as may be. @param {number} limit */
const meter = limit => {
  const atWork = new Map()
  const complete = defer()
  let total = 0
  return {
    most: 0,
    mostOfPartition: 0,
    async during(partition, work) {
      atWork.set(partition, (atWork.get(partition) ?? 0) + 1)
      total += 1
      this.most = Math.max(this.most, total)
      this.mostOfPartition = Math.max(this.mostOfPartition, atWork.get(partition))
      if (total >= limit) complete.resolve()
      await complete.promise
      await work()
      total -= 1
      atWork.set(partition, atWork.get(partition) - 1)
    }
  }
}

it.each([1, 2, 5, 12])('%d handlers at once, and never two of a partition', async limit => {
  const partitions = 12
  const topic = await filledBySmall(600, partitions)
  const counter = meter(limit)
  const { consumer, messages, groupId } = await startConsumer({
    topics: [topic],
    maxBytesPerPartition: 400,
    handle: ({ partition }) => counter.during(partition, () => pause(Math.random() * 3)),
    run: { partitionsConsumedConcurrently: limit }
  })
  await waitFor(() => messages.length >= 600)
  await consumer.disconnect()
  expect(counter.most).toBe(limit)
  expect(counter.mostOfPartition).toBe(1)
  expect(distinct(messages)).toEqual(upTo(600))
  for (const offsets of Object.values(byPartition(messages))) expect(offsets).toEqual(upTo(50))
  expect(await committed(groupId, topic)).toEqual(await logEnd(topic))
})

it('by batches too', async () => {
  const partitions = 6
  const topic = await filledBySmall(300, partitions)
  const counter = meter(3)
  const offsets = /** @type {Record<number, number[]>} */ ({})
  let handled = 0
  await startConsumer({
    topics: [topic],
    maxBytesPerPartition: 300,
    run: {
      eachMessage: undefined,
      partitionsConsumedConcurrently: 3,
      eachBatch: ({ batch: { partition, messages } }) =>
        counter.during(partition, async () => {
          await pause(2)
          for (const { offset } of messages) (offsets[partition] ??= []).push(Number(offset))
          handled += messages.length
        })
    }
  })
  await waitFor(() => handled >= 300)
  expect(counter.most).toBe(3)
  expect(counter.mostOfPartition).toBe(1)
  for (const list of Object.values(offsets)) expect(list).toEqual(upTo(50))
})

it('a slow partition does not hold the others up', async () => {
  const topic = await filled(300, { partitions: 3 })
  const { promise, resolve } = defer()
  const { messages } = await startConsumer({
    topics: [topic],
    handle: ({ partition }) => partition === 0 && promise,
    run: { partitionsConsumedConcurrently: 2 }
  })
  await waitFor(() => messages.length >= 200)
  expect(messages.every(({ partition }) => partition !== 0)).toBe(true)
  resolve()
  await waitFor(() => messages.length >= 300)
})

it('a slow partition of a single handler gets no more than its turn', async () => {
  const topic = await filled(40, { partitions: 2 })
  const { messages } = await startConsumer({
    topics: [topic],
    handle: ({ partition }) => partition === 0 && pause(5)
  })
  await waitFor(() => messages.length >= 40)
  expect(distinct(messages)).toEqual(upTo(40))
})

it('with more handlers than partitions', async () => {
  const topic = await filled(30, { partitions: 3 })
  const { messages } = await startConsumer({
    topics: [topic],
    run: { partitionsConsumedConcurrently: 50 }
  })
  await waitFor(() => messages.length >= 30)
  expect(numbers(messages).sort((a, b) => a - b)).toEqual(upTo(30))
})
