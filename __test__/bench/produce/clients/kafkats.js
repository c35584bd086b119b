'use strict'

/** @type {import('./index').Client} */
module.exports = {
  // Finds lz4-napi and @mongodb-js/zstd by itself.
  load: () => require('@kafkats/client'),
  connect: async ({ KafkaClient }, { brokers, topic, codec, isTimed }) => {
    const kafka = new KafkaClient({ clientId: 'bench', brokers, logLevel: 'error' })
    const producer = kafka.producer({ compression: codec, ...(isTimed ? { lingerMs: 0 } : {}) })
    await kafka.connect()
    return {
      send: messages => producer.send(topic, messages),
      disconnect: async () => {
        await producer.disconnect()
        await kafka.disconnect()
      }
    }
  }
}
