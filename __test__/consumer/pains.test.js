// @ts-check
'use strict'

/**
 * What users of kafkajs have asked for most, as far as no other spec is about it; the numbers are those of its issues.
 */

const { committed, createTopic, observer, produce, uniqueName } = require('../kafka/helpers')
const {
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

const joins = ({ seen }) => seen.of('GROUP_JOIN')

it('a handler that awaits for longer than a session, and beats no heart, stays a member (#1396, #1052)', async () => {
  const topic = await filled(3)
  const sessionTimeout = 4000
  const { messages, seen, groupId } = await startConsumer({
    topics: [topic],
    sessionTimeout,
    handle: ({ message }) => message.offset === '1' && pause(2 * sessionTimeout)
  })
  await waitFor(() => messages.length >= 3)
  await waitFor(async () => (await committed(groupId, topic))[0] === '3')
  expect(messages.map(({ offset }) => offset)).toEqual(upTo(3))
  expect(joins({ seen })).toHaveLength(1)
}, 120_000)

it('members that come all at once end with a share each, and none of them crashes (#1361, #375)', async () => {
  const count = 6
  const topic = await filled(count * 10, { partitions: count })
  const groupId = uniqueName('group')
  const members = await Promise.all(
    upTo(count).map(() => startConsumer({ topics: [topic], groupId }))
  )
  const share = member => joins(member).at(-1)?.memberAssignment[topic] ?? []
  await waitFor(() => members.every(member => share(member).length === 1))
  expect(members.flatMap(share).sort()).toEqual(upTo(count))
  await produce(topic, numbered(count * 10, { partitions: count, first: count * 10 }))
  const all = () => members.flatMap(({ messages }) => messages)
  await waitFor(() => distinct(all()).length >= count * 20)
  expect(distinct(all())).toEqual(upTo(count * 20))
  for (const { seen } of members) expect(seen.of('CRASH')).toEqual([])
})

it('a handler that hangs keeps the consumer from taking in the whole topic (#526)', async () => {
  const topic = await createTopic({ partitions: 2 })
  const value = Buffer.alloc(50_000, 'x')
  for (let i = 0; i < 20; i++) {
    await produce(
      topic,
      upTo(20).map(n => ({ value, partition: n % 2 }))
    )
  }
  const { promise, resolve } = defer()
  const { messages, seen } = await startConsumer(
    /** @type {any} */ ({
      topics: [topic],
      maxBytesPerPartition: 1_000_000,
      maxQueuedBytes: 2_000_000,
      handle: () => promise
    })
  )
  const fetched = () =>
    seen
      .of('REQUEST')
      .filter(({ apiName }) => apiName === 'Fetch')
      .reduce((sum, { size }) => sum + size, 0)
  await waitFor(() => fetched() > 500_000)
  await pause(1000) // long enough for all of its 20 MB
  expect(fetched()).toBeLessThan(8_000_000)
  resolve()
  await waitFor(() => messages.length >= 400)
  expect(fetched()).toBeGreaterThan(20_000_000)
})

it('offsets that a transaction is about to commit are waited for', async () => {
  const topic = await filled(10)
  const groupId = uniqueName('group')
  const producer = observer().producer({
    transactionalId: uniqueName('tx'),
    idempotent: true,
    maxInFlightRequests: 1
  })
  await producer.connect()
  const transaction = await producer.transaction()
  const partitions = [{ partition: 0, offset: '7' }]
  await transaction.sendOffsets({ consumerGroupId: groupId, topics: [{ topic, partitions }] })
  const { messages } = await startConsumer({ topics: [topic], groupId })
  await pause(500) // nothing may come yet
  const early = messages.length
  await transaction.commit()
  await waitFor(() => messages.length >= 3)
  await producer.disconnect()
  expect(early).toBe(0)
  expect(messages.map(({ offset }) => offset)).toEqual([7, 8, 9])
})

it('heartbeatInterval: 0 sends one whenever a handler asks', async () => {
  const topic = await filled(1)
  // More than what goes out by itself while this spec waits.
  const count = 200
  const { seen } = await startConsumer({
    topics: [topic],
    heartbeatInterval: 0,
    handle: async ({ heartbeat }) => {
      for (let i = 0; i < count; i++) {
        await pause(2)
        await heartbeat()
      }
    }
  })
  await waitFor(() => seen.of('HEARTBEAT').length >= count)
})

it('a consumer that nothing is assigned to takes over when the other one goes (#659)', async () => {
  const topic = await filled(5)
  const groupId = uniqueName('group')
  const first = await startConsumer({ topics: [topic], groupId })
  const second = await startConsumer({ topics: [topic], groupId })
  await waitFor(() => joins(first).length === 2)
  await waitFor(() => first.messages.length + second.messages.length >= 5)
  const [owner, other] = joins(first).at(-1).memberAssignment[topic]
    ? [first, second]
    : [second, first]
  await owner.consumer.disconnect()
  const before = other.messages.length
  await produce(topic, numbered(5, { first: 5 }))
  await waitFor(() => other.messages.length >= before + 5)
  expect(other.messages.slice(-5).map(({ value }) => Number(value))).toEqual([5, 6, 7, 8, 9])
  expect((await createConsumer({ groupId }).describeGroup()).members).toHaveLength(1)
})
