// @ts-check
'use strict'

const { KafkaJSNonRetriableError } = require('../errors')

/**
 * @param {string} field
 * @param {string} why
 * @param {any} [cause]
 */
const refusal = (field, why, cause = undefined) =>
  new KafkaJSNonRetriableError(`ssl.${field} ${why}`, { cause })

module.exports = { refusal }
