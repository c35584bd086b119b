// @ts-check
'use strict'

/** What a member tells of its group: when it is thrown out, when topics grow, when others come. Behind a proxy. */

const { createTopic, produce, uniqueName, withAdmin } = require('../kafka/helpers')
const { API, respond } = require('../kafka/protocol')
const {
  AssignerProtocol: { MemberAssignment },
  assigning,
  createConsumer,
  createKafka,
  distinct,
  numbered,
  startConsumer,
  upTo,
  useCluster,
  waitFor,
  watch
} = require('./support')

const ILLEGAL_GENERATION = 22
const UNKNOWN_MEMBER_ID = 25

/** @type {import('../kafka').Cluster} */
let cluster

useCluster({ proxied: true }, lent => (cluster = lent))

const newTopic = async (count, partitions = 2) => {
  const { brokers } = cluster
  const topic = await createTopic({ partitions, brokers })
  await produce(topic, numbered(count, { partitions }), { brokers })
  return topic
}

/** A member that has handled ten messages, and what it logs from then on. */
const settled = async (options = {}) => {
  const topic = await newTopic(10)
  const lines = /** @type {any[]} */ ([])
  const kafka = createKafka({
    brokers: cluster.listeners.proxied,
    logLevel: 4,
    logCreator: () => entry => lines.push(entry)
  })
  const test = await startConsumer({ topics: [topic], kafka, sessionTimeout: 6000, ...options })
  await waitFor(() => test.messages.length >= 10)
  lines.length = 0
  return { topic, lines, ...test }
}

/** Without what brokers answer, which kafkajs logs as an error. */
const told = lines =>
  lines
    .filter(({ namespace }) => namespace !== 'Connection')
    .map(({ namespace, label, log }) => [namespace, label, log.message])

const detailsOf = (lines, words) => lines.find(({ log }) => log.message.includes(words))?.log

const joins = ({ seen }) => seen.of('GROUP_JOIN')

/** The coordinator's next answer to a heartbeat. @param {number} error */
const answerHeartbeat = error =>
  cluster.proxies[0].answer(API.Heartbeat, request => respond(request, { error }), 1)

describe('a member that its coordinator', () => {
  it('does not know any more joins as another one', async () => {
    const test = await settled()
    answerHeartbeat(UNKNOWN_MEMBER_ID)
    await waitFor(() => joins(test).length === 2)
    const [before, after] = joins(test)
    expect(after.memberId).not.toBe(before.memberId)
    expect(after).toMatchObject({ memberAssignment: { [test.topic]: [0, 1] } })
    expect(test.seen.order('REBALANCING', 'CRASH')).toEqual([])
    expect(told(test.lines)).toEqual([
      ['Runner', 'ERROR', 'The coordinator is not aware of this member, re-joining the group'],
      ['ConsumerGroup', 'INFO', 'Consumer has joined the group']
    ])
    expect(detailsOf(test.lines, 're-joining')).toMatchObject({
      groupId: test.groupId,
      memberId: before.memberId,
      error: 'The coordinator is not aware of this member'
    })
  })

  it('takes to be of an old generation joins as the same one', async () => {
    const test = await settled()
    answerHeartbeat(ILLEGAL_GENERATION)
    await waitFor(() => joins(test).length === 2)
    const [before, after] = joins(test)
    expect(after.memberId).toBe(before.memberId)
    const { groupId } = test
    expect(test.seen.of('REBALANCING')).toEqual([{ groupId, memberId: before.memberId }])
    expect(told(test.lines)).toEqual([
      ['Runner', 'WARN', 'The group is rebalancing, re-joining'],
      ['ConsumerGroup', 'INFO', 'Consumer has joined the group']
    ])
    const { error } = detailsOf(test.lines, 're-joining')
    expect(error).toBe('Specified group generation id is not valid')
  })
})

