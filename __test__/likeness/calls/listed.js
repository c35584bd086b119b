// @ts-check
'use strict'

/** How programs see what DIFFERENCES.md lists. */

/** @typedef {import('./world').Outcome} Outcome */
/** @typedef {{ step: import('./programs').Step, kafkajs: Outcome, kafkars: Outcome }} Seen */

const isNative = (/** @type {Outcome} */ { error }) =>
  ['TypeError', 'RangeError', 'SyntaxError'].includes(error?.name)

/** What kafkajs makes of values that it has no bytes for. */
const isDamage = (/** @type {Outcome} */ outcome) =>
  isNative(outcome) ||
  outcome.error?.type === 'INVALID_RECORD' ||
  /^empty string$|instance of Encoder/.test(outcome.error?.message)

const isLost = (/** @type {any} */ error) => error?.name === 'KafkaJSBrokerNotFound'

/** Of groups, without the names that are one library's own. @param {Outcome} outcome */
const idsOf = ({ value }) =>
  value.fields.groups
    .map((/** @type {any} */ group) => `${group.groupId} ${group.errorCode}`)
    .sort()
    .join()

/** @param {RegExp} text of the error @returns {(seen: Seen) => boolean} */
const refused =
  text =>
  ({ kafkars: { error } }) =>
    text.test(error?.message)

/** By name, before anything is sent. */
const isRefused = (/** @type {Outcome} */ { error }) =>
  error.name === 'KafkaJSNonRetriableError' && /^Invalid /.test(error.message)

/** Rows of DIFFERENCES.md. @type {[string, (seen: Seen) => boolean][]} */
const LISTED = [
  [
    "numbers, objects and other values go out damaged, or are a TypeError of Node's",
    refused(
      /^Invalid (value|key|header|headers|timestamp|partition) of message |^Invalid message without value |^Invalid messages array /
    )
  ],
  [
    "numbers, objects and other values go out damaged, or are a TypeError of Node's",
    ({ kafkajs, kafkars }) => kafkars.how === 'resolved' && isDamage(kafkajs)
  ],
  ['`acks: 2` and the like, an unknown codec', refused(/^Invalid (acks|compression) /)],
  [
    'snappy, lz4, zstd need plugins to be written',
    ({ kafkajs }) => / compression not implemented$/.test(kafkajs.error?.message)
  ],
  [
    'a message for a partition that does not exist is dropped, and `send` resolves',
    refused(/ has no partition \d+, or does not exist/)
  ],
  [
    "an option that should be a number and is none (`'5 s'`) is taken",
    refused(
      /^Invalid (timeout|timestamp|offset|partition|numPartitions|replicationFactor|count|replica)\b/
    )
  ],
  [
    'a value that is no offset or no partition counts as 0, or as another number, or is a SyntaxError',
    refused(/^Invalid (offset|partition) .* in transaction\.sendOffsets\(\)/)
  ],
  [
    "a text, a number or a list in the place of an object counts as one without options: `admin.fetchTopicMetadata('orders')` tells of all topics",
    refused(/ takes an object, /)
  ],
  [
    'an error of a mistake (an ACL that is missing, a broker without a port, an option by another name) says neither what nor which, or comes after the retries',
    ({ kafkajs, kafkars }) =>
      kafkajs.how === 'rejected' &&
      kafkars.how === 'rejected' &&
      (isDamage(kafkajs) || isRefused(kafkars))
  ],
  [
    'an error of a mistake (an ACL that is missing, a broker without a port, an option by another name) says neither what nor which, or comes after the retries',
    refused(/^(Invalid resource configNames|Broker .* not found in the cached metadata)/)
  ],
  [
    '`describeGroups` and `deleteGroups` answer in any order',
    ({ kafkajs, kafkars }) =>
      [kafkajs, kafkars].every(({ error }) => error?.name === 'KafkaJSDeleteGroupsError') &&
      idsOf(kafkajs) === idsOf(kafkars)
  ],
  [
    '`deleteTopics` of a topic that does not exist tries for ten seconds',
    ({ step, kafkars }) =>
      step.method === 'deleteTopics' && kafkars.error?.type === 'UNKNOWN_TOPIC_OR_PARTITION'
  ],
  [
    '`deleteTopicRecords` rejects on a client that has not met the topic',
    ({ step, kafkajs: { error } }) =>
      step.method === 'deleteTopicRecords' &&
      (error?.name === 'KafkaJSTopicMetadataNotLoaded' ||
        error?.partitions?.some((/** @type {any} */ entry) => isLost(entry.error)))
  ],
  [
    'only a moved controller is tried again, and not by `createTopics`; a lost connection or a moved leader rejects',
    ({ kafkajs }) => kafkajs.error?.type === 'NOT_LEADER_FOR_PARTITION'
  ],
  [
    '`createTopics` with a `replicaAssignment` rejects where `numPartitions` or `replicationFactor` is beside it',
    ({ step }) => step.method === 'createTopics' && step.text.includes('replicaAssignment')
  ],
  [
    '`createTopics({ validateOnly: true })` waits for leaders of topics that it has not made, and rejects',
    ({ step, kafkajs }) =>
      step.method === 'createTopics' &&
      step.text.includes('validateOnly') &&
      kafkajs.error?.type === 'UNKNOWN_TOPIC_OR_PARTITION'
  ],
  [
    'a transaction right behind another one rejects now and then (`CONCURRENT_TRANSACTIONS`), because the brokers are not done with that',
    ({ kafkajs }) => kafkajs.error?.type === 'CONCURRENT_TRANSACTIONS'
  ],
  [
    'a `send` that fails in a transaction leaves it open, and `commit()` commits the rest',
    ({ kafkars }) => /can only be aborted/.test(kafkars.error?.message)
  ],
  [
    'a listener that throws breaks the consumer, and makes `connect()` of a producer reject',
    ({ step, kafkajs }) => ['connect', 'disconnect'].includes(step.method) && isNative(kafkajs)
  ]
]

/**
 * It was sent twice, as the broker took its time: that says of the second one when it had the first, and of no other, as the topics have the
 * producers' timestamps.
 * @param {any} value
 */
const isRepeated = value =>
  Array.isArray(value) && value.some(row => Number(row?.logAppendTime) >= 0)

/** Requests that failed by the connection, or were never answered: what comes behind them fails with kafkajs, too. */
const isBroken = (/** @type {Outcome} */ { how, error, value }) =>
  how === 'hangs' ||
  isRepeated(value) ||
  /^Closed connection$|write after end|ECONNRESET|timed out$|instance of Encoder|socket has been ended/.test(
    error?.message
  )

/**
 * Of several topics kafkars writes to those that nothing is wrong with. What kafkajs has no bytes for it writes nevertheless, so that no reader
 * can read it, and where it is compressed the broker takes it.
 * @param {Seen} seen
 */
const mayHaveWrittenMore = ({ step, kafkajs, kafkars }) =>
  (step.method === 'sendBatch' && kafkars.how === 'rejected') ||
  (/new (Uint|ArrayBuffer)/.test(step.text) && kafkajs.how === 'resolved')

/** @param {Seen} seen */
const isListed = seen => LISTED.some(([, is]) => is(seen))

module.exports = { LISTED, isBroken, isListed, mayHaveWrittenMore }
