// @ts-check
'use strict'

/**
 * What arguments are made of: good ones, and odd ones. A part is made anew for each library, so that neither sees what the other one has done
 * to it.
 */

/** @typedef {(suffix: string) => string} Name of a topic or a group: each library has its own */
/** @typedef {{ text: string, make: (name: Name) => any }} Part `text`: as a program would write it */
/** @typedef {{ good: Part[], odd: Part[] }} Pool */

/** @param {string} text @param {Part['make']} make @returns {Part} */
const fresh = (text, make) => ({ text, make })

/** @param {any} value a primitive */
const lit = value => {
  const text = typeof value === 'bigint' ? `${value}n` : Object.is(value, -0) ? '-0' : String(value)
  return fresh(typeof value === 'string' ? JSON.stringify(value) : text, () => value)
}

/** @param {any[]} values primitives */
const lits = (...values) => values.map(lit)

/** @param {string} suffix */
const named = suffix => fresh(`<${suffix}>`, name => name(suffix))

/** @param {Part[]} parts @returns {Part} */
const list = parts =>
  fresh(`[${parts.map(({ text }) => text).join(', ')}]`, name => parts.map(part => part.make(name)))

/** @param {Record<string, Part | undefined>} parts @returns {Part} of those that are not undefined */
const object = parts => {
  const given = Object.entries(parts).flatMap(([key, part]) =>
    part ? [/** @type {const} */ ([key, part])] : []
  )
  return fresh(`{ ${given.map(([key, { text }]) => `${key}: ${text}`).join(', ')} }`, name =>
    Object.fromEntries(given.map(([key, part]) => [key, part.make(name)]))
  )
}

/** In the place of anything. */
const WRONG = [
  ...lits(undefined, null, 0, 7, -1, 1.5, NaN, '', 'x', true, false, 1n),
  fresh('{}', () => ({})),
  fresh('[]', () => []),
  fresh('[null]', () => [null]),
  fresh('[undefined]', () => [undefined]),
  fresh('["x"]', () => ['x']),
  fresh('[7]', () => [7]),
  fresh('() => {}', () => () => {}),
  fresh('Symbol("s")', () => Symbol('s')),
  fresh('new Date(0)', () => new Date(0)),
  fresh('new Map()', () => new Map()),
  fresh('new Set(["x"])', () => new Set(['x']))
]

const buffer = (/** @type {string} */ text) =>
  fresh(`Buffer.from("${text}")`, () => Buffer.from(text))

/** @type {Pool} */
const KEYS = {
  good: [...lits(undefined, null, 'k', '', 'ключ'), buffer('k'), buffer('')],
  odd: [
    ...lits(7, 0, true, false, 1n),
    fresh('{}', () => ({})),
    fresh('[]', () => []),
    fresh('new Uint8Array([107])', () => new Uint8Array([107])),
    fresh('new String("k")', () => new String('k'))
  ]
}

/** @type {Pool} */
const VALUES = {
  good: [
    ...lits('v', '', null, 'значение', '\ud800'),
    buffer('v'),
    buffer(''),
    fresh('"x".repeat(3000)', () => 'x'.repeat(3000))
  ],
  odd: [
    ...lits(undefined, 7, 0, NaN, true, false, 1n),
    fresh('{}', () => ({})),
    fresh('{ toString }', () => ({ toString: () => 'v' })),
    fresh('["v"]', () => ['v']),
    fresh('new Uint8Array([118])', () => new Uint8Array([118])),
    fresh('new Uint16Array([118])', () => new Uint16Array([118])),
    fresh('new ArrayBuffer(2)', () => new ArrayBuffer(2)),
    fresh('new String("v")', () => new String('v')),
    fresh('new Date(0)', () => new Date(0)),
    fresh('Promise.resolve("v")', () => Promise.resolve('v')),
    fresh('() => {}', () => () => {})
  ]
}