describe('a commit that its coordinator refuses', () => {
  const REFUSALS = /** @type {const} */ ([
    ['ILLEGAL_GENERATION', 22],
    ['UNKNOWN_MEMBER_ID', 25],
    ['REBALANCE_IN_PROGRESS', 27],
    ['GROUP_AUTHORIZATION_FAILED', 30]
  ])
  const run = { autoCommit: false }
  const refuse = error =>
    cluster.proxies[0].answer(API.OffsetCommit, request => respond(request, { error }), 1)

  it.each(REFUSALS)(
    'with %s (%i) rejects commitOffsets() with it as the cause',
    async (type, code) => {
      const { consumer, topic } = await settled({ run })
      refuse(code)
      const error = await consumer
        .commitOffsets([{ topic, partition: 0, offset: '3' }])
        .catch(e => e)
      expect(error).toMatchObject({
        name: 'KafkaJSNonRetriableError',
        retriable: false,
        cause: { name: 'KafkaJSProtocolError', type, code }
      })
      expect(error.message).toBe(error.cause.message)
    }
  )

  it('with REBALANCE_IN_PROGRESS (27) rejects the payload’s commitOffsetsIfNecessary(offsets) with it', async () => {
    const topic = await newTopic(2, 1)
    const kafka = createKafka({ brokers: cluster.listeners.proxied })
    const errors = /** @type {any[]} */ ([])
    const eachBatch = async ({ commitOffsetsIfNecessary }) => {
      if (errors.length > 0) return
      refuse(27)
      const topics = [{ topic, partitions: [{ partition: 0, offset: '1' }] }]
      errors.push(await commitOffsetsIfNecessary({ topics }).catch(e => e))
    }
    await startConsumer({
      topics: [topic],
      kafka,
      run: /** @type {any} */ ({ ...run, eachMessage: undefined, eachBatch })
    })
    await waitFor(() => errors.length > 0)
    expect(errors[0]).toMatchObject({ name: 'KafkaJSProtocolError', type: 'REBALANCE_IN_PROGRESS' })
  })
})

describe('a topic that grows', () => {
  it('is told, and makes its members join again', async () => {
    const test = await settled({ metadataMaxAge: 300, maxWaitTimeInMs: 100 })
    const { topic, groupId, lines } = test
    await withAdmin(cluster.brokers, admin =>
      admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] })
    )
    await waitFor(() => joins(test).at(-1).memberAssignment[topic].length === 4)
    const [{ memberId }] = joins(test)
    expect(joins(test).at(-1)).toMatchObject({
      memberId,
      memberAssignment: { [topic]: [0, 1, 2, 3] }
    })
    expect(test.seen.order('REBALANCING', 'CRASH')).toEqual([])
    expect(told(lines)).toEqual([
      ['ConsumerGroup', 'WARN', 'Topic has been updated, resync group'],
      ['ConsumerGroup', 'INFO', 'Consumer has joined the group']
    ])
    expect(detailsOf(lines, 'resync')).toMatchObject({
      groupId,
      memberId,
      topic,
      unknownPartitions: [2, 3]
    })
  })
})

