// @ts-check
'use strict'

/**
 * Whether a broker may go by its name: `ssl.checkServerIdentity`, as `tls.connect` asks it. The engine has verified the
 * certificate by then, and waits. It asks about every broker when the function is the user's own, and only about names that
 * it does not find in the certificate when it is Node's: common names count there, and the refusal is in Node's words.
 */

const { X509Certificate } = require('node:crypto')
const tls = require('node:tls')
const { inspect, types } = require('node:util')

/** Programs replace it to change what all connections of theirs do. */
const { checkServerIdentity: BUILT_IN } = tls

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g

const functionOf = ssl => ssl.checkServerIdentity ?? tls.checkServerIdentity

/** @param {any} ssl an object */
const hasOwnCheck = ssl => functionOf(ssl) !== BUILT_IN

/**
 * @param {any} ssl the user's option
 * @param {import('../native').NativeTls | null} native what was made of it
 * @returns {(event: { servername: string, chain: Uint8Array[] }) => { message: string, code: string | null } | null}
 *   null: the broker may go by that name; never throws
 */
const createIdentityCheck = (ssl, native) => {
  const options = ssl === true ? {} : ssl
  /** @type {X509Certificate[] | undefined} Read when they are first needed: Node's own are 150. */
  let roots
  return ({ servername, chain }) => {
    try {
      roots ??= (native?.ca ?? []).flatMap(readCertificates)
      const certificate = describe(chain, roots)
      const error = functionOf(options).call(options, servername, certificate)
      return error ? toRefusal(error) : null
    } catch (e) {
      return toRefusal(e)
    }
  }
}

/** A value that is no Error is a refusal in Node, too, but without a message. */
const toRefusal = error => ({
  message: typeof error?.message === 'string' ? error.message : complaint(error),
  code: typeof error?.code === 'string' ? error.code : null
})

const complaint = answer => {
  const received = types.isPromise(answer) ? 'a promise' : inspect(answer, { depth: 0 })
  return `ssl.checkServerIdentity has to return undefined or an Error, received ${received}`
}

/** @returns {X509Certificate[]} without those that cannot be read */
const readCertificates = pem =>
  (pem.match(CERTIFICATE) ?? []).flatMap(text => {
    try {
      return [new X509Certificate(text)]
    } catch {
      return []
    }
  })

/**
 * What `tlsSocket.getPeerCertificate(true)` gives: each certificate has its issuer, and a root has itself.
 * @param {Uint8Array[]} chain DER, the broker's own certificate first
 * @param {X509Certificate[]} roots
 * @returns {tls.PeerCertificate}
 */
const describe = (chain, roots) => {
  const [first, ...others] = chain.map(der => new X509Certificate(der))
  const candidates = new Set([...others, ...roots])
  const described = /** @type {tls.DetailedPeerCertificate} */ (first.toLegacyObject())
  let [last, certificate] = [described, first]
  while (!certificate.checkIssued(certificate)) {
    const issuer = [...candidates].find(candidate => certificate.checkIssued(candidate))
    if (!issuer) return described
    candidates.delete(issuer)
    certificate = issuer
    last.issuerCertificate = /** @type {tls.DetailedPeerCertificate} */ (issuer.toLegacyObject())
    last = last.issuerCertificate
  }
  last.issuerCertificate = last
  return described
}

module.exports = { createIdentityCheck, hasOwnCheck }
