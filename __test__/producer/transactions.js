// @ts-check
'use strict'

/** What transactions do, whichever protocol their brokers speak. */

const {
  committed,
  createTopic,
  observer,
  produce,
  uniqueName,
  waitFor
} = require('../kafka/helpers')
const { createConsumer, createKafka, pause, rejection, startProducer } = require('./support')

/**
 * The values that a reader of committed messages gets, by kafkajs's consumer, up to a last message in each partition: a transaction
 * that is open would hold it up.
 * @param {string} topic with three partitions
 * @param {string[]} brokers
 */
const committedValues = async (topic, brokers) => {
  const last = uniqueName('last')
  const ends = [0, 1, 2].map(partition => ({ value: last, partition }))
  await produce(topic, ends, { brokers })
  const consumer = observer(brokers).consumer({
    groupId: uniqueName('reader'),
    maxWaitTimeInMs: 100
  })
  const values = /** @type {string[]} */ ([])
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message }) => void values.push(String(message.value))
    })
    await waitFor(() => values.filter(value => value === last).length === 3)
    return values.filter(value => !value.startsWith('last-'))
  } finally {
    await consumer.disconnect()
  }
}

/** What a second transaction rejects with. */
const ongoing = {
  name: 'KafkaJSNonRetriableError',
  message:
    'There is already an ongoing transaction for this producer. Please end the transaction before beginning another.'
}

