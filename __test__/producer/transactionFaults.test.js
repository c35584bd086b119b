// @ts-check
'use strict'

/**
 * What passes is waited for: each request of a transaction is refused for a while, or its answer is lost, by both protocols. What kafkajs
 * gives up at the first such answer; behind a commit that fails its producer begins no transaction any more.
 */

const { family, longSpec } = require('../ci/soak')
const { committed, createTopic, uniqueName } = require('../kafka/helpers')
const { API, respond } = require('../kafka/protocol')
const { committedValues } = require('./transactions')
const { createKafka, rejection, startProducer, useCluster } = require('./support')

const COORDINATOR_LOAD_IN_PROGRESS = 14
const COORDINATOR_NOT_AVAILABLE = 15
const NOT_COORDINATOR = 16
const CONCURRENT_TRANSACTIONS = 51
const TRANSACTION_ABORTABLE = 120

/** What passes, for the coordinators of transactions and of groups. */
const PASSING = [COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR]

describe.each([[1], [2]])('transactions of protocol %i', version => {
  /** @type {import('../kafka').Cluster} */
  let cluster
  /** @type {import('../kafka/proxy').Proxy} */
  let proxy
  useCluster({ proxied: true, features: { 'transaction.version': version } }, own => {
    cluster = own
    proxy = own.proxies[0]
  })

  /**
   * How a request fails twice, by name; each says how often it did.
   * @type {Record<string, (apiKey: number) => () => number>}
   */
  const misfortunes = {
    'is refused': apiKey => {
      const codes = [...PASSING, CONCURRENT_TRANSACTIONS]
      let count = 0
      proxy.answer(
        apiKey,
        request => respond(request, { error: codes[count++] }),
        apiKey === API.TxnOffsetCommit ? PASSING.length : codes.length
      )
      return () => count
    },
    'is carried out, and refused nevertheless': apiKey => {
      let count = 0
      proxy.mutate(apiKey, (_, request) => respond(request, { error: PASSING[count++] }), 2)
      return () => count
    },
    'does not arrive': apiKey => {
      const { cut, count } = cutTwice()
      proxy.answer(apiKey, cut)
      return count
    },
    'is carried out, and its answer is lost': apiKey => {
      const { cut, count } = cutTwice()
      proxy.mutate(apiKey, cut)
      return count
    }
  }

  /** What breaks the connection, and how often it has. */
  const cutTwice = () => {
    let count = 0
    const cut = () => {
      if (count < 2) {
        count++
        proxy.cut()
      }
      return undefined
    }
    return { cut, count: () => count }
  }

  const start = (options = {}) =>
    startProducer({
      kafka: createKafka({ brokers: cluster.listeners.proxied, requestTimeout: 5000 }),
      transactionalId: uniqueName('transaction'),
      ...options
    })

  /** A transaction with a message and an offset. */
  const begin = async ({ producer, topic, groupId, value }) => {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value, partition: 0 }] })
    await transaction.sendOffsets({
      consumerGroupId: groupId,
      topics: [{ topic, partitions: [{ partition: 0, offset: value }] }]
    })
    return transaction
  }

  const place = async () => ({
    topic: await createTopic({ partitions: 3, brokers: cluster.brokers }),
    groupId: uniqueName('group')
  })
  const valuesIn = topic => committedValues(topic, cluster.brokers)
  const offsetOf = async ({ groupId, topic }) =>
    (await committed(groupId, topic, cluster.brokers))[0]

  const apis = ['InitProducerId', 'TxnOffsetCommit', 'EndTxn']
  // By the second protocol brokers take partitions and groups into a transaction by themselves.
  if (version === 1) apis.push('AddPartitionsToTxn', 'AddOffsetsToTxn')
  const cases = apis.flatMap(api => Object.keys(misfortunes).map(how => [api, how]))

  // How a transaction ends is the heart of it; the others are asked by the same rules.
  family(cases, (api, how) => api === 'EndTxn' || how === 'is refused')(
    '%s that %s is asked again',
    async (api, how) => {
      const where = await place()
      const producer = await start()
      const failed = misfortunes[how](API[api])
      await (await begin({ producer, ...where, value: '1' })).commit()
      expect(failed()).toBeGreaterThan(1)
      await proxy.heal()
      await (await begin({ producer, ...where, value: '2' })).abort()
      await (await begin({ producer, ...where, value: '3' })).commit()
      expect(await valuesIn(where.topic)).toEqual(['1', '3'])
      expect(await offsetOf(where)).toBe('3')
    }
  )

  const hows = Object.keys(misfortunes).map(how => [how])
  family(hows, how => how !== 'does not arrive' && how !== 'is refused')(
    'an abort that %s is asked again',
    async how => {
      const where = await place()
      const producer = await start()
      const transaction = await begin({ producer, ...where, value: '1' })
      const failed = misfortunes[how](API.EndTxn)
      await transaction.abort()
      expect(failed()).toBeGreaterThan(1)
      await (await begin({ producer, ...where, value: '2' })).commit()
      expect(await valuesIn(where.topic)).toEqual(['2'])
      expect(await offsetOf(where)).toBe('2')
    }
  )

  it('a commit that is refused leaves an abort, and then the next transaction', async () => {
    const where = await place()
    const producer = await start()
    const transaction = await begin({ producer, ...where, value: '1' })
    proxy.answer(API.EndTxn, request => respond(request, { error: TRANSACTION_ABORTABLE }), 1)
    expect(await rejection(transaction.commit())).toMatchObject({ type: 'TRANSACTION_ABORTABLE' })
    await transaction.abort()
    await (await begin({ producer, ...where, value: '2' })).commit()
    expect(await valuesIn(where.topic)).toEqual(['2'])
  })

  longSpec(
    'behind a commit that is never answered as done comes the next transaction',
    async () => {
      const where = await place()
      const producer = await start()
      const transaction = await begin({ producer, ...where, value: '1' })
      proxy.mutate(API.EndTxn, (_, request) =>
        respond(request, { error: COORDINATOR_LOAD_IN_PROGRESS })
      )
      const error = await rejection(transaction.commit())
      expect(error).toMatchObject({
        name: 'KafkaJSNonRetriableError',
        message: expect.stringContaining('does not answer')
      })
      expect(transaction.isActive()).toBe(false)
      await proxy.heal()
      await (await begin({ producer, ...where, value: '2' })).commit()
      // The end that nobody answered was found out first.
      expect(await valuesIn(where.topic)).toEqual(['1', '2'])
      expect(await offsetOf(where)).toBe('2')
    }
  )
})
