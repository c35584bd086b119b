// @ts-check
'use strict'

/** Where the text of an error goes on: a section of docs/troubleshooting.md. `unit/help.test.js` knows that each is there. */

const { homepage } = /** @type {{ homepage: string }} */ (require('../package.json'))

const PAGE = `${homepage.replace(/#.*$/, '')}/blob/main/docs/troubleshooting.md`

/** Sections, as in the page's links, by the names of classes of errors. @type {Record<string, string>} */
const BY_CLASS = {
  KafkaJSNonRetriableError: 'options-and-arguments',
  KafkaJSConnectionError: 'no-connection',
  KafkaJSConnectionClosedError: 'no-connection',
  KafkaJSNoBrokerAvailableError: 'no-connection',
  KafkaJSBrokerNotFound: 'no-connection',
  KafkaJSRequestTimeoutError: 'requests-time-out',
  KafkaJSTimeout: 'requests-time-out',
  KafkaJSNumberOfRetriesExceeded: 'no-connection',
  KafkaJSSASLAuthenticationError: 'sasl',
  KafkaJSGroupCoordinatorNotFound: 'no-coordinator',
  KafkaJSOffsetOutOfRange: 'offset-out-of-range',
  KafkaJSDeserializationError: 'messages-that-cannot-be-read',
  KafkaJSServerDoesNotSupportApiKey: 'brokers-that-are-too-old',
  KafkaJSDeleteGroupsError: 'administering',
  KafkaJSDeleteTopicRecordsError: 'administering',
  KafkaJSNotImplemented: 'what-there-is-not'
}

/** By the type of a broker's error. @type {Record<string, string>} */
const BY_TYPE = {
  TOPIC_AUTHORIZATION_FAILED: 'not-authorized',
  GROUP_AUTHORIZATION_FAILED: 'not-authorized',
  CLUSTER_AUTHORIZATION_FAILED: 'not-authorized',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'not-authorized',
  UNKNOWN_TOPIC_OR_PARTITION: 'topics',
  INVALID_TOPIC_EXCEPTION: 'topics',
  TOPIC_ALREADY_EXISTS: 'topics',
  INVALID_REPLICATION_FACTOR: 'topics',
  LEADER_NOT_AVAILABLE: 'topics',
  GROUP_COORDINATOR_NOT_AVAILABLE: 'no-coordinator',
  NOT_COORDINATOR_FOR_GROUP: 'no-coordinator',
  INVALID_SESSION_TIMEOUT: 'groups',
  INCONSISTENT_GROUP_PROTOCOL: 'groups',
  FENCED_INSTANCE_ID: 'groups',
  UNKNOWN_MEMBER_ID: 'groups',
  ILLEGAL_GENERATION: 'groups',
  UNSUPPORTED_ASSIGNOR: 'groups',
  GROUP_MAX_SIZE_REACHED: 'groups',
  OFFSET_OUT_OF_RANGE: 'offset-out-of-range',
  CORRUPT_MESSAGE: 'messages-that-cannot-be-read',
  INVALID_TIMESTAMP: 'messages-that-cannot-be-written',
  INVALID_RECORD: 'messages-that-cannot-be-written',
  MESSAGE_TOO_LARGE: 'messages-that-cannot-be-written',
  RECORD_LIST_TOO_LARGE: 'messages-that-cannot-be-written',
  NOT_ENOUGH_REPLICAS: 'messages-that-cannot-be-written',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'messages-that-cannot-be-written',
  INVALID_CONFIG: 'administering',
  INVALID_PARTITIONS: 'administering',
  INVALID_REPLICA_ASSIGNMENT: 'administering',
  INVALID_REQUEST: 'administering',
  POLICY_VIOLATION: 'administering',
  NOT_CONTROLLER: 'administering',
  SECURITY_DISABLED: 'administering',
  NON_EMPTY_GROUP: 'administering',
  GROUP_ID_NOT_FOUND: 'administering',
  GROUP_SUBSCRIBED_TO_TOPIC: 'administering',
  RESOURCE_NOT_FOUND: 'administering',
  DUPLICATE_RESOURCE: 'administering',
  UNACCEPTABLE_CREDENTIAL: 'administering',
  NO_REASSIGNMENT_IN_PROGRESS: 'administering',
  REASSIGNMENT_IN_PROGRESS: 'administering',
  PREFERRED_LEADER_NOT_AVAILABLE: 'administering',
  ELIGIBLE_LEADERS_NOT_AVAILABLE: 'administering',
  TRANSACTIONAL_ID_NOT_FOUND: 'administering',
  REQUEST_TIMED_OUT: 'requests-time-out',
  PRODUCER_FENCED: 'transactions',
  INVALID_PRODUCER_EPOCH: 'transactions',
  INVALID_TXN_STATE: 'transactions',
  INVALID_TRANSACTION_TIMEOUT: 'transactions',
  CONCURRENT_TRANSACTIONS: 'transactions',
  UNSUPPORTED_VERSION: 'brokers-that-are-too-old',
  UNSUPPORTED_SASL_MECHANISM: 'sasl',
  ILLEGAL_SASL_STATE: 'sasl',
  SASL_AUTHENTICATION_FAILED: 'sasl'
}

/**
 * @param {string} section as in the page's links
 * @returns {string}
 */
const helpUrl = section => `${PAGE}#${section}`

/**
 * @param {string} name of the error's class
 * @param {string} [type] of a broker's error
 * @returns {string | undefined}
 */
const helpFor = (name, type) => {
  const section = (type === undefined ? undefined : BY_TYPE[type]) ?? BY_CLASS[name]
  return section === undefined ? undefined : helpUrl(section)
}

/**
 * @template {Error} E
 * @param {E} error that is none of ours, a TypeError for instance
 * @param {string} section
 * @returns {E & { helpUrl: string }}
 */
const withHelp = (error, section) => Object.assign(error, { helpUrl: helpUrl(section) })

module.exports = { BY_CLASS, BY_TYPE, helpFor, helpUrl, withHelp }
