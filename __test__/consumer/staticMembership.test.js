// @ts-check
'use strict'

/** `groupInstanceId` (KIP-345): who goes and comes back in time is the same member, and nobody else notices. */

const { createTopic, produce, uniqueName } = require('../kafka/helpers')
const { createConsumer, distinct, numbered, startConsumer, upTo, waitFor } = require('./support')

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

  await produce(topic, numbered(3, { first: 3 }))
  await waitFor(() => second.messages.some(({ value }) => value === '5'))
  expect(first.messages).toHaveLength(3)
  await first.consumer.disconnect()
  expect(await members(groupId)).toHaveLength(1)
})