/** @type {Pool} */
const HEADERS = {
  good: [
    lit(undefined),
    fresh('{}', () => ({})),
    fresh('{ a: "x" }', () => ({ a: 'x' })),
    fresh('{ a: Buffer.from("x") }', () => ({ a: Buffer.from('x') })),
    fresh('{ a: ["x", Buffer.from("y")] }', () => ({ a: ['x', Buffer.from('y')] })),
    fresh('{ a: [] }', () => ({ a: [] })),
    fresh('{ 2: "x", a: "", 1: "y" }', () => ({ 2: 'x', a: '', 1: 'y' })),
    fresh('{ "": "x" }', () => ({ '': 'x' })),
    fresh('{ ключ: "ё" }', () => ({ ключ: 'ё' })),
    fresh('{ inherited }', () =>
      Object.create({ a: 'x' }, { b: { value: 'y', enumerable: true } })
    ),
    fresh('{ __proto__: null, a: "x" }', () => Object.assign(Object.create(null), { a: 'x' })),
    fresh('{ "__proto__", toString }', () => JSON.parse('{"__proto__":"x","toString":"y"}'))
  ],
  odd: [
    ...lits(null, 'a', '', 5, 0, false, true),
    fresh('{ a: null }', () => ({ a: null })),
    fresh('{ a: undefined }', () => ({ a: undefined })),
    fresh('{ a: 1 }', () => ({ a: 1 })),
    fresh('{ a: {} }', () => ({ a: {} })),
    fresh('{ a: [null] }', () => ({ a: [null] })),
    fresh('{ a: [["x"]] }', () => ({ a: [['x']] })),
    fresh('{ a: new Uint8Array([120]) }', () => ({ a: new Uint8Array([120]) })),
    fresh('[]', () => []),
    fresh('new Map()', () => new Map()),
    fresh('() => {}', () => () => {})
  ]
}

/** @type {Pool} */
const TIMESTAMPS = {
  good: lits(undefined, '1700000000000', 1700000000001, 0),
  odd: [
    ...lits(null, '', '0', -1, '-1', -0, 1700000000000.7, '1700000000000.7', NaN, 'now', true),
    ...lits(false, 1700000000003n, '1e3', ' 1700000000000 ', '0x10', Infinity, 5, '5', 2 ** 53),
    ...lits('9223372036854775807', '9223372036854775808'),
    fresh('{}', () => ({})),
    fresh('[1700000000000]', () => [1700000000000]),
    fresh('new Date(1700000000002)', () => new Date(1700000000002)),
    fresh('new Date(NaN)', () => new Date(NaN))
  ]
}

/** Of a topic with three. @type {Pool} */
const PARTITIONS = {
  good: lits(0, 1, 2),
  odd: [
    ...lits(3, 99, -1, NaN, 1.5, true, 1n, '', 'x', 2 ** 31, undefined, null),
    fresh('[0]', () => [0]),
    fresh('{}', () => ({}))
  ]
}

/** Of texts kafkajs waits in vain for an answer. @type {Pool} */
const ACKS = { good: lits(undefined, -1, 1, 0), odd: lits(2, -2) }

/** @type {Pool} */
const TIMEOUTS = {
  good: lits(undefined, 5000, 30000),
  odd: [...lits('5000', 'x', NaN), fresh('{}', () => ({}))]
}

/** @type {Pool} */
const COMPRESSIONS = {
  good: lits(undefined, 0, 1),
  odd: [...lits(null, 2, 3, 4, 5, -1, 'gzip', '1', NaN, 1.5), fresh('{}', () => ({}))]
}

/** @type {Pool} */
const TOPICS = {
  good: [named('one'), named('three')],
  odd: [
    ...lits(undefined, null, '', 0, 7, true, '.', '..', 'a b', 'ü', 'a/b'),
    fresh('"x".repeat(250)', () => 'x'.repeat(250)),
    fresh('{}', () => ({})),
    fresh('[<one>]', name => [name('one')]),
    fresh('Symbol("t")', () => Symbol('t'))
  ]
}

/** What is committed. @type {Pool} */
const OFFSETS = {
  good: lits('1', '2', 3),
  odd: lits(undefined, null, '', '-1', -1, 'x', 1.5, 3n, NaN, true)
}

module.exports = {
  ACKS,
  COMPRESSIONS,
  HEADERS,
  KEYS,
  OFFSETS,
  PARTITIONS,
  TIMEOUTS,
  TIMESTAMPS,
  TOPICS,
  VALUES,
  WRONG,
  fresh,
  list,
  lit,
  lits,
  named,
  object
}
