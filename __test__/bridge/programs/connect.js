// @ts-check
'use strict'

/** How Node's `tls.connect` and the engine fare with the same options at the same server, which gives one answer to all. */

const tls = require('node:tls')
const { Kafka } = require('../../..')

/** @typedef {{ host?: string, port: number, ssl: any }} Options */
/** @typedef {{ connected: boolean, code?: string, message?: string }} Outcome */

/** No frame of Kafka's: who complains of it has heard it. */
const ANSWER = Buffer.from([0xff, 0xff, 0xff, 0xfe])

/** As kafkajs calls it. @param {Options} options @returns {Promise<Outcome>} */
const byNode = ({ host = 'localhost', port, ssl }) =>
  new Promise(resolve => {
    const fail = ({ code, message }) => resolve({ connected: false, code, message })
    try {
      const socket = tls.connect({ host, port, servername: host, ...ssl })
      socket.once('secureConnect', () => socket.write('hello'))
      socket.once('error', fail)
      socket.once('data', () => resolve({ connected: true }))
      socket.once('close', () => fail(new Error('Closed')))
    } catch (e) {
      fail(e)
    }
  })

/** @param {Options} options @returns {Promise<Outcome>} */
const byEngine = async ({ host = 'localhost', port, ssl }) => {
  try {
    const kafka = new Kafka({
      brokers: [`${host}:${port}`],
      ssl,
      logLevel: 0,
      retry: { retries: 0 },
      connectionTimeout: 30_000
    })
    await kafka.consumer({ groupId: 'g' }).connect()
    throw new Error('This is no broker')
  } catch (e) {
    const { code, message } = e.cause ?? e
    if (message.includes(`a response of ${ANSWER.readInt32BE()} bytes`)) return { connected: true }
    return { connected: false, code, message }
  }
}

/** @param {Options} options @returns {Promise<{ node: Outcome, engine: Outcome }>} */
const byBoth = async options => ({ node: await byNode(options), engine: await byEngine(options) })

module.exports = { ANSWER, byBoth }

if (require.main === module) {
  byBoth(JSON.parse(process.argv[2])).then(both => {
    process.stdout.write(JSON.stringify(both))
    process.exit()
  })
}
