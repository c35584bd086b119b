'use strict'

/** How every library with kafkajs's consumer API is measured: with nothing but its defaults. */

/**
 * A consumer that is connected and has subscribed.
 * @param {any} library
 * @param {import('./index').ConsumeOptions} options
 * @param {object} [more] of the consumer
 */
const joined = async ({ Kafka, logLevel }, { brokers, groupId, topic }, more = {}) => {
  const kafka = new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.ERROR })
  const consumer = kafka.consumer({ groupId, ...more })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  return consumer
}

/**
 * @param {any} library
 * @param {import('./index').ConsumeOptions} options
 */
const consume = async (library, options) => push(await joined(library, options), options)

/**
 * @param {any} consumer
 * @param {import('./index').ConsumeOptions} options
 */
const push = async (consumer, { api, handle, endOfBatch }) => {
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

module.exports = { consume, joined, push }
