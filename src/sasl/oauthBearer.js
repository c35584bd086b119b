// @ts-check
'use strict'

const { KafkaJSSASLAuthenticationError, explained } = require('../errors')
const { show } = require('../utils/show')
const { failureOf } = require('./failure')
const { withLength, withoutLength } = require('./framing')

const SEPARATOR = '\u0001'

/**
 * OAUTHBEARER (RFC 7628, KIP-255): asks `oauthBearerProvider` for a token at every authentication of every connection.
 * A broker that refuses the token says why in its answer; that text becomes the error.
 * @param {any} sasl
 */
module.exports =
  sasl =>
  ({ host, port, logger, saslAuthenticate }) => ({
    async authenticate() {
      const { oauthBearerProvider, authorizationIdentity } = sasl
      if (oauthBearerProvider == null) {
        throw refused('Missing OAuth bearer token provider', EXPECTED)
      }
      if (typeof oauthBearerProvider !== 'function') {
        const received = `received a ${typeof oauthBearerProvider}`
        throw refused('Invalid OAuth bearer token provider', `${EXPECTED}, ${received}`)
      }
      const token = await oauthBearerProvider()
      if (token?.value == null) {
        const resolved = `it resolved with ${shapeOf(token)}`
        throw refused('Invalid OAuth bearer token', `${EXPECTED}, ${resolved}`)
      }

      const broker = `${host}:${port}`
      const send = text =>
        saslAuthenticate({
          request: { encode: () => withLength(text) },
          response: { decode: withoutLength, parse: String }
        })
      try {
        logger.debug('Authenticate with SASL OAUTHBEARER', { broker })
        const refusal = await send(firstMessage(token, authorizationIdentity))
        if (refusal) {
          // RFC 7628: a client that was refused sends this message to end the exchange. The broker's answer, an error, tells nothing new.
          await send(SEPARATOR).catch(() => {})
          throw explained(new Error(refusal), expiryOf(token.value))
        }
        logger.debug('SASL OAUTHBEARER authentication successful', { broker })
      } catch (e) {
        throw failureOf('OAUTHBEARER', e)
      }
    }
  })

const EXPECTED = 'sasl.oauthBearerProvider has to be a function that resolves with { value: token }'

/** @param {string} what kafkajs's words @param {string} more */
const refused = (what, more) =>
  explained(new KafkaJSSASLAuthenticationError(`SASL OAUTHBEARER: ${what}`), more)

/** What it is, and never what is in it: that is a secret. @param {any} token */
const shapeOf = token => {
  if (typeof token === 'string') return 'a text'
  // Their names are the places of their bytes.
  if (ArrayBuffer.isView(token)) return 'a Buffer'
  const names = typeof token === 'object' && token !== null ? Object.keys(token) : []
  return names.length > 0 ? `an object with ${names.join(', ')}` : show(token)
}

/** Brokers say of a token that it is invalid, and not why. @param {any} value a JSON Web Token, as a rule @returns {string | null} */
const expiryOf = value => {
  try {
    const { exp } = JSON.parse(Buffer.from(String(value).split('.')[1], 'base64url').toString())
    const ago = Math.round(Date.now() / 1000 - exp)
    return ago > 0
      ? `the token has expired ${ago} s ago by the clock of this machine: does the provider give an old one, or is the clock wrong?`
      : null
  } catch {
    return null
  }
}

const firstMessage = ({ value, extensions }, authorizationIdentity) => {
  // An empty name is none, and brokers refuse it.
  const identity = authorizationIdentity ? `a=${authorizationIdentity}` : ''
  const pairs = Object.entries(extensions ?? {}).map(([key, text]) => `${key}=${text}`)
  const fields = [`auth=Bearer ${value}`, ...pairs]
  return `n,${identity},${SEPARATOR}${fields.join(SEPARATOR)}${SEPARATOR}${SEPARATOR}`
}
