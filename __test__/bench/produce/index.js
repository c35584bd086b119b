'use strict'

/**
 * `npm run bench -- --produce`: every client writes to a real broker, side by side, one process per client and run. What they
 * were told is written is counted in the topic afterwards.
 */

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const { calm } = require('../machine')
const { report } = require('../report')
const { HOME } = require('../../kafka/fetch')
const { PRODUCERS } = require('./clients')
const { SHAPES, rowsOf, titleOf, valuesOf } = require('./workloads')

/** ms after which a run has failed */
const RUN_TIMEOUT = 90_000
/** ms of each run that do not count: connections are opened, the broker and the client get warm. */
const WARM_UP = 1000
const PARTITIONS = 4

/** @typedef {import('./workloads').Row} Row */
/** @typedef {import('../options').Options} Options */
/**
 * @typedef {object} Figures
 * @property {number} count messages acknowledged, in all
 * @property {number} messagesPerSecond
 * @property {number} cpuMicros user and system time per message, all threads of the process
 * @property {number} [p50] ms from a send to its acknowledgement
 * @property {number} [p99]
 * @property {number} [stallMs] longest time in which the event loop did not turn
 * @property {number} rssMb peak resident memory of the process
 */
/**
 * @typedef {object} Job what a measured process is told
 * @property {string} client
 * @property {string[]} brokers
 * @property {string} topic
 * @property {string} shape
 * @property {string} codec
 * @property {number} size bytes of a value
 * @property {string} values file of values, one behind the other
 * @property {number} warmUp ms
 * @property {number} duration ms
 */

/** @type {import('../report').Column<Figures>[]} */
const THROUGHPUT = [
  { name: 'k msg/s', of: f => f.messagesPerSecond / 1000, digits: 1 },
  { name: 'CPU µs/msg', of: f => f.cpuMicros, digits: 2 },
  { name: 'stall ms', of: f => f.stallMs, digits: 0 },
  { name: 'RSS MB', of: f => f.rssMb, digits: 0 }
]
/** @type {import('../report').Column<Figures>[]} */
const LATENCY = [
  { name: 'p50 ms', of: f => f.p50, digits: 3 },
  { name: 'p99 ms', of: f => f.p99, digits: 3 },
  { name: 'CPU µs/msg', of: f => f.cpuMicros, digits: 0 },
  { name: 'RSS MB', of: f => f.rssMb, digits: 0 }
]

/**
 * @param {string[]} brokers
 * @param {Options} options
 * @param {(line: string) => void} say
 */
const measureProduce = async (brokers, options, say) => {
  const { names, missing } = usable(options.clients ?? usual())
  for (const [name, why] of missing) say(`without ${name}: ${why}`)
  const sections = []
  for (const row of rowsOf(options)) {
    const title = titleOf(row)
    say(title)
    const clients = names.filter(name => PRODUCERS[name].can(row))
    const runs = []
    // For the page cache and the broker's compiler.
    await runOnce(brokers, row, clients[0], { ...options, seconds: 1, nodeArgs: [], wrap: [] })
    for (let round = 0; round < options.rounds; round++) {
      const turn = round % clients.length
      for (const client of [...clients.slice(turn), ...clients.slice(0, turn)]) {
        const busy = await calm(options.calm)
        const figures = await runOnce(brokers, row, client, options)
        runs.push({ client, api: row.shape, round, busy, figures })
        const columns = columnsOf(row).map(({ name, of, digits }) => {
          return `${name} ${(of(figures) ?? NaN).toFixed(digits)}`
        })
        say(`  round ${round + 1}  ${client.padEnd(17)}  ${columns.join('  ')}`)
      }
    }
    sections.push({ workload: row.shape, title, codec: row.codec, runs, columns: columnsOf(row) })
  }
  say('')
  for (const section of sections) say(`${report([section], options, section.columns)}\n`)
  return sections
}

/** @param {Row} row */
const columnsOf = ({ shape }) => (SHAPES[shape].isTimed ? LATENCY : THROUGHPUT)

const usual = () => Object.keys(PRODUCERS).filter(name => !PRODUCERS[name].isAsked)

/**
 * Which of these clients can be loaded here. kafkars has to be.
 * @param {string[]} clients
 */
const usable = clients => {
  /** @type {string[]} */
  const names = []
  /** @type {[string, string][]} */
  const missing = []
  for (const name of clients) {
    if (!Object.hasOwn(PRODUCERS, name)) {
      throw new Error(`--client ${name}: choose from ${Object.keys(PRODUCERS).join(', ')}`)
    }
    const why = PRODUCERS[name].missing()
    if (why === null) names.push(name)
    else missing.push([name, why])
  }
  if (names.length === 0) throw new Error(missing.map(entry => entry.join(': ')).join('\n'))
  return { names, missing }
}

/**
 * @param {string[]} brokers
 * @param {Row} row
 * @param {string} client
 * @param {{ seconds: number, nodeArgs: string[], wrap: string[] }} how
 * @returns {Promise<Figures>}
 */
const runOnce = async (brokers, row, client, { seconds, nodeArgs, wrap }) => {
  const { shape, size, codec } = row
  const topic = `bench-produce-${client}-${shape}-${process.pid}-${Date.now()}`
  return withTopic(brokers, topic, async written => {
    const values = path.join(HOME, `bench-values-${size}-${codec}.bin`)
    fs.writeFileSync(values, valuesOf(row))
    /** @type {Job} */
    const job = {
      client,
      brokers,
      topic,
      shape,
      codec,
      size,
      values,
      warmUp: WARM_UP,
      duration: seconds * 1000
    }
    const figures = await execute([...wrap, ...PRODUCERS[client].command(job, nodeArgs)])
    const count = await written()
    // A repetition that is written twice is allowed to who is not idempotent; a loss is not.
    if (count < figures.count) {
      throw new Error(`${client}: ${figures.count} messages acknowledged, ${count} written`)
    }
    return figures
  })
}

/**
 * @template T
 * @param {string[]} brokers
 * @param {string} topic
 * @param {(written: () => Promise<number>) => Promise<T>} use
 */
const withTopic = async (brokers, topic, use) => {
  const { Kafka, logLevel } = require('kafkajs')
  const admin = new Kafka({ clientId: 'bench-data', brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    // What is deleted shall not fill the disk for another minute.
    const configEntries = [{ name: 'file.delete.delay.ms', value: '1000' }]
    const topics = [{ topic, numPartitions: PARTITIONS, configEntries }]
    await admin.createTopics({ topics, waitForLeaders: true })
    return await use(async () => {
      const partitions = await admin.fetchTopicOffsets(topic)
      return partitions.reduce((sum, { high }) => sum + Number(high), 0)
    })
  } finally {
    await admin.deleteTopics({ topics: [topic] })
    await admin.disconnect()
  }
}

/**
 * @param {string[]} command
 * @returns {Promise<Figures>} the last line of its stdout
 */
const execute = ([file, ...args]) =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), RUN_TIMEOUT)
    let output = ''
    child.stdout.setEncoding('utf8').on('data', chunk => (output += chunk))
    child.on('error', reject)
    child.on('close', code => {
      clearTimeout(timer)
      const last = output.trimEnd().split('\n').pop() ?? ''
      if (code === 0) resolve(JSON.parse(last))
      else reject(new Error(`${file} ${args.join(' ')} ended with ${code}\n${output}`))
    })
  })

module.exports = { measureProduce }
