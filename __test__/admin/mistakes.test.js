// @ts-check
'use strict'

/** What a person sees whose admin client asks for what it may not have, or for what there is not: a row for each. On a cluster of its own. */

const { connections } = require('../kafka/connections')
const { createTopic, uniqueName } = require('../kafka/helpers')
const { SECRET, createLogs, expectTold } = require('../consumer/told')
const { WITH_ACLS, createAdmin, errorOf, useCluster } = require('./support')

/** @type {import('../kafka').Cluster} */
let cluster

useCluster({ config: WITH_ACLS }, lent => (cluster = lent))

/**
 * @typedef {{ topic: string, missing: string, groupId: string }} Context `missing`: no topic's name
 *
 * @typedef {object} Row
 * @property {(admin: any, context: Context) => any} does rejects
 * @property {any} [is]
 * @property {(context: Context) => (string | RegExp)[]} says
 * @property {string} help
 * @property {(context: Context) => string[]} [logs] parts of the WARN lines, of what is tried again
 */

const topic = ({ topic: name }) => `topic "${name}"`
const group = ({ groupId }) => `group "${groupId}"`
const cluster_ = () => 'the cluster'

/** Something that takes an ACL. @param {string} operation @param {(context: Context) => string} on @param {Row['does']} does */
const acl = (operation, on, does) => ({
  does,
  says: context => [
    `the user of this client needs the ACL operation ${operation} on ${on(context)}`
  ],
  help: 'not-authorized'
})

const RULE = {
  resourceType: 2,
  resourceName: 'x',
  resourcePatternType: 3,
  principal: 'User:alice',
  host: '*',
  operation: 4,
  permissionType: 3
}
const retention = { name: 'retention.ms', value: '5' }

/** Of a user without any. @type {Record<string, Row>} */
const WITHOUT_ACL = {
  createTopics: acl(
    'CREATE',
    ({ missing }) => `topic "${missing}"`,
    (admin, { missing }) => admin.createTopics({ topics: [{ topic: missing }] })
  ),
  deleteTopics: acl('DELETE', topic, (admin, c) => admin.deleteTopics({ topics: [c.topic] })),
  createPartitions: acl('ALTER', topic, (admin, c) =>
    admin.createPartitions({ topicPartitions: [{ topic: c.topic, count: 3 }] })
  ),
  fetchTopicMetadata: acl('DESCRIBE', topic, (admin, c) =>
    admin.fetchTopicMetadata({ topics: [c.topic] })
  ),
  fetchTopicOffsets: acl('DESCRIBE', topic, (admin, c) => admin.fetchTopicOffsets(c.topic)),
  'describeConfigs of a topic': acl('DESCRIBE_CONFIGS', topic, (admin, c) =>
    admin.describeConfigs({ resources: [{ type: 2, name: c.topic }] })
  ),
  'describeConfigs of a broker': acl('DESCRIBE_CONFIGS', cluster_, admin =>
    admin.describeConfigs({ resources: [{ type: 4, name: '1' }] })
  ),
  incrementalAlterConfigs: acl('ALTER_CONFIGS', topic, (admin, c) =>
    admin.incrementalAlterConfigs({
      resources: [{ type: 2, name: c.topic, configEntries: [retention] }]
    })
  ),
  fetchOffsets: acl('DESCRIBE', group, (admin, { groupId }) => admin.fetchOffsets({ groupId })),
  setOffsets: acl('READ', group, (admin, c) =>
    admin.setOffsets({
      groupId: c.groupId,
      topic: c.topic,
      partitions: [{ partition: 0, offset: '0' }]
    })
  ),
  describeGroups: acl('DESCRIBE', group, (admin, { groupId }) => admin.describeGroups([groupId])),
  deleteGroups: acl('DELETE', group, (admin, { groupId }) => admin.deleteGroups([groupId])),
  groupLag: acl('DESCRIBE', group, (admin, { groupId }) => admin.groupLag(groupId)),
  deleteConsumerGroupOffsets: acl('DELETE', group, (admin, c) =>
    admin.deleteConsumerGroupOffsets({
      groupId: c.groupId,
      topics: [{ topic: c.topic, partitions: [0] }]
    })
  ),
  createAcls: acl('ALTER', cluster_, admin => admin.createAcls({ acl: [RULE] })),
  describeAcls: acl('DESCRIBE', cluster_, admin => admin.describeAcls(RULE)),
  deleteAcls: acl('ALTER', cluster_, admin => admin.deleteAcls({ filters: [RULE] })),
  alterPartitionReassignments: acl('ALTER', cluster_, (admin, c) =>
    admin.alterPartitionReassignments({
      topics: [{ topic: c.topic, partitionAssignment: [{ partition: 0, replicas: [1] }] }]
    })
  ),
  listPartitionReassignments: acl('DESCRIBE', cluster_, admin =>
    admin.listPartitionReassignments({})
  ),
  electLeaders: acl('ALTER', cluster_, (admin, c) =>
    admin.electLeaders({ topics: [{ topic: c.topic, partitions: [0] }] })
  ),
  alterUserScramCredentials: acl('ALTER', cluster_, admin =>
    admin.alterUserScramCredentials({
      upsertions: [{ user: 'u', mechanism: 1, password: SECRET }]
    })
  ),
  describeClientQuotas: acl('DESCRIBE_CONFIGS', cluster_, admin => admin.describeClientQuotas({})),
  alterClientQuotas: acl('ALTER_CONFIGS', cluster_, admin =>
    admin.alterClientQuotas({
      quotas: [{ entity: { user: 'u' }, values: { producer_byte_rate: 1 } }]
    })
  ),
  describeTransactions: acl(
    'DESCRIBE',
    ({ groupId }) => `transactional id "${groupId}"`,
    (admin, { groupId }) => admin.describeTransactions([groupId])
  )
}

