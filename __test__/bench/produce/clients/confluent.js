'use strict'

/** @type {import('./index').Client} */
module.exports = {
  load: () => require('@confluentinc/kafka-javascript').KafkaJS,
  connect: async ({ Kafka, logLevel, CompressionTypes }, { brokers, topic, codec, isTimed }) => {
    const compression = CompressionTypes[codec === 'none' ? 'None' : codec.toUpperCase()]
    const kafka = new Kafka({ kafkaJS: { clientId: 'bench', brokers, logLevel: logLevel.ERROR } })
    const producer = kafka.producer({
      kafkaJS: { compression },
      ...(isTimed ? { 'linger.ms': 0 } : {})
    })
    await producer.connect()
    return {
      send: messages => producer.send({ topic, messages }),
      disconnect: () => producer.disconnect()
    }
  }
}
