// @ts-check
'use strict'

/** The 16 events: when they come, and exactly which keys their payloads have. */

const { createTopic, produce, sharedCluster, uniqueName } = require('../kafka/helpers')
const { startProducer } = require('../kafka/producer')
const { startProxy } = require('../kafka/proxy')
const {
  CLIENT,
  LONG_POLL,
  PartitionAssigners,
  SOON,
  assigning,
  block,
  createConsumer,
  createKafka,
  defer,
  numbered,
  pause,
  startConsumer,
  timed,
  waitFor,
  watch
} = require('./support')

/** @type {Record<string, string[] | undefined>} */
const PAYLOADS = {
  CONNECT: undefined,
  DISCONNECT: undefined,
  STOP: undefined,
  CRASH: ['error', 'groupId', 'restart'],
  GROUP_JOIN: [
    'duration',
    'groupId',
    'groupProtocol',
    'isLeader',
    'leaderId',
    'memberAssignment',
    'memberId'
  ],
  REBALANCING: ['groupId', 'memberId'],
  RECEIVED_UNSUBSCRIBED_TOPICS: [
    'assignedTopics',
    'generationId',
    'groupId',
    'memberId',
    'topicsNotSubscribed',
    'topicsSubscribed'
  ],
  HEARTBEAT: ['groupGenerationId', 'groupId', 'memberId'],
  COMMIT_OFFSETS: ['groupGenerationId', 'groupId', 'memberId', 'topics'],
  FETCH_START: ['nodeId'],
  FETCH: ['duration', 'nodeId', 'numberOfBatches'],
  START_BATCH_PROCESS: [
    'batchSize',
    'firstOffset',
    'highWatermark',
    'lastOffset',
    'offsetLag',
    'offsetLagLow',
    'partition',
    'topic'
  ],
  END_BATCH_PROCESS: [
    'batchSize',
    'duration',
    'firstOffset',
    'highWatermark',
    'lastOffset',
    'offsetLag',
    'offsetLagLow',
    'partition',
    'topic'
  ],
  REQUEST: [
    'apiKey',
    'apiName',
    'apiVersion',
    'broker',
    'clientId',
    'correlationId',
    'createdAt',
    'duration',
    'pendingDuration',
    'sentAt',
    'size'
  ],
  REQUEST_TIMEOUT: [
    'apiKey',
    'apiName',
    'apiVersion',
    'broker',
    'clientId',
    'correlationId',
    'createdAt',
    'pendingDuration',
    'sentAt'
  ],
  REQUEST_QUEUE_SIZE: ['broker', 'clientId', 'queueSize']
}

/** Every payload of these events has exactly its keys. */
const expectKeys = (seen, names) => {
  for (const name of names) {
    const payloads = seen.of(name)
    expect(payloads.length).toBeGreaterThan(0)
    for (const payload of payloads) {
      expect(payload && Object.keys(payload).sort()).toEqual(PAYLOADS[name])
    }
  }
}

/** An assigner that gives each member every topic, subscribed or not. */
const generous =
  extra =>
  ({ cluster }) => {
    const { AssignerProtocol } = require('kafkajs')
    const { MemberAssignment, MemberMetadata } = AssignerProtocol
    return {
      name: 'GenerousAssigner',
      version: 1,
      protocol: ({ topics }) => ({
        name: 'GenerousAssigner',
        metadata: MemberMetadata.encode({ version: 1, topics, userData: Buffer.alloc(0) })
      }),
      assign: async ({ members, topics }) =>
        members.map(({ memberId }) => {
          const assignment = Object.fromEntries(
            [...topics, extra].map(topic => [
              topic,
              topic === extra
                ? [0]
                : cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId)
            ])
          )
          const encoded = { version: 1, assignment, userData: Buffer.alloc(0) }
          return { memberId, memberAssignment: MemberAssignment.encode(encoded) }
        })
    }
  }

