// @ts-check
'use strict'

/** What handlers may throw, and what the way from there to CRASH looks like. */

const { committed } = require('../kafka/helpers')
const support = require('./support')

const { createKafka, defer, filled, numbers, pause, startConsumer, upTo, waitFor } = support

/** Three calls before a crash, and no restart. */
const retry = {
  initialRetryTime: 10,
  factor: 0,
  multiplier: 1,
  retries: 2,
  restartOnFailure: async () => false
}

/**
 * A consumer whose handler throws `thrown` at offset 1 of 3.
 * @param {any} thrown
 * @param {{ sync?: boolean, byBatch?: boolean, beside?: boolean }} [options] `beside`: messages are handled beside each other
 */
const failWith = async (thrown, { sync = false, byBatch = false, beside = false } = {}) => {
  const topic = await filled(3)
  const lines = /** @type {any[]} */ ([])
  const kafka = createKafka({ logLevel: 4, logCreator: () => entry => lines.push(entry) })
  let calls = 0
  const fail = () => {
    calls++
    throw thrown
  }
  const byMessage = ({ message }) => {
    if (message.offset === '1') fail()
  }
  const byBatches = async ({ resolveOffset }) => {
    resolveOffset('0')
    fail()
  }
  const test = await startConsumer({
    topics: [topic],
    kafka,
    retry,
    run: /** @type {any} */ (
      byBatch
        ? { eachMessage: undefined, eachBatch: byBatches }
        : {
            eachMessage: sync ? byMessage : async payload => byMessage(payload),
            ...(beside && { messagesConsumedConcurrently: 4 })
          }
    )
  })
  await waitFor(() => test.seen.of('CRASH').length > 0)
  const [crash] = test.seen.of('CRASH')
  const errors = lines.filter(({ label }) => label === 'ERROR')
  return { ...test, topic, crash, error: crash.error, errors, calls: () => calls }
}

const spoil = () => {
  throw new Error('looked at')
}

class OwnError extends Error {}

const NATIVE = [TypeError, RangeError, ReferenceError, SyntaxError].map(Native => new Native('bad'))

describe('what is retried, and then wrapped', () => {
  it.each([
    ['an Error', new Error('bad')],
    ['an error of the program', new OwnError('bad')],
    ['an EvalError', new EvalError('bad')],
    ['a frozen error', Object.freeze(new Error('bad'))],
    ['a KafkaJSError', new support.KafkaJSError('bad')],
    ['an object', { message: 'bad', code: 7 }],
    ['an empty object', {}],
    ['a string', 'bad'],
    ['an empty string', ''],
    ['a number', 42],
    ['zero', 0],
    ['false', false]
  ])('%s', async (_, thrown) => {
    const { calls, crash, error, topic, groupId } = await failWith(thrown)
    expect(calls()).toBe(3)
    expect(crash.restart).toBe(false)
    expect(error.name).toBe('KafkaJSNumberOfRetriesExceeded')
    expect(error.message).toEqual(/** @type {any} */ (thrown).message || thrown)
    expect(error).toMatchObject({ retryCount: 2, retryTime: 10, retriable: false })
    expect(await committed(groupId, topic)).toEqual({ 0: '1' })
  })

  it('of a handler that is no async function', async () => {
    const { calls, error } = await failWith(new Error('bad'), { sync: true })
    expect(calls()).toBe(3)
    expect(error).toMatchObject({ name: 'KafkaJSNumberOfRetriesExceeded', message: 'bad' })
  })
})

