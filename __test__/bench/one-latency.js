'use strict'

/**
 * One client waits for single messages, in a process of its own. `node one-latency.js '<json>'` prints `ready` once it
 * consumes, and its figures as one line of JSON after the last message. A message's value is the monotonic clock's time
 * (which all processes share) when the producer sent it.
 */

/**
 * @typedef {object} Job
 * @property {string} client
 * @property {string[]} brokers
 * @property {string} topic
 * @property {string} groupId
 * @property {number} messages how many will come
 * @property {number} warmUp how many of them do not count
 */

/** @typedef {{ p50: number, p99: number, cpuMicros: number }} Figures ms, ms, µs per message */

/** @type {Record<string, (job: Job, handle: (value: Buffer) => void) => Promise<() => Promise<any>>>} */
const CONSUME = {
  kafkars: (job, handle) => kafkajsApi(require('../..'), job, handle),
  kafkajs: (job, handle) => kafkajsApi(require('kafkajs'), job, handle),
  platformatic: async ({ brokers, topic, groupId }, handle) => {
    /** @type {any} */
    const { Consumer } = require('@platformatic/kafka')
    const consumer = new Consumer({ groupId, clientId: 'bench', bootstrapBrokers: brokers })
    const stream = await consumer.consume({ topics: [topic], mode: 'latest', autocommit: true })
    stream.on('data', (/** @type {any} */ message) => handle(message.value))
    return () => consumer.close(true)
  }
}

/** @param {any} library @param {Job} job @param {(value: Buffer) => void} handle */
const kafkajsApi = async ({ Kafka, logLevel }, { brokers, topic, groupId }, handle) => {
  const kafka = new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.ERROR })
  const consumer = kafka.consumer({ groupId })
  const joined = new Promise(resolve => consumer.on(consumer.events.GROUP_JOIN, resolve))
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: false })
  await consumer.run({
    eachMessage: async (/** @type {any} */ { message }) => handle(message.value)
  })
  await joined
  return () => consumer.disconnect()
}

/** @param {Job} job */
const run = async job => {
  /** @type {number[]} */
  const took = []
  let count = 0
  let cpu = process.cpuUsage()
  /** @type {(value?: any) => void} */
  let end = () => {}
  const done = new Promise(resolve => (end = resolve))
  const disconnect = await CONSUME[job.client](job, value => {
    const now = process.hrtime.bigint()
    if (count++ === job.warmUp) cpu = process.cpuUsage()
    if (count > job.warmUp) took.push(Number(now - BigInt(value.toString())) / 1e6)
    if (count === job.messages) end()
  })
  // The first Fetch is on its way by then.
  setTimeout(() => console.log('ready'), 1500)
  await done
  const { user, system } = process.cpuUsage(cpu)
  took.sort((a, b) => a - b)
  const at = (/** @type {number} */ part) => took[Math.floor(took.length * part)]
  console.log(
    JSON.stringify({ p50: at(0.5), p99: at(0.99), cpuMicros: (user + system) / took.length })
  )
  await Promise.race([disconnect(), new Promise(resolve => setTimeout(resolve, 3000))])
}

run(JSON.parse(process.argv[2])).then(
  () => process.exit(0),
  error => {
    console.error(error)
    process.exit(1)
  }
)
