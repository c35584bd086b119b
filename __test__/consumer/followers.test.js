// @ts-check
'use strict'

/** Fetching from a follower in the consumer's own rack (KIP-392). Node n stands in `rack-n`. On a cluster of its own. */

const { committed, createTopic, produce, withAdmin } = require('../kafka/helpers')
const {
  createKafka,
  distinct,
  numbered,
  startConsumer,
  upTo,
  useCluster,
  waitFor
} = require('./support')

const NEAR = 2

/** @type {import('../kafka').Cluster} */
let cluster

useCluster({ brokers: 3 }, lent => (cluster = lent))

/** Topics of three partitions have a leader on every node. */
const filled = async count => {
  const { brokers } = cluster
  const topic = await createTopic({ partitions: 3, brokers })
  const metadata = await withAdmin(brokers, admin => admin.fetchTopicMetadata({ topics: [topic] }))
  expect(metadata.topics[0].partitions.map(({ leader }) => leader).sort()).toEqual([1, 2, 3])
  await produce(topic, numbered(count, { partitions: 3 }), { brokers })
  return topic
}

const start = (topic, options) =>
  startConsumer({
    topics: [topic],
    kafka: createKafka({ brokers: cluster.brokers }),
    maxWaitTimeInMs: 200,
    ...options
  })

/** Who has been asked for data since there were so many such requests, by the requests' addresses. */
const asked = ({ seen }, since = 0) => {
  const requests = fetches({ seen }).slice(since)
  return distinctly(requests.map(({ broker }) => cluster.brokers.indexOf(broker) + 1))
}

const fetches = ({ seen }) => seen.of('REQUEST').filter(({ apiName }) => apiName === 'Fetch')

const distinctly = nodes => [...new Set(nodes)].sort().join()

/** Does the consumer ask nobody but the node that is near? */
const isNear = async test => {
  const { length } = fetches(test)
  await waitFor(() => fetches(test).length >= length + 5)
  return asked(test, length) === String(NEAR)
}

it('the follower in the rack serves all partitions', async () => {
  const topic = await filled(300)
  const test = await start(topic, { rackId: `rack-${NEAR}` })
  await waitFor(() => test.messages.length >= 300)
  expect(distinct(test.messages)).toEqual(upTo(300))
  await waitFor(() => isNear(test))

  // A follower that lags behind on a busy machine is left for a while.
  let written = 300
  const isServedByNearAlone = async () => {
    const { length } = fetches(test)
    const more = numbered(300, { partitions: 3, first: written })
    await produce(topic, more, { brokers: cluster.brokers })
    written += 300
    await waitFor(() => test.messages.length >= written)
    return asked(test, length) === String(NEAR)
  }
  await waitFor(isServedByNearAlone, { timeout: 200_000 })
  expect(distinct(test.messages)).toEqual(upTo(written))
  expect(test.seen.of('FETCH').map(({ nodeId }) => Number(nodeId))).toContain(NEAR)
  await waitFor(async () => {
    const offsets = await committed(test.groupId, topic, cluster.brokers)
    return Object.values(offsets).every(offset => Number(offset) * 3 === test.messages.length)
  })
})

it('the follower that serves from now on is told', async () => {
  const topic = await filled(30)
  const lines = /** @type {any[]} */ ([])
  const { brokers } = cluster
  const kafka = createKafka({ brokers, logLevel: 4, logCreator: () => entry => lines.push(entry) })
  const test = await start(topic, { rackId: `rack-${NEAR}`, kafka })
  const told = () => lines.filter(({ log }) => log.message.startsWith('Preferred read replica'))
  // That which it leads itself needs no other.
  await waitFor(() => new Set(told().map(({ log }) => log.partition)).size === 2)
  const [{ memberId }] = test.seen.of('GROUP_JOIN')
  for (const { namespace, label, log } of told()) {
    expect([namespace, label, log.message]).toEqual([
      'ConsumerGroup',
      'INFO',
      `Preferred read replica is now ${NEAR}`
    ])
    const { timestamp, logger, message, ...details } = log
    const partition = expect.any(Number)
    expect(details).toEqual({ groupId: test.groupId, memberId, topic, partition })
  }
})

it('without a rack, and in one where nobody stands, the leaders serve', async () => {
  const topic = await filled(300)
  for (const rackId of ['', 'rack-9']) {
    const test = await start(topic, { rackId })
    await waitFor(() => test.messages.length >= 300)
    await waitFor(() => asked(test) === '1,2,3')
    await test.consumer.disconnect()
  }
})

it('when the follower dies the leaders serve, when it is back it does again', async () => {
  const topic = await filled(300)
  const test = await start(topic, { rackId: `rack-${NEAR}`, metadataMaxAge: 2000 })
  await waitFor(() => test.messages.length >= 300)
  await waitFor(() => isNear(test))
  await cluster.nodes[NEAR - 1].kill9()
  const living = cluster.brokers.filter((_, i) => i !== NEAR - 1)
  const leads = await waitFor(async () => {
    const metadata = await withAdmin(living, admin => admin.fetchTopicMetadata({ topics: [topic] }))
    return metadata.topics[0].partitions.every(({ leader }) => leader !== NEAR && leader > 0)
  })
  expect(leads).toBe(true)
  await produce(topic, numbered(300, { partitions: 3, first: 300 }), { brokers: living })
  await waitFor(() => distinct(test.messages).length >= 600)
  expect(distinct(test.messages)).toEqual(upTo(600))

  await cluster.nodes[NEAR - 1].restart()
  await waitFor(() => isNear(test), { timeout: 200_000 })
  await produce(topic, numbered(30, { partitions: 3, first: 600 }), { brokers: cluster.brokers })
  await waitFor(() => distinct(test.messages).length >= 630)
  expect(distinct(test.messages)).toEqual(upTo(630))
  expect(test.seen.of('CRASH').filter(({ restart }) => !restart)).toEqual([])
})
