// @ts-check
'use strict'

/** Outages of everything at once. Whoever comes back finds the consumer at work, without anybody's help. */

const { longSpec } = require('../ci/soak')
const { freePorts } = require('../kafka/ports')
const { coordinatorOf, createTopic, logEnd, produce } = require('../kafka/helpers')
const {
  byPartition,
  createKafka,
  numbered,
  pause,
  startConsumer,
  useCluster,
  waitFor
} = require('./support')

const PARTITIONS = 6
/** How long nobody answers, ms. */
const OUTAGE = 1000 * Number(process.env.OUTAGE_SECONDS ?? 12)

// Brokers take their time to come back.
jest.setTimeout(900_000)

/** @type {import('../kafka').Cluster} */
let cluster

useCluster({ brokers: 3 }, lent => (cluster = lent))

afterEach(async () => {
  for (const node of cluster.nodes) await node.sigcont()
  for (const node of cluster.nodes) if (!node.running) await node.restart()
})

/** Has everything that is in the log been handled? */
const hasEverything = async (messages, topic) => {
  const ends = await logEnd(topic, cluster.brokers)
  const handled = byPartition(messages)
  return Object.entries(ends).every(
    ([partition, end]) => String(new Set(handled[partition]).size) === end
  )
}

/** A consumer that has read something, and `goesOn`: that it reads what comes. */
const start = async ({ brokers = cluster.brokers } = {}) => {
  const topic = await createTopic({ partitions: PARTITIONS, brokers: cluster.brokers })
  let sent = 0
  const send = async () => {
    const messages = numbered(60, { partitions: PARTITIONS, first: sent })
    await produce(topic, messages, { brokers: cluster.brokers })
    sent += 60
  }
  const test = await startConsumer({
    topics: [topic],
    kafka: createKafka({ brokers, requestTimeout: 5000, connectionTimeout: 5000 }),
    sessionTimeout: 6000
  })
  const goesOn = async () => {
    const before = test.messages.length
    // The brokers may still be on their way.
    await waitFor(
      () =>
        send()
          .then(() => true)
          .catch(() => false),
      { timeout: 120_000 }
    )
    // Not what kafkajs says that it has written: it forgets partitions whose leader moves meanwhile to a broker that has
    // answered for others, and writes some twice.
    const isDone = async () => test.messages.length > before && hasEverything(test.messages, topic)
    await waitFor(() => isDone().catch(() => false), { timeout: 120_000 })
    // A crash is allowed if the consumer gets over it by itself.
    expect(test.seen.of('CRASH').every(({ restart }) => restart)).toBe(true)
  }
  await goesOn()
  return { ...test, goesOn }
}

it('all brokers are killed and come back', async () => {
  const { goesOn } = await start()
  await Promise.all(cluster.nodes.map(node => node.kill9()))
  await pause(OUTAGE)
  await Promise.all(cluster.nodes.map(node => node.start()))
  await goesOn()
})

it('all brokers freeze and wake up', async () => {
  const { goesOn, seen } = await start()
  for (const node of cluster.nodes) await node.sigstop()
  await pause(OUTAGE)
  for (const node of cluster.nodes) await node.sigcont()
  await goesOn()
  expect(seen.of('CRASH')).toEqual([])
})

it('all brokers but one are unknown to the network when the consumer connects', async () => {
  const [nobody] = await freePorts(1)
  const brokers = ['no-such-host.invalid:9092', `127.0.0.1:${nobody}`, cluster.brokers[2]]
  const { goesOn } = await start({ brokers })
  await goesOn()
})

longSpec('the coordinator is killed, and the next one, and the one after that', async () => {
  const { goesOn, groupId } = await start()
  for (let round = 0; round < 3; round++) {
    const id = await coordinatorOf(groupId, cluster.brokers)
    const node = cluster.nodes.find(each => each.id === id)
    await node?.kill9()
    await node?.restart()
    await goesOn()
  }
})

longSpec('every broker is killed in turn, the controller among them', async () => {
  const { goesOn } = await start()
  for (const node of cluster.nodes) {
    await node.kill9()
    await pause(1000)
    await node.restart()
    await goesOn()
  }
})
