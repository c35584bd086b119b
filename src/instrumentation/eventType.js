// @ts-check
'use strict'

/**
 * The name of an event: whose it is, and which.
 * @template {string} T
 * @param {T} namespace
 * @returns {<U extends string>(type: U) => `${T}.${U}`}
 */
module.exports = namespace => type => `${namespace}.${type}`
