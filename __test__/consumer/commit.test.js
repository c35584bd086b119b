// @ts-check
'use strict'

const { committed, createTopic, produce, uniqueName, withAdmin } = require('../kafka/helpers')
const { API, respond } = require('../kafka/protocol')
const {
  createConsumer,
  createKafka,
  defer,
  filled,
  lendCluster,
  numbered,
  pause,
  startConsumer,
  upTo,
  waitFor
} = require('./support')

/** The partition objects of all COMMIT_OFFSETS events. */
const commits = ({ seen }) =>
  seen.of('COMMIT_OFFSETS').flatMap(({ topics }) => topics.flatMap(({ partitions }) => partitions))

describe('autoCommit', () => {
  /** @type {import('../kafka').Cluster} with a proxy that can refuse commits */
  let cluster

  beforeAll(async () => {
    cluster = await lendCluster({ proxied: true })
  })

  afterAll(async () => {
    await cluster?.stop()
  })

  it('commits at the end of a batch, once', async () => {
    const topic = await filled(20)
    const test = await startConsumer({ topics: [topic] })
    await waitFor(() => commits(test).length > 0)
    await pause(100) // no other must come
    expect(commits(test)).toEqual([{ partition: '0', offset: '20' }])
    expect(await committed(test.groupId, topic)).toEqual({ 0: '20' })
  })

  it('does not keep the next batch waiting, and one commit may be for several', async () => {
    const { brokers, listeners, proxies } = cluster
    const topic = await createTopic({ brokers })
    for (let first = 0; first < 20; first++) {
      await produce(topic, numbered(1, { first }), { brokers })
    }
    const COORDINATOR_LOAD_IN_PROGRESS = 14
    proxies[0].answer(API.OffsetCommit, request =>
      respond(request, { error: COORDINATOR_LOAD_IN_PROGRESS })
    )
    const kafka = createKafka({ brokers: listeners.proxied })
    const test = await startConsumer({ topics: [topic], kafka, maxBytesPerPartition: 1 })
    await waitFor(() => test.seen.of('END_BATCH_PROCESS').length === 20)
    expect(commits(test)).toEqual([])
    await proxies[0].heal()
    await waitFor(() => commits(test).length > 0)
    expect(commits(test)).toEqual([{ partition: '0', offset: '20' }])
  })

  it('false commits nothing, not even at the end', async () => {
    const topic = await filled(20)
    const test = await startConsumer({ topics: [topic], run: { autoCommit: false } })
    await waitFor(() => test.messages.length >= 20)
    await test.consumer.disconnect()
    expect(await committed(test.groupId, topic)).toEqual({ 0: '-1' })
    expect(commits(test)).toEqual([])
  })

  it('Threshold commits within a batch', async () => {
    const topic = await filled(20)
    const groupId = uniqueName('group')
    const isCommitted = async () => Number((await committed(groupId, topic))[0]) >= 5
    const { messages } = await startConsumer({
      topics: [topic],
      groupId,
      handle: ({ message }) => message.offset === '12' && waitFor(isCommitted),
      run: { autoCommitThreshold: 5 }
    })
    await waitFor(() => messages.length === 20)
  })

  it('Interval commits within a batch', async () => {
    const topic = await filled(500)
    let isEnough = false
    const test = await startConsumer({
      topics: [topic],
      // Slow until there have been some; without any the batch takes ten seconds.
      handle: () => !isEnough && pause(20),
      run: { autoCommitInterval: 80 }
    })
    await waitFor(() => commits(test).length > 2)
    isEnough = true
    await waitFor(async () => (await committed(test.groupId, topic))[0] === '500')
    const offsets = commits(test).map(({ offset }) => Number(offset))
    expect(offsets[2]).toBeLessThan(500)
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
  })

  it('Threshold counts what was handled of all partitions', async () => {
    const topic = await filled(20, { partitions: 2 })
    const groupId = uniqueName('group')
    const isCommitted = async () => {
      const offsets = Object.values(await committed(groupId, topic))
      return offsets.reduce((sum, offset) => sum + Math.max(Number(offset), 0), 0) >= 6
    }
    const { messages } = await startConsumer({
      topics: [topic],
      groupId,
      // Three of each are half as many as it takes.
      handle: ({ message }) => message.offset === '3' && waitFor(isCommitted),
      run: { partitionsConsumedConcurrently: 2, autoCommitThreshold: 6 }
    })
    await waitFor(() => messages.length === 20)
  })

  it.each([
    ['Interval', { autoCommitInterval: 80, autoCommitThreshold: 10_000 }],
    ['Threshold', { autoCommitInterval: 600_000, autoCommitThreshold: 5 }]
  ])('%s commits within a batch though the other one is far', async (_, run) => {
    const topic = await filled(500)
    let isEnough = false
    const test = await startConsumer({
      topics: [topic],
      handle: () => !isEnough && pause(20),
      run
    })
    await waitFor(() => commits(test).length > 2)
    isEnough = true
    await waitFor(async () => (await committed(test.groupId, topic))[0] === '500')
    expect(Number(commits(test)[2].offset)).toBeLessThan(500)
  })

  it('keeps what was handled when a handler fails', async () => {
    const topic = await filled(10)
    const { groupId } = await startConsumer({
      topics: [topic],
      handle: async ({ message }) => {
        if (message.offset === '6') throw new Error('always')
      }
    })
    await waitFor(async () => (await committed(groupId, topic))[0] === '6')
  })
})

