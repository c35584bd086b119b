// @ts-check
'use strict'

/** Values of the user's, as messages name them. */

const { inspect } = require('node:util')

/** Characters of a text: enough to recognise it. */
const LONGEST = 200
/** Of an object: enough as well. */
const MOST_NAMES = 8

/**
 * A value in the words of an error: texts and numbers as they are, of everything else only what it is. The user and password of a
 * URL are left out.
 * @param {any} value
 * @returns {string}
 */
const show = value => {
  if (typeof value === 'string') {
    const text = value.replace(/\/\/[^/@]*@/g, '//…@')
    return `"${text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}"`
  }
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Promise) return 'a promise (await it)'
  if (typeof value === 'object' && value !== null) return 'an object'
  return inspect(value)
}

/** A value that was refused: as kafkajs says it, but for objects. @param {any} value */
const named = value => (typeof value === 'object' && value !== null ? show(value) : String(value))

/** The same, but objects that have a text are said by it. @param {any} value */
const said = value => {
  try {
    return `${value}`
  } catch {
    return named(value)
  }
}

/** An object by what is in it, one level deep: where a name is wrong, people see which. @param {any} value */
const showEntry = value => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return show(value)
  const entries = Object.entries(value).slice(0, MOST_NAMES)
  return entries.length === 0
    ? 'an empty object'
    : `{ ${entries.map(([name, one]) => `${name}: ${show(one)}`).join(', ')} }`
}

module.exports = { named, said, show, showEntry }
