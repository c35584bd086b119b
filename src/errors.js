// @ts-check
'use strict'

/**
 * The error classes users catch, with the names, fields and prototype chains of kafkajs, and `fromFailure`: the one
 * place where a failure of the engine (data) becomes one of them.
 *
 * `retriable` decides what happens after a failure: an error that is not retriable is not retried, and a consumer that
 * crashed on it does not restart by itself.
 */

const { helpFor } = require('./help')
const { describe } = require('./protocol/errorCodes')
const { NEEDS_CONSUMER_PROTOCOL, placeOf, unconnected, withRemedy } = require('./protocol/remedies')
const { bugs } = /** @type {{ bugs?: { url: string } }} */ (require('../package.json'))

/** Every error of this package except the two marked below; `retriable` unless told otherwise. */
class KafkaJSError extends Error {
  /**
   * @param {any} e an Error, an entry of the error code table, or a text
   * @param {{ retriable?: boolean, cause?: any }} [options]
   */
  constructor(e, { retriable = true, cause } = {}) {
    // An entry of the error code table would be "[object Object]" in the stack.
    super(typeof e === 'object' && !(e instanceof Error) ? (e.message ?? '') : e, { cause })
    Error.captureStackTrace(this, this.constructor)
    this.message = e.message || e
    this.name = 'KafkaJSError'
    /** @type {boolean} */
    this.retriable = retriable
    /** @type {string | undefined} */
    this.helpUrl = e.helpUrl ?? helpFor(new.target.name, e.type)
    this.cause = cause
  }
}

/** Trying again cannot help. */
class KafkaJSNonRetriableError extends KafkaJSError {
  /**
   * @param {any} e
   * @param {{ cause?: any }} [options]
   */
  constructor(e, { cause } = {}) {
    super(e, { retriable: false, cause })
    this.name = 'KafkaJSNonRetriableError'
    sayAlso(this, e)
  }
}

/** A broker answered with an error code: `type` is its name, `code` its number. */
class KafkaJSProtocolError extends KafkaJSError {
  /**
   * @param {any} e
   * @param {{ retriable?: boolean }} [options]
   */
  constructor(e, { retriable = e.retriable } = {}) {
    super(e, { retriable })
    /** @type {string} */
    this.type = e.type
    /** @type {number} */
    this.code = e.code
    this.name = 'KafkaJSProtocolError'
  }
}

/** The position is outside of the log, and `autoOffsetReset: 'none'` forbids to move it. */
class KafkaJSOffsetOutOfRange extends KafkaJSProtocolError {
  /**
   * @param {any} e
   * @param {{ topic?: string | null, partition?: number | null }} where
   */
  constructor(e, { topic, partition }) {
    super(e)
    this.topic = topic
    this.partition = partition
    this.name = 'KafkaJSOffsetOutOfRange'
  }
}

/** A key or a value that its deserializer could not read. */
class KafkaJSDeserializationError extends KafkaJSError {
  /**
   * @param {any} cause what the deserializer has thrown
   * @param {{ topic: string, partition: number, offset: string, part: 'key' | 'value', data: Buffer }} where
   */
  constructor(cause, { topic, partition, offset, part, data }) {
    super(
      `The ${part} of the message at offset ${offset} of partition ${partition} of topic "${topic}" cannot be read: ${cause?.message ?? cause}`,
      { retriable: cause?.retriable !== false, cause }
    )
    this.topic = topic
    this.partition = partition
    this.offset = offset
    this.part = part
    /** The bytes. */
    this.data = data
    this.name = 'KafkaJSDeserializationError'
  }
}

class KafkaJSMemberIdRequired extends KafkaJSProtocolError {
  constructor(e, { memberId }) {
    super(e)
    this.memberId = memberId
    this.name = 'KafkaJSMemberIdRequired'
  }
}

class KafkaJSCreateTopicError extends KafkaJSProtocolError {
  constructor(e, topicName) {
    super(e)
    this.topic = topicName
    this.name = 'KafkaJSCreateTopicError'
    sayAlso(this, e)
  }
}

class KafkaJSAlterPartitionReassignmentsError extends KafkaJSProtocolError {
  constructor(e, topicName, partition) {
    super(e)
    this.topic = topicName
    this.partition = partition
    this.name = 'KafkaJSAlterPartitionReassignmentsError'
    sayAlso(this, e)
  }
}

