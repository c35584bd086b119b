// @ts-check
'use strict'

/**
 * An unclean election (KIP-320): the new leader has less than the consumer has read, and producers use those offsets again.
 * On a cluster of its own.
 */

const { longSpec } = require('../ci/soak')
const {
  committed,
  createTopic,
  logEnd,
  produce,
  uniqueName,
  withAdmin
} = require('../kafka/helpers')
const {
  createConsumer,
  createKafka,
  logLevel,
  startConsumer,
  useCluster,
  waitFor
} = require('./support')

/** What both replicas have, and what only the leader has. */
const KEPT = 300
const LOST = 200

// Brokers take their time to come back.
jest.setTimeout(900_000)

/** @type {import('../kafka').Cluster} */
let cluster

useCluster({ brokers: 3 }, lent => (cluster = lent))

afterEach(async () => {
  for (const node of cluster.nodes) if (!node.running) await node.restart()
})

const running = () => cluster.brokers.filter((_, i) => cluster.nodes[i].running)

const nodeOf = id => cluster.nodes.find(node => node.id === id)

const texts = (name, count) => Array.from({ length: count }, (_, i) => ({ value: `${name}-${i}` }))

/** Its partition, once `is` holds of that. */
const partitionOf = (topic, is = _ => true) =>
  waitFor(async () => {
    const describe = admin => admin.fetchTopicMetadata({ topics: [topic] })
    const metadata = await withAdmin(running(), describe).catch(() => null)
    const partition = metadata?.topics[0].partitions[0]
    return partition && is(partition) && partition
  })

/** A topic with `KEPT` messages on two brokers, and `LOST` more on its leader alone; the other one is down. */
const createAtRisk = async () => {
  const topic = await createTopic({
    replicationFactor: 2,
    config: { 'unclean.leader.election.enable': 'true', 'min.insync.replicas': '1' },
    brokers: cluster.brokers
  })
  await produce(topic, texts('kept', KEPT), { brokers: cluster.brokers })
  const { leader, replicas } = await partitionOf(topic, ({ isr }) => isr.length === 2)
  const follower = replicas.find(id => id !== leader)
  await nodeOf(follower)?.stop()
  await produce(topic, texts('lost', LOST), { acks: 1, brokers: running() })
  return { topic, leader, follower }
}

/** The leader dies, the other one takes over; with `more` messages from where its log ended. */
const truncate = async ({ topic, leader, follower }, more) => {
  await nodeOf(leader)?.kill9()
  await nodeOf(follower)?.start()
  await partitionOf(topic, partition => partition.leader === follower)
  await produce(topic, texts('new', more), { brokers: running() })
}

const client = lines =>
  createKafka({
    brokers: cluster.brokers,
    requestTimeout: 5000,
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ log }) =>
        void lines.push(log)
  })

/** A consumer that has read all of it, and has committed that. */
const startReading = async ({ topic }, options = {}) => {
  const lines = []
  const test = await startConsumer({ topics: [topic], kafka: client(lines), ...options })
  await waitFor(() => test.messages.length === KEPT + LOST)
  const offsets = () => committed(test.groupId, topic, running()).catch(() => null)
  await waitFor(async () => (await offsets())?.[0] === String(KEPT + LOST))
  return { ...test, lines }
}

/** Everything of the new log is handled, in order, from where the old one was cut. */
const expectNew = async (messages, topic) => {
  const end = Number((await logEnd(topic, running()))[0])
  const offsets = () => {
    const news = messages.filter(({ value }) => value.startsWith('new-'))
    return [...new Set(news.map(({ offset }) => offset))]
  }
  await waitFor(() => offsets().length >= end - KEPT)
  expect(offsets()).toEqual(Array.from({ length: end - KEPT }, (_, i) => KEPT + i))
}

