// @ts-check
'use strict'

/**
 * What moves, breaks off or is behind is tried again. One broker behind a proxy, which answers in its place or changes what it answers.
 */

const kafkajs = require('kafkajs')
const { createTopic, produce, uniqueName } = require('../kafka/helpers')
const { API, Writer, framed, respond } = require('../kafka/protocol')
const {
  createAdmin,
  createKafka,
  errorOf,
  eventually,
  startMember,
  topicRule,
  useCluster
} = require('./support')

const METADATA = 3
const OFFSET_COMMIT = 8
const LEAVE_GROUP = 13
const CREATE_TOPICS = 19
const DELETE_TOPICS = 20
const DELETE_RECORDS = 21
const WRITE_TXN_MARKERS = 27
const CREATE_ACLS = 30
const DELETE_ACLS = 31
const CREATE_PARTITIONS = 37
const DELETE_GROUPS = 42
const INCREMENTAL_ALTER_CONFIGS = 44
const ALTER_REASSIGNMENTS = 45
const OFFSET_DELETE = 47
const ALTER_QUOTAS = 49
const ALTER_SCRAM = 51

const COORDINATOR_NOT_AVAILABLE = 15
const NOT_COORDINATOR = 16
const NOT_CONTROLLER = 41

/** @type {import('../kafka').Cluster} */
let cluster
/** @type {import('../kafka/proxy').Proxy} */
let proxy

// Its clients may do everything: they have not said a name.
const config = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS'
}

useCluster({ proxied: true, config }, started => {
  cluster = started
  proxy = started.proxies[0]
})

const create = options => createAdmin({ brokers: cluster.listeners.proxied, ...options })

/** The error code of the topic, in an answer of CreateTopics. @param {string} name @param {number} code */
const withCode = (name, code) => frame => {
  const changed = Buffer.from(frame)
  const at = changed.indexOf(name) + name.length
  // v7: its id stands in between; kafkajs speaks v3.
  const idAt = isFlexible(changed, name) ? at + 16 : at
  changed.writeInt16BE(code, idAt)
  return changed
}

/** Is the length of the name one byte (plus one)? */
const isFlexible = (frame, name) => frame[frame.indexOf(name) - 1] === name.length + 1

it('a controller that has moved is looked up again', async () => {
  const admin = create()
  const topic = uniqueName('moved')
  let moves = 0
  proxy.mutate(
    CREATE_TOPICS,
    frame => {
      moves++
      return withCode(topic, NOT_CONTROLLER)(frame)
    },
    2
  )
  expect(
    await admin.createTopics({ validateOnly: true, waitForLeaders: false, topics: [{ topic }] })
  ).toBe(true)
  expect(moves).toBe(2)
})

it('a coordinator that has moved is looked up again', async () => {
  const admin = create()
  const topic = await createTopic({ brokers: cluster.brokers })
  const groupId = uniqueName('moved')
  let refused = 0
  proxy.answer(
    API.FindCoordinator,
    request => {
      refused++
      return respond(request, { error: COORDINATOR_NOT_AVAILABLE })
    },
    2
  )
  const partitions = [{ partition: 0, offset: '0' }]
  await admin.setOffsets({ groupId, topic, partitions })
  expect(refused).toBe(2)
  proxy.answer(
    DELETE_GROUPS,
    ({ correlationId, version }) => {
      refused++
      const out = new Writer(version >= 2)
      out.int32(correlationId)
      out.tags()
      out.int32(0)
      out.array([groupId], name => {
        out.string(name)
        out.int16(NOT_COORDINATOR)
      })
      out.tags()
      return framed(out.bytes())
    },
    2
  )
  expect(await admin.deleteGroups([groupId])).toEqual([{ groupId, errorCode: 0 }])
  expect(refused).toBe(4)
})

it('records are deleted although the connection breaks', async () => {
  const topic = await createTopic({ brokers: cluster.brokers })
  const admin = create()
  await admin.fetchTopicOffsets(topic)
  let asked = 0
  proxy.answer(DELETE_RECORDS, () => {
    if (asked++ === 0) proxy.cut()
    return undefined
  })
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '0' }] })
  expect(asked).toBe(2)
})

it('topics are listed although the connection has broken since the last call', async () => {
  const admin = create()
  await admin.listTopics()
  proxy.cut()
  expect(await admin.listTopics()).toEqual(expect.any(Array))
})

