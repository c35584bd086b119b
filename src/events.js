// @ts-check
'use strict'

/** The 16 instrumentation events of a consumer, and the emitter that hands them to listeners. */

const { EventEmitter } = require('node:events')
const { KafkaJSNonRetriableError } = require('./errors')

/** @type {import('..').ConsumerEvents} */
const events = {
  HEARTBEAT: 'consumer.heartbeat',
  COMMIT_OFFSETS: 'consumer.commit_offsets',
  GROUP_JOIN: 'consumer.group_join',
  FETCH: 'consumer.fetch',
  FETCH_START: 'consumer.fetch_start',
  START_BATCH_PROCESS: 'consumer.start_batch_process',
  END_BATCH_PROCESS: 'consumer.end_batch_process',
  CONNECT: 'consumer.connect',
  DISCONNECT: 'consumer.disconnect',
  STOP: 'consumer.stop',
  CRASH: 'consumer.crash',
  REBALANCING: 'consumer.rebalancing',
  RECEIVED_UNSUBSCRIBED_TOPICS: 'consumer.received_unsubscribed_topics',
  REQUEST: 'consumer.network.request',
  REQUEST_TIMEOUT: 'consumer.network.request_timeout',
  REQUEST_QUEUE_SIZE: 'consumer.network.request_queue_size'
}

/** The events that the engine makes only while somebody listens. */
const REQUEST_EVENTS = [events.REQUEST, events.REQUEST_TIMEOUT, events.REQUEST_QUEUE_SIZE]

const names = new Set(Object.values(events))
const keys = Object.keys(events)
  .map(key => `consumer.events.${key}`)
  .join(', ')

/** Ids count over the whole process, and only events that somebody listened to. */
let nextId = 0

/** What a listener receives. */
class InstrumentationEvent {
  constructor(type, payload) {
    this.id = nextId++
    this.type = type
    this.timestamp = Date.now()
    this.payload = payload
  }
}

class Emitter {
  /** @param {{ logger: import('..').Logger }} options `logger` gets what listeners throw */
  constructor({ logger }) {
    this.logger = logger
    this.emitter = new EventEmitter()
    /** @type {Set<() => void>} */
    this.watchers = new Set()
  }

  /**
   * @param {string} name
   * @param {(event: any) => any} listener what it throws, or rejects with, is logged and goes no further
   * @returns {() => void} removes the listener
   */
  on(name, listener) {
    if (!names.has(/** @type {any} */ (name))) {
      throw new KafkaJSNonRetriableError(`Event name should be one of ${keys}`)
    }
    const guarded = async event => {
      try {
        await listener(event)
      } catch (e) {
        this.logger.error(`Failed to execute listener: ${e?.message ?? e}`, {
          eventName: name,
          stack: e?.stack
        })
      }
    }
    this.emitter.on(name, guarded)
    this.changed()
    return () => {
      this.emitter.removeListener(name, guarded)
      this.changed()
    }
  }

  /**
   * Makes the event and calls its listeners before it returns; without listeners it does nothing.
   * @param {string} name
   * @param {object} [payload]
   */
  emit(name, payload) {
    if (this.listens(name)) this.emitter.emit(name, new InstrumentationEvent(name, payload))
  }

  /**
   * Does anybody listen? Ask before building an expensive payload.
   * @param {string} name
   */
  listens(name) {
    return this.emitter.listenerCount(name) > 0
  }

  /**
   * Calls `watcher` now, and again after each `on` and each removal: what is expensive is made for listeners only.
   * @param {() => void} watcher
   * @returns {() => void} ends it
   */
  watch(watcher) {
    this.watchers.add(watcher)
    watcher()
    return () => this.watchers.delete(watcher)
  }

  /** @private */
  changed() {
    for (const watcher of this.watchers) watcher()
  }

  /** Does anybody listen to what goes over the network? */
  get listensToRequests() {
    return REQUEST_EVENTS.some(name => this.listens(name))
  }
}

/** @param {{ logger: import('..').Logger }} options */
const createEmitter = options => new Emitter(options)

module.exports = { events, createEmitter, Emitter }
