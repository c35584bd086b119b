'use strict'

/**
 * Sends single messages at a steady pace, each with the monotonic clock's time as its value.
 * `node latency-producer.js '<json>'` with `{ brokers, topic, messages, rate }`.
 */

const { Kafka, logLevel } = require('kafkajs')

const run = async ({ brokers, topic, messages, rate }) => {
  const kafka = new Kafka({ clientId: 'bench-pace', brokers, logLevel: logLevel.ERROR })
  const producer = kafka.producer()
  await producer.connect()
  const sends = []
  const startAt = process.hrtime.bigint()
  await new Promise(resolve => {
    const timer = setInterval(() => {
      const elapsed = Number(process.hrtime.bigint() - startAt) / 1e9
      // Who is late sends one at a time nevertheless: bursts are another measurement.
      if (sends.length < elapsed * rate) {
        const value = String(process.hrtime.bigint())
        sends.push(producer.send({ topic, acks: 1, messages: [{ value }] }))
      }
      if (sends.length < messages) return
      clearInterval(timer)
      resolve(undefined)
    }, 1)
  })
  await Promise.all(sends)
  await producer.disconnect()
}

run(JSON.parse(process.argv[2])).then(
  () => process.exit(0),
  error => {
    console.error(error)
    process.exit(1)
  }
)