describe('what no retry mends', () => {
  it.each([
    ...NATIVE.map(error => [error.name, error]),
    ['an error with retriable: false', Object.assign(new Error('bad'), { retriable: false })],
    ['a KafkaJSNonRetriableError', new support.KafkaJSNonRetriableError('bad')]
  ])('%s', async (_, thrown) => {
    const { calls, crash, error, topic, groupId } = await failWith(thrown)
    expect(calls()).toBe(1)
    expect(crash.restart).toBe(false)
    expect(error.name).toBe('KafkaJSNonRetriableError')
    expect(error.message).toBe(/** @type {any} */ (thrown).message)
    expect(error.cause).toBe(thrown)
    expect(await committed(groupId, topic)).toEqual({ 0: '1' })
  })

  it.each([[null], [undefined]])('%p, which is a mistake in the program', async thrown => {
    const { calls, crash, error } = await failWith(thrown)
    expect(calls()).toBe(1)
    expect(crash.restart).toBe(false)
    expect(error).toMatchObject({
      name: 'KafkaJSNonRetriableError',
      message: expect.stringContaining(String(thrown)),
      cause: expect.any(TypeError)
    })
  })

  it.each([
    ['a symbol', Symbol('bad')],
    ['an object without a prototype', Object.create(null)],
    ['an object that throws when it is looked at', new Proxy({}, { get: spoil })]
  ])('%s, which is a mistake in the program too', async (_, thrown) => {
    for (const options of [{}, { byBatch: true }, { beside: true }]) {
      const { calls, crash, error, consumer } = await failWith(thrown, options)
      expect(calls()).toBe(1)
      expect(crash.restart).toBe(false)
      expect(error).toMatchObject({
        name: 'KafkaJSNonRetriableError',
        message: expect.stringMatching(/^each.* has thrown .*: throw an Error$/),
        cause: expect.any(TypeError)
      })
      await consumer.disconnect()
    }
  })

  it('a mistake whose causes lead in a circle', async () => {
    const thrown = new TypeError('bad')
    thrown.cause = thrown
    const { calls, crash } = await failWith(thrown)
    expect(calls()).toBe(1)
    expect(crash.restart).toBe(false)
  })

  it('a KafkaJSNotImplemented, which ends the consumer as it is', async () => {
    const thrown = new support.KafkaJSNotImplemented('bad')
    const { calls, crash, errors } = await failWith(thrown)
    expect(calls()).toBe(1)
    expect(crash).toMatchObject({ restart: false })
    expect(crash.error).toBe(thrown)
    expect(errors.map(({ log }) => log.message)).toEqual(['Crash: KafkaJSNotImplemented: bad'])
  })

  it('an error with a cause that is retriable restarts all the same', async () => {
    const cause = Object.assign(new Error('cause'), { retriable: true })
    const thrown = Object.assign(new TypeError('bad'), { cause })
    const topic = await filled(3)
    let calls = 0
    const { seen, messages } = await startConsumer({
      topics: [topic],
      retry: { initialRetryTime: 20 },
      handle: () => {
        if (calls++ === 0) throw thrown
      }
    })
    await waitFor(() => messages.length >= 3)
    expect(seen.of('CRASH')).toMatchObject([{ restart: true, error: { message: 'bad' } }])
    expect(seen.of('CRASH')[0].error.cause).toBe(cause)
  })
})

describe('the log', () => {
  it.each([[false], [true]])('has the error and its place, by batches: %p', async byBatch => {
    const thrown = new Error('bad')
    const { errors, topic, groupId } = await failWith(thrown, { byBatch })
    expect(errors.map(({ namespace, log }) => [namespace, log.message])).toEqual([
      ...Array(3).fill(['Runner', `Error when calling ${byBatch ? 'eachBatch' : 'eachMessage'}`]),
      ['Consumer', 'Crash: KafkaJSNumberOfRetriesExceeded: bad']
    ])
    expect(errors[0].log).toMatchObject({ topic, partition: 0, stack: thrown.stack })
    expect(errors[0].log.error).toBe(thrown)
    expect(errors[0].log.offset).toBe(byBatch ? '0' : '1')
    expect(errors[3].log).toMatchObject({ groupId, retryCount: 2, stack: expect.any(String) })
  })

  it('says nothing of a KafkaJSError before the crash: a handler may throw one on purpose', async () => {
    const { errors } = await failWith(new support.KafkaJSError('on purpose'))
    expect(errors.map(({ log }) => log.message)).toEqual([
      'Crash: KafkaJSNumberOfRetriesExceeded: on purpose'
    ])
  })
})