/** The last of `retryCount` retries failed too; `cause` is why. */
class KafkaJSNumberOfRetriesExceeded extends KafkaJSNonRetriableError {
  /**
   * @param {any} e
   * @param {{ retryCount: number, retryTime: number }} retries `retryTime` in ms
   */
  constructor(e, { retryCount, retryTime }) {
    super(e, { cause: e })
    this.stack = `${this.name}\n  Caused by: ${e.stack}`
    this.retryCount = retryCount
    this.retryTime = retryTime
    this.name = 'KafkaJSNumberOfRetriesExceeded'
  }
}

/** A connection could not be made, or broke. */
class KafkaJSConnectionError extends KafkaJSError {
  /**
   * @param {any} e
   * @param {{ broker?: string | null, code?: string | number | null }} [options]
   */
  constructor(e, { broker, code } = {}) {
    super(e)
    this.broker = broker
    this.code = code
    this.name = 'KafkaJSConnectionError'
  }
}

/** The broker closed the connection. */
class KafkaJSConnectionClosedError extends KafkaJSConnectionError {
  /**
   * @param {any} e
   * @param {{ host?: string, port?: number }} [options]
   */
  constructor(e, { host, port } = {}) {
    super(e, { broker: `${host}:${port}` })
    this.host = host
    this.port = port
    this.name = 'KafkaJSConnectionClosedError'
  }
}

/** No answer within `requestTimeout`. */
class KafkaJSRequestTimeoutError extends KafkaJSError {
  /**
   * @param {any} e
   * @param {{ broker?: string | null, correlationId?: number | null, createdAt?: number, sentAt?: number, pendingDuration?: number }} [options]
   */
  constructor(e, { broker, correlationId, createdAt, sentAt, pendingDuration } = {}) {
    super(e)
    this.broker = broker
    this.correlationId = correlationId
    this.createdAt = createdAt
    this.sentAt = sentAt
    this.pendingDuration = pendingDuration
    this.name = 'KafkaJSRequestTimeoutError'
  }
}

class KafkaJSMetadataNotLoaded extends KafkaJSError {
  constructor(...args) {
    super(.../** @type {[any]} */ (args))
    this.name = 'KafkaJSMetadataNotLoaded'
  }
}

class KafkaJSTopicMetadataNotLoaded extends KafkaJSMetadataNotLoaded {
  /**
   * @param {any} e
   * @param {{ topic?: string }} [options]
   */
  constructor(e, { topic } = {}) {
    super(e)
    this.topic = topic
    this.name = 'KafkaJSTopicMetadataNotLoaded'
  }
}

class KafkaJSStaleTopicMetadataAssignment extends KafkaJSError {
  /**
   * @param {any} e
   * @param {{ topic?: string, unknownPartitions?: any }} [options]
   */
  constructor(e, { topic, unknownPartitions } = {}) {
    super(e)
    this.topic = topic
    this.unknownPartitions = unknownPartitions
    this.name = 'KafkaJSStaleTopicMetadataAssignment'
  }
}

class KafkaJSDeleteGroupsError extends KafkaJSError {
  /**
   * @param {any} e
   * @param {any[]} [groups]
   */
  constructor(e, groups = []) {
    super(e)
    this.groups = groups
    this.name = 'KafkaJSDeleteGroupsError'
  }
}

/** Retriable if every partition's error is. */
class KafkaJSDeleteTopicRecordsError extends KafkaJSError {
  constructor({ partitions }) {
    const errors = partitions.map(({ error }) => error).filter(error => error != null)
    super('Error while deleting records', {
      retriable: errors.every(error => error.retriable === true)
    })
    this.name = 'KafkaJSDeleteTopicRecordsError'
    this.partitions = partitions
    withFirst(this, errors)
  }
}

/** The broker is too old for (or does not know) an API that is needed. */
class KafkaJSServerDoesNotSupportApiKey extends KafkaJSNonRetriableError {
  /**
   * @param {any} e
   * @param {{ apiKey?: number | null, apiName?: string | null }} [options]
   */
  constructor(e, { apiKey, apiName } = {}) {
    super(e)
    this.apiKey = apiKey
    this.apiName = apiName
    this.name = 'KafkaJSServerDoesNotSupportApiKey'
  }
}

