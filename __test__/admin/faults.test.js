// @ts-check
'use strict'

/**
 * What moves, breaks off or is behind is tried again; and brokers of former versions. One behind a proxy, which answers in its place or
 * changes what it answers.
 */

const { createTopic, uniqueName } = require('../kafka/helpers')
const { createAdmin, errorOf, useCluster, waitFor } = require('./support')

const CREATE_TOPICS = 19
const DELETE_RECORDS = 21
const DELETE_TOPICS = 20
const METADATA = 3
const API_VERSIONS = 18

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

/**
 * What brokers of former releases speak of what admin clients ask, highest versions. What is not there they do not know.
 * @type {Record<string, Record<number, number>>}
 */
const RELEASES = {
  2.1: { 2: 4, 3: 7, 10: 2, 19: 3, 20: 3, 21: 1, 32: 2, 33: 1, 35: 1, 37: 1 },
  2.4: {
    2: 5,
    3: 9,
    10: 3,
    19: 5,
    20: 4,
    21: 1,
    32: 2,
    33: 1,
    35: 1,
    37: 1,
    43: 2,
    44: 1,
    45: 0,
    46: 0
  },
  2.8: {
    2: 6,
    3: 11,
    10: 3,
    19: 7,
    20: 6,
    21: 2,
    32: 4,
    33: 2,
    35: 2,
    37: 3,
    43: 2,
    44: 1,
    45: 0,
    46: 0,
    60: 0
  },
  3.3: {
    2: 7,
    3: 12,
    10: 4,
    19: 7,
    20: 6,
    21: 2,
    32: 4,
    33: 2,
    35: 4,
    37: 3,
    43: 2,
    44: 1,
    45: 0,
    46: 0,
    60: 0
  }
}

/** As a broker of that release would tell it: all fields of an entry have fixed sizes. */
const asOf = versions => (frame, request) => {
  const changed = Buffer.from(frame)
  const isCompact = request.version >= 3
  const [first, size] = isCompact ? [11, 7] : [14, 6]
  const length = isCompact ? changed[10] - 1 : changed.readInt32BE(10)
  for (let at = first; at < first + length * size; at += size) {
    const key = changed.readInt16BE(at)
    // What the client needs before it asks for anything.
    if (key === API_VERSIONS) continue
    if (!(key in versions)) changed.writeInt16BE(9000 + key, at)
    else changed.writeInt16BE(Math.min(versions[key], changed.readInt16BE(at + 4)), at + 4)
  }
  return changed
}

describe.each(Object.entries(RELEASES))('a broker that speaks as Kafka %s', (release, versions) => {
  it('is asked in its own versions', async () => {
    proxy.mutate(API_VERSIONS, asOf(versions))
    const admin = create()
    const asked = new Map()
    admin.on(admin.events.REQUEST, ({ payload: { apiKey, apiVersion } }) =>
      asked.set(apiKey, apiVersion)
    )
    const topic = uniqueName('old')
    const resource = { type: 2, name: topic }
    const configEntries = [{ name: 'retention.ms', value: '360000000' }]
    const topics = [{ topic, numPartitions: 1, replicationFactor: 1, configEntries }]
    expect(await admin.createTopics({ topics })).toBe(true)
    expect(await admin.createTopics({ topics })).toBe(false)
    await admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] })
    await waitFor(async () => (await admin.fetchTopicOffsets(topic)).length === 2)
    expect(await admin.fetchTopicOffsetsByTimestamp(topic, 5)).toHaveLength(2)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '-1' }] })
    await admin.alterConfigs({ resources: [{ ...resource, configEntries }] })
    const described = await admin.describeConfigs({
      resources: [{ ...resource, configNames: ['retention.ms'] }]
    })
    expect(described.resources[0].configEntries).toEqual([
      expect.objectContaining({ configName: 'retention.ms', configValue: '360000000' })
    ])
    if (44 in versions) await admin.listPartitionReassignments({})
    await admin.deleteTopics({ topics: [topic] })
    const tooNew = [...asked].filter(
      ([key, version]) => key !== API_VERSIONS && !(version <= versions[key])
    )
    expect(tooNew).toEqual([])
    expect([...asked.keys()]).toEqual(expect.arrayContaining([2, 3, 19, 20, 21, 32, 33, 37]))
  })
})

describe('a broker that does not know an API', () => {
  it('is told by its name', async () => {
    proxy.mutate(API_VERSIONS, asOf(RELEASES['2.1']))
    const admin = create()
    const error = await errorOf(admin.listPartitionReassignments({}))
    expect(error).toMatchObject({ name: 'KafkaJSServerDoesNotSupportApiKey', apiKey: 46 })
  })

  it('has the sizes of partitions, but not of disks', async () => {
    proxy.mutate(API_VERSIONS, asOf(RELEASES['2.8']))
    const { brokers } = await create().describeLogDirs()
    expect(brokers).toEqual([
      {
        nodeId: 1,
        error: null,
        logDirs: [expect.objectContaining({ totalBytes: null, usableBytes: null })]
      }
    ])
  })

  it('does not take a younger special timestamp for a time', async () => {
    proxy.mutate(API_VERSIONS, asOf(RELEASES['2.8']))
    const topic = await createTopic({ brokers: cluster.brokers })
    const asked = [{ topic, partitions: [{ partition: 0, timestamp: 'maxTimestamp' }] }]
    const [{ partitions }] = await create().listOffsets({ topics: asked })
    expect(partitions[0].error).toMatchObject({
      name: 'KafkaJSServerDoesNotSupportApiKey',
      apiKey: 2
    })
  })
})
