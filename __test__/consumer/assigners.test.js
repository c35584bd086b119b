// @ts-check
'use strict'

const { startJavaConsumer } = require('../kafka/consumer')
const { createTopic, sharedCluster, uniqueName } = require('../kafka/helpers')
const {
  AssignerProtocol: { MemberAssignment, MemberMetadata },
  PartitionAssigners,
  createConsumer,
  filled,
  pause,
  startConsumer,
  upTo,
  waitFor,
  watch
} = require('./support')

const PARTITIONS = 4

/** Gives every partition to the first member. */
const toFirst = ({ cluster, members, topics }) =>
  members.map(({ memberId }, i) => ({
    memberId,
    memberAssignment: MemberAssignment.encode({
      version: 0,
      assignment: Object.fromEntries(
        topics.map(topic => [
          topic,
          i > 0 ? [] : cluster.findTopicPartitionMetadata(topic).map(p => p.partitionId)
        ])
      )
    })
  }))

/**
 * A custom assigner; `of` may replace its members.
 * @param {string} name
 * @param {any} [of]
 * @returns {any}
 */
const createAssigner =
  (name, of = {}) =>
  options => ({
    name,
    version: 3,
    protocol({ topics }) {
      return { name: this.name, metadata: MemberMetadata.encode({ version: this.version, topics }) }
    },
    async assign({ members, topics }) {
      return toFirst({ ...options, members, topics })
    },
    ...(typeof of === 'function' ? of(options) : of)
  })

/** A consumer whose join fails, and what CRASH says of it. */
const crashOf = async partitionAssigners => {
  const topic = await createTopic()
  const consumer = createConsumer({ partitionAssigners })
  const seen = watch(consumer)
  await consumer.subscribe({ topics: [topic] })
  await consumer.run({ eachMessage: async () => {} })
  await waitFor(() => seen.of('CRASH').length > 0)
  await consumer.disconnect()
  return seen.of('CRASH')[0]
}

describe('a custom assigner', () => {
  it('may ask the cluster in protocol(), each time that its consumer runs', async () => {
    const topic = await filled(1, { partitions: PARTITIONS })
    const counts = /** @type {number[]} */ ([])
    const counting = createAssigner('Counting', ({ cluster }) => ({
      protocol({ topics }) {
        counts.push(cluster.findTopicPartitionMetadata(topic).length)
        return { name: 'Counting', metadata: MemberMetadata.encode({ version: 0, topics }) }
      }
    }))
    const consumer = createConsumer({ partitionAssigners: [counting] })
    const seen = watch(consumer)
    await consumer.subscribe({ topics: [topic] })
    for (let round = 0; round < 3; round++) {
      await consumer.connect()
      await consumer.run({ eachMessage: async () => {} })
      await consumer.disconnect()
      // kafkajs trips over a connection that is still closing.
      await pause(200)
    }
    expect(seen.of('CRASH')).toEqual([])
    expect(new Set(counts)).toEqual(new Set([PARTITIONS]))
    expect(seen.of('GROUP_JOIN')).toHaveLength(3)
  })

  it('assigns by what the members say of themselves', async () => {
    const topic = await filled(8, { partitions: PARTITIONS })
    const groupId = uniqueName('group')
    const asked = /** @type {any[]} */ ([])
    const offered = /** @type {any[]} */ ([])
    const withWeight = weight =>
      createAssigner('Weights', ({ cluster }) => ({
        protocol({ topics }) {
          offered.push(topics)
          const userData = Buffer.from(String(weight))
          return {
            name: 'Weights',
            metadata: MemberMetadata.encode({ version: 2, topics, userData })
          }
        },
        assign({ members, topics }) {
          asked.push({ members, topics })
          const metadata = members.map(member => MemberMetadata.decode(member.memberMetadata))
          const heaviest = Math.max(...metadata.map(({ userData }) => Number(userData)))
          const first = metadata.findIndex(({ userData }) => Number(userData) === heaviest)
          return toFirst({ cluster, members: [members[first], ...members], topics }).slice(0, 1)
        }
      }))
    const light = await startConsumer({
      groupId,
      topics: [topic],
      partitionAssigners: [withWeight(1)]
    })
    const heavy = await startConsumer({
      groupId,
      topics: [topic],
      partitionAssigners: [withWeight(9)]
    })
    const [joined] = heavy.seen.of('GROUP_JOIN')
    expect(joined).toMatchObject({ groupProtocol: 'Weights', isLeader: false })
    expect(joined.memberAssignment).toEqual({ [topic]: upTo(PARTITIONS) })
    await waitFor(() => light.seen.of('GROUP_JOIN').length === 2)
    expect(light.seen.of('GROUP_JOIN').map(({ memberAssignment }) => memberAssignment)).toEqual([
      { [topic]: upTo(PARTITIONS) },
      {}
    ])

    expect(offered).toEqual([[topic], [topic], [topic]])
    const { members, topics } = asked[1]
    expect(topics).toEqual([topic])
    expect(members).toHaveLength(2)
    for (const member of members) {
      expect(Object.keys(member)).toEqual(['memberId', 'groupInstanceId', 'memberMetadata'])
      expect(member.groupInstanceId).toBe(null)
      expect(MemberMetadata.decode(member.memberMetadata)).toMatchObject({
        version: 2,
        topics: [topic]
      })
    }
  })

  it('may leave members out, who stay in the group', async () => {
    const topic = await filled(8, { partitions: PARTITIONS })
    const groupId = uniqueName('group')
    const partitionAssigners = [
      createAssigner('Leader', ({ cluster }) => ({
        assign: async ({ members, topics }) => toFirst({ cluster, members, topics }).slice(0, 1)
      }))
    ]
    const joined = /** @type {any[]} */ ([])
    for (let i = 0; i < 3; i++) {
      const { seen } = await startConsumer({ groupId, topics: [topic], partitionAssigners })
      joined.push(() => seen.of('GROUP_JOIN').at(-1))
    }
    await waitFor(async () => {
      const counts = joined.map(last => (last().memberAssignment[topic] ?? []).length)
      return counts.sort().join() === `0,0,${PARTITIONS}`
    })
    const { members, state } = await createConsumer({ groupId }).describeGroup()
    expect(state).toBe('Stable')
    expect(members).toHaveLength(3)
  })

  it('is called as a method, with its promise awaited', async () => {
    const topic = await filled(8, { partitions: PARTITIONS })
    const { seen, messages } = await startConsumer({
      topics: [topic],
      partitionAssigners: [createAssigner('Own', { name: 'Own', version: 7 })]
    })
    await waitFor(() => messages.length === 8)
    expect(seen.of('GROUP_JOIN')[0]).toMatchObject({ groupProtocol: 'Own', isLeader: true })
  })
})

