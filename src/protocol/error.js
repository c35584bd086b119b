// @ts-check
'use strict'

const { KafkaJSProtocolError } = require('../errors')
const { errorCodes, describe } = require('./errorCodes')
const { withRemedy } = require('./remedies')

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

module.exports = { errorCodes, failure, createErrorFromCode }
