'use strict'

/** How every library with kafkajs's consumer API is measured: with nothing but its defaults. */

/**
 * A consumer that is connected and has subscribed.
 * @param {any} library
 * @param {import('./index').ConsumeOptions} options
 */
const joined = async ({ Kafka, logLevel }, { brokers, groupId, topic }) => {
  const kafka = new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.ERROR })
  const consumer = kafka.consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  return consumer
}

/**
 * @param {any} library
 * @param {import('./index').ConsumeOptions} options
 */
const consume = async (library, options) => {
  const { api, handle, endOfBatch } = options
  const consumer = await joined(library, options)
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

module.exports = { consume, joined }
