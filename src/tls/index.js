// @ts-check
'use strict'

/**
 * Turns the `ssl` option (Node's `tls.ConnectionOptions`) into what the engine's TLS takes. `ssl: true` means what it means
 * in Node: its root certificates, NODE_EXTRA_CA_CERTS, NODE_TLS_REJECT_UNAUTHORIZED. Keys are decrypted and `pfx` files
 * taken apart here. An option that the engine cannot honour is refused by name: TLS that is weaker than asked for, or
 * otherwise different, must not go unnoticed.
 */

const { createPrivateKey } = require('node:crypto')
const { readFileSync } = require('node:fs')
const tls = require('node:tls')
const { inspect } = require('node:util')
const { createIdentityCheck, hasOwnCheck } = require('./identity')
const { readPkcs12 } = require('./pkcs12')
const { readCiphers, readCurves } = require('./ciphers')
const { refusal } = require('./refusal')

/** @typedef {import('../native').NativeTls} NativeTls */

const REFUSED = [
  'secureContext',
  'sigalgs',
  'crl',
  'secureOptions',
  'pskCallback',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'clientCertEngine',
  'socket',
  'path',
  'lookup',
  'localAddress',
  'localPort',
  'family',
  'timeout',
  'signal',
  'onread'
]

/** Node's names of a protocol version that allow nothing else. */
const SECURE_PROTOCOLS = {
  TLS_method: {},
  TLS_client_method: {},
  SSLv23_method: {},
  SSLv23_client_method: {},
  TLSv1_2_method: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' },
  TLSv1_2_client_method: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }
}

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
  const identity = readIdentity(options)
  return {
    ...settings,
    // Not looked at without verification, and then it may be any old file.
    ca: rejectUnauthorized === false ? [] : [...readRoots(options), ...identity.ca],
    cert: identity.cert,
    key: identity.key,
    servername: options.servername || null,
    rejectUnauthorized: rejectUnauthorized !== false,
    alpn: readAlpn(options.ALPNProtocols)
  }
}

/** Everything that the engine may or may not be able to do. */
const readSettings = options => {
  for (const field of REFUSED) {
    if (options[field] != null) throw refusal(field, 'is not supported')
  }
  const { checkServerIdentity } = options
  if (checkServerIdentity != null && typeof checkServerIdentity !== 'function') {
    throw refusal('checkServerIdentity', `has to be a function, received ${checkServerIdentity}`)
  }
  refuseSeveral('key', options.key)
  refuseSeveral('pfx', options.pfx)
  return {
    host: readHost(options.host),
    port: readPort(options.port),
    checkServerIdentity: hasOwnCheck(options),
    ...readVersions(options),
    cipherSuites: readCiphers(options.ciphers),
    groups: readCurves(options.ecdhCurve)
  }
}

/** Where all connections go, as `tls.connect` has it below kafkajs. */
const readHost = host => {
  if (host == null) return null
  if (typeof host === 'string' && host !== '') return host
  throw refusal('host', `has to be a name or an address, received ${inspect(host)}`)
}

const readPort = port => {
  if (port == null) return null
  const number = typeof port === 'string' && port.trim() !== '' ? Number(port) : port
  if (Number.isInteger(number) && number > 0 && number < 65536) return number
  throw refusal('port', `has to be a number from 1 to 65535, received ${inspect(port)}`)
}

/** Node would choose by the server's algorithms; the engine has one identity to show. */
const refuseSeveral = (field, value) => {
  const { length } = listOf(value)
  if (length > 1) throw refusal(field, `has to be one, received ${length}`)
}

const listOf = value => (value == null ? [] : Array.isArray(value) ? value : [value])

/** @returns {string} */
const toText = value => (typeof value === 'string' ? value : Buffer.from(value).toString())

/** @returns {string[]} PEM */
const readRoots = ({ ca }) => {
  if (ca) return listOf(ca).map(toText)
  // Node ≥ 22.15 knows them all, the system's included where the process was told to use those.
  const { getCACertificates } = /** @type {any} */ (tls)
  return getCACertificates
    ? getCACertificates('default')
    : [...tls.rootCertificates, ...extraRoots()]
}

const extraRoots = () => {
  const file = process.env.NODE_EXTRA_CA_CERTS
  if (!file) return []
  try {
    return [readFileSync(file, 'utf8')]
  } catch {
    // Node warns about this file when it starts, and goes on.
    return []
  }
}

/** @returns {{ cert: string | null, key: string | null, ca: string[] }} what the client shows of itself */
const readIdentity = ({ cert, key, passphrase, pfx }) => {
  const [first] = listOf(pfx)
  if (first) {
    const { buf = first, passphrase: own = passphrase } = isBytes(first) ? {} : first
    try {
      return readPkcs12(Buffer.from(buf, 'latin1'), own)
    } catch (e) {
      throw refusal('pfx', `cannot be read: ${e.message}`, e)
    }
  }
  return {
    cert: listOf(cert).map(toText).join('\n') || null,
    key: readKey(listOf(key)[0], passphrase),
    ca: []
  }
}

const isBytes = value => typeof value === 'string' || ArrayBuffer.isView(value)

/** @returns {string | null} PKCS#8 PEM, not encrypted */
const readKey = (key, passphrase) => {
  if (!key) return null
  const { pem = key, passphrase: own = passphrase } = isBytes(key) ? {} : key
  try {
    const privateKey = createPrivateKey({ key: pem, passphrase: own })
    return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  } catch (e) {
    throw refusal('key', `cannot be read: ${e.message}`, e)
  }
}

const readVersions = options => {
  const named = options.secureProtocol && SECURE_PROTOCOLS[options.secureProtocol]
  if (options.secureProtocol && !named) {
    throw refusal('secureProtocol', `"${options.secureProtocol}" is not supported`)
  }
  const { minVersion = null, maxVersion = null } = { ...options, ...named }
  if (maxVersion === 'TLSv1' || maxVersion === 'TLSv1.1') {
    throw refusal('maxVersion', `"${maxVersion}" is not supported, the oldest version is TLSv1.2`)
  }
  // An older minimum is met by TLSv1.2, the oldest version there is.
  const old = minVersion === 'TLSv1' || minVersion === 'TLSv1.1'
  return { minVersion: old ? null : minVersion, maxVersion }
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

module.exports = { checkTls, createIdentityCheck, toNativeTls }
