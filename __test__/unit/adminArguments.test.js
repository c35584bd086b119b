'use strict'

/** What users have given to an admin client in place of anything: it is refused in words, and not by what reads it. */

const { inspect } = require('node:util')

jest.mock('../../src/native', () => ({ NativeSiblings: class {} }))
const native = require('../../src/native')
const { Kafka, logLevel } = require('../..')
const { createNativeClient, createWorld } = require('./support')

const RULE = {
  resourceType: 2,
  resourceName: 't',
  resourcePatternType: 3,
  principal: 'p',
  host: '*',
  operation: 3,
  permissionType: 3
}

/** Arguments with all that there may be in them. */
const VALID = {
  createTopics: {
    topics: [
      {
        topic: 't',
        numPartitions: 1,
        replicaAssignment: [{ partition: 0, replicas: [1] }],
        configEntries: [{ name: 'a', value: 'b' }]
      }
    ],
    timeout: 5
  },
  deleteTopics: { topics: ['t'], timeout: 5 },
  createPartitions: { topicPartitions: [{ topic: 't', count: 2, assignments: [[1]] }], timeout: 5 },
  fetchTopicMetadata: { topics: ['t'] },
  listOffsets: { topics: [{ topic: 't', partitions: [{ partition: 0, timestamp: 1 }] }] },
  deleteTopicRecords: { topic: 't', partitions: [{ partition: 0, offset: '1' }] },
  describeCluster: { includeFencedBrokers: true },
  describeLogDirs: { brokers: [1], topics: [{ topic: 't', partitions: [0] }] },
  alterPartitionReassignments: {
    topics: [{ topic: 't', partitionAssignment: [{ partition: 0, replicas: [1] }] }],
    timeout: 5
  },
  listPartitionReassignments: { topics: [{ topic: 't', partitions: [0] }], timeout: 5 },
  electLeaders: {
    electionType: 'preferred',
    topics: [{ topic: 't', partitions: [0] }],
    timeout: 5
  },
  describeConfigs: { resources: [{ type: 2, name: 't', configNames: ['a'] }] },
  alterConfigs: { resources: [{ type: 2, name: 't', configEntries: [{ name: 'a', value: 'b' }] }] },
  incrementalAlterConfigs: {
    resources: [{ type: 2, name: 't', configEntries: [{ name: 'a', value: 'b', operation: 0 }] }]
  },
  listGroups: { states: ['Stable'], types: ['classic'] },
  removeMembersFromConsumerGroup: { groupId: 'g', members: [{ memberId: 'a' }], reason: 'x' },
  fetchOffsets: { groupId: 'g', topics: ['t'] },
  setOffsets: {
    groupId: 'g',
    topic: 't',
    partitions: [{ partition: 0, offset: '1', metadata: 'x' }]
  },
  resetOffsets: { groupId: 'g', topic: 't' },
  deleteConsumerGroupOffsets: { groupId: 'g', topics: [{ topic: 't', partitions: [0] }] },
  createAcls: {
    acl: [RULE]
  },
  describeAcls: RULE,
  deleteAcls: {
    filters: [RULE]
  },
  describeUserScramCredentials: { users: ['a'] },
  alterUserScramCredentials: {
    upsertions: [
      { user: 'a', mechanism: 1, password: 'x', iterations: 4096, salt: Buffer.from('x') }
    ],
    deletions: [{ user: 'a', mechanism: 1 }]
  },
  describeClientQuotas: { entity: { user: 'a' }, strict: true },
  alterClientQuotas: { quotas: [{ entity: { user: 'a' }, values: { x: 1 } }] },
  listTransactions: { states: ['x'], producerIds: ['1'], duration: 1, transactionalIdPattern: 'x' },
  describeProducers: { topics: [{ topic: 't', partitions: [0] }] },
  abortTransaction: {
    topic: 't',
    partition: 0,
    startOffset: '1',
    producerId: '1',
    producerEpoch: 1,
    coordinatorEpoch: 1
  }
}

/** Of these there is no JSON, or not even a text. */
const CIRCLE = /** @type {any} */ ({})
CIRCLE.self = CIRCLE
const BARE = Object.create(null)

const WRONG = [
  null,
  undefined,
  7,
  -1,
  1.5,
  NaN,
  Infinity,
  2 ** 40,
  '',
  'x',
  true,
  10n,
  {},
  [],
  [null],
  [7],
  () => {},
  Symbol('x'),
  [Symbol('x')],
  CIRCLE,
  BARE,
  [BARE]
]

/** Where there is a value. @param {any} value @param {(string | number)[]} path @returns {Iterable<(string | number)[]>} */
const pathsOf = function* (value, path = []) {
  yield path
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return
  for (const key of Object.keys(value)) yield* pathsOf(value[key], [...path, key])
}

/** @param {any} value @param {(string | number)[]} path @param {any} other */
const replaced = (value, [key, ...path], other) => {
  if (key === undefined) return other
  const copy = Array.isArray(value) ? value.slice() : { ...value }
  copy[key] = replaced(value[key], path, other)
  return copy
}

/** A mistake of ours; kafkajs has a TypeError for an argument that is no object, too. @param {any} error */
const isOurs = ({ name, message }) =>
  ['TypeError', 'RangeError', 'SyntaxError'].includes(name) &&
  // It came as far as the engine, which is not here.
  !/^client\.\w+ is not a function$/.test(message) &&
  !message.includes('takes an object')

it.each(Object.keys(VALID))('%s()', async method => {
  native.NativeClient = createNativeClient(createWorld())
  const options = { brokers: ['b1:9092'], logLevel: logLevel.NOTHING, retry: { retries: 0 } }
  const admin = /** @type {any} */ (new Kafka(options).admin())
  await admin.connect()
  const mistakes = []
  for (const path of pathsOf(VALID[method])) {
    for (const wrong of WRONG) {
      const error = await admin[method](replaced(VALID[method], path, wrong)).catch(e => e)
      if (error && isOurs(error)) mistakes.push([path.join('.'), inspect(wrong), error.message])
    }
  }
  expect(mistakes).toEqual([])
  await admin.disconnect()
})
