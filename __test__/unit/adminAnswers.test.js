// @ts-check
'use strict'

/** What the admin client makes of answers that are in another order, partial, or a broker's that cannot yet. */

const { Attempts } = require('../../src/admin/attempts')
const createGroupMethods = require('../../src/admin/groups')
const createOffsetMethods = require('../../src/admin/offsets')
const createPartitionMethods = require('../../src/admin/partitions')
const createQuotaMethods = require('../../src/admin/quotas')
const createTopicMethods = require('../../src/admin/topics')
const createTransactionMethods = require('../../src/admin/transactions')
const createUserMethods = require('../../src/admin/users')
const { ScramMechanisms } = require('../../src/enums')
const { KafkaJSConnectionClosedError } = require('../../src/errors')

const NOT_CONTROLLER = 41
const CLUSTER_AUTHORIZATION_FAILED = 31

/** @param {any} client what the engine answers @param {(frame: any) => any} create */
const methodsOf = (client, create) => {
  const { signal } = new AbortController()
  const warnings = /** @type {any[]} */ ([])
  const logger = { warn: (message, extra) => warnings.push({ message, ...extra }) }
  const cluster = {
    closed: { signal },
    reopen: () => {},
    connected: async () => client,
    untilDisconnected: work => work(signal),
    targetTopics: new Set(),
    brokerPool: {
      ask: async ([topic]) => ({
        topicMetadata: [
          {
            topic,
            topicErrorCode: 0,
            partitionMetadata: [0, 1, 2].map(partitionId => ({ partitionId, leader: 1 }))
          }
        ]
      })
    }
  }
  const retry = { initialRetryTime: 1, retries: 3 }
  const attempts = new Attempts(/** @type {any} */ ({ cluster, retry, logger }))
  return { ...create({ cluster, attempts, logger }), warnings }
}

/** Of one broker, for all parts. */
const toldBy = (parts, answer) => [
  { broker: 1, parts: parts.map((_, i) => i), failure: null, answer }
]

it('deleteTopicRecords warns of the partition whose records are gone, in whichever order a broker answers', async () => {
  const lows = ['0', '10', '0']
  const rowsOf = (parts, offsetOf) =>
    parts
      .map(({ topic, partition }) => ({
        topic,
        partition,
        errorCode: 0,
        offset: offsetOf(partition)
      }))
      .reverse()
  const methods = methodsOf(
    {
      listPartitionOffsets: async parts =>
        toldBy(
          parts,
          rowsOf(parts, partition => lows[partition])
        ),
      deleteRecords: async parts =>
        toldBy(
          parts,
          rowsOf(parts, () => '5')
        )
    },
    createPartitionMethods
  )
  const partitions = [1, 2].map(partition => ({ partition, offset: '5' }))
  await methods.deleteTopicRecords({ topic: 't', partitions })
  expect(methods.warnings).toEqual([
    expect.objectContaining({ topic: 't', partition: 1, offset: '5' })
  ])
})

it('fetchTopicOffsetsByTimestamp leaves nothing out that is written while it asks', async () => {
  let end = 7
  const methods = methodsOf(
    {
      listPartitionOffsets: async parts => {
        const isOfEnd = parts[0].offset === '-1'
        // Each question finds its way by itself: the first one may arrive behind the second.
        if (isOfEnd) await new Promise(resolve => setTimeout(resolve, 5))
        const offset = isOfEnd ? end : end > 7 ? 7 : -1
        // The next record, which is not older.
        end = 8
        return toldBy(
          parts,
          parts.map(({ topic, partition }) => ({
            topic,
            partition,
            errorCode: 0,
            offset: String(offset)
          }))
        )
      }
    },
    createPartitionMethods
  )
  const offsets = await methods.fetchTopicOffsetsByTimestamp('t', 1000)
  expect(offsets.map(({ offset }) => offset)).toEqual(['7', '7', '7'])
})

