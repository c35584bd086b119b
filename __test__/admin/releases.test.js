// @ts-check
'use strict'

/**
 * Brokers of former releases: every method is asked in their own versions, its answer is understood, and what they cannot do is an error
 * that names it. One broker behind a proxy, which makes it say that it speaks as they do: it still knows how.
 */

const { createTopic, produce, uniqueName } = require('../kafka/helpers')
const { createAdmin, errorOf, eventually, topicRule, useCluster, waitFor } = require('./support')

const API_VERSIONS = 18

/**
 * What brokers speak of what admin clients ask, highest versions: API → of each release in turn; null = it is not there.
 * @type {Record<number, (number | null)[]>}
 */
const VERSIONS = {
  2: [4, 5, 6, 7, 9], // ListOffsets
  3: [7, 9, 11, 12, 12], // Metadata
  8: [6, 8, 8, 8, 9], // OffsetCommit
  9: [5, 6, 7, 8, 9], // OffsetFetch
  10: [2, 3, 3, 4, 6], // FindCoordinator
  13: [2, 4, 4, 5, 5], // LeaveGroup
  15: [2, 5, 5, 5, 5], // DescribeGroups
  16: [2, 3, 4, 4, 5], // ListGroups
  19: [3, 5, 7, 7, 7], // CreateTopics
  20: [3, 4, 6, 6, 6], // DeleteTopics
  21: [1, 1, 2, 2, 2], // DeleteRecords
  27: [0, 0, 1, 1, 1], // WriteTxnMarkers
  29: [1, 1, 2, 3, 3], // DescribeAcls
  30: [1, 1, 2, 3, 3], // CreateAcls
  31: [1, 1, 2, 3, 3], // DeleteAcls
  32: [2, 2, 4, 4, 4], // DescribeConfigs
  33: [1, 1, 2, 2, 2], // AlterConfigs
  35: [1, 1, 2, 4, 4], // DescribeLogDirs
  37: [1, 1, 3, 3, 3], // CreatePartitions
  42: [1, 2, 2, 2, 2], // DeleteGroups
  43: [null, 2, 2, 2, 2], // ElectLeaders
  44: [null, 1, 1, 1, 1], // IncrementalAlterConfigs
  45: [null, 0, 0, 0, 0], // AlterPartitionReassignments
  46: [null, 0, 0, 0, 0], // ListPartitionReassignments
  47: [null, 0, 0, 0, 0], // OffsetDelete
  48: [null, null, 1, 1, 1], // DescribeClientQuotas
  49: [null, null, 1, 1, 1], // AlterClientQuotas
  50: [null, null, 0, 0, 0], // DescribeUserScramCredentials
  51: [null, null, 0, 0, 0], // AlterUserScramCredentials
  60: [null, null, 0, 0, 1], // DescribeCluster
  61: [null, null, 0, 0, 0], // DescribeProducers
  65: [null, null, null, 0, 0], // DescribeTransactions
  66: [null, null, null, 0, 1], // ListTransactions
  69: [null, null, null, null, 0] // ConsumerGroupDescribe
}

const RELEASES = ['2.1', '2.4', '2.8', '3.3', '3.9']

/** @param {string} release @returns {Record<number, number>} */
const versionsOf = release =>
  Object.fromEntries(
    Object.entries(VERSIONS).flatMap(([key, versions]) => {
      const highest = versions[RELEASES.indexOf(release)]
      return highest === null ? [] : [[key, highest]]
    })
  )

/** @type {import('../kafka').Cluster} */
let cluster
/** @type {import('../kafka/proxy').Proxy} */
let proxy
/** With two partitions of two messages. */
let topic

const config = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS'
}

useCluster({ proxied: true, config }, async started => {
  cluster = started
  proxy = started.proxies[0]
  const { brokers } = cluster
  topic = await createTopic({ partitions: 2, brokers })
  const messages = [0, 1].flatMap(partition => [
    { partition, value: 'a' },
    { partition, value: 'b' }
  ])
  await produce(topic, messages, { brokers })
  // The topics of the coordinators are made when somebody asks for these. (kafkajs cannot ask for transactions.)
  const admin = createAdmin({ brokers })
  await admin.describeGroups(['any'])
  await admin.describeTransactions?.(['any']).catch(() => {})
})

