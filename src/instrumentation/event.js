// @ts-check
'use strict'

/** Ids count over the whole process, and only events that somebody listened to. */
let nextId = 0

/** What a listener receives. */
module.exports = class InstrumentationEvent {
  /**
   * @param {string} type
   * @param {object} [payload]
   */
  constructor(type, payload) {
    this.id = nextId++
    this.type = type
    this.timestamp = Date.now()
    this.payload = payload
  }
}
