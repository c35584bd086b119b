// @ts-check
'use strict'

const { KafkaJSSASLAuthenticationError, explained, moreOf } = require('../errors')

/**
 * What became of an exchange with the broker. One that got no answer (retriable) is no verdict on the credentials.
 * @param {string} mechanism
 * @param {any} error
 */
const failureOf = (mechanism, error) =>
  error.retriable
    ? error
    : explained(
        new KafkaJSSASLAuthenticationError(
          `SASL ${mechanism} authentication failed: ${error.message}`
        ),
        moreOf(error)
      )

module.exports = { failureOf }
