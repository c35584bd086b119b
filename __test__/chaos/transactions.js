// @ts-check
'use strict'

/**
 * Consume, transform, produce while everything around it breaks: the output has to be the input, partition by partition, message by
 * message. Kafka's own consumer reads both, committed messages only.
 *
 *   streams ──► input ──► members (consumer, transactional producers) ──► output
 */

const fs = require('node:fs')

const { coordinatorOf, createTopic, produce, uniqueName, waitFor } = require('../kafka/helpers')
const { runJavaTool } = require('../kafka/javaTool')
const { readTopic } = require('../kafka/reader')
const { sendMarkers, uncommitted } = require('./chaos')
const { CODES, PRODUCE_CODES, TRANSACTION_CODES, TRANSFORMERS, lanesOf } = require('./faults')
const { Ledger, told } = require('./ledger')
const { Members } = require('./members')
const { random } = require('./random')
const { startStreams } = require('./streams')
const { growTo, leaderOf, storm } = require('./storm')

const PARTITIONS = 6
/** See `transformer.js`. */
const MODES = ['batch', 'partition']

/**
 * @typedef {object} Report
 * @property {number} read           messages of the input
 * @property {number} aborted        messages of the input that nobody was to read
 * @property {string[]} lost         acknowledged, and not in the input: the fault of who has written it, or of a broker
 * @property {string[]} differences  between output and input
 * @property {string[]} hanging      what holds readers up in the end
 * @property {string[]} stuck        partitions whose end was not committed
 * @property {number} settled        ms from the last write until everything was committed
 * @property {string[]} faults       in their order
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
 * @param {string[]} [options.modes]                    of members; default: all
 * @param {import('./members').Protocol} [options.protocol]  of the group; default: eager
 * @param {(line: string) => void} [options.log]
 * @returns {Promise<Report>}
 */
const runTransactions = async ({
  cluster,
  seed,
  milliseconds,
  directory,
  faults,
  modes = MODES,
  protocol = 'eager',
  log = () => {}
}) => {
  const { brokers } = cluster
  const rng = random(seed)
  const topics = ['input', 'output'].map(name => uniqueName(name))
  for (const topic of topics) {
    const config = { 'min.insync.replicas': '2' }
    await createTopic({ topic, partitions: PARTITIONS, replicationFactor: 3, config, brokers })
  }
  const [input, output] = topics
  const groupId = uniqueName('group')
  fs.mkdirSync(directory, { recursive: true })
  const ledger = new Ledger()
  const written = { acknowledged: new Set(), aborted: new Set() }
  let partitions = PARTITIONS
  const members = new Members({
    program: 'transformer.js',
    directory,
    ledger,
    rng,
    // Whoever takes the place of another one takes its transactional id, too.
    nameOf: (_, taken) => {
      const names = Array.from({ length: 10 }, (_unused, n) => `${modes[n % modes.length]}-${n}`)
      return names.find(name => !taken.includes(name)) ?? `${modes[0]}-more`
    },
    settings: name => ({
      brokers: cluster.listeners.proxied,
      input,
      output,
      groupId,
      mode: name.split('-', 1)[0],
      group: protocol,
      transactionalId: `${groupId}-${name}`
    })
  })

  /** @type {import('./faults').World} */
  const world = {
    cluster,
    members,
    rng,
    codes: [...CODES, ...PRODUCE_CODES, ...TRANSACTION_CODES],
    leader: () => leaderOf(cluster, rng.pick(topics), rng),
    coordinator: of =>
      of === 'transactions'
        ? coordinatorOf(`${groupId}-${modes[0]}-0`, brokers, '__transaction_state')
        : coordinatorOf(groupId, brokers),
    grow: async () => {
      // There has to be room for what is read.
      await growTo(cluster, output, partitions + 1)
      await growTo(cluster, input, partitions + 1)
      partitions++
    }
  }

  const streams = await startStreams({
    brokers,
    topic: input,
    written,
    partitions: () => partitions,
    rng
  })
  try {
    for (let i = 0; i < 4; i++) members.join()
    const lanes = lanesOf(TRANSFORMERS)
    const done = await storm({ lanes, world, seed, milliseconds, faults, log })
    await Promise.all(streams.map(stream => stream.stop()))
    const ended = Date.now()
    await sendMarkers(cluster, input, partitions, written)
    const stuck = await uncommitted(cluster, groupId, input)
    const settled = Date.now() - ended
    await members.stop()
    for (const stream of streams) if (stream.trouble()) log(`  a stream had ${stream.trouble()}`)

    const hanging = await openTransactions(brokers, groupId)
    const [before, after] = await Promise.all(
      topics.map(async topic => {
        const last = uniqueName('last')
        const ends = Array.from({ length: partitions }, (_, partition) => ({
          value: last,
          partition
        }))
        await produce(topic, ends, { brokers })
        return readTopic(topic, { brokers, partitions, last })
      })
    )
    const unread = after.unread.map(partition => `output ${partition} cannot be read to its end`)
    const ids = new Set([...before.partitions.values()].flat().map(idOf))
    return {
      read: ids.size,
      aborted: written.aborted.size,
      lost: [...written.acknowledged].filter(id => !ids.has(id)),
      differences: differences(before, after),
      hanging: [...hanging, ...unread],
      stuck,
      settled,
      faults: done,
      ends: members.ends,
      audit: ledger.close({ acknowledged: new Set(), aborted: new Set() })
    }
  } finally {
    await Promise.all([...streams.map(stream => stream.stop()), members.stop()])
  }
}

