'use strict'

/** Writes the orders, a block at a time in turn with every codec, through Kafka's own producer. */

const { startProducer } = require('../../kafka/producer')
const { orders, recordOf } = require('./orders')

/** orders per block: one request to the Java process, a few record batches in the log */
const BLOCK = 2500
/** blocks that may be on their way to one Java process */
const AHEAD = 2

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
 * @param {string[]} options.codecs
 * @param {(written: number) => void} options.progress
 * @returns {Promise<Written>}
 */
const writeOrders = async ({ brokers, topic, count, codecs, progress }) => {
  const written = { count: 0, totalCents: 0, bytes: 0 }
  const producers = await Promise.all(
    codecs.map(codec => startProducer(brokers, { 'compression.type': codec, 'linger.ms': 20 }))
  )
  /** @type {Promise<void>[][]} */
  const underway = producers.map(() => [])

  const flush = async (
    /** @type {ReturnType<typeof recordOf>[]} */ block,
    /** @type {number} */ to
  ) => {
    if (underway[to].length >= AHEAD) await underway[to].shift()
    const sent = producers[to].send(topic, block).then(() => {
      written.count += block.length
      progress(written.count)
    })
    underway[to].push(sent)
  }

  let block = []
  let blocks = 0
  for (const order of orders(count)) {
    const record = recordOf(order)
    written.totalCents += order.totalCents
    written.bytes += record.value.length
    block.push(record)
    if (block.length < BLOCK && order.id < count - 1) continue
    await flush(block, blocks++ % producers.length)
    block = []
  }
  await Promise.all(underway.flat())
  await Promise.all(producers.map(producer => producer.close()))
  return written
}

module.exports = { writeOrders }
