// @ts-check
'use strict'

const { RETRY_DEFAULTS } = require('../retry')
const { causesOf, readable } = require('../utils/thrown')

/**
 * May the consumer run again after this crash? Only behind what can pass by itself, and if the program does not mind.
 * @param {any} error
 * @param {{ retry: any, logger: import('../..').Logger, groupId: string }} options `retry.restartOnFailure` is asked
 * @returns {Promise<boolean>}
 */
const mayRestart = async (error, { retry, logger, groupId }) => {
  const passes =
    error.name === 'KafkaJSNumberOfRetriesExceeded' || causesOf(error).at(-1).retriable === true
  if (!passes) return false
  const { restartOnFailure } = retry
  if (!restartOnFailure) return true
  try {
    return Boolean(await restartOnFailure(error))
  } catch (thrown) {
    const e = readable(thrown, 'restartOnFailure')
    logger.error(
      'Caught error when invoking user-provided "restartOnFailure" callback. Defaulting to restarting.',
      { error: e.message || e, cause: error.message || error, groupId }
    )
    return true
  }
}

/** How long to wait before that, ms. */
const restartTimeOf = (error, { initialRetryTime }) =>
  error.retryTime || initialRetryTime || RETRY_DEFAULTS.initialRetryTime

module.exports = { mayRestart, restartTimeOf }