/** @param {() => string[]} brokersOf */
const transactions = brokersOf => {
  const kafka = () => createKafka({ brokers: brokersOf() })
  const newTopic = () => createTopic({ brokers: brokersOf(), partitions: 3 })
  const start = (options = {}) =>
    startProducer({ kafka: kafka(), transactionalId: uniqueName('transaction'), ...options })
  const valuesIn = async topic => (await committedValues(topic, brokersOf())).sort()
  const offsetOf = async (groupId, topic) => (await committed(groupId, topic, brokersOf()))[0]
  const offsetsOf = async (groupId, topic) =>
    Object.values(await committed(groupId, topic, brokersOf())).join()

  it('messages count when they are committed, and not when they are aborted', async () => {
    const topic = await newTopic()
    const producer = await start()
    const endings = /** @type {const} */ (['commit', 'abort', 'commit', 'abort', 'abort', 'commit'])
    for (const [n, end] of endings.entries()) {
      const transaction = await producer.transaction()
      const messages = [0, 1, 2].map(partition => ({ value: `${n}${end}`, partition }))
      const rows = await transaction.send({ topic, messages })
      expect(rows).toHaveLength(3)
      await transaction.sendBatch({ topicMessages: [{ topic, messages }] })
      await transaction[end]()
    }
    const expected = ['0commit', '2commit', '5commit'].flatMap(value => Array(6).fill(value))
    expect(await valuesIn(topic)).toEqual(expected)
  })

  it('a transaction without messages ends without a word', async () => {
    const producer = await start()
    const asked = /** @type {string[]} */ ([])
    producer.on(producer.events.REQUEST, ({ payload }) => asked.push(payload.apiName))
    await (await producer.transaction()).commit()
    await (await producer.transaction()).abort()
    await (await producer.transaction()).commit()
    expect(asked).not.toContain('EndTxn')
  })

  it('one at a time, and none behind its end', async () => {
    const topic = await newTopic()
    const producer = await start()
    const transaction = await producer.transaction()
    expect(transaction.isActive()).toBe(true)
    await expect(producer.transaction()).rejects.toMatchObject(ongoing)
    await transaction.send({ topic, messages: [{ value: 'a' }] })
    const done = transaction.commit()
    expect(transaction.isActive()).toBe(false)
    await done
    const ended = {
      name: 'KafkaJSNonRetriableError',
      message: 'Cannot continue to use transaction once ended'
    }
    const { send, sendBatch, sendOffsets, commit, abort } = /** @type {any} */ (transaction)
    for (const method of [send, sendBatch, sendOffsets, commit, abort]) {
      await expect(method()).rejects.toMatchObject(ended)
    }
    await (await producer.transaction()).abort()
    await expect((await start({ transactionalId: undefined })).transaction()).rejects.toMatchObject(
      {
        message: 'Must provide transactional id for transactional producer'
      }
    )
  })

  it('one right behind another waits until the brokers are done with that', async () => {
    const topic = await createTopic({ brokers: brokersOf(), partitions: 20 })
    const producer = await start()
    const [consumerGroupId, count] = [uniqueName('group'), 30]
    for (let n = 1; n <= count; n++) {
      const transaction = await producer.transaction()
      const partitions = [{ partition: 0, offset: `${n}` }]
      await transaction.sendOffsets({ consumerGroupId, topics: [{ topic, partitions }] })
      const messages = Array.from({ length: 20 }, (_, partition) => ({ value: 'x', partition }))
      await transaction.send({ topic, messages })
      await transaction.commit()
    }
    await waitFor(async () => (await offsetOf(consumerGroupId, topic)) === `${count}`)
  })

  it('two calls at once begin one transaction', async () => {
    const topic = await newTopic()
    const producer = await start()
    const [first, second] = await Promise.allSettled([
      producer.transaction(),
      producer.transaction()
    ])
    expect([first.status, second.status]).toEqual(['fulfilled', 'rejected'])
    const transaction = /** @type {any} */ (first).value
    await transaction.send({ topic, messages: [{ value: 'a' }] })
    await transaction.commit()
    expect(await valuesIn(topic)).toEqual(['a'])
    expect(/** @type {any} */ (second).reason).toMatchObject(ongoing)
  })

  it('messages beside a transaction are not part of it', async () => {
    const topic = await newTopic()
    const producer = await start()
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value: 'inside', partition: 0 }] })
    await producer.send({ topic, messages: [{ value: 'beside', partition: 1 }] })
    await transaction.abort()
    expect(await valuesIn(topic)).toEqual(['beside'])
  })

  it('commit() waits for what was sent and not awaited', async () => {
    const topic = await newTopic()
    const producer = await start()
    const transaction = await producer.transaction()
    const sends = Array.from({ length: 50 }, (_, n) =>
      transaction.send({ topic, messages: [{ value: String(n) }] })
    )
    await transaction.commit()
    await Promise.all(sends)
    expect(await valuesIn(topic)).toHaveLength(50)
  })

  it('offsets count with the transaction', async () => {
    const topic = await newTopic()
    const consumerGroupId = uniqueName('group')
    const producer = await start()
    const topics = offset => [{ topic, partitions: [{ partition: 0, offset }] }]
    const first = await producer.transaction()
    await first.sendOffsets({ consumerGroupId, topics: topics('5') })
    await first.commit()
    await waitFor(async () => (await offsetOf(consumerGroupId, topic)) === '5')
    const second = await producer.transaction()
    await second.sendOffsets({ consumerGroupId, topics: topics('9') })
    await second.abort()
    await pause(200)
    expect(await offsetOf(consumerGroupId, topic)).toBe('5')
    const third = /** @type {any} */ (await producer.transaction())
    await expect(third.sendOffsets({ topics: topics('9') })).rejects.toThrow(
      'Missing consumerGroupId'
    )
    await expect(third.sendOffsets({ consumerGroupId })).rejects.toThrow('Missing offset topics')
    await third.abort()
  })

  it('no offsets are nothing: what has only these can be committed', async () => {
    const topic = await newTopic()
    const consumerGroupId = uniqueName('group')
    const transaction = await (await start()).transaction()
    await transaction.sendOffsets({ consumerGroupId, topics: [] })
    await transaction.sendOffsets({ consumerGroupId, topics: [{ topic, partitions: [] }] })
    await transaction.commit()
    expect(transaction.isActive()).toBe(false)
  })

  it('refuses an offset or a partition that is none, by name', async () => {
    const topic = await newTopic()
    const consumerGroupId = uniqueName('group')
    const transaction = /** @type {any} */ (await (await start()).transaction())
    for (const [where, text] of [
      [{ partition: 0, offset: 'NaN' }, 'Invalid offset "NaN" of partition 0'],
      [{ partition: undefined, offset: '5' }, 'Invalid partition undefined'],
      [{ partition: null, offset: '5' }, 'Invalid partition null']
    ]) {
      const offsets = { consumerGroupId, topics: [{ topic, partitions: [where] }] }
      await expect(transaction.sendOffsets(offsets)).rejects.toThrow(text)
    }
    await transaction.commit()
    expect(await offsetOf(consumerGroupId, topic)).toBe('-1')
  })

  it('a producer that was replaced is refused, for good', async () => {
    const topic = await newTopic()
    const transactionalId = uniqueName('transaction')
    const old = await start({ transactionalId })
    const abandoned = await old.transaction()
    await abandoned.send({ topic, messages: [{ value: 'old', partition: 0 }] })
    const successor = await start({ transactionalId })
    const transaction = await successor.transaction()
    await transaction.send({ topic, messages: [{ value: 'new', partition: 0 }] })
    await transaction.commit()
    const error = await rejection(abandoned.commit())
    expect(['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH']).toContain(error.type ?? error.cause?.type)
    await expect(old.transaction()).rejects.toMatchObject({
      message: expect.stringContaining(transactionalId)
    })
    await (await successor.transaction()).commit()
    expect(await valuesIn(topic)).toEqual(['new'])
  })

  it('behind an error only an abort is left, and then the next transaction', async () => {
    const topic = await newTopic()
    const producer = await start({ allowAutoTopicCreation: false, retry: { retries: 1 } })
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value: 'doomed', partition: 0 }] })
    const missing = rejection(
      transaction.send({ topic: 'no such topic', messages: [{ value: 'x' }] })
    )
    expect((await missing).message).toMatch(/invalid topic/)
    const error = await rejection(transaction.commit())
    expect(error).toMatchObject({ name: 'KafkaJSNonRetriableError', retriable: false })
    expect(error.cause).toBe(await missing)
    expect(transaction.isActive()).toBe(true)
    await transaction.abort()
    const next = await producer.transaction()
    await next.send({ topic, messages: [{ value: 'next', partition: 0 }] })
    await next.commit()
    expect(await valuesIn(topic)).toEqual(['next'])
  })

  it('disconnect() aborts what is open: its readers do not wait', async () => {
    const topic = await newTopic()
    const producer = await start()
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value: 'a', partition: 0 }] })
    await producer.disconnect()
    expect(transaction.isActive()).toBe(false)
    expect(await valuesIn(topic)).toEqual([])
  })

  it('consume, transform, produce: what is committed is not uncommitted, and a zombie is refused', async () => {
    const input = await newTopic()
    const output = await newTopic()
    const both = kafka()
    const producer = await start({ kafka: both })
    const plain = await start({ transactionalId: undefined })
    const messages = Array.from({ length: 60 }, (_, n) => ({ value: String(n), partition: n % 3 }))
    await plain.send({ topic: input, messages })
    const groupId = uniqueName('group')
    const consumer = /** @type {any} */ (createConsumer({ kafka: both, groupId }))
    const uncommitted = /** @type {number[]} */ ([])
    let old = /** @type {any} */ (null)
    await consumer.subscribe({ topics: [input], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, resolveOffset, uncommittedOffsets }) => {
        const { topic, partition } = batch
        old ??= consumer.groupMetadata()
        const transaction = /** @type {any} */ (await producer.transaction())
        await transaction.send({
          topic: output,
          messages: batch.messages.map(({ value }) => ({ value, partition }))
        })
        const offset = String(+batch.lastOffset() + 1)
        await transaction.sendOffsets({
          consumer,
          topics: [{ topic, partitions: [{ partition, offset }] }]
        })
        await transaction.commit()
        resolveOffset(batch.lastOffset())
        uncommitted.push(uncommittedOffsets().topics.length)
      }
    })
    await waitFor(async () => (await offsetsOf(groupId, input)) === '20,20,20')
    expect(await valuesIn(output)).toHaveLength(60)
    expect(uncommitted.every(count => count === 0)).toBe(true)
    // Brokers keep which leader wrote the message before it (KIP-320).
    const [first] = await consumer.committed([{ topic: input, partition: 0 }])
    expect(first).toMatchObject({ offset: '20', leaderEpoch: 0 })
    expect(old).toMatchObject({ groupId, generationId: expect.any(Number) })
    // Another member comes: the generation of the first one is over.
    const other = createConsumer({ groupId, kafka: kafka() })
    await other.subscribe({ topics: [input] })
    await other.run({ eachMessage: async () => {} })
    await waitFor(() => consumer.groupMetadata().generationId > old.generationId)
    const zombie = /** @type {any} */ (await producer.transaction())
    const refused = zombie.sendOffsets({
      consumer: { groupMetadata: () => old },
      topics: [{ topic: input, partitions: [{ partition: 0, offset: '1' }] }]
    })
    await expect(refused).rejects.toMatchObject({ type: 'ILLEGAL_GENERATION' })
    await expect(zombie.commit()).rejects.toMatchObject({ cause: { type: 'ILLEGAL_GENERATION' } })
    await zombie.abort()
    expect(() =>
      consumer.groupMetadata({ topics: [{ topic: 'other', partitions: [{ partition: 0 }] }] })
    ).toThrow(/does not have all of these partitions/)
  })
}

module.exports = { committedValues, transactions }
