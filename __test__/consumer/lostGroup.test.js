// @ts-check
'use strict'

/**
 * A group that is no more while one of its members lives: its coordinator has thrown everybody out, and an administrator
 * has deleted it. The proxy answers heartbeats in the meantime, so that the member learns it by another request.
 */

const { startJavaConsumer } = require('../kafka/consumer')
const { committed, createTopic, produce, withAdmin } = require('../kafka/helpers')
const { API, respond } = require('../kafka/protocol')
const {
  createKafka,
  distinct,
  numbered,
  startConsumer,
  upTo,
  useCluster,
  waitFor
} = require('./support')

/** @type {import('../kafka').Cluster} */
let cluster

useCluster({ proxied: true }, lent => (cluster = lent))

const write = (topic, count, first) =>
  produce(topic, numbered(count, { first }), { brokers: cluster.brokers })

/** A member without a group, which has handled ten messages. */
const outlive = async (options = {}) => {
  const { brokers } = cluster
  const topic = await createTopic({ brokers })
  await write(topic, 10, 0)
  const kafka = createKafka({ brokers: cluster.listeners.proxied })
  const test = await startConsumer({ topics: [topic], kafka, sessionTimeout: 2000, ...options })
  await waitFor(() => test.messages.length >= 10)
  const { groupId } = test
  await waitFor(() => test.seen.of('HEARTBEAT').length > 0)
  cluster.proxies[0].answer(API.Heartbeat, request => respond(request, { error: 0 }))
  await withAdmin(brokers, async admin => {
    await waitFor(async () => {
      const { groups } = await admin.describeGroups([groupId])
      return groups[0].state === 'Empty'
    })
    await admin.deleteGroups([groupId])
  })
  return { topic, ...test }
}

const goesOn = async ({ topic, groupId, messages, seen }, count) => {
  await waitFor(() => seen.of('GROUP_JOIN').length === 2)
  await write(topic, 10, count)
  await waitFor(() => distinct(messages).length === count + 10)
  expect(distinct(messages)).toEqual(upTo(count + 10))
  await waitFor(async () => {
    const offsets = await committed(groupId, topic, cluster.brokers)
    return offsets[0] === String(count + 10)
  })
  expect(seen.of('CRASH')).toEqual([])
}

it('an automatic commit meets it, and the member joins again', async () => {
  const test = await outlive()
  await write(test.topic, 10, 10)
  await waitFor(() => distinct(test.messages).length === 20)
  await cluster.proxies[0].heal()
  await goesOn(test, 20)
})

it('a commit that somebody asked for meets it, and is told so', async () => {
  const test = await outlive({ run: { autoCommit: false } })
  const { consumer, groupId, topic } = test
  const offsets = [{ topic, partition: 0, offset: '5' }]
  await expect(consumer.commitOffsets(offsets)).rejects.toMatchObject({
    cause: { type: 'ILLEGAL_GENERATION' }
  })
  await cluster.proxies[0].heal()
  await waitFor(() => test.seen.of('GROUP_JOIN').length === 2)
  await consumer.commitOffsets(offsets)
  expect(await committed(groupId, topic, cluster.brokers)).toEqual({ 0: '5' })
  expect(test.seen.of('CRASH')).toEqual([])
})

it('a member of KIP-848 has made it anew, and ours joins that', async () => {
  const test = await outlive()
  const { topic, groupId } = test
  const config = { 'group.protocol': 'consumer' }
  const other = await startJavaConsumer(cluster.brokers, { topic, groupId, config })
  try {
    await waitFor(() => other.values.length >= 10)
    await write(topic, 10, 10)
    await waitFor(() => distinct(test.messages).length === 20)
  } finally {
    await other.stop()
  }
  await cluster.proxies[0].heal()
  await goesOn(test, 20)
})
