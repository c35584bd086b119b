// @ts-check
'use strict'

/**
 * Things that have a number from `add` until `take`: the lowest ones there are, each used again and again.
 *
 * No Map with a growing key, where things come and go by the hundred thousand: each table that a Map has outgrown holds on to the
 * next one, and once one of them is old, V8's collector of young objects takes all that they ever held for alive.
 *
 * @template {object} T
 */
class Numbered {
  constructor() {
    /** A thing, or the next free number. @type {(T | number)[]} */
    this.places = []
    this.free = -1
  }

  /** The number that the next thing will have. */
  get next() {
    return this.free === -1 ? this.places.length : this.free
  }

  /** @param {T} thing */
  add(thing) {
    const { places, next } = this
    if (next < places.length) this.free = /** @type {number} */ (places[next])
    places[next] = thing
  }

  /** @param {number} number @returns {T | undefined} nothing has this number: undefined */
  take(number) {
    const thing = this.places[number]
    if (typeof thing !== 'object') return undefined
    this.places[number] = this.free
    this.free = number
    return thing
  }

  /** Takes all there are. @returns {T[]} in no order */
  takeAll() {
    const things = this.places.filter(place => typeof place === 'object')
    this.places = []
    this.free = -1
    return /** @type {T[]} */ (things)
  }
}

module.exports = { Numbered }