/** As a broker of that release would tell it: all fields of an entry have fixed sizes. */
const asOf = versions => (frame, request) => {
  const changed = Buffer.from(frame)
  const isCompact = request.version >= 3
  const [first, size] = isCompact ? [11, 7] : [14, 6]
  const length = isCompact ? changed[10] - 1 : changed.readInt32BE(10)
  for (let at = first; at < first + length * size; at += size) {
    const key = changed.readInt16BE(at)
    // What the client needs before it asks for anything.
    if (key === API_VERSIONS) continue
    if (!(key in versions)) changed.writeInt16BE(9000 + key, at)
    else changed.writeInt16BE(Math.min(versions[key], changed.readInt16BE(at + 4)), at + 4)
  }
  return changed
}

/** An admin client of such a broker, and the versions that it has asked for, by API. */
const createFor = release => {
  proxy.mutate(API_VERSIONS, asOf(versionsOf(release)))
  const admin = createAdmin({ brokers: cluster.listeners.proxied })
  const asked = new Map()
  admin.on(admin.events.REQUEST, ({ payload: { apiKey, apiVersion } }) =>
    asked.set(apiKey, apiVersion)
  )
  return { admin, asked }
}

const resources = (name, more) => ({ resources: [{ type: 2, name, ...more }] })
const configEntries = [{ name: 'retention.ms', value: '360000000' }]
const at = (partition, more = {}) => ({ topic, partitions: [{ partition, ...more }] })
const offsetsOf = async (admin, which) =>
  (await admin.listOffsets({ topics: [at(0, { timestamp: which })] }))[0].partitions[0]

/**
 * Each method: which API in which version it takes, beyond what every release has; how it is called (`name` is new), and what it answers.
 * @type {Record<string, { needs?: [key: number, version?: number], call: (admin: any, name: string) => any, answers: any }>}
 */