describe('several assigners', () => {
  it('are offered in order; the first that all members have is used', async () => {
    const topic = await filled(8, { partitions: PARTITIONS })
    const groupId = uniqueName('group')
    const { roundRobin } = PartitionAssigners
    const both = [createAssigner('First'), roundRobin]
    const first = await startConsumer({ groupId, topics: [topic], partitionAssigners: both })
    expect(first.seen.of('GROUP_JOIN')[0].groupProtocol).toBe('First')
    const second = await startConsumer({ groupId, topics: [topic], partitionAssigners: both })
    expect(second.seen.of('GROUP_JOIN')[0].groupProtocol).toBe('First')
    const old = await startConsumer({ groupId, topics: [topic] })
    expect(old.seen.of('GROUP_JOIN')[0].groupProtocol).toBe('RoundRobinAssigner')
  })

  it('that no other member has are refused', async () => {
    const topic = await filled(8, { partitions: PARTITIONS })
    const groupId = uniqueName('group')
    await startConsumer({ groupId, topics: [topic] })
    const { seen } = await startConsumer({
      groupId,
      topics: [topic],
      partitionAssigners: [createAssigner('Own')]
    })
    await waitFor(() => seen.of('CRASH').length > 0)
    const [{ error, restart }] = seen.of('CRASH')
    expect(error).toMatchObject({
      name: 'KafkaJSProtocolError',
      type: 'INCONSISTENT_GROUP_PROTOCOL',
      code: 23
    })
    expect(restart).toBe(false)
  })

  it('are at least one', async () => {
    await expect(crashOf([])).rejects.toThrow('Invalid partitionAssigners')
  })
})

describe('an assigner that fails', () => {
  const mistake = new Error('mistake')
  const later = Object.assign(new Error('later'), { retriable: true })
  const fails = error => async () => {
    throw error
  }

  it.each([
    ['assign', 'any', mistake, false],
    ['assign', 'a retriable', later, true],
    ['protocol', 'any', mistake, false],
    ['protocol', 'a retriable', later, true]
  ])('in %s with %s error crashes the consumer with it', async (method, _kind, error, restart) => {
    const throws = () => {
      throw error
    }
    const of = { [method]: method === 'assign' ? fails(error) : throws }
    const crash = await crashOf([createAssigner('Fails', of)])
    expect(crash.error).toBe(error)
    expect(crash.restart).toBe(restart)
  })

  it('is the one that nobody can find by the name of its protocol', async () => {
    const protocol = ({ topics }) => ({
      name: 'Alias',
      metadata: MemberMetadata.encode({ version: 0, topics })
    })
    expect(await crashOf([createAssigner('Name', { protocol })])).toMatchObject({
      error: {
        name: 'KafkaJSNonRetriableError',
        message:
          'Unsupported partition assigner "Alias", the assigner wasn\'t found in the assigners list',
        retriable: false
      },
      restart: false
    })
  })
})

