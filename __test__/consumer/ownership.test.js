// @ts-check
'use strict'

/** Each partition has an owner: whatever brokers say while somebody assigns, whatever becomes of the topics. Three brokers. */

const { isDeepStrictEqual } = require('node:util')
const { ADMIN_TIMEOUT, createTopic, produce, uniqueName, withAdmin } = require('../kafka/helpers')
const { API, respond } = require('../kafka/protocol')
const { growAndRemake } = require('../chaos/topics')
const {
  CLIENT,
  createKafka,
  loadClient,
  numbered,
  startConsumer,
  upTo,
  useCluster,
  waitFor
} = require('./support')

/** @type {import('../kafka').Cluster} */
let cluster

useCluster({ brokers: 3, proxied: true }, lent => (cluster = lent))

const newTopic = async (partitions, topic = uniqueName('topic')) =>
  createTopic({ topic, partitions, replicationFactor: 1, brokers: cluster.brokers })

const start = options =>
  startConsumer({
    kafka: createKafka({ brokers: cluster.listeners.proxied }),
    metadataMaxAge: 500,
    // A topic that is deleted would be made again by whoever asks for it.
    allowAutoTopicCreation: false,
    ...options
  })

/** What these members own by now: partitions by topic, sorted. */
const owned = tests => {
  const all = /** @type {Record<string, number[]>} */ ({})
  for (const { seen } of tests) {
    // Somebody who has not joined yet owns nothing.
    const { memberAssignment = {} } = seen.of('GROUP_JOIN').at(-1) ?? {}
    for (const [topic, partitions] of Object.entries(memberAssignment)) {
      all[topic] = [...(all[topic] ?? []), ...partitions].sort((a, b) => a - b)
    }
  }
  return all
}

const expectOwned = (tests, expected) => waitFor(() => isDeepStrictEqual(owned(tests), expected))

/** The next Metadata between a JoinGroup and its SyncGroup is answered with this. @returns {{ given: number }} */
const whileAssigning = fault => {
  const state = { given: 0, assigning: false }
  for (const proxy of cluster.proxies) {
    const sees = (key, assigning) =>
      proxy.answer(key, () => {
        state.assigning = assigning
        return undefined
      })
    sees(API.JoinGroup, true)
    sees(API.SyncGroup, false)
    proxy.answer(API.Metadata, request => {
      if (!state.assigning || state.given > 0) return undefined
      state.given++
      if (fault !== 'cut') return respond(request, fault)
      setImmediate(() => proxy.cut())
      return respond(request, { error: 3 })
    })
  }
  return state
}

const grow = (topic, count) =>
  withAdmin(cluster.brokers, admin =>
    admin.createPartitions({ topicPartitions: [{ topic, count }], timeout: ADMIN_TIMEOUT })
  )

const remove = topic =>
  withAdmin(cluster.brokers, admin =>
    admin.deleteTopics({ topics: [topic], timeout: ADMIN_TIMEOUT })
  )

it.each([
  ['nothing of a topic', {}],
  ['of no such topic', { error: 3 }],
  ['of a topic without leaders', { error: 5 }],
  ['of an error', { error: -1 }],
  ['nothing, and whose connection breaks', 'cut']
])('whoever assigns by an answer that tells %s asks again', async (_, fault) => {
  const topic = await newTopic(4)
  const state = whileAssigning(fault)
  const test = await start({ topics: [topic] })
  await expectOwned([test], { [topic]: [0, 1, 2, 3] })
  expect(state.given).toBe(1)
  await produce(topic, numbered(8, { partitions: 4 }), { brokers: cluster.brokers })
  await waitFor(() => test.messages.length === 8)
})

it('a topic of other members that grows is assigned again by the leader', async () => {
  const [x, y] = [await newTopic(2), await newTopic(2)]
  const leader = await start({ topics: [x] })
  const other = await start({ topics: [y], groupId: leader.groupId })
  await expectOwned([leader, other], { [x]: [0, 1], [y]: [0, 1] })
  await grow(y, 5)
  await expectOwned([leader, other], { [x]: [0, 1], [y]: upTo(5) })
  await produce(y, numbered(5, { partitions: 5 }), { brokers: cluster.brokers })
  await waitFor(() => other.messages.length === 5)
})

it.each(['name', 'RegExp'])(
  'a topic that is gone while the group rebalances is read when it is made again, by %s',
  async how => {
    const [topic, constant] = [await newTopic(3), await newTopic(1)]
    const topics = [how === 'name' ? topic : new RegExp(`^${topic}$`), constant]
    const first = await start({ topics })
    await expectOwned([first], { [topic]: [0, 1, 2], [constant]: [0] })
    await remove(topic)
    const second = await start({ topics: [constant], groupId: first.groupId })
    await waitFor(() => first.seen.of('GROUP_JOIN').length >= 2)
    await expectOwned([first, second], { [constant]: [0] })
    await newTopic(3, topic)
    await produce(topic, numbered(3, { partitions: 3 }), { brokers: cluster.brokers })
    await waitFor(() => first.messages.length === 3)
    await expectOwned([first, second], { [constant]: [0], [topic]: [0, 1, 2] })
  }
)

it('a topic that does not exist keeps nobody waiting, and is assigned when it comes', async () => {
  const [topic, missing] = [await newTopic(2), await newTopic(1)]
  const first = await start({ topics: [topic, missing] })
  await expectOwned([first], { [topic]: [0, 1], [missing]: [0] })
  await remove(missing)
  const began = performance.now()
  const second = await start({ topics: [topic], groupId: first.groupId })
  await expectOwned([first, second], { [topic]: [0, 1] })
  expect(performance.now() - began).toBeLessThan(20_000)
  await newTopic(2, missing)
  await waitFor(() => owned([first, second])[missing]?.length === 2)
})

it('topics that grow, are deleted and made again have no partition that nobody reads', async () => {
  const { unowned, unread, steps, lateJoins } = await growAndRemake({
    library: loadClient(),
    brokers: cluster.brokers,
    until: performance.now() + 12_000,
    seed: 7,
    mixed: CLIENT === 'kafkars'
  })
  expect([...unowned, ...unread]).toEqual([])
  expect(steps).toBeGreaterThan(0)
  expect(lateJoins).toBe(0)
})
