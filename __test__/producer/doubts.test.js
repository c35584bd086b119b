// @ts-check
'use strict'

/**
 * What was asked for may be done, whatever was answered: what programs are told of it, and what a consumer does that cannot know. The
 * proxy changes the broker's answers, or gives them in its place.
 */

const { committed, createTopic, produce, uniqueName, waitFor } = require('../kafka/helpers')
const { API, Reader, respond } = require('../kafka/protocol')
const { committedValues } = require('./transactions')
const {
  createConsumer,
  createKafka,
  createProducer,
  readLog,
  rejection,
  startProducer,
  useCluster,
  valuesOf,
  watch
} = require('./support')

const COORDINATOR_LOAD_IN_PROGRESS = 14
const INVALID_PRODUCER_EPOCH = 47
const INVALID_RECORD = 87
const PRODUCER_FENCED = 90

/** @type {import('../kafka').Cluster} */
let cluster
/** @type {import('../kafka/proxy').Proxy} */
let proxy
useCluster({ proxied: true }, own => {
  cluster = own
  proxy = cluster.proxies[0]
})

const proxied = (options = {}) =>
  createKafka({ brokers: cluster.listeners.proxied, requestTimeout: 5000, ...options })
const newTopic = () => createTopic({ partitions: 3, brokers: cluster.brokers })
/** @param {string} topic @param {string[]} values in partition 0 */
const fill = (topic, ...values) =>
  produce(
    topic,
    values.map(value => ({ value, partition: 0 })),
    { brokers: cluster.brokers }
  )
const offsetOf = async (groupId, topic) => (await committed(groupId, topic, cluster.brokers))[0]
const valuesIn = topic => committedValues(topic, cluster.brokers)

/** The end of a transaction is carried out, and answered as if it were not. @param {number} error @param {() => void} [then] */
const denyEnd = (error, then = () => {}) =>
  proxy.mutate(
    API.EndTxn,
    (_, request) => {
      then()
      return respond(request, { error })
    },
    1
  )

/** The end of a transaction never comes to the broker. @param {number} error @param {(transactionalId: string) => void} then */
const refuseEnd = (error, then) =>
  proxy.answer(
    API.EndTxn,
    request => {
      then(new Reader(request).string())
      return respond(request, { error })
    },
    1
  )

describe('a send that rejects', () => {
  it('says whether its messages may be written', async () => {
    const topic = await newTopic()
    const producer = createProducer({
      kafka: proxied({ requestTimeout: 1000 }),
      retry: { retries: 0 }
    })
    await producer.connect()
    const send = (/** @type {string} */ value) =>
      producer.send({ topic, messages: [{ value, partition: 0 }] })
    await send('first')
    proxy.answer(API.Produce, request => respond(request, { error: INVALID_RECORD }), 1)
    const refused = await rejection(send('refused'))
    expect(refused.failed).toMatchObject([{ topic, messages: [0], mayBeWritten: false }])
    proxy.mutate(API.Produce, () => {
      proxy.cut()
      return undefined
    })
    const lost = await rejection(send('lost'))
    expect(lost.failed).toMatchObject([{ topic, messages: [0], mayBeWritten: true }])
    expect(valuesOf(await readLog(topic, cluster.brokers))).toEqual(['first', 'lost'])
  })
})

/** @param {string} topic @param {string} deadLetterTopic */
const consumeWithFailures = async (topic, deadLetterTopic) => {
  const groupId = uniqueName('group')
  const consumer = createConsumer({ groupId, kafka: proxied(), maxWaitTimeInMs: 100 })
  const handled = /** @type {string[]} */ ([])
  const crashes = watch(consumer)
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run(
    /** @type {any} */ ({
      onFailure: { retries: 0, deadLetterTopic, exactlyOnce: true },
      eachMessage: async ({ message }) => {
        const value = String(message.value)
        handled.push(value)
        if (value === 'bad') throw new Error('as ever')
      }
    })
  )
  await waitFor(async () => (await offsetOf(groupId, topic)) === '3')
  expect(crashes.of('CRASH')).toEqual([])
  return handled
}

