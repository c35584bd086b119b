'use strict'

/**
 * Consumes `count` messages and disconnects; nothing here ends the process.
 * Prints what it has handled. Arguments: a JSON object { brokers, topic, groupId, count, fail }.
 */

const { Kafka, logLevel } = require('../../kafka/client')

const { brokers, topic, groupId, count, fail } = JSON.parse(process.argv[2])

/** Every way in which a handler can end badly. */
const FAILURES = {
  'throws an Error': () => {
    throw new Error('thrown')
  },
  'rejects with an Error': async () => {
    throw new Error('rejected')
  },
  'throws a string': () => {
    throw 'a string'
  },
  'throws null': () => {
    throw null
  },
  'rejects with undefined': () => Promise.reject(),
  'throws a frozen object': () => {
    throw Object.freeze({ retriable: true })
  },
  'throws a TypeError': () => {
    throw new TypeError('thrown')
  },
  'rejects later': () => new Promise((_, reject) => setTimeout(reject, 5, new Error('later'))),
  'returns a thenable that throws': () => ({
    then: () => {
      throw new Error('in then')
    }
  })
}

const main = async () => {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId, retry: { initialRetryTime: 5, retries: 2 } })
  let handled = 0
  let left = fail ? 2 : 0
  const done = new Promise(resolve => {
    consumer.on(consumer.events.CRASH, ({ payload: { restart } }) => {
      console.log(`crash ${restart}`)
      if (!restart) resolve()
    })
    const eachMessage = () => {
      if (left-- > 0) return FAILURES[fail]()
      if (++handled === count) resolve()
    }
    consumer.subscribe({ topic, fromBeginning: true })
    consumer.run({ eachMessage })
  })
  await done
  await consumer.disconnect()
  console.log(`handled ${handled}`)
}

main()

module.exports = { FAILURES }
