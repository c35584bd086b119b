// @ts-check
'use strict'

/**
 * What is written when brokers fail, move and lie, on three of them: what kafkajs loses, doubles or swaps here. Partition 0 is led by the
 * first broker, 1 by the second, 2 by the third.
 */

const { setTimeout: pause } = require('node:timers/promises')
const { uniqueName, waitFor, withAdmin } = require('../kafka/helpers')
const { PRODUCE, failPartitions } = require('../kafka/produced')
const {
  createKafka,
  createProducer,
  readLog,
  rejection,
  startProducer,
  upTo,
  useCluster,
  valuesOf
} = require('./support')

const INIT_PRODUCER_ID = 22

const NOT_LEADER_OR_FOLLOWER = 6
const REQUEST_TIMED_OUT = 7
const COORDINATOR_LOAD_IN_PROGRESS = 14
const NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20
const INVALID_RECORD = 87

/** @type {import('../kafka').Cluster} */
let cluster
useCluster({ brokers: 3, proxied: true }, async own => {
  cluster = own
})

/** A topic whose partitions are led by these of the brokers. @param {number[]} [leaders] */
const topicLedBy = async (leaders = [0, 1, 2]) => {
  const topic = uniqueName('topic')
  const replicaAssignment = leaders.map((leader, partition) => ({
    partition,
    replicas: [cluster.nodes[leader].id]
  }))
  await withAdmin(cluster.brokers, async admin => {
    await admin.createTopics({ topics: [{ topic, replicaAssignment }] })
    await waitFor(() => admin.fetchTopicOffsets(topic).then(Boolean, () => false))
  })
  return topic
}

/** @param {any} [options] */
const start = options =>
  startProducer({
    kafka: createKafka({ brokers: cluster.listeners.proxied, requestTimeout: 5000 }),
    ...options
  })

/** @param {string} topic */
const read = topic => readLog(topic, cluster.brokers)

/** @param {string[]} values */
const one = (topic, ...values) => ({ topic, messages: values.map(value => ({ value })) })

describe.each([
  ['idempotent', true],
  ['by default', undefined]
])('%s', (_, idempotent) => {
  it('what was written and answered with an error is written once, and the next send as well', async () => {
    const topic = await topicLedBy([0])
    const producer = await start({ idempotent })
    await producer.send(one(topic, 'first'))
    cluster.proxies[0].mutate(
      PRODUCE,
      failPartitions(() => REQUEST_TIMED_OUT),
      2
    )
    const [a, b] = await Promise.all([
      producer.send(one(topic, 'a1', 'a2')),
      pause(5).then(() => producer.send(one(topic, 'b')))
    ])
    await producer.send(one(topic, 'last'))
    expect(valuesOf(await read(topic))).toEqual(['first', 'a1', 'a2', 'b', 'last'])
    expect([a[0].baseOffset, b[0].baseOffset]).toEqual(['1', '3'])
  })

  it('what was written while the connection broke is written once, in order', async () => {
    const topic = await topicLedBy([0])
    const producer = await start({ idempotent })
    await producer.send(one(topic, 'first'))
    let lost = 0
    cluster.proxies[0].mutate(PRODUCE, () => {
      if (lost++ < 3) cluster.proxies[0].cut()
      return undefined
    })
    const sends = upTo(20).map(async i => {
      await pause(i * 3)
      return producer.send(one(topic, `${i}`))
    })
    await Promise.all(sends)
    expect(valuesOf(await read(topic))).toEqual(['first', ...upTo(20).map(String)])
  })

  it('messages without a key stay in the partition that was chosen for them', async () => {
    const topic = await topicLedBy()
    const producer = await start({ idempotent })
    cluster.proxies[1].mutate(
      PRODUCE,
      failPartitions(() => NOT_ENOUGH_REPLICAS_AFTER_APPEND),
      3
    )
    const values = upTo(30).map(String)
    await producer.send(one(topic, ...values))
    const log = await read(topic)
    expect(
      valuesOf(log)
        .map(Number)
        .sort((a, b) => a - b)
    ).toEqual(upTo(30))
    for (const partition of [0, 1, 2]) {
      expect(log.filter(entry => entry.partition === partition)).toHaveLength(10)
    }
  })

  it('goes on for longer than five retries', async () => {
    const topic = await topicLedBy([0])
    const retry = { initialRetryTime: 5, maxRetryTime: 20, ...(idempotent ? {} : { retries: 12 }) }
    const producer = await start({ idempotent, retry })
    cluster.proxies[0].mutate(
      PRODUCE,
      failPartitions(() => REQUEST_TIMED_OUT),
      8
    )
    await producer.send(one(topic, 'a'))
    expect(valuesOf(await read(topic))).toEqual(['a'])
  })
})

