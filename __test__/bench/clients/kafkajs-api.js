'use strict'

/** How every library with kafkajs's consumer API is measured: with nothing but its defaults. */

/**
 * @param {any} library
 * @param {import('./index').ConsumeOptions} options
 */
const consume = async (
  { Kafka, logLevel },
  { brokers, groupId, topic, api, handle, endOfBatch }
) => {
  const kafka = new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.ERROR })
  const consumer = kafka.consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run(
    api === 'eachMessage'
      ? {
          eachMessage: async (/** @type {any} */ { message }) => handle(message)
        }
      : {
          eachBatch: async (/** @type {any} */ { batch }) => {
            for (const message of batch.messages) handle(message)
            endOfBatch()
          }
        }
  )
  return () => consumer.disconnect()
}

module.exports = { consume }
