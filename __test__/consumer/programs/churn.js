'use strict'

/**
 * Consumers that come and go. Run with --expose-gc; prints the resident set and what buffers hold, in MB, after each
 * tenth round.
 * Arguments: a JSON object { brokers, topic, groupId, count, rounds }.
 */

const { Kafka, logLevel } = require('../../kafka/client')

const { brokers, topic, groupId, count, rounds } = JSON.parse(process.argv[2])

const once = async round => {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: `${groupId}-${round}` })
  let handled = 0
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise(resolve => {
    consumer.run({ eachMessage: () => ++handled === count && resolve() })
  })
  await consumer.disconnect()
}

const main = async () => {
  for (let round = 1; round <= rounds; round++) {
    await once(round)
    if (round % 10 !== 0) continue
    global.gc()
    await new Promise(resolve => setImmediate(resolve))
    global.gc()
    const { rss, arrayBuffers } = process.memoryUsage()
    console.log(Math.round(rss / 2 ** 20), Math.round(arrayBuffers / 2 ** 20))
  }
}

main()
