// @ts-check
'use strict'

/**
 * Writes to each partition of a topic at a steady pace, in a process of its own, and tells what brokers have acknowledged, and
 * when: members can be no steadier than what they read.
 */

const { fork } = require('node:child_process')

/**
 * @typedef {object} Written an acknowledged message
 * @property {number} partition
 * @property {number} offset
 * @property {number} time       of the acknowledgement, ms
 */

/**
 * @typedef {object} Stream
 * @property {Written[]} written
 * @property {() => Promise<void>} begin  the first messages are written
 * @property {() => Promise<void>} stop   all that was acknowledged has been told
 */

/**
 * @param {{ brokers: string[], topic: string, partitions: number[], interval: number }} options `interval`: ms
 * @returns {Promise<Stream>} it has connected
 */
const startStream = async options => {
  const child = fork(__filename, [JSON.stringify(options)])
  const ended = new Promise(resolve => child.once('exit', resolve))
  const written = /** @type {Written[]} */ ([])
  let hear = () => {}
  child.on('message', (/** @type {any} */ message) => {
    if (Array.isArray(message)) written.push(...message)
    hear()
  })
  const heard = () =>
    new Promise((resolve, reject) => {
      hear = () => resolve(undefined)
      ended.then(() => reject(new Error('The producer has ended')))
    })
  await heard()
  return {
    written,
    begin: async () => {
      child.send('begin')
      while (written.length === 0) await heard()
    },
    stop: async () => {
      if (child.connected) child.send('stop')
      await ended
    }
  }
}

const main = async () => {
  const { Kafka, logLevel } = require('kafkajs')
  /** @type {Parameters<typeof startStream>[0]} */
  const { brokers, topic, partitions, interval } = JSON.parse(process.argv[2])
  const say = (/** @type {any} */ message) => /** @type {any} */ (process).send(message)
  const kafka = new Kafka({ brokers, clientId: 'stream', logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ retry: { initialRetryTime: 20 } })
  await producer.connect()
  let sending = false
  const send = async () => {
    // A slow broker has one request to answer at a time: how far apart messages come is measured.
    if (sending) return
    sending = true
    const messages = partitions.map(partition => ({ partition, value: 'x' }))
    try {
      const answers = await producer.send({ topic, messages, acks: 1 })
      const time = Date.now()
      say(
        answers.map(({ partition, baseOffset }) => ({
          partition,
          offset: Number(baseOffset),
          time
        }))
      )
    } catch (error) {
      console.error(`The producer: ${error.message}`)
    } finally {
      sending = false
    }
  }
  let timer = /** @type {NodeJS.Timeout | undefined} */ (undefined)
  process.on('message', async command => {
    if (command === 'begin') timer = setInterval(send, interval)
    if (command !== 'stop') return
    clearInterval(timer)
    while (sending) await new Promise(resolve => setTimeout(resolve, 5))
    await producer.disconnect()
    process.disconnect()
  })
  // After its stop, or when nobody is left to be told.
  process.on('disconnect', () => process.exit(0))
  say('ready')
}

module.exports = { startStream }

if (require.main === module) main()
