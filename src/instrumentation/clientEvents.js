// @ts-check
'use strict'

/**
 * What the events of all clients have in common: each client tells of its network under its own name
 * (`consumer.network.request`), while its cluster, which serves all kinds of clients, emits `network.request`.
 */

const { KafkaJSNonRetriableError, explained } = require('../errors')
const networkEvents = require('../network/instrumentationEvents')
const { nearestOf } = require('../utils/nearest')
const { show } = require('../utils/show')
const { readable } = require('../utils/thrown')

/**
 * @param {{ REQUEST: string, REQUEST_TIMEOUT: string, REQUEST_QUEUE_SIZE: string }} events of a client
 * @returns {{ wrap: (eventName: string) => string, unwrap: (eventName: string) => string }} `wrap`: from the emitter's name of
 *   an event to the client's; `unwrap`: back
 */
const networkNames = events => {
  const pairs = [
    [events.REQUEST, networkEvents.NETWORK_REQUEST],
    [events.REQUEST_TIMEOUT, networkEvents.NETWORK_REQUEST_TIMEOUT],
    [events.REQUEST_QUEUE_SIZE, networkEvents.NETWORK_REQUEST_QUEUE_SIZE]
  ]
  const unwrapped = new Map(pairs.map(([client, network]) => [client, network]))
  const wrapped = new Map(pairs.map(([client, network]) => [network, client]))
  return {
    wrap: eventName => wrapped.get(eventName) ?? eventName,
    unwrap: eventName => unwrapped.get(eventName) ?? eventName
  }
}

/**
 * A client's method `on`: what a listener throws, or rejects with, is logged and goes no further.
 * @param {{
 *   client: string,
 *   events: Record<string, string>,
 *   wrap: (eventName: string) => string,
 *   unwrap: (eventName: string) => string,
 *   emitter: import('./emitter'),
 *   logger: import('../..').Logger
 * }} options
 * @returns {(eventName: string, listener: (event: any) => any) => () => void}
 */
const createOn = ({ client, events, wrap, unwrap, emitter, logger }) => {
  const names = new Set(Object.getOwnPropertyNames(events).map(key => events[key]))
  const keys = Object.keys(events).map(key => `${client}.events.${key}`)

  /** @param {any} eventName */
  const meant = eventName => {
    if (typeof eventName !== 'string') return ''
    const near = nearestOf(
      [...names],
      eventName.includes('.') ? eventName : `${client}.${eventName}`
    )
    const key = Object.keys(events).find(name => events[name] === near)
    return key === undefined ? '' : `: did you mean ${client}.events.${key}?`
  }

  return (eventName, listener) => {
    if (!names.has(eventName)) {
      throw explained(
        new KafkaJSNonRetriableError(`Event name should be one of ${keys.join(', ')}`),
        `received ${show(eventName)}${meant(eventName)}`
      )
    }
    if (typeof listener !== 'function') {
      // In kafkajs it fails as late as there is such an event, which may be never.
      const received = `received ${show(listener)}: nothing is called`
      logger.warn(`${client}.on() takes an event and a function, ${received}`)
      return () => {}
    }
    return emitter.addListener(unwrap(eventName), async event => {
      event.type = wrap(event.type)
      try {
        await listener(event)
      } catch (thrown) {
        const e = readable(thrown, 'The listener')
        logger.error(`Failed to execute listener: ${e.message ?? e}`, { eventName, stack: e.stack })
      }
    })
  }
}

module.exports = { networkNames, createOn }
