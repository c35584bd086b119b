'use strict'

/**
 * Worker threads that consume and are terminated while they do.
 * Arguments: a JSON object { brokers, topic, rounds, busy }; prints `survived` at the end.
 */

const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads')
const { once } = require('node:events')

const consume = () => {
  const { Kafka, logLevel } = require('../../kafka/client')
  const { brokers, topic, groupId, busy } = workerData
  const consumer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).consumer({ groupId })
  let told = false
  consumer.subscribe({ topic, fromBeginning: true })
  consumer.run({
    partitionsConsumedConcurrently: 3,
    eachMessage: busy
      ? () => {
          if (!told) parentPort.postMessage('consuming')
          told = true
        }
      : async () => {
          if (!told) parentPort.postMessage('consuming')
          told = true
          await new Promise(resolve => setTimeout(resolve, 1))
        }
  })
}

const main = async () => {
  const { brokers, topic, rounds, groupId } = JSON.parse(process.argv[2])
  for (let round = 0; round < rounds; round++) {
    const data = { brokers, topic, groupId: `${groupId}-${round}`, busy: round % 2 === 0 }
    const worker = new Worker(__filename, { workerData: data })
    // Some end before they have connected, most in the middle of it.
    if (round % 5 !== 4) await once(worker, 'message')
    await worker.terminate()
  }
  console.log('survived')
}

if (isMainThread) main()
else consume()
