'use strict'

/** One member of the group: an ordinary kafkajs consumer with `eachMessage`, or one that asks for its orders; and what it tells. */

const { setTimeout: sleep } = require('node:timers/promises')

const { traceOf } = require('./orders')

/** Every so many orders of a partition the handler waits, as if it wrote them to a database. */
const ORDERS_PER_WRITE = 150
/** ms of such a write */
const WRITE = 15
/** Orders of all partitions that are asked for at once, and written together. */
const ORDERS_PER_PULL = 900

/**
 * @param {object} options
 * @param {import('../../..').Kafka} options.kafka
 * @param {string} options.name
 * @param {string} options.groupId
 * @param {string} options.topic
 * @param {any[]} [options.partitionAssigners]
 * @param {boolean} options.pull
 * @param {import('./ledger').Ledger} options.ledger
 * @param {(line: string) => void} options.tell
 * @param {(error: Error) => void} options.fail the member cannot go on
 * @returns {Promise<{ leave: () => Promise<void> }>} once it has started to read or to wait
 */
const startMember = async options => {
  const { kafka, name, groupId, topic, partitionAssigners, pull, ledger, tell, fail } = options
  const consumer = kafka.consumer({
    groupId,
    heartbeatInterval: 500,
    maxWaitTimeInMs: 500,
    ...(partitionAssigners && { partitionAssigners })
  })
  const { REBALANCING, GROUP_JOIN, CRASH } = consumer.events
  consumer.on(REBALANCING, () => tell(`${name}: consumer.rebalancing`))
  consumer.on(GROUP_JOIN, ({ payload: { memberAssignment, duration, isLeader } }) => {
    const partitions = [...(memberAssignment[topic] || [])].sort((a, b) => a - b)
    ledger.assign(name, partitions)
    const role = isLeader ? ', leads the group' : ''
    const what = partitions.length > 0 ? `partitions ${partitions.join(' ')}` : 'no partitions'
    tell(`${name}: consumer.group_join, ${what} (${duration} ms${role})`)
  })
  consumer.on(CRASH, ({ payload: { error } }) => fail(error))

  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const end = pull ? pulled(consumer, { ledger, fail }) : await pushed(consumer, ledger)

  return {
    leave: async () => {
      await end()
      await consumer.disconnect()
      ledger.assign(name, [])
    }
  }
}

/**
 * Orders come into a handler.
 * @param {import('../../..').Consumer} consumer
 * @param {import('./ledger').Ledger} ledger
 * @returns {Promise<() => Promise<void>>} what comes before `disconnect()`: nothing
 */
const pushed = async (consumer, ledger) => {
  /** @type {Map<number, number>} orders of a partition since the last write */
  const unwritten = new Map()
  await consumer.run({
    partitionsConsumedConcurrently: ledger.partitions.length,
    eachMessage: async ({ partition, message }) => {
      ledger.add(partition, Number(message.offset), read(message))
      const orders = (unwritten.get(partition) || 0) + 1
      unwritten.set(partition, orders % ORDERS_PER_WRITE)
      if (orders === ORDERS_PER_WRITE) await sleep(WRITE)
    }
  })
  return async () => {}
}

/**
 * Orders are asked for, in a loop of the program's own.
 * @param {import('../../..').Consumer} consumer
 * @param {{ ledger: import('./ledger').Ledger, fail: (error: Error) => void }} parts
 * @returns {() => Promise<void>} what comes before `disconnect()`: the loop ends, and what it has read counts as handled
 */
const pulled = (consumer, { ledger, fail }) => {
  let isLeaving = false
  const loop = async () => {
    while (!isLeaving) {
      const batches = await consumer.getMany({ maxRecords: ORDERS_PER_PULL, timeout: 100 })
      for (const { partition, messages } of batches) {
        for (const message of messages) ledger.add(partition, Number(message.offset), read(message))
      }
      if (batches.length > 0) await sleep(WRITE)
    }
    // By asking for the next ones; which nobody looks at, so they come again.
    await consumer.getMany({ timeout: 0 })
  }
  const looped = loop().catch(fail)
  return async () => {
    isLeaving = true
    await looped
  }
}

/**
 * @param {import('../../..').KafkaMessage} message
 * @returns {import('./orders').Order | null} null where key, value and headers do not fit together
 */
const read = ({ key, value, headers }) => {
  const order = JSON.parse(String(value))
  const intact =
    String(key) === order.customer &&
    String(headers?.type) === `order.${order.status}` &&
    String(headers?.trace) === traceOf(order.id)
  return intact ? order : null
}

module.exports = { startMember }
