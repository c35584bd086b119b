// @ts-check
'use strict'

/** Groups are listed, described and deleted, and members sent away; of every kind. */

const { AssignerProtocol } = require('kafkajs')
const { ConfigResourceTypes } = require('../..')
const { createTopic, sharedCluster, uniqueName } = require('../kafka/helpers')
const { startJavaTool } = require('../kafka/javaTool')
const { beat } = require('./streamsMember')
const { createAdmin, createObserver, errorOf, startMember, waitFor } = require('./support')

const admin = createAdmin()
const observer = createObserver()

/** A group that has committed, and no members. */
const emptyGroup = async topic => {
  const groupId = uniqueName('group')
  await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '0' }] })
  return groupId
}

const find = async (groupId, options) =>
  (await admin.listGroups(options)).groups.find(group => group.groupId === groupId)

describe('listGroups()', () => {
  it('tells what kafkajs tells', async () => {
    const { groupId } = await startMember(await createTopic())
    const { groups } = await admin.listGroups()
    const theirs = (await observer.listGroups()).groups.find(group => group.groupId === groupId)
    expect(groups.find(group => group.groupId === groupId)).toEqual(theirs)
  })

  it('tells state and type, and lists by them', async () => {
    const topic = await createTopic()
    const [classic, consumer, empty] = await Promise.all([
      startMember(topic),
      startMember(topic, { groupProtocol: 'consumer' }),
      emptyGroup(topic)
    ])
    const described = async options =>
      Promise.all(
        [classic.groupId, consumer.groupId, empty].map(async id => {
          const found = await find(id, options)
          return found && [found.state, found.type]
        })
      )
    expect(await described()).toEqual([
      ['Stable', 'classic'],
      ['Stable', 'consumer'],
      ['Empty', 'classic']
    ])
    expect(await described({ states: ['Empty'] })).toEqual([
      undefined,
      undefined,
      ['Empty', 'classic']
    ])
    expect(await described({ types: ['consumer'] })).toEqual([
      undefined,
      ['Stable', 'consumer'],
      undefined
    ])
  })
})

