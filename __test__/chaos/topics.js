// @ts-check
'use strict'

/**
 * Topics that grow, are deleted and made again while members come and go: is there a partition that nobody reads?
 *
 * After each step every partition of its topic gets a message. Of one that is not handled within 30 s it is asked whether
 * it is in the log (a broker that is behind takes what is for a topic that is no more) and whether its partition has an owner.
 */

const { setTimeout: pause } = require('node:timers/promises')

const { startCluster } = require('../kafka')
const {
  ADMIN_TIMEOUT,
  logEnd,
  produce,
  uniqueName,
  waitFor,
  withAdmin
} = require('../kafka/helpers')
const { optionsOf } = require('../usage')
const { random: createRandom } = require('./random')

const PATIENCE = 30_000
const MOST_PARTITIONS = 24

/**
 * @typedef {object} Outcome
 * @property {number} steps
 * @property {string[]} unowned   messages that were not handled in time, of partitions without an owner
 * @property {string[]} unread    the same, of partitions that have one
 * @property {string[]} unwritten the same, of messages that are in no log
 * @property {number} slowest     ms from a step to the last of its messages
 * @property {number} joins       of all members
 * @property {number} crashes
 * @property {number} lateJoins   of all members in the quiet seconds at the end
 */

/**
 * @param {{
 *   library: any, brokers: string[], until: number, seed: number, mixed?: boolean, log?: (line: string) => void
 * }} options `until`: a time of `performance.now()`. `mixed`: members subscribe to different topics
 * @returns {Promise<Outcome>}
 */
const growAndRemake = async ({ library, brokers, until, seed, mixed = true, log = () => {} }) => {
  const { below } = createRandom(seed)
  const groupId = uniqueName('topics')
  const topics = [uniqueName('a'), uniqueName('b')]
  const counts = new Map()
  /** How many messages each partition should have, by topic. @type {Map<string, number[]>} */
  const written = new Map()
  const handled = new Set()
  const outcome = {
    steps: 0,
    unowned: /** @type {string[]} */ ([]),
    unread: /** @type {string[]} */ ([]),
    unwritten: /** @type {string[]} */ ([]),
    slowest: 0,
    joins: 0,
    crashes: 0,
    lateJoins: 0
  }
  const members = /** @type {any[]} */ ([])
  let next = 0

  const make = async topic => {
    const count = 1 + below(3)
    await withAdmin(brokers, async admin => {
      await admin.createTopics({
        topics: [{ topic, numPartitions: count, replicationFactor: 1 }],
        waitForLeaders: false,
        timeout: ADMIN_TIMEOUT
      })
    })
    counts.set(topic, count)
    written.set(topic, [])
  }

  const enter = async subscribed => {
    const kafka = new library.Kafka({ brokers, logLevel: library.logLevel.NOTHING })
    const consumer = kafka.consumer({
      groupId,
      metadataMaxAge: 1000,
      allowAutoTopicCreation: false,
      heartbeatInterval: 200,
      maxWaitTimeInMs: 200,
      retry: { initialRetryTime: 50, retries: 10 }
    })
    consumer.on(consumer.events.GROUP_JOIN, () => outcome.joins++)
    consumer.on(consumer.events.CRASH, () => outcome.crashes++)
    await consumer.subscribe({ topics: subscribed, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message }) => void handled.add(String(message.value))
    })
    members.push(consumer)
  }

  /** Steps, each with the partitions (by topic) that it made. */
  const STEPS = {
    grow: async topic => {
      const before = counts.get(topic)
      if (before >= MOST_PARTITIONS) return STEPS.remake(topic)
      const count = before + 1 + below(2)
      await withAdmin(brokers, admin =>
        admin.createPartitions({ topicPartitions: [{ topic, count }], timeout: ADMIN_TIMEOUT })
      )
      counts.set(topic, count)
    },
    remake: async topic => {
      await withAdmin(brokers, admin =>
        admin.deleteTopics({ topics: [topic], timeout: ADMIN_TIMEOUT })
      )
      await pause(below(3000))
      await waitFor(
        () =>
          make(topic).then(
            () => true,
            () => false
          ),
        { timeout: PATIENCE }
      )
    },
    change: async () => {
      if (members.length > 2) await members.splice(below(members.length - 1) + 1, 1)[0].disconnect()
      else await enter(mixed && below(2) === 0 ? [topics[1]] : topics)
    }
  }

  await Promise.all(topics.map(make))
  // The leader of a mixed group does not subscribe to all topics.
  await enter(mixed ? [topics[0]] : topics)
  await enter(topics)
  while (performance.now() < until) {
    const topic = topics[below(2)]
    const dice = below(10)
    const kind = dice < 7 ? 'grow' : dice < 9 ? 'remake' : 'change'
    await STEPS[kind](topic)
    const began = performance.now()
    const messages = Array.from({ length: counts.get(topic) }, (_, partition) => ({
      partition,
      value: `${topic.slice(0, 8)}-${partition} #${next++}`
    }))
    await waitFor(
      () =>
        produce(topic, messages, { brokers }).then(
          () => true,
          () => false
        ),
      {
        timeout: PATIENCE
      }
    )
    const lengths = written.get(topic) ?? []
    for (const { partition } of messages) lengths[partition] = (lengths[partition] ?? 0) + 1
    const missing = () => messages.filter(({ value }) => !handled.has(value))
    await waitFor(() => missing().length === 0, { timeout: PATIENCE }).catch(() => {})
    if (missing().length > 0) {
      const owned = await ownedBy(library, brokers, groupId)
      const ends = await logEnd(topic, brokers)
      const fate = partition => {
        if (Number(ends[partition]) < lengths[partition]) {
          lengths[partition]--
          return outcome.unwritten
        }
        return owned.has(`${topic} ${partition}`) ? outcome.unread : outcome.unowned
      }
      for (const { partition, value } of missing()) fate(partition).push(`${kind}: ${value}`)
    }
    outcome.slowest = Math.max(outcome.slowest, Math.round(performance.now() - began))
    outcome.steps++
    log(
      `${outcome.steps} ${kind} ${counts.get(topic)} partitions, ${Math.round(performance.now() - began)} ms`
    )
    await pause(below(300))
  }
  // Nothing changes any more: nobody should join any more.
  await pause(3000)
  const joined = outcome.joins
  await pause(5000)
  outcome.lateJoins = outcome.joins - joined
  await Promise.all(members.map(consumer => consumer.disconnect()))
  return outcome
}

