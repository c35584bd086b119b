'use strict'

const oracle = require('kafkajs/src/errors')
const errors = require('../../src/errors')
const protocol = require('../../src/protocol/error')

const { createErrorFromCode } = protocol

const { fromFailure, unwrap } = errors

const SAMPLES = {
  KafkaJSProtocolError: [{ message: 'm', type: 'T', code: 7, retriable: true, helpUrl: 'u' }],
  KafkaJSOffsetOutOfRange: [
    { message: 'm', type: 'T', code: 1 },
    { topic: 't', partition: 2 }
  ],
  KafkaJSMemberIdRequired: [{ message: 'm', type: 'T', code: 79 }, { memberId: 'x' }],
  KafkaJSCreateTopicError: [{ message: 'm', type: 'T', code: 36 }, 'topic'],
  KafkaJSAlterPartitionReassignmentsError: [{ message: 'm', type: 'T', code: 1 }, 'topic', 3],
  KafkaJSNumberOfRetriesExceeded: [new Error('why'), { retryCount: 5, retryTime: 300 }],
  KafkaJSConnectionError: ['m', { broker: 'b:1', code: 'ECONNREFUSED' }],
  KafkaJSConnectionClosedError: ['m', { host: 'h', port: 9 }],
  KafkaJSRequestTimeoutError: ['m', { broker: 'b', correlationId: 1, createdAt: 2, sentAt: 3 }],
  KafkaJSTopicMetadataNotLoaded: ['m', { topic: 't' }],
  KafkaJSStaleTopicMetadataAssignment: ['m', { topic: 't', unknownPartitions: [1] }],
  KafkaJSDeleteGroupsError: ['m', [{ groupId: 'g' }]],
  KafkaJSServerDoesNotSupportApiKey: ['m', { apiKey: 1, apiName: 'Fetch' }],
  KafkaJSDeleteTopicRecordsError: [{ partitions: [{ error: { retriable: true } }, {}] }],
  KafkaJSAggregateError: ['m', [new Error('a')]]
}

const names = Object.keys(oracle).filter(name => name.startsWith('KafkaJS'))

const chain = Class => {
  const parents = []
  for (let C = Class; C.name; C = Object.getPrototypeOf(C)) parents.push(C.name)
  return parents
}

const fields = error =>
  Object.fromEntries(
    Object.getOwnPropertyNames(error)
      .filter(key => key !== 'stack' && key !== 'helpUrl')
      .map(key => [key, [error[key], Object.getOwnPropertyDescriptor(error, key).enumerable]])
  )

describe('error classes', () => {
  it.each(names)('%s has the fields and the parents of kafkajs', name => {
    const args = SAMPLES[name] ?? ['m', { cause: new Error('why') }]
    const ours = new errors[name](...args)
    const theirs = new oracle[name](...args)
    expect(chain(errors[name])).toEqual(chain(oracle[name]))
    expect(fields(ours)).toEqual(fields(theirs))
    expect(String(ours)).toBe(String(theirs))
    // kafkajs shows an entry of the error code table as an object.
    const [first] = theirs.stack.split('\n')
    expect(ours.stack.split('\n')[0]).toBe(first.replace('[object Object]', ours.message))
  })

  it.each([{ an: 'object' }, 'a text', 7, true, new Error('')])(
    'have the fields of kafkajs, whatever a handler has thrown: %p',
    thrown => {
      const ours = new errors.KafkaJSError(thrown)
      expect(fields(ours)).toEqual(fields(new oracle.KafkaJSError(thrown)))
    }
  )

  it('tells rebalances like kafkajs', () => {
    for (const type of ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']) {
      expect(errors.isRebalancing({ type })).toBe(oracle.isRebalancing({ type }))
    }
  })
})

const failure = given => ({
  failure: 'connection',
  message: 'm',
  retriable: true,
  code: null,
  broker: null,
  topic: null,
  partition: null,
  offset: null,
  apiName: null,
  apiKey: null,
  apiVersion: null,
  correlationId: null,
  createdAt: null,
  sentAt: null,
  pendingDuration: null,
  cause: null,
  ...given
})

