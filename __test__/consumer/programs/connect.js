'use strict'

/** Connects a consumer and has nothing else to do for a while. Arguments: a JSON object { brokers, topic, groupId }. */

const { Kafka, logLevel } = require('../../kafka/client')

const { brokers, topic, groupId } = JSON.parse(process.argv[2])

const main = async () => {
  const consumer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topic })
  setTimeout(async () => {
    await consumer.disconnect()
    console.log('still here')
    setTimeout(() => console.log('and still'), 60_000).unref()
  }, 500).unref()
}

main()