describe('the cluster that an assigner gets', () => {
  /**
   * What `ask` learns while it assigns.
   * @param {(options: { cluster: any, topic: string, groupId: string }) => any} ask
   */
  const learn = async ask => {
    const topic = await filled(8, { partitions: PARTITIONS })
    let learned
    const { groupId, messages, seen } = await startConsumer({
      topics: [topic],
      partitionAssigners: [
        createAssigner('Curious', options => ({
          assign: async ({ members, topics }) => {
            learned = await ask({ ...options, topic })
            return toFirst({ ...options, members, topics })
          }
        }))
      ]
    })
    if (seen.of('CRASH').length > 0) throw seen.of('CRASH')[0].error
    await waitFor(() => messages.length === 8)
    return { learned, topic, groupId }
  }

  it('knows the partitions', async () => {
    const { learned } = await learn(({ cluster, topic }) => ({
      own: cluster.findTopicPartitionMetadata(topic),
      unknown: cluster.findTopicPartitionMetadata('no-such-topic'),
      leaders: cluster.findLeaderForPartitions(topic, [0, '1', 99])
    }))
    const { own, unknown, leaders } = learned
    const byId = own.sort((a, b) => a.partitionId - b.partitionId)
    const node = byId[0].leader
    expect(byId).toEqual(
      upTo(PARTITIONS).map(partitionId => ({
        partitionErrorCode: 0,
        partitionId,
        leader: node,
        replicas: [node],
        isr: [node],
        offlineReplicas: []
      }))
    )
    expect(unknown).toEqual([])
    expect(leaders).toEqual({ [node]: [0, 1] })
  })

  it('says what there is to read', async () => {
    const { learned, topic } = await learn(async ({ cluster, topic: name }) => {
      const partitions = [{ partition: 0 }, { partition: 1 }]
      const of = options => cluster.fetchTopicsOffset([{ topic: name, partitions, ...options }])
      return {
        first: await of({ fromBeginning: true }),
        last: await of({ fromBeginning: false }),
        since: await of({ fromTimestamp: 0 }),
        defaults: [true, false].map(fromBeginning => cluster.defaultOffset({ fromBeginning }))
      }
    })
    const sorted = ([{ partitions, ...one }, ...rest]) => [
      { ...one, partitions: [...partitions].sort((a, b) => a.partition - b.partition) },
      ...rest
    ]
    const at = offset => [{ topic, partitions: [0, 1].map(partition => ({ partition, offset })) }]
    expect(sorted(learned.first)).toEqual(at('0'))
    expect(sorted(learned.last)).toEqual(at('2'))
    expect(sorted(learned.since)).toEqual(at('0'))
    expect(learned.defaults).toEqual([-2, -1])
  })

  it('finds the brokers, and what the group has committed', async () => {
    const { learned, topic } = await learn(async ({ cluster, topic: name, groupId }) => {
      const topics = [{ topic: name, partitions: [{ partition: 0 }] }]
      const { coordinator, errorCode } = await cluster.findGroupCoordinatorMetadata({ groupId })
      const broker = await cluster.findGroupCoordinator({ groupId })
      const byId = await cluster.findBroker({ nodeId: String(coordinator.nodeId) })
      return {
        coordinator,
        errorCode,
        isConnected: cluster.isConnected(),
        nodeIds: cluster.getNodeIds(),
        brokerId: broker.nodeId,
        otherId: byId.nodeId,
        controllerId: (await cluster.findControllerBroker()).nodeId,
        committed: await broker.offsetFetch({ groupId, topics }),
        ends: await byId.listOffsets({
          topics: [{ topic: name, partitions: [{ partition: 0, timestamp: -1 }] }]
        }),
        missing: await cluster.findBroker({ nodeId: '99' }).catch(e => [e.name, e.message])
      }
    })
    const { nodeId } = learned.coordinator
    expect(learned).toMatchObject({
      coordinator: { nodeId: expect.any(Number), host: '127.0.0.1', port: expect.any(Number) },
      errorCode: 0,
      isConnected: true,
      nodeIds: [String(nodeId)],
      brokerId: nodeId,
      otherId: nodeId,
      controllerId: nodeId,
      missing: ['KafkaJSBrokerNotFound', 'Broker 99 not found in the cached metadata']
    })
    expect(learned.committed.responses).toMatchObject([
      { topic, partitions: [{ errorCode: 0, partition: 0, offset: '-1' }] }
    ])
    expect(learned.ends.responses).toMatchObject([
      { topic, partitions: [{ errorCode: 0, partition: 0, offset: '2' }] }
    ])
  })

  it('has brokers that answer what assigners ask, and nothing else', async () => {
    const { learned } = await learn(async ({ cluster, groupId }) => {
      const broker = await cluster.findGroupCoordinator({ groupId })
      const { groups } = await broker.describeGroups({ groupIds: [groupId] })
      return { state: groups[0].state, fetch: await broker.fetch({ topics: [] }).catch(String) }
    })
    expect(learned.state).toBe('CompletingRebalance')
    expect(learned.fetch).toMatch(/^KafkaJSNotImplemented: broker.fetch is not implemented/)
  })

  it('reads the metadata of further topics', async () => {
    const other = await createTopic({ partitions: 2 })
    const { learned } = await learn(async ({ cluster, topic }) => {
      await cluster.addMultipleTargetTopics([other])
      await cluster.refreshMetadata()
      await cluster.refreshMetadataIfNecessary()
      const known = cluster.findTopicPartitionMetadata(other).length
      const { brokers, topicMetadata, clusterId, controllerId } = await cluster.metadata({
        topics: [topic]
      })
      return { known, brokers, topicMetadata, clusterId, controllerId }
    })
    expect(learned.known).toBe(2)
    expect(learned.topicMetadata).toHaveLength(1)
    expect(Object.keys(learned.topicMetadata[0])).toEqual(
      expect.arrayContaining(['topicErrorCode', 'topic', 'isInternal', 'partitionMetadata'])
    )
    expect(learned.brokers).toEqual([
      expect.objectContaining({ nodeId: learned.controllerId, host: '127.0.0.1' })
    ])
    expect(learned.clusterId).toEqual(expect.any(String))
  })

  it('knows nothing before the first metadata', async () => {
    let cluster = /** @type {any} */ (null)
    const consumer = createConsumer({
      partitionAssigners: [createAssigner('Early', options => ((cluster = options.cluster), {}))]
    })
    expect(cluster.isConnected()).toBe(false)
    expect(cluster.getNodeIds()).toEqual([])
    let error = /** @type {any} */ (null)
    try {
      cluster.findTopicPartitionMetadata('t')
    } catch (e) {
      error = e
    }
    expect(error).toMatchObject({
      name: 'KafkaJSTopicMetadataNotLoaded',
      message: 'Topic metadata not loaded',
      topic: 't'
    })
    await consumer.disconnect()
  })
})

