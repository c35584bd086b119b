// @ts-check
'use strict'

const { KafkaJSSASLAuthenticationError } = require('../errors')
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
        throw new KafkaJSSASLAuthenticationError(
          'SASL OAUTHBEARER: Missing OAuth bearer token provider'
        )
      }
      const token = await oauthBearerProvider()
      if (token?.value == null) {
        throw new KafkaJSSASLAuthenticationError('SASL OAUTHBEARER: Invalid OAuth bearer token')
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
          throw new Error(refusal)
        }
        logger.debug('SASL OAUTHBEARER authentication successful', { broker })
      } catch (e) {
        throw failureOf('OAUTHBEARER', e)
      }
    }
  })

const firstMessage = ({ value, extensions }, authorizationIdentity) => {
  const identity = authorizationIdentity == null ? '' : `a=${authorizationIdentity}`
  const pairs = Object.entries(extensions ?? {}).map(([key, text]) => `${key}=${text}`)
  const fields = [`auth=Bearer ${value}`, ...pairs]
  return `n,${identity},${SEPARATOR}${fields.join(SEPARATOR)}${SEPARATOR}${SEPARATOR}`
}
