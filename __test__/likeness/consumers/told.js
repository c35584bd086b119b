// @ts-check
'use strict'

/** What a program can see of values, errors and messages, as text that may be compared. */

const { inspect } = require('node:util')

/** @param {any} value @returns {string} its kind, and those of its members */
const shape = value => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `[${[...new Set(value.map(shape))].join('|')}]`
  if (typeof value !== 'object') return typeof value
  const name = value.constructor?.name ?? 'no prototype'
  if (name !== 'Object') return name
  const members = Object.keys(value).map(key => `${key}:${shape(value[key])}`)
  return `{${members.join(',')}}`
}

/** kafkars says more, and of which partition, behind the words of kafkajs. @param {any} error @returns {any} */
const ofError = error => {
  if (!(error instanceof Error)) return { thrown: inspect(error) }
  const { name, message, retriable, type, cause } = /** @type {any} */ (error)
  const keys = Object.keys(error).filter(key => key !== 'topic' && key !== 'partition')
  const is = { class: error.constructor.name, name, message, retriable, type, keys: keys.sort() }
  return cause ? { ...is, cause: ofError(cause) } : is
}

/** @param {any} bytes */
const text = bytes => bytes && `${bytes.constructor.name} ${bytes.toString('latin1')}`

/** @param {any} message */
const ofMessage = message => {
  const headers = Object.entries(message.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.map(text) : text(value)
  ])
  const { key, value, ...rest } = message
  const is = { ...rest, key: text(key), value: text(value), headers: Object.fromEntries(headers) }
  return `${Object.keys(message)} ${line(is)}`
}

/** @param {any} value */
const line = value => inspect(value, { depth: 9, breakLength: Infinity })

module.exports = { line, ofError, ofMessage, shape }
