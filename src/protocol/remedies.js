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
 * @property {number} [transactionTimeout] ms
 * @property {string} [groupProtocol]
 * @property {string | null} [groupRemoteAssignor]
 * @property {string | null} [broker] "host:port"
 * @property {string} [mechanism] of SASL
 */

const needs = (operation, resource, name) =>
  `the user of this client needs the ACL operation ${operation} on ${resource}${name ? ` "${name}"` : ''}`

const fenced = transactionalId =>
  `another producer has begun as transactionalId "${transactionalId}", or a transaction has taken longer than transactionTimeout: this producer can do nothing any more`

/** What was probably meant by a name that is none. @param {string} topic */
const meantByName = topic => {
  if (topic.includes(',')) return '; several topics are a list of names'
  return /[*^$[\]\\]|^\/.*\/[a-z]*$/.test(topic)
    ? '; to subscribe by a pattern, give a RegExp: /^orders-/'
    : ''
}

const POSSIBLE_NAME = /^(?!\.{1,2}$)[\w.-]{1,249}$/

/** @param {Asked} asked */
const tooLarge = ({ topic }) =>
  topic == null
    ? null
    : `max.message.bytes of topic "${topic}" is the limit, for a batch and after compression: send smaller messages, compress them, or raise it`

/** @param {Asked} asked */
const notEnoughReplicas = ({ topic }) =>
  topic == null
    ? null
    : `fewer replicas of topic "${topic}" are in sync than its min.insync.replicas says: are all brokers up?`

/** @param {string} topic @param {number | null} [partition] */
const placeOf = (topic, partition) =>
  partition != null && partition >= 0
    ? `partition ${partition} of topic "${topic}"`
    : `topic "${topic}"`

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
      ? // A topic's WRITE is IDEMPOTENT_WRITE on the cluster, where messages are to be numbered.
        needs(operation === 'WRITE' ? 'IDEMPOTENT_WRITE' : operation, 'the cluster')
      : 'the user of this client needs an ACL on the cluster',
  UNKNOWN_TOPIC_OR_PARTITION: ({ topic, partition, allowAutoTopicCreation, operation }) => {
    if (topic == null) return null
    if (partition != null && partition >= 0) {
      return `topic "${topic}" has no partition ${partition}, or does not exist: fetchTopicMetadata() of an admin client tells which there are`
    }
    if (operation === 'DELETE') return `topic "${topic}" does not exist`
    const remedy = {
      true: '; the brokers do not do it by themselves (auto.create.topics.enable), or cannot at present (no controller, too few brokers)',
      false: ', or set allowAutoTopicCreation'
    }[String(allowAutoTopicCreation)]
    return `topic "${topic}" does not exist: create it${remedy ?? ''}`
  },
  INVALID_TOPIC_EXCEPTION: ({ topic }) => {
    if (topic == null) return null
    if (!POSSIBLE_NAME.test(topic)) {
      return `"${topic}": a name has 1 to 249 of the characters a-z, A-Z, 0-9, ".", "_" and "-", and is not "." or ".."${meantByName(topic)}`
    }
    return topic.startsWith('__')
      ? `"${topic}" is a topic of the brokers' own: nobody else writes to it, or makes it`
      : `"${topic}" is a possible name: is there another topic whose name differs only in "." and "_"?`
  },
  MESSAGE_TOO_LARGE: tooLarge,
  RECORD_LIST_TOO_LARGE: tooLarge,
  NOT_ENOUGH_REPLICAS: notEnoughReplicas,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: notEnoughReplicas,
  KAFKA_STORAGE_ERROR: ({ topic, partition }) =>
    topic == null
      ? null
      : `the disk of the broker that leads ${placeOf(topic, partition)} is full or has failed, which the log of that broker says: make room there, or let another replica lead`,
  INVALID_TIMESTAMP: ({ topic }) =>
    topic == null
      ? null
      : `topic "${topic}" has the limits (message.timestamp.before.max.ms, message.timestamp.after.max.ms); "timestamp" is in milliseconds`,
  INVALID_RECORD: ({ topic }) => (topic == null ? null : `topic "${topic}"`),
  INVALID_TRANSACTION_TIMEOUT: ({ transactionTimeout }) =>
    transactionTimeout === undefined
      ? null
      : `transactionTimeout is ${transactionTimeout} ms; without that setting (transaction.max.timeout.ms) a broker allows up to 900000`,
  INVALID_SESSION_TIMEOUT: ({ sessionTimeout }) =>
    sessionTimeout === undefined
      ? null
      : `sessionTimeout is ${sessionTimeout} ms; without those settings a broker allows 6000 to 1800000`,
  INCONSISTENT_GROUP_PROTOCOL: ({ groupId }) =>
    groupId == null
      ? null
      : `all members of group "${groupId}" need one of partitionAssigners in common: describeGroup() tells what the others have`,
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