describe("Kafka's own assigners", () => {
  it.each([
    ['range', 'RangeAssignor', 'range'],
    ['RoundRobinAssignor', 'RoundRobinAssignor', 'roundrobin'],
    ['sticky', 'StickyAssignor', 'sticky']
  ])('%s shares a group with a member in Java', async (name, java, protocol) => {
    const topic = await filled(40, { partitions: PARTITIONS })
    const groupId = uniqueName('group')
    const { messages, seen } = await startConsumer({
      groupId,
      topics: [topic],
      partitionAssigners: [name]
    })
    await waitFor(() => messages.length === 40)
    const assignor = `org.apache.kafka.clients.consumer.${java}`
    const config = { 'partition.assignment.strategy': assignor }
    const other = await startJavaConsumer(sharedCluster().brokers, { topic, groupId, config })
    const joined = () => seen.of('GROUP_JOIN')
    await waitFor(() => joined().at(-1).memberAssignment[topic]?.length === PARTITIONS / 2)
    expect(joined().at(-1)).toMatchObject({ groupProtocol: protocol, isLeader: true })
    await other.stop()
    await waitFor(() => joined().at(-1).memberAssignment[topic].length === PARTITIONS)
  })

  it('stand beside those of programs, in order', async () => {
    const topic = await filled(8, { partitions: PARTITIONS })
    const groupId = uniqueName('group')
    const protocolOf = async partitionAssigners => {
      const { seen } = await startConsumer({ groupId, topics: [topic], partitionAssigners })
      return seen.of('GROUP_JOIN')[0].groupProtocol
    }
    expect(await protocolOf(['range', createAssigner('Own'), 'sticky'])).toBe('range')
    expect(await protocolOf(['sticky', createAssigner('Own')])).toBe('Own')
    expect(await protocolOf(['sticky'])).toBe('sticky')
  })
})
