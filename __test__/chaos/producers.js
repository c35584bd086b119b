// @ts-check
'use strict'

/**
 * A hundred producers write while everything around them breaks. What they were told is held against what Kafka's own consumer reads.
 *
 *   producers ──► proxies ──► three brokers ──► Kafka's own consumer ──► audit
 *       └──► ledgers ───────────────────────────────────────────────────┘
 */

const fs = require('node:fs')
const { setTimeout: pause } = require('node:timers/promises')

const { createTopic, produce, uniqueName, waitFor, withAdmin } = require('../kafka/helpers')
const { readTopic } = require('../kafka/reader')
const { PRODUCE_CODES, WRITERS, lanesOf } = require('./faults')
const { Ledger, told } = require('./ledger')
const { Members } = require('./members')
const { random } = require('./random')
const { growTo, leaderOf, storm } = require('./storm')
const { audit } = require('./written')

const PARTITIONS = 12
/** At a time. */
const PROCESSES = 4
const PRODUCERS = 25
const CLIENT = 'writer'

/**
 * @typedef {object} Report
 * @property {import('./written').Written} written
 * @property {number[]} unread      partitions that could not be read to their end
 * @property {string[]} faults      in their order
 * @property {Members['ends']} ends
 * @property {import('./ledger').Audit} audit
 */

/**
 * @param {object} options
 * @param {import('../kafka').Cluster} options.cluster  three brokers, with proxies
 * @param {number} options.seed
 * @param {number} options.milliseconds                 how long things break
 * @param {string} options.directory                    for the ledgers
 * @param {string[]} [options.faults]                   names of the only ones; default: all
 * @param {(line: string) => void} [options.log]
 * @returns {Promise<Report>}
 */
const runProducers = async ({ cluster, seed, milliseconds, directory, faults, log = () => {} }) => {
  const { brokers } = cluster
  const rng = random(seed)
  const topic = await createTopic({
    topic: uniqueName('written'),
    partitions: PARTITIONS,
    replicationFactor: 3,
    // Whether something is written behind its refusal, the time tells.
    config: { 'min.insync.replicas': '2', 'message.timestamp.type': 'LogAppendTime' },
    brokers
  })
  fs.mkdirSync(directory, { recursive: true })
  const ledger = new Ledger()
  const files = /** @type {string[]} */ ([])
  let partitions = PARTITIONS
  const members = new Members({
    program: 'writer.js',
    directory,
    ledger,
    rng,
    nameOf: count => `w${count}`,
    settings: (_, file) => {
      files.push(file)
      return {
        brokers: cluster.listeners.proxied,
        topic,
        partitions: PARTITIONS,
        producers: PRODUCERS
      }
    }
  })

  /** @type {import('./faults').World} */
  const world = {
    cluster,
    members,
    rng,
    codes: PRODUCE_CODES,
    leader: () => leaderOf(cluster, topic, rng),
    coordinator: () => leaderOf(cluster, topic, rng),
    grow: async () => {
      await growTo(cluster, topic, partitions + 1)
      partitions++
    },
    moveLeader: partition => moveLeader(brokers, topic, partition),
    quota: rate => setQuota(brokers, rate)
  }

  try {
    for (let i = 0; i < PROCESSES; i++) members.join()
    const lanes = lanesOf(WRITERS)
    const done = await storm({ lanes, world, seed, milliseconds, faults, log })
    await setQuota(brokers, null)
    // Some go on when all is well, as they were before.
    await pause(2000)
    await members.stop()
    const last = uniqueName('last')
    const ends = Array.from({ length: partitions }, (_, partition) => ({ value: last, partition }))
    await produce(topic, ends, { brokers })
    const entries = await readTopic(topic, { brokers, partitions, last })
    return {
      written: audit(files, entries.partitions),
      unread: entries.unread,
      faults: done,
      ends: members.ends,
      audit: ledger.close({ acknowledged: new Set(), aborted: new Set() })
    }
  } finally {
    await members.stop()
  }
}

/** Its leader leaves it, and comes back as a follower. @param {string[]} brokers @param {string} topic @param {number} partition */
const moveLeader = (brokers, topic, partition) =>
  withAdmin(brokers, async admin => {
    const state = async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      const found = topics[0].partitions.find(({ partitionId }) => partitionId === partition)
      if (!found) throw new Error(`There is no partition ${partition}`)
      return found
    }
    const assign = (/** @type {number[]} */ replicas) =>
      admin.alterPartitionReassignments({
        topics: [{ topic, partitionAssignment: [{ partition, replicas }] }]
      })
    const { leader, replicas } = await state()
    const others = replicas.filter(id => id !== leader)
    await assign(others)
    await waitFor(async () => (await state()).leader !== leader, { timeout: 10_000 })
    await assign([...others, leader])
  })

/** @param {string[]} brokers @param {number | null} rate bytes in a second */
const setQuota = async (brokers, rate) => {
  const { Kafka, logLevel } = require('../..')
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const values = { producer_byte_rate: rate }
    await admin.alterClientQuotas({ quotas: [{ entity: { clientId: CLIENT }, values }] })
  } finally {
    await admin.disconnect()
  }
}

/** What is wrong with a run; nothing, it should be. @param {Report} report @returns {string[]} */
const complaints = ({ audit: { deaths, rejections }, written, unread }) =>
  told({
    'acknowledged, and not in the log': written.lost,
    'refused without a doubt, and in the log': written.denied,
    'numbered, and there twice': written.twice,
    'numbered, and out of order': written.disorder,
    'nobody sent it': written.strange,
    'never told': written.untold,
    'cannot be read to its end': unread.map(String),
    'dead for good': deaths,
    'unhandled rejections': rejections
  })

module.exports = { complaints, runProducers }
