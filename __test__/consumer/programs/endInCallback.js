'use strict'

/**
 * Its handler, an async function, ends the consumer in a callback, and awaits that. Prints whether anything in this process tracks
 * async contexts, and which messages were handled. Arguments: a JSON object { brokers, topic, groupId, end }.
 */

const { executionAsyncId } = require('node:async_hooks')
const { setTimeout: pause } = require('node:timers/promises')
const { Kafka, logLevel } = require('../../kafka/client')

const { brokers, topic, groupId, end } = JSON.parse(process.argv[2])

const main = async () => {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId, rebalanceTimeout: 2000, maxPollInterval: 2000 })
  const handled = []
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise(resolve => {
    const eachMessage = async ({ message }) => {
      handled.push(message.offset)
      if (message.offset !== '3') return
      await pause(1)
      // Behind an await it is 0, unless somebody has switched hooks on.
      console.log(executionAsyncId() === 0 ? 'untracked' : 'tracked')
      await new Promise((done, fail) => {
        setTimeout(() => consumer[end]().then(done, fail), 5)
      })
      resolve(null)
    }
    consumer.run({ eachMessage })
  })
  await consumer.disconnect()
  console.log(`handled ${handled}`)
}

main()
