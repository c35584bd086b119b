// @ts-check
'use strict'

/** `kafkars/prometheus`: what is written for a scrape is what has happened. */

const { createMetrics } = require('../../src/prometheus')
const { produce } = require('../kafka/helpers')
const {
  createConsumer,
  createKafka,
  defer,
  filled,
  numbered,
  startConsumer,
  waitFor
} = require('./support')

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

it('counts what is pulled as what is pushed, in a group and without', async () => {
  const collected = createMetrics()
  const topic = await filled(20, { partitions: 2 })
  const groupId = `${topic}-group`
  const of = (/** @type {string} */ name, more = '', group = groupId) =>
    read(collected.metrics()).get(
      `kafkars_consumer_${name}{group="${group}",topic="${topic}"${more}}`
    )
  const messages = (/** @type {number} */ partition, group = groupId) =>
    of('messages_total', `,partition="${partition}"`, group)
  const member = /** @type {any} */ (createConsumer({ groupId }))
  await member.subscribe({ topics: [topic], fromBeginning: true })
  // From one partition and the other in turn: each message counts once.
  for (let n = 0; n < 6; n++) {
    await member.getOne({ partitions: [{ topic, partition: n % 2 }] })
  }
  await waitFor(() => messages(0) === 3)
  expect(messages(1)).toBe(2)
  expect(of('offset', ',partition="1"')).toBe(1)
  let count = 6
  for await (const _ of member) if (++count === 20) break
  await member.disconnect()
  expect([messages(0), messages(1)]).toContain(10)
  expect((messages(0) ?? 0) + (messages(1) ?? 0)).toBe(19)
  expect(of('delivery_seconds_count')).toBeGreaterThan(1)
  expect(of('commits_total')).toBeGreaterThan(0)

  const loner = /** @type {any} */ (createKafka()).consumer({ maxWaitTimeInMs: 100 })
  await loner.assign([{ topic, partition: 0, offset: 4 }])
  let left = 6
  while (left > 0) {
    for (const batch of await loner.getMany()) left -= batch.messages.length
  }
  await loner.getMany({ timeout: 0 })
  expect(messages(0, '')).toBe(6)
  expect(of('lag', ',partition="0"', '')).toBe(0)
  await loner.disconnect()
  collected.end()
})

it('tells of the lag as it is when it is asked, between deliveries as well', async () => {
  const collected = createMetrics()
  const topic = await filled(10)
  const gate = defer()
  const { consumer, groupId, messages } = await startConsumer({
    topics: [topic],
    maxWaitTimeInMs: 100,
    handle: ({ message }) => message.offset === '6' && gate.promise
  })
  const lag = () =>
    read(collected.metrics()).get(
      `kafkars_consumer_lag{group="${groupId}",topic="${topic}",partition="0"}`
    )
  // In the middle of the first delivery.
  await waitFor(() => messages.length === 6)
  expect(lag()).toBe(4)
  consumer.pause([{ topic }])
  gate.resolve()
  await waitFor(() => messages.length === 7)
  expect(lag()).toBe(3)
  consumer.resume([{ topic }])
  await waitFor(() => lag() === 0)
  // What comes and is not handled: the end is that of the last answer of the broker.
  await produce(topic, numbered(1))
  await waitFor(() => messages.length === 11)
  expect(lag()).toBe(0)
  await consumer.disconnect()
  expect(lag()).toBe(undefined)
  collected.end()
})