describe('what a controller that is none any more has refused is asked of the next one', () => {
  it('credentials, of those users alone', async () => {
    const asked = /** @type {any[]} */ ([])
    const answers = [{ a: 0, b: NOT_CONTROLLER }, { b: 0 }]
    const methods = methodsOf(
      {
        alterScramCredentials: async (deletions, upsertions) => {
          asked.push([...deletions, ...upsertions].map(({ name }) => name))
          return Object.entries(answers[asked.length - 1]).map(([name, errorCode]) => ({
            name,
            errorCode,
            errorMessage: null
          }))
        }
      },
      createUserMethods
    )
    const mechanism = ScramMechanisms.SCRAM_SHA_256
    await methods.alterUserScramCredentials({
      upsertions: [{ user: 'a', mechanism, password: 'x' }],
      deletions: [{ user: 'b', mechanism }]
    })
    expect(asked).toEqual([['b', 'a'], ['b']])
  })

  it('quotas, of those entities alone', async () => {
    const asked = /** @type {any[]} */ ([])
    const codes = [{ a: NOT_CONTROLLER, b: 0, c: CLUSTER_AUTHORIZATION_FAILED }, { a: 0 }]
    const methods = methodsOf(
      {
        alterQuotas: async wanted => {
          asked.push(wanted.map(({ entity }) => entity[0].name))
          const ofThis = codes[asked.length - 1]
          return wanted
            .map(({ entity }) => ({
              errorCode: ofThis[entity[0].name],
              errorMessage: 'no',
              entity
            }))
            .reverse()
        }
      },
      createQuotaMethods
    )
    const quotas = ['a', 'b', 'c'].map(user => ({ entity: { user }, values: { rate: 1 } }))
    const error = await methods.alterClientQuotas({ quotas }).catch(e => e)
    expect(asked).toEqual([['a', 'b', 'c'], ['a']])
    expect(error.errors.map(({ type, entity }) => [type, entity])).toEqual([
      ['CLUSTER_AUTHORIZATION_FAILED', { user: 'c' }]
    ])
  })
})

it('topics that were made are made, although a broker that is asked for their leaders breaks off', async () => {
  const methods = methodsOf(
    { createTopics: async ([{ name }]) => [{ name, errorCode: 0, errorMessage: null }] },
    frame => {
      const { ask } = frame.cluster.brokerPool
      const answers = [new KafkaJSConnectionClosedError('Closed connection'), null]
      frame.cluster.brokerPool.ask = async topics => {
        const error = answers.shift()
        if (error) throw error
        return ask(topics)
      }
      return createTopicMethods(frame)
    }
  )
  expect(await methods.createTopics({ topics: [{ topic: 't' }] })).toBe(true)
})

it('a group that an answer leaves out is refused as unknown', async () => {
  const methods = methodsOf(
    { fetchGroupOffsets: async groups => toldBy(groups, [{ errorCode: 0, partitions: [] }]) },
    createOffsetMethods
  )
  const error = await methods.fetchOffsets({ groupIds: ['a', 'b'] }).catch(e => e)
  expect(error).toMatchObject({ name: 'KafkaJSProtocolError', type: 'UNKNOWN', groupId: 'b' })
})

it.each([
  [
    'does not answer',
    { failure: { failure: 'closed', message: 'Closed connection' }, answer: null }
  ],
  ['refuses', { failure: null, answer: { errorCode: CLUSTER_AUTHORIZATION_FAILED, groups: [] } }]
])('listGroups rejects when a broker %s, and has the groups of the others', async (_, silent) => {
  const groups = [{ groupId: 'a', protocolType: 'consumer', state: 'Stable', type: 'classic' }]
  const told = [
    { broker: 1, parts: [0], failure: null, answer: { errorCode: 0, groups } },
    { broker: 2, parts: [0], ...silent }
  ]
  const methods = methodsOf({ listGroups: async () => told }, createGroupMethods)
  const error = await methods.listGroups().catch(e => e)
  expect(error).toBeInstanceOf(Error)
  expect(error.groups).toEqual([{ groupId: 'a', protocolType: 'consumer' }])
})

describe('what two brokers tell, as while its coordinator moves, is there once', () => {
  /** @param {(what: string) => any} answerOf */
  const toldByTwo = answerOf => [
    { broker: 1, parts: [0], failure: null, answer: answerOf('a') },
    { broker: 2, parts: [0], failure: null, answer: answerOf('b') }
  ]

  it('a group', async () => {
    const one = groupId => ({ groupId, protocolType: 'consumer', state: 'Stable', type: 'classic' })
    const told = toldByTwo(own => ({ errorCode: 0, groups: [one(own), one('both')] }))
    const methods = methodsOf({ listGroups: async () => told }, createGroupMethods)
    const { groups } = await methods.listGroups()
    expect(groups.map(({ groupId }) => groupId)).toEqual(['a', 'both', 'b'])
  })

  it('a transaction', async () => {
    const one = transactionalId => ({ transactionalId, producerId: '1', state: 'Ongoing' })
    const told = toldByTwo(own => ({
      errorCode: 0,
      unknownStates: [],
      transactions: [one(own), one('both')]
    }))
    const methods = methodsOf({ listTransactions: async () => told }, createTransactionMethods)
    const { transactions } = await methods.listTransactions()
    expect(transactions.map(({ transactionalId }) => transactionalId)).toEqual(['a', 'both', 'b'])
  })
})
