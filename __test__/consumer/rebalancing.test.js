// @ts-check
'use strict'

const { isDeepStrictEqual } = require('node:util')
const {
  committed,
  createTopic,
  logEnd,
  observer,
  produce,
  uniqueName
} = require('../kafka/helpers')
const {
  block,
  createConsumer,
  defer,
  distinct,
  numbered,
  pause,
  startConsumer,
  upTo,
  waitFor
} = require('./support')

const PARTITIONS = 6

/** The partitions of a member's last assignment. */
const assigned = ({ seen }, topic) => {
  const joins = seen.of('GROUP_JOIN')
  return joins.length === 0 ? [] : (joins.at(-1).memberAssignment[topic] ?? [])
}

/** Do these members, and nobody else, have all partitions between them? */
const isShared = (topic, ...members) => {
  const all = members.flatMap(member => assigned(member, topic))
  return (
    members.every(member => assigned(member, topic).length > 0) &&
    all.length === PARTITIONS &&
    new Set(all).size === PARTITIONS
  )
}

/** Handles at the pace of a real program, so that a rebalance finds it at work. */
const slowly = () => pause(2)

/** A member of kafkajs. */
const startKafkajs = options =>
  startConsumer({ kafka: observer(), maxWaitTimeInMs: 100, ...options })

describe('a second member', () => {
  it('comes and goes: nothing is lost, and nothing handled twice but what was not committed', async () => {
    const topic = await createTopic({ partitions: PARTITIONS })
    const groupId = uniqueName('group')
    const all = () => members.flatMap(({ messages }) => messages)
    let count = 0
    const send = async () => {
      await produce(topic, numbered(600, { partitions: PARTITIONS, first: count }))
      count += 600
    }
    /** There is always something to do until then, and never more than a slow machine gets done. */
    const atWorkUntil = isOver =>
      waitFor(async () => {
        if (all().length > count - 600) await send()
        return isOver()
      })
    await send()
    const first = await startConsumer({ topics: [topic], groupId, handle: slowly })
    const members = [first]
    await waitFor(() => first.messages.length > 100)

    await send()
    const second = await startConsumer({ topics: [topic], groupId, handle: slowly })
    members.push(second)
    await atWorkUntil(() => isShared(topic, first, second))
    const before = first.messages.length
    await atWorkUntil(() => second.messages.length > 100 && first.messages.length > before + 100)
    await send()

    await second.consumer.disconnect()
    await waitFor(() => isShared(topic, first))
    await waitFor(() => distinct(all()).length >= count)
    await first.consumer.disconnect()

    expect(distinct(all())).toEqual(upTo(count))
    // Handlers finish their message, and all that is finished is committed, before partitions change hands.
    expect(all()).toHaveLength(count)
    expect(await committed(groupId, topic)).toEqual(await logEnd(topic))
  })

  it('waits for the handler that is at work, and no message has two at once', async () => {
    const topic = await createTopic({ partitions: 2 })
    const groupId = uniqueName('group')
    await produce(topic, numbered(40, { partitions: 2 }))
    const { promise, resolve } = defer()
    const first = await startConsumer({
      topics: [topic],
      groupId,
      handle: async ({ message }) => message.offset === '5' && promise
    })
    await waitFor(() => first.messages.length >= 5)
    const second = startConsumer({ topics: [topic], groupId })
    await waitFor(() => first.seen.of('REBALANCING').length > 0)
    expect(first.seen.of('GROUP_JOIN')).toHaveLength(1)
    resolve()
    const { messages } = await second
    await waitFor(() => first.messages.length + messages.length >= 40)
    expect(distinct([...first.messages, ...messages])).toEqual(upTo(40))
    expect(first.messages.length + messages.length).toBe(40)
  })

  it('does not wait for what else was fetched', async () => {
    const topic = await createTopic({ partitions: PARTITIONS })
    const groupId = uniqueName('group')
    await produce(topic, numbered(PARTITIONS, { partitions: PARTITIONS }))
    const begun = /** @type {number[]} */ ([])
    const { consumer } = await startConsumer({
      topics: [topic],
      groupId,
      handle: async ({ partition, heartbeat }) => {
        begun.push(partition)
        if (begun.length > 1) return
        // Until it knows of the second.
        for (
          let beats = true;
          beats;
          beats = await heartbeat().then(
            () => true,
            () => false
          )
        ) {
          await pause(10)
        }
      }
    })
    await waitFor(() => begun.length > 0)
    const rejoined = new Promise(resolve =>
      consumer.on(consumer.events.GROUP_JOIN, () => resolve([...begun]))
    )
    await startConsumer({ topics: [topic], groupId })
    expect(await rejoined).toHaveLength(1)
  })

  it('makes heartbeat() of a busy handler reject', async () => {
    const topic = await createTopic({ partitions: 2 })
    const groupId = uniqueName('group')
    await produce(topic, numbered(2, { partitions: 2 }))
    const errors = /** @type {any[]} */ ([])
    const first = await startConsumer({
      topics: [topic],
      groupId,
      handle: async ({ heartbeat }) => {
        for (let i = 0; i < 5000 && errors.length === 0; i++) {
          await pause(10)
          try {
            await heartbeat()
          } catch (e) {
            errors.push(e)
            throw e
          }
        }
      }
    })
    await waitFor(() => first.seen.of('HEARTBEAT').length > 0)
    await startConsumer({ topics: [topic], groupId })
    expect(errors[0]).toMatchObject({
      name: 'KafkaJSProtocolError',
      type: 'REBALANCE_IN_PROGRESS',
      code: 27
    })
    expect(first.seen.of('CRASH')).toEqual([])
    expect(first.seen.of('REBALANCING')[0]).toEqual({ groupId, memberId: expect.any(String) })
  })

  it('goes on behind what was resolved, when a handler of the first one hangs', async () => {
    const topic = await createTopic()
    const groupId = uniqueName('group')
    await produce(topic, numbered(10))
    const first = await startConsumer({
      topics: [topic],
      groupId,
      handle: async ({ message }) => message.offset === '4' && new Promise(() => {}),
      rebalanceTimeout: 1500,
      // Until then it is a member, and may get the partition back.
      maxPollInterval: 6000
    })
    await waitFor(() => first.messages.length >= 4)
    const second = await startConsumer({ topics: [topic], groupId })
    await waitFor(() => second.messages.length >= 6)
    expect(second.messages[0].offset).toBe(4)
  }, 60_000)
})