it('a life: connect, join, fetch, batches, commits, heartbeats, requests, stop, disconnect', async () => {
  const topic = await createTopic({ partitions: 2 })
  await produce(topic, numbered(10, { partitions: 2 }))
  const { consumer, seen, groupId } = await startConsumer({
    topics: [topic],
    maxWaitTimeInMs: 100,
    maxInFlightRequests: 1
  })
  await waitFor(() => seen.of('HEARTBEAT').length > 1 && seen.of('FETCH').length > 1)
  await waitFor(() => seen.of('COMMIT_OFFSETS').length > 0)
  await consumer.disconnect()
  expectKeys(seen, [
    'CONNECT',
    'GROUP_JOIN',
    'FETCH_START',
    'FETCH',
    'START_BATCH_PROCESS',
    'END_BATCH_PROCESS',
    'COMMIT_OFFSETS',
    'HEARTBEAT',
    'REQUEST',
    'STOP',
    'DISCONNECT'
  ])
  expect(seen.of('GROUP_JOIN')).toEqual([
    {
      groupId,
      memberId: expect.any(String),
      leaderId: seen.of('GROUP_JOIN')[0].memberId,
      isLeader: true,
      memberAssignment: { [topic]: [0, 1] },
      groupProtocol: 'RoundRobinAssigner',
      duration: expect.any(Number)
    }
  ])
  const node = seen.of('FETCH')[0]
  expect(node).toEqual({ nodeId: '1', numberOfBatches: 0, duration: expect.any(Number) })
  expect(seen.of('END_BATCH_PROCESS')[0]).toEqual({
    topic,
    partition: expect.any(Number),
    highWatermark: '5',
    offsetLag: '0',
    offsetLagLow: '4',
    batchSize: 5,
    firstOffset: '0',
    lastOffset: '4',
    duration: expect.any(Number)
  })
  const [heartbeat] = seen.of('HEARTBEAT')
  expect(heartbeat).toEqual({
    groupId,
    memberId: seen.of('GROUP_JOIN')[0].memberId,
    groupGenerationId: 1
  })
})

it('an event is { id, type, timestamp, payload }, with ids that grow', async () => {
  const consumer = createConsumer()
  const { all } = watch(consumer)
  const before = Date.now()
  await consumer.connect()
  await consumer.disconnect()
  for (const event of all) {
    expect(Object.keys(event)).toEqual(['id', 'type', 'timestamp', 'payload'])
    expect(event.timestamp).toBeGreaterThanOrEqual(before)
  }
  const ids = all.map(({ id }) => id)
  expect(ids).toEqual([...ids].sort((a, b) => a - b))
  expect(new Set(ids).size).toBe(ids.length)
})

it('REQUEST tells of every request', async () => {
  const topic = await createTopic()
  await produce(topic, numbered(3))
  const { messages, seen, consumer } = await startConsumer({ topics: [topic] })
  await waitFor(() => messages.length >= 3)
  await consumer.disconnect()
  const requests = seen.of('REQUEST')
  expect(requests[0]).toMatchObject({ apiKey: 18, apiName: 'ApiVersions', clientId: 'kafkajs' })
  const names = new Set(requests.map(({ apiName }) => apiName))
  for (const name of [
    'Metadata',
    'GroupCoordinator',
    'JoinGroup',
    'SyncGroup',
    'OffsetFetch',
    'Fetch',
    'OffsetCommit',
    'LeaveGroup'
  ]) {
    expect(names).toContain(name)
  }
  for (const request of requests) {
    expect(request.broker).toBe(sharedCluster().brokers[0])
    expect(request.size).toBeGreaterThan(0)
    expect(request.sentAt).toBeGreaterThanOrEqual(request.createdAt)
    expect(request.duration).toBeGreaterThanOrEqual(0)
  }
})

it('REQUEST_TIMEOUT comes when a broker does not answer in time', async () => {
  const [, port] = sharedCluster().brokers[0].split(':')
  const proxy = await startProxy({ target: Number(port) })
  const consumer = createConsumer({
    kafka: createKafka({
      brokers: [proxy.address],
      requestTimeout: 200,
      retry: { retries: 0 }
    })
  })
  const seen = watch(consumer)
  proxy.stall('toClient')
  await expect(consumer.connect()).rejects.toMatchObject({
    name: expect.stringMatching(/^KafkaJS/)
  })
  await waitFor(() => seen.of('REQUEST_TIMEOUT').length > 0)
  expectKeys(seen, ['REQUEST_TIMEOUT'])
  expect(seen.of('REQUEST_TIMEOUT')[0]).toMatchObject({ apiKey: 18, apiName: 'ApiVersions' })
  await consumer.disconnect()
  await proxy.close()
})

