// @ts-check
'use strict'

/** `groupInstanceId` (KIP-345): a member that comes back under its name is no news to its group. */

const { createTopic, produce, uniqueName } = require('../kafka/helpers')
const { distinct, numbered, pause, startConsumer, upTo, waitFor } = require('./support')

/** @param {string} groupId @param {string} topic @param {string} groupInstanceId */
const member = (groupId, topic, groupInstanceId) =>
  startConsumer({
    topics: [topic],
    groupId,
    sessionTimeout: 20_000,
    .../** @type {{}} */ ({ groupInstanceId })
  })

const lastJoin = ({ seen }) => seen.of('GROUP_JOIN').at(-1)
const partitionsOf = (test, topic) => lastJoin(test)?.memberAssignment[topic] ?? []

/** Two members of a group, each with one partition of two. */
const two = async () => {
  const topic = await createTopic({ partitions: 2 })
  const groupId = uniqueName('group')
  const a = await member(groupId, topic, 'a')
  const b = await member(groupId, topic, 'b')
  await waitFor(() => [a, b].every(test => partitionsOf(test, topic).length === 1))
  return { topic, groupId, a, b }
}

it('a member that restarts gets its partition back, without a rebalance', async () => {
  const { topic, groupId, a, b } = await two()
  const own = partitionsOf(a, topic)
  const before = b.seen.of('GROUP_JOIN').length
  await a.consumer.disconnect()
  await produce(topic, numbered(20, { partitions: 2 }))
  await waitFor(() => b.messages.length >= 10)
  const again = await member(groupId, topic, 'a')
  await waitFor(() => again.messages.length >= 10)
  expect(partitionsOf(again, topic)).toEqual(own)
  await pause(300) // nothing must come
  expect(b.seen.of('GROUP_JOIN')).toHaveLength(before)
  expect(b.messages).toHaveLength(10)
  expect(distinct([...b.messages, ...again.messages])).toEqual(upTo(20))
})

it('a member whose name another one takes crashes, and does not start again', async () => {
  const { topic, groupId, a } = await two()
  const thief = await member(groupId, topic, 'a')
  await waitFor(() => a.seen.of('CRASH').length > 0)
  expect(a.seen.of('CRASH')).toMatchObject([{ restart: false, groupId }])
  expect(a.seen.of('CRASH')[0].error).toMatchObject({ code: 82, type: 'FENCED_INSTANCE_ID' })
  await waitFor(() => partitionsOf(thief, topic).length === 1)
})
