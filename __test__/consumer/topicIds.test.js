// @ts-check
'use strict'

/** Commits and their look-ups name topics by id (OffsetCommit and OffsetFetch v10, Kafka 4.2): a topic made anew is another. */

const {
  ADMIN_TIMEOUT,
  committed,
  createTopic,
  produce,
  uniqueName,
  withAdmin
} = require('../kafka/helpers')
const { CLIENT, numbered, pause, startConsumer, waitFor } = require('./support')

/** kafkajs knows names only. */
const BY_ID = CLIENT === 'kafkars'

/** The versions in which this API was spoken, in order. */
const versions = ({ seen }, name) =>
  seen
    .of('REQUEST')
    .filter(({ apiName }) => apiName === name)
    .map(({ apiVersion }) => apiVersion)

const recreate = async topic => {
  await withAdmin(undefined, admin =>
    admin.deleteTopics({ topics: [topic], timeout: ADMIN_TIMEOUT })
  )
  await waitFor(async () => {
    const names = await withAdmin(undefined, admin => admin.listTopics())
    return !names.includes(topic)
  })
  await createTopic({ topic })
}

it('offsets are looked up and committed by topic id', async () => {
  const topic = await createTopic({ partitions: 2 })
  await produce(topic, numbered(20, { partitions: 2 }))
  const first = await startConsumer({ topics: [topic] })
  await waitFor(async () =>
    Object.values(await committed(first.groupId, topic)).every(offset => offset === '10')
  )
  await first.consumer.disconnect()
  expect(new Set(versions(first, 'OffsetFetch'))).toEqual(new Set([BY_ID ? 10 : 4]))
  expect(new Set(versions(first, 'OffsetCommit'))).toEqual(new Set([BY_ID ? 10 : 5]))

  await produce(topic, numbered(2, { partitions: 2, first: 100 }))
  const second = await startConsumer({ topics: [topic], groupId: first.groupId })
  await waitFor(() => second.messages.length >= 2)
  expect(second.messages.map(({ offset }) => offset)).toEqual([10, 10])
})

it('so are those of a topic that is being created', async () => {
  const topic = uniqueName('auto')
  const test = await startConsumer({ topics: [topic] })
  await produce(topic, numbered(3))
  await waitFor(async () => (await committed(test.groupId, topic))[0] === '3')
  expect(versions(test, 'OffsetCommit').at(-1)).toBe(BY_ID ? 10 : 5)
})

it('offsets of a topic that was deleted are not written into the one that bears its name', async () => {
  const topic = await createTopic()
  await produce(topic, numbered(50))
  const test = await startConsumer({
    topics: [topic],
    metadataMaxAge: 300,
    // Or asking for the topic would make it again before anybody has seen it gone.
    allowAutoTopicCreation: false
  })
  const { groupId, messages, seen } = test
  await waitFor(async () => (await committed(groupId, topic))[0] === '50')
  await recreate(topic)
  const before = versions(test, 'OffsetCommit').length
  await pause(1000)
  // None, or what kafkajs writes for the beginning.
  expect(Number((await committed(groupId, topic))[0])).toBeLessThan(0)
  await produce(topic, numbered(3, { first: 100 }))
  await waitFor(async () => (await committed(groupId, topic))[0] === '3')
  expect(messages.slice(50).map(({ offset }) => offset)).toEqual([0, 1, 2])
  expect(versions(test, 'OffsetCommit').length - before).toBeLessThan(20)
  expect(seen.of('CRASH').filter(({ restart }) => !restart)).toEqual([])
})

it('a topic that is made anew while its offsets are being committed', async () => {
  const topic = await createTopic()
  await produce(topic, numbered(500))
  const test = await startConsumer({
    topics: [topic],
    metadataMaxAge: 300,
    allowAutoTopicCreation: false,
    handle: () => pause(5),
    run: { autoCommitThreshold: 1 }
  })
  const { groupId, messages, seen } = test
  await waitFor(() => messages.length >= 20)
  await recreate(topic)
  await produce(topic, numbered(5, { first: 1000 }))
  await waitFor(() => messages.filter(({ value }) => Number(value) >= 1000).length >= 5)
  await waitFor(async () => (await committed(groupId, topic))[0] === '5')
  await pause(500)
  expect((await committed(groupId, topic))[0]).toBe('5')
  expect(seen.of('CRASH').filter(({ restart }) => !restart)).toEqual([])
})
