// @ts-check
'use strict'

/**
 * FETCH_START and FETCH, which are told from the first listener on. kafkajs's fetch cycles go on when there is nothing to fetch
 * (every partition paused, none assigned), and programs take them for a sign of life: so do these.
 */

// Not by the global ones, which a test's fake timers replace.
const { clearInterval, setInterval } = require('node:timers')
const { inMicrotask, toInterval } = require('../utils/timers')
const { events } = require('./instrumentationEvents')

class FetchEvents {
  /**
   * @param {{
   *   engine: import('../native').NativeConsumer,
   *   cluster: import('../cluster'),
   *   emitter: import('../instrumentation/emitter'),
   *   maxWaitTimeInMs: number
   * }} parts
   */
  constructor({ engine, cluster, emitter, maxWaitTimeInMs }) {
    this.engine = engine
    this.cluster = cluster
    this.emitter = emitter
    this.maxWaitTimeInMs = maxWaitTimeInMs
    /** Has the engine fetched since the last look? */
    this.fetched = false
    /** @type {NodeJS.Timeout | undefined} */
    this.idleCycles = undefined
    this.unwatch = () => {}
  }

  start() {
    this.unwatch = this.emitter.watch(() => this.changed())
  }

  end() {
    this.unwatch()
    clearInterval(this.idleCycles)
  }

  /** Listeners have come or gone. @private */
  changed() {
    const { emitter } = this
    const listens = emitter.listens(events.FETCH_START) || emitter.listens(events.FETCH)
    clearInterval(this.idleCycles)
    if (!listens) return
    // For good: a program that waits for one event after the other removes a listener before it adds the next.
    this.engine.enableFetchEvents()
    // Listeners begin in microtasks, as of all events: see `runner.js`.
    const look = () => {
      if (!this.fetched) this.idleCycle()
      this.fetched = false
    }
    this.idleCycles = setInterval(() => inMicrotask(look), toInterval(this.maxWaitTimeInMs))
  }

  /** @private */
  idleCycle() {
    for (const nodeId of this.cluster.getNodeIds()) {
      this.emitter.emit(events.FETCH_START, { nodeId })
      this.emitter.emit(events.FETCH, { numberOfBatches: 0, duration: 0, nodeId })
    }
  }

  /** @param {any} event `fetch_start` of `native.d.ts` */
  begun({ nodeId }) {
    this.fetched = true
    this.emitter.emit(events.FETCH_START, { nodeId: String(nodeId) })
  }

  /** @param {any} event `fetch` of `native.d.ts` */
  ended({ numberOfBatches, duration, nodeId }) {
    this.emitter.emit(events.FETCH, { numberOfBatches, duration, nodeId: String(nodeId) })
  }
}

module.exports = { FetchEvents }