it('a leader that moves to a broker that has answered already takes its messages there', async () => {
  const topic = await topicLedBy([0, 1])
  const producer = await start({ retry: { initialRetryTime: 50, retries: 10 } })
  const messages = [
    { value: 'zero', partition: 0 },
    { value: 'one', partition: 1 }
  ]
  await producer.send({ topic, messages })
  // Its leader refuses, moves to the first broker meanwhile, and the first one has answered by then.
  let refused = 0
  cluster.proxies[1].answer(PRODUCE, () => {
    refused++
    cluster.proxies[1].cut()
    return undefined
  })
  const sent = producer.send({ topic, messages })
  await waitFor(() => refused > 0)
  await withAdmin(cluster.brokers, admin =>
    admin.alterPartitionReassignments({
      topics: [{ topic, partitionAssignment: [{ partition: 1, replicas: [cluster.nodes[0].id] }] }]
    })
  )
  const rows = await sent
  expect(rows.map(({ partition }) => partition).sort()).toEqual([0, 1])
  const log = await read(topic)
  expect(log.map(({ partition, value }) => [partition, value])).toEqual([
    [0, 'zero'],
    [0, 'zero'],
    [1, 'one'],
    [1, 'one']
  ])
})

describe('not idempotent', () => {
  const options = { idempotent: false }

  it('only the partition that has failed is tried again', async () => {
    const topic = await topicLedBy([0, 0])
    const producer = await start(options)
    const code = partition => (partition === 0 ? NOT_ENOUGH_REPLICAS_AFTER_APPEND : 0)
    cluster.proxies[0].mutate(PRODUCE, failPartitions(code), 1)
    const messages = [
      { value: 'zero', partition: 0 },
      { value: 'one', partition: 1 }
    ]
    const rows = await producer.send({ topic, messages })
    expect(rows).toHaveLength(2)
    // This error says that the message is written; without numbers it is written again.
    const log = await read(topic)
    expect(valuesOf(log)).toEqual(['zero', 'zero', 'one'])
    // A message is as old as its send, however often it is tried.
    expect(log[1].timestamp).toBe(log[0].timestamp)
  })

  it('what another broker has still to answer is not sent again', async () => {
    const topic = await topicLedBy([0, 1])
    const producer = await start({ ...options, retry: { initialRetryTime: 5, retries: 8 } })
    await producer.send({ topic, messages: upTo(2).map(n => ({ value: 'first', partition: n })) })
    cluster.proxies[1].delay(300)
    cluster.proxies[0].mutate(
      PRODUCE,
      failPartitions(() => NOT_LEADER_OR_FOLLOWER),
      1
    )
    await producer.send({ topic, messages: upTo(2).map(n => ({ value: 'x', partition: n })) })
    await cluster.proxies[1].heal()
    const log = await read(topic)
    expect(valuesOf(log.filter(({ partition }) => partition === 1))).toEqual(['first', 'x'])
  })

  it('keeps the order of calls that nobody has awaited, across a retry', async () => {
    const topic = await topicLedBy([0])
    const producer = await start(options)
    await producer.send(one(topic, 'first'))
    // The broker sees nothing of it.
    let lost = 0
    cluster.proxies[0].answer(PRODUCE, () => {
      if (lost++ < 2) cluster.proxies[0].cut()
      return undefined
    })
    await Promise.all(upTo(30).map(i => pause(i).then(() => producer.send(one(topic, `${i}`)))))
    const values = valuesOf(await read(topic))
      .slice(1)
      .map(Number)
    expect(values).toEqual(upTo(30))
    expect(lost).toBeGreaterThan(2)
  })
})

