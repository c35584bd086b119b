'use strict'

const { Kafka, logLevel } = require('../../index.js')

/**
 * Where the partitions of a topic end now, so that a job knows when it has caught up.
 *
 * @param {string[]} brokers
 * @param {string} topic
 * @returns {Promise<Map<number, bigint>>} partition → the offset that its next message will have
 */
const fetchLogEnd = async (brokers, topic) => {
  const admin = new Kafka({ clientId: 'log-end', brokers, logLevel: logLevel.ERROR }).admin()
  await admin.connect()
  try {
    const partitions = await admin.fetchTopicOffsets(topic)
    return new Map(partitions.map(({ partition, high }) => [partition, BigInt(high)]))
  } finally {
    await admin.disconnect()
  }
}

module.exports = { fetchLogEnd }
