// @ts-check
'use strict'

const { inspect } = require('node:util')
const { LEVELS } = require('./index')

const METHODS = {
  [LEVELS.ERROR]: 'error',
  [LEVELS.WARN]: 'warn',
  [LEVELS.INFO]: 'info',
  [LEVELS.DEBUG]: 'log'
}

/** @param {object} entry */
const toLine = entry => {
  try {
    return JSON.stringify(entry)
  } catch {
    // An error of the program's may lead back to itself, or have a BigInt.
    const show = value => (typeof value === 'string' ? value : inspect(value))
    return JSON.stringify(
      Object.fromEntries(Object.entries(entry).map(([name, value]) => [name, show(value)]))
    )
  }
}

/**
 * The default `logCreator`: one line of JSON per entry on the console.
 * @type {import('../..').logCreator}
 */
module.exports =
  () =>
  ({ namespace, level, label, log }) => {
    const prefix = namespace ? `[${namespace}] ` : ''
    const line = toLine({ level: label, ...log, message: `${prefix}${log.message}` })
    // Looked up at each call: programs and tests replace the methods of console.
    console[METHODS[level]]?.(line)
  }
