// @ts-check
'use strict'

/** `kafkars/prometheus`: what is written for a scrape is what has happened. */

const { createMetrics } = require('../../src/prometheus')
const { filled, startConsumer, waitFor } = require('./support')

/** @param {string} text @returns {Map<string, number>} */
const read = text =>
  new Map(
    text
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'))
      .map(
        line =>
          /** @type {[string, number]} */ ([
            line.slice(0, line.lastIndexOf(' ')),
            Number(line.slice(line.lastIndexOf(' ')))
          ])
      )
  )

it('tells of messages, lag, commits and joins, until it is ended', async () => {
  const collected = createMetrics()
  const topic = await filled(300, { partitions: 3 })
  const { consumer, groupId, messages } = await startConsumer({ topics: [topic] })
  await waitFor(() => messages.length === 300)
  const of = (/** @type {string} */ name, more = '') =>
    read(collected.metrics()).get(`kafkars_consumer_${name}{group="${groupId}"${more}}`)
  const where = (/** @type {number} */ partition) => `,topic="${topic}",partition="${partition}"`
  await waitFor(() => [0, 1, 2].every(partition => of('messages_total', where(partition)) === 100))
  expect(of('lag', where(1))).toBe(0)
  expect(of('offset', where(1))).toBe(99)
  expect(of('joins_total')).toBe(1)
  expect(of('assigned_partitions')).toBe(3)
  await waitFor(() => (of('commits_total', `,topic="${topic}"`) ?? 0) >= 3)
  const deliveries = of('delivery_seconds_count', `,topic="${topic}"`)
  expect(of('delivery_seconds_bucket', `,topic="${topic}",le="+Inf"`)).toBe(deliveries)
  expect(collected.metrics()).toContain('# TYPE kafkars_consumer_delivery_seconds histogram\n')
  collected.end()
  const before = collected.metrics()
  await consumer.disconnect()
  const again = await startConsumer({ topics: [topic] })
  await waitFor(() => again.messages.length === 300)
  expect(collected.metrics()).toBe(before)
})
