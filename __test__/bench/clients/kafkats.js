'use strict'

/** @type {import('./index').Client} */
module.exports = {
  manifest: 'node_modules/@kafkats/client/package.json',
  // finds lz4-napi, snappy and @mongodb-js/zstd by itself
  load: async () => require('@kafkats/client'),
  consume: async ({ KafkaClient }, { brokers, groupId, topic, api, handle, endOfBatch }) => {
    const kafka = new KafkaClient({ clientId: 'bench', brokers, logLevel: 'error' })
    const consumer = kafka.consumer({
      groupId,
      autoOffsetReset: 'earliest',
      // more than its default of 500 records a poll: faster here
      maxRecords: 4096
    })
    await kafka.connect()
    const running =
      api === 'eachMessage'
        ? consumer.runEach(topic, async (/** @type {any} */ message) => handle(message))
        : consumer.runBatch(topic, async (/** @type {any[]} */ messages) => {
            for (const message of messages) handle(message)
            endOfBatch()
          })
    running.catch((/** @type {Error} */ error) => {
      console.error(error)
      process.exit(1)
    })
    return async () => {
      await consumer.stop()
      await running
      await kafka.disconnect()
    }
  }
}
