// @ts-check
'use strict'

/**
 * What a process of a chaos run writes down, see `ledger.js`: one line per entry, fields separated by tabs, written before the
 * program goes on, so that not even a SIGKILL can make it forget. The process ends with the one that judges it.
 *
 *   kind  time  ...
 *   u     when  message                a rejection that nobody handles
 *   l     when  ms                     the event loop stood still for so long
 *   r     when  bytes                  resident memory
 */

const fs = require('node:fs')
const { performance } = require('node:perf_hooks')

const TICK = 50

/**
 * @param {string} path of the ledger; the client's log is beside it
 * @returns what writes an entry, and the options of a client that logs beside it
 */
const startJournal = path => {
  const file = fs.openSync(path, 'a')
  /** @param {string} kind @param {(string | number | boolean)[]} fields */
  const write = (kind, ...fields) =>
    fs.writeSync(file, `${[kind, Date.now(), ...fields].join('\t')}\n`)

  process.on('unhandledRejection', error =>
    write('u', String(/** @type {any} */ (error)?.stack).replace(/\s+/g, ' '))
  )
  // Nobody is left to read the ledger.
  process.on('disconnect', () => process.exit(1))

  let last = performance.now()
  setInterval(() => {
    const stall = performance.now() - last - TICK
    last = performance.now()
    if (stall > 100) write('l', Math.round(stall))
  }, TICK)
  setInterval(() => write('r', process.memoryUsage().rss), 2000)

  const logCreator = () => (/** @type {object} */ entry) =>
    fs.appendFileSync(`${path}.log`, `${JSON.stringify(entry)}\n`)
  return { write, logCreator }
}

module.exports = { startJournal }
