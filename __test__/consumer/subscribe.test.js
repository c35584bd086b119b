// @ts-check
'use strict'

/** What a consumer subscribes to: names, patterns, topics that are missing or grow; and what groups look like. */

const { ADMIN_TIMEOUT, createTopic, produce, uniqueName, withAdmin } = require('../kafka/helpers')
const {
  AssignerProtocol,
  Kafka,
  createConsumer,
  createKafka,
  distinct,
  loadClient,
  numbered,
  pause,
  startConsumer,
  upTo,
  waitFor
} = require('./support')

describe('patterns', () => {
  it('match the topics that are there', async () => {
    const prefix = uniqueName('pattern')
    const names = ['a', 'b', 'c', 'd'].map(suffix => `${prefix}.${suffix}`)
    for (const topic of names) {
      await createTopic({ topic })
      await produce(topic, [{ value: '1' }])
    }
    await createTopic({ topic: `other-${prefix}` })
    const { messages, seen } = await startConsumer({
      topics: [new RegExp(`^${prefix}\\.[A-D]$`, 'i')]
    })
    await waitFor(() => messages.length >= 4)
    expect(messages.map(({ topic }) => topic).sort()).toEqual(names)
    expect(Object.keys(seen.of('GROUP_JOIN')[0].memberAssignment).sort()).toEqual(names)
  })

  it('match them with flags that keep a state, too', async () => {
    const prefix = uniqueName('pattern')
    // So many that the broker, whatever its order, names some of them one after the other.
    const names = Array.from({ length: 60 }, (_, i) => `${prefix}.${100 + i}`)
    await withAdmin(undefined, admin =>
      admin.createTopics({ topics: names.map(topic => ({ topic })), timeout: ADMIN_TIMEOUT })
    )
    const { seen } = await startConsumer({ topics: [new RegExp(`^${prefix}`, 'g')] })
    expect(Object.keys(seen.of('GROUP_JOIN')[0].memberAssignment).sort()).toEqual(names)
  })

  it('new topics that match join at the next metadata refresh', async () => {
    const prefix = uniqueName('pattern')
    await createTopic({ topic: `${prefix}.a` })
    const { messages, seen } = await startConsumer({
      topics: [new RegExp(`^${prefix}\\.`)],
      metadataMaxAge: 300
    })
    const fresh = await createTopic({ topic: `${prefix}.b` })
    await produce(fresh, [{ value: '1' }])
    await waitFor(() => messages.some(({ topic }) => topic === fresh))
    expect(seen.of('CRASH')).toEqual([])
  })

  // With automatic creation, whoever asks for a topic makes it again.
  it.each([true, false])(
    'a topic that is deleted keeps no other out, and is not made again (allowAutoTopicCreation: %s)',
    async allowAutoTopicCreation => {
      const prefix = uniqueName('pattern')
      const [first, second] = ['a', 'b'].map(suffix => `${prefix}.${suffix}`)
      await createTopic({ topic: first })
      const { messages, seen } = await startConsumer({
        topics: [new RegExp(`^${prefix}\\.`)],
        metadataMaxAge: 300,
        allowAutoTopicCreation
      })
      await withAdmin(undefined, admin =>
        admin.deleteTopics({ topics: [first], timeout: ADMIN_TIMEOUT })
      )
      // It leaves the assignment, too.
      await waitFor(() => {
        const { memberAssignment } = seen.of('GROUP_JOIN').at(-1)
        return Object.keys(memberAssignment).length === 0
      })
      await createTopic({ topic: second })
      await produce(second, [{ value: '1' }])
      await waitFor(() => messages.some(({ topic }) => topic === second))
      const names = await withAdmin(undefined, admin => admin.listTopics())
      expect(names).not.toContain(first)
      expect(seen.of('CRASH')).toEqual([])
    }
  )

  it('may match nothing at first', async () => {
    const prefix = uniqueName('pattern')
    const { messages } = await startConsumer({
      topics: [new RegExp(`^${prefix}`)],
      metadataMaxAge: 300
    })
    const topic = await createTopic({ topic: prefix })
    await produce(topic, [{ value: '1' }])
    await waitFor(() => messages.length === 1)
  })
})

