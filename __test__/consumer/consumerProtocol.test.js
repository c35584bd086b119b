// @ts-check
'use strict'

/** `groupProtocol: 'consumer'`, the groups of KIP-848: the broker assigns, and members give up and take one by one. */

const { startJavaMember } = require('../kafka/member')
const { committed, createTopic, produce, sharedCluster, uniqueName } = require('../kafka/helpers')
const {
  AssignerProtocol: { MemberAssignment, MemberMetadata },
  createConsumer,
  createKafka,
  distinct,
  numbered,
  startConsumer,
  upTo,
  waitFor
} = require('./support')

const PARTITIONS = 4
/** Refused beside 'consumer'; `createConsumer` sets it for the others. */
const CONSUMER = /** @type {any} */ ({ groupProtocol: 'consumer', heartbeatInterval: undefined })

const start = (groupId, topic, options = {}) =>
  startConsumer({ topics: [topic], groupId, ...CONSUMER, ...options })
const assignedTo = ({ seen }, topic) => seen.of('GROUP_JOIN').at(-1)?.memberAssignment[topic] ?? []
const count = (members, topic) => members.flatMap(member => assignedTo(member, topic)).length
const describeGroup = groupId => createConsumer({ groupId }).describeGroup()

const java = /** @type {import('../kafka/member').JavaMember[]} */ ([])
afterEach(() => Promise.all(java.splice(0).map(member => member.kill())))

it('alone: it has all, commits, and goes on from there when it comes back', async () => {
  const topic = await createTopic({ partitions: PARTITIONS })
  const groupId = uniqueName('group')
  await produce(topic, numbered(20, { partitions: PARTITIONS }))
  const one = await start(groupId, topic)
  await waitFor(() => one.messages.length >= 20)
  const joined = one.seen.of('GROUP_JOIN').at(-1)
  expect(joined).toEqual({
    groupId,
    memberId: expect.stringMatching(/^[\w-]{22}$/),
    leaderId: '',
    isLeader: false,
    memberAssignment: { [topic]: upTo(PARTITIONS) },
    groupProtocol: 'consumer',
    duration: expect.any(Number)
  })
  await waitFor(() => one.seen.of('HEARTBEAT').length >= 2)
  const { memberId } = joined
  expect(one.seen.of('HEARTBEAT').at(-1)).toEqual({
    groupId,
    memberId,
    groupGenerationId: expect.any(Number)
  })
  await one.consumer.disconnect()
  expect(Object.values(await committed(groupId, topic))).toEqual(Array(PARTITIONS).fill('5'))
  expect((await describeGroup(groupId)).state).toBe('Empty')

  await produce(topic, numbered(4, { partitions: PARTITIONS, first: 20 }))
  const again = await start(groupId, topic)
  await waitFor(() => again.messages.length >= 4)
  expect(distinct(again.messages)).toEqual(upTo(24).slice(20))
})

it('a second member: the first gives up half, is told so, and goes on with the other half', async () => {
  const topic = await createTopic({ partitions: PARTITIONS })
  const groupId = uniqueName('group')
  await produce(topic, numbered(40, { partitions: PARTITIONS }))
  const one = await start(groupId, topic)
  await waitFor(() => one.messages.length >= 40)
  // The broker speaks it.
  const auto = /** @type {any} */ ({ groupProtocol: 'auto' })
  const two = await startConsumer({ topics: [topic], groupId, ...auto })
  await waitFor(() => [one, two].every(member => assignedTo(member, topic).length === 2))
  expect(two.seen.of('GROUP_JOIN')[0]).toMatchObject({ groupProtocol: 'consumer' })
  expect(one.seen.of('REBALANCING').at(-1)).toEqual({
    groupId,
    memberId: one.seen.of('GROUP_JOIN')[0].memberId
  })
  expect([...assignedTo(one, topic), ...assignedTo(two, topic)].sort()).toEqual(upTo(PARTITIONS))
  await produce(topic, numbered(40, { partitions: PARTITIONS, first: 40 }))
  await waitFor(() => one.messages.length + two.messages.length >= 80)
  const all = [...one.messages, ...two.messages]
  expect(distinct(all)).toEqual(upTo(80))
  expect(all).toHaveLength(80)

  await two.consumer.disconnect()
  await waitFor(() => assignedTo(one, topic).length === PARTITIONS)
})

