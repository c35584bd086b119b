// @ts-check
'use strict'

/** What programs are used to do, put together as they do it: options as text, and recipes of kafkajs's documentation. */

const { committed, createTopic, observer, produce, uniqueName } = require('../kafka/helpers')
const {
  createConsumer,
  createKafka,
  defer,
  numbered,
  startConsumer,
  upTo,
  waitFor
} = require('./support')

it('options come from the environment, as text', async () => {
  const topic = await createTopic({ partitions: 3 })
  await produce(topic, numbered(30, { partitions: 3 }))
  const kafka = createKafka(
    /** @type {any} */ ({ connectionTimeout: '3000', retry: { retries: '3', factor: '0.1' } })
  )
  const { groupId, messages } = await startConsumer(
    /** @type {any} */ ({
      kafka,
      topics: [topic],
      fromBeginning: 'true',
      sessionTimeout: '10000',
      rebalanceTimeout: '20000',
      heartbeatInterval: '1000',
      metadataMaxAge: '60000',
      maxBytesPerPartition: '100000',
      minBytes: '1',
      maxBytes: '1000000',
      maxWaitTimeInMs: '200',
      maxInFlightRequests: '5',
      retry: { retries: '3', initialRetryTime: '10' },
      run: {
        autoCommit: 'true',
        autoCommitInterval: '50',
        autoCommitThreshold: '10',
        partitionsConsumedConcurrently: '3'
      }
    })
  )
  await waitFor(() => messages.length === 30)
  await waitFor(async () => Object.values(await committed(groupId, topic)).join() === '10,10,10')
})

it('the messages of a batch are handled at once, and the batch is committed by hand', async () => {
  const topic = await createTopic({ partitions: 2 })
  await produce(topic, numbered(100, { partitions: 2 }))
  const groupId = uniqueName('group')
  const consumer = createConsumer({ groupId })
  const seen = new Set()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: 2,
    eachBatch: async ({ batch, heartbeat }) => {
      const { partition } = batch
      await Promise.all(
        batch.messages.map(async ({ value }, i) => {
          await new Promise(resolve => setTimeout(resolve, i % 3))
          seen.add(Number(value))
          await heartbeat()
        })
      )
      const offset = String(BigInt(batch.lastOffset()) + 1n)
      await consumer.commitOffsets([{ topic, partition, offset }])
    }
  })
  await waitFor(async () => Object.values(await committed(groupId, topic)).join() === '50,50')
  expect(seen).toEqual(new Set(upTo(100)))
})

it('a group reads again from an offset that it seeks whenever it has joined', async () => {
  const topic = await createTopic()
  await produce(topic, numbered(10))
  const consumer = createConsumer()
  const values = /** @type {number[]} */ ([])
  consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment } }) => {
    for (const partition of memberAssignment[topic]) {
      consumer.seek({ topic, partition, offset: '7' })
    }
  })
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => void values.push(Number(message.value))
  })
  await waitFor(() => values.includes(9))
  expect(values.slice(-3)).toEqual([7, 8, 9])
})

it('consume, process, produce: output and offsets in one transaction of a producer of kafkajs', async () => {
  const [input, output] = [await createTopic(), await createTopic()]
  await produce(input, numbered(50))
  const groupId = uniqueName('group')
  const consumer = createConsumer({ groupId })
  const producer = observer().producer({
    transactionalId: uniqueName('tx'),
    idempotent: true,
    maxInFlightRequests: 1
  })
  await producer.connect()
  const done = defer()
  let attempts = 0
  await consumer.subscribe({ topics: [input], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset, uncommittedOffsets }) => {
      const transaction = await producer.transaction()
      try {
        const messages = batch.messages.map(({ value }) => ({ value }))
        await transaction.send({ topic: output, messages })
        if (++attempts === 1) throw new Error('the first attempt')
        for (const { offset } of batch.messages) resolveOffset(offset)
        const { topics } = uncommittedOffsets()
        await transaction.sendOffsets({ consumerGroupId: groupId, topics })
        await transaction.commit()
      } catch (error) {
        await transaction.abort()
        throw error
      }
      if (batch.lastOffset() === '49') done.resolve()
    }
  })
  await done.promise
  await consumer.disconnect()
  await producer.disconnect()
  expect(await committed(groupId, input)).toEqual({ 0: '50' })
  const { messages } = await startConsumer({ topics: [output] })
  await waitFor(() => messages.length >= 50)
  expect(messages.map(({ value }) => Number(value))).toEqual(upTo(50))
})

it('a program that exits on CRASH: no restart when restartOnFailure says so', async () => {
  const topic = await createTopic()
  await produce(topic, numbered(1))
  const consumer = createConsumer({
    retry: { initialRetryTime: 10, retries: 1, restartOnFailure: async () => false }
  })
  const crash = defer()
  consumer.on(consumer.events.CRASH, async ({ payload }) => {
    await consumer.disconnect()
    crash.resolve(payload)
  })
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    eachMessage: async () => {
      throw new Error('the database is down')
    }
  })
  expect(await crash.promise).toMatchObject({
    error: { name: 'KafkaJSNumberOfRetriesExceeded', message: 'the database is down' },
    restart: false
  })
})
