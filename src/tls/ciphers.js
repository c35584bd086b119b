// @ts-check
'use strict'

/**
 * `ssl.ciphers` and `ssl.ecdhCurve`: lists of names, in OpenSSL's spelling. What of it rustls has is offered, and nothing
 * else. OpenSSL's language of ciphers (`HIGH`, `!aNULL`, `@SECLEVEL=0`) is refused: it is about suites that rustls does not
 * have.
 */

const { constants, getCurves } = require('node:crypto')
const tls = require('node:tls')
const { refusal } = require('./refusal')

/** IANA's numbers. */
const SUITES = {
  TLS_AES_128_GCM_SHA256: 0x1301,
  TLS_AES_256_GCM_SHA384: 0x1302,
  TLS_CHACHA20_POLY1305_SHA256: 0x1303,
  'ECDHE-ECDSA-AES128-GCM-SHA256': 0xc02b,
  'ECDHE-ECDSA-AES256-GCM-SHA384': 0xc02c,
  'ECDHE-RSA-AES128-GCM-SHA256': 0xc02f,
  'ECDHE-RSA-AES256-GCM-SHA384': 0xc030,
  'ECDHE-RSA-CHACHA20-POLY1305': 0xcca8,
  'ECDHE-ECDSA-CHACHA20-POLY1305': 0xcca9
}

const isOfTls13 = number => number >> 8 === 0x13

const GROUPS = {
  'P-256': 0x17,
  prime256v1: 0x17,
  'P-384': 0x18,
  secp384r1: 0x18,
  X25519: 0x1d
}

/** Beside the curves that Node lists. */
const OTHER_GROUPS = ['P-521', 'X448']

/**
 * @param {any} ciphers
 * @returns {number[]} empty: all
 */
const readCiphers = ciphers => {
  // All of ours are in Node's own list.
  if (ciphers == null || ciphers === constants.defaultCoreCipherList) return []
  const isCipher = name => tls.getCiphers().includes(name.toLowerCase())
  const chosen = choose('ciphers', ciphers, /[: ,]+/, SUITES, isCipher)
  // As in Node: a list without a suite of TLS 1.3 is about TLS 1.2 alone.
  return chosen.some(isOfTls13) ? chosen : [...Object.values(SUITES).filter(isOfTls13), ...chosen]
}

/**
 * @param {any} curves
 * @returns {number[]} empty: all
 */
const readCurves = curves => {
  if (curves == null || curves === 'auto' || curves === '') return []
  const isCurve = name => getCurves().includes(name) || OTHER_GROUPS.includes(name)
  return choose('ecdhCurve', curves, /:/, GROUPS, isCurve)
}

/** The numbers of what is named. What rustls does not have is not offered. */
const choose = (field, value, separator, numbers, isKnown) => {
  const names = String(value).split(separator).filter(Boolean)
  for (const name of names) {
    if (!Object.hasOwn(numbers, name) && !isKnown(name)) {
      throw refusal(
        field,
        `"${name}" is not supported, only names: ${Object.keys(numbers).join(', ')}`
      )
    }
  }
  const chosen = names.filter(name => Object.hasOwn(numbers, name)).map(name => numbers[name])
  if (chosen.length === 0) {
    throw refusal(field, `"${value}" has none of ${Object.keys(numbers).join(', ')}`)
  }
  return [...new Set(chosen)]
}

module.exports = { readCiphers, readCurves }
