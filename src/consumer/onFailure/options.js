// @ts-check
'use strict'

/** The option `onFailure` of `consumer.run()`: its defaults, and what is refused. */

const { fail, identifier, number, optionsOf } = require('../../config')
const { show } = require('../../utils/show')

/** Attempts in place after the first one. */
const RETRIES = 3

/**
 * @typedef {object} Level a topic in which failed messages wait for their next attempt
 * @property {string} topic
 * @property {number} delay ms
 */

/** @typedef {ReturnType<typeof failureOptions>} FailureOptions */

/**
 * @param {any} given the user's
 * @param {{ groupId: string, autoCommit: boolean }} run
 */
const failureOptions = (given, { groupId, autoCommit }) => {
  const {
    retries,
    backoff = null,
    retryTopics = [],
    deadLetterTopic = null,
    when = null,
    exactlyOnce = false,
    unreadable = false
  } = optionsOf('onFailure of consumer.run()', given, '{ deadLetterTopic: "orders.dead" }')
  const attempts = number({ 'onFailure.retries': retries }, RETRIES)
  if (!(attempts >= 0)) fail(`onFailure.retries must be 0 or greater, received ${show(retries)}`)
  if (when !== null && typeof when !== 'function') {
    fail(`onFailure.when has to be a function, received ${show(when)}`)
  }
  if (exactlyOnce && !autoCommit) {
    fail('onFailure.exactlyOnce commits offsets: it cannot be used with autoCommit: false')
  }
  const levels = levelsOf(retryTopics, groupId)
  if (levels.length > 0 && deadLetterTopic === null) {
    fail('onFailure.retryTopics needs a deadLetterTopic, for what fails in the last of them')
  }
  if (deadLetterTopic !== null && (typeof deadLetterTopic !== 'string' || !deadLetterTopic)) {
    fail(
      `onFailure.deadLetterTopic has to be the name of a topic, received ${show(deadLetterTopic)}`
    )
  }
  if (exactlyOnce && deadLetterTopic === null) {
    fail('onFailure.exactlyOnce needs a deadLetterTopic: without one, nothing is sent')
  }
  if (unreadable && deadLetterTopic === null) {
    fail('onFailure.unreadable needs a deadLetterTopic, for the batches that cannot be read')
  }
  const names = [...levels.map(({ topic }) => topic), deadLetterTopic].filter(topic => topic)
  const twice = names.find((topic, i) => names.indexOf(topic) !== i)
  if (twice) fail(`onFailure names the topic "${twice}" twice`)
  return {
    retries: attempts,
    /** ms before attempt `n` + 1. null: as `retry` of the consumer says. */
    backoff: backoffOf(backoff),
    levels,
    deadLetterTopic: /** @type {string | null} */ (deadLetterTopic),
    when: /** @type {((error: any, failed: any) => any) | null} */ (when),
    exactlyOnce: Boolean(exactlyOnce),
    /** Do batches that cannot be read go to the dead-letter topic as they are? */
    unreadable: Boolean(unreadable)
  }
}

/** @param {any} backoff @returns {((attempts: number, error: any) => any) | null} */
const backoffOf = backoff => {
  if (backoff === null || typeof backoff === 'function') return backoff
  const time = number({ 'onFailure.backoff': backoff }, 0)
  if (!(time >= 0)) {
    fail(`onFailure.backoff has to be ms or a function, received ${show(backoff)}`)
  }
  return () => time
}

/**
 * @param {any} retryTopics delays, or topics with their delays
 * @param {string} groupId
 * @returns {Level[]}
 */
const levelsOf = (retryTopics, groupId) => {
  if (!Array.isArray(retryTopics)) {
    fail(`onFailure.retryTopics has to be a list of delays in ms, received ${show(retryTopics)}`)
  }
  return retryTopics.map(entry => {
    const { topic, delay } = typeof entry === 'object' && entry !== null ? entry : { delay: entry }
    const time = number({ 'delay of onFailure.retryTopics': delay }, -1)
    if (!(time >= 0 && Number.isFinite(time))) {
      fail(`A delay of onFailure.retryTopics must be ms, 0 or greater, received ${show(delay)}`)
    }
    if (topic !== undefined && (typeof topic !== 'string' || !topic)) {
      fail(`A topic of onFailure.retryTopics has to be a name, received ${show(topic)}`)
    }
    // Of the group: others that read the same topics have failures of their own.
    return { topic: identifier('topic', topic ?? `${groupId}.retry.${time}`), delay: time }
  })
}

module.exports = { failureOptions }