it('what is written at offsets that were read before the log was truncated is read, and the log says why', async () => {
  const atRisk = await createAtRisk()
  const { topic } = atRisk
  const { consumer, messages, seen, lines } = await startReading(atRisk)
  // Its position must be within the new log when it looks again.
  consumer.pause([{ topic }])
  await truncate(atRisk, LOST + 100)
  consumer.resume([{ topic }])
  await expectNew(messages, topic)
  const told = lines.filter(({ message }) => message.includes('truncated'))
  const [from, to] = [String(KEPT + LOST), String(KEPT)]
  expect(told).toEqual([expect.objectContaining({ topic, partition: '0', from, to })])
  expect(seen.of('CRASH')).toEqual([])
})

longSpec(
  'a position behind the end of a truncated log goes back to that end, not to the beginning',
  async () => {
    const atRisk = await createAtRisk()
    const { messages, seen } = await startReading(atRisk)
    await truncate(atRisk, 10)
    await expectNew(messages, atRisk.topic)
    expect(messages.filter(({ value }) => value.startsWith('kept-'))).toHaveLength(KEPT)
    expect(seen.of('CRASH')).toEqual([])
  }
)

longSpec('a committed offset whose record is gone is noticed', async () => {
  const atRisk = await createAtRisk()
  const groupId = uniqueName('group')
  const first = await startReading(atRisk, { groupId })
  await first.consumer.disconnect()
  await truncate(atRisk, LOST + 100)
  const { topic } = atRisk
  const { messages } = await startConsumer({ topics: [topic], groupId, kafka: client([]) })
  await expectNew(messages, topic)
})

longSpec('a truncated log is an error with autoOffsetReset none', async () => {
  const atRisk = await createAtRisk()
  const { topic } = atRisk
  const { consumer, messages, seen } = await startReading(atRisk, {
    autoOffsetReset: 'none',
    retry: { restartOnFailure: async () => false }
  })
  consumer.pause([{ topic }])
  await truncate(atRisk, LOST + 100)
  consumer.resume([{ topic }])
  const [{ error }] = await waitFor(() => seen.of('CRASH').length > 0 && seen.of('CRASH'))
  expect(error.name).toBe('KafkaJSOffsetOutOfRange')
  expect(messages).toHaveLength(KEPT + LOST)
})

longSpec(
  'what is assigned or pulled goes back to where the log was cut, or ends with autoOffsetReset none',
  async () => {
    const atRisk = await createAtRisk()
    const { topic } = atRisk
    const readers = [
      { ways: ['assign', 'getMany'] },
      { ways: ['assign', 'loop'] },
      { ways: ['subscribe', 'getMany'] },
      { ways: ['subscribe', 'loop'] },
      { ways: ['assign', 'getMany'], autoOffsetReset: 'none' },
      { ways: ['subscribe', 'loop'], autoOffsetReset: 'none' }
    ].map(({ ways: [where, how], ...options }) => {
      const { autoOffsetReset } = options
      const consumer = /** @type {any} */ (
        createConsumer(/** @type {any} */ ({ kafka: client([]), ...options }))
      )
      const values = /** @type {string[]} */ ([])
      const read = async () => {
        if (where === 'subscribe') {
          await consumer.subscribe({ topics: [topic], fromBeginning: true })
        } else await consumer.assign([{ topic, partition: 0, offset: 'earliest' }])
        if (how === 'loop') for await (const { value } of consumer) values.push(String(value))
        while (how === 'getMany') {
          for (const { messages } of await consumer.getMany({ timeout: 500 })) {
            values.push(...messages.map(({ value }) => String(value)))
          }
        }
      }
      const end = read().catch(error => error)
      return { values, end, isStrict: autoOffsetReset === 'none' }
    })
    for (const { values } of readers) await waitFor(() => values.length === KEPT + LOST)
    await truncate(atRisk, 10)
    for (const { values, end, isStrict } of readers) {
      if (isStrict) {
        const error = await end
        expect(error).toMatchObject({ name: 'KafkaJSOffsetOutOfRange', topic, partition: 0 })
        expect(values).toHaveLength(KEPT + LOST)
      } else {
        await waitFor(() => values.length >= KEPT + LOST + 10)
        expect(values.slice(KEPT + LOST)).toEqual(texts('new', 10).map(({ value }) => value))
      }
    }
  }
)
