// @ts-check
'use strict'

const { KafkaJSConnectionError, KafkaJSNonRetriableError } = require('../errors')

/**
 * The seed brokers, in turn. `brokers` is a list or a function that is asked for one at every turn.
 * @param {any} brokers
 * @returns {() => Promise<{ host: string, port: number }>}
 */
const createSeeds = brokers => {
  let turn = 0
  return async () => {
    const list = await listOf(brokers)
    return parse(list[turn++ % list.length])
  }
}

const listOf = async brokers => {
  const list = typeof brokers === 'function' ? await ask(brokers) : brokers
  if (!list) throw new KafkaJSNonRetriableError('Failed to connect: brokers should not be null')
  if (!Array.isArray(list)) return list
  if (list.length === 0) {
    throw new KafkaJSNonRetriableError('Failed to connect: brokers array is empty')
  }
  const invalid = list.findIndex(broker => typeof broker !== 'string' || broker === '')
  if (invalid >= 0) {
    throw new KafkaJSNonRetriableError(
      `Failed to connect: broker at index ${invalid} is invalid "${typeof list[invalid]}"`
    )
  }
  return list
}

const ask = async brokers => {
  try {
    return await brokers()
  } catch (e) {
    const error = new KafkaJSConnectionError(
      `Failed to connect: "config.brokers" threw: ${e.message}`
    )
    error.stack = `${error.name}\n  Caused by: ${e.stack}`
    error.cause = e
    throw error
  }
}

/** "host:port"; an IPv6 address stands in brackets. */
const parse = broker => {
  const bracketed = /^\[(.+)\]:(\d+)$/.exec(broker)
  const [host, port] = bracketed ? bracketed.slice(1) : broker.split(':')
  return { host, port: port ? Number(port) : NaN }
}

/**
 * Says what Node would say about such a port; the engine cannot be asked with it.
 * @param {{ host: string, port: number }} seed
 */
const validatePort = ({ host, port }) => {
  if (Number.isInteger(port) && port >= 0 && port < 65536) return
  throw new KafkaJSConnectionError(
    `Failed to connect: Port should be >= 0 and < 65536. Received type number (${port}).`,
    { broker: `${host}:${port}` }
  )
}

module.exports = { createSeeds, validatePort }
