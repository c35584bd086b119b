'use strict'

/** The broker of the tests, and kafkajs itself to write to it. */

const crypto = require('node:crypto')
const fs = require('node:fs')
const { setTimeout: pause } = require('node:timers/promises')
const { Kafka, logLevel } = require('kafkajs-original')

const { brokers } = JSON.parse(fs.readFileSync(process.env.KAFKA_FIXTURE, 'utf8'))

/** What `new Kafka()` needs. */
const options = { brokers, logLevel: logLevel.NOTHING }

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

module.exports = { options, topicOf, uniqueName, waitFor }
