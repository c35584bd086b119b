// @ts-check
'use strict'

/** Transactions are listed and described, and hanging ones aborted. */

const kafkajs = require('kafkajs')
const { createTopic, sharedCluster, uniqueName } = require('../kafka/helpers')
const { createAdmin, errorOf, waitFor } = require('./support')

const admin = createAdmin()

/** A transaction of kafkajs's that has written two messages and stays open. */
const openTransaction = async topic => {
  const transactionalId = uniqueName('transaction')
  const { brokers } = sharedCluster()
  const producer = new kafkajs.Kafka({ brokers, logLevel: 0 }).producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner
  })
  await producer.connect()
  const transaction = await producer.transaction()
  const messages = ['a', 'b'].map(value => ({ partition: 0, value }))
  await transaction.send({ topic, messages })
  return { transactionalId, producer, transaction }
}

const producersOf = async topic => {
  const { partitions } = await admin.describeProducers({ topics: [{ topic, partitions: [0] }] })
  return partitions[0].producers
}

/** The next offset for who reads committed messages only. */
const stableEnd = async topic => {
  const [{ partitions }] = await admin.listOffsets({
    topics: [{ topic, partitions: [{ partition: 0 }] }],
    readUncommitted: false
  })
  return partitions[0].offset
}

it('an open one is listed, described and found where it has written', async () => {
  const topic = await createTopic()
  const { transactionalId, producer, transaction } = await openTransaction(topic)
  const { transactions } = await admin.listTransactions({ states: ['Ongoing'] })
  const found = transactions.find(listed => listed.transactionalId === transactionalId)
  expect(found).toEqual({ transactionalId, producerId: expect.any(String), state: 'Ongoing' })
  const { producerId } = found
  const described = await admin.describeTransactions([transactionalId])
  expect(described).toEqual({
    transactions: [
      {
        transactionalId,
        state: 'Ongoing',
        timeout: 60000,
        startTime: expect.stringMatching(/^\d+$/),
        producerId,
        producerEpoch: 0,
        topics: [{ topic, partitions: [0] }]
      }
    ]
  })
  expect(await producersOf(topic)).toEqual([
    expect.objectContaining({ producerId, lastSequence: 1, currentTransactionStartOffset: '0' })
  ])
  const some = await admin.listTransactions({ producerIds: [producerId] })
  expect(some.transactions).toEqual([found])
  const long = await admin.listTransactions({ producerIds: [producerId], duration: 3_600_000 })
  expect(long.transactions).toEqual([])
  await transaction.commit()
  await waitFor(async () => (await producersOf(topic))[0].currentTransactionStartOffset === null)
  await producer.disconnect()
})

it('one that hangs is aborted in its partition, and does not hold readers back any more', async () => {
  const topic = await createTopic()
  const { producer } = await openTransaction(topic)
  expect(await stableEnd(topic)).toBe('0')
  for (const wrong of [{ startOffset: '1' }, { startOffset: 0, producerId: '999999' }]) {
    const error = await errorOf(admin.abortTransaction({ topic, partition: 0, ...wrong }))
    expect(error.message).toMatch(/^There is no open transaction .* in partition 0 of topic/)
  }
  expect(await stableEnd(topic)).toBe('0')
  expect(await admin.abortTransaction({ topic, partition: 0, startOffset: '0' })).toBeUndefined()
  await waitFor(async () => (await stableEnd(topic)) === '3')
  expect(await producersOf(topic)).toEqual([
    expect.objectContaining({ currentTransactionStartOffset: null })
  ])
  await producer.disconnect()
})

it.each([
  [{ topic: '' }, 'Invalid topic '],
  [{ topic: 't', partition: 'x' }, 'Invalid partition "x"'],
  [
    { topic: 't', partition: 0 },
    'Invalid transaction, it has to have a startOffset or a producerId'
  ]
])('refuses to abort %j', async (options, message) => {
  const error = await errorOf(admin.abortTransaction(options))
  expect([error.name, error.message]).toEqual(['KafkaJSNonRetriableError', message])
})

it('one that nobody knows is an error that names it', async () => {
  const transactionalId = uniqueName('nobody')
  expect(await errorOf(admin.describeTransactions([transactionalId]))).toMatchObject({
    type: 'TRANSACTIONAL_ID_NOT_FOUND',
    transactionalId
  })
  expect((await errorOf(admin.listTransactions({ states: ['Odd'] }))).message).toMatch(
    'the broker does not know: Odd'
  )
})
