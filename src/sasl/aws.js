// @ts-check
'use strict'

const { KafkaJSSASLAuthenticationError } = require('../errors')
const { failureOf } = require('./failure')
const { withLength } = require('./framing')

const REQUIRED = ['authorizationIdentity', 'accessKeyId', 'secretAccessKey']

/**
 * The AWS mechanism of STACK's login module (not AWS_MSK_IAM): four fields, separated by NUL.
 * @param {any} sasl
 */
module.exports =
  sasl =>
  ({ host, port, logger, saslAuthenticate }) => ({
    async authenticate() {
      for (const field of REQUIRED) {
        if (!sasl[field]) {
          throw new KafkaJSSASLAuthenticationError(`SASL AWS-IAM: Missing ${field}`)
        }
      }

      const broker = `${host}:${port}`
      const fields = [...REQUIRED.map(field => sasl[field]), sasl.sessionToken || '']
      try {
        logger.debug('Authenticate with SASL AWS-IAM', { broker })
        await saslAuthenticate({ request: { encode: () => withLength(fields.join('\u0000')) } })
        logger.debug('SASL AWS-IAM authentication successful', { broker })
      } catch (e) {
        throw failureOf('AWS-IAM', e)
      }
    }
  })
