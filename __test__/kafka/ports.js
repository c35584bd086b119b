// @ts-check
const net = require('node:net')

/**
 * Free loopback ports.
 *
 * They lie below the range from which systems serve outgoing connections (Linux: 32768 and up): while a broker
 * is down, a client's attempt to reach it could otherwise be given the broker's own port, and either connect
 * to itself or be in the way of the restart.
 *
 * @param {number} count
 * @returns {Promise<number[]>}
 */
const freePorts = async count => {
  const ports = new Set()
  while (ports.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST))
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

/** @param {number} port */
const isFree = port =>
  new Promise(resolve => {
    const server = net.createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

const FIRST = 15000
const LAST = 32000

module.exports = { freePorts }