it('a logger that throws keeps nobody from going on', async () => {
  const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
  for (const run of [{}, { messagesConsumedConcurrently: 4 }]) {
    let failures = 2
    const { consumer, messages } = await startConsumer({
      topics: [await filled(3)],
      kafka: createKafka({ logLevel: 4, logCreator: () => spoil }),
      retry,
      handle: () => {
        if (failures-- > 0) throw new Error('bad')
      },
      run
    })
    await waitFor(() => messages.length === 3)
    await consumer.disconnect()
  }
  warnings.mockRestore()
})

describe('on the way to CRASH', () => {
  it('START_BATCH_PROCESS comes for each try, END_BATCH_PROCESS for none', async () => {
    const { seen } = await failWith(new Error('bad'))
    expect(seen.of('START_BATCH_PROCESS')).toHaveLength(3)
    expect(seen.of('END_BATCH_PROCESS')).toHaveLength(0)
    expect(seen.order('CONNECT', 'GROUP_JOIN', 'STOP', 'DISCONNECT', 'CRASH')).toEqual([
      'CONNECT',
      'GROUP_JOIN',
      'STOP',
      'DISCONNECT',
      'CRASH'
    ])
  })

  it('a handler at work finishes, and what it did is committed', async () => {
    const topic = await filled(2, { partitions: 2 })
    const log = /** @type {string[]} */ ([])
    const [working, failing] = [defer(), defer()]
    const { seen, consumer, groupId } = await startConsumer({
      topics: [topic],
      retry: { ...retry, retries: 0 },
      handle: async ({ partition }) => {
        if (partition === 0) {
          await working.promise
          log.push('fails')
          failing.resolve()
          throw new Error('bad')
        }
        working.resolve()
        await failing.promise
        await pause(200)
        log.push('finishes')
      },
      run: { partitionsConsumedConcurrently: 2 }
    })
    for (const name of /** @type {const} */ (['STOP', 'CRASH'])) {
      consumer.on(consumer.events[name], () => log.push(name))
    }
    await waitFor(() => seen.of('CRASH').length > 0)
    expect(log).toEqual(['fails', 'finishes', 'STOP', 'CRASH'])
    expect(await committed(groupId, topic)).toEqual({ 0: '-1', 1: '1' })
  })

  it('the other handlers begin no further message', async () => {
    const each = 30
    const topic = await filled(2 * each, { partitions: 2 })
    const [working, failing] = [defer(), defer()]
    const { seen, messages } = await startConsumer({
      topics: [topic],
      retry: { ...retry, retries: 0 },
      handle: async ({ partition }) => {
        if (partition === 0) {
          await working.promise
          failing.resolve()
          throw new Error('bad')
        }
        working.resolve()
        await failing.promise
        await pause(200)
      },
      run: { partitionsConsumedConcurrently: 2 }
    })
    await waitFor(() => seen.of('CRASH').length > 0)
    // The one that is at work; how much later the others hear of it is the machine's affair.
    expect(messages.length).toBeLessThan(each)
  })

  it('a failure while the consumer stops is no crash', async () => {
    const topic = await filled(3)
    const [begun, go] = [defer(), defer()]
    const { consumer, seen } = await startConsumer({
      topics: [topic],
      retry: { retries: 0, initialRetryTime: 10 },
      handle: async () => {
        begun.resolve()
        await go.promise
        throw new Error('bad')
      }
    })
    await begun.promise
    const stopping = consumer.stop()
    go.resolve()
    await stopping
    await pause(100)
    expect(seen.of('CRASH')).toEqual([])
    expect(seen.of('GROUP_JOIN')).toHaveLength(1)
  })
})

it('an error of the rebalance of some other group is a failure like others, and nothing is lost', async () => {
  const topic = await filled(5)
  let failures = 0
  const error = new support.KafkaJSProtocolError(
    /** @type {any} */ ({ type: 'REBALANCE_IN_PROGRESS', code: 27, message: 'elsewhere' })
  )
  const { messages, seen } = await startConsumer({
    topics: [topic],
    handle: ({ message }) => {
      if (message.offset === '2' && failures++ < 2) throw error
    }
  })
  await waitFor(() => messages.length >= 5)
  expect(numbers(messages)).toEqual(upTo(5))
  expect(seen.of('CRASH')).toEqual([])
})