/** A bug of this package. */
class KafkaJSInvariantViolation extends KafkaJSNonRetriableError {
  constructor(e) {
    const message = e.message || e
    super(`Invariant violated: ${message}. This is likely a bug and should be reported.`)
    this.name = 'KafkaJSInvariantViolation'
    if (bugs) {
      const title = encodeURIComponent(`Invariant violation: ${message}`)
      this.helpUrl = `${bugs.url}/new?assignees=&labels=bug&template=bug_report.md&title=${title}`
    }
  }
}

class KafkaJSNoBrokerAvailableError extends KafkaJSError {
  constructor() {
    super('No broker available')
    this.name = 'KafkaJSNoBrokerAvailableError'
  }
}

/**
 * What people see of an error, its stack, goes on with this. Programs, and the specs of other clients, compare `message`: it stays kafkajs's.
 * @template {any} E
 * @param {E} error
 * @param {string | null | undefined} more
 * @returns {E}
 */
const explained = (error, more) => {
  if (!more) return error
  const { name, message, stack } = /** @type {Error} */ (error)
  const at = stack?.indexOf(FRAMES) ?? -1
  return Object.assign(/** @type {any} */ (error), {
    stack: `${name}: ${message}: ${more}${stack === undefined || at < 0 ? '' : stack.slice(at)}`
  })
}

/** What `explained` has made of it: the message, and what it goes on with. @param {any} error @returns {string} */
const wordsOf = ({ name, message, stack }) => {
  const [head] = String(stack).split(FRAMES, 1)
  return head.startsWith(`${name}: ${message}`) ? head.slice(name.length + 2) : message
}

/** What it goes on with alone. @param {any} error @returns {string} nothing: it does not */
const moreOf = error => wordsOf(error).slice(error.message.length + 2)

/** Of an error that says the same as another: what people see of it goes on as there. @param {Error} error @param {any} same */
const sayAlso = (error, same) => {
  if (same instanceof Error) explained(error, moreOf(same))
}

/** Where the frames of a stack begin. */
const FRAMES = '\n    at '

/**
 * An error that stands for several goes on with the first, and leads where that leads.
 * @template {any} E
 * @param {E} error
 * @param {any[]} errors
 * @returns {E}
 */
const withFirst = (error, [first, ...rest]) => {
  if (!first?.message) return error
  const others = rest.length > 0 ? ` (and ${rest.length} more, see "errors")` : ''
  const told = explained(error, `${wordsOf(first)}${others}`)
  return first.helpUrl === undefined
    ? told
    : Object.assign(/** @type {any} */ (told), { helpUrl: first.helpUrl })
}

/** Several errors at once. Not a KafkaJSError. */
class KafkaJSAggregateError extends Error {
  /**
   * @param {any} message
   * @param {(Error | string)[]} errors
   */
  constructor(message, errors) {
    super(message)
    this.errors = errors
    this.name = 'KafkaJSAggregateError'
  }
}

/** Not a KafkaJSError, and named `Error`. */
class KafkaJSFetcherRebalanceError extends Error {}

// The rest differ by name alone.

class KafkaJSBrokerNotFound extends KafkaJSError {
  constructor(...args) {
    super(.../** @type {[any]} */ (args))
    this.name = 'KafkaJSBrokerNotFound'
  }
}

class KafkaJSPartialMessageError extends KafkaJSNonRetriableError {
  constructor(...args) {
    super(.../** @type {[any]} */ (args))
    this.name = 'KafkaJSPartialMessageError'
  }
}

class KafkaJSSASLAuthenticationError extends KafkaJSNonRetriableError {
  constructor(...args) {
    super(.../** @type {[any]} */ (args))
    this.name = 'KafkaJSSASLAuthenticationError'
  }
}

class KafkaJSGroupCoordinatorNotFound extends KafkaJSNonRetriableError {
  constructor(...args) {
    super(.../** @type {[any]} */ (args))
    this.name = 'KafkaJSGroupCoordinatorNotFound'
  }
}

class KafkaJSNotImplemented extends KafkaJSNonRetriableError {
  constructor(...args) {
    super(.../** @type {[any]} */ (args))
    this.name = 'KafkaJSNotImplemented'
  }
}

