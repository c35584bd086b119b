// @ts-check
'use strict'

/** Topics are listed, described, made, made larger and deleted. */

const { createTopic, uniqueName } = require('../kafka/helpers')
const { createAdmin, createObserver, errorOf, eventually } = require('./support')

const admin = createAdmin()
const observer = createObserver()

const partitionsOf = async topic => {
  const { topics } = await observer.fetchTopicMetadata({ topics: [topic] })
  return topics[0].partitions.length
}

const configOf = async (topic, name) => {
  const { resources } = await observer.describeConfigs({
    resources: [{ type: 2, name: topic, configNames: [name] }],
    includeSynonyms: false
  })
  return resources[0].configEntries[0].configValue
}

describe('createTopics()', () => {
  it('makes topics with all that is asked for, and their leaders are there', async () => {
    const [counted, assigned, plain] = ['counted', 'assigned', 'plain'].map(uniqueName)
    const topics = [
      {
        topic: counted,
        numPartitions: 3,
        replicationFactor: 1,
        configEntries: [{ name: 'retention.ms', value: '12345' }]
      },
      {
        topic: assigned,
        replicaAssignment: [
          { partition: 0, replicas: [1] },
          { partition: 1, replicas: [1] }
        ]
      },
      { topic: plain }
    ]
    expect(await admin.createTopics({ topics })).toBe(true)
    const metadata = await admin.fetchTopicMetadata({ topics: [counted, assigned, plain] })
    const byName = new Map(metadata.topics.map(({ name, partitions }) => [name, partitions]))
    expect([byName.get(counted).length, byName.get(assigned).length]).toEqual([3, 2])
    expect(await partitionsOf(counted)).toBe(3)
    expect(await configOf(counted, 'retention.ms')).toBe('12345')
    expect(byName.get(assigned)).toContainEqual({
      partitionErrorCode: 0,
      partitionId: 1,
      leader: 1,
      replicas: [1],
      isr: [1],
      offlineReplicas: []
    })
  })

  it('takes numbers that come from the environment, as text', async () => {
    const [counted, assigned] = ['counted', 'assigned'].map(uniqueName)
    const topics = [
      { topic: counted, numPartitions: '3', replicationFactor: '1' },
      { topic: assigned, replicaAssignment: [{ partition: '0', replicas: ['1'] }] }
    ]
    const asText = /** @type {any} */ (admin)
    expect(await asText.createTopics({ topics, timeout: '5000' })).toBe(true)
    const topicPartitions = [
      { topic: counted, count: '4' },
      { topic: assigned, count: '2', assignments: [['1']] }
    ]
    await asText.createPartitions({ topicPartitions, timeout: '5000' })
    await eventually(async () => {
      expect(await Promise.all([counted, assigned].map(partitionsOf))).toEqual([4, 2])
    })
    await asText.deleteTopics({ topics: [counted, assigned], timeout: '5000' })
  })

  it('takes an assignment, whatever numbers are beside it', async () => {
    const topic = uniqueName('assigned')
    const replicaAssignment = [0, 1].map(partition => ({ partition, replicas: [1] }))
    const topics = [{ topic, numPartitions: 2, replicationFactor: 1, replicaAssignment }]
    expect(await admin.createTopics({ topics })).toBe(true)
    expect(await partitionsOf(topic)).toBe(2)
  })

  it('is false when those that were not made exist already, and the others are made', async () => {
    const [there, added] = [await createTopic(), uniqueName('added')]
    expect(await admin.createTopics({ topics: [{ topic: there }] })).toBe(false)
    expect(await admin.createTopics({ topics: [{ topic: there }, { topic: added }] })).toBe(false)
    await eventually(async () => expect(await partitionsOf(added)).toBe(1))
  })

  it('rejects with an error for each topic that has another reason', async () => {
    const [there, tooMany] = [await createTopic(), uniqueName('a-replicas')]
    const topics = [
      { topic: 'no good name' },
      { topic: there },
      { topic: tooMany, replicationFactor: 99 }
    ]
    const error = await errorOf(admin.createTopics({ topics }))
    expect([error.name, error.message]).toEqual(['KafkaJSAggregateError', 'Topic creation errors'])
    expect(error.errors.map(({ name, type, topic }) => [name, type, topic])).toEqual(
      [
        ['KafkaJSCreateTopicError', 'INVALID_TOPIC_EXCEPTION', 'no good name'],
        ['KafkaJSCreateTopicError', 'TOPIC_ALREADY_EXISTS', there],
        ['KafkaJSCreateTopicError', 'INVALID_REPLICATION_FACTOR', tooMany]
      ].sort(([, , a], [, , b]) => a.localeCompare(b))
    )
    const replicas = error.errors.find(({ topic }) => topic === tooMany)
    expect(replicas.message).toBe('Replication-factor is invalid')
  })

  it('has the words of the broker beside its own', async () => {
    const topics = [{ topic: uniqueName('replicas'), replicationFactor: 99 }]
    const { errors } = await errorOf(admin.createTopics({ topics }))
    expect(errors[0].brokerMessage).toMatch(/replication factor of 99/)
  })

  it('makes nothing when it only validates', async () => {
    const topic = uniqueName('validated')
    const only = { validateOnly: true, waitForLeaders: false, topics: [{ topic }] }
    expect(await admin.createTopics(only)).toBe(true)
    expect(await observer.listTopics()).not.toContain(topic)
  })

  it('waits for no leaders of what it only validates', async () => {
    const topics = [{ topic: uniqueName('validated') }]
    expect(await admin.createTopics({ validateOnly: true, topics })).toBe(true)
  })

  it.each([
    [{}, 'Invalid topics array undefined'],
    [{ topics: 'a' }, 'Invalid topics array a'],
    [{ topics: [{ topic: 1 }] }, 'Invalid topics array, the topic names have to be a valid string'],
    [
      { topics: [{ topic: 'a' }, { topic: 'a' }] },
      'Invalid topics array, it cannot have multiple entries for the same topic'
    ],
    [
      { topics: [{ topic: 'a', configEntries: {} }] },
      'Invalid configEntries for topic "a", must be an array'
    ],
    [
      { topics: [{ topic: 'a', configEntries: [null] }] },
      'Invalid configEntries for topic "a". Entry 0 must be an object'
    ],
    [
      { topics: [{ topic: 'a', configEntries: [{ name: 'b', value: 1 }] }] },
      'Invalid configEntries for topic "a". Entry 0 must have a valid "value" property'
    ]
  ])('refuses %j', async (options, message) => {
    const error = await errorOf(admin.createTopics(options))
    expect([error.name, error.message]).toEqual(['KafkaJSNonRetriableError', message])
  })
})

