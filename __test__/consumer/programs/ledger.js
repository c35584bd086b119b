'use strict'

/**
 * A member of a group that writes down what it is handed: `m time partition offset`, before anything else is done with it,
 * and its assignments: `j time partitions`. It ends when it is killed.
 * Arguments: a JSON object { brokers, topic, groupId, file, mode, sessionTimeout }.
 */

const fs = require('node:fs')
const { setTimeout: pause } = require('node:timers/promises')

const { Kafka, logLevel } = require('../../kafka/client')

const { brokers, topic, groupId, file, mode, sessionTimeout } = JSON.parse(process.argv[2])

const ledger = fs.openSync(file, 'a')
const write = (...fields) => fs.writeSync(ledger, `${fields.join(' ')}\n`)
const handed = (partition, { offset }) => write('m', Date.now(), partition, offset)

const eachMessage = async ({ partition, message }) => {
  handed(partition, message)
  await pause(2)
}

const eachBatch = async ({ batch, resolveOffset, heartbeat, isRunning, isStale }) => {
  for (const message of batch.messages) {
    if (!isRunning() || isStale()) break
    handed(batch.partition, message)
    await pause(2)
    resolveOffset(message.offset)
    await heartbeat()
  }
}

const MODES = {
  eachMessage: { eachMessage },
  concurrent: { eachMessage, partitionsConsumedConcurrently: 3 },
  eachBatch: { eachBatch, eachBatchAutoResolve: false },
  /** Never waits for anything: it is in the middle of a delivery whenever it is stopped. */
  busy: {
    eachMessage: async ({ partition, message }) => {
      handed(partition, message)
      for (const end = performance.now() + 0.1; performance.now() < end;);
    }
  }
}

const main = async () => {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, connectionTimeout: 20_000 })
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout,
    heartbeatInterval: 300,
    maxWaitTimeInMs: 500
  })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment } }) =>
    write('j', Date.now(), (memberAssignment[topic] ?? []).join())
  )
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run(MODES[mode])
}

main()