describe('describeGroups()', () => {
  it('tells of a classic group what kafkajs tells', async () => {
    const topic = await createTopic({ partitions: 2 })
    const { groupId } = await startMember(topic)
    const ours = await admin.describeGroups([groupId])
    expect(ours).toEqual(await observer.describeGroups([groupId]))
    const [{ type, members }] = ours.groups
    expect([type, members[0].assignment]).toEqual(['classic', [{ topic, partitions: [0, 1] }]])
  })

  it('tells of a group of KIP-848 in the same words, with its epochs', async () => {
    const topic = await createTopic({ partitions: 2 })
    const { groupId } = await startMember(topic, { groupProtocol: 'consumer' })
    const { groups } = await admin.describeGroups([groupId])
    const [group] = groups
    expect(group).toMatchObject({
      errorCode: 0,
      groupId,
      state: 'Stable',
      protocolType: 'consumer',
      protocol: 'uniform',
      type: 'consumer',
      groupEpoch: expect.any(Number),
      assignmentEpoch: expect.any(Number)
    })
    const [only] = group.members
    expect(AssignerProtocol.MemberAssignment.decode(only.memberAssignment)).toMatchObject({
      assignment: { [topic]: [0, 1] }
    })
    expect(AssignerProtocol.MemberMetadata.decode(only.memberMetadata)).toMatchObject({
      topics: [topic]
    })
    expect([only.assignment, only.memberEpoch]).toEqual([
      [{ topic, partitions: [0, 1] }],
      group.groupEpoch
    ])
  })

  it('tells of a share group', async () => {
    const topic = await createTopic()
    const groupId = uniqueName('share')
    const tool = await startJavaTool('org.apache.kafka.tools.consumer.ConsoleShareConsumer', [
      '--bootstrap-server',
      sharedCluster().brokers.join(','),
      '--topic',
      topic,
      '--group',
      groupId
    ])
    try {
      const described = async () => (await admin.describeGroups([groupId])).groups[0]
      await waitFor(async () => (await described()).members[0]?.assignment?.length > 0)
      expect(await described()).toMatchObject({
        state: 'Stable',
        protocolType: 'share',
        type: 'share',
        members: [{ assignment: [{ topic, partitions: [0] }], topics: [topic] }]
      })
      expect(await find(groupId)).toMatchObject({ protocolType: 'share', type: 'share' })
      const error = await errorOf(admin.groupLag(groupId))
      expect(error.message).toMatch(`Group "${groupId}" is a share group`)
    } finally {
      await tool.kill()
    }
  }, 60_000)

  it('tells of a group of Kafka Streams, its program, its tasks and what they read', async () => {
    const [topic, small, other] = [
      await createTopic({ partitions: 3 }),
      await createTopic(),
      await createTopic({ partitions: 2 })
    ]
    const groupId = uniqueName('streams')
    const [coordinator] = sharedCluster().brokers
    // Its first member is assigned to at once.
    const configEntries = [{ name: 'streams.initial.rebalance.delay.ms', value: '0' }]
    await admin.incrementalAlterConfigs({
      resources: [{ type: ConfigResourceTypes.GROUP, name: groupId, configEntries }]
    })
    const member = {
      groupId,
      memberId: 'member-1',
      subtopologies: [
        { id: '0', sourceTopics: [topic, small] },
        { id: '1', sourceTopics: [other] }
      ]
    }
    expect(await beat(coordinator, member)).toEqual({ errorCode: 0 })
    const described = async () => (await admin.describeGroups([groupId])).groups[0]
    await waitFor(async () => (await described()).members[0]?.targetAssignment?.length > 0)
    const group = await described()
    const part = {
      repartitionSourceTopics: [],
      repartitionSinkTopics: [],
      stateChangelogTopics: []
    }
    expect(group).toMatchObject({
      errorCode: 0,
      groupId,
      protocolType: 'streams',
      protocol: '',
      type: 'streams',
      groupEpoch: expect.any(Number),
      topology: {
        epoch: 5,
        subtopologies: [
          { ...part, subtopologyId: '0', sourceTopics: expect.arrayContaining([topic, small]) },
          { ...part, subtopologyId: '1', sourceTopics: [other] }
        ]
      }
    })
    const [{ memberId, rackId, processId, targetTasks, topics }] = group.members
    expect({ memberId, rackId, processId, topics: topics.sort() }).toEqual({
      memberId: 'member-1',
      rackId: 'rack-1',
      processId: 'process-1',
      topics: [topic, small, other].sort()
    })
    const byId = (a, b) => a.subtopologyId.localeCompare(b.subtopologyId)
    expect(targetTasks.active.sort(byId)).toEqual([
      { subtopologyId: '0', partitions: [0, 1, 2] },
      { subtopologyId: '1', partitions: [0, 1] }
    ])
    // The small topic has one partition only, whichever tasks read it.
    const byTopic = new Map(
      group.members[0].targetAssignment.map(({ topic: of, partitions }) => [of, partitions])
    )
    expect([topic, small, other].map(of => byTopic.get(of))).toEqual([[0, 1, 2], [0], [0, 1]])
    const { assignment, memberAssignment } = group.members[0]
    const decoded = AssignerProtocol.MemberAssignment.decode(memberAssignment)
    expect(decoded?.assignment).toEqual(
      Object.fromEntries(assignment.map(({ topic: of, partitions }) => [of, partitions]))
    )
    expect(await find(groupId, { types: ['streams'] })).toMatchObject({
      protocolType: 'streams',
      type: 'streams'
    })
    const lag = await admin.groupLag(groupId)
    expect(lag.filter(({ owner }) => owner === null || owner.memberId !== 'member-1')).toEqual([])
    const running = errorOf(
      admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '0' }] })
    )
    expect((await running).message).toMatch('must have no running instances')
    await beat(coordinator, { ...member, leaves: true })
    await waitFor(async () => (await described()).state === 'Empty')
    expect(await admin.deleteGroups([groupId])).toEqual([{ groupId, errorCode: 0 }])
  })

  it('calls a group Dead that nobody knows', async () => {
    const unknown = uniqueName('nobody')
    const { groups } = await admin.describeGroups([unknown])
    expect(groups).toEqual((await observer.describeGroups([unknown])).groups)
    expect(groups[0]).toMatchObject({ groupId: unknown, state: 'Dead', errorCode: 0 })
  })

  it('keeps the order, as deleteGroups() does', async () => {
    const topic = await createTopic()
    const groupIds = await Promise.all(Array.from({ length: 10 }, () => emptyGroup(topic)))
    // Also of one that nobody knows, or that is named twice.
    const asked = [uniqueName('nobody'), ...groupIds, groupIds[0]]
    const { groups } = await admin.describeGroups(asked)
    expect(groups.map(({ groupId }) => groupId)).toEqual(asked)
    expect((await admin.deleteGroups(groupIds)).map(({ groupId }) => groupId)).toEqual(groupIds)
  })

  it('refuses what is no array', async () => {
    expect(await errorOf(admin.describeGroups('group'))).toBeInstanceOf(TypeError)
  })
})