it('REQUEST_QUEUE_SIZE comes when requests have to wait', async () => {
  const topic = await createTopic({ partitions: 1 })
  await produce(topic, numbered(10))
  const { seen, messages, consumer } = await startConsumer({
    topics: [topic],
    maxInFlightRequests: 1,
    handle: ({ message: { offset } }) =>
      Promise.all([
        consumerOf.commitOffsets([{ topic, partition: 0, offset }]),
        consumerOf.describeGroup(),
        consumerOf.describeGroup()
      ]),
    groupId: uniqueName('group'),
    ...(() => {
      const kafka = createKafka()
      return { kafka: { ...kafka, consumer: options => (consumerOf = kafka.consumer(options)) } }
    })()
  })
  await waitFor(() => messages.length >= 10)
  await consumer.disconnect()
  expectKeys(seen, ['REQUEST_QUEUE_SIZE'])
})

/** @type {any} */
let consumerOf

it('CRASH', async () => {
  const topic = await createTopic()
  await produce(topic, numbered(1))
  const { seen } = await startConsumer({
    topics: [topic],
    handle: async () => {
      throw new TypeError('mistake')
    }
  })
  await waitFor(() => seen.of('CRASH').length > 0)
  expectKeys(seen, ['CRASH'])
})

it('REBALANCING', async () => {
  const topic = await createTopic({ partitions: 2 })
  const groupId = uniqueName('group')
  const first = await startConsumer({ topics: [topic], groupId })
  await startConsumer({ topics: [topic], groupId })
  await waitFor(() => first.seen.of('REBALANCING').length > 0)
  expectKeys(first.seen, ['REBALANCING'])
})

it('topics are in the order of the assignment wherever they are told, and of the subscription where they are offered', async () => {
  const topics = ['z', 'a', 'm'].map(name => uniqueName(name))
  const [z, a, m] = topics
  const other = await createTopic()
  for (const topic of topics) await createTopic({ topic })
  for (const topic of topics) await produce(topic, numbered(1))
  const assigner = assigning({ [m]: [0], [other]: [0], [z]: [0], [a]: [0] })
  const offered = /** @type {string[][]} */ ([])
  const { consumer, seen, messages } = await startConsumer({
    topics,
    partitionAssigners: [
      options => {
        const made = assigner(options)
        const protocol = given => {
          offered.push(given.topics)
          return made.protocol(given)
        }
        return { ...made, protocol }
      }
    ],
    run: { autoCommitInterval: 600_000 }
  })
  await waitFor(() => messages.length === 3)
  expect(offered[0]).toEqual(topics)
  const [unsubscribed] = seen.of('RECEIVED_UNSUBSCRIBED_TOPICS')
  expect(unsubscribed.assignedTopics).toEqual([m, other, z, a])
  expect(Object.keys(seen.of('GROUP_JOIN')[0].memberAssignment)).toEqual([m, z, a])
  consumer.pause(topics.map(topic => ({ topic })))
  expect(consumer.paused().map(({ topic }) => topic)).toEqual([m, z, a])
})

it('RECEIVED_UNSUBSCRIBED_TOPICS, and their partitions are left alone', async () => {
  const [topic, other] = [await createTopic(), await createTopic()]
  await produce(topic, numbered(1))
  await produce(other, numbered(1))
  const { seen, messages, groupId } = await startConsumer({
    topics: [topic],
    partitionAssigners: [/** @type {any} */ (generous(other))]
  })
  await waitFor(() => messages.length > 0)
  await pause(100)
  expectKeys(seen, ['RECEIVED_UNSUBSCRIBED_TOPICS'])
  expect(seen.of('RECEIVED_UNSUBSCRIBED_TOPICS')[0]).toEqual({
    groupId,
    generationId: 1,
    memberId: expect.any(String),
    assignedTopics: expect.arrayContaining([topic, other]),
    topicsSubscribed: [topic],
    topicsNotSubscribed: [other]
  })
  expect(messages.every(message => message.topic === topic)).toBe(true)
  expect(seen.of('GROUP_JOIN')[0].memberAssignment).toEqual({ [topic]: [0] })
})

