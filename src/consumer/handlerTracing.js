// @ts-check
'use strict'

/**
 * Calls of handlers, on the tracing channel `kafkars:consumer.handle` of `node:diagnostics_channel`. Whether anybody has subscribed
 * is asked once for each delivery: who has not pays nothing.
 */

const { tracingChannel } = require('node:diagnostics_channel')

const channel = tracingChannel('kafkars:consumer.handle')

const isHeard = () =>
  channel.start.hasSubscribers ||
  channel.end.hasSubscribers ||
  channel.asyncStart.hasSubscribers ||
  channel.asyncEnd.hasSubscribers ||
  channel.error.hasSubscribers

class HandlerTracing {
  /**
   * @param {{ handler: (payload: any) => any, groupId: string, handlers: import('./handlers') }} options
   */
  constructor({ handler, groupId, handlers }) {
    this.handler = handler
    this.groupId = groupId
    this.handlers = handlers
    /** @param {any} payload */
    this.traced = payload => {
      const { topic = payload.batch.topic, partition = payload.batch.partition } = payload
      const { message, batch } = payload
      const what = message === undefined ? { batch } : { message }
      const context = { groupId, topic, partition, ...what }
      return channel.tracePromise(async () => this.handler(payload), context)
    }
  }

  /** The user's handler, of whose calls subscribers hear if there are any. */
  current() {
    if (!isHeard()) return this.handler
    // Somebody listens to the handlers' promises: stacks tell no more who calls.
    this.handlers.tracked = true
    return this.traced
  }
}

module.exports = { HandlerTracing }
