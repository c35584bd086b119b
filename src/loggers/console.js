// @ts-check
'use strict'

const { LEVELS } = require('./index')

const METHODS = {
  [LEVELS.ERROR]: 'error',
  [LEVELS.WARN]: 'warn',
  [LEVELS.INFO]: 'info',
  [LEVELS.DEBUG]: 'log'
}

/**
 * The default `logCreator`: one line of JSON per entry on the console.
 * @type {import('../..').logCreator}
 */
module.exports =
  () =>
  ({ namespace, level, label, log }) => {
    const prefix = namespace ? `[${namespace}] ` : ''
    const line = JSON.stringify({ level: label, ...log, message: `${prefix}${log.message}` })
    // Looked up at each call: programs and tests replace the methods of console.
    console[METHODS[level]]?.(line)
  }
