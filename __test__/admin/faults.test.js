// @ts-check
'use strict'

/**
 * What moves, breaks off or is behind is tried again. A broker behind a proxy, which answers in its place or changes what it answers.
 */

const { createTopic, uniqueName } = require('../kafka/helpers')
const { createAdmin, errorOf, useCluster } = require('./support')

const CREATE_TOPICS = 19
const DELETE_RECORDS = 21
const DELETE_TOPICS = 20
const METADATA = 3

const NOT_CONTROLLER = 41

/** @type {import('../kafka').Cluster} */
let cluster
/** @type {import('../kafka/proxy').Proxy} */
let proxy

useCluster({ proxied: true }, started => {
  cluster = started
  proxy = started.proxies[0]
})

const create = options => createAdmin({ brokers: cluster.listeners.proxied, ...options })

/** The error code of the topic, in an answer of CreateTopics. @param {string} name @param {number} code */
const withCode = (name, code) => frame => {
  const changed = Buffer.from(frame)
  const at = changed.indexOf(name) + name.length
  // v7: its id stands in between; kafkajs speaks v3.
  const idAt = isFlexible(changed, name) ? at + 16 : at
  changed.writeInt16BE(code, idAt)
  return changed
}

/** Is the length of the name one byte (plus one)? */
const isFlexible = (frame, name) => frame[frame.indexOf(name) - 1] === name.length + 1

it('a controller that has moved is looked up again', async () => {
  const admin = create()
  const topic = uniqueName('moved')
  let moves = 0
  proxy.mutate(
    CREATE_TOPICS,
    frame => {
      moves++
      return withCode(topic, NOT_CONTROLLER)(frame)
    },
    2
  )
  expect(
    await admin.createTopics({ validateOnly: true, waitForLeaders: false, topics: [{ topic }] })
  ).toBe(true)
  expect(moves).toBe(2)
})

it('records are deleted although the connection breaks', async () => {
  const topic = await createTopic({ brokers: cluster.brokers })
  const admin = create()
  await admin.fetchTopicOffsets(topic)
  let asked = 0
  proxy.answer(DELETE_RECORDS, () => {
    if (asked++ === 0) proxy.cut()
    return undefined
  })
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '0' }] })
  expect(asked).toBe(2)
})

it('topics are listed although the connection has broken since the last call', async () => {
  const admin = create()
  await admin.listTopics()
  proxy.cut()
  expect(await admin.listTopics()).toEqual(expect.any(Array))
})

it('what a lost answer has done counts as done', async () => {
  const topic = await createTopic({ brokers: cluster.brokers })
  const admin = create()
  let lost = 0
  proxy.mutate(DELETE_TOPICS, frame => {
    if (lost++ === 0) proxy.cut()
    return frame
  })
  await admin.deleteTopics({ topics: [topic] })
  expect(lost).toBe(2)
  expect(await admin.listTopics()).not.toContain(topic)
})

it('other topics do not keep a new one from being made', async () => {
  const admin = create()
  const asked = []
  proxy.answer(METADATA, request => {
    asked.push(request)
    return undefined
  })
  await admin.createTopics({ topics: [{ topic: uniqueName('new') }] })
  // A question for all topics is a null list.
  const isForAll = ({ frame, body, version }) =>
    version >= 9 ? frame[body] === 0 : frame.readInt32BE(body) === -1
  expect(asked.filter(isForAll)).toEqual([])
})

it('gives up after as many tries as the option says', async () => {
  const admin = create({ retry: { retries: 2, initialRetryTime: 1 } })
  const topic = uniqueName('moved')
  proxy.mutate(CREATE_TOPICS, frame => withCode(topic, NOT_CONTROLLER)(frame))
  const error = await errorOf(admin.createTopics({ validateOnly: true, topics: [{ topic }] }))
  expect(error.errors.map(({ type }) => type)).toEqual(['NOT_CONTROLLER'])
})
