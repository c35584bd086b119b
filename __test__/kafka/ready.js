// @ts-check
const { setTimeout: pause } = require('node:timers/promises')
const { Kafka, logLevel } = require('kafkajs')

/**
 * Group ids whose hashes are 97, 98 and 99: one on each of the three partitions of `__consumer_offsets`.
 * On a cluster with more partitions they tell less, and enough.
 */
const GROUPS = ['a', 'b', 'c']

const POLL_MS = 50

/**
 * Resolves when every address answers for itself with the whole cluster, a controller, and working group
 * coordinators.
 *
 * @param {string[]} addresses
 * @param {object} [options]
 * @param {boolean} [options.coordinators]  false: of groups none is waited for
 * @param {number[]} [options.ids]       the nodes that must be there
 * @param {number} [options.timeout]     milliseconds
 * @param {() => void} [options.check]   throws when waiting has become pointless
 */
const waitUntilReady = async (
  addresses,
  { ids = [], coordinators = true, timeout = 240_000, check = () => {} } = {}
) => {
  const end = Date.now() + timeout
  for (const address of addresses) {
    for (;;) {
      check()
      const cause = await probe(address, ids, coordinators ? GROUPS : []).then(
        () => undefined,
        error => error
      )
      if (!cause) break
      if (Date.now() > end) {
        throw new Error(`${address} is not ready: ${cause.message}`, { cause })
      }
      await pause(POLL_MS)
    }
  }
}

/**
 * @param {string} address
 * @param {number[]} ids
 * @param {string[]} groups  whose coordinators must work
 */
const probe = async (address, ids, groups) => {
  const kafka = new Kafka({
    brokers: [address],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 5000,
    requestTimeout: 10_000,
    retry: { retries: 0 }
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    const { brokers, controller } = await admin.describeCluster()
    const missing = ids.filter(id => !brokers.some(({ nodeId }) => nodeId === id))
    if (missing.length > 0) throw new Error(`it does not see node ${missing.join(', ')} yet`)
    if (controller === null || controller < 0) throw new Error('it knows no controller yet')
    for (const groupId of groups) await admin.fetchOffsets({ groupId })
  } finally {
    await admin.disconnect()
  }
}

module.exports = { waitUntilReady }
