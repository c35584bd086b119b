// @ts-check
const fs = require('node:fs')
const path = require('node:path')

const { RUNS } = require('./fetch')
const { sharedCluster } = require('./shared')

/** Jest: one cluster for all specs of the run, which find it by KAFKA_FIXTURE (`helpers.js`). */
module.exports = async () => {
  const cluster = await sharedCluster()
  fs.mkdirSync(RUNS, { recursive: true })
  const directory = fs.mkdtempSync(path.join(RUNS, 'jest-'))
  const file = path.join(directory, 'fixture.json')
  const { brokers, listeners, ca, otherCa, clientCert, clientKey, users } = cluster
  const description = { brokers, listeners, ca, otherCa, clientCert, clientKey, users }
  fs.writeFileSync(file, JSON.stringify(description))
  process.env.KAFKA_FIXTURE = file
  Object.assign(globalThis, {
    stopSharedCluster: async () => {
      fs.rmSync(directory, { recursive: true, force: true })
      await cluster.stop()
    }
  })
}