const UNKNOWN = { cause: { type: 'UNKNOWN_TOPIC_OR_PARTITION', code: 3 } }
const NONE = { type: 'UNKNOWN_TOPIC_OR_PARTITION', code: 3 }
const doesNotExist = ({ missing }) => [`topic "${missing}" does not exist`]
const ZERO = [{ partition: 0, offset: '0' }]

/** Of a user who may do anything. @type {Record<string, Row>} */
const MISTAKES = {
  // As in kafkajs these are tried again, for the topic may only just have been made.
  'the offsets of a topic that there is not': {
    does: (admin, { missing }) => admin.fetchTopicOffsets(missing),
    is: { name: 'KafkaJSNumberOfRetriesExceeded', ...UNKNOWN },
    says: doesNotExist,
    help: 'topics',
    logs: doesNotExist
  },
  'the offsets at a time of a topic that there is not': {
    does: (admin, { missing }) => admin.fetchTopicOffsetsByTimestamp(missing, 1),
    is: { name: 'KafkaJSNumberOfRetriesExceeded', ...UNKNOWN },
    says: doesNotExist,
    help: 'topics',
    logs: doesNotExist
  },
  'records of a topic that there is not': {
    does: (admin, { missing }) => admin.deleteTopicRecords({ topic: missing, partitions: ZERO }),
    is: { name: 'KafkaJSNumberOfRetriesExceeded', ...UNKNOWN },
    says: doesNotExist,
    help: 'topics',
    logs: doesNotExist
  },
  'metadata of a topic that there is not': {
    does: (admin, { missing }) => admin.fetchTopicMetadata({ topics: [missing] }),
    is: NONE,
    says: doesNotExist,
    help: 'topics'
  },
  'a topic that there is not, to delete': {
    does: (admin, { missing }) => admin.deleteTopics({ topics: [missing] }),
    is: NONE,
    says: doesNotExist,
    help: 'topics'
  },
  'partitions for a topic that there is not': {
    does: (admin, { missing }) =>
      admin.createPartitions({ topicPartitions: [{ topic: missing, count: 2 }] }),
    is: NONE,
    says: doesNotExist,
    help: 'topics'
  },
  'an offset for a topic that there is not': {
    does: (admin, { missing, groupId }) =>
      admin.setOffsets({ groupId, topic: missing, partitions: ZERO }),
    is: NONE,
    says: ({ missing }) => [`topic "${missing}" has no partition 0, or does not exist`],
    help: 'topics'
  },
  'settings of a topic that there is not': {
    does: (admin, { missing }) =>
      admin.describeConfigs({ resources: [{ type: 2, name: missing }] }),
    is: NONE,
    says: doesNotExist,
    help: 'topics'
  },
  'a topic of a name that is none': {
    does: admin => admin.createTopics({ topics: [{ topic: 'my topic' }] }),
    is: { name: 'KafkaJSAggregateError' },
    says: () => ['Topic creation errors', '"my topic": a name has 1 to 249 of the characters'],
    help: 'topics'
  },
  'more replicas than brokers': {
    does: (admin, { missing }) =>
      admin.createTopics({ topics: [{ topic: missing, replicationFactor: 3 }] }),
    is: { name: 'KafkaJSAggregateError' },
    says: ({ missing }) => [`"${missing}"`, 'replication factor of 3 cannot be reached'],
    help: 'topics'
  },
  'a setting that nobody knows': {
    does: (admin, { missing }) =>
      admin.createTopics({
        topics: [{ topic: missing, configEntries: [{ name: 'retention', value: '5' }] }]
      }),
    is: { name: 'KafkaJSAggregateError' },
    says: ({ missing }) => [`"${missing}"`, 'Unknown topic config name: retention'],
    help: 'administering'
  },
  'fewer partitions': {
    does: (admin, c) => admin.createPartitions({ topicPartitions: [{ topic: c.topic, count: 1 }] }),
    is: { type: 'INVALID_PARTITIONS', code: 37 },
    says: c => [topic(c), 'Topic already has 1 partition'],
    help: 'administering'
  },
  'a group that there is not': {
    does: (admin, { groupId }) => admin.deleteGroups([groupId]),
    is: { name: 'KafkaJSDeleteGroupsError' },
    says: c => ['The group id was not found', group(c)],
    help: 'administering'
  },
  'records beyond the end': {
    does: (admin, c) =>
      admin.deleteTopicRecords({ topic: c.topic, partitions: [{ partition: 0, offset: '10' }] }),
    is: { cause: { name: 'KafkaJSDeleteTopicRecordsError' } },
    says: c => ['The requested offset is not within the range', `partition 0 of ${topic(c)}`],
    help: 'offset-out-of-range'
  }
}

/** @param {Row} row @param {'plain' | 'plaintext'} by */
const make = async ({ does, is = {}, says, help, logs: lines }, by) => {
  const name = await createTopic({ brokers: cluster.brokers })
  const context = { topic: name, missing: uniqueName('missing'), groupId: uniqueName('group') }
  const { logs, logCreator } = createLogs()
  const retry = { initialRetryTime: 20, retries: 2 }
  const admin = createAdmin({ ...connections(cluster)[by], retry, logLevel: 5, logCreator })
  const error = await errorOf(Promise.resolve(does(admin, context)))
  expectTold(error, { is, says: says(context), help }, logs)
  if (!lines) return
  const warnings = logs.filter(({ label }) => label === 'WARN').map(({ log }) => log.error)
  expect(warnings).toHaveLength(3)
  for (const part of lines(context)) expect(warnings[0]).toContain(part)
}

describe('without an ACL', () => {
  it.each(Object.entries(WITHOUT_ACL))('%s() says which', async (_, row) => {
    await make(row, 'plain')
  })
})

describe('with all of them', () => {
  it.each(Object.entries(MISTAKES))('%s', async (_, row) => {
    await make(row, 'plaintext')
  })
})
