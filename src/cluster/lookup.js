// @ts-check
'use strict'

/**
 * The addresses of a broker's name, when the program has a function of its own for that: `ssl.lookup`, as `tls.connect` takes it,
 * or a replacement of `dns.lookup`. Without one the engine asks the system itself, and JavaScript is not called.
 */

const dns = require('node:dns')
const { readable } = require('../utils/thrown')

/** A symbol of this description, for `util.promisify`, is on Node's `dns.lookup` and on no replacement of it. */
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
  const fail = thrown => {
    const error = thrown == null ? thrown : readable(thrown, 'The lookup')
    answer([], String(error?.message ?? error), typeof error?.code === 'string' ? error.code : null)
  }
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
