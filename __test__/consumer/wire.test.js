// @ts-check
'use strict'

/** What the options come to in the requests that the broker gets. On a cluster of its own, behind a proxy. */

const { createTopic, produce, uniqueName } = require('../kafka/helpers')
const { API } = require('../kafka/protocol')
const { fieldsOf } = require('../kafka/requests')
const {
  AssignerProtocol: { MemberAssignment, MemberMetadata },
  PartitionAssigners,
  createConsumer,
  createKafka,
  numbered,
  pause,
  startConsumer,
  upTo,
  useCluster,
  waitFor
} = require('./support')

const PARTITIONS = 2
const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1
const LATEST = -1
const EARLIEST = -2

/** @type {import('../kafka').Cluster} */
let cluster
/** @type {import('../kafka/proxy').Proxy} */
let proxy
/** Every request since the spec began. @type {{ key: number, fields: Record<string, any> }[]} */
let requests

useCluster({ proxied: true }, lent => {
  cluster = lent
  proxy = cluster.proxies[0]
})

beforeEach(async () => {
  await proxy.heal()
  requests = []
  const { OffsetFetch, ...read } = API
  for (const key of Object.values(read)) {
    proxy.answer(key, request => {
      requests.push({ key, fields: fieldsOf(request) })
      return undefined
    })
  }
})

/** The fields of all requests of an API, of one group if it is named there. */
const sent = (name, groupId = '') =>
  requests
    .filter(({ key, fields }) => key === API[name] && (fields.groupId ?? groupId) === groupId)
    .map(({ fields }) => fields)

const newTopic = async count => {
  const { brokers } = cluster
  const topic = await createTopic({ partitions: PARTITIONS, brokers })
  await produce(topic, numbered(count, { partitions: PARTITIONS }), { brokers })
  return topic
}

/** @param {Partial<import('kafkajs').KafkaConfig>} [options] */
const throughProxy = options => createKafka({ brokers: cluster.listeners.proxied, ...options })

/** A consumer that has handled ten messages. */
const settled = async (options = {}) => {
  const topic = await newTopic(10)
  const test = await startConsumer({ topics: [topic], kafka: throughProxy(), ...options })
  await waitFor(() => test.messages.length >= 10)
  return { topic, ...test }
}

describe('every request', () => {
  it('names the client', async () => {
    await settled({ kafka: throughProxy({ clientId: 'somebody' }) })
    expect(new Set(requests.map(({ fields }) => fields.clientId))).toEqual(new Set(['somebody']))
  })
})

