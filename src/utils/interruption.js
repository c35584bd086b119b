// @ts-check
'use strict'

/** Calls that end because the program wants no more of them: `stop()` and `disconnect()` came in between. */

const { KafkaJSNonRetriableError } = require('../errors')
const { withHelp } = require('../help')

/** @type {WeakSet<Error>} */
const interruptions = new WeakSet()

/**
 * What calls are rejected with that the program has ended itself.
 * @param {string} message
 */
const ended = message => withHelp(new KafkaJSNonRetriableError(message), 'ended-by-the-program')

/**
 * What pending calls are rejected with.
 * @param {string} message
 * @returns {Error}
 */
const createInterruption = message => {
  const error = ended(message)
  interruptions.add(error)
  return error
}

/** As Node's: the global one may be another's, jsdom's for instance, which has less. Nobody counts who listens. */
class Signal {
  constructor() {
    this.aborted = false
    /** @type {any} */
    this.reason = undefined
    /** @type {Set<() => void>} */
    this.listeners = new Set()
  }

  throwIfAborted() {
    if (this.aborted) throw this.reason
  }

  /** @param {'abort'} _ @param {() => void} listener called once */
  addEventListener(_, listener) {
    this.listeners.add(listener)
  }

  /** @param {'abort'} _ @param {() => void} listener */
  removeEventListener(_, listener) {
    this.listeners.delete(listener)
  }
}

/** What ends many calls at once. */
const createAbort = () => {
  const signal = new Signal()
  const abort = reason => {
    if (signal.aborted) return
    signal.aborted = true
    signal.reason = reason
    const listeners = [...signal.listeners]
    signal.listeners.clear()
    for (const listener of listeners) listener()
  }
  return { signal, abort }
}

/**
 * Does this, unless the signal is aborted first: then it rejects at once with the signal's reason, and what the work comes to
 * is nobody's.
 * @template T
 * @param {Signal} signal
 * @param {() => Promise<T>} work called at once
 * @returns {Promise<T>}
 */
const unlessAborted = (signal, work) =>
  new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort)
    const done = () => signal.removeEventListener('abort', abort)
    work().then(resolve, reject).then(done)
  })

/**
 * The method, but an interruption that nobody waits for is no unhandled rejection: the program has asked for it.
 * @template {any[]} A, R
 * @param {(...args: A) => Promise<R>} method
 * @returns {(...args: A) => Promise<R>}
 */
const interruptible =
  method =>
  (...args) => {
    /** @type {Promise<R>} */
    const promise = new Promise((resolve, reject) => {
      method(...args).then(resolve, error => {
        if (interruptions.has(error)) promise.catch(() => {})
        reject(error)
      })
    })
    return promise
  }

module.exports = { Signal, createAbort, createInterruption, ended, interruptible, unlessAborted }
