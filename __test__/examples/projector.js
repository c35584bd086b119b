'use strict'

/**
 * Event sourcing: account balances are projected from a topic of deposits and withdrawals.
 *
 * State and position live in one snapshot file that is replaced in one step, so an event counts exactly once even
 * if the process dies between two steps. What Kafka knows of our progress is a courtesy to lag monitors: after
 * a restart the snapshot decides, by `seek`.
 *
 *     KAFKA_BROKERS=localhost:9092 TOPIC=accounts SNAPSHOT=./balances.json node projector.js
 *
 * Shows: `autoCommit: false`, `seek` on GROUP_JOIN, `commitOffsets` with metadata, `stop` from outside a handler.
 */

const fs = require('node:fs')

const { Kafka, logLevel } = require('../../index.js')
const { fetchLogEnd } = require('./log-end')

const {
  KAFKA_BROKERS = 'localhost:9092',
  TOPIC = 'accounts',
  GROUP_ID = 'projector',
  SNAPSHOT = './balances.json',
  /** dies like a kill -9 after so many events: for trying out the promise above */
  CRASH_AFTER
} = process.env

const brokers = KAFKA_BROKERS.split(',')
const EVENTS_PER_SNAPSHOT = 100

/**
 * @typedef {{ type: 'deposited' | 'withdrawn', cents: number }} AccountEvent
 * @typedef {{ balances: Record<string, number>, next: Record<string, string> }} Snapshot
 */

/** The projection, and the offset per partition of the event that it wants next. */
class Projection {
  /** @type {Map<string, number>} */
  balances = new Map()
  /** @type {Map<number, bigint>} */
  next = new Map()
  applied = 0

  /** @param {string} file */
  static restore(file) {
    const projection = new Projection()
    if (fs.existsSync(file)) {
      /** @type {Snapshot} */
      const { balances, next } = JSON.parse(fs.readFileSync(file, 'utf8'))
      projection.balances = new Map(Object.entries(balances))
      projection.next = new Map(
        Object.entries(next).map(([partition, offset]) => [Number(partition), BigInt(offset)])
      )
    }
    return projection
  }

  /**
   * @param {number} partition
   * @param {bigint} offset
   * @param {string} account
   * @param {AccountEvent} event
   */
  apply(partition, offset, account, { type, cents }) {
    // An event below our position is one that the snapshot already holds.
    if (offset < (this.next.get(partition) ?? 0n)) return
    const change = type === 'deposited' ? cents : -cents
    this.balances.set(account, (this.balances.get(account) ?? 0) + change)
    this.next.set(partition, offset + 1n)
    this.applied += 1
  }

  /** @param {Map<number, bigint>} end */
  hasReached(end) {
    return [...end].every(([partition, offset]) => (this.next.get(partition) ?? 0n) >= offset)
  }

  /** @param {string} file */
  save(file) {
    const snapshot = {
      balances: Object.fromEntries(this.balances),
      next: Object.fromEntries([...this.next].map(([p, offset]) => [p, String(offset)]))
    }
    fs.writeFileSync(`${file}.new`, JSON.stringify(snapshot))
    fs.renameSync(`${file}.new`, file)
  }

  get offsets() {
    return [...this.next].map(([partition, offset]) => ({
      topic: TOPIC,
      partition,
      offset: String(offset),
      metadata: `snapshot of ${this.balances.size} accounts`
    }))
  }
}

const main = async () => {
  const end = await fetchLogEnd(brokers, TOPIC)
  const projection = Projection.restore(SNAPSHOT)
  const restored = projection.offsets.reduce((sum, { offset }) => sum + Number(offset), 0)

  const kafka = new Kafka({ clientId: 'projector', brokers, logLevel: logLevel.WARN })
  const consumer = kafka.consumer({
    groupId: GROUP_ID,
    maxWaitTimeInMs: 500,
    // After a crash the broker holds our partitions for so long before the next start gets them.
    sessionTimeout: 6000,
    heartbeatInterval: 1000
  })

  // Every rebalance starts at committed offsets; the snapshot knows better.
  consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment } }) => {
    for (const partition of memberAssignment[TOPIC] ?? []) {
      const offset = projection.next.get(partition)
      if (offset !== undefined) consumer.seek({ topic: TOPIC, partition, offset: String(offset) })
    }
  })

  /** @type {() => void} */
  let caughtUp = () => {}
  const untilCaughtUp = new Promise(resolve => (caughtUp = () => resolve(undefined)))
  if (projection.hasReached(end)) caughtUp()

  const snapshot = async () => {
    projection.save(SNAPSHOT)
    await consumer.commitOffsets(projection.offsets)
  }

  await consumer.connect()
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message: { offset, key, value } }) => {
      projection.apply(partition, BigInt(offset), String(key), JSON.parse(String(value)))
      if (CRASH_AFTER && projection.applied === Number(CRASH_AFTER)) process.exit(137)
      const done = projection.hasReached(end)
      if (done || projection.applied % EVENTS_PER_SNAPSHOT === 0) await snapshot()
      if (done) caughtUp()
    }
  })

  await untilCaughtUp
  await consumer.stop()
  await consumer.disconnect()
  return {
    restored,
    applied: projection.applied,
    accounts: projection.balances.size,
    totalCents: [...projection.balances.values()].reduce((sum, cents) => sum + cents, 0)
  }
}

main().then(
  result => console.log(JSON.stringify(result)),
  error => {
    console.error(error)
    process.exit(1)
  }
)