describe('what a lost answer has done counts as done', () => {
  const SCRAM_SHA_256 = 1
  const described = async (admin, name) =>
    (await admin.describeAcls({ ...topicRule(name), operation: 1, permissionType: 1 })).resources
      .length
  const committed = [{ partition: 0, offset: '1' }]
  const lengthOf = async (admin, topic) => (await admin.fetchTopicOffsets(topic)).length

  /**
   * Each change that the broker refuses, or answers otherwise, when it is asked for twice; `has` what stands afterwards.
   * @type {Record<string, { key: number, prepare?: (admin: any, name: string) => Promise<any>, change: (admin: any, name: string) => Promise<any>, result?: any, has: (admin: any, name: string) => Promise<any>, stands: any }>}
   */
  const CHANGES = {
    'createTopics()': {
      key: CREATE_TOPICS,
      change: (admin, name) => admin.createTopics({ topics: [{ topic: name }] }),
      result: true,
      has: lengthOf,
      stands: 1
    },
    'deleteTopics()': {
      key: DELETE_TOPICS,
      prepare: (admin, name) => admin.createTopics({ topics: [{ topic: name }] }),
      change: (admin, name) => admin.deleteTopics({ topics: [name] }),
      has: async (admin, name) => (await admin.listTopics()).includes(name),
      stands: false
    },
    'createPartitions()': {
      key: CREATE_PARTITIONS,
      prepare: (admin, name) => admin.createTopics({ topics: [{ topic: name }] }),
      change: (admin, name) =>
        admin.createPartitions({ topicPartitions: [{ topic: name, count: 3 }] }),
      has: lengthOf,
      stands: 3
    },
    'deleteGroups()': {
      key: DELETE_GROUPS,
      prepare: (admin, name) => admin.setOffsets({ groupId: name, topic, partitions: committed }),
      change: async (admin, name) => (await admin.deleteGroups([name]))[0].errorCode,
      result: 0,
      has: async (admin, name) => (await admin.describeGroups([name])).groups[0].state,
      stands: 'Dead'
    },
    'deleteConsumerGroupOffsets()': {
      key: OFFSET_DELETE,
      prepare: (admin, name) => admin.setOffsets({ groupId: name, topic, partitions: committed }),
      change: (admin, name) =>
        admin.deleteConsumerGroupOffsets({ groupId: name, topics: [{ topic, partitions: [0] }] }),
      result: [{ topic: expect.any(String), partition: 0 }],
      has: async (admin, name) => (await admin.fetchOffsets({ groupId: name })).length,
      stands: 0
    },
    'removeMembersFromConsumerGroup()': {
      key: LEAVE_GROUP,
      prepare: async (_, name) => {
        const kafka = createKafka({ brokers: cluster.brokers })
        const one = { kafka, groupId: name, groupInstanceId: 'one' }
        await (await startMember(topic, one)).consumer.disconnect()
      },
      change: (admin, name) => admin.removeMembersFromConsumerGroup({ groupId: name }),
      result: [{ groupInstanceId: 'one' }],
      has: async (admin, name) => (await admin.describeGroups([name])).groups[0].members,
      stands: []
    },
    'setOffsets()': {
      key: OFFSET_COMMIT,
      change: (admin, name) => admin.setOffsets({ groupId: name, topic, partitions: committed }),
      has: async (admin, name) => (await admin.fetchOffsets({ groupId: name })).length,
      stands: 1
    },
    'deleteTopicRecords()': {
      key: DELETE_RECORDS,
      change: admin =>
        admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] }),
      has: async admin => (await admin.fetchTopicOffsets(topic))[0].low,
      stands: '1'
    },
    'incrementalAlterConfigs()': {
      key: INCREMENTAL_ALTER_CONFIGS,
      prepare: (admin, name) => admin.createTopics({ topics: [{ topic: name }] }),
      change: async (admin, name) => {
        const operation = 2 // append
        const configEntries = [{ name: 'cleanup.policy', value: 'compact', operation }]
        const resources = [{ type: 2, name, configEntries }]
        return (await admin.incrementalAlterConfigs({ resources })).resources[0].errorCode
      },
      result: 0,
      has: async (admin, name) => {
        const resources = [{ type: 2, name, configNames: ['cleanup.policy'] }]
        const told = await admin.describeConfigs({ resources })
        return told.resources[0].configEntries[0].configValue
      },
      stands: 'delete,compact'
    },
    'createAcls()': {
      key: CREATE_ACLS,
      change: (admin, name) => admin.createAcls({ acl: [topicRule(name)] }),
      result: true,
      has: described,
      stands: 1
    },
    // Which those were, only the lost answer knew.
    'deleteAcls()': {
      key: DELETE_ACLS,
      prepare: (admin, name) => admin.createAcls({ acl: [topicRule(name)] }),
      change: async (admin, name) => {
        const { filterResponses } = await admin.deleteAcls({ filters: [topicRule(name)] })
        return filterResponses[0].matchingAcls
      },
      result: [],
      has: described,
      stands: 0
    },
    'alterUserScramCredentials()': {
      key: ALTER_SCRAM,
      prepare: (admin, user) =>
        admin.alterUserScramCredentials({
          upsertions: [{ user, mechanism: SCRAM_SHA_256, password: 'secret' }]
        }),
      change: (admin, user) =>
        admin.alterUserScramCredentials({ deletions: [{ user, mechanism: SCRAM_SHA_256 }] }),
      has: async (admin, user) =>
        (await admin.describeUserScramCredentials({ users: [user] })).users[0].credentials,
      stands: []
    },
    'alterClientQuotas()': {
      key: ALTER_QUOTAS,
      prepare: (admin, user) =>
        admin.alterClientQuotas({
          quotas: [{ entity: { user }, values: { producer_byte_rate: 1024 } }]
        }),
      change: (admin, user) =>
        admin.alterClientQuotas({
          quotas: [{ entity: { user }, values: { producer_byte_rate: null } }]
        }),
      has: async (admin, user) =>
        (await admin.describeClientQuotas({ entity: { user } })).quotas.length,
      stands: 0
    },
    'abortTransaction()': {
      key: WRITE_TXN_MARKERS,
      prepare: async (_, name) => {
        await createTopic({ topic: name, brokers: cluster.brokers })
        const { brokers } = cluster
        const producer = new kafkajs.Kafka({ brokers, logLevel: 0 }).producer({
          transactionalId: name,
          createPartitioner: kafkajs.Partitioners.DefaultPartitioner
        })
        await producer.connect()
        await (await producer.transaction()).send({ topic: name, messages: [{ value: 'a' }] })
        await producer.disconnect()
      },
      change: (admin, name) =>
        admin.abortTransaction({ topic: name, partition: 0, startOffset: '0' }),
      has: async (admin, name) => {
        const told = await admin.describeProducers({ topics: [{ topic: name, partitions: [0] }] })
        return told.partitions[0].producers[0].currentTransactionStartOffset
      },
      stands: null
    }
  }

  let topic
  beforeAll(async () => {
    topic = await createTopic({ brokers: cluster.brokers })
    await produce(topic, [{ value: 'a' }, { value: 'b' }], { brokers: cluster.brokers })
  })

  it.each(Object.keys(CHANGES))('%s', async which => {
    const { key, prepare, change, result, has, stands } = CHANGES[which]
    const [admin, name] = [create(), uniqueName('lost')]
    await prepare?.(admin, name)
    let answers = 0
    proxy.mutate(key, frame => {
      if (answers++ === 0) proxy.cut()
      return frame
    })
    expect(await change(admin, name)).toEqual(result)
    expect(answers).toBe(2)
    await eventually(async () => expect(await has(admin, name)).toEqual(stands))
  })

  it('an end of a reassignment', async () => {
    let asked = 0
    proxy.answer(ALTER_REASSIGNMENTS, () => {
      if (asked++ === 0) proxy.cut()
      return undefined
    })
    const topics = [{ topic, partitionAssignment: [{ partition: 0, cancel: true }] }]
    expect(await create().alterPartitionReassignments({ topics })).toBeUndefined()
    expect(asked).toBe(2)
  })

  it('but not where the attempt before was only to check', async () => {
    const admin = create()
    const lose = key => {
      let answers = 0
      proxy.mutate(key, frame => {
        if (answers++ === 0) proxy.cut()
        return frame
      })
    }
    lose(CREATE_TOPICS)
    expect(await admin.createTopics({ validateOnly: true, topics: [{ topic }] })).toBe(false)
    lose(CREATE_PARTITIONS)
    const topicPartitions = [{ topic, count: 1 }]
    const error = await errorOf(admin.createPartitions({ validateOnly: true, topicPartitions }))
    expect(error).toMatchObject({ type: 'INVALID_PARTITIONS', topic })
  })

  it('and not where fewer partitions were asked for than there are', async () => {
    const admin = create()
    const name = await createTopic({ partitions: 3, brokers: cluster.brokers })
    let answers = 0
    proxy.mutate(CREATE_PARTITIONS, frame => {
      if (answers++ === 0) proxy.cut()
      return frame
    })
    const topicPartitions = [{ topic: name, count: 2 }]
    const error = await errorOf(admin.createPartitions({ topicPartitions }))
    expect(error).toMatchObject({ type: 'INVALID_PARTITIONS', topic: name })
    expect(answers).toBe(2)
  })
})

it('other topics do not keep a new one from being made', async () => {
  const admin = create()
  const asked = []
  proxy.answer(METADATA, request => {
    asked.push(request)
    return undefined
  })
  await admin.createTopics({ topics: [{ topic: uniqueName('new') }] })
  // A question for all topics is a null list.
  const isForAll = ({ frame, body, version }) =>
    version >= 9 ? frame[body] === 0 : frame.readInt32BE(body) === -1
  expect(asked.filter(isForAll)).toEqual([])
})

it('gives up after as many tries as the option says', async () => {
  const admin = create({ retry: { retries: 2, initialRetryTime: 1 } })
  const topic = uniqueName('moved')
  proxy.mutate(CREATE_TOPICS, frame => withCode(topic, NOT_CONTROLLER)(frame))
  const error = await errorOf(admin.createTopics({ validateOnly: true, topics: [{ topic }] }))
  expect(error.errors.map(({ type }) => type)).toEqual(['NOT_CONTROLLER'])
})
