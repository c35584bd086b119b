// @ts-check
'use strict'

/**
 * Turns the `ssl` option (Node's `tls.ConnectionOptions`) into what the engine's OpenSSL takes. It is read as `tls.connect` reads
 * it, when a client connects; the defaults are the process's (`tls.DEFAULT_*`, NODE_EXTRA_CA_CERTS, flags). Keys are decrypted
 * here. An option that the engine cannot honour is refused by name: TLS that is weaker than asked for, or otherwise
 * different, must not go unnoticed.
 */

const { createPrivateKey } = require('node:crypto')
const { readFileSync } = require('node:fs')
const tls = require('node:tls')
const { inspect, isDeepStrictEqual } = require('node:util')
const { createIdentityCheck, hasOwnCheck } = require('./identity')
const { readCiphers, readCurves, readSignatures } = require('./ciphers')
const { show } = require('../utils/show')
const { PATH_ADVICE, isBytes, isPath, noPem, plainCertificates, toBytes, toText } = require('./pem')
const { opensslConfiguration, securityLevel, usesOpensslRoots } = require('./process')
const { refusal } = require('./refusal')

/** @typedef {import('../native').NativeTls} NativeTls */

const REFUSED = [
  'secureContext',
  'crl',
  'pskCallback',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'clientCertEngine',
  'socket',
  'path',
  'localAddress',
  'localPort',
  'family',
  'timeout',
  'signal',
  'onread'
]

/** Node's. */
const SHORTEST_DH = 1024

/**
 * Throws if there is something in `ssl` that the engine cannot honour. Certificates and keys are not looked at yet.
 * @param {any} ssl the user's option
 */
const checkTls = ssl => {
  if (ssl) readSettings(ssl)
}

/**
 * @param {any} ssl the user's option
 * @returns {NativeTls | null} null: no TLS
 */
const toNativeTls = ssl => {
  if (!ssl) return null
  const options = ssl === true ? {} : ssl
  const settings = readSettings(options)
  const rejectUnauthorized =
    options.rejectUnauthorized ?? process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0'
  return {
    ...settings,
    ...readRoots(options),
    ...readIdentity(options),
    ...opensslConfiguration(),
    securityLevel: securityLevel(),
    servername: readServername(options.servername),
    rejectUnauthorized: rejectUnauthorized !== false,
    alpn: readAlpn(options.ALPNProtocols)
  }
}

/** What of `ssl` programs renew while they run. */
const MATERIAL = ['ca', 'cert', 'key', 'passphrase', 'pfx']

/**
 * Knows whether certificates or keys are others than when it was asked last: the program may have written new ones into its `ssl`, or
 * getters may know them.
 * @param {any} ssl the user's option
 * @returns {() => boolean}
 */
const createRenewals = ssl => {
  const read = () => MATERIAL.map(name => copyOf(ssl?.[name]))
  let known = read()
  return () => {
    const now = read()
    const differs = !isDeepStrictEqual(now, known)
    known = now
    return differs
  }
}

/** A list may be written to as well. @param {any} value */
const copyOf = value => (Array.isArray(value) ? [...value] : value)

/** Everything that the engine may or may not be able to do. */
const readSettings = options => {
  for (const field of REFUSED) {
    if (options[field] != null) throw refusal(field, 'is not supported')
  }
  for (const field of ['checkServerIdentity', 'lookup']) {
    const value = options[field]
    if (value != null && typeof value !== 'function') {
      throw refusal(field, `has to be a function, received ${value}`)
    }
  }
  return {
    host: readHost(options.host),
    port: readPort(options.port),
    checkServerIdentity: hasOwnCheck(options),
    allowPartialTrustChain: Boolean(options.allowPartialTrustChain),
    ...readCiphers(options),
    groups: readCurves(options),
    signatureAlgorithms: readSignatures(options),
    minDhSize: readNumber('minDHSize', options.minDHSize ?? SHORTEST_DH),
    options: readNumber('secureOptions', options.secureOptions ?? 0)
  }
}

const readNumber = (field, value) => {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw refusal(field, `has to be a whole number, received ${inspect(value)}`)
}

/** Where all connections go, as `tls.connect` has it below kafkajs. */
const readHost = host => {
  if (host == null) return null
  if (typeof host === 'string' && host !== '') return host
  throw refusal('host', `has to be a name or an address, received ${inspect(host)}`)
}

