// @ts-check
'use strict'

/**
 * Where the program's functions begin: in microtasks, as those of kafkajs. What they schedule by `process.nextTick`, as streams
 * do, comes after what they await, if that is there already.
 */

const { createConsumer, filled, startConsumer, waitFor } = require('./support')
const { createTopic, produce } = require('../kafka/helpers')

/** @returns {Promise<'microtask' | 'task'>} */
const place = () =>
  new Promise(resolve => {
    process.nextTick(() => resolve('task'))
    queueMicrotask(() => resolve('microtask'))
  })

it.each(['eachMessage', 'eachBatch'])('%s begins in a microtask after a wake-up', async name => {
  const topic = await createTopic()
  const places = /** @type {Promise<string>[]} */ ([])
  await startConsumer({
    topics: [topic],
    run: { eachMessage: undefined, [name]: async () => void places.push(place()) }
  })
  for (let i = 0; i < 3; i++) {
    await produce(topic, [{ value: 'x' }])
    await waitFor(() => places.length > i)
  }
  expect(await Promise.all(places)).toEqual(['microtask', 'microtask', 'microtask'])
})

it.each(
  /** @type {const} */ ([
    'CONNECT',
    'GROUP_JOIN',
    'FETCH_START',
    'FETCH',
    'START_BATCH_PROCESS',
    'END_BATCH_PROCESS',
    'COMMIT_OFFSETS',
    'HEARTBEAT',
    'STOP',
    'DISCONNECT'
  ])
)('a listener to %s begins in a microtask', async key => {
  const topic = await filled(3)
  const consumer = createConsumer({ heartbeatInterval: 50, maxWaitTimeInMs: 100 })
  const places = /** @type {Promise<string>[]} */ ([])
  consumer.on(consumer.events[key], () => void places.push(place()))
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ eachMessage: async () => {} })
  if (!['STOP', 'DISCONNECT'].includes(key)) await waitFor(() => places.length > 0)
  await consumer.disconnect()
  expect(new Set(await Promise.all(places))).toEqual(new Set(['microtask']))
})
