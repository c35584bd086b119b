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
const UNARY = ['isZero', 'isNegative', 'toString', 'toNumber', 'toInt', 'toJSON', 'getHighBits', 'getLowBits'] // prettier-ignore
const BINARY = ['compare', 'equals', 'notEquals', 'lessThan', 'greaterThanOrEqual', 'gte', 'add', 'multiply'] // prettier-ignore

describe('Long', () => {
  it.each(VALUES)('%p answers like the Long of kafkajs', value => {
    const [ours, theirs] = [Long.fromValue(value), Oracle.fromValue(value)]
    expect(ours).toEqual(expect.objectContaining({ value: theirs.value }))
    for (const method of UNARY) expect(ours[method]()).toEqual(theirs[method]())
    for (const method of BINARY) {
      for (const other of VALUES) {
        expect(String(ours[method](other))).toBe(String(theirs[method](other)))
      }
    }
    expect(JSON.stringify({ ours })).toBe(JSON.stringify({ ours: theirs }))
  })

  it('subtracts', () => {
    expect(Long.fromValue('9007199254740993').subtract('1').toString()).toBe('9007199254740992')
  })

  it.each([undefined, null, 1.5, 'ABC', '', {}])('refuses %p', value => {
    expect(() => Long.fromValue(value)).toThrow()
  })
})
