// @ts-check
'use strict'

/** Cooperative rebalancing (KIP-429): what a member keeps goes on while the group rebalances. */

const {
  committed,
  createTopic,
  logEnd,
  produce,
  sharedCluster,
  uniqueName
} = require('../kafka/helpers')
const { startJavaMember } = require('../kafka/member')
const {
  AssignerProtocol: { MemberAssignment, MemberMetadata },
  byPartition,
  createConsumer,
  defer,
  distinct,
  filled,
  numbered,
  pause,
  startConsumer,
  upTo,
  waitFor
} = require('./support')

const PARTITIONS = 6
const cooperative = { partitionAssigners: ['CooperativeSticky'] }

/** The partitions of a member's last assignment. */
const assigned = ({ seen }, topic) => seen.of('GROUP_JOIN').at(-1)?.memberAssignment[topic] ?? []

/** Do these members, and nobody else, have all partitions between them, evenly? */
const isShared = (topic, ...members) => {
  const shares = members.map(member => assigned(member, topic))
  const all = shares.flat()
  return (
    shares.every(share => Math.abs(share.length - PARTITIONS / members.length) < 1) &&
    all.length === PARTITIONS &&
    new Set(all).size === PARTITIONS
  )
}

/** Messages come until this ends; resolves with how many there were. */
const produceUntil = async (topic, isOver) => {
  let sent = 0
  while (!isOver()) {
    await produce(topic, numbered(PARTITIONS * 5, { partitions: PARTITIONS, first: sent }))
    sent += PARTITIONS * 5
  }
  return sent
}

describe('a member that comes and one that goes', () => {
  it('take over what is moved and nothing else: each message once, kept partitions without a pause', async () => {
    const topic = await createTopic({ partitions: PARTITIONS })
    const groupId = uniqueName('group')
    let over = false
    const producing = produceUntil(topic, () => over)
    const start = () => startConsumer({ topics: [topic], groupId, ...cooperative })
    const members = [await start()]
    const all = () => members.flatMap(({ messages }) => messages)
    await waitFor(() => isShared(topic, ...members))
    const [first] = members
    const kept = []
    for (let i = 1; i < 3; i++) {
      const before = assigned(first, topic)
      members.push(await start())
      await waitFor(() => isShared(topic, ...members))
      kept.push(assigned(first, topic).every(partition => before.includes(partition)))
      const had = all().length
      await waitFor(() => all().length > had + PARTITIONS * 10)
    }
    expect(kept).toEqual([true, true])
    const [, second, third] = members
    const before = assigned(first, topic)
    await third.consumer.disconnect()
    await waitFor(() => isShared(topic, first, second))
    expect(assigned(first, topic)).toEqual(expect.arrayContaining(before))
    over = true
    const sent = await producing
    await waitFor(() => distinct(all()).length >= sent)
    for (const { consumer } of [first, second]) await consumer.disconnect()
    expect(all()).toHaveLength(sent)
    expect(await committed(groupId, topic)).toEqual(await logEnd(topic))
    expect(members.flatMap(({ seen }) => seen.of('CRASH'))).toEqual([])
    expect(first.seen.of('GROUP_JOIN').at(-1).groupProtocol).toBe('cooperative-sticky')
  })

  it('leave alone a handler of what is kept, its heartbeat(), its pauses, positions and commits', async () => {
    const topic = await filled(40, { partitions: 2 })
    const groupId = uniqueName('group')
    const entered = [defer(), defer()]
    const gate = defer()
    const beats = /** @type {any[]} */ ([])
    const first = await startConsumer({
      topics: [topic],
      groupId,
      ...cooperative,
      run: {
        autoCommit: false,
        partitionsConsumedConcurrently: 2,
        eachMessage: async ({ partition, message, heartbeat }) => {
          first.messages.push({ topic, partition, offset: Number(message.offset), value: null })
          if (message.offset !== '3') return
          entered[partition].resolve()
          await gate.promise
          beats.push(
            await heartbeat().then(
              () => partition,
              error => [partition, error.type]
            )
          )
        }
      }
    })
    await Promise.all(entered.map(({ promise }) => promise))
    const joining = startConsumer({
      topics: [topic],
      groupId,
      ...cooperative,
      run: { autoCommit: false, eachMessage: async () => {} }
    })
    await waitFor(() => assigned(first, topic).length === 1)
    const [keeps] = assigned(first, topic)
    const going = [1 - keeps]
    first.consumer.pause([{ topic, partitions: [keeps] }])
    await first.consumer.commitOffsets([{ topic, partition: keeps, offset: '2' }])
    gate.resolve()
    const second = await joining
    await waitFor(() => isDone(second, going))
    expect(beats).toContain(keeps)
    expect(first.consumer.paused()).toEqual([{ topic, partitions: [keeps] }])
    first.consumer.resume([{ topic, partitions: [keeps] }])
    await waitFor(() => byPartition(first.messages)[keeps].length >= 20)
    // Not committed, and not read again: the position is kept.
    expect(byPartition(first.messages)[keeps]).toEqual(upTo(20))
    expect((await committed(groupId, topic))[keeps]).toBe('2')
    expect(byPartition(first.messages)[1 - keeps]).toEqual(upTo(4))
  })
})

