'use strict'

/**
 * Billing: each order is charged by a service that takes its time, many of them at once, and those of a customer one after the other.
 *
 *     KAFKA_BROKERS=localhost:9092 TOPIC=orders OUTPUT=ledger.ndjson node billing.js
 *
 * Shows: `messagesConsumedConcurrently` with `orderBy: 'key'`, a service that fails for a moment, and that a process that is killed
 * repeats what was under way and little else. (kafkajs ignores both options, and charges one after the other.)
 */

const fs = require('node:fs')
const { setTimeout: sleep } = require('node:timers/promises')

const { Kafka, logLevel } = require('../../index.js')

const {
  KAFKA_BROKERS = 'localhost:9092',
  TOPIC = 'orders',
  GROUP_ID = 'billing',
  OUTPUT = 'ledger.ndjson',
  /** ends after so many orders; without it it runs until it is killed */
  ORDERS
} = process.env

const balances = new Map()
let charged = 0
let failures = 0

/** The service: two milliseconds, and one call in a hundred fails. */
const charge = async (/** @type {string} */ customer, /** @type {number} */ cents) => {
  await sleep(2)
  if (failures < 3 && charged % 100 === 99) {
    failures += 1
    throw new Error('503')
  }
  const balance = (balances.get(customer) ?? 0) + cents
  balances.set(customer, balance)
  return balance
}

const main = async () => {
  const kafka = new Kafka({
    clientId: 'billing',
    brokers: KAFKA_BROKERS.split(','),
    logLevel: logLevel.NOTHING
  })
  const consumer = kafka.consumer({ groupId: GROUP_ID, retry: { initialRetryTime: 20 } })
  const output = fs.createWriteStream(OUTPUT, { flags: 'a' })
  let done = () => {}
  const all = new Promise(resolve => (done = () => resolve(undefined)))

  await consumer.connect()
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
  await consumer.run({
    messagesConsumedConcurrently: 50,
    orderBy: 'key',
    eachMessage: async ({ message }) => {
      const customer = String(message.key)
      const { order, cents } = JSON.parse(String(message.value))
      const balance = await charge(customer, cents)
      output.write(`${JSON.stringify({ order, customer, balance })}\n`)
      if (++charged === Number(ORDERS)) done()
    }
  })
  await all
  await consumer.disconnect()
  await new Promise(resolve => output.end(resolve))
  console.log(JSON.stringify({ charged, customers: balances.size, failures }))
}

main().catch(error => {
  console.error(error)
  process.exit(1)
})