describe('what a broker refuses is named behind the text of its code', () => {
  const text = (code, asked, given = {}) => {
    const entry = { failure: 'protocol', code, message: 'kafkajs says', ...given }
    return fromFailure(failure(entry), asked).message
  }

  it.each([
    [29, { topic: 't' }, 'needs the ACL operation READ on topic "t"'],
    [29, { topic: 't', operation: 'WRITE' }, 'needs the ACL operation WRITE on topic "t"'],
    [29, {}, 'needs the ACL operation READ on the topic'],
    [30, { groupId: 'g' }, 'needs the ACL operation READ on group "g"'],
    [53, { transactionalId: 'x' }, 'needs the ACL operation WRITE on transactional id "x"'],
    [31, { operation: 'ALTER' }, 'needs the ACL operation ALTER on the cluster'],
    [31, {}, 'needs an ACL on the cluster'],
    [82, { groupInstanceId: 'i' }, '"i": each member of a group needs one of its own'],
    [112, { groupRemoteAssignor: 'mine' }, 'groupRemoteAssignor is "mine"'],
    [35, { groupProtocol: 'consumer' }, 'groupProtocol "consumer" needs brokers of Kafka 4.0']
  ])('%i of %j', (code, asked, remedy) => {
    const message = text(code, asked)
    expect(message.startsWith('kafkajs says: ')).toBe(true)
    expect(message).toContain(remedy)
  })

  it('and so is what a broker that does not speak KIP-848 lacks', () => {
    const given = { failure: 'unsupported-api', apiKey: 68, message: 'it has 0 to 0' }
    expect(fromFailure(failure(given)).message).toMatch(
      /^it has 0 to 0: groupProtocol "consumer" needs brokers of Kafka 4.0/
    )
    const other = fromFailure(failure({ ...given, apiKey: 11 }))
    expect(other.message).toBe('it has 0 to 0')
  })

  it('by the topic of the failure itself, if it has one', () => {
    expect(text(29, { topic: 'asked' }, { topic: 'refused', partition: 0 })).toContain('"refused"')
  })

  it.each([
    [17, {}],
    [26, {}],
    [82, {}],
    [27, { groupId: 'g' }]
  ])('%i of %j says no more than its code', (code, asked) => {
    expect(text(code, asked)).toBe('kafkajs says')
  })

  it('and is in the message and the stack of an error that it caused', () => {
    const cause = failure({ failure: 'protocol', code: 30, message: 'not authorized' })
    const error = fromFailure(failure({ failure: 'coordinator-not-found', cause }), {
      groupId: 'orders'
    })
    const expected =
      'Failed to find group coordinator of group "orders": not authorized: the user of this client needs the ACL operation READ on group "orders"'
    expect(error.message).toBe(expected)
    expect(error.stack).toContain(expected)
    expect(error.cause).toMatchObject({ type: 'GROUP_AUTHORIZATION_FAILED', code: 30 })
    expect(error.cause.stack).toContain('not authorized')
  })
})

describe('what the engine names is in the message', () => {
  it('the key of a coordinator, before what was asked for', () => {
    const named = { failure: 'coordinator-not-found', transactionalId: 'x' }
    const cause = failure({ failure: 'protocol', code: 53, message: 'refused' })
    const error = fromFailure(failure({ ...named, cause }), { groupId: 'g' })
    const expected =
      'Failed to find transaction coordinator of transactional id "x": refused: the user of this client needs the ACL operation WRITE on transactional id "x"'
    expect(error.message).toBe(expected)
  })

  it('the mechanism and the broker of a refused authentication', () => {
    const refused = { failure: 'authentication', message: 'the token has expired', broker: 'h:1' }
    const { message } = fromFailure(failure(refused), { mechanism: 'custom' })
    expect(message).toBe('the token has expired (SASL custom, broker h:1)')
  })

  it('but nothing twice', () => {
    const message = 'SASL PLAIN authentication failed at h:1'
    const refused = failure({ failure: 'authentication', message, broker: 'h:1' })
    expect(fromFailure(refused, { mechanism: 'plain' }).message).toBe(message)
  })

  it.each([
    [{}, 'topic "t" does not exist: create it'],
    [{ allowAutoTopicCreation: true }, 'create it; the brokers do not do it by themselves'],
    [{ allowAutoTopicCreation: false }, 'create it, or set allowAutoTopicCreation'],
    [{ partition: 7 }, 'topic "t" has no partition 7, or does not exist']
  ])('a topic that does not exist (%j)', (asked, remedy) => {
    const { message } = createErrorFromCode(3, { topic: 't', ...asked })
    expect(message).toContain(`This server does not host this topic-partition: `)
    expect(message).toContain(remedy)
  })
})

