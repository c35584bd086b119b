// @ts-check
'use strict'

/** Ids count over the whole process. Only events that have a listener are made and counted. */
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
