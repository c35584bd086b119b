'use strict'

/**
 * The producers there are: one file each. All wait for all in-sync replicas; apart from that each has the options that its authors
 * chose, except that none waits for more to come where latency is measured.
 */

const fs = require('node:fs')
const path = require('node:path')

const librdkafka = require('./librdkafka')

/**
 * @typedef {object} Producer
 * @property {(messages: { value: Buffer }[]) => Promise<any>} send resolves when they are acknowledged
 * @property {() => Promise<any>} disconnect
 */
/**
 * @typedef {object} Client a file in this folder
 * @property {(codec: string) => any} load the library
 * @property {(library: any, job: import('../index').Job & { isTimed: boolean }) => Promise<Producer>} connect
 */
/**
 * @typedef {object} Measured
 * @property {() => string | null} missing why it cannot be measured here
 * @property {boolean} [isAsked] is it measured only where `--client` names it?
 * @property {(row: import('../workloads').Row) => boolean} can does it have this codec?
 * @property {(job: import('../index').Job, nodeArgs: string[]) => string[]} command
 */

const ONE_RUN = path.join(__dirname, '..', 'one-run.js')

/**
 * A client of Node's.
 * @param {string} name its file
 * @param {string | null} packageName null = ours
 * @param {string[]} [without] codecs that it does not have
 * @returns {Measured}
 */
const inNode = (name, packageName, without = []) => ({
  missing: () => {
    if (packageName === null) {
      const built = fs.readdirSync(path.join(__dirname, '../../../../src/binding'))
      return built.some(file => file.endsWith('.node')) ? null : 'npm run build'
    }
    try {
      require.resolve(packageName)
      return null
    } catch {
      return `${packageName} is not installed here`
    }
  },
  can: ({ codec }) => !without.includes(codec),
  command: (job, nodeArgs) => [process.execPath, ...nodeArgs, ONE_RUN, JSON.stringify(job)]
})

const hasZstd = 'zstdCompressSync' in require('node:zlib')

/** @type {Record<string, Measured>} */
const PRODUCERS = {
  kafkars: inNode('kafkars', null),
  'kafkars-plain': { ...inNode('kafkars-plain', null), isAsked: true },
  kafkajs: inNode('kafkajs', 'kafkajs', ['lz4', 'zstd']),
  kafkats: inNode('kafkats', '@kafkats/client'),
  platformatic: inNode('platformatic', '@platformatic/kafka', hasZstd ? [] : ['zstd']),
  confluent: inNode('confluent', '@confluentinc/kafka-javascript'),
  librdkafka: librdkafka.sticky,
  'librdkafka-spread': librdkafka.spread
}

module.exports = { PRODUCERS }