describe('fromFailure', () => {
  it.each([
    ['protocol', { code: 27 }, 'KafkaJSProtocolError', { type: 'REBALANCE_IN_PROGRESS', code: 27 }],
    ['protocol', { code: 110 }, 'KafkaJSProtocolError', { type: 'FENCED_MEMBER_EPOCH' }],
    [
      'protocol',
      { code: 29, topic: 't', partition: null },
      'KafkaJSProtocolError',
      { type: 'TOPIC_AUTHORIZATION_FAILED', topic: 't' }
    ],
    ['protocol', { code: 999 }, 'KafkaJSProtocolError', { code: -99, retriable: false }],
    [
      'connection',
      { broker: 'h:1', code: 'ECONNREFUSED' },
      'KafkaJSConnectionError',
      { broker: 'h:1', code: 'ECONNREFUSED', retriable: true }
    ],
    [
      'closed',
      { broker: '::1:9092' },
      'KafkaJSConnectionClosedError',
      { host: '::1', port: 9092, broker: '::1:9092' }
    ],
    [
      'timeout',
      { broker: 'h:1', correlationId: 4, createdAt: 5, sentAt: 7, pendingDuration: 2 },
      'KafkaJSRequestTimeoutError',
      {
        broker: 'h:1',
        correlationId: 4,
        createdAt: 5,
        sentAt: 7,
        pendingDuration: 2,
        retriable: true
      }
    ],
    ['authentication', {}, 'KafkaJSSASLAuthenticationError', { retriable: false }],
    [
      'unsupported-api',
      { apiKey: 68, apiName: 'ConsumerGroupHeartbeat' },
      'KafkaJSServerDoesNotSupportApiKey',
      { apiKey: 68, apiName: 'ConsumerGroupHeartbeat' }
    ],
    ['no-broker', {}, 'KafkaJSNoBrokerAvailableError', { retriable: true }],
    ['coordinator-not-found', {}, 'KafkaJSGroupCoordinatorNotFound', { retriable: false }],
    [
      'offset-out-of-range',
      { topic: 't', partition: 3 },
      'KafkaJSOffsetOutOfRange',
      {
        topic: 't',
        partition: 3,
        type: 'OFFSET_OUT_OF_RANGE',
        retriable: false,
        message: expect.stringContaining('by the server: partition 3 of topic "t"')
      }
    ],
    [
      'corrupt',
      { topic: 't', partition: 3, offset: '9', retriable: false },
      'KafkaJSProtocolError',
      { type: 'CORRUPT_MESSAGE', message: 'm', offset: '9', retriable: false }
    ],
    ['not-implemented', {}, 'KafkaJSNotImplemented', { retriable: false }],
    ['invalid', {}, 'KafkaJSNonRetriableError', { retriable: false }],
    ['closed-client', {}, 'KafkaJSNonRetriableError', { retriable: false }],
    ['bug', {}, 'KafkaJSInvariantViolation', { retriable: false }]
  ])('makes of %s %j a %s', (kind, given, name, expected) => {
    const error = fromFailure(failure({ failure: kind, ...given }))
    expect(error).toBeInstanceOf(errors[name])
    expect(error.name).toBe(name)
    expect(error).toMatchObject(expected)
  })

  it('keeps the chain of causes', () => {
    const error = fromFailure(
      failure({
        failure: 'coordinator-not-found',
        cause: failure({ failure: 'protocol', code: 30 })
      })
    )
    expect(error.cause).toBeInstanceOf(errors.KafkaJSProtocolError)
    expect(error.cause.type).toBe('GROUP_AUTHORIZATION_FAILED')
  })

  it('is thrown by unwrap, which lets answers pass', () => {
    expect(() => unwrap(failure({ failure: 'no-broker' }))).toThrow('No broker available')
    expect(unwrap(null)).toBe(null)
    expect(unwrap([1])).toEqual([1])
  })
})

it('has what programs take from the files of kafkajs', () => {
  expect(Object.keys(errors)).toEqual(expect.arrayContaining(Object.keys(oracle)))
  const theirs = require('kafkajs/src/protocol/error')
  expect(Object.keys(protocol)).toEqual(expect.arrayContaining(Object.keys(theirs)))

  for (const error of [new errors.KafkaJSTimeout('m'), new Error('m'), null]) {
    expect(errors.isKafkaJSError(error)).toBe(error instanceof errors.KafkaJSError)
  }
  for (const code of [3, 5, 6, 35, 0]) {
    const error = protocol.createErrorFromCode(code)
    expect(protocol.staleMetadata(error)).toBe(theirs.staleMetadata(error))
  }
  expect(() => protocol.failIfVersionNotSupported(0)).not.toThrow()
  expect(() => protocol.failIfVersionNotSupported(35)).toThrow(
    expect.objectContaining({ type: 'UNSUPPORTED_VERSION' })
  )
})
