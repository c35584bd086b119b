'use strict'

/** @type {import('./index').Client} */
module.exports = {
  load: () => require('@platformatic/kafka'),
  connect: async ({ Producer }, { brokers, topic, codec }) => {
    const producer = new Producer({
      clientId: 'bench',
      bootstrapBrokers: brokers,
      acks: -1,
      compression: codec
    })
    return {
      send: messages =>
        producer.send({ messages: messages.map(({ value }) => ({ topic, value })) }),
      disconnect: () => producer.close()
    }
  }
}
