// @ts-check
'use strict'

/** `groupInstanceId` (KIP-345): who goes and comes back in time is the same member, and nobody else notices. */

const { createTopic, produce, uniqueName } = require('../kafka/helpers')
const { createConsumer, distinct, numbered, startConsumer, upTo, waitFor } = require('./support')

/** @returns {Promise<any>} */
const start = (groupId, topic, groupInstanceId, options = {}) =>
  startConsumer({ topics: [topic], groupId, groupInstanceId, ...options })

const partitionsOf = ({ seen }, topic) => seen.of('GROUP_JOIN').at(-1).memberAssignment[topic] ?? []

const members = async groupId => (await createConsumer({ groupId }).describeGroup()).members

/** Two members, each with a partition of its own. */
const startTwo = async (options = {}) => {
  const topic = await createTopic({ partitions: 2 })
  const groupId = uniqueName('group')
  const one = await start(groupId, topic, 'one', options)
  const two = await start(groupId, topic, 'two', options)
  await waitFor(() => [one, two].every(member => partitionsOf(member, topic).length === 1))
  return { topic, groupId, one, two }
}

it('a member that is restarted has its partitions again, and the others do not rejoin', async () => {
  const { topic, groupId, one, two } = await startTwo()
  const before = partitionsOf(one, topic)
  const joins = two.seen.of('GROUP_JOIN').length
  await produce(topic, numbered(10, { partitions: 2 }))
  await waitFor(() => one.messages.length + two.messages.length >= 10)

  await one.consumer.disconnect()
  await produce(topic, numbered(10, { partitions: 2, first: 10 }))
  const again = await start(groupId, topic, 'one')
  await waitFor(() => again.messages.length + two.messages.length >= 15)

  expect(partitionsOf(again, topic)).toEqual(before)
  expect(two.seen.of('GROUP_JOIN')).toHaveLength(joins)
  const all = [one, two, again].flatMap(({ messages }) => messages)
  expect(distinct(all)).toEqual(upTo(20))
  expect(all).toHaveLength(20)
})

it('a member that does not come back is missed after the session timeout', async () => {
  const { topic, groupId, one, two } = await startTwo({ sessionTimeout: 8000 })
  await one.consumer.disconnect()
  expect(await members(groupId)).toHaveLength(2)
  await produce(topic, numbered(10, { partitions: 2 }))
  await waitFor(() => partitionsOf(two, topic).length === 2)
  await waitFor(() => two.messages.length >= 10)
  expect(await members(groupId)).toHaveLength(1)
})

it('a second one of the same name takes the place of the first, which crashes for good', async () => {
  const topic = await createTopic()
  const groupId = uniqueName('group')
  const first = await start(groupId, topic, 'one')
  await produce(topic, numbered(3))
  await waitFor(() => first.messages.length >= 3)

  const second = await start(groupId, topic, 'one')
  await waitFor(() => first.seen.of('CRASH').length > 0)
  const [{ error, restart }] = first.seen.of('CRASH')
  expect(restart).toBe(false)
  expect(error).toMatchObject({
    name: 'KafkaJSNonRetriableError',
    cause: { name: 'KafkaJSProtocolError', type: 'FENCED_INSTANCE_ID' }
  })
  expect(error.message).toContain(`member of group "${groupId}" has come as groupInstanceId "one"`)

  await produce(topic, numbered(3, { first: 3 }))
  await waitFor(() => second.messages.some(({ value }) => value === '5'))
  expect(first.messages).toHaveLength(3)
  await first.consumer.disconnect()
  expect(await members(groupId)).toHaveLength(1)
})

/** Of the last heartbeat. */
const generationOf = async ({ seen }) => {
  const beats = seen.of('HEARTBEAT').length
  await waitFor(() => seen.of('HEARTBEAT').length > beats)
  return seen.of('HEARTBEAT').at(-1).groupGenerationId
}

it('all members are restarted one after another, the leader too: no generation, no partition moves', async () => {
  const { topic, groupId, one, two } = await startTwo({ sessionTimeout: 20_000 })
  const running = { one, two }
  const before = { one: partitionsOf(one, topic), two: partitionsOf(two, topic) }
  const generation = await generationOf(one)
  expect(one.seen.of('GROUP_JOIN').at(-1).isLeader).toBe(true)
  for (const [name, other] of [
    ['two', 'one'],
    ['one', 'two'],
    ['two', 'one'],
    ['one', 'two']
  ]) {
    const { seen } = running[other]
    const joins = seen.of('GROUP_JOIN').length
    await running[name].consumer.disconnect()
    running[name] = await start(groupId, topic, name, { sessionTimeout: 20_000 })
    expect(partitionsOf(running[name], topic)).toEqual(before[name])
    expect(await generationOf(running[name])).toBe(generation)
    expect(await generationOf(running[other])).toBe(generation)
    expect(seen.of('GROUP_JOIN')).toHaveLength(joins)
    expect(running[name].seen.of('GROUP_JOIN')).toHaveLength(1)
  }
  await produce(topic, numbered(10, { partitions: 2 }))
  await waitFor(() => running.one.messages.length + running.two.messages.length >= 10)
  expect(distinct([...running.one.messages, ...running.two.messages])).toEqual(upTo(10))
})

describe('disconnect({ leaveGroup })', () => {
  it('true takes a static member out of its group, and the others have its partitions', async () => {
    const { topic, groupId, one, two } = await startTwo({ sessionTimeout: 60_000 })
    await one.consumer.disconnect({ leaveGroup: true })
    expect(await members(groupId)).toHaveLength(1)
    await waitFor(() => partitionsOf(two, topic).length === 2)
  })

  it('false leaves any member in it, until its session is over', async () => {
    const topic = await createTopic({ partitions: 2 })
    const { consumer, groupId } = await startConsumer({ topics: [topic], sessionTimeout: 6000 })
    await consumer.disconnect({ leaveGroup: false })
    expect(await members(groupId)).toHaveLength(1)
    await waitFor(async () => (await members(groupId)).length === 0)
  })

  it('is true or false', async () => {
    const consumer = createConsumer()
    await expect(consumer.disconnect({ leaveGroup: 'no' })).rejects.toThrow(
      'leaveGroup of consumer.disconnect() must be true or false, received "no"'
    )
  })
})
