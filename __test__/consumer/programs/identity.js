'use strict'

/** A worker thread that connects with a `checkServerIdentity` of its own, and posts what it was asked. */

const { parentPort, workerData } = require('node:worker_threads')
const { Kafka, logLevel } = require('../../kafka/client')

const main = async () => {
  const { brokers, ca } = workerData
  const asked = []
  const checkServerIdentity = (name, { subject }) => {
    asked.push([name, subject.CN])
  }
  const ssl = { ca, servername: 'kafka.example', checkServerIdentity }
  const kafka = new Kafka({ brokers, ssl, logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: 'a-worker' })
  await consumer.connect()
  await consumer.disconnect()
  parentPort.postMessage(asked)
}

main()
