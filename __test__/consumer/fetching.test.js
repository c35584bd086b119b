// @ts-check
'use strict'

/** How partitions and brokers that are fast, slow, empty or paused get along. On a cluster of three. */

const { createTopic, produce } = require('../kafka/helpers')
const {
  byPartition,
  createKafka,
  defer,
  distinct,
  numbered,
  pause,
  startConsumer,
  upTo,
  useCluster,
  waitFor
} = require('./support')

const PARTITIONS = 6

/** @type {import('../kafka').Cluster} */
let cluster

useCluster({ brokers: 3 }, lent => (cluster = lent))

/** @param {string} topic @param {import('kafkajs').Message[]} messages */
const write = (topic, messages) => produce(topic, messages, { brokers: cluster.brokers })

/** So many messages in partitions that all three brokers lead. */
const spread = async count => {
  const topic = await createTopic({ partitions: PARTITIONS, brokers: cluster.brokers })
  await write(topic, numbered(count, { partitions: PARTITIONS }))
  return topic
}

/** @param {Parameters<typeof startConsumer>[0]} options */
const start = options =>
  startConsumer({ kafka: createKafka({ brokers: cluster.brokers }), ...options })

/** Messages of one partition. */
const of = (partition, count) => upTo(count).map(i => ({ value: String(i), partition }))

it('a single handler is the only one at work, whichever brokers its messages come from', async () => {
  const topic = await spread(600)
  let atWork = 0
  let most = 0
  const { messages } = await start({
    topics: [topic],
    maxBytesPerPartition: 2000,
    handle: async () => {
      most = Math.max(most, ++atWork)
      await pause(0)
      atWork--
    }
  })
  await waitFor(() => messages.length >= 600)
  expect(most).toBe(1)
  expect(distinct(messages)).toEqual(upTo(600))
  for (const offsets of Object.values(byPartition(messages))) expect(offsets).toEqual(upTo(100))
})

it('data of one broker does not wait for the long polls of the others', async () => {
  const topic = await spread(PARTITIONS)
  // Longer than this spec may take: nothing may come of the end of a long poll.
  const { messages } = await start({ topics: [topic], maxWaitTimeInMs: 180_000 })
  await waitFor(() => messages.length >= PARTITIONS)
  for (const partition of upTo(PARTITIONS)) {
    const before = messages.length
    await write(topic, of(partition, 1))
    await waitFor(() => messages.length > before)
    expect(messages.at(-1)?.partition).toBe(partition)
  }
})

it('a handler that hangs keeps one partition back, and no other, of whichever broker', async () => {
  const topic = await spread(60)
  const { promise, resolve } = defer()
  const { messages } = await start({
    topics: [topic],
    handle: ({ partition }) => partition === 0 && promise,
    run: { partitionsConsumedConcurrently: 2 }
  })
  const others = upTo(PARTITIONS).slice(1)
  await waitFor(() => messages.length >= 50)
  // What they get later is fetched while the handler hangs.
  for (const partition of others) await write(topic, of(partition, 5))
  await waitFor(() => messages.length >= 75)
  expect(messages.every(({ partition }) => partition !== 0)).toBe(true)
  resolve()
  await waitFor(() => messages.length >= 85)
  const offsets = byPartition(messages)
  expect(offsets[0]).toEqual(upTo(10))
  for (const partition of others) expect(offsets[partition]).toEqual(upTo(15))
})

it('a partition that never runs dry starves no other', async () => {
  const topic = await createTopic({ partitions: 2, brokers: cluster.brokers })
  await write(topic, of(0, 2000))
  await write(topic, of(1, 10))
  const { messages } = await start({
    topics: [topic],
    maxBytesPerPartition: 2000,
    handle: () => pause(1)
  })
  const handled = partition => messages.filter(each => each.partition === partition).length
  for (let written = 2000; handled(1) < 10 && written < 50_000; written += 1000) {
    await write(topic, of(0, 1000))
    await waitFor(() => handled(1) >= 10 || handled(0) > written - 1000)
  }
  expect(handled(1)).toBe(10)
})

describe('FETCH', () => {
  it('tells of every broker, and of fetches that bring nothing, of which no handler hears', async () => {
    const topic = await spread(0)
    let called = 0
    const { seen } = await start({
      topics: [topic],
      maxWaitTimeInMs: 100,
      run: { eachMessage: undefined, eachBatch: async () => void called++ }
    })
    const nodes = () => new Set(seen.of('FETCH').map(({ nodeId }) => nodeId))
    await waitFor(() => nodes().size === 3 && seen.of('FETCH').length >= 12)
    expect([...nodes()].sort()).toEqual(['1', '2', '3'])
    expect(seen.of('FETCH_START').length).toBeGreaterThanOrEqual(seen.of('FETCH').length)
    expect(seen.order('START_BATCH_PROCESS', 'END_BATCH_PROCESS')).toEqual([])
    expect(called).toBe(0)
  })

  it('goes on while everything is paused', async () => {
    const topic = await spread(0)
    const { consumer, seen } = await start({ topics: [topic], maxWaitTimeInMs: 100 })
    consumer.pause([{ topic }])
    await pause(300) // what is on its way
    const before = seen.of('FETCH').length
    await waitFor(() => seen.of('FETCH').length > before + 5)
    expect(seen.of('CRASH')).toEqual([])
  })
})
