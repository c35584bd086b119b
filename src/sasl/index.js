// @ts-check
'use strict'

/**
 * SASL. PLAIN and SCRAM run in the engine. For OAUTHBEARER, AWS and a user's own `authenticationProvider` the engine asks
 * JavaScript (an `authenticate` event per connection), which talks to the broker through `saslAuthenticate`.
 *
 * A provider speaks kafkajs's framing: what `encode` returns and what `decode` receives starts with its length (int32).
 */

const { KafkaJSSASLAuthenticationError, unwrap } = require('../errors')
const { withHelp } = require('../help')
const { givenFor } = require('../unknown')
const { show } = require('../utils/show')
const { withLength, withoutLength } = require('./framing')
const oauthBearer = require('./oauthBearer')
const aws = require('./aws')

/** @typedef {import('../native').NativeSasl} NativeSasl */
/** @typedef {import('../..').AuthenticationProviderArgs} AuthenticationProviderArgs */

const PROVIDERS = { OAUTHBEARER: oauthBearer, AWS: aws }

/** Mechanisms of the engine, and how kafkajs calls them in its complaints. */
const ENGINE_MECHANISMS = {
  PLAIN: 'SASL Plain',
  'SCRAM-SHA-256': 'SASL SCRAM SHA256 authentication',
  'SCRAM-SHA-512': 'SASL SCRAM SHA512 authentication'
}

/**
 * Reads the user's `sasl` option; it is never written to.
 * @param {any} sasl
 * @returns {NativeSasl} `username` null: JavaScript authenticates
 */
const toNativeSasl = sasl => {
  // kafkajs throws a TypeError for this, too.
  if (typeof sasl !== 'object') {
    const message = `sasl has to be an object with a mechanism, received a ${typeof sasl}`
    throw withHelp(new TypeError(message), 'sasl')
  }
  if (typeof sasl.mechanism !== 'string') {
    const received = `received ${show(sasl.mechanism)}${didYouMean(sasl, 'mechanism')}`
    const message = `sasl.mechanism has to be a text like "scram-sha-512", ${received}`
    throw withHelp(new TypeError(message), 'sasl')
  }
  const mechanism = sasl.mechanism.toUpperCase()
  const label = ENGINE_MECHANISMS[mechanism]
  if (!label || sasl.authenticationProvider) {
    return { mechanism, username: null, password: null, authorizationIdentity: null }
  }
  const { username, password, authorizationIdentity = null } = sasl
  for (const name of ['username', 'password']) {
    if (sasl[name] != null) continue
    const missing = `sasl.${name} is ${sasl[name]} (no broker was asked)${didYouMean(sasl, name)}`
    throw new KafkaJSSASLAuthenticationError(`${label}: Invalid username or password: ${missing}`)
  }
  return {
    mechanism,
    username: String(username),
    password: String(password),
    authorizationIdentity
  }
}

/** @param {any} sasl @param {string} name of the option that is missing */
const didYouMean = (sasl, name) => {
  const given = givenFor('sasl', name, sasl)
  return given === null ? '' : `; did you mean it by "${given}"?`
}

/**
 * Authenticates one connection.
 * @param {{
 *   sasl: any,
 *   client: import('../native').NativeClient,
 *   event: { session: number, host: string, port: number, mechanism: string },
 *   logger: import('../..').Logger
 * }} options
 * @returns {Promise<void>} rejects with what the provider threw
 */
const authenticate = async ({ sasl, client, event, logger }) => {
  const { session, host, port, mechanism } = event
  const provider = sasl.authenticationProvider ?? PROVIDERS[mechanism]?.(sasl)
  if (!provider) {
    throw new KafkaJSSASLAuthenticationError(
      `SASL ${mechanism} mechanism is not supported: give an authenticationProvider for it`
    )
  }
  const saslAuthenticate = async ({ request, response }) => {
    const bytes = withoutLength(await request.encode())
    const answer = unwrap(await client.saslAuthenticate(session, bytes))
    if (!response) return
    return response.parse(await response.decode(withLength(answer)))
  }
  const namespaced = logger.namespace(`SaslAuthenticator-${mechanism}`)
  await provider({ host, port, logger: namespaced, saslAuthenticate }).authenticate()
}

module.exports = { authenticate, toNativeSasl }
