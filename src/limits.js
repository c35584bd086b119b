// @ts-check
'use strict'

/**
 * What options may be that can be read, and make no sense nevertheless: a time below nothing, the text "false" for false. What nothing
 * works with is refused by `number` of `config.js`. What kafkajs goes on with, programs live with: it is taken as kafkajs takes it, or
 * as the nearest that makes sense, and `unknown.js` warns of it.
 */

const { LEVELS, levelOf } = require('./loggers')
const { show } = require('./utils/show')
const { LONGEST_DELAY } = require('./utils/timers')

/** Less than this is refused. @type {Record<string, number>} */
const LEAST = {
  requestTimeout: 1,
  maxInFlightRequests: 1,
  maxQueuedBytes: 1,
  linger: 0,
  maxBlock: 0
}

/** What is beyond these counts as the nearer one. @type {Record<string, [least: number, most: number]>} */
const BOUNDS = {
  connectionTimeout: [1, Infinity],
  authenticationTimeout: [1, Infinity],
  reauthenticationThreshold: [0, Infinity],
  metadataMaxAge: [0, Infinity],
  heartbeatInterval: [0, Infinity],
  minBytes: [0, Infinity],
  // By less, brokers give one batch at a time, and do not wait for more, or nothing at all.
  maxBytes: [1, Infinity],
  maxBytesPerPartition: [1, Infinity],
  maxWaitTimeInMs: [0, Infinity],
  autoCommitInterval: [0, Infinity],
  autoCommitThreshold: [0, Infinity],
  retries: [0, Infinity],
  // Of what is more, chance makes a number that is none.
  initialRetryTime: [0, LONGEST_DELAY],
  maxRetryTime: [0, Infinity],
  factor: [0, 1],
  multiplier: [0, Infinity],
  timeout: [0, Infinity]
}

/** @param {string} name @param {number} number */
const bounded = (name, number) => {
  const [least, most] = BOUNDS[name] ?? [-Infinity, Infinity]
  return Math.min(Math.max(number, least), most)
}

/** To these any value is true or false. */
const FLAGS = [
  'enforceRequestTimeout',
  'ssl',
  'rejectUnauthorized',
  'allowAutoTopicCreation',
  'readUncommitted',
  'checkCrcs',
  'copyValues',
  'fromBeginning',
  'autoCommit',
  'eachBatchAutoResolve',
  'exactlyOnce',
  'unreadable',
  'idempotent',
  'validateOnly',
  'waitForLeaders',
  'earliest',
  'resolve',
  'resolveOffsets',
  'includeSynonyms',
  'includeDocumentation',
  'includeFencedBrokers',
  'strict'
]

/** Nothing in the place of a number means the default. parseInt() of a variable that is not set gives NaN. @param {any} value */
const isNothing = value =>
  value == null || Number.isNaN(value) || (typeof value === 'string' && !value.trim())

/** @param {any} value @returns {number} NaN: it is none. To Number() an empty array is 0 */
const toNumber = value =>
  ['object', 'function', 'symbol'].includes(typeof value) ? NaN : Number(value)

/** Counts as true, and says something else. @param {any} value */
const isNoFlag = value =>
  (typeof value === 'string' && !['', 'true'].includes(value)) ||
  typeof value === 'function' ||
  value instanceof Promise

/**
 * What is odd about a known option that is taken nevertheless, for a warning.
 * @param {string} place the call, or the object, that has it
 * @param {string} name
 * @param {any} value
 * @returns {string | null} null: nothing
 */
const oddity = (place, name, value) => {
  const is = `${name} of ${place} is ${show(value)}`
  if (FLAGS.includes(name) && isNoFlag(value)) {
    return `${is}, which counts as true: expected true or false`
  }
  if (name in BOUNDS && !isNothing(value)) {
    const number = toNumber(value)
    const counts = bounded(name, number)
    if (counts < number) return `${is}, which counts as ${counts}: expected a number up to that`
    if (counts > number) return `${is}, which counts as ${counts}: expected a number from that on`
  }
  if (name === 'logLevel' && levelOf(value) === null) {
    return `${is}, which counts as INFO: expected one of logLevel (${Object.keys(LEVELS).join(', ')})`
  }
  if (name === 'restartOnFailure' && value != null && typeof value !== 'function') {
    return `${is}, which counts for nothing: expected a function that says whether a consumer that has crashed begins anew`
  }
  return null
}

module.exports = { LEAST, bounded, isNothing, oddity, toNumber }
