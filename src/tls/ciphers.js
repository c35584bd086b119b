// @ts-check
'use strict'

/**
 * Versions and ciphers, from `ssl` or else from the process (`--tls-min-v1.3`, `--tls-cipher-list`, `tls.DEFAULT_CIPHERS` …):
 * as `tls.createSecureContext` reads them.
 */

const tls = require('node:tls')
const { inspect } = require('node:util')
const { refusal } = require('./refusal')

const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

const only = version => ({ minVersion: version, maxVersion: version })

/** Node's names of protocols. SSL 2 and 3 are gone there, too. */
const METHODS = {
  TLS: { minVersion: 'TLSv1', maxVersion: 'TLSv1.3' },
  SSLv23: { maxVersion: 'TLSv1.2' },
  TLSv1: only('TLSv1'),
  TLSv1_1: only('TLSv1.1'),
  TLSv1_2: only('TLSv1.2')
}

/** @returns {{ minVersion: string, maxVersion: string }} */
const readVersions = ({ secureProtocol, minVersion, maxVersion }) => {
  const named = readMethod(secureProtocol, minVersion ?? maxVersion)
  return {
    minVersion: readVersion(
      'minVersion',
      named.minVersion ?? minVersion ?? tls.DEFAULT_MIN_VERSION
    ),
    maxVersion: readVersion('maxVersion', named.maxVersion ?? maxVersion ?? tls.DEFAULT_MAX_VERSION)
  }
}

/** @returns {{ minVersion?: string, maxVersion?: string }} */
const readMethod = (secureProtocol, version) => {
  if (!secureProtocol) return {}
  const name = String(secureProtocol).replace(/(_client)?_method$/, '')
  if (!Object.hasOwn(METHODS, name)) {
    throw refusal('secureProtocol', `"${secureProtocol}" is not supported`)
  }
  if (version != null) throw refusal('secureProtocol', `conflicts with the version ${version}`)
  return METHODS[name]
}

const readVersion = (field, version) => {
  if (VERSIONS.includes(version)) return version
  throw refusal(field, `has to be one of ${VERSIONS.join(', ')}, received ${inspect(version)}`)
}

/**
 * Names of suites of TLS 1.3 are one list, all others are in OpenSSL's language of ciphers and about the older versions. One
 * that names no suite of TLS 1.3 leaves them alone, and one that names no other is about TLS 1.3 alone.
 * @param {any} options
 * @returns {{ ciphers: string, cipherSuites: string | null, minVersion: string, maxVersion: string }}
 */
const readCiphers = options => {
  const versions = readVersions(options)
  const list = options.ciphers ?? tls.DEFAULT_CIPHERS
  if (typeof list !== 'string') {
    throw refusal('ciphers', `has to be a string, received ${inspect(list)}`)
  }
  const names = list.split(':').filter(Boolean)
  if (names.length === 0) throw refusal('ciphers', 'names no cipher')
  const isOfTls13 = name => name.startsWith('TLS_')
  const ciphers = names.filter(name => !isOfTls13(name)).join(':')
  const cipherSuites = names.filter(isOfTls13).join(':') || null
  if (ciphers === '' && versions.maxVersion === 'TLSv1.3') versions.minVersion = 'TLSv1.3'
  return { ...versions, ciphers, cipherSuites }
}

/** @returns {string | null} null: OpenSSL's own */
const readCurves = ({ ecdhCurve }) => {
  const curves = ecdhCurve ?? tls.DEFAULT_ECDH_CURVE
  if (typeof curves !== 'string') {
    throw refusal('ecdhCurve', `has to be a string, received ${inspect(curves)}`)
  }
  return curves === 'auto' ? null : curves
}

/** @returns {string | null} null: OpenSSL's own */
const readSignatures = ({ sigalgs }) => {
  if (sigalgs == null) return null
  if (typeof sigalgs === 'string' && sigalgs !== '') return sigalgs
  throw refusal('sigalgs', `has to be a list of names, received ${inspect(sigalgs)}`)
}

module.exports = { readCiphers, readCurves, readSignatures }