describe('onFailure with exactlyOnce', () => {
  it('goes on behind a message whose transaction was committed, although nobody said so', async () => {
    const [topic, deadLetterTopic] = [await newTopic(), await newTopic()]
    await fill(topic, 'a', 'bad', 'b')
    // Nor does the group, at first.
    denyEnd(PRODUCER_FENCED, () =>
      proxy.answer(
        API.OffsetFetch,
        request => respond(request, { whole: COORDINATOR_LOAD_IN_PROGRESS }),
        2
      )
    )
    const handled = await consumeWithFailures(topic, deadLetterTopic)
    expect(handled).toEqual(['a', 'bad', 'b'])
    expect(await valuesIn(deadLetterTopic)).toEqual(['bad'])
  })

  it('hands a message out again whose transaction was not committed', async () => {
    const [topic, deadLetterTopic] = [await newTopic(), await newTopic()]
    await fill(topic, 'a', 'bad', 'b')
    const asked = new Promise(resolve => refuseEnd(PRODUCER_FENCED, resolve))
    const handling = consumeWithFailures(topic, deadLetterTopic)
    // Whoever takes its name ends what it has left open, which takes effect in the group as well.
    const other = await startProducer({
      kafka: createKafka({ brokers: cluster.brokers }),
      transactionalId: await Promise.race([asked, handling.then(() => 'nobody')])
    })
    await (await other.transaction()).abort()
    const handled = await handling
    expect([...new Set(handled)]).toEqual(['a', 'bad', 'b'])
    // It may have taken the name from the next attempt, too.
    expect(handled.length).toBeGreaterThan(3)
    expect(await valuesIn(deadLetterTopic)).toEqual(['bad'])
  })
})

/** The program of docs/transactions.md. @param {string} input @param {string} output @param {string} groupId */
const transform = async (input, output, groupId) => {
  const kafka = proxied()
  const producer = await startProducer({ kafka, transactionalId: `${groupId}-0` })
  const consumer = /** @type {any} */ (
    createConsumer({ kafka, groupId, maxWaitTimeInMs: 100, retry: { initialRetryTime: 10 } })
  )
  const seen = watch(consumer)
  await consumer.subscribe({ topic: input, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch, resolveOffset }) => {
      const { topic, partition, messages } = batch
      const transaction = /** @type {any} */ (await producer.transaction())
      try {
        await transaction.send({
          topic: output,
          messages: messages.map(({ value }) => ({ value, partition }))
        })
        const offset = String(Number(batch.lastOffset()) + 1)
        await transaction.sendOffsets({
          consumerGroupId: groupId,
          topics: [{ topic, partitions: [{ partition, offset }] }]
        })
        await transaction.commit()
      } catch (error) {
        if (transaction.isActive()) await transaction.abort()
        throw error
      }
      resolveOffset(batch.lastOffset())
    }
  })
  return seen
}

describe('consume, transform, produce', () => {
  it('what an abort mends is done again: its error is one that a handler may throw', async () => {
    const [input, output] = [await newTopic(), await newTopic()]
    const groupId = uniqueName('group')
    await fill(input, 'a', 'b')
    const refuse = (/** @type {import('../kafka/protocol').Request} */ request) =>
      respond(request, { error: INVALID_PRODUCER_EPOCH })
    proxy.answer(API.Produce, refuse, 1)
    const seen = await transform(input, output, groupId)
    await waitFor(
      async () => seen.of('CRASH').length > 0 || (await offsetOf(groupId, input)) === '2'
    )
    expect(seen.of('CRASH')).toEqual([])
    expect(await valuesIn(output)).toEqual(['a', 'b'])
  })

  it('who cannot know whether it has committed ends, and the next one goes on where the group is', async () => {
    const [input, output] = [await newTopic(), await newTopic()]
    const groupId = uniqueName('group')
    await fill(input, 'a', 'b')
    denyEnd(PRODUCER_FENCED)
    const seen = await transform(input, output, groupId)
    await waitFor(() => seen.of('CRASH').length > 0)
    expect(seen.of('CRASH')).toMatchObject([{ restart: false, error: { retriable: false } }])
    await fill(input, 'c')
    await transform(input, output, groupId)
    await waitFor(async () => (await offsetOf(groupId, input)) === '3')
    expect(await valuesIn(output)).toEqual(['a', 'b', 'c'])
  })
})