it('in one group with a Java member', async () => {
  const topic = await createTopic({ partitions: PARTITIONS })
  const groupId = uniqueName('group')
  const { brokers } = sharedCluster()
  const one = await start(groupId, topic, { groupRemoteAssignor: 'range' })
  const member = await startJavaMember({ brokers, groupId, topic, protocol: 'consumer' })
  java.push(member)
  await waitFor(() => member.partitions().length === 2 && assignedTo(one, topic).length === 2)
  // Java's would share it with a classic member as well.
  expect(one.seen.of('GROUP_JOIN').at(-1)).toMatchObject({ groupProtocol: 'consumer' })
  await produce(topic, numbered(20, { partitions: PARTITIONS }))
  await waitFor(() => one.messages.length + member.records().length >= 20)
  const values = [...one.messages, ...member.records()].map(({ value }) => Number(value))
  expect(values.sort((a, b) => a - b)).toEqual(upTo(20))
  await member.stop()
  await waitFor(() => assignedTo(one, topic).length === PARTITIONS)
})

it('describeGroup() tells of it as of any group', async () => {
  const topic = await createTopic({ partitions: PARTITIONS })
  const groupId = uniqueName('group')
  const one = await start(groupId, topic, { groupRemoteAssignor: 'range' })
  await waitFor(() => assignedTo(one, topic).length === PARTITIONS)
  await waitFor(async () => (await describeGroup(groupId)).state === 'Stable')
  const { members, ...group } = await one.consumer.describeGroup()
  expect(group).toEqual({
    errorCode: 0,
    groupId,
    state: 'Stable',
    protocolType: 'consumer',
    protocol: 'range'
  })
  expect(members).toHaveLength(1)
  const [{ memberId, clientId, memberMetadata, memberAssignment }] = members
  expect({ memberId, clientId }).toEqual({
    memberId: one.seen.of('GROUP_JOIN')[0].memberId,
    clientId: 'kafkajs'
  })
  expect(MemberMetadata.decode(memberMetadata)).toMatchObject({ topics: [topic] })
  expect(MemberAssignment.decode(memberAssignment)?.assignment).toEqual({
    [topic]: upTo(PARTITIONS)
  })
  expect(await describeGroup(uniqueName('nobody'))).toMatchObject({ state: 'Dead', members: [] })
})

it('without autoCommit: commitOffsets() counts, also behind a rebalance', async () => {
  const topic = await createTopic({ partitions: 2 })
  const groupId = uniqueName('group')
  await produce(topic, numbered(10, { partitions: 2 }))
  const run = { autoCommit: false }
  const one = await start(groupId, topic, { run: undefined, handle: () => {} })
  await one.consumer.disconnect()
  const manual = createConsumer({ groupId, ...CONSUMER })
  const joins = /** @type {any[]} */ ([])
  manual.on(manual.events.GROUP_JOIN, ({ payload }) => joins.push(payload.memberAssignment))
  await manual.subscribe({ topics: [topic] })
  await manual.run({ ...run, eachMessage: async () => {} })
  await waitFor(() => joins.at(-1)?.[topic]?.length === 2)
  const two = await start(groupId, topic)
  await waitFor(() => joins.at(-1)[topic]?.length === 1 && assignedTo(two, topic).length === 1)
  const [partition] = joins.at(-1)[topic]
  await manual.commitOffsets([{ topic, partition, offset: '3' }])
  expect((await committed(groupId, topic))[partition]).toBe('3')
})

it('a RegExp is evaluated here, an expression of RE2 by the broker', async () => {
  const name = uniqueName('matched')
  const topics = await Promise.all(
    ['a', 'b'].map(suffix => createTopic({ topic: `${name}-${suffix}`, partitions: 2 }))
  )
  const starts = [new RegExp(`^${name}-`), { re2: `${name}-.*` }].map(topic =>
    startConsumer(
      /** @type {any} */ ({ topics: [topic], groupId: uniqueName('group'), ...CONSUMER })
    )
  )
  const members = await Promise.all(starts)
  for (const member of members) {
    await waitFor(() => topics.every(topic => assignedTo(member, topic).length === 2))
  }
  for (const topic of topics) await produce(topic, numbered(4, { partitions: 2 }))
  const later = await createTopic({ topic: `${name}-later`, partitions: 1 })
  await produce(later, numbered(1))
  // The broker's look is its own; the RegExp is matched as often as metadata is read.
  const [, re2] = members
  await waitFor(() => re2.messages.length >= 9, { timeout: 40_000 })
  expect(members[0].messages.filter(({ topic }) => topic !== later)).toHaveLength(8)
}, 60_000)

