// @ts-check
/**
 * Every way to connect to a cluster of the fixture, as the options of `new Kafka(…)`.
 *
 * @param {import('.').ClusterDescription} cluster
 */
const connections = ({ listeners, ca, clientCert, clientKey, users }) => {
  const [[username, password] = ['', '']] = Object.entries(users)
  const ssl = { ca: [ca] }
  const saslSsl = (/** @type {'plain' | 'scram-sha-256' | 'scram-sha-512'} */ mechanism) => ({
    brokers: listeners.saslSsl,
    ssl,
    sasl: /** @type {any} */ ({ mechanism, username, password })
  })
  return {
    plaintext: { brokers: listeners.plaintext },
    ssl: { brokers: listeners.ssl, ssl },
    mutualTls: { brokers: listeners.ssl, ssl: { ...ssl, cert: clientCert, key: clientKey } },
    plain: saslSsl('plain'),
    scram256: saslSsl('scram-sha-256'),
    scram512: saslSsl('scram-sha-512'),
    oauthBearer: {
      brokers: listeners.oauth,
      sasl: /** @type {any} */ ({
        mechanism: 'oauthbearer',
        oauthBearerProvider: async () => ({ value: unsecuredToken() })
      })
    }
  }
}

/**
 * A JSON Web Token that nobody signed, which the OAUTH listener accepts.
 *
 * @param {object} [options]
 * @param {string} [options.subject]
 * @param {number} [options.lifetime] seconds; negative for one that has expired
 */
const unsecuredToken = ({ subject = 'alice', lifetime = 3600 } = {}) => {
  const now = Math.floor(Date.now() / 1000)
  const claims = { sub: subject, iat: Math.min(now, now + lifetime) - 1, exp: now + lifetime }
  const part = (/** @type {object} */ json) =>
    Buffer.from(JSON.stringify(json)).toString('base64url')
  return `${part({ alg: 'none' })}.${part(claims)}.`
}

module.exports = { connections, unsecuredToken }
