// @ts-check
'use strict'

/** Offsets of groups are read, set, reset and forgotten, and how far groups are behind. */

const { createTopic, produce, sharedCluster, uniqueName } = require('../kafka/helpers')
const { runJavaTool } = require('../kafka/javaTool')
const { createAdmin, createObserver, errorOf, startMember } = require('./support')

const admin = createAdmin()
const observer = createObserver()

/** A topic with this many records in each partition. */
const filled = async (...counts) => {
  const topic = await createTopic({ partitions: counts.length })
  const messages = counts.flatMap((count, partition) =>
    Array.from({ length: count }, (_, i) => ({ partition, value: `${i}` }))
  )
  await produce(topic, messages)
  return topic
}

/** What kafkajs sees that the group has committed, by partition. */
const committedOf = async (groupId, topic) => {
  const [{ partitions }] = await observer.fetchOffsets({ groupId, topics: [topic] })
  const sorted = partitions.sort((a, b) => a.partition - b.partition)
  return sorted.map(({ offset, metadata }) => (metadata ? [offset, metadata] : offset))
}

const at = (partition, offset) => ({ partition, offset })

describe('setOffsets()', () => {
  it('commits numbers and texts, with metadata', async () => {
    const [topic, groupId] = [await filled(3, 3, 3), uniqueName('group')]
    const partitions = [{ ...at(0, 2), metadata: 'why' }, at(2, '1')]
    expect(await admin.setOffsets({ groupId, topic, partitions })).toBeUndefined()
    expect(await committedOf(groupId, topic)).toEqual([['2', 'why'], '-1', '1'])
  })

  it('does not wait for a rebalance, and leaves no member behind', async () => {
    const [topic, groupId] = [await filled(3), uniqueName('group')]
    const names = []
    const counted = createAdmin()
    await counted.connect()
    counted.on(counted.events.REQUEST, ({ payload }) => names.push(payload.apiName))
    await counted.setOffsets({ groupId, topic, partitions: [at(0, '2')] })
    expect(names).toEqual(['GroupCoordinator', 'OffsetCommit'])
  })

  it.each(['classic', 'consumer'])('refuses a group with members: %s', async groupProtocol => {
    const topic = await filled(3)
    const { groupId, consumer } = await startMember(topic, { groupProtocol })
    for (const call of [
      () => admin.setOffsets({ groupId, topic, partitions: [at(0, '1')] }),
      () => admin.resetOffsets({ groupId, topic })
    ]) {
      const error = await errorOf(call())
      expect([error.name, error.message, error.groupId]).toEqual([
        'KafkaJSNonRetriableError',
        'The consumer group must have no running instances, current state: Stable',
        groupId
      ])
    }
    await consumer.disconnect()
    await admin.setOffsets({ groupId, topic, partitions: [at(0, '1')] })
    expect(await committedOf(groupId, topic)).toEqual(['1'])
  })

  it('rejects for a partition and for a topic that do not exist, and names them', async () => {
    const [topic, groupId, unknown] = [await filled(1), uniqueName('group'), uniqueName('nowhere')]
    for (const [place, partition] of [
      [topic, 7],
      [unknown, 0]
    ]) {
      const error = await errorOf(
        admin.setOffsets({ groupId, topic: place, partitions: [at(partition, '1')] })
      )
      expect(error).toMatchObject({
        type: 'UNKNOWN_TOPIC_OR_PARTITION',
        topic: place,
        partition,
        groupId
      })
    }
  })

  it.each([
    [{ groupId: '' }, 'Invalid groupId '],
    [{ groupId: 'g', topic: undefined }, 'Invalid topic undefined'],
    [{ groupId: 'g', topic: 't', partitions: [] }, 'Invalid partitions'],
    // kafkajs makes the topic, and says this if it was there.
    [
      { groupId: 'g', topic: 'unmade', partitions: [at(0, -3)] },
      'Offset must not be a negative number'
    ],
    [{ groupId: 'g', topic: 't', partitions: [at(0, 'x')] }, 'Invalid offset "x"'],
    [{ groupId: 'g', topic: 't', partitions: [at('x', 1)] }, 'Invalid partition "x"']
  ])('refuses %j', async (options, message) => {
    const error = await errorOf(admin.setOffsets(options))
    expect([error.name, error.message]).toEqual(['KafkaJSNonRetriableError', message])
  })
})