const isDone = ({ seen }, partitions) =>
  JSON.stringify(Object.values(seen.of('GROUP_JOIN').at(-1)?.memberAssignment ?? {}).flat()) ===
  JSON.stringify(partitions)

describe('a list with an eager assigner in it', () => {
  it('is the bridge: two rolling bounces under load lose nothing', async () => {
    const topic = await createTopic({ partitions: PARTITIONS })
    const groupId = uniqueName('group')
    let over = false
    const producing = produceUntil(topic, () => over)
    const start = partitionAssigners =>
      startConsumer({ topics: [topic], groupId, partitionAssigners })
    const everybody = /** @type {Awaited<ReturnType<typeof startConsumer>>[]} */ ([])
    let members = everybody
    for (const step of [['range'], ['cooperative-sticky', 'range'], ['cooperative-sticky']]) {
      for (let i = 0; i < 3; i++) {
        const old = members[i]
        await old?.consumer.disconnect()
        const fresh = await start(step)
        members = old ? members.with(i, fresh) : [...members, fresh]
        everybody.push(fresh)
        await waitFor(() => isShared(topic, ...members))
      }
    }
    expect(members[0].seen.of('GROUP_JOIN').at(-1).groupProtocol).toBe('cooperative-sticky')
    over = true
    const sent = await producing
    const all = () => everybody.flatMap(({ messages }) => messages)
    await waitFor(() => distinct(all()).length >= sent)
    for (const { consumer } of members) await consumer.disconnect()
    expect(all()).toHaveLength(sent)
    expect(everybody.flatMap(({ seen }) => seen.of('CRASH'))).toEqual([])
  })
})

/**
 * How many offsets a member in Java has committed. It tells of records before that, and what it has to give up then is read again.
 * @param {import('../kafka/member').Member} java
 */
const committedBy = java => {
  const offsets = new Map()
  for (const event of java.of('offsets_committed')) {
    if (!event.success) continue
    for (const { partition, offset } of event.offsets) offsets.set(partition, offset)
  }
  return [...offsets.values()].reduce((sum, offset) => sum + offset, 0)
}