describe('with kafkajs in the group', () => {
  const starts = { kafkars: startConsumer, kafkajs: startKafkajs }
  const both = /** @type {const} */ ([
    ['kafkars', 'kafkajs'],
    ['kafkajs', 'kafkars']
  ])

  it.each(both)('%s leads, %s joins: each message is handled once', async (leader, follower) => {
    const topic = await createTopic({ partitions: PARTITIONS })
    const groupId = uniqueName('group')
    const count = 1200
    await produce(topic, numbered(count / 2, { partitions: PARTITIONS }))
    const first = await starts[leader]({ topics: [topic], groupId, handle: slowly })
    await waitFor(() => first.messages.length > 20)
    const second = await starts[follower]({ topics: [topic], groupId, handle: slowly })
    await waitFor(() => isShared(topic, first, second))
    expect(first.seen.of('GROUP_JOIN').at(-1)).toMatchObject({
      isLeader: true,
      groupProtocol: 'RoundRobinAssigner'
    })
    expect(second.seen.of('GROUP_JOIN').at(-1)).toMatchObject({ isLeader: false })
    await produce(topic, numbered(count / 2, { partitions: PARTITIONS, first: count / 2 }))
    const all = () => [...first.messages, ...second.messages]
    await waitFor(() => distinct(all()).length >= count)
    expect(second.messages.length).toBeGreaterThan(0)
    expect(distinct(all())).toEqual(upTo(count))
    const end = await logEnd(topic)
    await waitFor(async () => isDeepStrictEqual(await committed(groupId, topic), end))
    await Promise.all([first.consumer.disconnect(), second.consumer.disconnect()])
    expect(await committed(groupId, topic)).toEqual(end)
  })

  it('members are replaced one by one while messages come', async () => {
    const topic = await createTopic({ partitions: PARTITIONS })
    const groupId = uniqueName('group')
    let sent = 0
    let producing = true
    const producer = (async () => {
      while (producing) {
        await produce(topic, numbered(30, { partitions: PARTITIONS, first: sent }))
        sent += 30
      }
    })()
    const old = [
      await startKafkajs({ topics: [topic], groupId }),
      await startKafkajs({ topics: [topic], groupId })
    ]
    await waitFor(() => isShared(topic, ...old))
    const fresh = /** @type {any[]} */ ([])
    for (const { consumer } of old) {
      fresh.push(await startConsumer({ topics: [topic], groupId }))
      await consumer.disconnect()
    }
    await waitFor(() => isShared(topic, ...fresh))
    producing = false
    await producer
    const all = () => [...old, ...fresh].flatMap(({ messages }) => messages)
    await waitFor(() => distinct(all()).length >= sent)
    expect(distinct(all())).toEqual(upTo(sent))
    const end = await logEnd(topic)
    await waitFor(async () => isDeepStrictEqual(await committed(groupId, topic), end))
    for (const { consumer } of fresh) await consumer.disconnect()
    expect(await committed(groupId, topic)).toEqual(end)
  })
})

