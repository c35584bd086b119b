// @ts-check
'use strict'

const { EventEmitter } = require('node:events')
const InstrumentationEvent = require('./event')

/** Hands a client's events to their listeners, and tells which have any: the others are not made. */
module.exports = class InstrumentationEventEmitter {
  constructor() {
    this.emitter = new EventEmitter()
    /** @type {Set<() => void>} */
    this.watchers = new Set()
  }

  /**
   * Makes the event and calls its listeners before it returns; without listeners it does nothing.
   * @param {string} eventName
   * @param {object} [payload]
   */
  emit(eventName, payload) {
    if (this.listens(eventName)) {
      this.emitter.emit(eventName, new InstrumentationEvent(eventName, payload))
    }
  }

  /**
   * @param {string} eventName
   * @param {(event: InstrumentationEvent) => void} listener must not throw
   * @returns {() => void} removes the listener
   */
  addListener(eventName, listener) {
    this.emitter.addListener(eventName, listener)
    this.changed()
    return () => {
      this.emitter.removeListener(eventName, listener)
      this.changed()
    }
  }

  /** Does anybody listen? Ask before building an expensive payload. @param {string} eventName */
  listens(eventName) {
    return this.emitter.listenerCount(eventName) > 0
  }

  /**
   * Calls `watcher` now, and again after each listener that is added or removed.
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
}
