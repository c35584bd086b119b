// @ts-check
'use strict'

/** What the program has thrown. That may be anything, and something that cannot be looked at must not keep a consumer from going on. */

/**
 * As an error that can be judged, logged and wrapped: itself, as a rule. What says nothing (null), has no text (a Symbol, an object
 * without a prototype) or throws when it is looked at (a Proxy, a getter) is a mistake in the program: a TypeError instead.
 * @param {any} value
 * @param {string} by who has thrown it
 * @returns {any}
 */
const readable = (value, by) =>
  isReadable(value)
    ? value
    : new TypeError(`${by} has thrown ${nameOf(value)}, which says nothing: throw an Error`)

/** @param {any} value */
const isReadable = value => {
  if (value == null) return false
  try {
    const { name, message, stack, type, code, retriable, cause } = value
    // Looked at is enough for these; of a Proxy, `instanceof` is a trap as well.
    void [type, code, retriable, cause, value instanceof Error]
    return [name, message, stack, message || value].every(part => typeof `${part}` === 'string')
  } catch {
    return false
  }
}

/** @param {any} value that is not readable */
const nameOf = value =>
  typeof value === 'object' && value !== null ? 'an object that has no text' : String(value)

/**
 * An error, its cause, the cause of that: as far as they can be looked at. They may lead in a circle.
 * @param {any} error
 * @returns {any[]}
 */
const causesOf = error => {
  const chain = []
  try {
    for (let at = error; at != null && !chain.includes(at);) {
      // One that cannot be asked for its cause cannot be asked for anything.
      const cause = at.cause || null
      chain.push(at)
      at = cause
    }
  } catch {
    return chain
  }
  return chain
}

module.exports = { causesOf, readable }
