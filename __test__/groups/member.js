// @ts-check
'use strict'

/**
 * A member that is kafkars or kafkajs, in a process of its own. It speaks the language of Kafka's `VerifiableConsumer` (see
 * `../kafka/member.js`); each line is written before the handler returns, so that not even a SIGKILL can make it forget. Of a
 * message it tells two times: `began` and `timestamp`, when its handler was called and when it ended.
 *
 * Argument: a JSON object { client, kafka, consumer, topic }. Commands are lines: `join`, and `slow 5000`, by which the
 * handler of the next message takes so many milliseconds. SIGTERM leaves the group.
 */

const fs = require('node:fs')
const readline = require('node:readline')
const { setTimeout: pause } = require('node:timers/promises')

const settings = JSON.parse(process.argv[2])
const library = require(settings.client === 'kafkajs' ? 'kafkajs' : '../..')

/** @param {string} name @param {object} [fields] */
const tell = (name, fields) =>
  void fs.writeSync(1, `${JSON.stringify({ timestamp: Date.now(), name, ...fields })}\n`)

const { topic } = settings
const kafka = new library.Kafka({ ...settings.kafka, logLevel: library.logLevel.NOTHING })
const consumer = kafka.consumer(settings.consumer)

/** Partitions. @type {number[]} */
let owned = []
/** What an assignment changes: who keeps a partition is not told of it. @param {number[]} assigned */
const assign = assigned => {
  const named = (/** @type {number[]} */ list) => ({
    partitions: list.map(partition => ({ topic, partition }))
  })
  const before = owned
  owned = assigned
  tell('partitions_revoked', named(before.filter(partition => !assigned.includes(partition))))
  tell('partitions_assigned', named(assigned.filter(partition => !before.includes(partition))))
}
consumer.on(consumer.events.GROUP_JOIN, ({ payload }) =>
  assign(payload.memberAssignment[topic] ?? [])
)
consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
  process.stderr.write(`crash, restart: ${restart}: ${error.stack}\n`)
  if (!restart) process.exit(1)
})

let slow = 0
/** @param {import('kafkajs').EachMessagePayload} payload */
const eachMessage = async ({ partition, message: { offset } }) => {
  const began = Date.now()
  const milliseconds = slow
  slow = 0
  if (milliseconds > 0) await pause(milliseconds)
  tell('record_data', { partition, offset: Number(offset), began })
}

/** @type {Record<string, (argument: string) => any>} */
const COMMANDS = {
  join: async () => {
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({ eachMessage })
  },
  slow: milliseconds => {
    slow = Number(milliseconds)
  }
}

const stop = async () => {
  await consumer.disconnect()
  tell('shutdown_complete')
  process.exit(0)
}

/** @param {unknown} error */
const fail = error => {
  process.stderr.write(`${/** @type {Error} */ (error).stack}\n`)
  process.exit(1)
}

process.once('SIGTERM', () => void stop().catch(fail))
const commands = readline.createInterface({ input: process.stdin })
commands.on('line', line => {
  const [name, argument] = line.split(' ')
  Promise.resolve(COMMANDS[name](argument)).catch(fail)
})
// Nobody is left to be told.
commands.on('close', () => process.exit(1))
consumer.connect().then(() => tell('startup_complete'), fail)
