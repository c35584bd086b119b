// @ts-check
'use strict'

const { isIPv6 } = require('node:net')
const { KafkaJSConnectionError, KafkaJSNonRetriableError } = require('../errors')
const { show } = require('../utils/show')
const { readable } = require('../utils/thrown')
const { createWarnOnce } = require('../utils/warnOnce')

/** How kafkajs begins. */
const FAILED = 'Failed to connect:'
const EXPECTED = 'a list like ["localhost:9092"], or a function that returns one'

/**
 * The seed brokers, in turn. A list without a usable entry is refused before anything connects. An entry that cannot be used is
 * left out with a warning when others can: kafkajs connects to those, too.
 *
 * @param {{
 *   brokers: any,
 *   insteadOfBrokers: string | null,
 *   logger: import('../..').Logger
 * }} options `brokers` is a list or a function, which is asked for one at every turn; `insteadOfBrokers` is the unknown
 * option that was probably meant for it
 * @returns {() => Promise<{ host: string, port: number }>} rejects with KafkaJSNonRetriableError for a mistake in the list, with
 * KafkaJSConnectionError for what the function throws
 */
const createSeeds = ({ brokers, insteadOfBrokers, logger }) => {
  let turn = 0
  const warn = createWarnOnce(logger)
  return async () => {
    const list = typeof brokers === 'function' ? await ask(brokers) : brokers
    const seeds = read(list, insteadOfBrokers, warn)
    return seeds[turn++ % seeds.length]
  }
}

/** What it throws is the program's, and the stack, which is what people see, says who has thrown it. @param {() => any} brokers */
const ask = async brokers => {
  try {
    return await brokers()
  } catch (thrown) {
    const e = readable(thrown, '"config.brokers"')
    const error = new KafkaJSConnectionError(`${FAILED} "config.brokers" threw: ${e.message ?? e}`)
    error.stack = `${error.name}: ${error.message}\n  Caused by: ${e.stack}`
    error.cause = e
    throw error
  }
}

/** @param {any} list @param {string | null} instead @param {(message: string) => void} warn */
const read = (list, instead, warn) => {
  if (!list) {
    const guess = instead === null ? '' : `; did you mean it by "${instead}"?`
    return fail(`brokers should not be null: it has to be ${EXPECTED}${guess}`)
  }
  if (!Array.isArray(list)) {
    const guess = typeof list === 'string' ? `: ${meantByText(list.trim())}` : ''
    return fail(`brokers has to be ${EXPECTED}, received ${show(list)}${guess}`)
  }
  if (list.length === 0) fail(`brokers array is empty: it has to be ${EXPECTED}`)

  const invalid = list.findIndex(broker => typeof broker !== 'string' || broker === '')
  if (invalid >= 0) {
    const value = list[invalid]
    const received = `expected "host:port", received ${show(value)}${meantBy(value)}`
    fail(`broker at index ${invalid} is invalid "${typeof value}": ${received}`)
  }
  const refusals = list.map((broker, i) => refusalOf(broker, i))
  const first = refusals.find(refusal => refusal !== null)
  if (first && refusals.every(refusal => refusal !== null)) fail(first)
  refusals.forEach(refusal => refusal && warn(`Broker left out: ${refusal}`))
  return list.filter((_, i) => refusals[i] === null).map(split)
}

/** @param {string} text in the place of the list */
const meantByText = text => {
  if (text.startsWith('[')) return 'that is JSON, and JSON.parse() makes the list of it'
  const brokers = text.split(/[,;\s]+/).filter(broker => broker !== '')
  return `did you mean [${brokers.map(show).join(', ')}]?`
}

/** @param {any} value in the place of a broker */
const meantBy = value => {
  if (Array.isArray(value)) return ': a list in the list'
  return value?.host && value.port ? `: did you mean ${show(`${value.host}:${value.port}`)}?` : ''
}

/** What a text makes of a value that is not there. */
const NOTHING = ['undefined', 'null', 'NaN', '[object Object]']

/**
 * Why this is no broker; null: it is one.
 * @param {string} broker
 * @param {number} index
 */
const refusalOf = (broker, index) => {
  const { host, port } = split(broker)
  const isPort = Number.isInteger(port) && port > 0 && port < 65536
  if (isPort && !NOTHING.includes(host)) return null
  const received = `expected "host:port", received ${show(broker)}`
  return `broker at index ${index} is invalid: ${received}: ${reasonOf(broker)}`
}

const reasonOf = broker => {
  const nothing = NOTHING.find(
    text => `${broker}:`.startsWith(`${text}:`) || broker.endsWith(`:${text}`)
  )
  if (nothing !== undefined) {
    return `"${nothing}" is what a text has of a value that is not there: is a variable of the environment not set?`
  }
  if (broker.includes('://')) {
    return 'leave out the scheme ("ssl" and "sasl" say how to connect)'
  }
  if (/^["'\s]*["']/.test(broker)) return 'leave out the quotation marks'
  if (/[,;]/.test(broker) || /\S\s+\S/.test(broker)) {
    return 'each broker has to be an entry of its own'
  }
  if (isIPv6(broker) || isIPv6(broker.replace(/:\d+$/, ''))) {
    return 'an IPv6 address has to be in brackets, "[::1]:9092"'
  }
  const port = broker.slice(hostEnd(broker) + 1).trim()
  return port === ''
    ? 'the port is missing (9092 is the usual one)'
    : `the port has to be a number from 1 to 65535`
}

const hostEnd = broker => {
  const colon = broker.indexOf(':', broker.indexOf(']') + 1)
  return colon < 0 ? broker.length : colon
}

/** An IPv6 address stands in brackets. Without a host it is this one, as for `net.connect`. @param {string} broker */
const split = broker => {
  const end = hostEnd(broker)
  const host = broker
    .slice(0, end)
    .trim()
    .replace(/^\[(.*)\]$/, '$1')
  const [port] = broker.slice(end + 1).split(':')
  return { host: host || 'localhost', port: port.trim() ? Number(port) : NaN }
}

/**
 * @param {string} message
 * @returns {never}
 */
const fail = message => {
  throw new KafkaJSNonRetriableError(`${FAILED} ${message}`)
}

module.exports = { createSeeds }
