// @ts-check
'use strict'

/** A broker that allows an address few connections (`max.connections.per.ip`), and closes those beyond at once. */

const { createTopic, produce } = require('../kafka/helpers')
const {
  CLIENT,
  LONG_POLL,
  SOON,
  createKafka,
  numbered,
  numbers,
  pause,
  startConsumer,
  timed,
  upTo,
  useCluster,
  waitFor
} = require('./support')

/** @type {import('../kafka').Cluster} */
let cluster

useCluster({ proxied: true }, own => {
  cluster = own
})

afterEach(() => {
  // A broker that holds a Fetch does not look whether its client is still there.
  for (const proxy of cluster.proxies) proxy.cut()
})

it.each([3, 2, 1])(
  'a consumer with %i of them reads, stays a member, and seeks without waiting for the long poll',
  async most => {
    const { brokers } = cluster
    const topic = await createTopic({ brokers })
    await produce(topic, numbered(10), { brokers })
    for (const proxy of cluster.proxies) proxy.limit(most)
    const { consumer, messages, seen } = await startConsumer({
      topics: [topic],
      kafka: createKafka({ brokers: cluster.listeners.proxied }),
      sessionTimeout: 6000,
      // kafkajs does wait for it.
      ...(CLIENT === 'kafkars' && { maxWaitTimeInMs: LONG_POLL })
    })
    await waitFor(() => messages.length === 10)
    await pause(1000)
    consumer.seek({ topic, partition: 0, offset: '5' })
    const waited = await timed(() => waitFor(() => messages.length === 15))
    expect(waited).toBeLessThan(SOON)
    expect(numbers(messages)).toEqual([...upTo(10), ...upTo(10).slice(5)])
    await waitFor(() => seen.of('HEARTBEAT').length > 2)
    expect(seen.of('GROUP_JOIN')).toHaveLength(1)
    expect(seen.of('CRASH')).toEqual([])
  }
)
