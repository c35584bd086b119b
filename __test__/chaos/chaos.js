// @ts-check
'use strict'

/**
 * A group reads a topic while everything around it breaks, and has to account for every message.
 *
 *   streams ──► three brokers ──► proxies ──► members ──► ledgers ──► audit
 *                    ▲               ▲           ▲
 *                    └──── faults, side by side, as the seed has it
 */

const fs = require('node:fs')
const { setTimeout: pause } = require('node:timers/promises')

const {
  committed,
  coordinatorOf,
  createTopic,
  logEnd,
  produce,
  uniqueName,
  waitFor
} = require('../kafka/helpers')
const { CODES, CONSUMERS, lanesOf } = require('./faults')
const { Ledger, told } = require('./ledger')
const { MODES, Members, PROTOCOLS } = require('./members')
const { random } = require('./random')
const { growTo, leaderOf, storm } = require('./storm')
const { startStreams } = require('./streams')

const PARTITIONS = 12

/**
 * @typedef {object} Report
 * @property {number} acknowledged
 * @property {number} aborted
 * @property {string[]} missing   acknowledged, and not in the log: the fault of a producer or a broker
 * @property {number} settled     ms from the last write until everything was read
 * @property {string[]} faults    in their order
 * @property {string[]} stuck     partitions that were not read, or not committed, in the end
 * @property {import('./ledger').Audit} audit
 */

/**
 * @param {object} options
 * @param {import('../kafka').Cluster} options.cluster  three brokers, with proxies
 * @param {number} options.seed
 * @param {number} options.milliseconds                 how long things break
 * @param {string} options.directory                    for the ledgers
 * @param {string[]} [options.faults]                   names of the only ones; default: all
 * @param {string[]} [options.modes]                    of members; default: all
 * @param {import('./members').Protocol} [options.protocol]  of the group; default: eager
 * @param {(line: string) => void} [options.log]
 * @returns {Promise<Report>}
 */
const runChaos = async ({
  cluster,
  seed,
  milliseconds,
  directory,
  faults,
  modes = MODES,
  protocol = 'eager',
  log = () => {}
}) => {
  const rng = random(seed)
  const topic = await createTopic({
    topic: uniqueName('chaos'),
    partitions: PARTITIONS,
    replicationFactor: 3,
    config: { 'min.insync.replicas': '2' },
    brokers: cluster.brokers
  })
  const groupId = uniqueName('group')
  fs.mkdirSync(directory, { recursive: true })
  const ledger = new Ledger()
  const written = { acknowledged: new Set(), aborted: new Set() }
  let partitions = PARTITIONS
  const members = new Members({
    program: 'member.js',
    directory,
    ledger,
    rng,
    nameOf: count => modes[count % modes.length],
    settings: mode => ({ brokers: cluster.listeners.proxied, topic, groupId, mode, protocol })
  })

  /** @type {import('./faults').World} */
  const world = {
    cluster,
    members,
    rng,
    codes: CODES,
    leader: () => leaderOf(cluster, topic, rng),
    coordinator: () => coordinatorOf(groupId, cluster.brokers),
    grow: async () => {
      await growTo(cluster, topic, partitions + 1)
      partitions++
    }
  }

  const streams = await startStreams({
    brokers: cluster.brokers,
    topic,
    written,
    partitions: () => partitions,
    rng
  })
  try {
    for (let i = 0; i < 4; i++) members.join()
    await pause(3000)

    const lanes = lanesOf(CONSUMERS)
    const done = await storm({ lanes, world, seed, milliseconds, faults, log })
    await Promise.all(streams.map(stream => stream.stop()))
    const ended = Date.now()
    await sendMarkers(cluster, topic, partitions, written)
    const isRead = () => {
      ledger.read()
      return all(partitions).every(partition => ledger.seen.has(`end-${partition}`))
    }
    await waitFor(isRead, { timeout: SETTLE }).catch(() => {})
    const settled = Date.now() - ended
    const stuck = await uncommitted(cluster, groupId, topic)
    await members.stop()
    for (const stream of streams) if (stream.trouble()) log(`  a stream had ${stream.trouble()}`)
    const { acknowledged, aborted } = written
    const audit = ledger.close(written)
    const missing = audit.lost.length > 0 ? await missingIn(cluster, topic, audit.lost) : []
    audit.lost = audit.lost.filter(id => !missing.includes(id))
    return {
      acknowledged: acknowledged.size,
      aborted: aborted.size,
      missing,
      settled,
      faults: done,
      stuck,
      audit
    }
  } finally {
    await Promise.all([...streams.map(stream => stream.stop()), members.stop()])
  }
}

/** The last message of every partition, so that its log ends with something to commit. */
const sendMarkers = async (cluster, topic, partitions, written) => {
  const ids = all(partitions).map(partition => `end-${partition}`)
  const messages = ids.map((id, partition) => ({ value: `${id} `, partition }))
  await produce(topic, messages, { brokers: cluster.brokers })
  for (const id of ids) written.acknowledged.add(id)
}

/** @param {number} count */
const all = count => Array.from({ length: count }, (_, i) => i)

/** Which of these are not in the log, although they were acknowledged. */
const missingIn = async (cluster, topic, ids) => {
  const { Kafka, logLevel } = require('../..')
  const kafka = new Kafka({ brokers: cluster.brokers, logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: uniqueName('auditor') })
  const missing = new Set(ids)
  const open = new Set(Object.keys(await logEnd(topic, cluster.brokers)))
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      const id = String(message.value).split(' ', 1)[0]
      missing.delete(id)
      if (id.startsWith('end-')) open.delete(id.slice(4))
    }
  })
  await waitFor(() => open.size === 0, { timeout: SETTLE })
  await consumer.disconnect()
  return [...missing]
}

/** Partitions whose committed offset is not the end of the log after a while. */
const uncommitted = async (cluster, groupId, topic) => {
  let behind = /** @type {string[]} */ ([])
  await waitFor(
    async () => {
      const end = await logEnd(topic, cluster.brokers)
      const offsets = await committed(groupId, topic, cluster.brokers)
      behind = Object.keys(end)
        .filter(partition => offsets[partition] !== end[partition])
        .map(partition => `${partition}: ${offsets[partition]} of ${end[partition]}`)
      return behind.length === 0
    },
    { timeout: SETTLE }
  ).catch(() => {})
  return behind
}

/** What is wrong with a run; nothing, it should be. @param {Report} report @returns {string[]} */
const complaints = ({ audit, missing, stuck }) =>
  told({
    lost: audit.lost,
    'acknowledged, but not in the log': missing,
    'aborted, but read': audit.leaked,
    'out of order': audit.disorder,
    'two at once': audit.strays,
    'dead for good': audit.deaths,
    'unhandled rejections': audit.rejections,
    'behind in the end': stuck
  })

/** Until everything is read, ms. */
const SETTLE = 180_000

module.exports = { PROTOCOLS, complaints, runChaos, sendMarkers, uncommitted }
