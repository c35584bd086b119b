// @ts-check
'use strict'

/** Options that cannot be honoured, and what is said of them. */

const { createTopic } = require('../kafka/helpers')
const { createConsumer, createKafka, filled, waitFor, watch } = require('./support')

it('socketFactory is refused at once', () => {
  const socketFactory = () => {
    throw new Error('a socket was asked for')
  }
  expect(() => createKafka(/** @type {any} */ ({ socketFactory }))).toThrow(/"socketFactory"/)
})

it('rebalanceTimeout: 0 is refused: no member could ever join', () => {
  expect(() => createConsumer({ rebalanceTimeout: 0 })).toThrow(/rebalanceTimeout \(0\)/)
})

it('a number that is none is refused by name', () => {
  const heartbeatInterval = /** @type {any} */ ('5 s')
  expect(() => createConsumer({ heartbeatInterval })).toThrow(
    'Invalid heartbeatInterval, expected a number received 5 s'
  )
})

it('a number that nothing could work with is refused by name', () => {
  expect(() => createConsumer({ maxInFlightRequests: 0 })).toThrow(
    'Invalid maxInFlightRequests, expected a number from 1 on, received 0'
  )
  expect(() => createKafka({ requestTimeout: -1 })).toThrow(
    'Invalid requestTimeout, expected a number from 1 on, received -1'
  )
})

it('what counts as something else than it says is warned of, and a logLevel may be named', async () => {
  const warnings = /** @type {string[]} */ ([])
  const logCreator =
    () =>
    ({ label, log }) =>
      warnings.push(`${label} ${log.message}`)
  const kafka = createKafka({ logLevel: /** @type {any} */ ('warn'), logCreator })
  const topic = await filled(3)
  const messages = /** @type {any[]} */ ([])
  // Brokers would give one batch at a time, and nothing at all.
  const consumer = createConsumer({ kafka, maxBytes: -1, maxBytesPerPartition: -1 })
  await consumer.subscribe({ topics: [topic], fromBeginning: /** @type {any} */ ('yes') })
  await consumer.run({ eachMessage: async ({ message }) => void messages.push(message) })
  await waitFor(() => messages.length === 3)
  expect(warnings).toEqual([
    'WARN maxBytes of kafka.consumer() is -1, which counts as 1: expected a number from that on',
    'WARN maxBytesPerPartition of kafka.consumer() is -1, which counts as 1: expected a number from that on',
    'WARN fromBeginning of consumer.subscribe() is "yes", which counts as true: expected true or false'
  ])
})

it.each([0, -1, 1.5])('partitionsConsumedConcurrently: %d is refused by run()', async count => {
  const consumer = createConsumer()
  await consumer.subscribe({ topics: [await createTopic()] })
  const run = consumer.run({ partitionsConsumedConcurrently: count, eachMessage: async () => {} })
  await expect(run).rejects.toMatchObject({
    name: 'KafkaJSNonRetriableError',
    message: `partitionsConsumedConcurrently must be a positive integer, received ${count}`
  })
})

it('run() without a handler makes a member that reads nothing', async () => {
  const consumer = createConsumer()
  const seen = watch(consumer)
  await consumer.subscribe({ topics: [await filled(10)], fromBeginning: true })
  await consumer.run({})
  await waitFor(() => seen.of('HEARTBEAT').length > 2)
  expect(seen.of('START_BATCH_PROCESS')).toEqual([])
})

it('a seed may be an IPv6 address', async () => {
  // Nobody listens; whether the machine has IPv6 at all does not matter.
  const kafka = createKafka({ brokers: ['[::1]:1'], retry: { retries: 0 } })
  await expect(createConsumer({ kafka }).connect()).rejects.toMatchObject({
    message: expect.stringMatching(/^Connection error: connect E\w+ (::1|\[::1\]):1/)
  })
})