const METHODS = {
  'listTopics()': {
    call: async admin => (await admin.listTopics()).includes(topic),
    answers: true
  },
  'createTopics(), deleteTopics()': {
    call: async (admin, name) => {
      const topics = [{ topic: name, numPartitions: 1, replicationFactor: 1, configEntries }]
      const made = [await admin.createTopics({ topics }), await admin.createTopics({ topics })]
      await admin.deleteTopics({ topics: [name] })
      return made
    },
    answers: [true, false]
  },
  'createPartitions()': {
    call: async (admin, name) => {
      await createTopic({ topic: name, brokers: cluster.brokers })
      await admin.createPartitions({ topicPartitions: [{ topic: name, count: 2 }] })
      await waitFor(async () => (await admin.fetchTopicOffsets(name)).length === 2)
    },
    answers: undefined
  },
  'fetchTopicMetadata()': {
    call: async admin => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions,
    answers: [expect.objectContaining({ leader: 1 }), expect.objectContaining({ leader: 1 })]
  },
  'fetchTopicOffsets()': {
    call: async admin => (await admin.fetchTopicOffsets(topic)).map(({ high }) => high),
    answers: ['2', '2']
  },
  'fetchTopicOffsetsByTimestamp()': {
    call: async admin =>
      (await admin.fetchTopicOffsetsByTimestamp(topic, 5)).map(({ offset }) => offset),
    answers: ['0', '0']
  },
  'listOffsets()': {
    call: admin => offsetsOf(admin, 'latest'),
    answers: expect.objectContaining({ offset: '2' })
  },
  'listOffsets() by the largest timestamp': {
    needs: [2, 7],
    call: async admin => {
      const { error, offset } = await offsetsOf(admin, 'maxTimestamp')
      if (error) throw error
      return offset
    },
    answers: expect.any(String)
  },
  'deleteTopicRecords()': {
    call: admin => admin.deleteTopicRecords(at(0, { offset: '0' })),
    answers: undefined
  },
  'describeConfigs()': {
    call: async admin => {
      const told = await admin.describeConfigs({
        ...resources(topic, { configNames: ['retention.ms'] }),
        includeSynonyms: true
      })
      return told.resources[0].configEntries
    },
    answers: [expect.objectContaining({ configName: 'retention.ms', configValue: '604800000' })]
  },
  'alterConfigs()': {
    call: async (admin, name) => {
      await createTopic({ topic: name, brokers: cluster.brokers })
      return (await admin.alterConfigs(resources(name, { configEntries }))).resources[0].errorCode
    },
    answers: 0
  },
  'incrementalAlterConfigs()': {
    needs: [44],
    call: async (admin, name) => {
      await createTopic({ topic: name, brokers: cluster.brokers })
      const told = await admin.incrementalAlterConfigs(resources(name, { configEntries }))
      return told.resources[0].errorCode
    },
    answers: 0
  },
  'describeCluster()': {
    call: async admin => (await admin.describeCluster()).brokers.map(({ nodeId }) => nodeId),
    answers: [1]
  },
  'describeCluster() with brokers that are shut out': {
    needs: [60, 2],
    call: admin => admin.describeCluster({ includeFencedBrokers: true }),
    answers: expect.anything()
  },
  'describeLogDirs()': {
    call: async admin => {
      const { brokers } = await admin.describeLogDirs({ topics: [{ topic, partitions: [0] }] })
      const [{ totalBytes, isCordoned, topics }] = brokers[0].logDirs
      const hasSizes = brokers[0].error === null && topics[0].partitions[0].size > 0
      // What is not told is not made up.
      return [hasSizes, totalBytes === null || totalBytes > 0, isCordoned]
    },
    answers: [true, true, null]
  },
  'alterPartitionReassignments()': {
    needs: [45],
    call: admin =>
      admin.alterPartitionReassignments({
        topics: [{ topic, partitionAssignment: [{ partition: 0, replicas: [1] }] }]
      }),
    answers: undefined
  },
  'listPartitionReassignments()': {
    needs: [46],
    call: admin => admin.listPartitionReassignments({ topics: [{ topic, partitions: [0] }] }),
    answers: { topics: [] }
  },
  'electLeaders()': {
    needs: [43],
    call: admin => admin.electLeaders({ topics: [{ topic, partitions: [0] }] }),
    answers: [{ topic: expect.any(String), partition: 0, elected: false }]
  },
  'setOffsets(), fetchOffsets()': {
    call: async (admin, groupId) => {
      await admin.setOffsets({ groupId, ...at(0, { offset: '1', metadata: 'm' }) })
      const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] })
      return partitions
    },
    answers: [
      { partition: 0, offset: '1', metadata: 'm' },
      { partition: 1, offset: '-1', metadata: null }
    ]
  },
  'fetchOffsets() of several groups': {
    call: async (admin, groupId) => {
      await admin.resetOffsets({ groupId, topic, earliest: true, resolve: true })
      const groupIds = [groupId, `${groupId}-none`]
      return (await admin.fetchOffsets({ groupIds })).map(({ topics }) => topics.length)
    },
    answers: [1, 0]
  },
  'groupLag()': {
    call: async (admin, groupId) => {
      await admin.setOffsets({ groupId, ...at(0, { offset: '1' }) })
      return (await admin.groupLag(groupId)).map(({ lag }) => lag)
    },
    answers: ['1']
  },
  'deleteConsumerGroupOffsets()': {
    needs: [47],
    call: async (admin, groupId) => {
      await admin.setOffsets({ groupId, ...at(0, { offset: '1' }) })
      return admin.deleteConsumerGroupOffsets({ groupId, topics: [{ topic, partitions: [0] }] })
    },
    answers: [{ topic: expect.any(String), partition: 0 }]
  },
  'listGroups(), describeGroups(), deleteGroups()': {
    call: async (admin, groupId) => {
      await admin.setOffsets({ groupId, ...at(0, { offset: '1' }) })
      const { groups } = await admin.listGroups()
      const described = await admin.describeGroups([groupId, `${groupId}-none`])
      return [
        groups.some(group => group.groupId === groupId),
        ...described.groups.map(({ state }) => state),
        ...(await admin.deleteGroups([groupId]))
      ]
    },
    answers: [true, 'Empty', 'Dead', { groupId: expect.any(String), errorCode: 0 }]
  },
  'listGroups() by states': {
    needs: [16, 4],
    call: async admin => (await admin.listGroups({ states: ['Stable'] })).groups,
    answers: []
  },
  'listGroups() by types': {
    needs: [16, 5],
    call: async admin => (await admin.listGroups({ types: ['share'] })).groups,
    answers: []
  },
  'removeMembersFromConsumerGroup()': {
    call: async (admin, groupId) => {
      const members = [{ memberId: 'a' }, { memberId: 'b' }]
      const removed = await admin.removeMembersFromConsumerGroup({ groupId, members })
      return removed.map(({ memberId, error }) => [memberId, error?.type])
    },
    answers: [
      ['a', 'UNKNOWN_MEMBER_ID'],
      ['b', 'UNKNOWN_MEMBER_ID']
    ]
  },
  'removeMembersFromConsumerGroup() by their names': {
    needs: [13, 3],
    call: async (admin, groupId) => {
      const members = [{ groupInstanceId: 'a' }]
      const [{ error }] = await admin.removeMembersFromConsumerGroup({ groupId, members })
      if (error.type !== 'UNKNOWN_MEMBER_ID') throw error
    },
    answers: undefined
  },
  'createAcls(), describeAcls(), deleteAcls()': {
    call: async (admin, name) => {
      const filter = { ...topicRule(name), operation: 1, permissionType: 1 }
      const isMade = await admin.createAcls({ acl: [topicRule(name)] })
      await eventually(async () =>
        expect((await admin.describeAcls(filter)).resources).toHaveLength(1)
      )
      const { filterResponses } = await admin.deleteAcls({ filters: [filter] })
      return [isMade, filterResponses[0].matchingAcls.length]
    },
    answers: [true, 1]
  },
  'describeUserScramCredentials()': {
    needs: [50],
    call: (admin, user) => admin.describeUserScramCredentials({ users: [user] }),
    answers: { users: [{ user: expect.any(String), credentials: [] }] }
  },
  'alterUserScramCredentials()': {
    needs: [51],
    call: (admin, user) =>
      admin.alterUserScramCredentials({
        upsertions: [{ user, mechanism: 1, password: 'secret' }]
      }),
    answers: undefined
  },
  'describeClientQuotas()': {
    needs: [48],
    call: (admin, user) => admin.describeClientQuotas({ entity: { user } }),
    answers: { quotas: [] }
  },
  'alterClientQuotas()': {
    needs: [49],
    call: (admin, user) =>
      admin.alterClientQuotas({
        quotas: [{ entity: { user }, values: { producer_byte_rate: 1024 } }]
      }),
    answers: undefined
  },
  'describeProducers()': {
    needs: [61],
    call: async admin =>
      (await admin.describeProducers({ topics: [{ topic, partitions: [0] }] })).partitions.length,
    answers: 1
  },
  'abortTransaction()': {
    needs: [61],
    call: async admin => {
      const nothing = { topic, partition: 0, producerId: '999' }
      const error = await errorOf(admin.abortTransaction(nothing))
      if (!/^There is no open transaction/.test(error.message)) throw error
    },
    answers: undefined
  },
  'describeTransactions()': {
    needs: [65],
    call: async (admin, id) => {
      const error = await errorOf(admin.describeTransactions([id]))
      if (error.type !== 'TRANSACTIONAL_ID_NOT_FOUND') throw error
    },
    answers: undefined
  },
  'listTransactions()': {
    needs: [66],
    call: async admin => (await admin.listTransactions({ states: ['PrepareAbort'] })).transactions,
    answers: []
  },
  'listTransactions() by their duration': {
    needs: [66, 1],
    // Those that are empty last since ever.
    call: async admin =>
      (await admin.listTransactions({ duration: 3_600_000, states: ['PrepareAbort'] }))
        .transactions,
    answers: []
  }
}

/** What came of a call; an API that is lacking by its number and its name. */
const outcomeOf = async call => {
  try {
    return await call()
  } catch (e) {
    if (e.name !== 'KafkaJSServerDoesNotSupportApiKey') throw e
    return { lacks: e.apiKey, isNamed: e.message.includes(e.apiName) }
  }
}

it.each(RELEASES)('as Kafka %s', async release => {
  const versions = versionsOf(release)
  const { admin, asked } = createFor(release)
  const called = Object.entries(METHODS).map(async ([which, { call }]) => [
    which,
    await outcomeOf(() => call(admin, uniqueName('old')))
  ])
  const expected = Object.entries(METHODS).map(([which, { needs, answers }]) => {
    const [key, version = 0] = needs ?? []
    const isThere = key === undefined || versions[key] >= version
    return [which, isThere ? answers : { lacks: key, isNamed: true }]
  })
  expect(Object.fromEntries(await Promise.all(called))).toEqual(Object.fromEntries(expected))
  const tooNew = [...asked].filter(([api, of]) => api !== API_VERSIONS && !(of <= versions[api]))
  expect(tooNew).toEqual([])
})
