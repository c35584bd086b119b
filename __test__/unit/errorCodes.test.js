'use strict'

const fs = require('node:fs')
const oracle = require('kafkajs/src/protocol/error')
const { errorCodes, describe: describeCode } = require('../../src/protocol/errorCodes')

/** The engine's table: it acts by its own, users see this one. */
const engineCodes = () => {
  const source = fs
    .readFileSync(require.resolve('../../src/engine/protocol/error_table.rs'), 'utf8')
    .replace(/\\\n\s*/g, '')
  const row = /\((-?\d+), "(\w+)", (RETRY|FINAL),\s+"((?:[^"\\]|\\.)*)"\)/g
  return [...source.matchAll(row)].map(([, code, type, retry, message]) => ({
    type,
    code: Number(code),
    retriable: retry === 'RETRY',
    message
  }))
}

describe('the error code table', () => {
  it('is the one of kafkajs up to code 88', () => {
    expect(errorCodes.filter(({ code }) => code <= 88)).toEqual(oracle.errorCodes)
  })

  it('goes on after it without gaps or repetitions', () => {
    const later = errorCodes.map(({ code }) => code).filter(code => code > 88)
    expect(later).toEqual(Array.from({ length: later.length }, (_, i) => 89 + i))
    expect(new Set(errorCodes.map(({ type }) => type)).size).toBe(errorCodes.length)
  })

  it('is the one of the engine', () => {
    const withoutNone = engineCodes().filter(({ code }) => code !== 0)
    expect(withoutNone.length).toBeGreaterThan(100)
    expect(errorCodes.map(({ helpUrl, ...entry }) => entry)).toEqual(withoutNone)
  })

  it('makes the entry of kafkajs for a code that nobody knows', () => {
    const { type, code, retriable, message } = oracle.createErrorFromCode(-7)
    expect(describeCode(-7)).toEqual({ type, code, retriable, message })
  })
})
