// @ts-check
'use strict'

/** Where kafkajs has it. Nothing here waits like this: the tests of programs do. */

const { setTimeout: sleep } = require('node:timers/promises')
const { KafkaJSTimeout } = require('../errors')

/**
 * @template T
 * @param {(waited: number) => T | Promise<T>} condition asked after each `delay`, until it returns something
 * @param {{ delay?: number, maxWait?: number, timeoutMessage?: string, ignoreTimeout?: boolean }} [options] in milliseconds
 * @returns {Promise<T>}
 */
const waitFor = async (
  condition,
  { delay = 50, maxWait = 10_000, timeoutMessage = 'Timeout', ignoreTimeout = false } = {}
) => {
  let ended = false
  const poll = async () => {
    for (let waited = delay; !ended; waited += delay) {
      await sleep(delay)
      if (ended) break
      const result = await condition(waited)
      if (result) return result
    }
  }
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const timeout = new Promise((_, reject) => {
    if (ignoreTimeout) return
    timer = setTimeout(() => reject(new KafkaJSTimeout(timeoutMessage)), maxWait)
  })
  try {
    return await Promise.race([poll(), timeout])
  } finally {
    ended = true
    clearTimeout(timer)
  }
}

module.exports = waitFor
