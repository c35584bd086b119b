// @ts-check
'use strict'

/**
 * What the methods of an admin client take: an argument of another shape is refused, an option that nobody knows or whose value makes no
 * sense is warned of.
 */

const { KafkaJSNonRetriableError } = require('../errors')
const { withHelp } = require('../help')
const { oddity } = require('../limits')
const { show } = require('../utils/show')
const { unknownOption } = require('../unknown')

/** Methods that take an object → its keys. Those that may be called without it are `OPTIONAL`. @type {Record<string, string[]>} */
const KEYS = {
  createTopics: ['topics', 'validateOnly', 'waitForLeaders', 'timeout'],
  deleteTopics: ['topics', 'timeout'],
  createPartitions: ['topicPartitions', 'validateOnly', 'timeout'],
  fetchTopicMetadata: ['topics'],
  listOffsets: ['topics', 'readUncommitted'],
  deleteTopicRecords: ['topic', 'partitions'],
  describeCluster: ['includeFencedBrokers'],
  describeLogDirs: ['brokers', 'topics'],
  alterPartitionReassignments: ['topics', 'timeout'],
  listPartitionReassignments: ['topics', 'timeout'],
  electLeaders: ['electionType', 'topics', 'timeout'],
  describeConfigs: ['resources', 'includeSynonyms', 'includeDocumentation'],
  alterConfigs: ['resources', 'validateOnly'],
  incrementalAlterConfigs: ['resources', 'validateOnly'],
  listGroups: ['states', 'types'],
  removeMembersFromConsumerGroup: ['groupId', 'members', 'reason'],
  fetchOffsets: ['groupId', 'groupIds', 'topics', 'resolveOffsets'],
  setOffsets: ['groupId', 'topic', 'partitions'],
  resetOffsets: ['groupId', 'topic', 'earliest', 'resolve'],
  deleteConsumerGroupOffsets: ['groupId', 'topics'],
  createAcls: ['acl'],
  describeAcls: [
    'resourceType',
    'resourceName',
    'resourcePatternType',
    'principal',
    'host',
    'operation',
    'permissionType'
  ],
  deleteAcls: ['filters'],
  describeUserScramCredentials: ['users'],
  alterUserScramCredentials: ['upsertions', 'deletions'],
  describeClientQuotas: ['entity', 'strict'],
  alterClientQuotas: ['quotas', 'validateOnly'],
  listTransactions: ['states', 'producerIds', 'duration', 'transactionalIdPattern'],
  describeProducers: ['topics'],
  abortTransaction: [
    'topic',
    'partition',
    'startOffset',
    'producerId',
    'producerEpoch',
    'coordinatorEpoch'
  ]
}

/** Lists in those whose entries are objects. kafkajs reads them without a look. @type {Record<string, string[]>} */
const ENTRIES = {
  listOffsets: ['topics'],
  describeLogDirs: ['topics'],
  describeConfigs: ['resources'],
  alterConfigs: ['resources'],
  incrementalAlterConfigs: ['resources'],
  deleteConsumerGroupOffsets: ['topics'],
  createAcls: ['acl'],
  deleteAcls: ['filters'],
  alterUserScramCredentials: ['upsertions', 'deletions'],
  alterClientQuotas: ['quotas'],
  describeProducers: ['topics']
}

const OPTIONAL = [
  'fetchTopicMetadata',
  'describeCluster',
  'describeLogDirs',
  'electLeaders',
  'listGroups',
  'describeUserScramCredentials',
  'describeClientQuotas',
  'listTransactions'
]

/**
 * What looks at the argument of each call. What is odd is warned of once: programs call again and again.
 * @param {import('../..').Logger} logger
 */
const createCheck = logger => {
  const told = new Set()
  /** @param {string} method @param {any} options */
  return (method, options) => {
    const keys = KEYS[method]
    if (keys === undefined || (options === undefined && OPTIONAL.includes(method))) return
    if (typeof options !== 'object' || options === null || Array.isArray(options)) {
      refuse(method, keys, options)
    }
    for (const name of ENTRIES[method] ?? []) checkEntries(name, options[name])
    const place = `admin.${method}()`
    for (const [name, value] of Object.entries(options)) {
      if (value === undefined) continue
      const isKnown = keys.includes(name)
      const text = isKnown ? oddity(place, name, value) : unknownOption(place, name, keys)
      if (text !== null && !told.has(text)) logger.warn(text)
      told.add(text)
    }
  }
}

/** @param {string} name @param {any} list what is none is refused elsewhere */
const checkEntries = (name, list) => {
  if (!Array.isArray(list)) return
  const at = list.findIndex(entry => typeof entry !== 'object' || entry === null)
  if (at < 0) return
  throw new KafkaJSNonRetriableError(
    `Invalid ${name} array, its entries have to be objects, received ${show(list[at])}`
  )
}

/** @param {string} method @param {string[]} keys @param {any} options */
const refuse = (method, keys, options) => {
  const text = `admin.${method}() takes an object, { ${keys.join(', ')} }, received ${show(options)}`
  // kafkajs's is a TypeError, too.
  if (options == null) throw withHelp(new TypeError(text), 'options-and-arguments')
  throw new KafkaJSNonRetriableError(text)
}

module.exports = { createCheck }
