'use strict'

/**
 * Begins, and is told to end in the middle of it. Nothing here ends the process. Prints what became of it, and how long the
 * process took to end behind the end. Arguments: a JSON object { kafka, begin, end, after (ms) }.
 */

const { setTimeout: pause } = require('node:timers/promises')
const { Kafka, logLevel } = require('../../..')

const { kafka, begin, end, after } = JSON.parse(process.argv[2])

const BEGINNINGS = {
  chain: async consumer => {
    await consumer.connect()
    await consumer.subscribe({ topics: ['t'] })
    await consumer.run({ eachMessage: async () => {} })
  },
  // As many programs do.
  careless: async consumer => {
    consumer.connect()
    consumer.subscribe({ topics: ['t'] })
    consumer.describeGroup()
    await consumer.run({ eachMessage: async () => {} })
  },
  run: consumer => consumer.run({ eachMessage: async () => {} }),
  describeGroup: consumer => consumer.describeGroup(),
  admin: async (_, admin) => {
    await admin.connect()
    await admin.describeCluster()
  }
}

const ENDS = {
  disconnect: (consumer, admin) => Promise.all([consumer.disconnect(), admin.disconnect()]),
  twice: async consumer => {
    consumer.disconnect()
    await consumer.disconnect()
  },
  again: async consumer => {
    const disconnecting = consumer.disconnect()
    const connecting = consumer.connect()
    await Promise.allSettled([disconnecting, connecting, consumer.disconnect()])
  },
  stop: consumer => consumer.stop()
}

const main = async () => {
  const client = new Kafka({ ...kafka, logLevel: logLevel.NOTHING })
  const consumer = client.consumer({ groupId: 'g' })
  const admin = client.admin()
  BEGINNINGS[begin](consumer, admin).then(
    () => console.log('done'),
    ({ name, message }) => console.log(`${name}: ${message}`)
  )
  await pause(after)
  await ENDS[end](consumer, admin)
  const ended = performance.now()
  process.on('exit', () => console.log(Math.round(performance.now() - ended)))
}

main()
