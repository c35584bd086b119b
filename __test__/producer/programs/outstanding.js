'use strict'

/**
 * Sends more than `bufferMemory` while nobody answers, and says how much larger the process has become.
 * `node outstanding.js '<json>'` with `{ brokers, topic, bufferMemory, size, sends }`. It prints `ready` when the first message is
 * acknowledged, goes on at a line on stdin, and prints `{ growth, settled }` when the sends wait.
 */

const { once } = require('node:events')
const { setTimeout: pause } = require('node:timers/promises')

const { Kafka, logLevel } = require('../../..')

const { brokers, topic, bufferMemory, size, sends } = JSON.parse(process.argv[2])

const run = async () => {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ bufferMemory })
  await producer.connect()
  await producer.send({ topic, messages: [{ value: 'first' }] })
  console.log('ready')
  await once(process.stdin, 'data')

  const before = process.memoryUsage.rss()
  const value = Buffer.alloc(size, 'x')
  let settled = 0
  let peak = before
  const count = () => void settled++
  for (let n = 0; n < sends; n++) {
    producer.send({ topic, messages: [{ value }] }).then(count, count)
    // A turn of the event loop after each hundred.
    if (n % 100 === 0) await pause(0)
    peak = Math.max(peak, process.memoryUsage.rss())
  }
  await pause(1000)
  peak = Math.max(peak, process.memoryUsage.rss())
  console.log(JSON.stringify({ growth: peak - before, settled }))
  const begun = Date.now()
  await producer.disconnect({ timeout: 1000 })
  console.log(JSON.stringify({ took: Date.now() - begun, settled }))
}

run().then(
  () => process.exit(0),
  error => {
    console.error(error)
    process.exit(1)
  }
)