it('a static member that comes back has its partitions again, and nobody else notices', async () => {
  const topic = await createTopic({ partitions: PARTITIONS })
  const groupId = uniqueName('group')
  const one = await start(groupId, topic, { groupInstanceId: 'one' })
  const two = await start(groupId, topic, { groupInstanceId: 'two' })
  await waitFor(() => [one, two].every(member => assignedTo(member, topic).length === 2))
  const [before, joins] = [assignedTo(one, topic), two.seen.of('GROUP_JOIN').length]
  await one.consumer.disconnect()
  const again = await start(groupId, topic, { groupInstanceId: 'one' })
  await waitFor(() => assignedTo(again, topic).length === 2)
  expect(assignedTo(again, topic)).toEqual(before)
  expect(two.seen.of('GROUP_JOIN')).toHaveLength(joins)
})

describe('a group that changes its protocol member by member', () => {
  it.each([
    ['an eager', {}],
    ['a cooperative', { partitionAssigners: ['cooperative-sticky'] }]
  ])(
    'from %s one, loses nothing and gives nothing twice, there and back',
    async (_, classic) => {
      const topic = await createTopic({ partitions: PARTITIONS })
      const groupId = uniqueName('group')
      let written = 0
      const write = async () => {
        await produce(topic, numbered(PARTITIONS, { partitions: PARTITIONS, first: written }))
        written += PARTITIONS
      }
      const all = /** @type {Awaited<ReturnType<typeof startConsumer>>[]} */ ([])
      const settled = async () => {
        await write()
        const handled = () => all.flatMap(({ messages }) => messages)
        await waitFor(() => distinct(handled()).length >= written)
        expect(distinct(handled())).toEqual(upTo(written))
        expect(handled()).toHaveLength(written)
      }
      const add = async groupProtocol => {
        const options = groupProtocol === 'consumer' ? CONSUMER : classic
        const member = await startConsumer({ topics: [topic], groupId, ...options })
        all.push(member)
        return member
      }
      const share = members => waitFor(() => members.every(member => count([member], topic) === 2))
      const [one, two] = [await add('classic'), await add('classic')]
      await share([one, two])
      await settled()
      let members = [one, two]
      for (const protocol of ['consumer', 'consumer', 'classic', 'classic']) {
        const [old, other] = members
        await old.consumer.disconnect()
        const next = await add(protocol)
        members = [other, next]
        await share(members)
        await settled()
      }
    },
    60_000
  )
})

describe('refused by name', () => {
  const kafka = createKafka()
  it.each(
    /** @type {[string, any, string[]][]} */ ([
      [
        'sessionTimeout',
        { sessionTimeout: 6000 },
        ['sessionTimeout', 'group.consumer.session.timeout.ms']
      ],
      ['heartbeatInterval', { heartbeatInterval: 6000 }, ['heartbeatInterval']],
      [
        'partitionAssigners',
        { partitionAssigners: ['range'] },
        ['partitionAssigners', 'groupRemoteAssignor']
      ],
      ['groupRemoteAssignor', { groupRemoteAssignor: 7 }, ['groupRemoteAssignor', '7']]
    ])
  )('%s', (_, options, texts) => {
    const make = () => kafka.consumer({ groupId: 'g', groupProtocol: 'consumer', ...options })
    for (const text of texts) expect(make).toThrow(text)
  })

  /** What ends a consumer that subscribes to this. */
  const crashOf = async (topic, options = {}) => {
    const consumer = createConsumer({ ...CONSUMER, ...options })
    const crashed = new Promise(resolve =>
      consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload.error))
    )
    await consumer.subscribe({ topic })
    await consumer.run({ eachMessage: async () => {} })
    return crashed
  }

  it('an assignor that the broker does not have', async () => {
    const error = await crashOf(await createTopic(), { groupRemoteAssignor: 'mine' })
    expect(error).toMatchObject({
      name: 'KafkaJSProtocolError',
      type: 'UNSUPPORTED_ASSIGNOR',
      message: expect.stringContaining('mine')
    })
  })

  it('an expression that RE2 cannot read, with the words of the broker', async () => {
    expect(await crashOf(/** @type {any} */ ({ re2: '[' }))).toMatchObject({
      name: 'KafkaJSProtocolError',
      type: 'INVALID_REGULAR_EXPRESSION',
      message: expect.stringContaining('[')
    })
  })

  it('an expression of RE2 in a classic group', async () => {
    const consumer = createConsumer()
    const subscribe = consumer.subscribe(/** @type {any} */ ({ topic: { re2: 'a.*' } }))
    await expect(subscribe).rejects.toThrow('groupProtocol')
  })
})
