'use strict'

/** The broker of the tests, and kafkajs itself to write to it, which no tracer sees: it has another name here. */

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

/**
 * Writes messages by `send` and `sendBatch`, as programs under a tracer do.
 * @returns {Promise<{ topic: string, written: any[] }>} `written`: what is in the topic, by offset
 */
const writeTwo = async () => {
  const kafkars = require('kafkajs')
  const topic = await topicOf([])
  const producer = new kafkars.Kafka(options).producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ value: 'a', headers: { tenant: 'x' } }] })
  await producer.sendBatch({ topicMessages: [{ topic, messages: [{ value: 'b' }] }] })
  await producer.disconnect()
  return { topic, written: await readAll(topic, 2) }
}

/** What is in a topic, headers as text. */
const readAll = async (topic, count) => {
  const consumer = new Kafka(options).consumer({
    groupId: uniqueName('reader'),
    maxWaitTimeInMs: 100
  })
  const found = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message: { value, headers } }) => {
      const texts = Object.entries(headers).map(([name, text]) => [name, String(text)])
      found.push({ value: String(value), headers: Object.fromEntries(texts) })
    }
  })
  await waitFor(() => found.length >= count)
  await consumer.disconnect()
  return found
}

module.exports = { options, readAll, readTwo, topicOf, uniqueName, waitFor, writeTwo }
