// @ts-check
/**
 * The cluster that a whole test run shares: the one that the environment names, or one of its own.
 *
 * KAFKA_FIXTURE  file with a `ClusterDescription`, as `npm run kafka:up` writes it
 * KAFKA_BROKERS  `host:port,…` of any other cluster, which is reached over plain TCP only
 */
const fs = require('node:fs')

const { startCluster } = require('.')
const { createAuthority } = require('./certificates')
const { waitUntilReady } = require('./ready')

/** @typedef {import('.').ClusterDescription & { stop: () => Promise<void>, nodes: any }} SharedCluster */

/** @returns {Promise<SharedCluster>} */
const sharedCluster = async () => {
  const { KAFKA_FIXTURE, KAFKA_BROKERS } = process.env
  if (KAFKA_FIXTURE) return attach(`KAFKA_FIXTURE=${KAFKA_FIXTURE}`, read(KAFKA_FIXTURE))
  if (KAFKA_BROKERS) return attach(`KAFKA_BROKERS=${KAFKA_BROKERS}`, describe(KAFKA_BROKERS))
  return startCluster({ lasting: true })
}

/**
 * @param {string} source
 * @param {import('.').ClusterDescription} description
 * @returns {Promise<SharedCluster>}
 */
const attach = async (source, description) => {
  try {
    await waitUntilReady(description.brokers, { timeout: 30_000 })
  } catch (error) {
    const { message } = /** @type {Error} */ (error)
    throw new Error(`${source}: ${message}`, { cause: error })
  }
  return {
    ...description,
    get nodes() {
      throw new Error(`${source} is not ours to stop: call startCluster() for a cluster that is`)
    },
    stop: async () => {}
  }
}

/**
 * @param {string} file
 * @returns {import('.').ClusterDescription}
 */
const read = file => {
  if (!fs.existsSync(file)) {
    throw new Error(`KAFKA_FIXTURE=${file}: there is no such file; unset it or npm run kafka:up`)
  }
  return JSON.parse(fs.readFileSync(file, 'utf8'))
}

/**
 * @param {string} list
 * @returns {import('.').ClusterDescription}
 */
const describe = list => {
  const brokers = list.split(',').map(broker => broker.trim())
  return {
    brokers,
    listeners: { plaintext: brokers, ssl: [], saslSsl: [], oauth: [], proxied: [] },
    ca: '',
    otherCa: createAuthority('kafkars other authority').cert,
    clientCert: '',
    clientKey: '',
    users: {}
  }
}

module.exports = { sharedCluster }