describe("with Kafka's own member", () => {
  it.each(['ours', "Java's"])('%s leads, and each partition has one owner', async leader => {
    const topic = await createTopic({ partitions: PARTITIONS })
    const groupId = uniqueName('group')
    const startJava = () =>
      startJavaMember({ brokers: sharedCluster().brokers, groupId, topic, protocol: 'cooperative' })
    const startOurs = () => startConsumer({ topics: [topic], groupId, ...cooperative })
    await produce(topic, numbered(60, { partitions: PARTITIONS }))
    const early = leader === 'ours' ? null : await startJava()
    if (early) {
      await waitFor(() => early.partitions().length === PARTITIONS && committedBy(early) === 60)
    }
    const ours = await startOurs()
    const java = early ?? (await startJava())
    const isEven = () => java.partitions().length === 3 && assigned(ours, topic).length === 3
    await waitFor(isEven)
    expect([...java.partitions(), ...assigned(ours, topic)].sort()).toEqual(upTo(PARTITIONS))
    const [{ isLeader, groupProtocol }] = ours.seen.of('GROUP_JOIN')
    expect([isLeader, groupProtocol]).toEqual([leader === 'ours', 'cooperative-sticky'])
    await produce(topic, numbered(60, { partitions: PARTITIONS, first: 60 }))
    const read = () => [
      ...ours.messages.map(({ value }) => value),
      ...java.records().map(({ value }) => value)
    ]
    await waitFor(() => new Set(read()).size === 120)
    await java.stop()
    await waitFor(() => assigned(ours, topic).length === PARTITIONS)
    expect(read()).toHaveLength(120)
  })
})

describe('a custom assigner that says that it is cooperative', () => {
  /** Partition by partition, to one member after the other: what it moves, others still have. */
  const dealing = ({ cluster }) => ({
    name: 'Dealing',
    version: 0,
    rebalanceProtocol: /** @type {const} */ ('cooperative'),
    protocol: ({ topics }) => ({
      name: 'Dealing',
      metadata: MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) })
    }),
    async assign({ members, topics: [topic] }) {
      told.push(members.map(({ ownedPartitions }) => ownedPartitions[topic]?.length ?? 0))
      const ids = members.map(({ memberId }) => memberId).sort()
      const partitions = cluster.findTopicPartitionMetadata(topic).map(p => p.partitionId)
      return ids.map((memberId, i) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: 0,
          assignment: { [topic]: partitions.filter(id => id % ids.length === i) },
          userData: Buffer.alloc(0)
        })
      }))
    }
  })
  const told = /** @type {number[][]} */ ([])

  it('is told what members own, and nobody gets what another one has not given up', async () => {
    told.length = 0
    const topic = await createTopic({ partitions: PARTITIONS })
    const groupId = uniqueName('group')
    const start = () => startConsumer({ topics: [topic], groupId, partitionAssigners: [dealing] })
    const first = await start()
    const second = await start()
    await waitFor(() => isShared(topic, first, second))
    expect(told.map(counts => counts.sort())).toEqual([[0], [0, 6], [0, 3]])
    const joined = second.seen.of('GROUP_JOIN').map(join => join.memberAssignment[topic] ?? [])
    expect(joined.pop()).toHaveLength(3)
    // The first one may have given up what moves before this one has heard that it gets nothing yet.
    expect([[[]], []]).toContainEqual(joined)
    await produce(topic, numbered(60, { partitions: PARTITIONS }))
    const all = () => [...first.messages, ...second.messages]
    await waitFor(() => distinct(all()).length === 60)
    await pause(100)
    expect(all()).toHaveLength(60)
  })

  it('has to write what others can read', async () => {
    const topic = await createTopic()
    const odd = options => ({
      ...dealing(options),
      protocol: () => ({ name: 'Dealing', metadata: Buffer.from('?') })
    })
    const consumer = createConsumer({ partitionAssigners: [odd] })
    const crashed = new Promise(resolve => consumer.on(consumer.events.CRASH, resolve))
    await consumer.subscribe({ topics: [topic] })
    await consumer.run({ eachMessage: async () => {} })
    const { payload } = /** @type {any} */ (await crashed)
    expect(payload.error.message).toMatch(
      /^The assigner "Dealing" is cooperative, so its metadata has to be/
    )
    expect(payload.restart).toBe(false)
  })
})
