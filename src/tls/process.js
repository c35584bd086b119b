// @ts-check
'use strict'

/**
 * What the process is told about TLS, beyond what Node hands out itself (`tls.DEFAULT_MIN_VERSION`, `tls.DEFAULT_CIPHERS`, …):
 * flags of the command line and of NODE_OPTIONS, and how Node's OpenSSL was built.
 */

const { readFileSync } = require('node:fs')

const { execArgv, config, env, versions } = process

/** As in Node. */
const USUAL_CONFIGURATION = '/etc/ssl/openssl.cnf'

/** Node takes `_` for `-`, and the last of several. NODE_OPTIONS come first. @returns {string[]} */
const flags = () =>
  [...(env.NODE_OPTIONS ?? '').split(/[\s"']+/), ...execArgv].map(flag => {
    const [name, ...value] = flag.split('=')
    return [name.replaceAll('_', '-').replace(/^-+/, '--'), ...value].join('=')
  })

const has = name => flags().includes(name)

/** Are the roots OpenSSL's: SSL_CERT_FILE, SSL_CERT_DIR, or its usual places? */
const usesOpensslRoots = () =>
  flags().findLast(flag => flag === '--use-openssl-ca' || flag === '--use-bundled-ca') ===
  '--use-openssl-ca'

/**
 * The file that configures OpenSSL, null for the usual one, and Node's section of it.
 * @returns {{ configuration: string | null, section: string }}
 */
const opensslConfiguration = () => {
  const named = flags().findLast(flag => flag.startsWith('--openssl-config='))
  return {
    configuration: named?.slice('--openssl-config='.length) || env.OPENSSL_CONF || null,
    section: has('--openssl-shared-config') ? 'openssl_conf' : 'nodejs_conf'
  }
}

/**
 * The security level of Node's OpenSSL: 1 until Node 22 (built so with OpenSSL 3.5, too) and 2 from Node 24 on, or where a
 * distribution has built it. Null where the configuration may name one: that counts, or 2.
 * @param {{ node?: string, shared?: boolean, text?: string }} [build] of Node
 * @returns {number | null}
 */
const securityLevel = ({
  node = versions.node,
  shared = Boolean(/** @type {any} */ (config.variables).node_shared_openssl),
  text = readConfiguration()
} = {}) => {
  const isOurs = new RegExp(`^\\s*${opensslConfiguration().section}\\s*=`, 'm').test(text)
  if ((isOurs && /SECLEVEL/i.test(text)) || /^\s*\.include\b/m.test(text)) return null
  return shared || Number.parseInt(node, 10) >= 24 ? 2 : 1
}

const readConfiguration = () => {
  try {
    return readFileSync(opensslConfiguration().configuration ?? USUAL_CONFIGURATION, 'utf8')
  } catch {
    // A file that cannot be read is none: OpenSSL goes on without it, too.
    return ''
  }
}

module.exports = { opensslConfiguration, securityLevel, usesOpensslRoots }
