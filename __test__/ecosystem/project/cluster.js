'use strict'

/** The broker of the tests, and kafkajs itself to write to it. */

const assert = require('node:assert/strict')
const crypto = require('node:crypto')
const fs = require('node:fs')
const { after } = require('node:test')
const { setTimeout: pause } = require('node:timers/promises')
const { Kafka, logLevel } = require('kafkajs-original')

const { brokers } = JSON.parse(fs.readFileSync(process.env.KAFKA_FIXTURE, 'utf8'))

/** Warnings that nobody's ordinary use may provoke. */
const unknown = []
after(() => assert.deepEqual(unknown, []))

const logCreator =
  () =>
  ({ log }) => {
    if (log.message.startsWith('Unknown option')) unknown.push(log.message)
  }

/** What `new Kafka()` needs. */
const options = { brokers, logLevel: logLevel.WARN, logCreator }

const uniqueName = prefix => `${prefix}-${crypto.randomUUID()}`

/** A topic with these messages. */
const topicOf = async (messages, { partitions = 1 } = {}) => {
  const topic = uniqueName('ecosystem')
  const kafka = new Kafka(options)
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  if (messages.length > 0) await producer.send({ topic, messages })
  await producer.disconnect()
  return topic
}

const waitFor = async (predicate, timeout = 30_000) => {
  const end = Date.now() + timeout
  while (!(await predicate())) {
    if (Date.now() > end) throw new Error(`Waited in vain for: ${predicate}`)
    await pause(20)
  }
}

/**
 * Reads two messages, the first of which has `headers`, as programs under a tracer do: kafkajs is loaded behind it.
 * @param {{ headers: object, look: (message: any) => any }} tracing what a handler is asked after it has waited for something
 */
const readTwo = async ({ headers, look }) => {
  const kafkars = require('kafkajs')
  const topic = await topicOf([{ value: 'a', headers }, { value: 'b' }])
  const consumer = new kafkars.Kafka(options).consumer({ groupId: uniqueName('group') })
  const seen = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      await pause(1)
      seen.push(look(message))
    }
  })
  await waitFor(() => seen.length === 2)
  await consumer.disconnect()
  return { topic, seen }
}

module.exports = { options, readTwo, topicOf, uniqueName, waitFor }