describe('JoinGroup', () => {
  it('has the timeouts, and what the assigners say of the member', async () => {
    const custom = ({ cluster: _ }) => ({
      ...PartitionAssigners.roundRobin(/** @type {any} */ ({ cluster: _ })),
      name: 'Custom',
      protocol: ({ topics }) => ({
        name: 'Custom',
        metadata: MemberMetadata.encode({ version: 3, topics, userData: Buffer.from('mine') })
      })
    })
    const { groupId, topic, seen } = await settled({
      sessionTimeout: 7000,
      rebalanceTimeout: 8000,
      partitionAssigners: [PartitionAssigners.roundRobin, custom]
    })
    const joins = sent('JoinGroup', groupId)
    for (const join of joins) {
      expect(join).toMatchObject({
        sessionTimeout: 7000,
        rebalanceTimeout: 8000,
        protocolType: 'consumer'
      })
      expect(join.protocols.map(({ name }) => name)).toEqual(['RoundRobinAssigner', 'Custom'])
    }
    const [{ protocols }] = joins
    expect(MemberMetadata.decode(protocols[0].metadata)).toEqual({
      version: 0,
      topics: [topic],
      userData: Buffer.alloc(0)
    })
    expect(MemberMetadata.decode(protocols[1].metadata)).toEqual({
      version: 3,
      topics: [topic],
      userData: Buffer.from('mine')
    })
    expect(seen.of('GROUP_JOIN')[0].groupProtocol).toBe('RoundRobinAssigner')
  })

  it('has the defaults of kafkajs', async () => {
    const nothing = { rebalanceTimeout: undefined, heartbeatInterval: undefined }
    const { groupId } = await settled(nothing)
    expect(sent('JoinGroup', groupId)[0]).toMatchObject({
      sessionTimeout: 30_000,
      rebalanceTimeout: 60_000
    })
  })

  it('asks for a member id, keeps it while it rejoins, and has another after run() again', async () => {
    const { consumer, groupId, topic, seen } = await settled()
    const ids = () => sent('JoinGroup', groupId).map(({ memberId }) => memberId)
    const joined = () => seen.of('GROUP_JOIN').map(({ memberId }) => memberId)
    const [first] = joined()
    expect(ids()).toEqual(['', first])
    expect(first).toMatch(/^kafkajs-[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/)

    const direct = createKafka({ brokers: cluster.brokers })
    const other = await startConsumer({ topics: [topic], groupId, kafka: direct })
    await waitFor(() => joined().length === 2)
    expect(joined()).toEqual([first, first])
    expect(ids()).toEqual(['', first, first])
    await other.consumer.disconnect()
    await waitFor(() => joined().length === 3)

    await consumer.stop()
    await consumer.run({ eachMessage: async () => {} })
    expect(ids().slice(-2)).toEqual(['', joined()[3]])
    expect(joined()[3]).not.toBe(first)
  })
})

describe('SyncGroup', () => {
  it('has the assignment of every member if it is the leader’s, and none if not', async () => {
    const { groupId, topic, seen } = await settled()
    const other = await startConsumer({ topics: [topic], groupId, kafka: throughProxy() })
    await waitFor(() => seen.of('GROUP_JOIN').length === 2)
    const [{ leaderId, memberId }] = other.seen.of('GROUP_JOIN')
    const last = sent('SyncGroup', groupId).filter(({ generationId }) => generationId === 2)
    const byMember = Object.fromEntries(last.map(sync => [sync.memberId, sync.assignments]))
    expect(Object.keys(byMember).sort()).toEqual([leaderId, memberId].sort())
    expect(byMember[memberId]).toEqual([])
    const decoded = byMember[leaderId].map(({ assignment }) => MemberAssignment.decode(assignment))
    expect(decoded.map(each => each?.assignment[topic]).sort()).toEqual([[0], [1]])
    for (const each of decoded) {
      expect(each).toMatchObject({ version: 0, userData: Buffer.alloc(0) })
    }
  })
})

it('Heartbeat and LeaveGroup name the member', async () => {
  const { consumer, groupId, seen } = await settled()
  await waitFor(() => sent('Heartbeat', groupId).length > 0)
  const [{ memberId }] = seen.of('GROUP_JOIN')
  expect(sent('Heartbeat', groupId)[0]).toMatchObject({ generationId: 1, memberId })
  await consumer.disconnect()
  expect(sent('LeaveGroup', groupId)).toMatchObject([{ members: [memberId] }])
})

describe('Fetch', () => {
  /** The long polls; a consumer may ask more briefly beside them. */
  const polls = maxWaitTime => sent('Fetch').filter(fetch => fetch.maxWaitTime === maxWaitTime)

  it('has the sizes and times that are asked for', async () => {
    await settled({ minBytes: 2, maxBytes: 300_000, maxBytesPerPartition: 200_000, rackId: 'r' })
    const [fetch] = sent('Fetch')
    expect(fetch).toMatchObject({ minBytes: 2, maxBytes: 300_000, rackId: 'r' })
    const partitions = fetch.topics.flatMap(topic => topic.partitions)
    expect(partitions.map(({ maxBytes }) => maxBytes)).toEqual(partitions.map(() => 200_000))
  })

  it('has the time to wait that is asked for', async () => {
    await settled({ maxWaitTimeInMs: 700 })
    await waitFor(() => polls(700).length > 2)
    expect(sent('Fetch').every(({ maxWaitTime }) => maxWaitTime <= 700)).toBe(true)
  })

  it('has the defaults of kafkajs', async () => {
    await settled({ maxWaitTimeInMs: undefined })
    await waitFor(() => polls(5000).length > 0)
    const [fetch] = polls(5000)
    expect(fetch).toMatchObject({
      minBytes: 1,
      maxBytes: 10_485_760,
      isolationLevel: READ_COMMITTED,
      rackId: ''
    })
    expect(sent('Fetch')[0].topics[0].partitions[0].maxBytes).toBe(1_048_576)
  })

  it('begins where the group stands', async () => {
    const { consumer, groupId, topic } = await settled()
    await consumer.disconnect()
    requests.length = 0
    await startConsumer({ topics: [topic], groupId, kafka: throughProxy() })
    const first = await waitFor(() => sent('Fetch').find(({ topics }) => topics.length > 0))
    const offsets = first.topics[0].partitions.map(({ fetchOffset }) => fetchOffset)
    expect(new Set(offsets)).toEqual(new Set([5]))
    expect(sent('ListOffsets')).toEqual([])
  })

  it('names no partition that is paused', async () => {
    const { consumer, topic, messages } = await settled({ maxWaitTimeInMs: 100 })
    consumer.pause([{ topic, partitions: [0] }])
    await pause(500) // what is on its way still names it
    requests.length = 0
    const { brokers } = cluster
    await produce(topic, numbered(10, { partitions: PARTITIONS }), { brokers })
    await waitFor(() => messages.length >= 15)
    const named = sent('Fetch').flatMap(({ topics }) => topics.flatMap(each => each.partitions))
    expect(named.filter(({ partition }) => partition === 0)).toEqual([])
  })
})

describe.each([
  [false, READ_COMMITTED],
  [true, READ_UNCOMMITTED]
])('readUncommitted: %s', (readUncommitted, isolationLevel) => {
  it.each([
    [true, EARLIEST],
    [false, LATEST]
  ])('is asked of the log, and fromBeginning: %s of its ends', async (fromBeginning, timestamp) => {
    const topic = await newTopic(10)
    await startConsumer({ topics: [topic], kafka: throughProxy(), fromBeginning, readUncommitted })
    await waitFor(() => sent('Fetch').length > 0)
    expect(new Set(sent('Fetch').map(fetch => fetch.isolationLevel))).toEqual(
      new Set([isolationLevel])
    )
    const lookups = sent('ListOffsets')
    expect(new Set(lookups.map(lookup => lookup.isolationLevel))).toEqual(new Set([isolationLevel]))
    const asked = lookups.flatMap(({ topics }) => topics)
    expect(new Set(asked.map(({ topic: name }) => name))).toEqual(new Set([topic]))
    const partitions = asked.flatMap(each => each.partitions)
    expect(new Set(partitions.map(each => each.timestamp))).toEqual(new Set([timestamp]))
    expect([...new Set(partitions.map(each => each.partition))].sort()).toEqual(upTo(PARTITIONS))
  })
})

describe('Metadata', () => {
  it.each([
    [undefined, true],
    [true, true],
    [false, false]
  ])(
    'with allowAutoTopicCreation: %s may create a topic that is subscribed: %s',
    async (allowAutoTopicCreation, allowed) => {
      const { topic } = await settled({ allowAutoTopicCreation })
      const ofTopic = sent('Metadata').filter(({ topics }) => topics.includes(topic))
      expect(ofTopic.some(each => each.allowAutoTopicCreation)).toBe(allowed)
    }
  )

  it('is asked for what is subscribed, and again when metadataMaxAge is over', async () => {
    const { topic } = await settled({ metadataMaxAge: 500, maxWaitTimeInMs: 100 })
    requests.length = 0
    await waitFor(() => sent('Metadata').length >= 3)
    for (const { topics } of sent('Metadata')) expect(topics).toEqual([topic])
  })

  it('is left alone before', async () => {
    await settled({ maxWaitTimeInMs: 100 })
    requests.length = 0
    await waitFor(() => sent('Fetch').length >= 20)
    // An answer that is late makes kafkars ask.
    expect(sent('Metadata').length).toBeLessThan(5)
  })
})

it('OffsetCommit has the member, its generation, and the metadata of the user', async () => {
  const { consumer, groupId, topic, seen } = await settled({ run: { autoCommit: false } })
  await consumer.commitOffsets([
    { topic, partition: 1, offset: '3', metadata: 'a note' },
    { topic, partition: 0, offset: '2' }
  ])
  const [{ memberId }] = seen.of('GROUP_JOIN')
  const commits = sent('OffsetCommit', groupId)
  expect(commits).toMatchObject([{ generationId: 1, memberId }])
  const partitions = commits[0].topics.flatMap(each => each.partitions)
  expect(partitions.sort((a, b) => a.partition - b.partition)).toEqual([
    { partition: 0, offset: 2, metadata: '' },
    { partition: 1, offset: 3, metadata: 'a note' }
  ])
})

describe('requestTimeout', () => {
  it('is no limit of a long poll, nor of a join that others hold up', async () => {
    const topic = await newTopic(10)
    const kafka = throughProxy({ requestTimeout: 5000 })
    const groupId = uniqueName('group')
    let release = () => {}
    const held = new Promise(resolve => (release = () => resolve(undefined)))
    const first = await startConsumer({
      topics: [topic],
      groupId,
      kafka: createKafka({ brokers: cluster.brokers }),
      handle: () => held
    })
    const second = startConsumer({ topics: [topic], groupId, kafka, maxWaitTimeInMs: 8000 })
    await waitFor(() => sent('JoinGroup', groupId).length >= 2)
    await pause(6000) // longer than requestTimeout
    release()
    const { seen } = await second
    await waitFor(() => first.messages.length >= 5)
    await waitFor(() => seen.of('FETCH').length >= 3)
    const timeouts = seen.of('REQUEST_TIMEOUT').map(({ apiName }) => apiName)
    expect(timeouts.filter(name => ['Fetch', 'JoinGroup'].includes(name))).toEqual([])
    expect(seen.of('CRASH')).toEqual([])
  })

  it('ends nothing with enforceRequestTimeout: false', async () => {
    const kafka = throughProxy({ requestTimeout: 100, enforceRequestTimeout: false })
    const { consumer, seen } = await settled({ kafka })
    proxy.delay(300)
    await consumer.describeGroup()
    expect(seen.of('REQUEST_TIMEOUT')).toEqual([])
  })

  it('ends what takes longer', async () => {
    const kafka = throughProxy({ requestTimeout: 3000, retry: { retries: 0 } })
    const consumer = createConsumer({ kafka })
    await consumer.connect()
    proxy.stall('toClient')
    const error = await consumer.describeGroup().catch(e => e)
    const timeout = error.name === 'KafkaJSRequestTimeoutError' ? error : error.cause
    expect(timeout).toMatchObject({
      name: 'KafkaJSRequestTimeoutError',
      message: expect.stringMatching(/^Request \w+\(key: \d+, version: \d+\) timed out$/),
      broker: proxy.address
    })
  })
})