describe('createPartitions()', () => {
  it('gives topics more partitions, unless it only validates', async () => {
    const topic = await createTopic({ partitions: 2 })
    const topicPartitions = [{ topic, count: 3 }]
    await admin.createPartitions({ validateOnly: true, topicPartitions })
    expect(await partitionsOf(topic)).toBe(2)
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3, assignments: [[1]] }] })
    await eventually(async () => expect(await partitionsOf(topic)).toBe(3))
  })

  it('rejects with what the broker has against the first', async () => {
    const topic = await createTopic({ partitions: 2 })
    const refused = async topicPartitions => {
      const { name, type, message } = await errorOf(admin.createPartitions({ topicPartitions }))
      return [name, type, message]
    }
    expect(await refused([{ topic, count: 1 }])).toEqual([
      'KafkaJSProtocolError',
      'INVALID_PARTITIONS',
      'Number of partitions is invalid'
    ])
    expect(await refused([{ topic, count: 3, assignments: [[99]] }])).toEqual([
      'KafkaJSProtocolError',
      'INVALID_REPLICA_ASSIGNMENT',
      'Replica assignment is invalid'
    ])
    expect(await refused([{ topic: uniqueName('nope'), count: 3 }])).toEqual([
      'KafkaJSProtocolError',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'This server does not host this topic-partition'
    ])
  })

  it('names the topic', async () => {
    const topic = await createTopic({ partitions: 2 })
    const error = await errorOf(admin.createPartitions({ topicPartitions: [{ topic, count: 1 }] }))
    expect(error.topic).toBe(topic)
  })

  it.each([
    [{}, 'Invalid topic partitions array undefined'],
    [{ topicPartitions: [] }, 'Empty topic partitions array'],
    [
      { topicPartitions: [{ topic: 1 }] },
      'Invalid topic partitions array, the topic names have to be a valid string'
    ],
    [
      { topicPartitions: [{ topic: 'a' }, { topic: 'a' }] },
      'Invalid topic partitions array, it cannot have multiple entries for the same topic'
    ]
  ])('refuses %j', async (options, message) => {
    const error = await errorOf(admin.createPartitions(options))
    expect([error.name, error.message]).toEqual(['KafkaJSNonRetriableError', message])
  })
})

