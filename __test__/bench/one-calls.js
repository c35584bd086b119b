'use strict'

/**
 * One client makes one call per message for some seconds, in a process of its own.
 * `node one-calls.js '<json>'` prints its figures as one line of JSON, the last one of stdout.
 */

const { performance } = require('node:perf_hooks')

const { ROWS } = require('./calls')

/**
 * @typedef {object} Job
 * @property {string} client file name in clients/
 * @property {string} row
 * @property {string[]} brokers
 * @property {string} topic
 * @property {string} groupId
 * @property {number} messages in the topic
 * @property {number} seconds
 */

/**
 * @typedef {object} Figures
 * @property {number} count messages handled
 * @property {number} repeated of those, how often one came again
 * @property {number} messagesPerSecond from the first message on
 * @property {number} cpuMicros per message, all threads of the process
 */

/** @param {Job} job @returns {Promise<Figures>} */
const run = async ({ client, row, brokers, topic, groupId, messages, seconds }) => {
  const { api, call, run: options, unordered = false } = ROWS[row]
  const { Kafka, logLevel } = await require(`./clients/${client}`).load('none')
  const kafka = new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.ERROR })
  const consumer = kafka.consumer({ groupId })

  let count = 0
  let repeated = 0
  let startAt = 0
  let endAt = 0
  let cpu = process.cpuUsage()
  /** @type {bigint[]} by partition: the offset of the last message */
  const last = []
  /** @type {(value?: any) => void} */
  let end = () => {}
  const done = new Promise(resolve => (end = resolve))

  const seen = (/** @type {number} */ partition, /** @type {any} */ message) => {
    if (count === 0) {
      startAt = performance.now()
      cpu = process.cpuUsage()
      setTimeout(finish, seconds * 1000)
    }
    if (++count === messages) finish()
    const offset = BigInt(message.offset)
    if (!unordered && offset <= (last[partition] ?? -1n)) repeated++
    last[partition] = offset
  }
  const finish = () => {
    if (endAt !== 0) return
    endAt = performance.now()
    cpu = process.cpuUsage(cpu)
    end({ count, cpu })
  }

  const context = { consumer, topic }
  const handlers = {
    eachMessage: async (/** @type {any} */ payload) => {
      seen(payload.partition, payload.message)
      await call(payload, payload.message, context)
    },
    eachBatch: async (/** @type {any} */ payload) => {
      const { batch } = payload
      for (const message of batch.messages) {
        seen(batch.partition, message)
        const result = call(payload, message, context)
        if (result) await result
        if (endAt !== 0) return
      }
    }
  }
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ ...options, [api]: handlers[api] })
  const at = await done
  const figures = {
    count: at.count,
    repeated,
    messagesPerSecond: (at.count / (endAt - startAt)) * 1000,
    cpuMicros: (at.cpu.user + at.cpu.system) / at.count
  }
  await Promise.race([consumer.disconnect(), new Promise(resolve => setTimeout(resolve, 5000))])
  return figures
}

run(JSON.parse(process.argv[2])).then(
  figures => process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0)),
  error => {
    console.error(error)
    process.exit(1)
  }
)