describe('deleteGroups()', () => {
  it('deletes groups and what they have committed', async () => {
    const topic = await createTopic()
    const groupIds = [await emptyGroup(topic), await emptyGroup(topic)]
    const deleted = await admin.deleteGroups(groupIds)
    expect(deleted).toHaveLength(2)
    expect(deleted).toEqual(
      expect.arrayContaining(groupIds.map(groupId => ({ groupId, errorCode: 0 })))
    )
    const { groups } = await observer.describeGroups(groupIds)
    expect(groups.map(({ state }) => state)).toEqual(['Dead', 'Dead'])
  })

  it('deletes once what is named twice', async () => {
    const groupId = await emptyGroup(await createTopic())
    expect(await admin.deleteGroups([groupId, groupId])).toEqual([{ groupId, errorCode: 0 }])
  })

  it('names those that it could not delete, and deletes the others', async () => {
    const topic = await createTopic()
    const [live, empty] = [(await startMember(topic)).groupId, await emptyGroup(topic)]
    const unknown = uniqueName('nobody')
    const error = await errorOf(admin.deleteGroups([live, empty, unknown]))
    expect([error.name, error.message]).toEqual([
      'KafkaJSDeleteGroupsError',
      'Error in DeleteGroups'
    ])
    expect(error.groups.map(group => [group.groupId, group.errorCode, group.error.type])).toEqual([
      [live, 68, 'NON_EMPTY_GROUP'],
      [unknown, 69, 'GROUP_ID_NOT_FOUND']
    ])
    const { groups } = await observer.describeGroups([empty])
    expect(groups[0].state).toBe('Dead')
  })

  it('refuses what are no groups in the words of kafkajs', async () => {
    for (const wrong of [undefined, 'group', [1]]) {
      const [ours, theirs] = await Promise.all(
        [admin, observer].map(client => errorOf(client.deleteGroups(/** @type {any} */ (wrong))))
      )
      expect([ours.name, ours.message]).toEqual([theirs.name, theirs.message])
    }
    expect(await admin.deleteGroups([])).toEqual([])
  })
})

describe('removeMembersFromConsumerGroup()', () => {
  it.each(['classic', 'consumer'])('sends a static member away: %s', async groupProtocol => {
    const topic = await createTopic()
    const { consumer, groupId } = await startMember(topic, {
      groupProtocol,
      groupInstanceId: 'one'
    })
    // It does not leave.
    await consumer.disconnect()
    expect(await find(groupId)).toBeDefined()
    const members = async () => (await admin.describeGroups([groupId])).groups[0].members
    expect(await members()).toHaveLength(1)
    expect(
      await admin.removeMembersFromConsumerGroup({
        groupId,
        members: [{ groupInstanceId: 'one' }, { groupInstanceId: 'other' }]
      })
    ).toEqual([
      { groupInstanceId: 'one' },
      { groupInstanceId: 'other', error: expect.objectContaining({ type: 'UNKNOWN_MEMBER_ID' }) }
    ])
    expect(await members()).toEqual([])
    expect(await admin.removeMembersFromConsumerGroup({ groupId })).toEqual([])
  })
})

it('asks for a thousand groups in one round of requests', async () => {
  const topic = await createTopic()
  const prefix = uniqueName('many')
  const groupIds = Array.from({ length: 1000 }, (_, i) => `${prefix}-${i}`)
  for (let i = 0; i < 1000; i += 100) {
    const some = groupIds.slice(i, i + 100)
    await Promise.all(
      some.map(groupId =>
        admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '0' }] })
      )
    )
  }
  const counted = createAdmin()
  await counted.connect()
  const requests = []
  counted.on(counted.events.REQUEST, ({ payload }) => requests.push(payload.apiName))
  const { groups } = await counted.listGroups()
  expect(groups.filter(({ groupId }) => groupId.startsWith(prefix))).toHaveLength(1000)
  expect(requests.splice(0).filter(name => name === 'ListGroups')).toHaveLength(1)
  const described = await counted.describeGroups(groupIds)
  expect(described.groups.map(({ groupId, state }) => [groupId, state])).toEqual(
    groupIds.map(groupId => [groupId, 'Empty'])
  )
  expect(requests.splice(0).sort()).toEqual(['DescribeGroups', 'GroupCoordinator'])
  const offsets = await counted.fetchOffsets({ groupIds })
  expect(offsets.map(({ groupId, topics }) => [groupId, topics.length])).toEqual(
    groupIds.map(groupId => [groupId, 1])
  )
  expect(requests.splice(0).sort()).toEqual(['GroupCoordinator', 'OffsetFetch'])
  expect(await counted.deleteGroups(groupIds)).toHaveLength(1000)
  expect(requests.splice(0).sort()).toEqual(['DeleteGroups', 'GroupCoordinator'])
})