describe('GROUP_JOIN', () => {
  it('of two members names one leader, and shares the partitions', async () => {
    const first = await settled()
    const { topic, groupId } = first
    const second = await startConsumer({
      topics: [topic],
      groupId,
      kafka: createKafka({ brokers: cluster.brokers })
    })
    await waitFor(() => joins(first).length === 2)
    const [leader] = joins(first)
    expect(joins(first).at(-1)).toEqual({
      groupId,
      memberId: leader.memberId,
      leaderId: leader.memberId,
      isLeader: true,
      memberAssignment: { [topic]: [expect.any(Number)] },
      groupProtocol: 'RoundRobinAssigner',
      duration: expect.any(Number)
    })
    expect(joins(second)).toEqual([
      {
        groupId,
        memberId: expect.any(String),
        leaderId: leader.memberId,
        isLeader: false,
        memberAssignment: { [topic]: [expect.any(Number)] },
        groupProtocol: 'RoundRobinAssigner',
        duration: expect.any(Number)
      }
    ])
    const shares = [first, second].map(test => joins(test).at(-1).memberAssignment[topic])
    expect(shares.flat().sort()).toEqual([0, 1])
  })

  it('of a rebalance comes behind REBALANCING and behind the commit of what was handled', async () => {
    const first = await settled({ run: { autoCommitInterval: 60_000 } })
    const { topic, groupId, seen } = first
    const kafka = createKafka({ brokers: cluster.brokers })
    await startConsumer({ topics: [topic], groupId, kafka })
    await waitFor(() => joins(first).length === 2)
    const order = seen.order('GROUP_JOIN', 'REBALANCING', 'COMMIT_OFFSETS')
    expect(order.slice(-2)).toEqual(['REBALANCING', 'GROUP_JOIN'])
    expect(order).toContain('COMMIT_OFFSETS')
    const [rebalancing] = seen.of('REBALANCING')
    expect(rebalancing).toEqual({ groupId, memberId: joins(first)[0].memberId })
  })

  it('may have a partition that does not exist: the others are consumed', async () => {
    const topic = await newTopic(10)
    const test = await startConsumer({
      topics: [topic],
      kafka: createKafka({ brokers: cluster.brokers }),
      partitionAssigners: [assigning({ [topic]: [0, 1, 7] })]
    })
    await waitFor(() => test.messages.length >= 10)
    expect(joins(test)[0].memberAssignment).toEqual({ [topic]: [0, 1, 7] })
    await produce(topic, numbered(10, { partitions: 2, first: 10 }), { brokers: cluster.brokers })
    await waitFor(() => test.messages.length >= 20)
    expect(distinct(test.messages)).toEqual(upTo(20))
    expect(test.seen.of('CRASH')).toEqual([])
  })
})

it('a member that subscribes to nothing joins with nothing', async () => {
  const consumer = createConsumer({ kafka: createKafka({ brokers: cluster.brokers }) })
  const seen = watch(consumer)
  await consumer.subscribe({ topics: [] })
  await consumer.run({ eachMessage: async () => {} })
  expect(seen.of('GROUP_JOIN')).toMatchObject([{ isLeader: true, memberAssignment: {} }])
})

it('two members of one Kafka instance, which share nothing but that', async () => {
  const topic = await newTopic(10, 4)
  const kafka = createKafka({ brokers: cluster.brokers })
  const groupId = uniqueName('group')
  const uncommitted = /** @type {any[]} */ ([])
  const eachBatch = ({ batch, resolveOffset, uncommittedOffsets }) => {
    for (const { offset } of batch.messages) resolveOffset(offset)
    uncommitted.push(...uncommittedOffsets().topics)
  }
  const run = /** @type {any} */ ({ eachMessage: undefined, eachBatch })
  const one = await startConsumer({ topics: [topic], kafka, groupId, run })
  const two = await startConsumer({ topics: [topic], kafka, groupId, run })
  await waitFor(() => joins(one).length === 2)
  await produce(topic, numbered(40, { partitions: 4 }), { brokers: cluster.brokers })
  const handled = test =>
    test.seen.of('END_BATCH_PROCESS').reduce((sum, { batchSize }) => sum + batchSize, 0)
  await waitFor(() => handled(one) + handled(two) >= 50)
  expect(uncommitted.every(each => each.topic === topic)).toBe(true)
  expect([...one.seen.of('CRASH'), ...two.seen.of('CRASH')]).toEqual([])
})

it('describeGroup() has exactly these fields', async () => {
  const { consumer, groupId, topic } = await settled()
  const group = await consumer.describeGroup()
  expect(Object.keys(group)).toEqual([
    'errorCode',
    'groupId',
    'state',
    'protocolType',
    'protocol',
    'members'
  ])
  const [member] = group.members
  expect(Object.keys(member)).toEqual([
    'memberId',
    'clientId',
    'clientHost',
    'memberMetadata',
    'memberAssignment'
  ])
  expect(MemberAssignment.decode(member.memberAssignment)).toEqual({
    version: 0,
    assignment: { [topic]: [0, 1] },
    userData: Buffer.alloc(0)
  })
  const nobody = await createConsumer({
    kafka: createKafka({ brokers: cluster.brokers })
  }).describeGroup()
  expect(nobody).toMatchObject({ errorCode: 0, protocolType: '', protocol: '', members: [] })
  expect(groupId).toBe(group.groupId)
})
