'use strict'

const createOracle = require('kafkajs/src/retry')
const oracleDefaults = require('kafkajs/src/retry/defaults')
const { RETRY_DEFAULTS, Backoff, crashOf, createRetry } = require('../../src/retry')
const errors = require('../../src/errors')

/** A fixed sequence between 0 and 1. */
const sequence = () => {
  let state = 12345
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648
    return state / 2147483648
  }
}

/** Runs a retrier against a virtual clock; the attempts' arguments and waits, and the outcome. */
const record = async (retrier, attempt) => {
  const attempts = []
  let last = Date.now()
  const outcome = retrier(async (bail, retryCount, retryTime) => {
    attempts.push({ retryCount, retryTime, waited: Date.now() - last })
    last = Date.now()
    return attempt(bail, attempts.length)
  }).then(
    value => ({ value }),
    error => ({ error })
  )
  await jest.runAllTimersAsync()
  return { attempts, ...(await outcome) }
}

const both = async (options, attempt) => {
  const random = jest.spyOn(Math, 'random').mockImplementation(sequence())
  const theirs = await record(createOracle({ ...oracleDefaults, ...options }), attempt)
  random.mockRestore()
  const ours = await record(createRetry(options, { random: sequence() }), attempt)
  return { ours, theirs }
}

describe('createRetry', () => {
  beforeEach(() => jest.useFakeTimers())
  afterEach(() => jest.useRealTimers())

  it('has the defaults of kafkajs, whatever NODE_ENV says', () => {
    expect(process.env.NODE_ENV).toBe('test')
    expect(RETRY_DEFAULTS).toEqual(oracleDefaults)
  })

  it.each([
    {},
    { retries: 12 },
    { initialRetryTime: 17, factor: 0.7, multiplier: 1.3, retries: 20 },
    { factor: 0, maxRetryTime: 1000 },
    { retries: 0 }
  ])('waits and gives up like kafkajs with %j', async options => {
    const { ours, theirs } = await both(options, async () => {
      throw new Error('no')
    })
    expect(ours.attempts).toEqual(theirs.attempts)
    expect(ours.error).toBeInstanceOf(errors.KafkaJSNumberOfRetriesExceeded)
    const { retryCount, retryTime, message, name } = theirs.error
    expect(ours.error).toMatchObject({ retryCount, retryTime, message, name })
    expect(ours.error.cause.message).toBe('no')
  })

  it.each([
    ['a TypeError', new TypeError('mistake')],
    ['retriable: false', Object.assign(new Error('final'), { retriable: false })],
    ['its cause', Object.assign(new RangeError('outer'), { cause: new Error('inner') })]
  ])('does not retry %s', async (_, error) => {
    const { ours, theirs } = await both({}, async () => {
      throw error
    })
    expect(ours.attempts).toHaveLength(1)
    expect(ours.error).toBeInstanceOf(errors.KafkaJSNonRetriableError)
    expect(ours.error.message).toBe(theirs.error.message)
    expect(ours.error.cause).toBe(theirs.error.cause)
  })

  it('resolves with the first success', async () => {
    const { ours, theirs } = await both({}, async (_, n) => {
      if (n < 3) throw new Error('not yet')
      return n
    })
    expect(ours).toEqual(theirs)
    expect(ours.value).toBe(3)
  })

  it('bails with exactly the error given', async () => {
    const error = new Error('enough')
    const { ours } = await both({}, async bail => bail(error))
    expect(ours.error).toBe(error)
    expect(ours.attempts).toHaveLength(1)
  })

  it('takes undefined for the default', () => {
    const backoff = new Backoff({ retries: undefined, factor: undefined }, () => 0.5)
    expect(backoff.retryTime).toBe(300)
    expect(backoff.config.retries).toBe(5)
  })

  it('ends a wait when the signal aborts', async () => {
    const abort = new AbortController()
    const attempt = jest.fn().mockRejectedValue(new Error('no'))
    const outcome = createRetry({}, { signal: abort.signal })(attempt).catch(e => e)
    await jest.advanceTimersByTimeAsync(1)
    const reason = new Error('disconnected')
    abort.abort(reason)
    expect(await outcome).toBe(reason)
    expect(jest.getTimerCount()).toBe(0)
    expect(attempt).toHaveBeenCalledTimes(1)
  })
})

describe('what brokers refuse', () => {
  const refusal = given => ({
    failure: 'protocol',
    message: 'm',
    topic: null,
    partition: null,
    ...given
  })
  const [first, later] = [{ joined: false }, { joined: true }]

  it('ends a consumer as it is before the first join, and wrapped after it', () => {
    expect(crashOf(refusal({ code: 30 }), first)).toMatchObject({
      name: 'KafkaJSProtocolError',
      code: 30
    })
    expect(crashOf(refusal({ code: 29, topic: 't', partition: 0 }), later)).toMatchObject({
      name: 'KafkaJSNonRetriableError',
      retriable: false,
      cause: { type: 'TOPIC_AUTHORIZATION_FAILED', topic: 't', partition: 0 }
    })
  })

  it('keeps the chain of causes', () => {
    const failure = refusal({ failure: 'coordinator-not-found', cause: refusal({ code: 30 }) })
    expect(crashOf(failure, later)).toMatchObject({
      name: 'KafkaJSNonRetriableError',
      cause: { name: 'KafkaJSGroupCoordinatorNotFound', cause: { code: 30 } }
    })
  })

  it('and may pass, has been tried often enough', () => {
    for (const retries of [0, 5, Infinity]) {
      const retry = { retries, initialRetryTime: 100, maxRetryTime: 1000 }
      const error = crashOf(refusal({ code: 2 }), { joined: true, retry })
      expect(error).toMatchObject({
        name: 'KafkaJSNumberOfRetriesExceeded',
        retryCount: retries,
        cause: { type: 'CORRUPT_MESSAGE', retriable: true }
      })
      expect(error.retryTime).toBeLessThanOrEqual(1000)
    }
  })

  it('is no bug of ours', () => {
    const bug = refusal({ failure: 'bug' })
    expect(crashOf(bug, later).name).toBe('KafkaJSInvariantViolation')
  })
})
