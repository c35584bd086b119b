'use strict'

/** Writes the orders, a block at a time in turn with every codec. */

const { CompressionTypes, Kafka, logLevel } = require('../../kafka/client')
const { orders, recordOf } = require('./orders')

/** orders per send */
const BLOCK = 2500
/** sends that may be on their way at once */
const AHEAD = 8

/**
 * @typedef {object} Written
 * @property {number} count
 * @property {number} totalCents the sum of all orders
 * @property {number} bytes of all values
 */

/**
 * @param {object} options
 * @param {string[]} options.brokers
 * @param {string} options.topic
 * @param {number} options.count
 * @param {readonly (keyof typeof CompressionTypes)[]} options.codecs
 * @param {(written: number) => void} options.progress
 * @returns {Promise<Written>}
 */
const writeOrders = async ({ brokers, topic, count, codecs, progress }) => {
  const written = { count: 0, totalCents: 0, bytes: 0 }
  const kafka = new Kafka({ clientId: 'demo-shop', brokers, logLevel: logLevel.ERROR })
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  /** @type {Promise<void>[]} */
  const underway = []

  const send = async (
    /** @type {ReturnType<typeof recordOf>[]} */ messages,
    /** @type {number} */ number
  ) => {
    const compression = CompressionTypes[codecs[number % codecs.length]]
    if (underway.length >= AHEAD) await underway.shift()
    const sent = producer.send({ topic, messages, compression }).then(() => {
      written.count += messages.length
      progress(written.count)
    })
    underway.push(sent)
  }

  let block = []
  let blocks = 0
  for (const order of orders(count)) {
    const record = recordOf(order)
    written.totalCents += order.totalCents
    written.bytes += record.value.length
    block.push(record)
    if (block.length < BLOCK && order.id < count - 1) continue
    await send(block, blocks++)
    block = []
  }
  await Promise.all(underway)
  await producer.disconnect()
  return written
}

module.exports = { writeOrders }