describe('resetOffsets() and fetchOffsets()', () => {
  it('commit the end and the beginning as such, as kafkajs does, and resolve them', async () => {
    const [topic, groupId] = [await filled(2, 3), uniqueName('group')]
    await admin.resetOffsets({ groupId, topic })
    expect(await committedOf(groupId, topic)).toEqual(['-1', '-1'])
    const [{ partitions }] = await admin.fetchOffsets({
      groupId,
      topics: [topic],
      resolveOffsets: true
    })
    expect(partitions.map(({ offset }) => offset)).toEqual(['2', '3'])
    expect(await committedOf(groupId, topic)).toEqual(['2', '3'])
    await admin.resetOffsets({ groupId, topic, earliest: true })
    expect(await committedOf(groupId, topic)).toEqual(['-2', '-2'])
  })

  it('commit numbers when asked to', async () => {
    const [topic, groupId] = [await filled(2, 3), uniqueName('group')]
    await admin.resetOffsets({ groupId, topic, resolve: true })
    expect(await committedOf(groupId, topic)).toEqual(['2', '3'])
    await admin.deleteTopicRecords({ topic, partitions: [at(0, '1')] })
    await admin.resetOffsets({ groupId, topic, earliest: true, resolve: true })
    expect(await committedOf(groupId, topic)).toEqual(['1', '0'])
  })

  it('tell every partition of a topic that is named, in order, else what is committed', async () => {
    const [topic, other, groupId] = [await filled(1, 1, 1), await filled(1), uniqueName('group')]
    await admin.setOffsets({ groupId, topic, partitions: [at(1, '1')] })
    await admin.setOffsets({ groupId, topic: other, partitions: [at(0, '1')] })
    const all = [0, 1, 2].map(partition => ({
      partition,
      offset: partition === 1 ? '1' : '-1',
      metadata: null
    }))
    expect(await admin.fetchOffsets({ groupId, topics: [topic] })).toEqual([
      { topic, partitions: all }
    ])
    const found = await admin.fetchOffsets({ groupId })
    expect(found).toHaveLength(2)
    expect(found).toContainEqual({ topic, partitions: [all[1]] })
  })

  it('tell a topic that is named twice twice', async () => {
    const [topic, groupId] = [await filled(1, 1), uniqueName('group')]
    await admin.setOffsets({ groupId, topic, partitions: [at(1, '1')] })
    const told = await admin.fetchOffsets({ groupId, topics: [topic, topic] })
    expect(told.map(({ partitions }) => partitions.length)).toEqual([2, 2])
  })

  it('take several groups at once', async () => {
    const topic = await filled(1)
    const groupIds = [uniqueName('group'), uniqueName('group')]
    await admin.setOffsets({ groupId: groupIds[1], topic, partitions: [at(0, '1')] })
    expect(await admin.fetchOffsets({ groupIds })).toEqual([
      { groupId: groupIds[0], topics: [] },
      {
        groupId: groupIds[1],
        topics: [{ topic, partitions: [{ partition: 0, offset: '1', metadata: null }] }]
      }
    ])
  })

  it.each([
    [{}, 'Invalid groupId undefined'],
    [{ groupId: 'g', topics: 't' }, 'Expected topics array to be set']
  ])('refuse %j as kafkajs does', async (options, message) => {
    const errors = await Promise.all(
      [admin, observer].map(client => errorOf(client.fetchOffsets(/** @type {any} */ (options))))
    )
    expect(errors.map(error => [error.name, error.message])).toEqual(
      errors.map(() => ['KafkaJSNonRetriableError', message])
    )
  })

  it('reject for a topic that does not exist', async () => {
    const topic = uniqueName('nowhere')
    for (const call of [
      admin.fetchOffsets({ groupId: 'g', topics: [topic] }),
      admin.resetOffsets({ groupId: 'g', topic })
    ]) {
      expect(await errorOf(call)).toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION', topic })
    }
  })
})

