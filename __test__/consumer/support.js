// @ts-check
'use strict'

/**
 * The client under test, and what specs do with it.
 *
 *   npm run test:consumer                  kafkars, which has to pass them all
 *   CLIENT=kafkajs npm run test:consumer   kafkajs in its place, which has to fail those in `differences.js`, and only those
 *
 * `environment.js` sees to it.
 */

const { setTimeout: pause } = require('node:timers/promises')
const { createTopic, produce, sharedCluster, uniqueName, waitFor } = require('../kafka/helpers')

const { CLIENT = 'kafkars' } = process.env

/** @returns {typeof import('kafkajs')} */
const loadClient = () => (CLIENT === 'kafkars' ? require('../..') : require(CLIENT))

const library = loadClient()
const { MemberAssignment, MemberMetadata } = library.AssignerProtocol

/** Everything that a spec has opened; closed after it. */
const opened = /** @type {{ disconnect: () => Promise<void> }[]} */ ([])

const closeAll = async () => {
  await Promise.all(opened.splice(0).map(close))
}

/** Specs that run already, beside the one that is reported, see `together`. @type {Map<string, Promise<void>>} */
const ahead = new Map()

afterEach(async () => {
  if (ahead.size === 0) await closeAll()
})
afterAll(closeAll)

/**
 * Specs that wait most of their time, beside each other: all of them begin with the first, and what they have opened is
 * closed behind the last. They may share nothing that one of them breaks. One that is tried again runs alone.
 *
 * @param {Record<string, () => Promise<void>>} specs by name
 * @param {number} [timeout] of each, ms
 */
const together = (specs, timeout) => {
  let begun = false
  for (const [name, spec] of Object.entries(specs)) {
    it(
      name,
      async () => {
        if (!begun) for (const [other, run] of Object.entries(specs)) begin(other, run)
        begun = true
        const running = ahead.get(name) ?? spec()
        ahead.delete(name)
        await running
      },
      timeout
    )
  }
}

/** @param {string} name @param {() => Promise<void>} spec */
const begin = (name, spec) => {
  const running = spec()
  running.catch(() => {}) // told when its turn comes
  ahead.set(name, running)
}

/** @param {{ disconnect: () => Promise<void> }} consumer */
const close = consumer =>
  CLIENT === 'kafkajs'
    ? // It may never end: then it is left behind, and goes with its process.
      Promise.race([consumer.disconnect(), pause(2000)])
    : consumer.disconnect()

/**
 * Of this process, see `environment.js`.
 *
 * @type {(options: import('../kafka').ClusterOptions) => Promise<import('../kafka').Cluster>}
 */
const lendCluster = /** @type {any} */ (globalThis).lendCluster

/** Brokers that go by ACLs. Who comes without SASL may do all: the brokers themselves, and the observer. */
const WITH_ACLS = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS'
}

/**
 * A cluster for this file alone, which others may have used before; its proxies are healed after every spec.
 *
 * @param {import('../kafka').ClusterOptions} options
 * @param {(cluster: import('../kafka').Cluster) => any} use is given it before the first spec
 */
const useCluster = (options, use) => {
  let cluster = /** @type {import('../kafka').Cluster | undefined} */ (undefined)
  beforeAll(async () => {
    cluster = await lendCluster(options)
    await use(cluster)
  })
  afterEach(async () => {
    for (const proxy of cluster?.proxies ?? []) await proxy.heal()
  })
  afterAll(() => cluster?.stop())
}

/** @param {Partial<import('kafkajs').KafkaConfig>} [options] */
const createKafka = options =>
  new library.Kafka({
    brokers: sharedCluster().brokers,
    logLevel: library.logLevel.NOTHING,
    // A second, the default, is little for a handshake on a busy machine.
    connectionTimeout: 20_000,
    ...options
  })

/** Whether the brokers let a client with these options in. @param {Parameters<typeof createKafka>[0]} options */
const isLetIn = async options => {
  const admin = createKafka(options).admin()
  try {
    await admin.connect()
    return true
  } catch {
    return false
  } finally {
    await admin.disconnect()
  }
}

