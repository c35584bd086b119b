// @ts-check
'use strict'

const { channel } = require('node:diagnostics_channel')
const { EventEmitter } = require('node:events')
const InstrumentationEvent = require('./event')

/**
 * Hands a client's events to their listeners, and tells which have any: the others are not made. Who subscribes to the channel
 * `kafkars:consumer.commit_offsets` of `node:diagnostics_channel` hears of that event of all consumers in the process; how many there
 * are is only asked for when something happens or begins.
 */
module.exports = class InstrumentationEventEmitter {
  /** @param {'consumer' | 'producer' | 'admin'} [client] whose it is */
  constructor(client = 'consumer') {
    this.client = client
    /** The consumer's; told on channels, where consumers of all groups are heard. @type {string | undefined} */
    this.groupId = undefined
    this.emitter = new EventEmitter()
    /** By the event's name. @type {Map<string, { channel: import('node:diagnostics_channel').Channel, type: string }>} */
    this.channels = new Map()
    /** @type {Set<() => void>} */
    this.watchers = new Set()
  }

  /**
   * Makes the event and calls its listeners before it returns; without listeners it does nothing.
   * @param {string} eventName
   * @param {object} [payload]
   */
  emit(eventName, payload) {
    const heard = this.heard(eventName)
    const { hasSubscribers } = heard.channel
    if (!hasSubscribers && this.emitter.listenerCount(eventName) === 0) return
    const event = new InstrumentationEvent(eventName, payload)
    if (hasSubscribers) heard.channel.publish(this.message(event, heard.type))
    this.emitter.emit(eventName, event)
  }

  /** What a channel is told. Written out: for each delivery there are two, and to spread the event takes 40 times as long (Node 20). @private */
  message({ id, timestamp, payload }, type) {
    const { groupId } = this
    return groupId ? { id, type, timestamp, payload, groupId } : { id, type, timestamp, payload }
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
    return this.emitter.listenerCount(eventName) > 0 || this.heard(eventName).channel.hasSubscribers
  }

  /** @param {string} eventName @private */
  heard(eventName) {
    let found = this.channels.get(eventName)
    if (found === undefined) {
      // The network's are told by the name of the client.
      const type = eventName.startsWith('network.') ? `${this.client}.${eventName}` : eventName
      this.channels.set(eventName, (found = { channel: channel(`kafkars:${type}`), type }))
    }
    return found
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
