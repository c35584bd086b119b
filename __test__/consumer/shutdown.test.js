// @ts-check
'use strict'

/** `disconnect()` at every step that a consumer takes over the network, while the broker lets it wait. */

const { family } = require('../ci/soak')
const { createTopic, uniqueName } = require('../kafka/helpers')
const { API } = require('../kafka/protocol')
const {
  SOON,
  createConsumer,
  createKafka,
  defer,
  pause,
  timed,
  useCluster,
  waitFor
} = require('./support')

/** @type {import('../kafka').Cluster} */
let cluster
/** @type {import('../kafka/proxy').Proxy} */
let proxy
/** @type {string} */
let topic

useCluster({ proxied: true }, async own => {
  cluster = own
  proxy = cluster.proxies[0]
  topic = await createTopic({ partitions: 2, brokers: cluster.brokers })
})

/** @type {Record<string, () => void>} */
const FAULTS = {
  silent: () => proxy.stall(),
  gone: () => {
    proxy.refuse()
    proxy.cut()
  },
  slow: () => proxy.delay(300)
}

/** In the order in which they come: the first look at the brokers is that of connect(), the second that of subscribe(). */
const STEPS = /** @type {const} */ ([
  ['Metadata', 1],
  ['Metadata', 2],
  ['FindCoordinator', 1],
  ['JoinGroup', 1],
  ['JoinGroup', 2],
  ['SyncGroup', 1],
  ['OffsetFetch', 1],
  ['ListOffsets', 1],
  ['Fetch', 1]
])

/** Does this when the broker is asked for the nth time. */
const at = (name, nth, act) => {
  const { promise, resolve } = defer()
  let left = nth
  proxy.answer(API[name], () => {
    if (--left === 0) {
      act()
      resolve()
    }
    return undefined
  })
  return promise
}

const start = async consumer => {
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ eachMessage: async () => {} })
}

const membersOf = async groupId => {
  const kafka = createKafka({ brokers: cluster.brokers })
  return (await createConsumer({ kafka, groupId }).describeGroup()).members
}

describe.each(Object.keys(FAULTS))('disconnect() while a broker is %s', fault => {
  // Every step with one of the faults, each of those with every third step.
  const isTheirTurn = (name, nth) =>
    STEPS.findIndex(step => step[0] === name && step[1] === nth) % 3 ===
    Object.keys(FAULTS).indexOf(fault)
  family(STEPS, isTheirTurn)(
    'at %s %i ends what was begun, and a later connect() begins anew',
    async (name, nth) => {
      const groupId = uniqueName('group')
      const kafka = createKafka({ brokers: cluster.listeners.proxied, requestTimeout: 60_000 })
      // The proxy sees the end of a connection when the broker has answered what it holds.
      const consumer = createConsumer({ kafka, groupId, maxWaitTimeInMs: 100 })
      const reached = at(name, nth, FAULTS[fault])
      const outcome = start(consumer).then(
        () => 'done',
        error => error
      )
      await reached
      expect(await timed(() => consumer.disconnect())).toBeLessThan(SOON)
      const result = await outcome
      // What follows the join may find it done.
      if (!['OffsetFetch', 'ListOffsets', 'Fetch'].includes(name) || result !== 'done') {
        expect(result).toMatchObject({
          name: 'KafkaJSNonRetriableError',
          message: expect.stringMatching(/^Disconnected before/)
        })
      }

      await proxy.heal()
      await waitFor(() => proxy.connections === 0)
      await pause(100)
      expect(proxy.connections).toBe(0)
      await consumer.connect()
      await consumer.subscribe({ topics: [topic] })
      // A broker that was not told keeps the place of the member for a session.
      if (fault !== 'slow') return
      expect(await membersOf(groupId)).toEqual([])
      await consumer.run({ eachMessage: async () => {} })
      expect(await membersOf(groupId)).toHaveLength(1)
    }
  )
})