/** @param {import('../kafka/reader').Entry} entry */
const idOf = ({ value }) => value.split(' ', 1)[0]

/**
 * Where the output is not the input: each partition has the same messages, in the same order. Who has written the input may have
 * written something twice, at two places: then it belongs there twice.
 *
 * @param {import('../kafka/reader').Log} input
 * @param {import('../kafka/reader').Log} output
 */
const differences = (input, output) => {
  const found = /** @type {string[]} */ ([])
  for (const [partition, entries] of input.partitions) {
    /** The places of each that were not come to yet. @type {Map<string, number[]>} */
    const places = new Map()
    entries.forEach((entry, n) => {
      const id = idOf(entry)
      places.set(id, [...(places.get(id) ?? []), n])
    })
    let before = -1
    for (const entry of output.partitions.get(partition) ?? []) {
      const id = idOf(entry)
      const left = places.get(id)
      const n = left?.shift()
      if (left === undefined) found.push(`${partition}: ${id} is not of the input`)
      else if (n === undefined) found.push(`${partition}: ${id} is there too often`)
      else if (n < before) found.push(`${partition}: ${id} comes too late`)
      before = Math.max(before, n ?? -1)
    }
    for (const [id, left] of places) {
      for (const _ of left) found.push(`${partition}: ${id} is missing`)
    }
  }
  return found
}

/**
 * The transactions of these programs that are still open, by Kafka's own tool, when the time of each is over.
 *
 * @param {string[]} brokers
 * @param {string} prefix of their ids
 */
const openTransactions = async (brokers, prefix) => {
  let open = /** @type {string[]} */ ([])
  const look = async () => {
    const command = ['--bootstrap-server', brokers.join(), 'list']
    const table = await runJavaTool('org.apache.kafka.tools.TransactionsCommand', command)
    open = table
      .split('\n')
      .filter(line => line.startsWith(prefix) && !/CompleteCommit|CompleteAbort|Empty/.test(line))
    return open.length === 0
  }
  await waitFor(look, { timeout: 30_000 }).catch(() => {})
  return open.map(line => line.trim().replace(/\s+/g, ' '))
}

/** What is wrong with a run; nothing, it should be. @param {Report} report @returns {string[]} */
const complaints = ({ audit, lost, differences: different, hanging, stuck }) =>
  told({
    'acknowledged, but not in the input': lost,
    'not exactly once': different,
    'open in the end': hanging,
    'behind in the end': stuck,
    'dead for good': audit.deaths,
    'unhandled rejections': audit.rejections
  })

module.exports = { complaints, differences, runTransactions }