const TRUST = 'the broker does not accept the certificate of this client (ssl.cert)'
const DEMANDED = 'the listener demands a certificate of the client: give ssl.cert and ssl.key'
const VERSIONS =
  'broker and client have no version of TLS in common: see minVersion and maxVersion of "ssl"'

/** Why no connection could be made, and what to do, by Node's name of the error. @type {Record<string, string>} */
const UNCONNECTED = {
  ECONNREFUSED: 'nobody listens there: is the port right, and is the broker up?',
  ENOTFOUND: 'there is no such host, as far as the name servers of this machine know',
  EAI_AGAIN: 'the name server does not answer: is this machine online?',
  ETIMEDOUT: 'no answer at all: a firewall or a security group, as a rule',
  EHOSTUNREACH: 'there is no way to that host: VPN, routes, security groups',
  ENETUNREACH: 'there is no way to that network: VPN, routes, security groups',
  ECONNRESET:
    'the other end has hung up: a broker or a proxy that is going down, a listener of the other kind ("ssl"), or one that does not trust the certificate of this client (ssl.cert)',
  ERR_TLS_CERT_ALTNAME_INVALID:
    "the broker's certificate is for other names: connect by one of them, or set ssl.servername",
  CERT_HAS_EXPIRED: 'the broker needs a new certificate, or the clock of this machine is wrong',
  CERT_NOT_YET_VALID: "is the clock of this machine right, and the broker's certificate?",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: DEMANDED,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: `${DEMANDED}; or both have no cipher in common`,
  ERR_SSL_SSL_TLS_ALERT_HANDSHAKE_FAILURE: `${DEMANDED}; or both have no cipher in common`,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: TRUST,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: TRUST,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: TRUST,
  ERR_SSL_SSL_TLS_ALERT_BAD_CERTIFICATE: TRUST,
  ERR_SSL_SSL_TLS_ALERT_CERTIFICATE_UNKNOWN: TRUST,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: VERSIONS,
  ERR_SSL_UNSUPPORTED_PROTOCOL: VERSIONS
}

const TIMEOUT = 'Connection timeout'
const HTTP = 'this is a server of HTTP'

/** Who has a port as a rule, of those who stand beside brokers. @type {Record<string, string>} */
const NEIGHBOURS = {
  2181: 'ZooKeeper',
  8081: 'a schema registry',
  8082: 'a REST proxy',
  8083: 'Kafka Connect'
}

/**
 * Whose port that is, where it is hardly a broker's.
 * @param {string | null | undefined} broker
 * @returns {string | null}
 */
const neighbourAt = broker => {
  const [port] = /\d+$/.exec(broker ?? '') ?? []
  const name = port && NEIGHBOURS[port]
  return name
    ? `port ${port} is that of ${name}, as a rule: brokers have another, often 9092`
    : null
}

/** As Node writes it: an address of IPv6 is in brackets. @param {string} broker */
const written = broker => broker.replace(/^([^[].*:.*):(\d+)$/, '[$1]:$2')

/**
 * What the text of a failed connection goes on with: the broker, where the text does not name it, why, and what to do.
 * @param {{ message: string, broker?: string | null, code?: string | number | null }} failure
 */
const unconnected = ({ message, broker, code }) => {
  // That advice is better.
  if (message.includes('advertised.listeners')) return null
  const late =
    message === TIMEOUT
      ? 'nothing has answered within connectionTimeout, or within authenticationTimeout once there was a connection: a firewall, a broker that is busy or stands still, or a time that is too short for the way'
      : null
  const http = message.includes(HTTP)
    ? 'a schema registry, a proxy or a web page: "brokers" has to have the port of a Kafka listener'
    : null
  const known = late ?? http ?? UNCONNECTED[String(code)]
  const why = [known, neighbourAt(broker)].filter(Boolean).join('; ')
  const name = broker && written(broker)
  const where = name && !message.includes(name) ? `broker ${name}` : null
  return [where, why].filter(Boolean).join(': ')
}

module.exports = { NEEDS_CONSUMER_PROTOCOL, neighbourAt, placeOf, unconnected, withRemedy }