it('an error names topic and partition, which messages failed, and which are written', async () => {
  const topic = await topicLedBy([0, 1])
  const producer = await start()
  cluster.proxies[1].mutate(
    PRODUCE,
    failPartitions(() => INVALID_RECORD),
    1
  )
  const error = await rejection(
    producer.send({
      topic,
      messages: [
        { value: 'a', partition: 1 },
        { value: 'b', partition: 0 },
        { value: 'c', partition: 1 }
      ]
    })
  )
  expect(error).toMatchObject({ topic, partition: 1 })
  expect(error.failed).toMatchObject([{ topic, partition: 1, messages: [0, 2] }])
  expect(error.succeeded).toMatchObject([{ topicName: topic, partition: 0, errorCode: 0 }])
  // As loggers write it, those of kafkajs among them.
  const [written] = JSON.parse(JSON.stringify(error)).failed
  expect(written).toMatchObject({ topic, partition: 1, error: { type: 'INVALID_RECORD' } })
  await producer.send({ topic, messages: [{ value: 'next', partition: 1 }] })
})

it('disconnect() ends a send that is tried again, and nothing connects afterwards', async () => {
  const topic = await topicLedBy([0])
  const producer = await start({ retry: { initialRetryTime: 100, retries: 100 } })
  await producer.send(one(topic, 'first'))
  const before = cluster.proxies.map(proxy => proxy.connections)
  expect(Math.max(...before)).toBeGreaterThan(0)
  cluster.proxies[0].mutate(
    PRODUCE,
    failPartitions(() => REQUEST_TIMED_OUT)
  )
  const sent = rejection(producer.send(one(topic, 'second')))
  await pause(50)
  await /** @type {any} */ (producer).disconnect({ timeout: 200 })
  expect(await sent).toBeInstanceOf(Error)
  await waitFor(() => cluster.proxies.every(proxy => proxy.connections === 0))
  await pause(500)
  expect(cluster.proxies.map(proxy => proxy.connections)).toEqual([0, 0, 0])
})

it('a topic that is deleted fails alone', async () => {
  const topic = await topicLedBy([0])
  const gone = await topicLedBy([1])
  const producer = await start({ allowAutoTopicCreation: false, metadataMaxAge: 500 })
  await producer.send(one(topic, 'a'))
  await producer.send(one(gone, 'a'))
  await withAdmin(cluster.brokers, admin => admin.deleteTopics({ topics: [gone] }))
  // Its leader takes messages until it has heard of it.
  await waitFor(() =>
    withAdmin(cluster.brokers, admin => admin.fetchTopicOffsets(gone)).then(
      () => false,
      () => true
    )
  )
  const lost = rejection(producer.send(one(gone, 'b')))
  await producer.send(one(topic, 'b'))
  expect((await lost).topic).toBe(gone)
  // Longer than metadata lives.
  await pause(800)
  await producer.send(one(topic, 'c'))
  expect(valuesOf(await read(topic))).toEqual(['a', 'b', 'c'])
})

it('connect() that waits for a producer id ends with disconnect()', async () => {
  let asked = 0
  for (const proxy of cluster.proxies) {
    proxy.mutate(INIT_PRODUCER_ID, (answer, { version }) => {
      asked++
      // Behind the length, the correlation id, the tags of a flexible header and the throttle time.
      answer.writeInt16BE(COORDINATOR_LOAD_IN_PROGRESS, version >= 2 ? 13 : 12)
      return answer
    })
  }
  const kafka = createKafka({ brokers: cluster.listeners.proxied })
  const producer = createProducer({ kafka, idempotent: true })
  const connecting = rejection(producer.connect())
  await waitFor(() => asked > 0)
  await producer.disconnect()
  expect(await connecting).toMatchObject({
    name: 'KafkaJSNonRetriableError',
    message: 'The producer is disconnected'
  })
})
