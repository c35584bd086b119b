// @ts-check
'use strict'

const { KafkaJSProtocolError } = require('../errors')
const { errorCodes, describe } = require('./errorCodes')

/** @param {number} code a broker's error code */
const failure = code => code !== 0

/** @param {number} code a broker's error code */
const createErrorFromCode = code => new KafkaJSProtocolError(describe(code))

module.exports = { errorCodes, failure, createErrorFromCode }