describe('a handler that keeps the event loop', () => {
  it('for twice the session timeout stays in its group, and its commit is accepted', async () => {
    const topic = await createTopic()
    const groupId = uniqueName('group')
    await produce(topic, numbered(3))
    const sessionTimeout = 4000
    const { consumer, messages, seen } = await startConsumer({
      topics: [topic],
      groupId,
      sessionTimeout,
      handle: ({ message }) => message.offset === '1' && block(2 * sessionTimeout)
    })
    await waitFor(() => messages.length >= 3)
    await waitFor(async () => (await committed(groupId, topic))[0] === '3')
    await consumer.disconnect()
    expect(seen.of('GROUP_JOIN')).toHaveLength(1)
    expect(seen.of('REBALANCING')).toEqual([])
    expect(seen.of('CRASH')).toEqual([])
    expect(messages).toHaveLength(3)
  }, 120_000)

  it('longer than maxPollInterval gives its partitions up, and takes part again afterwards', async () => {
    const topic = await createTopic()
    const groupId = uniqueName('group')
    await produce(topic, numbered(3))
    const { promise, resolve } = defer()
    // kafkajs knows no maxPollInterval: there it is the group that does not wait any longer.
    const rebalanceTimeout = 6000
    const first = await startConsumer({
      topics: [topic],
      groupId,
      rebalanceTimeout,
      maxPollInterval: 2000,
      handle: async ({ message, heartbeat }) => {
        if (message.offset !== '1') return
        await promise
        await heartbeat()
      }
    })
    const second = await startConsumer({ topics: [topic], groupId, rebalanceTimeout })
    await waitFor(() => second.messages.some(({ offset }) => offset === 2))
    expect(second.messages.map(({ offset }) => offset)).toContain(1)
    resolve()
    await waitFor(() => first.seen.of('GROUP_JOIN').length > 1)
    expect(first.seen.of('CRASH')).toEqual([])
  })
})

it('a member may leave its group while it is still joining', async () => {
  const topic = await createTopic()
  const groupId = uniqueName('group')
  const consumer = createConsumer({ groupId })
  await consumer.subscribe({ topics: [topic] })
  const running = consumer.run({ eachMessage: async () => {} }).catch(error => error)
  await consumer.disconnect()
  await running
  const { members } = await createConsumer({ groupId }).describeGroup()
  expect(members).toEqual([])
})
