// @ts-check
'use strict'

/** The producer under test (see `../consumer/support.js`), and what has become of its messages. */

const { observer, uniqueName, waitFor, withAdmin } = require('../kafka/helpers')
const support = require('../consumer/support')

/** @type {{ disconnect: () => Promise<void> }[]} */
const opened = []

afterEach(() => Promise.all(opened.splice(0).map(producer => producer.disconnect())))

/**
 * Not connected. It disconnects after the spec.
 * @param {Partial<import('../..').ProducerConfig> & { kafka?: any }} [options]
 * @returns {import('../..').Producer}
 */
const createProducer = ({ kafka, ...options } = {}) => {
  const producer = /** @type {any} */ (kafka ?? support.createKafka()).producer({
    // Recovers soon: 10, 20, 40 ms …
    retry: { initialRetryTime: 10, retries: 8 },
    ...options
  })
  opened.push(producer)
  return producer
}

/** @param {Parameters<typeof createProducer>[0]} [options] */
const startProducer = async options => {
  const producer = createProducer(options)
  await producer.connect()
  return producer
}

/**
 * @typedef {object} Logged
 * @property {number} partition
 * @property {number} offset
 * @property {string | null} key
 * @property {string | null} value
 * @property {Record<string, any>} headers
 * @property {number} timestamp
 */

/**
 * Everything that a topic has, as kafkajs's consumer reads it, by partition and offset. Not for snappy, lz4 and zstd.
 * @param {string} topic
 * @param {string[]} [brokers]
 * @returns {Promise<Logged[]>}
 */
const readLog = async (topic, brokers) => {
  const ends = await withAdmin(brokers, admin => admin.fetchTopicOffsets(topic))
  const missing = new Map(
    ends.filter(({ high, low }) => high !== low).map(({ partition, high }) => [partition, +high])
  )
  const found = /** @type {Logged[]} */ ([])
  if (missing.size === 0) return found
  const consumer = observer(brokers).consumer({
    groupId: uniqueName('reader'),
    maxWaitTimeInMs: 100
  })
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        const { key, value, headers, timestamp } = message
        const offset = Number(message.offset)
        found.push({
          partition,
          offset,
          key: key && String(key),
          value: value && String(value),
          headers: /** @type {any} */ (headers),
          timestamp: Number(timestamp)
        })
        if (offset + 1 >= (missing.get(partition) ?? 0)) missing.delete(partition)
      }
    })
    await waitFor(() => missing.size === 0)
  } finally {
    await consumer.disconnect()
  }
  return found.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
}

/** @param {Logged[]} log */
const valuesOf = log => log.map(({ value }) => value)

module.exports = { ...support, createProducer, readLog, startProducer, valuesOf }