describe('a topic', () => {
  it('that is missing is created', async () => {
    const topic = uniqueName('auto')
    const { messages } = await startConsumer({ topics: [topic], fromBeginning: true })
    await produce(topic, [{ value: '0' }])
    await waitFor(() => messages.length === 1)
  })

  it('that is missing and may not be created rejects', async () => {
    const consumer = createConsumer({ allowAutoTopicCreation: false })
    await expect(consumer.subscribe({ topics: [uniqueName('missing')] })).rejects.toMatchObject({
      name: 'KafkaJSProtocolError',
      type: 'UNKNOWN_TOPIC_OR_PARTITION'
    })
  })

  it('that is missing is read when the program makes it behind the subscribe() that rejects', async () => {
    const consumer = createConsumer({ allowAutoTopicCreation: false })
    const there = await createTopic()
    const topic = uniqueName('missing')
    const subscription = { topics: [there, topic], fromBeginning: true }
    await expect(consumer.subscribe(subscription)).rejects.toMatchObject({
      type: 'UNKNOWN_TOPIC_OR_PARTITION'
    })
    await createTopic({ topic })
    await produce(topic, [{ value: '0' }])
    await produce(there, [{ value: '0' }])
    const read = /** @type {string[]} */ ([])
    await consumer.run({ eachMessage: async payload => void read.push(payload.topic) })
    await waitFor(() => read.length === 2)
    expect(read.sort()).toEqual([there, topic].sort())
  })

  it('with an impossible name rejects', async () => {
    await expect(createConsumer().subscribe({ topics: ['a b'] })).rejects.toMatchObject({
      name: 'KafkaJSProtocolError',
      type: 'INVALID_TOPIC_EXCEPTION'
    })
  })

  it('that grows is assigned anew', async () => {
    const topic = await createTopic({ partitions: 1 })
    const { messages, seen } = await startConsumer({ topics: [topic], metadataMaxAge: 300 })
    await withAdmin(undefined, admin =>
      admin.createPartitions({ topicPartitions: [{ topic, count: 3 }], timeout: ADMIN_TIMEOUT })
    )
    await waitFor(() => seen.of('GROUP_JOIN').at(-1).memberAssignment[topic].length === 3)
    await produce(topic, numbered(9, { partitions: 3 }))
    await waitFor(() => messages.length >= 9)
    expect(distinct(messages)).toEqual(upTo(9))
  })

  it('that grows is assigned anew as soon as another client of the same Kafka knows', async () => {
    const topic = await createTopic({ partitions: 1 })
    const kafka = createKafka()
    // Would look for itself every five minutes.
    const { messages, seen } = await startConsumer({ topics: [topic], kafka })
    const admin = kafka.admin()
    await admin.connect()
    try {
      await admin.createPartitions({
        topicPartitions: [{ topic, count: 3 }],
        timeout: ADMIN_TIMEOUT
      })
      await waitFor(async () => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
        return topics[0].partitions.length === 3
      })
    } finally {
      await admin.disconnect()
    }
    await waitFor(() => seen.of('GROUP_JOIN').at(-1).memberAssignment[topic].length === 3)
    await produce(topic, numbered(9, { partitions: 3 }))
    await waitFor(() => messages.length >= 9)
    expect(distinct(messages)).toEqual(upTo(9))
  })

  it('that grows while it is paused is paused in all of its partitions', async () => {
    const topic = await createTopic({ partitions: 1 })
    const { consumer, messages, seen } = await startConsumer({
      topics: [topic],
      metadataMaxAge: 300
    })
    consumer.pause([{ topic }])
    await withAdmin(undefined, admin =>
      admin.createPartitions({ topicPartitions: [{ topic, count: 3 }], timeout: ADMIN_TIMEOUT })
    )
    await waitFor(() => seen.of('GROUP_JOIN').at(-1).memberAssignment[topic].length === 3)
    expect(consumer.paused()).toEqual([{ topic, partitions: [0, 1, 2] }])
    await produce(topic, numbered(9, { partitions: 3 }))
    await pause(300) // nothing must come
    expect(messages).toEqual([])
    consumer.resume([{ topic }])
    await waitFor(() => messages.length >= 9)
    expect(distinct(messages)).toEqual(upTo(9))
  })

  it('that is deleted takes no other with it', async () => {
    const [topic, other] = [await createTopic(), await createTopic()]
    await produce(topic, numbered(3))
    await produce(other, numbered(3))
    const warnings = /** @type {any[]} */ ([])
    const logCreator =
      () =>
      ({ label, log }) =>
        label === 'WARN' && warnings.push(log)
    const { messages, seen } = await startConsumer({
      topics: [topic, other],
      kafka: createKafka({ logLevel: loadClient().logLevel.WARN, logCreator }),
      metadataMaxAge: 100,
      // Or asking for the topic would make it again.
      allowAutoTopicCreation: false
    })
    await waitFor(() => messages.length >= 6)
    await withAdmin(undefined, admin =>
      admin.deleteTopics({ topics: [topic], timeout: ADMIN_TIMEOUT })
    )
    await waitFor(async () => {
      const names = await withAdmin(undefined, admin => admin.listTopics())
      return !names.includes(topic)
    })
    await pause(1000) // the consumer gets to know, many times
    await produce(other, numbered(3, { first: 3 }))
    await waitFor(() => messages.length >= 9)
    expect(seen.of('CRASH')).toEqual([])
    expect(warnings.filter(log => log.message.includes(topic))).toHaveLength(1)
  })

  it('that is deleted and made again is consumed again', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(10))
    const { messages, seen } = await startConsumer({
      topics: [topic],
      metadataMaxAge: 300,
      // Or asking for the topic would make it again before anybody has seen it gone.
      allowAutoTopicCreation: false
    })
    await waitFor(() => messages.length >= 10)
    await withAdmin(undefined, admin =>
      admin.deleteTopics({ topics: [topic], timeout: ADMIN_TIMEOUT })
    )
    await waitFor(async () => {
      const names = await withAdmin(undefined, admin => admin.listTopics())
      return !names.includes(topic)
    })
    await createTopic({ topic })
    await produce(topic, numbered(3, { first: 100 }))
    await waitFor(() => messages.length >= 13)
    expect(seen.of('CRASH').filter(({ restart }) => !restart)).toEqual([])
  })
})