class KafkaJSTimeout extends KafkaJSNonRetriableError {
  constructor(...args) {
    super(.../** @type {[any]} */ (args))
    this.name = 'KafkaJSTimeout'
  }
}

class KafkaJSLockTimeout extends KafkaJSTimeout {
  constructor(...args) {
    super(...args)
    this.name = 'KafkaJSLockTimeout'
  }
}

class KafkaJSUnsupportedMagicByteInMessageSet extends KafkaJSNonRetriableError {
  constructor(...args) {
    super(.../** @type {[any]} */ (args))
    this.name = 'KafkaJSUnsupportedMagicByteInMessageSet'
  }
}

// These two keep the name of their parent: programs that switch on `error.name` expect it.
class KafkaJSInvalidVarIntError extends KafkaJSNonRetriableError {}
class KafkaJSInvalidLongError extends KafkaJSNonRetriableError {}

/** @typedef {import('./native').NativeFailure} NativeFailure */
/** @typedef {import('./protocol/remedies').Asked} Asked */

/**
 * @param {Asked} asked whose coordinator
 * @param {any} cause why there is none
 */
const coordinatorNotFound = ({ groupId, transactionalId }, cause) => {
  const what = transactionalId ? 'transaction coordinator' : 'group coordinator'
  const whose = transactionalId ? ` of transactional id "${transactionalId}"` : ''
  const group = groupId && !transactionalId ? ` of group "${groupId}"` : ''
  const reason = cause ? `: ${cause.message}` : ''
  return new KafkaJSGroupCoordinatorNotFound(`Failed to find ${what}${whose}${group}${reason}`, {
    cause
  })
}

/** "host:port", IPv6 hosts included. */
const splitBroker = broker => {
  const colon = broker?.lastIndexOf(':') ?? -1
  return colon < 0
    ? { host: broker ?? undefined }
    : { host: broker.slice(0, colon), port: Number(broker.slice(colon + 1)) }
}

/** The API of KIP-848. */
const CONSUMER_GROUP_HEARTBEAT = 68

/** @type {Record<NativeFailure['failure'], (failure: NativeFailure, asked: Asked, cause: any) => KafkaJSError>} */
const CLASSES = {
  protocol: ({ code, message, topic, partition }, asked) => {
    const entry = describe(Number(code))
    const where = topic === null ? {} : { topic, partition }
    // A broker may say more about a refused authentication than the code does.
    const text = withRemedy(entry.type, message, { ...asked, ...where })
    return Object.assign(new KafkaJSProtocolError({ ...entry, message: text }), where)
  },
  connection: ({ message, broker, code }) =>
    explained(
      new KafkaJSConnectionError(message, { broker: broker ?? undefined, code: code ?? undefined }),
      unconnected({ message, broker, code })
    ),
  closed: ({ message, broker, retriable }) =>
    Object.assign(new KafkaJSConnectionClosedError(message, splitBroker(broker)), { retriable }),
  timeout: failure =>
    explained(
      new KafkaJSRequestTimeoutError(failure.message, /** @type {any} */ (failure)),
      `broker ${failure.broker} has not answered within requestTimeout: it is overloaded, or the network drops packets`
    ),
  authentication: ({ message, broker }, { mechanism }) => {
    // A provider of the program's says what it likes.
    const unnamed = mechanism && !message.includes('SASL') ? [`SASL ${mechanism}`] : []
    if (broker && !message.includes(broker)) unnamed.push(`broker ${broker}`)
    const where = unnamed.length > 0 ? ` (${unnamed.join(', ')})` : ''
    return new KafkaJSSASLAuthenticationError(`${message}${where}`)
  },
  'unsupported-api': failure => {
    const { apiKey, message } = failure
    const text =
      apiKey === CONSUMER_GROUP_HEARTBEAT ? `${message}: ${NEEDS_CONSUMER_PROTOCOL}` : message
    return new KafkaJSServerDoesNotSupportApiKey(text, failure)
  },
  'no-broker': () => new KafkaJSNoBrokerAvailableError(),
  'unknown-broker': ({ message }) => new KafkaJSBrokerNotFound(message, { retriable: false }),
  'coordinator-not-found': (_, asked, cause) => coordinatorNotFound(asked, cause),
  'offset-out-of-range': failure => {
    const entry = describe(1)
    const why =
      'what was to be read next is deleted or truncated, and autoOffsetReset "none" says that nobody goes on elsewhere'
    const message = `${entry.message}: ${placeOf(/** @type {string} */ (failure.topic), failure.partition)}: ${why}`
    return new KafkaJSOffsetOutOfRange({ ...entry, message }, failure)
  },
  corrupt: ({ message, retriable, topic, partition, offset }) => {
    const entry = { ...describe(2), message }
    return Object.assign(new KafkaJSProtocolError(entry, { retriable }), {
      topic,
      partition,
      offset
    })
  },
  'not-implemented': ({ message }) => new KafkaJSNotImplemented(message),
  invalid: ({ message }) => new KafkaJSNonRetriableError(message),
  callback: ({ message }) => new KafkaJSNonRetriableError(message),
  aborted: ({ message }) => new KafkaJSNonRetriableError(message),
  expired: ({ message }) => Object.assign(new KafkaJSTimeout(message), { retriable: false }),
  'closed-client': ({ message }) => new KafkaJSNonRetriableError(message),
  bug: ({ message }) => new KafkaJSInvariantViolation(message)
}

