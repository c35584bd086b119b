// @ts-check
'use strict'

/**
 * What brokers refuse, as errors. The messages are kafkajs's, to the letter, because programs compare them; the stack, which people see, goes on with
 * why, and what was refused. `topic`, `partition`, `groupId`, … say the latter to programs, and `brokerMessage` has the broker's own words.
 */

const {
  KafkaJSAggregateError,
  KafkaJSNonRetriableError,
  KafkaJSProtocolError,
  explained,
  withFirst
} = require('../errors')
const { describe } = require('../protocol/errorCodes')
const { withRemedy } = require('../protocol/remedies')
const { named, said, show } = require('../utils/show')

/**
 * @typedef {{
 *   topic?: string, partition?: number, groupId?: string, transactionalId?: string, nodeId?: number | null,
 *   user?: string, operation?: string, brokerMessage?: string | null
 * }} About `operation`: of the ACL that was missing; it is part of the message only
 */

/** Codes whose message goes on with what to do. */
const WITH_REMEDY = /AUTHORIZATION_FAILED$|^INVALID_TOPIC_EXCEPTION$/

/**
 * @param {number} code
 * @param {About} [about]
 * @returns {any} KafkaJSProtocolError
 */
const refusal = (code, { operation, brokerMessage, ...where } = {}) => {
  const { message, ...entry } = describe(code)
  const remedied = withRemedy(entry.type, message, { ...where, operation })
  const isWhole = WITH_REMEDY.test(entry.type)
  const error = new KafkaJSProtocolError({ ...entry, message: isWhole ? remedied : message })
  const more =
    remedied === message
      ? reasonOf(message, brokerMessage, where)
      : remedied.slice(message.length + 2)
  return about(isWhole ? error : explained(error, more), {
    ...where,
    brokerMessage: brokerMessage || null
  })
}

/**
 * What was refused, where the broker does not name it, and why.
 * @param {string} text of the code
 * @param {string | null | undefined} reason
 * @param {About} where
 */
const reasonOf = (text, reason, where) => {
  const why = reason && bare(reason) !== bare(text) ? bare(reason) : null
  const what = placeOf(where)
  const isNamed = what === null || why?.includes(what.name)
  return [!isNamed && what.words, why].filter(Boolean).join(': ')
}

/** @param {string} text */
const bare = text => text.replace(/\.$/, '')

/** @param {About} where */
const placeOf = ({ topic, partition, groupId, transactionalId, user }) => {
  if (topic) {
    const words = `topic "${topic}"`
    return { name: topic, words: partition == null ? words : `partition ${partition} of ${words}` }
  }
  if (groupId) return { name: groupId, words: `group "${groupId}"` }
  if (transactionalId) {
    return { name: transactionalId, words: `transactional id "${transactionalId}"` }
  }
  return user ? { name: user, words: `user "${user}"` } : null
}

/**
 * Several refusals of one call.
 * @param {string} text kafkajs's
 * @param {any[]} errors
 */
const together = (text, errors) => withFirst(new KafkaJSAggregateError(text, errors), errors)

/**
 * The error, which says what it is about.
 * @template {Error} E
 * @param {E} error
 * @param {About} what
 * @returns {E}
 */
const about = (error, what) => {
  for (const [key, value] of Object.entries(what)) {
    if (value !== undefined && value !== null) error[key] = value
  }
  return error
}

/**
 * Refuses an argument.
 * @param {string} message kafkajs's, where it refuses that, too
 * @param {string} [more] what it goes on with where people see it
 * @returns {never}
 */
const invalid = (message, more) => {
  throw explained(new KafkaJSNonRetriableError(message), more)
}

/** The largest number of 32 bits. */
const MOST = 2 ** 31 - 1

/**
 * @param {any} value a number, or one as text
 * @param {string} what
 * @returns {number} of 32 bits: it is refused here, by name, and not by the engine, which does not know what it is for
 */
const toInt32 = (value, what) => {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && value.trim() !== '')
  const number = isNumber ? Number(value) : NaN
  if (!Number.isInteger(number) || Math.abs(number) > MOST) {
    invalid(`Invalid ${what} ${show(value)}`)
  }
  return number
}

/** @param {any} timeout ms, perhaps with a fraction */
const toTimeout = timeout =>
  toInt32(typeof timeout === 'number' ? Math.trunc(timeout) : timeout, 'timeout')

/** @param {any} topic */
const checkTopic = topic => {
  const isObject = typeof topic === 'object' && topic !== null
  if (!topic || typeof topic !== 'string') {
    invalid(`Invalid topic ${isObject ? `${show(topic)}, expected its name` : String(topic)}`)
  }
}

/** As kafkajs shows it, but for what JSON has no way to say. @param {any} value */
const json = value => {
  try {
    return JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one))
  } catch {
    // It leads in a circle.
    return show(value)
  }
}

module.exports = {
  about,
  checkTopic,
  invalid,
  json,
  named,
  refusal,
  said,
  toInt32,
  together,
  toTimeout
}