it.each(/** @type {const} */ (['HEARTBEAT', 'FETCH']))(
  '%s goes on for a member that has nothing to do',
  async name => {
    const topic = await createTopic()
    const groupId = uniqueName('group')
    const members = [
      await startConsumer({ topics: [topic], groupId, maxWaitTimeInMs: 100 }),
      await startConsumer({ topics: [topic], groupId, maxWaitTimeInMs: 100 })
    ]
    await waitFor(() => members[0].seen.of('GROUP_JOIN').length > 1)
    const assignment = ({ seen }) => seen.of('GROUP_JOIN').at(-1).memberAssignment
    const idle = members.find(member => Object.keys(assignment(member)).length === 0)
    const before = idle?.seen.of(name).length
    await waitFor(() => idle?.seen.of(name).length > before + 2)
  }
)

it('GROUP_JOIN comes before run() resolves', async () => {
  const topic = await createTopic()
  const consumer = createConsumer()
  const order = /** @type {string[]} */ ([])
  for (const name of /** @type {const} */ (['CONNECT', 'GROUP_JOIN'])) {
    consumer.on(consumer.events[name], () => order.push(name))
  }
  await consumer.subscribe({ topics: [topic] })
  await consumer.run({ eachMessage: async () => {} })
  expect(order).toEqual(['CONNECT', 'GROUP_JOIN'])
})

it('GROUP_JOIN and the end of run() come before the first message, though all have come in one turn', async () => {
  const topic = await createTopic()
  await produce(topic, numbered(1))
  const order = /** @type {string[]} */ ([])
  const { roundRobin } = PartitionAssigners
  // While the event loop is kept, the engine joins and fetches.
  const busy = options => {
    const assigner = roundRobin(options)
    return {
      ...assigner,
      assign: async group => {
        setTimeout(block, 0, 1500)
        return assigner.assign(group)
      }
    }
  }
  const consumer = createConsumer({ partitionAssigners: [/** @type {any} */ (busy)] })
  consumer.on(consumer.events.GROUP_JOIN, () => order.push('GROUP_JOIN'))
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ eachMessage: async () => void order.push('message') })
  order.push('run')
  await waitFor(() => order.length >= 3)
  expect(order).toEqual(['GROUP_JOIN', 'run', 'message'])
})

it('HEARTBEAT comes no more often than asked for, each of the same member', async () => {
  const topic = await createTopic()
  const heartbeatInterval = 200
  const begin = performance.now()
  const { seen } = await startConsumer({ topics: [topic], heartbeatInterval })
  await waitFor(() => seen.of('HEARTBEAT').length >= 5)
  const most = (performance.now() - begin) / heartbeatInterval
  const heartbeats = seen.of('HEARTBEAT')
  expect(heartbeats.length).toBeLessThanOrEqual(most + 1)
  const [{ memberId }] = seen.of('GROUP_JOIN')
  expect(new Set(heartbeats.map(({ memberId: id }) => id))).toEqual(new Set([memberId]))
})

it('START_BATCH_PROCESS and END_BATCH_PROCESS enclose the handlers of their batch', async () => {
  const topic = await createTopic({ partitions: 2 })
  await produce(topic, numbered(20, { partitions: 2 }))
  const within = /** @type {boolean[]} */ ([])
  const watched = createConsumer()
  const seen = watch(watched)
  await watched.subscribe({ topics: [topic], fromBeginning: true })
  await watched.run({
    eachMessage: async ({ partition, message }) => {
      const begun = seen.of('START_BATCH_PROCESS').filter(batch => batch.partition === partition)
      const ended = seen.of('END_BATCH_PROCESS').filter(batch => batch.partition === partition)
      within.push(begun.length === ended.length + 1)
      expect(Number(message.offset)).toBeLessThanOrEqual(Number(begun.at(-1).lastOffset))
    }
  })
  await waitFor(() => within.length >= 20)
  await watched.disconnect()
  expect(within).toEqual(Array(20).fill(true))
  expect(seen.of('END_BATCH_PROCESS').reduce((sum, { batchSize }) => sum + batchSize, 0)).toBe(20)
})

it('FETCH_START does not wait for the handlers', async () => {
  const topic = await createTopic()
  await produce(topic, numbered(1))
  const done = defer()
  const { seen } = await startConsumer({
    topics: [topic],
    maxWaitTimeInMs: 100,
    handle: () => done.promise
  })
  await waitFor(() => seen.of('START_BATCH_PROCESS').length > 0)
  const before = seen.of('FETCH_START').length
  await waitFor(() => seen.of('FETCH_START').length > before + 1).finally(done.resolve)
})

