// @ts-check
'use strict'

/** Brokers that die, freeze and come back; connections that break. On a cluster of its own. */

const { isDeepStrictEqual } = require('node:util')
const { longSpec } = require('../ci/soak')
const {
  committed,
  coordinatorOf,
  createTopic,
  logEnd,
  produce,
  uniqueName,
  withAdmin
} = require('../kafka/helpers')
const {
  byPartition,
  createConsumer,
  createKafka,
  distinct,
  flat,
  logLevel,
  numbered,
  numbers,
  pause,
  startConsumer,
  timed,
  upTo,
  useCluster,
  waitFor
} = require('./support')

const PARTITIONS = 6
const COUNT = 3000

/** @type {import('../kafka').Cluster} */
let cluster

useCluster({ brokers: 3, proxied: true }, own => {
  cluster = own
})

afterEach(async () => {
  for (const node of cluster.nodes) await node.sigcont()
  for (const node of cluster.nodes) if (!node.running) await node.restart()
})

const running = () => cluster.brokers.filter((_, i) => cluster.nodes[i].running)

const nodeOf = id => cluster.nodes.find(node => node.id === id)

const coordinator = async groupId => nodeOf(await coordinatorOf(groupId, cluster.brokers))

/** Produces as soon as every partition has a leader that lives. */
const produceToLiving = async (topic, messages) => {
  const living = cluster.nodes.filter(node => node.running).map(({ id }) => id)
  const leaders = async admin => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0].partitions.map(({ leader }) => leader)
  }
  await waitFor(async () => {
    const ids = await withAdmin(running(), leaders).catch(() => [])
    return ids.length > 0 && ids.every(id => living.includes(id))
  })
  await produce(topic, messages, { brokers: running() })
}

/** All replicas have caught up: else the next broker that dies is the only one that had some partition, of whatever topic. */
const inSync = () =>
  waitFor(async () => {
    const { topics } = await withAdmin(running(), admin => admin.fetchTopicMetadata()).catch(
      () => ({ topics: [] })
    )
    const partitions = topics.flatMap(topic => topic.partitions)
    return (
      partitions.length > 0 &&
      partitions.every(({ isr, replicas }) => isr.length === replicas.length)
    )
  })

/** A topic with messages, and a consumer that is at work on them. */
const start = async ({ brokers = cluster.brokers, kafka = {}, ...options } = {}) => {
  const topic = await createTopic({ partitions: PARTITIONS, brokers: cluster.brokers })
  await produce(topic, numbered(COUNT, { partitions: PARTITIONS }), { brokers: cluster.brokers })
  const consumer = await startConsumer({
    topics: [topic],
    // Somebody has to notice what is frozen.
    kafka: createKafka({ brokers, requestTimeout: 5000, ...kafka }),
    groupId: uniqueName('group'),
    handle: () => pause(1),
    ...options
  })
  await waitFor(() => consumer.messages.length > COUNT / 6)
  return { topic, ...consumer }
}

/** Every message was handled, and committed: in a bad moment disconnect() would not wait for that. */
const expectComplete = async ({ topic, messages, consumer, groupId }, count = COUNT) => {
  await waitFor(() => distinct(messages).length >= count, { timeout: 200_000 })
  expect(distinct(messages)).toEqual(upTo(count))
  // The observer is less patient with a dead broker than the consumer.
  const observe = read => waitFor(() => read().catch(() => null))
  const end = await observe(() => logEnd(topic, running()))
  await waitFor(async () => {
    const offsets = await committed(groupId, topic, running()).catch(() => null)
    return offsets && isDeepStrictEqual(offsets, end)
  })
  await consumer.disconnect()
}

/** Offsets of a partition that went on without going back. */
const isOrdered = messages =>
  Object.values(byPartition(messages)).every(offsets => offsets.every((offset, i) => offset === i))

