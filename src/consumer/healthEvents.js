// @ts-check
'use strict'

/**
 * STALLED and LAG, and the answer to a scrape of `kafkars/prometheus`. There is a timer for each event while somebody listens, and one
 * call into the engine when it rings; a scrape asks on a channel of the process. Without either nothing happens here.
 */

const { subscribe, unsubscribe } = require('node:diagnostics_channel')
// Not by the global ones, which a test's fake timers replace.
const { clearInterval, setInterval } = require('node:timers')
const { inMicrotask, toInterval } = require('../utils/timers')
const clock = require('./clock')
const { lookAt } = require('./health')
const { events } = require('./instrumentationEvents')
const { Stalls } = require('./stalls')

/** Whoever wants to know how far all running consumers of the process are publishes `{ tell }` here, and is told at once. */
const SCRAPE = 'kafkars:consumer.scrape'
/** Looks within the time that makes a stall, and the longest time between two, ms. */
const LOOKS = 10
const LONGEST = 5000

class HealthEvents {
  /**
   * @param {{
   *   runner: import('./runner'),
   *   emitter: import('../instrumentation/emitter'),
   *   stalledAfter: number,
   *   lagInterval: number | null
   * }} parts ms
   */
  constructor({ runner, emitter, stalledAfter, lagInterval }) {
    this.runner = runner
    this.emitter = emitter
    this.stalls = new Stalls(stalledAfter)
    this.timers = {
      [events.STALLED]: { every: Math.min(stalledAfter / LOOKS, LONGEST), tell: () => this.look() },
      [events.LAG]: { every: lagInterval, tell: () => this.tellLag() }
    }
    /** By event. @type {Map<string, NodeJS.Timeout>} */
    this.running = new Map()
    this.unwatch = () => {}
    /** @param {any} asked */
    this.scraped = ({ tell }) => {
      if (runner.state === 'running') tell({ groupId: runner.groupId, partitions: runner.lag() })
    }
  }

  start() {
    this.unwatch = this.emitter.watch(() => this.changed())
    subscribe(SCRAPE, this.scraped)
  }

  end() {
    this.unwatch()
    unsubscribe(SCRAPE, this.scraped)
    for (const timer of this.running.values()) clearInterval(timer)
    this.running.clear()
  }

  /** Listeners have come or gone. @private */
  changed() {
    for (const [event, { every, tell }] of Object.entries(this.timers)) {
      const timer = this.running.get(event)
      const isWanted = every !== null && this.emitter.listens(event)
      if (isWanted && timer === undefined) {
        // Listeners begin in microtasks, as of all events: see `runner.js`.
        const ring = () =>
          inMicrotask(() => {
            if (this.runner.state === 'running') tell()
          })
        this.running.set(event, setInterval(ring, toInterval(every)).unref())
      } else if (!isWanted && timer !== undefined) {
        clearInterval(timer)
        this.running.delete(event)
      }
    }
  }

  /** @private */
  look() {
    const { runner } = this
    const now = clock.now()
    const snapshot = lookAt(runner, now)
    for (const { wait, since, partitions } of this.stalls.look(snapshot, now)) {
      this.emitter.emit(events.STALLED, {
        groupId: runner.groupId,
        memberId: snapshot.memberId,
        reason: wait?.reason ?? null,
        since,
        waitsFor: wait,
        partitions: partitions.map(({ isPaused, wait: _, ...lag }) => lag)
      })
    }
  }

  /** @private */
  tellLag() {
    const { runner } = this
    this.emitter.emit(events.LAG, { groupId: runner.groupId, partitions: runner.lag() })
  }
}

module.exports = { HealthEvents }
