// @ts-check
'use strict'

const { KafkaJSProtocolError } = require('../errors')
const { errorCodes, describe } = require('./errorCodes')
const { withRemedy } = require('./remedies')

const UNSUPPORTED_VERSION = 35

/** @param {number} code a broker's error code */
const failure = code => code !== 0

/**
 * @param {number} code a broker's error code
 * @param {import('./remedies').Asked} [asked] what the broker has refused
 */
const createErrorFromCode = (code, asked = {}) => {
  const entry = describe(code)
  return new KafkaJSProtocolError({
    ...entry,
    message: withRemedy(entry.type, entry.message, asked)
  })
}

/** @param {number} code a broker's error code */
const failIfVersionNotSupported = code => {
  if (code === UNSUPPORTED_VERSION) throw createErrorFromCode(code)
}

/** @param {any} error @returns {boolean} may metadata that is read again help? */
const staleMetadata = ({ type }) =>
  ['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION'].includes(type)

module.exports = {
  errorCodes,
  failure,
  createErrorFromCode,
  failIfVersionNotSupported,
  staleMetadata
}
