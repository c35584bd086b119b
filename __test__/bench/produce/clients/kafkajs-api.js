'use strict'

/** How every library with kafkajs's producer API is measured: with nothing but its defaults. */

/** @param {any} library @param {import('../index').Job} job */
const connect = async (
  { Kafka, logLevel, CompressionTypes, Partitioners },
  { brokers, topic, codec },
  options = {}
) => {
  const kafka = new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.ERROR })
  // Else kafkajs warns.
  const createPartitioner = Partitioners.DefaultPartitioner
  const producer = kafka.producer({ createPartitioner, ...options })
  await producer.connect()
  const compression = CompressionTypes[codec === 'none' ? 'None' : codec.toUpperCase()]
  return {
    send: messages => producer.send({ topic, messages, compression }),
    disconnect: () => producer.disconnect()
  }
}

module.exports = { connect }