/** @returns {string | null} null: the name that is connected to */
const readServername = servername => {
  if (!servername) return null
  if (typeof servername === 'string') return servername
  throw refusal('servername', `has to be a name, received ${inspect(servername)}`)
}

const readPort = port => {
  if (port == null) return null
  const number = typeof port === 'string' && port.trim() !== '' ? Number(port) : port
  if (Number.isInteger(number) && number > 0 && number < 65536) return number
  throw refusal('port', `has to be a number from 1 to 65535, received ${inspect(port)}`)
}

const listOf = value => (value == null ? [] : Array.isArray(value) ? value : [value])

/** @returns {{ ca: string[], defaultCa: boolean }} PEM; `defaultCa`: and those that OpenSSL finds itself */
const readRoots = ({ ca }) => {
  if (ca) return { ca: listOf(ca).map(one => plainCertificates('ca', one)), defaultCa: false }
  const defaultCa = usesOpensslRoots()
  // Node ≥ 22.15 tells all roots that it trusts: its own, and those of the system if the process was told to use them.
  const { getCACertificates } = /** @type {any} */ (tls)
  if (getCACertificates) return { ca: getCACertificates('default'), defaultCa }
  return { ca: [...(defaultCa ? [] : tls.rootCertificates), ...extraRoots()], defaultCa }
}

const extraRoots = () => {
  const file = process.env.NODE_EXTRA_CA_CERTS
  if (!file) return []
  try {
    return [plainCertificates('ca', readFileSync(file))]
  } catch {
    // Node warns about this file when it starts, and goes on.
    return []
  }
}

/** What the client shows of itself. @returns {Pick<NativeTls, 'certs' | 'keys' | 'pfx'>} */
const readIdentity = ({ cert, key, passphrase, pfx }) => ({
  certs: listOf(cert || null)
    .filter(one => one.length !== 0)
    .map(one => plainCertificates('cert', one)),
  keys: listOf(key)
    .filter(one => one && one.length !== 0)
    .map(one => readKey(one, passphrase)),
  pfx: listOf(pfx)
    .filter(one => one && one.length !== 0)
    .map(one => {
      const { buf = one, passphrase: own = passphrase } = isBytes(one) ? {} : one
      if (!isBytes(buf)) {
        throw refusal('pfx', `has to be a Buffer, received ${show(buf)}`)
      }
      if (isPath(toText(buf))) throw refusal('pfx', `is a text ${PATH_ADVICE}`)
      return { bytes: toBytes(buf), passphrase: own == null ? '' : toText(own) }
    })
})

/** @returns {string} PKCS#8 PEM, not encrypted */
const readKey = (key, passphrase) => {
  const { pem = key, passphrase: own = passphrase } = isBytes(key) ? {} : key
  try {
    const privateKey = createPrivateKey({ key: pem, passphrase: own })
    return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  } catch (e) {
    // The message does not quote what was given, because it may be the key after all.
    throw refusal('key', `cannot be read: ${unreadable(pem) ?? e.message}`, e)
  }
}

/**
 * What the engine's words about certificates go on with: it tells that it has found none, and not what it was given instead.
 * @param {Pick<NativeTls, 'ca' | 'certs'>} tls
 * @param {string} refused
 * @returns {string | null}
 */
const whyUnusable = ({ ca, certs }, refused) => {
  if (!/^Invalid ssl\.(ca|cert):/.test(refused)) return null
  const given = refused.startsWith('Invalid ssl.ca:') ? ca : certs
  if (given.length === 0) return 'the list is empty'
  return given.map(noPem).find(why => why !== null) ?? null
}

/** @param {any} pem @returns {string | null} null: it looks like a key */
const unreadable = pem => {
  if (!isBytes(pem)) return null
  const text = toText(pem)
  return isPath(text) ? `it is a text ${PATH_ADVICE}` : noPem(text)
}

/** @returns {string[]} */
const readAlpn = protocols => {
  if (protocols == null) return []
  if (Array.isArray(protocols)) return protocols.map(toText)
  // Node also takes the bytes of the extension: each name after its length.
  const bytes = Buffer.from(
    protocols.buffer ?? protocols,
    protocols.byteOffset,
    protocols.byteLength
  )
  const names = []
  for (let at = 0; at < bytes.length; at += 1 + bytes[at]) {
    names.push(bytes.toString('latin1', at + 1, at + 1 + bytes[at]))
  }
  return names
}

module.exports = { checkTls, createIdentityCheck, createRenewals, toNativeTls, whyUnusable }
