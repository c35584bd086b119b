'use strict'

/** The two modes beside throughput: `--calls` and `--latency`. Ratios are printed, per round and their median. */

const { spawn } = require('node:child_process')
const path = require('node:path')

const calls = require('./calls')
const { median } = require('./report')
const { WORKLOADS, topicOf } = require('./workloads')

const LATENCY_CLIENTS = ['kafkars', 'kafkajs', 'platformatic']
/** Messages a second. */
const RATE = 500
const WARM_UP = 2 * RATE
const OURS = 'kafkars'

/** @typedef {import('./options').Options} Options */
/** @typedef {(line: string) => void} Say */

/**
 * @param {string[]} brokers
 * @param {Options} options
 * @param {Say} say
 */
const measureCalls = async (brokers, options, say) => {
  const { fill } = require('./data')
  const clients = calls.CLIENTS.filter(
    name => options.clients === null || options.clients.includes(name)
  )
  const sections = []
  /** @type {Record<string, Record<string, number[]>>} */
  const rates = {}
  for (const row of options.rows) {
    const { title, plain, workload = { ...WORKLOADS.small, codec: 'none' } } = calls.ROWS[row]
    await fill(brokers, workload)
    const { messages } = workload
    const topic = topicOf(workload)
    rates[row] = Object.fromEntries(clients.map(client => [client, []]))
    // A broker that has not done this often enough yet takes twice the time: whoever came first would pay for that.
    const warmUp = { client: clients[0], row, brokers, topic, messages, seconds: 2 }
    await run('one-calls.js', { ...warmUp, groupId: `bench-warm-${row}-${Date.now()}` }, options)
    for (let round = 0; round < options.rounds; round++) {
      for (const client of rotated(clients, round)) {
        const groupId = `bench-calls-${client}-${row}-${process.pid}-${Date.now()}`
        const { seconds } = options
        const job = { client, row, brokers, topic, groupId, messages, seconds }
        const figures = await run('one-calls.js', job, options)
        sections.push({ row, client, round, figures })
        rates[row][client].push(figures.messagesPerSecond)
        const again = figures.repeated > 0 ? `  ${figures.repeated} came again` : ''
        say(
          `  ${title.padEnd(42)} ${client.padEnd(8)} ${thousands(figures.messagesPerSecond)} k/s ` +
            `${figures.cpuMicros.toFixed(1).padStart(8)} µs CPU/msg${again}`
        )
      }
    }
    const ours = rates[row][OURS]
    const theirs = rates[row].kafkajs
    if (ours && theirs) say(`${title.padEnd(44)} kafkars / kafkajs  ${ratio(ours, theirs)} ×`)
    if (plain && ours && rates[plain]) {
      say(`${title.padEnd(44)} kafkars / plain    ${ratio(ours, rates[plain][OURS])} ×`)
    }
  }
  return sections
}

/**
 * @param {string[]} brokers
 * @param {Options} options
 * @param {Say} say
 */
const measureLatency = async (brokers, options, say) => {
  const topic = `bench-latency-${process.pid}-${Date.now()}`
  await createTopic(brokers, topic)
  const clients = LATENCY_CLIENTS.filter(
    name => options.clients === null || options.clients.includes(name)
  )
  const messages = RATE * options.seconds + WARM_UP
  // For the broker, as above.
  await measureOne(clients[0], brokers, topic, 2 * WARM_UP, options)
  const sections = []
  /** @type {Record<string, import('./one-latency').Figures[]>} */
  const all = Object.fromEntries(clients.map(client => [client, []]))
  for (let round = 0; round < options.rounds; round++) {
    for (const client of rotated(clients, round)) {
      const figures = await measureOne(client, brokers, topic, messages, options)
      all[client].push(figures)
      sections.push({ client, round, figures })
      const { p50, p99, cpuMicros } = figures
      say(
        `  ${client.padEnd(12)} p50 ${p50.toFixed(3)} ms  p99 ${p99.toFixed(3)} ms  ` +
          `${cpuMicros.toFixed(0).padStart(4)} µs CPU/msg`
      )
    }
  }
  for (const peer of clients.filter(client => client !== OURS && all[OURS])) {
    for (const figure of /** @type {const} */ (['p50', 'p99'])) {
      const of = (/** @type {string} */ client) => all[client].map(figures => figures[figure])
      say(`${figure}  kafkars / ${peer.padEnd(12)}  ${ratio(of(OURS), of(peer))} ×`)
    }
  }
  return sections
}

/**
 * @param {string} client
 * @param {string[]} brokers
 * @param {string} topic
 * @param {number} messages
 * @param {Options} options
 * @returns {Promise<import('./one-latency').Figures>}
 */
const measureOne = (client, brokers, topic, messages, options) => {
  const groupId = `bench-latency-${client}-${process.pid}-${Date.now()}`
  const job = { client, brokers, topic, groupId, messages, warmUp: WARM_UP }
  const produce = () => run('latency-producer.js', { brokers, topic, messages, rate: RATE })
  return run('one-latency.js', job, options, produce)
}

/** @param {string[]} brokers @param {string} topic */
const createTopic = async (brokers, topic) => {
  const { Kafka, logLevel } = require('kafkajs')
  const admin = new Kafka({ clientId: 'bench-data', brokers, logLevel: logLevel.ERROR }).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 4 }], waitForLeaders: true })
  await admin.disconnect()
}

/**
 * @param {string} file
 * @param {object} job
 * @param {{ nodeArgs: string[], wrap: string[] }} how
 * @param {() => Promise<any>} [whenReady]
 * @returns {Promise<any>} the last line of its stdout
 */
const run = (file, job, { nodeArgs, wrap } = { nodeArgs: [], wrap: [] }, whenReady) =>
  new Promise((resolve, reject) => {
    const node = [process.execPath, ...nodeArgs, path.join(__dirname, file), JSON.stringify(job)]
    const [command, ...args] = [...wrap, ...node]
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), 120_000)
    let output = ''
    child.stdout.setEncoding('utf8').on('data', chunk => {
      output += chunk
      if (!whenReady || !output.includes('ready\n')) return
      whenReady().catch(reject)
      whenReady = undefined
    })
    child.on('error', reject)
    child.on('close', code => {
      clearTimeout(timer)
      if (code !== 0) return reject(new Error(`${file} ended with ${code}\n${output}`))
      resolve(output === '' ? undefined : JSON.parse(output.trimEnd().split('\n').pop() ?? ''))
    })
  })

/** @param {string[]} clients @param {number} round */
const rotated = (clients, round) => {
  const turn = round % clients.length
  return [...clients.slice(turn), ...clients.slice(0, turn)]
}

/** The median of the rounds' own ratios, and all of them. @param {number[]} ours @param {number[]} theirs */
const ratio = (ours, theirs) => {
  const ratios = ours.map((value, round) => value / theirs[round])
  const each = ratios.length > 1 ? ` (${ratios.map(r => r.toFixed(2)).join(', ')})` : ''
  return `${median(ratios).toFixed(2)}${each}`
}

/** @param {number} rate */
const thousands = rate => (rate / 1000).toFixed(2).padStart(8)

module.exports = { measureCalls, measureLatency }