describe('a broker', () => {
  it('is killed: nothing is lost, and who does not need to rejoin does not', async () => {
    const test = await start()
    const spared = await coordinator(test.groupId)
    const victim = cluster.nodes.find(node => node !== spared)
    await victim?.kill9()
    await produceToLiving(
      test.topic,
      numbered(PARTITIONS * 10, { partitions: PARTITIONS, first: COUNT })
    )
    await expectComplete(test, COUNT + PARTITIONS * 10)
    expect(test.seen.of('GROUP_JOIN')).toHaveLength(1)
    expect(test.seen.of('CRASH')).toEqual([])
    expect(isOrdered(test.messages)).toBe(true)
  })

  it('that coordinates the group is killed: the group goes on with another', async () => {
    const test = await start()
    await (await coordinator(test.groupId))?.kill9()
    await produceToLiving(
      test.topic,
      numbered(PARTITIONS * 10, { partitions: PARTITIONS, first: COUNT })
    )
    await expectComplete(test, COUNT + PARTITIONS * 10)
    expect(test.seen.of('CRASH')).toEqual([])
  })

  it('hands its partitions to others: nobody rejoins', async () => {
    const test = await start()
    const { topic } = test
    const replicas = cluster.nodes.map(({ id }) => id)
    await withAdmin(cluster.brokers, async admin => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      const partitionAssignment = topics[0].partitions.map(({ partitionId, leader }) => ({
        partition: partitionId,
        replicas: replicas.filter(id => id !== leader)
      }))
      await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] })
    })
    await produce(topic, numbered(60, { partitions: PARTITIONS, first: COUNT }), {
      brokers: cluster.brokers
    })
    await expectComplete(test, COUNT + 60)
    expect(test.seen.of('GROUP_JOIN')).toHaveLength(1)
    expect(test.seen.of('CRASH')).toEqual([])
  })

  longSpec('that coordinates the group freezes: the group goes on with another', async () => {
    const test = await start()
    const node = await coordinator(test.groupId)
    await node?.sigstop()
    await waitFor(() => distinct(test.messages).length >= COUNT)
    await node?.sigcont()
    await expectComplete(test)
    expect(test.seen.of('CRASH')).toEqual([])
  })

  it('that leads partitions freezes: they go on at the new leaders, however long requests may take', async () => {
    const test = await start({ kafka: { requestTimeout: 120_000 } })
    const spared = await coordinator(test.groupId)
    const victim = cluster.nodes.find(node => node !== spared)
    await victim?.sigstop()
    await waitFor(() => distinct(test.messages).length >= COUNT)
    await victim?.sigcont()
    await expectComplete(test)
    expect(test.seen.of('GROUP_JOIN')).toHaveLength(1)
    expect(test.seen.of('CRASH')).toEqual([])
    expect(isOrdered(test.messages)).toBe(true)
  })

  longSpec('after the other restarts: nothing is lost', async () => {
    const test = await start()
    let sent = COUNT
    for (const node of cluster.nodes) {
      await node.restart()
      await produce(test.topic, numbered(60, { partitions: PARTITIONS, first: sent }), {
        brokers: cluster.brokers
      })
      sent += 60
    }
    await expectComplete(test, sent)
    expect(test.seen.of('CRASH')).toEqual([])
  })
})

describe('a connection', () => {
  const proxied = () => ({ brokers: cluster.listeners.proxied })

  it('is cut in the middle of answers: nothing is lost', async () => {
    const test = await start(proxied())
    for (let round = 0; round < 10; round++) {
      const before = test.messages.length
      for (const proxy of cluster.proxies) proxy.cut({ after: 3000, reset: round % 2 === 0 })
      await waitFor(() => test.messages.length > before + 20 || test.messages.length >= COUNT)
    }
    await expectComplete(test)
    expect(test.seen.of('CRASH')).toEqual([])
  })

  it('delivers a few bytes at a time', async () => {
    for (const proxy of cluster.proxies) proxy.fragment(7)
    const kafka = { requestTimeout: 30_000 }
    const test = await start({ ...proxied(), kafka, maxBytesPerPartition: 2048 })
    await expectComplete(test)
    expect(isOrdered(test.messages)).toBe(true)
  })

  it('says nothing any more: the next one is used', async () => {
    const test = await start(proxied())
    for (const proxy of cluster.proxies) proxy.stall()
    await waitFor(() => test.seen.of('REQUEST_TIMEOUT').length > 0)
    for (const proxy of cluster.proxies) await proxy.heal()
    await expectComplete(test)
    expect(test.seen.of('CRASH')).toEqual([])
  })

  it('says nothing any more: who asks is told what, where and when', async () => {
    const { consumer } = await start({ ...proxied(), retry: { retries: 0 } })
    for (const proxy of cluster.proxies) proxy.stall()
    const error = await consumer.describeGroup().catch(e => e)
    expect(error.name === 'KafkaJSRequestTimeoutError' ? error : error.cause).toMatchObject({
      name: 'KafkaJSRequestTimeoutError',
      broker: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      correlationId: expect.any(Number),
      createdAt: expect.any(Number),
      sentAt: expect.any(Number),
      pendingDuration: expect.any(Number)
    })
  })

  it('cannot be had for a while: the consumer goes on when it can', async () => {
    let attempts = 0
    const logCreator =
      () =>
      ({ log }) =>
        void (log.message === 'Connecting' && attempts++)
    const test = await start({ ...proxied(), kafka: { logLevel: logLevel.DEBUG, logCreator } })
    for (const proxy of cluster.proxies) {
      proxy.refuse()
      proxy.cut()
    }
    const before = attempts
    await pause(2000) // an outage takes time
    // A few times, and not all the time.
    expect(attempts).toBeGreaterThan(before)
    expect(attempts - before).toBeLessThan(500)
    for (const proxy of cluster.proxies) await proxy.heal()
    await expectComplete(test)
  })

  it('is slow: order and completeness do not depend on it', async () => {
    const kafka = { requestTimeout: 30_000 }
    const test = await start({ ...proxied(), kafka, maxBytesPerPartition: 4096 })
    for (const proxy of cluster.proxies) proxy.delay(30)
    await expectComplete(test)
    expect(isOrdered(test.messages)).toBe(true)
    expect(numbers(test.messages)).toHaveLength(COUNT)
  })

  it('is broken when disconnect() is called: it ends anyway', async () => {
    const requestTimeout = 100_000
    const test = await start({ ...proxied(), kafka: { requestTimeout } })
    for (const proxy of cluster.proxies) proxy.stall()
    // There is an end of waiting for answers to the last commit and to the farewell.
    expect(await timed(() => test.consumer.disconnect())).toBeLessThan(requestTimeout / 3)
  })
})