it('FETCH does not come again and again of a broker that has nothing, with minBytes 0', async () => {
  const topic = await createTopic()
  await produce(topic, numbered(1))
  const { messages, seen } = await startConsumer({
    topics: [topic],
    minBytes: 0,
    maxWaitTimeInMs: LONG_POLL
  })
  await waitFor(() => messages.length === 1)
  await pause(1000)
  await produce(topic, numbered(1))
  await waitFor(() => messages.length === 2)
  expect(seen.of('FETCH').length).toBeLessThan(20)
})

it('FETCH is heard by who listens to it after FETCH_START, though the event loop stood still between', async () => {
  const topic = await createTopic()
  // In a process of its own: it writes while ours stands still.
  const producer = await startProducer(sharedCluster().brokers)
  const consumer = createConsumer({ maxWaitTimeInMs: LONG_POLL })
  const started = defer()
  const fetched = defer()
  const remove = consumer.on(consumer.events.FETCH_START, started.resolve)
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ eachMessage: async () => {} })
  await started.promise
  remove()
  const sent = producer.send(topic, numbered(1))
  block(2000)
  consumer.on(consumer.events.FETCH, fetched.resolve)
  expect(await timed(() => fetched.promise)).toBeLessThan(SOON)
  await sent
  await producer.close()
})

it('a listener that was removed is not called', async () => {
  const consumer = createConsumer()
  let calls = 0
  const remove = consumer.on(consumer.events.CONNECT, () => calls++)
  await consumer.connect()
  remove()
  await consumer.connect()
  expect(calls).toBe(1)
})

describe('log lines', () => {
  const linesOf = () => {
    const lines = /** @type {any[]} */ ([])
    const kafka = createKafka({ logLevel: 4, logCreator: () => entry => lines.push(entry) })
    return { lines, kafka }
  }

  it('of an ordinary life are the ones of kafkajs', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(3))
    const { lines, kafka } = linesOf()
    const { consumer, messages, groupId } = await startConsumer({ topics: [topic], kafka })
    await waitFor(() => messages.length >= 3)
    await consumer.disconnect()
    expect(lines.map(({ namespace, label, log }) => [namespace, label, log.message])).toEqual([
      ['Consumer', 'INFO', 'Starting'],
      ['ConsumerGroup', 'INFO', 'Consumer has joined the group'],
      ['Runner', 'INFO', 'consumer not running, exiting'],
      ['Consumer', 'INFO', 'Stopped']
    ])
    expect(lines[1].log).toMatchObject({
      groupId,
      memberAssignment: { [topic]: [0] },
      isLeader: true
    })
    expect(lines[2].log).toMatchObject({ groupId, memberId: expect.any(String) })
    for (const { log } of lines) {
      expect(log).toMatchObject({ logger: 'kafkajs', timestamp: expect.any(String) })
    }
  })

  it('of a rebalance', async () => {
    const topic = await createTopic()
    const groupId = uniqueName('group')
    const { lines, kafka } = linesOf()
    const first = await startConsumer({ topics: [topic], kafka, groupId })
    await startConsumer({ topics: [topic], groupId })
    await waitFor(() => first.seen.of('GROUP_JOIN').length > 1)
    const rebalancing = lines.filter(
      ({ log }) => log.message === 'The group is rebalancing, re-joining'
    )
    expect(rebalancing).toHaveLength(1)
    expect(rebalancing[0]).toMatchObject({ namespace: 'Runner', label: 'WARN' })
  })

  it('of a crash', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(3))
    const { lines, kafka } = linesOf()
    const { seen } = await startConsumer({
      topics: [topic],
      kafka,
      retry: { retries: 0, initialRetryTime: 10 },
      handle: async () => {
        throw new Error('mistake')
      }
    })
    await waitFor(() => seen.of('CRASH').length > 0)
    const errors = lines.filter(({ label }) => label === 'ERROR').map(({ log }) => log.message)
    expect(errors.slice(0, 3)).toEqual([
      'Error when calling eachMessage',
      'Crash: KafkaJSNumberOfRetriesExceeded: mistake',
      expect.stringMatching(/^Restarting the consumer in \d+ms$/)
    ])
  })
})

if (CLIENT === 'kafkars') {
  it('consumer.events are these 16', () => {
    expect(Object.keys(createConsumer().events).sort()).toEqual(Object.keys(PAYLOADS).sort())
  })
}
