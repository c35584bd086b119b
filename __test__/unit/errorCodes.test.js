'use strict'

const oracle = require('kafkajs/src/protocol/error')
const { errorCodes, describe: describeCode } = require('../../src/protocol/errorCodes')

describe('the error code table', () => {
  it('is the one of kafkajs up to code 88', () => {
    expect(errorCodes.filter(({ code }) => code <= 88)).toEqual(oracle.errorCodes)
  })

  it('goes on after it without gaps or repetitions', () => {
    const later = errorCodes.map(({ code }) => code).filter(code => code > 88)
    expect(later).toEqual(Array.from({ length: later.length }, (_, i) => 89 + i))
    expect(new Set(errorCodes.map(({ type }) => type)).size).toBe(errorCodes.length)
  })

  it('makes the entry of kafkajs for a code that nobody knows', () => {
    const { type, code, retriable, message } = oracle.createErrorFromCode(-7)
    expect(describeCode(-7)).toEqual({ type, code, retriable, message })
  })
})
