// @ts-check
'use strict'

/**
 * What brokers refuse, as errors. The messages are kafkajs's, to the letter; what they do not say stands beside them: `topic`, `partition`,
 * `groupId`, … name what was refused, and `brokerMessage` has the broker's own words.
 */

const { createErrorFromCode } = require('../protocol/error')
const { KafkaJSNonRetriableError } = require('../errors')
const { show } = require('../utils/show')

/**
 * @typedef {{
 *   topic?: string, partition?: number, groupId?: string, transactionalId?: string, nodeId?: number | null,
 *   operation?: string, brokerMessage?: string | null
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
  const plain = createErrorFromCode(code)
  const error = WITH_REMEDY.test(plain.type)
    ? createErrorFromCode(code, { ...where, operation })
    : plain
  return about(error, { ...where, brokerMessage })
}

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
 * @param {string} message
 * @returns {never}
 */
const invalid = message => {
  throw new KafkaJSNonRetriableError(message)
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

module.exports = { about, checkTopic, invalid, refusal, toInt32, toTimeout }
