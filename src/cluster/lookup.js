// @ts-check
'use strict'

/**
 * Which addresses a name has, where the program knows better than the system: `ssl.lookup`, as `tls.connect` takes it, or what
 * a program has put in the place of `dns.lookup`. Else nobody is asked: the engine has the system's answer by itself.
 */

const dns = require('node:dns')

/** For `util.promisify`. What is put in the place of Node's function does not have it, whenever it was put there. */
const MARK = 'customPromisifyArgs'

/** @param {any} ssl the user's option */
const functionOf = ssl => ssl?.lookup ?? dns.lookup

/** @param {any} ssl */
const hasOwnLookup = ssl =>
  !Object.getOwnPropertySymbols(functionOf(ssl)).some(({ description }) => description === MARK)

/**
 * @param {any} ssl
 * @param {string} host
 * @param {(addresses: string[], message: string | null, code: string | null) => void} answer best first
 */
const lookUp = (ssl, host, answer) => {
  const fail = error =>
    answer([], String(error?.message ?? error), typeof error?.code === 'string' ? error.code : null)
  try {
    // As `net.connect` asks. Not all functions heed `all`.
    functionOf(ssl)(host, { family: 0, hints: 0, all: true }, (error, found) => {
      if (error) return fail(error)
      const addresses = Array.isArray(found) ? found : [found]
      answer(
        addresses.map(one => String(one?.address ?? one)),
        null,
        null
      )
    })
  } catch (e) {
    fail(e)
  }
}

module.exports = { hasOwnLookup, lookUp }