describe('commitOffsets()', () => {
  it('commits these, with their metadata, and says so', async () => {
    const topic = await filled(10, { partitions: 2 })
    const test = await startConsumer({ topics: [topic], run: { autoCommit: false } })
    const { consumer, groupId } = test
    await consumer.commitOffsets([
      { topic, partition: 0, offset: '3', metadata: 'a note: süß 😊' },
      { topic, partition: 1, offset: '4' }
    ])
    const [{ partitions }] = await withAdmin(undefined, admin =>
      admin.fetchOffsets({ groupId, topics: [topic] })
    )
    expect(partitions).toMatchObject([
      { partition: 0, offset: '3', metadata: 'a note: süß 😊' },
      { partition: 1, offset: '4' }
    ])
    const [event] = test.seen.of('COMMIT_OFFSETS')
    expect(Object.keys(event).sort()).toEqual([
      'groupGenerationId',
      'groupId',
      'memberId',
      'topics'
    ])
    expect(
      event.topics[0].partitions.map(({ partition, offset }) => [partition, String(offset)])
    ).toEqual([
      [0, '3'],
      [1, '4']
    ])
  })

  it('may go back', async () => {
    const topic = await filled(10)
    const { consumer, groupId } = await startConsumer({
      topics: [topic],
      run: { autoCommit: false }
    })
    await consumer.commitOffsets([{ topic, partition: 0, offset: '8' }])
    await consumer.commitOffsets([{ topic, partition: 0, offset: '2' }])
    expect(await committed(groupId, topic)).toEqual({ 0: '2' })
    await consumer.disconnect()
  })

  it('right behind run() says where to begin', async () => {
    const topic = await filled(10)
    const { consumer, messages } = await startConsumer({ topics: [topic] })
    await consumer.commitOffsets([{ topic, partition: 0, offset: '7' }])
    await waitFor(() => messages.length >= 3)
    expect(messages.map(({ offset }) => offset)).toEqual([7, 8, 9])
  })

  it('by a listener to a later GROUP_JOIN says where to go on', async () => {
    const topic = await filled(10)
    const groupId = uniqueName('group')
    const consumer = createConsumer({ groupId })
    const offsets = /** @type {number[]} */ ([])
    const committing = /** @type {Promise<void>[]} */ ([])
    let joins = 0
    consumer.on(consumer.events.GROUP_JOIN, () => {
      joins++
      if (joins > 1) committing.push(consumer.commitOffsets([{ topic, partition: 0, offset: '7' }]))
    })
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message }) => {
        offsets.push(Number(message.offset))
      }
    })
    await waitFor(() => offsets.length === 10)
    // It gets nothing: there is one partition, and members are sorted by their names.
    await startConsumer({
      topics: [topic],
      groupId,
      kafka: createKafka({ clientId: 'zzz' })
    })
    await waitFor(() => offsets.length >= 13)
    expect(offsets.slice(10)).toEqual([7, 8, 9])
    await Promise.all(committing)
  })

  it('later moves no position', async () => {
    const topic = await createTopic()
    const { consumer, groupId, messages } = await startConsumer({ topics: [topic] })
    await produce(topic, numbered(1))
    await waitFor(() => messages.length === 1)
    await consumer.commitOffsets([{ topic, partition: 0, offset: '4' }])
    await produce(topic, numbered(9, { first: 1 }))
    await waitFor(() => messages.length >= 10)
    expect(messages.map(({ offset }) => offset)).toEqual(upTo(10))
    await waitFor(async () => (await committed(groupId, topic))[0] === '10')
  })

  it('back, by a consumer that has nothing to do, is not undone: it begins there when it comes back', async () => {
    const topic = await filled(10)
    const { consumer, groupId, messages } = await startConsumer({ topics: [topic] })
    await waitFor(async () => (await committed(groupId, topic))[0] === '10')
    await consumer.commitOffsets([{ topic, partition: 0, offset: '2' }])
    await consumer.stop()
    expect(await committed(groupId, topic)).toEqual({ 0: '2' })
    await consumer.run({
      eachMessage: async ({ message }) => {
        messages.push({ topic, partition: 0, offset: Number(message.offset), value: null })
      }
    })
    await waitFor(() => messages.length >= 18)
    expect(messages.slice(10).map(({ offset }) => offset)).toEqual(upTo(10).slice(2))
  })

  it('back is not undone by the interval or the threshold of autoCommit, when nothing is handled', async () => {
    const topic = await filled(10)
    const run = { autoCommitInterval: 50, autoCommitThreshold: 3 }
    const { consumer, groupId } = await startConsumer({ topics: [topic], run })
    await waitFor(async () => (await committed(groupId, topic))[0] === '10')
    await consumer.commitOffsets([{ topic, partition: 0, offset: '2' }])
    await pause(300)
    expect(await committed(groupId, topic)).toEqual({ 0: '2' })
    await produce(topic, numbered(1, { first: 10 }))
    await waitFor(async () => (await committed(groupId, topic))[0] === '11')
  })

  it('before anything is handled is not undone by the position that was looked up, and keeps its metadata', async () => {
    const topic = await filled(10)
    const groupId = uniqueName('group')
    const retry = { retries: 0, restartOnFailure: async () => false }
    const handle = async (payload, consumer) => {
      const position = { topic, partition: 0, offset: '7', metadata: 'skipped' }
      await consumer.commitOffsets([position])
      throw new TypeError('for good')
    }
    const { seen } = await startConsumer({ topics: [topic], groupId, handle, retry })
    await waitFor(() => seen.of('CRASH').length > 0)
    const [{ partitions }] = await withAdmin(undefined, admin =>
      admin.fetchOffsets({ groupId, topics: [topic] })
    )
    expect(partitions).toEqual([{ partition: 0, offset: '7', metadata: 'skipped' }])
  })

  it('while joining waits for the join', async () => {
    const topic = await filled(10)
    const groupId = uniqueName('group')
    const consumer = createConsumer({ groupId })
    consumer.subscribe({ topics: [topic] })
    const running = consumer.run({ autoCommit: false, eachMessage: async () => {} })
    await consumer.commitOffsets([{ topic, partition: 0, offset: '5' }])
    expect(await committed(groupId, topic)).toEqual({ 0: '5' })
    await running
  })

  it('while stopping commits before it leaves', async () => {
    const topic = await filled(10)
    const { promise, resolve } = defer()
    const { consumer, groupId, messages } = await startConsumer({
      topics: [topic],
      handle: ({ message }) => message.offset === '3' && promise,
      run: { autoCommit: false }
    })
    await waitFor(() => messages.length >= 3)
    const stopping = consumer.stop()
    const committing = consumer.commitOffsets([{ topic, partition: 0, offset: '3' }])
    resolve()
    await committing
    await stopping
    expect(await committed(groupId, topic)).toEqual({ 0: '3' })
  })

  it('that is refused keeps nobody from committing what is handled, before the consumer stops', async () => {
    const topic = await filled(10)
    const failed = /** @type {Promise<any>[]} */ ([])
    const { consumer, groupId, messages } = await startConsumer({
      topics: [topic],
      handle: ({ message }, { commitOffsets }) => {
        if (message.offset !== '8') return
        const nowhere = commitOffsets([{ topic, partition: 99, offset: '1' }])
        failed.push(nowhere.catch(error => error))
      }
    })
    await waitFor(() => messages.length >= 9)
    await consumer.stop()
    await Promise.all(failed)
    const [next] = Object.values(await committed(groupId, topic))
    expect(Number(next)).toBe(messages.length)
  })

  it('of nothing does nothing', async () => {
    const topic = await filled(10)
    const { consumer, groupId } = await startConsumer({
      topics: [topic],
      run: { autoCommit: false }
    })
    await consumer.commitOffsets([])
    await /** @type {any} */ (consumer).commitOffsets()
    expect(await committed(groupId, topic)).toEqual({ 0: '-1' })
  })

  it('of a partition that does not exist rejects', async () => {
    const topic = await filled(1)
    const retry = { retries: 2, initialRetryTime: 10 }
    const { consumer } = await startConsumer({ topics: [topic], retry })
    await expect(
      consumer.commitOffsets([{ topic, partition: 99, offset: '5' }])
    ).rejects.toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      retriable: false,
      retryCount: 2,
      retryTime: expect.any(Number),
      cause: { name: 'KafkaJSProtocolError', type: 'UNKNOWN_TOPIC_OR_PARTITION' }
    })
  })

  it('from a handler, by hand for each message', async () => {
    const topic = await filled(10)
    const groupId = uniqueName('group')
    const consumer = createConsumer({ groupId })
    const after = /** @type {string[]} */ ([])
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        const offset = String(BigInt(message.offset) + 1n)
        await consumer.commitOffsets([{ topic, partition, offset }])
        after.push((await committed(groupId, topic))[0])
      }
    })
    await waitFor(() => after.length >= 10)
    expect(after.join()).toBe('1,2,3,4,5,6,7,8,9,10')
  })

  it('of a group that commits an old position does not undo what another member committed', async () => {
    const topic = await filled(100)
    const groupId = uniqueName('group')
    const first = await startConsumer({ topics: [topic], groupId })
    await waitFor(() => first.messages.length >= 100)
    await first.consumer.disconnect()
    const second = await startConsumer({ topics: [topic], groupId })
    await second.consumer.disconnect()
    expect(await committed(groupId, topic)).toEqual({ 0: '100' })
    expect(second.messages).toEqual([])
  })
})
