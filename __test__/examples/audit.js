'use strict'

/**
 * What was paid since a certain time, customer by customer. An audit is no member of a group: it reads the partitions that it names, from
 * the time that it is asked about to where they end now, at its own pace, and nobody's offsets change.
 *
 *     KAFKA_BROKERS=localhost:9092 TOPIC=payments SINCE=2026-01-01T00:00:00Z node audit.js
 *
 * Shows: a consumer without a group, `assign` at a time, `getMany`, `position`, `lag`, `health`, a deserializer and what becomes of a
 * value that it cannot read, `kafkars/prometheus`. kafkajs has none of them.
 */

const { Kafka, logLevel } = require('../../index.js')
const { createMetrics } = require('../../src/prometheus.js')
const { fetchLogEnd } = require('./log-end')

const { KAFKA_BROKERS = 'localhost:9092', TOPIC = 'payments', SINCE = '1970-01-01' } = process.env

const brokers = KAFKA_BROKERS.split(',')

/** @typedef {{ customer: string, cents: number }} Payment */

const main = async () => {
  const metrics = createMetrics()
  const unreadable = /** @type {string[]} */ ([])
  const totals = /** @type {Record<string, number>} */ ({})

  const kafka = new Kafka({ clientId: 'audit', brokers, logLevel: logLevel.WARN })
  /** @type {import('../..').Consumer<string, Payment>} */
  const consumer = kafka.consumer({
    keyDeserializer: 'string',
    valueDeserializer: 'json',
    onDeserializationError: ({ partition, offset }) => {
      unreadable.push(`${partition}/${offset}`)
      return 'skip'
    }
  })

  const end = await fetchLogEnd(brokers, TOPIC)
  const offset = new Date(SINCE)
  await consumer.assign([...end.keys()].map(partition => ({ topic: TOPIC, partition, offset })))

  const isAtEnd = () =>
    [...end].every(([partition, last]) => {
      const position = consumer.position({ topic: TOPIC, partition })
      return position !== null && BigInt(position) >= last
    })
  try {
    while (!isAtEnd()) {
      // Those of the last time count as handled by now.
      for (const { messages } of await consumer.getMany({ timeout: 500, maxRecords: 500 })) {
        for (const { value } of messages) {
          totals[value.customer] = (totals[value.customer] ?? 0) + value.cents
        }
      }
    }
    const lag = consumer.lag().reduce((sum, entry) => sum + Number(entry.lag), 0)
    const { state } = consumer.health()
    return { totals, unreadable: unreadable.sort(), lag, state, metrics: metrics.metrics() }
  } finally {
    metrics.end()
    await consumer.disconnect()
  }
}

main().then(
  result => console.log(JSON.stringify(result)),
  error => {
    console.error(error)
    process.exit(1)
  }
)
