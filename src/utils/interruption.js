// @ts-check
'use strict'

/** Calls that end because the program wants no more of them: `stop()` and `disconnect()` came in between. */

const { setMaxListeners } = require('node:events')

const { KafkaJSNonRetriableError } = require('../errors')

/** @type {WeakSet<Error>} */
const interruptions = new WeakSet()

/**
 * What pending calls are rejected with.
 * @param {string} message
 * @returns {Error}
 */
const createInterruption = message => {
  const error = new KafkaJSNonRetriableError(message)
  interruptions.add(error)
  return error
}

/**
 * What ends many calls at once. As many may wait for it as a program makes: Node would warn of a leak at the eleventh.
 *
 * @returns {AbortController}
 */
const createAbort = () => {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

/**
 * Does this, unless the signal is aborted first: then it rejects at once with the signal's reason, and what the work comes to
 * is nobody's.
 * @template T
 * @param {AbortSignal} signal
 * @param {() => Promise<T>} work called at once
 * @returns {Promise<T>}
 */
const unlessAborted = (signal, work) =>
  new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
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

module.exports = { createAbort, createInterruption, interruptible, unlessAborted }
