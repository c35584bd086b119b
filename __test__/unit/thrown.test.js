// @ts-check
'use strict'

const { causesOf, readable } = require('../../src/utils/thrown')

const fail = () => {
  throw new Error('looked at')
}

/** What programs may throw and nobody can look at. */
const ODD = [
  ['undefined', undefined],
  ['null', null],
  ['a symbol', Symbol('s')],
  ['an object without a prototype', Object.create(null)],
  ['a message without a text', { message: Object.create(null) }],
  ['a getter that throws', Object.defineProperty({}, 'message', { get: fail })],
  ['a Proxy that throws', new Proxy({}, { get: fail })],
  ['a Proxy that is nobody’s', new Proxy({}, { getPrototypeOf: fail })]
]

it.each(ODD)('%s becomes a TypeError', (_, thrown) => {
  const error = readable(thrown, 'eachMessage')
  expect(error).toBeInstanceOf(TypeError)
  expect(error.message).toMatch(/^eachMessage has thrown .*: throw an Error$/)
})

it.each([
  ['an error', new Error('bad')],
  ['a frozen error', Object.freeze(new Error('bad'))],
  ['one whose cause has no text', new Error('bad', { cause: Object.create(null) })],
  ['a string', 'bad'],
  ['an empty string', ''],
  ['zero', 0],
  ['a BigInt', 1n],
  ['a function', () => {}],
  ['an object', {}],
  [
    'an object that has a message and no prototype',
    Object.assign(Object.create(null), { message: 'bad' })
  ]
])('%s stays what it is', (_, thrown) => {
  expect(readable(thrown, 'eachMessage')).toBe(thrown)
})

describe('causes', () => {
  it('are named in their order', () => {
    const last = new Error('c')
    const middle = new Error('b', { cause: last })
    const first = new Error('a', { cause: middle })
    expect(causesOf(first)).toEqual([first, middle, last])
    expect(causesOf(null)).toEqual([])
  })

  it('that lead in a circle are named once', () => {
    const first = new Error('a')
    first.cause = new Error('b', { cause: first })
    expect(causesOf(first)).toEqual([first, first.cause])
  })

  it('that cannot be asked end the chain', () => {
    const cause = new Proxy({}, { get: fail })
    const error = new Error('a', { cause })
    expect(causesOf(error)).toEqual([error])
  })
})
