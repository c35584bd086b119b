// @ts-check
'use strict'

/** The likely cause of what has failed, and what to do. */

const LOCAL = /^(localhost|127\.|0\.0\.0\.0|::1)/

/** By the code of an error of Node's, or the type of a broker's. @type {Record<string, string>} */
const ADVICE = {
  ENOTFOUND:
    'No such host: is the name right, and does this machine use the name server that knows it (VPN, Docker network)?',
  EAI_AGAIN: 'The name server does not answer: is this machine online?',
  ECONNREFUSED: 'Nobody listens there: is the port right, and is the broker up?',
  ETIMEDOUT: 'No answer at all: a firewall or a security group, as a rule.',
  EHOSTUNREACH: 'There is no way to that network: VPN, routes, security groups.',
  ECONNRESET:
    'The other end hangs up: a listener with TLS spoken to without it ("ssl"), or the other way round.',
  EPROTO: 'That is no TLS: this listener wants none, or the port is another one.',
  ERR_SSL_WRONG_VERSION_NUMBER:
    'That is no TLS: this listener wants none, or the port is another one.',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'The certificate is for another name: connect by a name that stands in it, or set "servername".',
  CERT_HAS_EXPIRED: 'The certificate has expired: the broker needs a new one.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'Signed by itself: give its authority with --ssl-ca.',
  SELF_SIGNED_CERT_IN_CHAIN: 'An authority that this machine does not know: give it with --ssl-ca.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'An authority that this machine does not know: give it with --ssl-ca.',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'An authority that this machine does not know: give it with --ssl-ca.',
  UNSUPPORTED_SASL_MECHANISM:
    'The listener has other mechanisms: see the message, and --sasl-mechanism.',
  ILLEGAL_SASL_STATE: 'A listener without SASL: leave it out, or use the other port.',
  GROUP_AUTHORIZATION_FAILED:
    'The user may not see this group. To consume, it needs the ACL operation READ on its groups.',
  TOPIC_AUTHORIZATION_FAILED:
    'The user may not read this topic: it needs the ACL operation READ on it.',
  UNKNOWN_TOPIC_OR_PARTITION: 'There is no such topic, or the user may not know of it.'
}

/** By the name of an error of the client's. @type {Record<string, string>} */
const BY_NAME = {
  KafkaJSSASLAuthenticationError:
    'User, password or mechanism is wrong, or the user does not exist (SCRAM users are made on the cluster).',
  KafkaJSConnectionClosedError:
    'The broker hangs up: a listener with TLS spoken to without it, one that wants SASL, or one that is no Kafka.'
}

/**
 * @param {any} error
 * @param {{ advertised?: string }} about the host that a broker has advertised
 * @returns {string | null}
 */
const adviceFor = (error, { advertised }) => {
  if (advertised !== undefined) {
    const where = LOCAL.test(advertised)
      ? 'only from its own machine'
      : 'from elsewhere, but not from here'
    return `The broker tells clients to use this address, which can be reached ${where}: set advertised.listeners of the broker to one that this machine can reach.`
  }
  for (let e = error; e; e = e.cause) {
    const advice = ADVICE[e.code] ?? ADVICE[e.type] ?? BY_NAME[e.name]
    if (advice) return advice
  }
  return null
}

module.exports = { adviceFor }
