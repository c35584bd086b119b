// @ts-check
'use strict'

/** What a program can see of a value, in a form that can be compared: names that are one library's own stand for those of both. */

// Node's own are of another realm than Jest's.
const { isNativeError } = require('node:util').types

/** Fields of an error that say where and when it was made, and where to read on. */
const PASSING = [
  'broker',
  'correlationId',
  'createdAt',
  'generatedMessage',
  'helpUrl',
  'host',
  'message',
  'name',
  'pendingDuration',
  'port',
  'retryTime',
  'sentAt',
  'stack'
]

/**
 * @param {any} value
 * @param {(text: string) => string} anonymous
 * @param {any[]} [above]
 * @returns {any} of JSON
 */
const seen = (value, anonymous, above = []) => {
  if (typeof value === 'string') return anonymous(value)
  if (typeof value === 'boolean' || value === null) return value
  if (Number.isFinite(value) && !Object.is(value, -0)) return value
  if (typeof value === 'bigint') return `<${value}n>`
  if (typeof value === 'function') return '<function>'
  if (typeof value !== 'object') return `<${Object.is(value, -0) ? '-0' : String(value)}>`
  if (above.includes(value)) return '<circle>'
  const of = (/** @type {any} */ part) => seen(part, anonymous, [...above, value])
  if (ArrayBuffer.isView(value)) return `<${value.constructor.name} ${hexOf(value)}>`
  if (value instanceof Date) return `<Date ${value.getTime()}>`
  if (Array.isArray(value)) return value.map(of)
  if (isNativeError(value)) {
    const fields = Object.entries(value).filter(
      ([name, field]) => !PASSING.includes(name) && field !== undefined
    )
    return {
      classes: classesOf(value),
      name: String(value.name),
      message: anonymous(String(value.message)),
      fields: Object.fromEntries(fields.map(([name, field]) => [name, of(field)]))
    }
  }
  const own = Object.entries(value).map(([name, part]) => [anonymous(name), of(part)])
  const { name = 'Object' } = value.constructor ?? {}
  return { ...(name !== 'Object' && { class: name }), ...Object.fromEntries(own) }
}

/** @param {ArrayBufferView} view */
const hexOf = ({ buffer, byteOffset, byteLength }) =>
  Buffer.from(buffer, byteOffset, byteLength).toString('hex')

/** @param {object} error */
const classesOf = error => {
  const names = /** @type {string[]} */ ([])
  let at = Object.getPrototypeOf(error)
  for (; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    names.push(at.constructor.name)
  }
  return names.join(' < ')
}

/**
 * Where what kafkars shows is not what kafkajs shows. Errors of kafkars may have more fields, and their messages may go on.
 * @param {any} kafkajs
 * @param {any} kafkars
 * @param {string} [at]
 * @returns {string[]}
 */
const differencesOf = (kafkajs, kafkars, at = '') => {
  if (Array.isArray(kafkajs) && Array.isArray(kafkars) && kafkajs.length === kafkars.length) {
    return kafkajs.flatMap((part, i) => differencesOf(part, kafkars[i], `${at}[${i}]`))
  }
  if (isPlain(kafkajs) && isPlain(kafkars)) {
    const more = at.endsWith('.fields') ? [] : Object.keys(kafkars)
    const names = new Set([...Object.keys(kafkajs), ...more])
    return [...names].flatMap(name => differencesOf(kafkajs[name], kafkars[name], `${at}.${name}`))
  }
  const [theirs, ours] = [kafkajs, kafkars].map(value => JSON.stringify(value))
  const goesOn = at.endsWith('.message') && ours?.startsWith(theirs?.slice(0, -1))
  return theirs === ours || goesOn ? [] : [`${at} is ${ours}, of kafkajs ${theirs}`]
}

/** @param {any} value */
const isPlain = value => typeof value === 'object' && value !== null && !Array.isArray(value)

module.exports = { differencesOf, seen }
