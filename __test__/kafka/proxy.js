// @ts-check
/**
 * A TCP proxy that misbehaves on command, between a client and one broker.
 */
const net = require('node:net')

/**
 * @typedef {object} Proxy
 * @property {number} port
 * @property {() => Promise<void>} close
 */

/**
 * @param {object} options
 * @param {number} [options.port]    where it listens, on loopback; 0 for any
 * @param {number} options.target    the broker's port
 * @returns {Promise<Proxy>}
 */
const startProxy = async ({ port = 0, target }) => {
  const server = net.createServer(client => {
    const broker = net.connect(target, '127.0.0.1')
    client.pipe(broker).pipe(client)
  })
  await new Promise(resolve => server.listen(port, '127.0.0.1', () => resolve(undefined)))
  const { port: bound } = /** @type {net.AddressInfo} */ (server.address())
  return { port: bound, close: async () => { server.close() } }
}

module.exports = { startProxy }
