// @ts-check
'use strict'

const { wordsOf } = require('../../errors')

/**
 * The topics of `onFailure`: made where they are missing, if the consumer may make topics at all. Nobody has to be allowed to: what
 * exists already serves, and brokers may make topics by themselves.
 *
 * @param {{
 *   policy: import('./options').FailureOptions,
 *   createAdmin: () => import('../../..').Admin,
 *   logger: import('../../..').Logger
 * }} options
 */
const makeTopics = async ({ policy, createAdmin, logger }) => {
  const { levels, deadLetterTopic } = policy
  const names = levels.map(({ topic }) => topic)
  if (deadLetterTopic !== null) names.push(deadLetterTopic)
  if (names.length === 0) return
  const admin = createAdmin()
  try {
    await admin.connect()
    const existing = new Set(await admin.listTopics())
    const topics = names.filter(topic => !existing.has(topic)).map(topic => ({ topic }))
    if (topics.length === 0) return
    if (await admin.createTopics({ topics })) {
      logger.info('Topics of onFailure were missing and have been made', {
        topics: topics.map(({ topic }) => topic)
      })
    }
  } catch (error) {
    logger.warn(`The topics of onFailure could not be made: ${wordsOf(error)}`, { topics: names })
  } finally {
    await admin.disconnect()
  }
}

module.exports = { makeTopics }