describe('deleteTopics()', () => {
  it('deletes topics', async () => {
    const topics = [await createTopic(), await createTopic()]
    await admin.deleteTopics({ topics })
    await eventually(async () => {
      const left = await observer.listTopics()
      expect(left.filter(topic => topics.includes(topic))).toEqual([])
    })
  })

  it('deletes once what is named twice', async () => {
    const topic = await createTopic()
    expect(await admin.deleteTopics({ topics: [topic, topic] })).toBeUndefined()
    await eventually(async () => expect(await observer.listTopics()).not.toContain(topic))
  })

  it('rejects at once when one does not exist, and names it; the others are gone', async () => {
    const [there, missing] = [await createTopic(), uniqueName('nope')]
    const error = await errorOf(admin.deleteTopics({ topics: [missing, there] }))
    expect([error.type, error.topic]).toEqual(['UNKNOWN_TOPIC_OR_PARTITION', missing])
    await eventually(async () => expect(await observer.listTopics()).not.toContain(there))
  })

  it.each([
    [{}, 'Invalid topics array undefined'],
    [{ topics: [1] }, 'Invalid topics array, the names must be a valid string']
  ])('refuses %j', async (options, message) => {
    const error = await errorOf(admin.deleteTopics(options))
    expect([error.name, error.message]).toEqual(['KafkaJSNonRetriableError', message])
  })
})

describe('listTopics(), fetchTopicMetadata()', () => {
  it('tell of all topics, internal ones included', async () => {
    const topic = await createTopic()
    const names = await admin.listTopics()
    expect(names).toEqual(expect.arrayContaining([topic, '__consumer_offsets']))
    const { topics } = await admin.fetchTopicMetadata()
    expect(topics.map(({ name }) => name)).toEqual(
      expect.arrayContaining([topic, '__consumer_offsets'])
    )
  })

  it('refuse a text for an object', async () => {
    const error = await errorOf(admin.fetchTopicMetadata(/** @type {any} */ ('orders')))
    expect(error).toMatchObject({ name: 'KafkaJSNonRetriableError', retriable: false })
    expect(error.message).toMatch(/^admin\.fetchTopicMetadata\(\) takes an object/)
  })

  it('reject with the first topic that is unknown', async () => {
    const topic = uniqueName('nope')
    const asked = { topics: [await createTopic(), topic] }
    const error = await errorOf(admin.fetchTopicMetadata(asked))
    expect([error.name, error.type, error.message]).toEqual([
      'KafkaJSProtocolError',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'This server does not host this topic-partition'
    ])
    expect(await observer.listTopics()).not.toContain(topic)
  })

  it.each([[''], [null], [7]])('refuse %j', async topic => {
    const error = await errorOf(admin.fetchTopicMetadata({ topics: [topic] }))
    expect([error.name, error.message]).toEqual([
      'KafkaJSNonRetriableError',
      `Invalid topic ${topic}`
    ])
  })
})