it('subscribe() adds to what is subscribed; while running it rejects', async () => {
  const [one, two] = [await createTopic(), await createTopic()]
  const consumer = createConsumer()
  const topics = /** @type {string[]} */ ([])
  await consumer.subscribe({ topic: one, fromBeginning: true })
  await consumer.subscribe({ topics: [two], fromBeginning: true })
  await consumer.run({ eachMessage: async ({ topic }) => void topics.push(topic) })
  await expect(consumer.subscribe({ topics: ['three'] })).rejects.toThrow(
    'Cannot subscribe to topic while consumer is running'
  )
  await produce(one, [{ value: '1' }])
  await produce(two, [{ value: '2' }])
  await waitFor(() => topics.length === 2)
  expect(topics.sort()).toEqual([one, two].sort())
})

it('members of a group with different topics get only their own', async () => {
  const [one, two] = [await createTopic({ partitions: 2 }), await createTopic({ partitions: 2 })]
  const groupId = uniqueName('group')
  const first = await startConsumer({ topics: [one], groupId })
  const second = await startConsumer({ topics: [two], groupId })
  await waitFor(() => first.seen.of('GROUP_JOIN').length > 1)
  await produce(one, numbered(4, { partitions: 2 }))
  await produce(two, numbered(4, { partitions: 2 }))
  await waitFor(() => first.messages.length >= 4 && second.messages.length >= 4)
  expect(first.messages.every(({ topic }) => topic === one)).toBe(true)
  expect(second.messages.every(({ topic }) => topic === two)).toBe(true)
})

describe('describeGroup()', () => {
  it('of a group with members', async () => {
    const topic = await createTopic({ partitions: 2 })
    const kafka = createKafka({ clientId: 'somebody' })
    const { consumer, groupId, seen } = await startConsumer({ topics: [topic], kafka })
    const group = await consumer.describeGroup()
    expect(group).toMatchObject({
      errorCode: 0,
      groupId,
      state: 'Stable',
      protocolType: 'consumer',
      protocol: 'RoundRobinAssigner'
    })
    const [{ memberId }] = seen.of('GROUP_JOIN')
    expect(group.members).toEqual([
      {
        memberId,
        clientId: 'somebody',
        clientHost: '/127.0.0.1',
        memberMetadata: expect.any(Buffer),
        memberAssignment: expect.any(Buffer)
      }
    ])
    const [{ memberAssignment, memberMetadata }] = group.members
    expect(AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment).toEqual({
      [topic]: [0, 1]
    })
    expect(AssignerProtocol.MemberMetadata.decode(memberMetadata)?.topics).toEqual([topic])
  })

  it('of a group that nobody knows', async () => {
    const group = await createConsumer().describeGroup()
    expect(group).toMatchObject({ state: 'Dead', members: [] })
  })
})

it('two consumers of one Kafka instance read each for itself', async () => {
  const topic = await createTopic()
  await produce(topic, numbered(10))
  const kafka = createKafka()
  const [one, two] = await Promise.all([
    startConsumer({ topics: [topic], kafka }),
    startConsumer({ topics: [topic], kafka })
  ])
  await waitFor(() => one.messages.length >= 10 && two.messages.length >= 10)
  await one.consumer.disconnect()
  await produce(topic, numbered(1))
  await waitFor(() => two.messages.length >= 11)
})

it('the package can be loaded twice in one process', async () => {
  const topic = await createTopic()
  await produce(topic, numbered(5))
  let second
  jest.isolateModules(() => {
    second = loadClient()
  })
  expect(second.Kafka).not.toBe(Kafka)
  const kafka = new second.Kafka({
    brokers: require('../kafka/helpers').sharedCluster().brokers,
    logLevel: second.logLevel.NOTHING
  })
  const [one, two] = [
    await startConsumer({ topics: [topic], kafka }),
    await startConsumer({ topics: [topic] })
  ]
  await waitFor(() => one.messages.length >= 5 && two.messages.length >= 5)
})
