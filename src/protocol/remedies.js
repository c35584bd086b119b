// @ts-check
'use strict'

/**
 * What a broker's refusal is about, and what to do: said behind the text of its error code, as far as the caller knows what was
 * asked for.
 */

/**
 * @typedef {object} Asked what is known of the request that was refused
 * @property {string | null} [topic]
 * @property {number | null} [partition] none: the whole topic
 * @property {boolean} [allowAutoTopicCreation]
 * @property {string | null} [groupId]
 * @property {string | null} [groupInstanceId]
 * @property {string | null} [transactionalId]
 * @property {string} [operation] of an ACL, if it is not the usual one
 * @property {number} [sessionTimeout] ms
 * @property {string} [groupProtocol]
 * @property {string | null} [groupRemoteAssignor]
 * @property {string | null} [broker] "host:port"
 * @property {string} [mechanism] of SASL
 */

const needs = (operation, resource, name) =>
  `the user of this client needs the ACL operation ${operation} on ${resource}${name ? ` "${name}"` : ''}`

const fenced = transactionalId =>
  `another producer has begun as transactionalId "${transactionalId}", or a transaction has taken longer than transactionTimeout: this producer can do nothing any more`

const NEEDS_CONSUMER_PROTOCOL =
  'groupProtocol "consumer" needs brokers of Kafka 4.0 or later whose feature group.version is 1; "classic" goes with each, and "auto" finds out'

/** By the type of the error. @type {Record<string, (asked: Asked) => string | null>} */
const REMEDIES = {
  TOPIC_AUTHORIZATION_FAILED: ({ topic, operation = 'READ' }) =>
    needs(operation, topic ? 'topic' : 'the topic', topic),
  GROUP_AUTHORIZATION_FAILED: ({ groupId, operation = 'READ' }) =>
    needs(operation, groupId ? 'group' : 'the group', groupId),
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: ({ transactionalId, operation = 'WRITE' }) =>
    needs(
      operation,
      transactionalId ? 'transactional id' : 'the transactional id',
      transactionalId
    ),
  CLUSTER_AUTHORIZATION_FAILED: ({ operation }) =>
    operation
      ? needs(operation, 'the cluster')
      : 'the user of this client needs an ACL on the cluster',
  UNKNOWN_TOPIC_OR_PARTITION: ({ topic, partition, allowAutoTopicCreation, operation }) => {
    if (topic == null) return null
    if (partition != null && partition >= 0) {
      return `topic "${topic}" has no partition ${partition}, or does not exist`
    }
    if (operation === 'DELETE') return `topic "${topic}" does not exist`
    const remedy = {
      true: '; the brokers do not do it by themselves (auto.create.topics.enable)',
      false: ', or set allowAutoTopicCreation'
    }[String(allowAutoTopicCreation)]
    return `topic "${topic}" does not exist: create it${remedy ?? ''}`
  },
  INVALID_TOPIC_EXCEPTION: ({ topic }) =>
    topic == null
      ? null
      : `"${topic}": a name has 1 to 249 of the characters a-z, A-Z, 0-9, ".", "_" and "-", and is not "." or ".."`,
  INVALID_SESSION_TIMEOUT: ({ sessionTimeout }) =>
    sessionTimeout === undefined
      ? null
      : `sessionTimeout is ${sessionTimeout} ms; without those settings a broker allows 6000 to 1800000`,
  FENCED_INSTANCE_ID: ({ groupId, groupInstanceId }) =>
    groupInstanceId == null
      ? null
      : `another member of ${groupId ? `group "${groupId}"` : 'the group'} has come as groupInstanceId "${groupInstanceId}": each member of a group needs one of its own`,
  PRODUCER_FENCED: ({ transactionalId }) =>
    transactionalId == null ? null : fenced(transactionalId),
  INVALID_PRODUCER_EPOCH: ({ transactionalId }) =>
    transactionalId == null ? null : fenced(transactionalId),
  INVALID_TXN_STATE: ({ transactionalId }) =>
    transactionalId == null
      ? null
      : `the coordinator has aborted the transaction of "${transactionalId}" already: it took longer than transactionTimeout`,
  UNSUPPORTED_ASSIGNOR: ({ groupRemoteAssignor }) =>
    groupRemoteAssignor == null ? null : `groupRemoteAssignor is "${groupRemoteAssignor}"`,
  UNSUPPORTED_VERSION: ({ groupProtocol }) =>
    groupProtocol === 'consumer' ? NEEDS_CONSUMER_PROTOCOL : null,
  ILLEGAL_SASL_STATE: ({ broker }) =>
    `${broker ?? 'this'} is a listener without SASL: leave out "sasl", or connect to a listener with it`
}

/**
 * @param {string} type of the error
 * @param {string} message of the error code, or the broker's own
 * @param {Asked} asked
 * @returns {string}
 */
const withRemedy = (type, message, asked) => {
  const remedy = REMEDIES[type]?.(asked)
  return remedy ? `${message}: ${remedy}` : message
}

module.exports = { NEEDS_CONSUMER_PROTOCOL, withRemedy }
