// @ts-check
'use strict'

/**
 * Brokers close connections on which nothing happens (`connections.max.idle.ms`, ten minutes by default): nobody may
 * notice. On a cluster of its own, which closes them after three seconds.
 */

const { ADMIN_TIMEOUT, committed, createTopic, produce, withAdmin } = require('../kafka/helpers')
const {
  createKafka,
  logLevel,
  numbered,
  numbers,
  pause,
  startConsumer,
  together,
  upTo,
  useCluster,
  waitFor
} = require('./support')

/** How long the broker bears an idle connection, ms. */
const IDLE = 3000
/** A long poll is no idleness, as long as it ends before that, ms. */
const WAIT = IDLE / 10

/** Heartbeats further apart than what the broker bears. */
const RARELY = { heartbeatInterval: 2 * IDLE, sessionTimeout: 60_000 }

/** @type {import('../kafka').Cluster} */
let cluster

useCluster({ config: { 'connections.max.idle.ms': IDLE } }, lent => (cluster = lent))

/** A consumer, and what it logs from warnings on. */
const start = async options => {
  const { brokers } = cluster
  const lines = /** @type {string[]} */ ([])
  const logCreator =
    () =>
    ({ level, log }) =>
      void (level <= logLevel.WARN && lines.push(log.message))
  const topic = await createTopic({ brokers })
  const kafka = createKafka({ brokers, logLevel: logLevel.WARN, logCreator })
  const test = await startConsumer({ topics: [topic], kafka, maxWaitTimeInMs: WAIT, ...options })
  return { ...test, topic, lines, brokers }
}

const quiet = ({ lines, seen }) => {
  expect(lines).toEqual([])
  expect(seen.of('CRASH')).toEqual([])
  expect(seen.of('GROUP_JOIN')).toHaveLength(1)
}

together({
  'connections that the broker closes are opened again when they are needed': async () => {
    // Heartbeats are further apart than what the broker bears: the coordinator's connection is closed again and again.
    const test = await start({
      ...RARELY,
      metadataMaxAge: 3 * IDLE
    })
    for (let round = 0; round < 3; round++) {
      await produce(test.topic, numbered(5, { first: round * 5 }), { brokers: test.brokers })
      const count = (round + 1) * 5
      await waitFor(() => test.messages.length >= count)
      await waitFor(async () => {
        const offsets = await committed(test.groupId, test.topic, test.brokers)
        return offsets[0] === String(count)
      })
      await pause(2.5 * IDLE) // the time that connections have to be idle
    }
    expect(numbers(test.messages)).toEqual(upTo(15))
    quiet(test)
  },

  'a paused consumer outlives them': async () => {
    const test = await start(RARELY)
    const { topic, brokers } = test
    test.consumer.pause([{ topic }])
    await pause(3 * IDLE)
    await produce(topic, numbered(5), { brokers })
    await test.consumer.commitOffsets([{ topic, partition: 0, offset: '0' }])
    test.consumer.resume([{ topic }])
    await waitFor(() => test.messages.length >= 5)
    quiet(test)
  },

  'a consumer that only stands by can be asked': async () => {
    const test = await start(RARELY)
    await pause(2.5 * IDLE)
    const group = await test.consumer.describeGroup()
    expect(group.members).toHaveLength(1)
    await withAdmin(test.brokers, admin =>
      admin.createPartitions({
        topicPartitions: [{ topic: test.topic, count: 2 }],
        timeout: ADMIN_TIMEOUT
      })
    )
    await test.consumer.disconnect()
    quiet(test)
  }
})
