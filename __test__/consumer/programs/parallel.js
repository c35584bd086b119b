'use strict'

/**
 * A member that handles messages beside each other and writes down which it begins with (`b partition offset key value`) and which it has
 * finished (`f …`). It ends when it is killed. A message whose value is `stuck` is never finished.
 * Arguments: a JSON object { brokers, topic, groupId, file, stuck, most }.
 */

const fs = require('node:fs')
const { setTimeout: pause } = require('node:timers/promises')

const { Kafka, logLevel } = require('../../kafka/client')

const { brokers, topic, groupId, file, stuck, most } = JSON.parse(process.argv[2])

const ledger = fs.openSync(file, 'a')
const write = (what, partition, { offset, key, value }) =>
  fs.writeSync(ledger, `${what} ${partition} ${offset} ${key} ${value}\n`)

const main = async () => {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, connectionTimeout: 20_000 })
  const consumer = kafka.consumer({
    groupId,
    // Whoever comes after a kill takes its place at once; on kafkajs, which has no static members, when its session is over.
    groupInstanceId: 'one',
    ...(process.env.CLIENT === 'kafkajs' && { sessionTimeout: 6000 })
  })
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    messagesConsumedConcurrently: 50,
    eachMessage: async ({ partition, message }) => {
      write('b', partition, message)
      await (String(message.value) === stuck ? new Promise(() => {}) : pause(Math.random() * most))
      write('f', partition, message)
    }
  })
}

main()