describe('deleteConsumerGroupOffsets()', () => {
  it('forgets, except where members read', async () => {
    const [topic, other] = [await filled(1, 1), await filled(1)]
    const groupId = uniqueName('group')
    await admin.setOffsets({ groupId, topic, partitions: [at(0, '1'), at(1, '1')] })
    await admin.setOffsets({ groupId, topic: other, partitions: [at(0, '1')] })
    const forget = topics => admin.deleteConsumerGroupOffsets({ groupId, topics })
    expect(await forget([{ topic, partitions: [1] }])).toEqual([{ topic, partition: 1 }])
    expect(await committedOf(groupId, topic)).toEqual(['1', '-1'])
    await startMember(topic, { groupId })
    expect(
      await forget([
        { topic, partitions: [0] },
        { topic: other, partitions: [0] }
      ])
    ).toEqual([
      {
        topic,
        partition: 0,
        error: expect.objectContaining({ type: 'GROUP_SUBSCRIBED_TO_TOPIC' })
      },
      { topic: other, partition: 0 }
    ])
    expect(await committedOf(groupId, other)).toEqual(['-1'])
  })

  it('rejects for a group that does not exist', async () => {
    const groupId = uniqueName('nobody')
    const topics = [{ topic: 't', partitions: [0] }]
    const error = await errorOf(admin.deleteConsumerGroupOffsets({ groupId, topics }))
    expect(error).toMatchObject({ type: 'GROUP_ID_NOT_FOUND', groupId })
  })
})

describe('groupLag()', () => {
  it.each(['classic', 'consumer'])(
    'tells who has what and how far it is behind: %s',
    async groupProtocol => {
      const topic = await filled(5, 3)
      const other = await filled(2)
      const groupId = uniqueName('group')
      await admin.setOffsets({ groupId, topic, partitions: [at(0, '2')] })
      await admin.setOffsets({ groupId, topic: other, partitions: [at(0, '2')] })
      let release = () => {}
      const handled = new Promise(resolve => (release = () => resolve(undefined)))
      await startMember(topic, { groupId, groupProtocol, handle: () => handled })
      const [{ members }] = (await admin.describeGroups([groupId])).groups
      const { memberId, clientId, clientHost } = members[0]
      const owner = { memberId, groupInstanceId: null, clientId, clientHost }
      const found = await admin.groupLag(groupId)
      const expected = [
        { topic, partition: 0, committed: '2', end: '5', lag: '3', owner },
        { topic, partition: 1, committed: null, end: '3', lag: null, owner },
        { topic: other, partition: 0, committed: '2', end: '2', lag: '0', owner: null }
      ]
      release()
      expect(found).toHaveLength(3)
      expect(found).toEqual(expect.arrayContaining(expected))
    }
  )

  it('tells what the command-line tool of Kafka tells', async () => {
    const topic = await filled(4, 4)
    const groupId = uniqueName('group')
    await admin.setOffsets({ groupId, topic, partitions: [at(0, '1'), at(1, '4')] })
    const said = await runJavaTool('org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', [
      '--bootstrap-server',
      sharedCluster().brokers.join(','),
      '--describe',
      '--group',
      groupId
    ])
    const rows = said.split('\n').filter(line => line.includes(topic))
    const theirs = rows.map(row => row.trim().split(/\s+/).slice(2, 6)).sort()
    const ours = await admin.groupLag(groupId)
    expect(theirs).toEqual(
      ours.map(({ partition, committed, end, lag }) => [String(partition), committed, end, lag])
    )
  })

  it('is empty for a group that nobody knows', async () => {
    expect(await admin.groupLag(uniqueName('nobody'))).toEqual([])
  })
})

it("the lag snippet of kafkajs's users runs unchanged", async () => {
  const topic = await filled(3, 2)
  const groupId = uniqueName('group')
  await admin.setOffsets({ groupId, topic, partitions: [at(0, '1'), at(1, '0')] })

  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] })
  const ends = await admin.fetchTopicOffsets(topic)
  const lag = ends.map(({ partition, high }) => {
    const { offset } = committed.partitions.find(found => found.partition === partition)
    return { partition, lag: parseInt(high) - parseInt(offset) }
  })

  expect(lag.sort((a, b) => a.partition - b.partition)).toEqual([
    { partition: 0, lag: 2 },
    { partition: 1, lag: 2 }
  ])
})
