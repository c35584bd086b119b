'use strict'

/**
 * Extract, transform, load: measurements go from a topic into a file of lines, and the file is slower than Kafka.
 *
 * Back-pressure: rows wait in memory until the sink has written them. Above HIGH rows the partition is paused and
 * the rest of its batch is left unresolved, so that it is fetched again; below LOW all partitions go on. Memory
 * stays within HIGH + CHUNK rows however far the topic is ahead. An offset is committed when its row is in the
 * file, not before.
 *
 *     KAFKA_BROKERS=localhost:9092 TOPIC=measurements OUTPUT=./measurements.ndjson node etl.js
 *
 * Shows: `eachBatch` with `eachBatchAutoResolve: false`, `resolveOffset`, `isRunning`, `isStale`, `heartbeat`,
 * `pause`, `paused`, `resume`, `commitOffsets` out of a handler's sight, END_BATCH_PROCESS.
 */

const fs = require('node:fs')
const { setTimeout: sleep } = require('node:timers/promises')

const { Kafka, logLevel } = require('../../index.js')
const { fetchLogEnd } = require('./log-end')

const {
  KAFKA_BROKERS = 'localhost:9092',
  TOPIC = 'measurements',
  GROUP_ID = 'etl',
  OUTPUT = './measurements.ndjson'
} = process.env

const brokers = KAFKA_BROKERS.split(',')
const HIGH = 2000
const LOW = 500
/** rows that are handed to the sink at once */
const CHUNK = 250
/** ms that the sink needs for a chunk: a slow disk, a remote database */
const SINK_DELAY = 4

/** @typedef {{ partition: number, next: bigint, rows: string[] }} Chunk */

/** Writes chunks one after another, in the order in which they came. */
class Sink {
  pending = 0
  maxPending = 0
  written = 0

  #file
  #onWritten
  /** @type {Promise<void>} */
  #tail = Promise.resolve()

  /**
   * @param {string} file
   * @param {(chunk: Chunk) => void} onWritten
   */
  constructor(file, onWritten) {
    this.#file = fs.openSync(file, 'w')
    this.#onWritten = onWritten
  }

  /** @param {Chunk} chunk */
  accept(chunk) {
    this.pending += chunk.rows.length
    this.maxPending = Math.max(this.maxPending, this.pending)
    this.#tail = this.#tail.then(() => this.#write(chunk))
  }

  async close() {
    await this.#tail
    fs.closeSync(this.#file)
  }

  /** @param {Chunk} chunk */
  async #write(chunk) {
    await sleep(SINK_DELAY)
    fs.writeSync(this.#file, chunk.rows.map(row => `${row}\n`).join(''))
    this.pending -= chunk.rows.length
    this.written += chunk.rows.length
    this.#onWritten(chunk)
  }
}

/** @param {import('../..').KafkaMessage} message */
const transform = ({ key, value, offset }) => {
  const { celsius } = JSON.parse(String(value))
  return JSON.stringify({
    sensor: String(key),
    kelvin: Number((celsius + 273.15).toFixed(2)),
    offset
  })
}

const main = async () => {
  const end = await fetchLogEnd(brokers, TOPIC)
  const kafka = new Kafka({ clientId: 'etl', brokers, logLevel: logLevel.WARN })
  const consumer = kafka.consumer({ groupId: GROUP_ID, maxWaitTimeInMs: 500 })

  /** @type {Map<number, bigint>} partition → offset behind the last row in the file */
  const loaded = new Map()
  let pauses = 0
  let batches = 0
  consumer.on(consumer.events.END_BATCH_PROCESS, () => (batches += 1))

  const sink = new Sink(OUTPUT, ({ partition, next }) => {
    loaded.set(partition, next)
    const paused = consumer.paused()
    if (sink.pending < LOW && paused.length > 0) consumer.resume(paused)
  })
  const commit = async () => {
    const offsets = [...loaded].map(([partition, offset]) => ({
      topic: TOPIC,
      partition,
      offset: String(offset)
    }))
    if (offsets.length > 0) await consumer.commitOffsets(offsets)
  }

  await consumer.connect()
  await consumer.subscribe({ topics: [TOPIC], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset, heartbeat, isRunning, isStale }) => {
      const { partition, messages } = batch
      for (let at = 0; at < messages.length; at += CHUNK) {
        if (!isRunning() || isStale()) return
        if (sink.pending >= HIGH) {
          consumer.pause([{ topic: TOPIC, partitions: [partition] }])
          pauses += 1
          return
        }
        const chunk = messages.slice(at, at + CHUNK)
        const { offset } = chunk[chunk.length - 1]
        sink.accept({ partition, next: BigInt(offset) + 1n, rows: chunk.map(transform) })
        resolveOffset(offset)
        await heartbeat()
      }
    }
  })

  while (![...end].every(([partition, offset]) => (loaded.get(partition) ?? 0n) >= offset)) {
    await sleep(100)
    await commit()
  }
  await commit()
  await consumer.disconnect()
  await sink.close()
  return {
    rows: sink.written,
    batches,
    pauses,
    bounded: sink.maxPending <= HIGH + CHUNK,
    pausedInTheEnd: consumer.paused().length
  }
}

main().then(
  result => console.log(JSON.stringify(result)),
  error => {
    console.error(error)
    process.exit(1)
  }
)
