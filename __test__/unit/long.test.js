'use strict'

const Oracle = require('kafkajs/src/utils/long')
const Long = require('../../src/utils/long')

const VALUES = [
  0,
  1,
  -1,
  42,
  '9223372036854775807',
  '-9223372036854775808',
  4294967296n,
  'NaN',
  NaN
]
const UNARY = ['isZero', 'isNegative', 'not', 'toString', 'toNumber', 'toInt', 'toJSON', 'getHighBits', 'getLowBits'] // prettier-ignore
const BINARY = ['compare', 'equals', 'notEquals', 'lessThan', 'greaterThanOrEqual', 'gte', 'add', 'multiply', 'and', 'or', 'xor'] // prettier-ignore
const SHIFTS = ['shiftLeft', 'shiftRight', 'shiftRightUnsigned']
const CONSTANTS = ['MIN_VALUE', 'MAX_VALUE', 'ZERO', 'ONE']

describe('Long', () => {
  it.each(VALUES)('%p answers like the Long of kafkajs', value => {
    const [ours, theirs] = [Long.fromValue(value), Oracle.fromValue(value)]
    expect(ours).toEqual(expect.objectContaining({ value: theirs.value }))
    for (const method of UNARY) expect(String(ours[method]())).toBe(String(theirs[method]()))
    for (const method of SHIFTS) {
      for (const bits of [0, 1, 40n]) {
        expect(String(ours[method](bits))).toBe(String(theirs[method](bits)))
      }
    }
    for (const method of BINARY) {
      for (const other of VALUES) {
        expect(String(ours[method](other))).toBe(String(theirs[method](other)))
      }
    }
    expect(JSON.stringify({ ours })).toBe(JSON.stringify({ ours: theirs }))
  })

  it('has all that the Long of kafkajs has', () => {
    const names = (/** @type {any} */ of) => Object.getOwnPropertyNames(of)
    expect(names(Long)).toEqual(expect.arrayContaining(names(Oracle)))
    expect(names(Long.prototype)).toEqual(expect.arrayContaining(names(Oracle.prototype)))
  })

  it('has its constants', () => {
    for (const name of CONSTANTS) {
      expect(Long[name]).toBeInstanceOf(Long)
      expect(String(Long[name])).toBe(String(Oracle[name]))
    }
  })

  it.each(['fromBits', 'fromInt', 'fromNumber', 'fromString', 'fromValue'])('%s()', method => {
    for (const value of method === 'fromString' ? ['7', '-7', 'NaN'] : [7, -7, 2 ** 40]) {
      expect(String(Long[method](value))).toBe(String(Oracle[method](value)))
    }
  })

  it('subtracts', () => {
    expect(Long.fromValue('9007199254740993').subtract('1').toString()).toBe('9007199254740992')
  })

  it.each([undefined, null, 1.5, 'ABC', '', {}])('refuses %p', value => {
    expect(() => Long.fromValue(value)).toThrow()
  })
})
