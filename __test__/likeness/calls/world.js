// @ts-check
'use strict'

/** A library with a client of its own, and what a program sees of it. */

const { setTimeout: pause } = require('node:timers/promises')
const { seen } = require('./seen')

/** ms after which a call counts as one that hangs. */
const PATIENCE = 20_000

const HANGS = Symbol('hangs')

/** All names of topics and groups that programs have begin so. */
const FAMILY = 'likeness-'

/**
 * @typedef {object} Outcome
 * @property {'returned' | 'threw' | 'resolved' | 'rejected' | 'hangs'} how
 * @property {any} value as `seen` has it
 * @property {any} error as it was thrown
 * @property {string[]} lines of level ERROR
 * @property {string[]} events
 * @property {any[]} changed arguments that the call has changed, as they are now
 */

class World {
  /**
   * @param {any} library
   * @param {{ prefix: string, brokers: string[], program: import('./programs').Program }} options
   */
  constructor(library, { prefix, brokers, program }) {
    this.prefix = prefix
    this.lines = /** @type {string[]} */ ([])
    this.events = /** @type {string[]} */ ([])
    this.args = /** @type {{ given: any, before: string }[]} */ ([])
    /** Of a program that begins some. @type {any[]} */
    this.transactions = []
    this.name = (/** @type {string} */ suffix) => `${prefix}${suffix}`
    this.anonymous = (/** @type {string} */ text) => text.split(prefix).join(FAMILY)
    const logCreator = () => (/** @type {any} */ entry) => {
      const { namespace, label, log } = entry
      if (label === 'ERROR') this.lines.push(`[${namespace}] ${log.message}`)
    }
    const kafka = new library.Kafka({ brokers, connectionTimeout: 20_000, logLevel: 1, logCreator })
    /** @type {any} */
    this.client = kafka[program.client](program.options.make(this.name))
    for (const event of Object.values(this.client.events)) this.client.on(event, this.hear)
  }

  hear = (/** @type {any} */ { type, payload, ...rest }) => {
    const keys = [payload ?? {}, rest].map(part => Object.keys(part).sort().join())
    this.events.push(`${type} ${keys.join(' ')}`)
  }

  /** @param {any} on @param {string} method @param {import('./parts').Part[]} args */
  call(on, method, args) {
    const given = args.map(part => part.make(this.name))
    this.args = given.map(arg => ({ given: arg, before: this.shown(arg) }))
    this.listsAll = ['listTopics', 'listGroups'].includes(method)
    return on[method](...given)
  }

  /** @private @param {any} value */
  shown(value) {
    return JSON.stringify(seen(value, this.anonymous))
  }

  /** @param {import('./programs').Step} step @returns {Promise<Outcome>} */
  async perform(step) {
    this.lines = []
    this.events = []
    this.args = []
    this.listsAll = false
    let how = /** @type {Outcome['how']} */ ('threw')
    let value
    let error
    try {
      value = step.run(this)
      how = 'returned'
      if (typeof value?.then === 'function') {
        how = 'rejected'
        value = await Promise.race([value, pause(PATIENCE, HANGS, { ref: false })])
        how = value === HANGS ? 'hangs' : 'resolved'
      }
    } catch (thrown) {
      error = value = thrown
    }
    const changed = this.args.map(({ given }) => this.shown(given))
    return {
      how,
      value: seen(error ?? this.own(value), this.anonymous),
      error,
      lines: [...this.lines],
      events: [...new Set(this.events)],
      changed: changed.filter((now, i) => now !== this.args[i].before)
    }
  }

  /**
   * Rows in an order, and none of other programs; of a list of all there are none of other specs either, which come and go.
   * @private
   * @param {any} value
   */
  own(value) {
    if (Array.isArray(value)) return this.ownRows(value)
    if (typeof value !== 'object' || value === null) return value
    const lists = Object.entries(value).filter(([, list]) => Array.isArray(list))
    return {
      ...value,
      ...Object.fromEntries(lists.map(([key, list]) => [key, this.ownRows(list)]))
    }
  }

  /** @private @param {any[]} rows @returns {any[]} */
  ownRows(rows) {
    const isOthers = (/** @type {string} */ name) =>
      this.listsAll ? !name.startsWith('__') : name.startsWith(FAMILY)
    const isOwn = (/** @type {any} */ name) =>
      typeof name !== 'string' || name.startsWith(this.prefix) || !isOthers(name)
    return rows
      .filter(row => [row, row?.topic, row?.name, row?.groupId].every(isOwn))
      .map(row =>
        Array.isArray(row?.partitions) ? { ...row, partitions: this.ownRows(row.partitions) } : row
      )
      .sort((a, b) => (this.shown(a) < this.shown(b) ? -1 : 1))
  }
}

module.exports = { FAMILY, World }