/**
 * Quick to notice the others of its group. It disconnects after the spec.
 * @param {Partial<import('kafkajs').ConsumerConfig> & {
 *   kafka?: import('kafkajs').Kafka, groupInstanceId?: string, maxPollInterval?: number, autoOffsetReset?: any, stalledAfter?: number, lagInterval?: number,
 *   onPartitionsAssigned?: import('../..').RebalanceHook, onPartitionsRevoked?: import('../..').RebalanceHook,
 *   onPartitionsLost?: import('../..').RebalanceHook
 * }} [options]
 */
const createConsumer = ({ kafka, ...options } = {}) => {
  const from = kafka ?? createKafka()
  const consumer = from.consumer({
    groupId: uniqueName('group'),
    heartbeatInterval: 100,
    // How long a handler that never ends can keep a spec, and a busy machine a member.
    rebalanceTimeout: 30_000,
    // Recovers soon: 10, 20, 40 ms …
    retry: { initialRetryTime: 10, retries: 5 },
    // kafkajs does nothing else during a long poll, disconnect() included: specs would take seconds each.
    ...(CLIENT === 'kafkajs' && { maxWaitTimeInMs: 200 }),
    ...options
  })
  opened.push(consumer)
  return consumer
}

/**
 * @typedef {object} Handled what a handler has finished
 * @property {string} topic
 * @property {number} partition
 * @property {number} offset
 * @property {string | null} value
 */

/** @returns {Handled} */
const flat = ({ topic, partition, message: { offset, value } }) => ({
  topic,
  partition,
  offset: Number(offset),
  value: value && String(value)
})

/**
 * A consumer that runs; what it has handled is in `messages`.
 * @param {{
 *   topics: (string | RegExp)[],
 *   fromBeginning?: boolean,
 *   handle?: (payload: import('kafkajs').EachMessagePayload, consumer: import('kafkajs').Consumer) => any,
 *   run?: import('kafkajs').ConsumerRunConfig,
 *   groupId?: string
 * } & Parameters<typeof createConsumer>[0]} options
 */
const startConsumer = async ({
  topics,
  fromBeginning = true,
  handle,
  run,
  groupId = uniqueName('group'),
  ...options
}) => {
  const consumer = createConsumer({ groupId, ...options })
  const seen = watch(consumer)
  const messages = /** @type {Handled[]} */ ([])
  await consumer.subscribe({ topics, fromBeginning })
  await consumer.run({
    eachMessage: async payload => {
      await handle?.(payload, consumer)
      messages.push(flat(payload))
    },
    ...run
  })
  return { consumer, groupId, messages, seen }
}

/**
 * Writes offsets into a group that has no members.
 * @param {string} groupId
 * @param {string} topic
 * @param {Record<number, number>} offsets by partition
 */
const commitFor = async (groupId, topic, offsets) => {
  const consumer = createConsumer({ groupId, maxWaitTimeInMs: 100 })
  await consumer.subscribe({ topics: [topic] })
  await consumer.run({ autoCommit: false, eachMessage: async () => {} })
  await consumer.commitOffsets(
    Object.entries(offsets).map(([partition, offset]) => ({
      topic,
      partition: Number(partition),
      offset: String(offset)
    }))
  )
  await consumer.disconnect()
}

/**
 * Remembers every event of a consumer, in order.
 * @param {import('kafkajs').Consumer} consumer
 */
const watch = consumer => {
  const all = /** @type {any[]} */ ([])
  for (const name of Object.values(consumer.events)) consumer.on(name, event => all.push(event))
  return {
    all,
    /** @param {keyof import('kafkajs').ConsumerEvents} key @returns {any[]} payloads */
    of: key =>
      all.filter(({ type }) => type === consumer.events[key]).map(({ payload }) => payload),
    /** The order of these events. @param {(keyof import('kafkajs').ConsumerEvents)[]} keys */
    order: (...keys) =>
      all
        .map(({ type }) => keys.find(key => consumer.events[key] === type))
        .filter(key => key !== undefined)
  }
}

