// @ts-check
'use strict'

/**
 * What a `send()` was given under a name that nobody knows: it is not sent, as in kafkajs, and the log says so. A look at each would cost
 * the quick ones a part of their time, so it is taken at a producer's first sends: programs send from few places.
 */

const { explained, moreOf } = require('../errors')
const { unknownOption } = require('../unknown')
const { nearestOf } = require('../utils/nearest')
const { createWarnOnce } = require('../utils/warnOnce')

const PLACE = 'producer.send()'
const RECORD = ['topic', 'messages', 'acks', 'timeout', 'compression', 'compressionLevel']
/** What was consumed may be sent on, with all that it has besides. */
const MESSAGE = ['key', 'value', 'partition', 'headers', 'timestamp']
const LOOKS = 100

/** @param {import('../..').Logger} logger @returns {(record: any) => void} */
const createLook = logger => {
  const tell = createWarnOnce(logger)
  let looks = 0
  return record => {
    if (looks++ >= LOOKS) return
    for (const name of namesOf(record)) {
      if (!RECORD.includes(name)) tell(unknownOption(PLACE, name, RECORD))
    }
    const message = record.messages?.[0]
    if (typeof message !== 'object' || message === null) return
    for (const name of namesOf(message)) {
      if (MESSAGE.includes(name) || nearestOf(MESSAGE, name) === null) continue
      tell(unknownOption(`a message of ${PLACE}`, name, MESSAGE))
    }
  }
}

/** Those that say something. @param {any} options */
const namesOf = options => Object.keys(options).filter(name => options[name] !== undefined)

/** How what is missing is refused. */
const REFUSALS = { topic: /^Invalid topic$/, messages: /^Invalid messages array / }

/**
 * A refusal because of a name that is missing goes on with the one that was given instead.
 * @param {any} error @param {any} record
 */
const withMeant = (error, record) => {
  const missing = Object.entries(REFUSALS).flatMap(([name, refusal]) =>
    record[name] === undefined && refusal.test(error.message) ? [name] : []
  )
  const given = namesOf(record).filter(name => !RECORD.includes(name))
  const meant = given.find(name => missing.includes(nearestOf(RECORD, name) ?? ''))
  return meant === undefined
    ? error
    : explained(error, `${moreOf(error)}; did you mean it by "${meant}"?`)
}

module.exports = { createLook, withMeant }
