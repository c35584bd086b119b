// @ts-check
'use strict'

/**
 * What the methods of an admin client take: an argument of another shape is refused, an option that nobody knows or whose value makes no
 * sense is warned of.
 */

const { KafkaJSNonRetriableError, explained } = require('../errors')
const { withHelp } = require('../help')
const { oddity } = require('../limits')
const { show } = require('../utils/show')
const { unknownOption } = require('../unknown')
const { createWarnOnce } = require('../utils/warnOnce')

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

/** Those that take nothing in kafkajs: programs have them called with anything, `admin.listTopics().then(admin.listGroups)`. */
const WITHOUT = ['describeCluster', 'listGroups']

/** What kafkajs says of a text, a number or a list, in which it finds no option. @type {Record<string, string>} */
const WORDS = {
  createTopics: 'Invalid topics array undefined',
  deleteTopics: 'Invalid topics array undefined',
  createPartitions: 'Invalid topic partitions array undefined',
  deleteTopicRecords: 'Invalid topic "undefined"',
  alterPartitionReassignments: 'Invalid topics array undefined',
  describeConfigs: 'Invalid resources array undefined',
  alterConfigs: 'Invalid resources array undefined',
  fetchOffsets: 'Invalid groupId undefined',
  setOffsets: 'Invalid groupId undefined',
  resetOffsets: 'Invalid groupId undefined',
  createAcls: 'Invalid ACL array undefined',
  describeAcls: 'Invalid operation type undefined',
  deleteAcls: 'Invalid ACL Filter array undefined'
}

/**
 * What looks at the argument of each call, and says whether it counts. What is odd is warned of once: programs call again and again.
 * @param {import('../..').Logger} logger
 */
const createCheck = logger => {
  const warn = createWarnOnce(logger)
  /** @param {string} method @param {any} options @returns {boolean} */
  return (method, options) => {
    const keys = KEYS[method]
    if (keys === undefined || (options === undefined && OPTIONAL.includes(method))) return true
    if (typeof options !== 'object' || options === null || Array.isArray(options)) {
      if (!WITHOUT.includes(method)) refuse(method, keys, options)
      warn(`${takesObject(method, keys, options)}: it is ignored`)
      return false
    }
    for (const name of ENTRIES[method] ?? []) checkEntries(method, name, options[name])
    const place = `admin.${method}()`
    for (const [name, value] of Object.entries(options)) {
      if (value === undefined) continue
      const isKnown = keys.includes(name)
      const text = isKnown ? oddity(place, name, value) : unknownOption(place, name, keys)
      if (text !== null) warn(text)
    }
    return true
  }
}

/** @param {string} method @param {string} name @param {any} list what is none is refused elsewhere */
const checkEntries = (method, name, list) => {
  if (!Array.isArray(list)) return
  // Of a text or a number kafkajs says which option it does not find in it.
  const isRight = (/** @type {any} */ entry) =>
    (typeof entry === 'object' && entry !== null) || (method in WORDS && Boolean(entry))
  const at = list.findIndex(entry => !isRight(entry))
  if (at < 0) return
  throw new KafkaJSNonRetriableError(
    `Invalid ${name} array, its entries have to be objects, received ${show(list[at])}`
  )
}

/** @param {string} method @param {string[]} keys @param {any} options */
const refuse = (method, keys, options) => {
  const text = takesObject(method, keys, options)
  // kafkajs's is a TypeError, too.
  if (options == null) throw withHelp(new TypeError(text), 'options-and-arguments')
  throw method in WORDS
    ? explained(new KafkaJSNonRetriableError(WORDS[method]), text)
    : new KafkaJSNonRetriableError(text)
}

/** @param {string} method @param {string[]} keys @param {any} options */
const takesObject = (method, keys, options) =>
  `admin.${method}() takes an object, { ${keys.join(', ')} }, received ${show(options)}`

module.exports = { createCheck }