/**
 * The error that users see for a failure of the engine.
 * @param {NativeFailure} failure
 * @param {Asked} [asked] what has failed: the message names it
 * @returns {KafkaJSError}
 */
const fromFailure = (failure, asked = {}) => {
  const { groupId, transactionalId } = failure
  const named = {
    ...asked,
    ...(groupId != null && { groupId }),
    ...(transactionalId != null && { transactionalId })
  }
  const cause = failure.cause ? fromFailure(failure.cause, named) : undefined
  const error = CLASSES[failure.failure](failure, named, cause)
  if (cause) error.cause = cause
  return error
}

/**
 * Is this answer of the engine a failure? Every call of the engine answers with data, never with a rejection.
 * @param {any} answer
 * @returns {answer is NativeFailure}
 */
const isFailure = answer => answer !== null && typeof answer === 'object' && 'failure' in answer

/**
 * The answer, or the failure thrown as the error that users see.
 * @template T
 * @param {T} answer
 * @param {Asked} [asked]
 * @returns {Exclude<T, NativeFailure>}
 */
const unwrap = (answer, asked) => {
  if (isFailure(answer)) throw fromFailure(answer, asked)
  return /** @type {any} */ (answer)
}

/** Errors that end a generation, not a consumer. */
const isRebalancing = e =>
  e.type === 'REBALANCE_IN_PROGRESS' ||
  e.type === 'NOT_COORDINATOR_FOR_GROUP' ||
  e.type === 'ILLEGAL_GENERATION'

/** What `require('kafkars')` offers of this file. */
const classes = {
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSPartialMessageError,
  KafkaJSBrokerNotFound,
  KafkaJSProtocolError,
  KafkaJSConnectionError,
  KafkaJSConnectionClosedError,
  KafkaJSRequestTimeoutError,
  KafkaJSSASLAuthenticationError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSOffsetOutOfRange,
  KafkaJSMemberIdRequired,
  KafkaJSGroupCoordinatorNotFound,
  KafkaJSNotImplemented,
  KafkaJSMetadataNotLoaded,
  KafkaJSTopicMetadataNotLoaded,
  KafkaJSStaleTopicMetadataAssignment,
  KafkaJSDeleteGroupsError,
  KafkaJSTimeout,
  KafkaJSLockTimeout,
  KafkaJSServerDoesNotSupportApiKey,
  KafkaJSUnsupportedMagicByteInMessageSet,
  KafkaJSDeleteTopicRecordsError,
  KafkaJSInvariantViolation,
  KafkaJSInvalidVarIntError,
  KafkaJSInvalidLongError,
  KafkaJSCreateTopicError,
  KafkaJSDeserializationError,
  KafkaJSAggregateError,
  KafkaJSFetcherRebalanceError,
  KafkaJSNoBrokerAvailableError,
  KafkaJSAlterPartitionReassignmentsError
}

/** @param {any} error */
const isKafkaJSError = error => error instanceof classes.KafkaJSError

module.exports = {
  ...classes,
  classes,
  coordinatorNotFound,
  fromFailure,
  isFailure,
  moreOf,
  isKafkaJSError,
  isRebalancing,
  explained,
  unwrap,
  withFirst,
  wordsOf
}
