'use strict'

/**
 * Offsets kept beside the results: page views are counted by page, and each batch of counts is written in one step with the
 * offset behind it, as a transaction of a database would. So each view counts exactly once, whatever dies when, and Kafka is told
 * of no offset at all: the store decides where a partition begins, in the hook.
 *
 *     KAFKA_BROKERS=localhost:9092 TOPIC=views STORE=./counts node offset-store.js
 *
 * Shows: `onPartitionsAssigned` with `seek`, `onPartitionsRevoked`, `autoCommit: false`. kafkajs has no hooks.
 */

const fs = require('node:fs')
const path = require('node:path')

const { Kafka, logLevel } = require('../../index.js')
const { fetchLogEnd } = require('./log-end')

const {
  KAFKA_BROKERS = 'localhost:9092',
  TOPIC = 'views',
  GROUP_ID = 'counter',
  STORE = './counts',
  /** dies like a kill -9 after so many views */
  CRASH_AFTER
} = process.env

const brokers = KAFKA_BROKERS.split(',')
const VIEWS_PER_WRITE = 100

/** @typedef {{ next: string, counts: Record<string, number> }} Row */

/** A row for each partition, in a file that is replaced in one step. */
class Store {
  /** @param {string} directory */
  constructor(directory) {
    this.directory = directory
    fs.mkdirSync(directory, { recursive: true })
  }

  /** @param {number} partition @returns {Promise<Row>} */
  async load(partition) {
    try {
      return JSON.parse(await fs.promises.readFile(this.file(partition), 'utf8'))
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') {
        return { next: '0', counts: {} }
      }
      throw error
    }
  }

  /** @param {number} partition @param {Row} row */
  async save(partition, row) {
    const file = this.file(partition)
    await fs.promises.writeFile(`${file}.new`, JSON.stringify(row))
    await fs.promises.rename(`${file}.new`, file)
  }

  /** @private @param {number} partition */
  file(partition) {
    return path.join(this.directory, `${TOPIC}-${partition}.json`)
  }
}

const main = async () => {
  const end = await fetchLogEnd(brokers, TOPIC)
  const store = new Store(STORE)
  /** What we have at the moment. @type {Map<number, Row>} */
  const rows = new Map()
  let handled = 0

  const kafka = new Kafka({ clientId: 'counter', brokers, logLevel: logLevel.WARN })
  const consumer = kafka.consumer({
    groupId: GROUP_ID,
    maxWaitTimeInMs: 500,
    sessionTimeout: 6000,
    heartbeatInterval: 1000,
    onPartitionsAssigned: async assigned => {
      for (const partition of assigned.flatMap(({ partitions }) => partitions)) {
        const row = await store.load(partition)
        rows.set(partition, row)
        consumer.seek({ topic: TOPIC, partition, offset: row.next })
      }
    },
    onPartitionsRevoked: async revoked => {
      for (const partition of revoked.flatMap(({ partitions }) => partitions)) {
        const row = rows.get(partition)
        rows.delete(partition)
        if (row) await store.save(partition, row)
      }
    },
    // Another member may have them already, and its row is newer than ours.
    onPartitionsLost: lost => {
      for (const partition of lost.flatMap(({ partitions }) => partitions)) rows.delete(partition)
    }
  })

  await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
  const done = new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload: { error } }) => reject(error))
    consumer
      .run({
        autoCommit: false,
        eachMessage: async ({ partition, message: { offset, key } }) => {
          const row = rows.get(partition)
          if (!row) return
          row.counts[String(key)] = (row.counts[String(key)] ?? 0) + 1
          row.next = String(BigInt(offset) + 1n)
          handled += 1
          if (handled % VIEWS_PER_WRITE === 0) await store.save(partition, row)
          if (CRASH_AFTER && handled === Number(CRASH_AFTER)) process.exit(137)
          if ([...end].every(([number, last]) => BigInt(rows.get(number)?.next ?? 0) >= last)) {
            resolve(undefined)
          }
        }
      })
      .catch(reject)
  })

  await done
  await consumer.disconnect()
  /** @type {Record<string, number>} */
  const counts = {}
  for (const [partition] of end) {
    const row = await store.load(partition)
    for (const [page, count] of Object.entries(row.counts)) {
      counts[page] = (counts[page] ?? 0) + count
    }
  }
  return { handled, counts }
}

main().then(
  result => console.log(JSON.stringify(result)),
  error => {
    console.error(error)
    process.exit(1)
  }
)