/** What has an owner, as the coordinator sees it: `topic partition`. */
const ownedBy = async (library, brokers, groupId) => {
  const { MemberAssignment } = library.AssignerProtocol
  const { groups } = await withAdmin(brokers, admin => admin.describeGroups([groupId]))
  const shares = groups[0].members.flatMap(({ memberAssignment }) =>
    Object.entries(MemberAssignment.decode(memberAssignment)?.assignment ?? {})
  )
  return new Set(shares.flatMap(([topic, list]) => list.map(partition => `${topic} ${partition}`)))
}

const USAGE = 'node __test__/chaos/topics.js [--minutes 2] [--seed 1] [--client kafkars|kafkajs]'

const main = async () => {
  const { minutes, seed, client } = optionsOf(USAGE, {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    client: { type: 'string', default: 'kafkars' }
  })
  const library = client === 'kafkars' ? require('../..') : require(client)
  const cluster = await startCluster({ brokers: 3 })
  const { slowest, unowned, unread, unwritten, ...outcome } = await growAndRemake({
    library,
    brokers: cluster.brokers,
    until: performance.now() + Number(minutes) * 60_000,
    seed: Number(seed),
    // kafkajs knows the topics of its leader only.
    mixed: client === 'kafkars',
    log: line => console.log(line)
  })
  await cluster.stop()
  const figures = { unowned: unowned.length, unread: unread.length, unwritten: unwritten.length }
  console.log(client, { ...outcome, ...figures, slowest })
  for (const line of [...unowned, ...unread, ...unwritten]) console.log('  ', line)
  process.exitCode = unowned.length + unread.length > 0 ? 1 : 0
}

module.exports = { growAndRemake }

if (require.main === module) {
  main().catch(error => {
    console.error(error)
    process.exit(1)
  })
}
