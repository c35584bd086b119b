'use strict'

/**
 * A static member whose handler fails for some messages, for good; it writes the others down. It ends when it is killed.
 * Arguments: a JSON object { brokers, topic, groupId, retryTopic, deadLetterTopic, file }.
 */

const fs = require('node:fs')

const { Kafka, logLevel } = require('../../kafka/client')

const { brokers, topic, groupId, retryTopic, deadLetterTopic, file } = JSON.parse(process.argv[2])

const ledger = fs.openSync(file, 'a')

const main = async () => {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, connectionTimeout: 20_000 })
  const consumer = kafka.consumer({
    groupId,
    groupInstanceId: 'failing',
    maxWaitTimeInMs: 200,
    retry: { initialRetryTime: 50 }
  })
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    onFailure: {
      retries: 0,
      retryTopics: [{ topic: retryTopic, delay: 100 }],
      deadLetterTopic,
      exactlyOnce: true
    },
    eachMessage: async ({ message }) => {
      const value = String(message.value)
      if (value.startsWith('bad')) throw new Error('as ever')
      fs.writeSync(ledger, `${value}\n`)
    }
  })
}

main()