/** Each way to pull, as a loop that ends when it has everything; and how many messages it has in hand then, which count as not handled. */
const PULLED =
  /** @type {Record<string, (consumer: any, take: (message: any) => boolean) => Promise<number>>} */ ({
    'for await': async (consumer, take) => {
      for await (const message of consumer) if (take(message)) break
      return 1
    },
    getMany: async (consumer, take) => {
      for (;;) {
        const batches = await consumer.getMany({ maxRecords: 50 })
        const messages = batches.flatMap(batch => batch.messages)
        if (messages.map(take).includes(true)) return messages.length
      }
    }
  })

/** One that pulls a topic until it has read `count` different messages. @param {string} way */
const pullAll = (topic, way, count) => {
  const groupId = uniqueName('group')
  const consumer = createConsumer({
    kafka: createKafka({ brokers: cluster.brokers, requestTimeout: 5000 }),
    groupId
  })
  const crashes = /** @type {any[]} */ ([])
  consumer.on(consumer.events.CRASH, ({ payload }) => crashes.push(payload))
  const messages = /** @type {import('./support').Handled[]} */ ([])
  const seen = new Set()
  const take = message => {
    const { partition } = message
    messages.push(flat({ topic, partition, message }))
    seen.add(`${partition}:${message.offset}`)
    return seen.size >= count
  }
  const loop = async () => {
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const inHand = await PULLED[way](consumer, take)
    await consumer.disconnect()
    return inHand
  }
  return { groupId, messages, crashes, done: loop() }
}

/** No message is read before all those that lie before it in its partition. */
const skipsNothing = messages =>
  Object.values(byPartition(messages)).every(offsets => {
    let next = 0
    return offsets.every(offset => offset <= next && ((next = Math.max(next, offset + 1)), true))
  })

/** @param {number} kills brokers, one after the other, that are killed while consumers pull in both ways */
const pullAcross = async kills => {
  const topic = await createTopic({ partitions: PARTITIONS, brokers: cluster.brokers })
  const share = COUNT / (kills + 2)
  const numbersOf = round => numbered(share, { partitions: PARTITIONS, first: round * share })
  await produce(topic, numbersOf(0), { brokers: cluster.brokers })
  const pulls = Object.keys(PULLED).map(way => pullAll(topic, way, COUNT))
  for (let round = 1; round <= kills; round++) {
    await waitFor(() => pulls.every(({ messages }) => messages.length >= (round - 0.5) * share))
    // It leads two of the partitions; the first one coordinates a group as well.
    const victim = round === 1 ? await coordinator(pulls[0].groupId) : cluster.nodes[round - 1]
    await victim?.kill9()
    await produceToLiving(topic, numbersOf(round))
    await waitFor(() =>
      pulls.every(({ messages }) => distinct(messages).length >= (round + 1) * share)
    )
    await victim?.restart()
    await inSync()
  }
  const sum = offsets => Object.values(offsets).reduce((all, offset) => all + Number(offset), 0)
  const handledBy = async ({ groupId }) =>
    sum(await committed(groupId, topic, running()).catch(() => ({})))
  // What is counted below: the producer of the specs has written nothing twice.
  const written = await waitFor(() => logEnd(topic, running()).catch(() => null))
  expect(sum(written)).toBe(COUNT - share)
  // The loops end when all is well again: in a bad moment the last commit would not be waited for.
  for (const pull of pulls) await waitFor(async () => (await handledBy(pull)) === COUNT - share)
  await produce(topic, numbersOf(kills + 1), { brokers: cluster.brokers })
  for (const pull of pulls) {
    const inHand = await pull.done
    expect(pull.crashes).toEqual([])
    expect(distinct(pull.messages)).toEqual(upTo(COUNT))
    expect(skipsNothing(pull.messages)).toBe(true)
    expect(await waitFor(() => handledBy(pull))).toBe(COUNT - inHand)
  }
}

describe('a broker that is killed while messages are pulled', () => {
  it('costs nothing: every message comes, in order, and the loop ends well', () => pullAcross(1))

  longSpec('nor do three, one after the other', () => pullAcross(3), 600_000)
})