/** Resolves when the consumer waits for messages: its long poll is on the way. */
const polling = ({ seen }) =>
  waitFor(() => seen.of('FETCH_START').length > seen.of('FETCH').length).then(() => pause(100))

/**
 * Messages with their number as value, spread over the partitions in turn.
 * @param {number} count
 * @param {{ partitions?: number, first?: number }} [options]
 */
const numbered = (count, { partitions = 1, first = 0 } = {}) =>
  Array.from({ length: count }, (_, i) => ({
    value: String(first + i),
    partition: i % partitions
  }))

/**
 * A topic with so many of them.
 * @param {number} count
 * @param {{ partitions?: number }} [options]
 */
const filled = async (count, options = {}) => {
  const topic = await createTopic(options)
  await produce(topic, numbered(count, options))
  return topic
}

/** Values as numbers, in the order of handling. @param {Handled[]} messages */
const numbers = messages => messages.map(({ value }) => Number(value))

/** @param {number} count */
const upTo = count => Array.from({ length: count }, (_, i) => i)

const ascending = (/** @type {number} */ a, /** @type {number} */ b) => a - b

/** Each once, in any order. @param {Handled[]} messages */
const distinct = messages => [...new Set(numbers(messages))].sort(ascending)

/**
 * Offsets by partition, in the order of handling.
 * @param {Handled[]} messages
 * @returns {Record<number, number[]>}
 */
const byPartition = messages => {
  const offsets = {}
  for (const { partition, offset } of messages) (offsets[partition] ??= []).push(offset)
  return offsets
}

/** A promise and its resolve. */
const defer = () => {
  let resolve = /** @type {(value?: any) => void} */ (() => {})
  const promise = new Promise(done => {
    resolve = done
  })
  return { promise, resolve }
}

/** What a promise rejects with. @param {Promise<any>} promise @returns {Promise<any>} */
const rejection = promise =>
  promise.then(
    value => {
      throw new Error(`resolved with ${JSON.stringify(value)}`)
    },
    error => error
  )

/** How long this takes, ms. @param {() => any} action */
const timed = async action => {
  const start = performance.now()
  await action()
  return performance.now() - start
}

/** Keeps the event loop, and leaves the processor to others. @param {number} ms */
const block = ms => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

/** A long poll that nobody can have waited for when something has come soon, ms. */
const LONG_POLL = 24_000

/**
 * What specs call soon, ms: a third of what it takes to wait for the wrong thing (a long poll, a rebalance, a session), and
 * many times what a busy machine needs for the right one.
 */
const SOON = LONG_POLL / 3

/**
 * An assigner that gives this to every member, whatever there is.
 * @param {Record<string, number[]>} assignment partitions by topic
 * @returns {import('kafkajs').PartitionAssigner}
 */
const assigning = assignment => () => ({
  name: 'Odd',
  version: 0,
  protocol: ({ topics }) => ({
    name: 'Odd',
    metadata: MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) })
  }),
  assign: async ({ members }) => {
    const encoded = { version: 0, assignment, userData: Buffer.alloc(0) }
    const memberAssignment = MemberAssignment.encode(encoded)
    return members.map(({ memberId }) => ({ memberId, memberAssignment }))
  }
})

module.exports = {
  ...library,
  CLIENT,
  LONG_POLL,
  SOON,
  WITH_ACLS,
  assigning,
  block,
  byPartition,
  commitFor,
  createConsumer,
  createKafka,
  defer,
  distinct,
  filled,
  flat,
  isLetIn,
  lendCluster,
  loadClient,
  numbered,
  numbers,
  pause,
  polling,
  rejection,
  startConsumer,
  timed,
  together,
  upTo,
  useCluster,
  waitFor,
  watch
}
