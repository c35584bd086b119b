// @ts-check
'use strict'

/**
 * Retrying as kafkajs does: the first wait is `initialRetryTime` ± `factor`, each later one a random value around the last,
 * times `multiplier`, at most `maxRetryTime` (all ms). `retries` counts the tries after the first.
 */

const {
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSNonRetriableError,
  fromFailure
} = require('./errors')
const { toDelay } = require('./utils/timers')

/** @typedef {import('..').RetryOptions} RetryOptions */

/** @type {Readonly<Required<Omit<RetryOptions, 'restartOnFailure'>>>} */
const RETRY_DEFAULTS = Object.freeze({
  maxRetryTime: 30000,
  initialRetryTime: 300,
  factor: 0.2,
  multiplier: 2,
  retries: 5
})

const NATIVE_ERRORS = new Set(['RangeError', 'ReferenceError', 'SyntaxError', 'TypeError'])

/**
 * May this failure be tried again? Everything may, but an error that says `retriable: false` and the four native errors
 * that stand for a mistake in the program.
 * @param {any} error what was thrown
 * @returns {boolean}
 */
const isRetriable = error => error.retriable !== false && !NATIVE_ERRORS.has(error.name)

/** The waits of one operation, without a clock: `retryTime` is the next wait. */
class Backoff {
  /**
   * @param {RetryOptions} [options] `undefined` values mean the default
   * @param {() => number} [random] from 0 to 1
   */
  constructor(options = {}, random = Math.random) {
    /** @type {any} */
    const config = { ...RETRY_DEFAULTS }
    for (const [key, value] of Object.entries(options)) {
      if (value !== undefined) config[key] = value
    }
    this.config = config
    this.random = random
    /** Retries made so far. */
    this.retryCount = 0
    /** The next wait, ms. */
    this.retryTime = this.spread(config.initialRetryTime)
  }

  /** As before the first try. */
  reset() {
    this.retryCount = 0
    this.retryTime = this.spread(this.config.initialRetryTime)
  }

  get exhausted() {
    return this.retryCount >= this.config.retries
  }

  /** Counts one retry and draws the wait after it. */
  advance() {
    const { multiplier, maxRetryTime } = this.config
    this.retryTime = Math.min(this.spread(this.retryTime) * multiplier, maxRetryTime)
    this.retryCount += 1
  }

  /** Counts all retries as made: the engine has made them. */
  spend() {
    const { retries } = this.config
    for (let i = this.retryCount; i < Math.min(retries, MOST_DOUBLINGS); i++) this.advance()
    this.retryCount = retries
  }

  /**
   * @param {number} time ms
   * @private
   */
  spread(time) {
    const delta = this.config.factor * time
    const [min, max] = [time - delta, time + delta]
    return Math.ceil(this.random() * (max - min) + min)
  }

  /**
   * The error to give up with, or null while another try may follow.
   * @param {any} error what the last try threw
   * @param {(error: any) => boolean} [mayRetry]
   * @returns {import('./errors').KafkaJSError | null}
   */
  verdict(error, mayRetry = isRetriable) {
    if (!mayRetry(error)) {
      return new KafkaJSNonRetriableError(error, { cause: error.cause || error })
    }
    return this.exhausted ? new KafkaJSNumberOfRetriesExceeded(error, this) : null
  }
}

/** The waits do not grow any more. */
const MOST_DOUBLINGS = 30

/**
 * What a failure of the engine ends a consumer with. kafkajs meets what brokers refuse in its retries, and what comes out of
 * them is wrapped; but for the first join, whose error comes out as it is.
 * @param {import('./errors').NativeFailure} failure
 * @param {{ joined: boolean, retry?: RetryOptions, asked?: import('./errors').Asked }} state has the consumer joined its group?
 * @returns {import('./errors').KafkaJSError}
 */
const crashOf = (failure, { joined, retry, asked }) => {
  const error = fromFailure(failure, asked)
  if (!joined || !REFUSALS.has(failure.failure)) return error
  if (!isRetriable(error)) return new KafkaJSNonRetriableError(error, { cause: error })
  const backoff = new Backoff(retry)
  backoff.spend()
  return new KafkaJSNumberOfRetriesExceeded(error, backoff)
}

const REFUSALS = new Set(['protocol', 'authentication', 'unsupported-api', 'coordinator-not-found'])

/**
 * @template T
 * @callback Attempt
 * @param {(error?: any) => void} bail give up at once, with exactly this error
 * @param {number} retryCount
 * @param {number} retryTime ms
 * @returns {Promise<T>}
 */

/**
 * @param {RetryOptions} [options]
 * @param {{
 *   random?: () => number, signal?: import('./utils/interruption').Signal, mayRetry?: (error: any) => boolean
 * }} [environment] an aborted signal ends it with its reason; `mayRetry`: instead of what errors say of themselves
 * @returns {<T>(attempt: Attempt<T>) => Promise<T>}
 */
const createRetry =
  (options, { random, signal, mayRetry } = {}) =>
  async attempt => {
    const backoff = new Backoff(options, random)
    for (;;) {
      signal?.throwIfAborted()
      const outcome = await tryOnce(attempt, backoff)
      if ('value' in outcome) return outcome.value
      signal?.throwIfAborted()
      if (outcome.bailed) throw outcome.error
      const final = backoff.verdict(outcome.error, mayRetry)
      if (final) throw final
      await sleep(backoff.retryTime, signal)
      backoff.advance()
    }
  }

/**
 * @template T
 * @param {Attempt<T>} attempt
 * @param {Backoff} backoff
 * @returns {Promise<{ value: T } | { error: any, bailed: boolean }>}
 */
const tryOnce = (attempt, { retryCount, retryTime }) =>
  new Promise(resolve => {
    const bail = error => resolve({ error: error || new Error('Aborted'), bailed: true })
    Promise.resolve()
      .then(() => attempt(bail, retryCount, retryTime))
      .then(
        value => resolve({ value }),
        error => resolve({ error, bailed: false })
      )
  })

/**
 * @param {number} ms
 * @param {import('./utils/interruption').Signal} [signal] rejects with its reason
 * @returns {Promise<void>}
 */
const sleep = (ms, signal) =>
  new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, toDelay(ms))
    signal?.addEventListener('abort', abort)
  })

module.exports = { RETRY_DEFAULTS, Backoff, crashOf, createRetry, isRetriable, sleep }
