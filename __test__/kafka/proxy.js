// @ts-check
const { once } = require('node:events')
const net = require('node:net')
const { setImmediate: nextTurn, setTimeout: pause } = require('node:timers/promises')

/** @typedef {'toBroker' | 'toClient'} Direction */

/**
 * A TCP proxy on loopback between clients and one broker, which misbehaves on command: faults hold for the
 * connections that are open and for those that come, until `heal`.
 */
class Proxy {
  #target
  #server
  #port = 0
  /** @type {Set<net.Socket>} both ends of every connection */
  #sockets = new Set()
  #delay = 0
  #fragment = Infinity
  /** What may still pass to the clients before `cut({ after })` comes true. */
  #allowance = Infinity
  /** @type {Set<Direction>} */
  #stalled = new Set()
  /** @type {(() => void)[]} */
  #waiting = []

  /** @param {number} target the broker's port */
  constructor(target) {
    this.#target = target
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, client =>
      this.#connect(client)
    )
  }

  /** Where clients connect, `host:port`. */
  get address() {
    return `127.0.0.1:${this.#port}`
  }

  /** How many clients are connected. */
  get connections() {
    return this.#sockets.size / 2
  }

  /** @param {number} port 0 for any */
  async listen(port) {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = /** @type {net.AddressInfo} */ (this.#server.address()).port
  }

  /**
   * Ends all connections now, or in the middle of what is on the way to the clients: `after` so many bytes more,
   * counted over all of them. New connections are served.
   *
   * @param {object} [options]
   * @param {number} [options.after]    bytes
   * @param {boolean} [options.reset]   RST instead of FIN
   */
  cut({ after = 0, reset = false } = {}) {
    if (after > 0) {
      this.#allowance = after
      return
    }
    this.#allowance = Infinity
    for (const socket of this.#sockets) {
      if (reset) socket.resetAndDestroy()
      else socket.destroy()
    }
  }

  /**
   * Connections stay open and nothing passes; what arrives is kept for `heal`.
   *
   * @param {Direction} [direction] default: both
   */
  stall(direction) {
    for (const each of DIRECTIONS) {
      if (!direction || each === direction) this.#stalled.add(each)
    }
  }

  /**
   * Everything passes later, one chunk after the other.
   *
   * @param {number} milliseconds
   */
  delay(milliseconds) {
    this.#delay = milliseconds
  }

  /**
   * Everything passes in small writes, each a TCP segment of its own.
   *
   * @param {number} bytes
   */
  fragment(bytes) {
    this.#fragment = bytes
  }

  /** New connections are refused; open ones go on. */
  refuse() {
    if (this.#server.listening) this.#server.close()
  }

  /** Takes every fault back, `refuse` included. Connections that were cut stay cut. */
  async heal() {
    this.#delay = 0
    this.#fragment = Infinity
    this.#allowance = Infinity
    this.#stalled.clear()
    for (const resume of this.#waiting.splice(0)) resume()
    if (!this.#server.listening) await this.listen(this.#port)
  }

  async close() {
    this.refuse()
    this.cut()
    this.#stalled.clear()
    for (const resume of this.#waiting.splice(0)) resume()
  }

  /** @param {net.Socket} client */
  #connect(client) {
    const options = { port: this.#target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }
    const broker = net.connect(options)
    for (const socket of [client, broker]) {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      // `#forward` sees it as the end of its loop; one after the loop has ended concerns nobody.
      socket.on('error', () => {})
    }
    this.#forward(client, broker, 'toBroker')
    this.#forward(broker, client, 'toClient')
  }

  /**
   * @param {net.Socket} from
   * @param {net.Socket} to
   * @param {Direction} direction
   */
  async #forward(from, to, direction) {
    try {
      // A plain `for await` would destroy the socket at its end, and with it the way back.
      for await (const chunk of from.iterator({ destroyOnReturn: false })) {
        if (this.#delay > 0) await pause(this.#delay)
        for (let start = 0, end; start < chunk.length; start = end) {
          await this.#flowing(direction)
          end = start + Math.min(this.#fragment, this.#allowance, chunk.length - start)
          await write(to, chunk.subarray(start, end))
          if (end < chunk.length) await nextTurn()
          if (direction === 'toClient') this.#spend(end - start)
        }
      }
      to.end()
    } catch {
      // The other end must not be left with half a connection.
      to.destroy()
      from.destroy()
    }
  }

  /** @param {Direction} direction */
  async #flowing(direction) {
    while (this.#stalled.has(direction)) {
      await new Promise(resolve => this.#waiting.push(() => resolve(undefined)))
    }
  }

  /** @param {number} bytes */
  #spend(bytes) {
    this.#allowance -= bytes
    if (this.#allowance <= 0) this.cut()
  }
}

/** @type {Direction[]} */
const DIRECTIONS = ['toBroker', 'toClient']

/**
 * @param {net.Socket} socket
 * @param {Buffer} bytes
 * @returns {Promise<void>} rejects when the socket is gone
 */
const write = (socket, bytes) =>
  new Promise((resolve, reject) =>
    socket.write(bytes, error => (error ? reject(error) : resolve()))
  )

/**
 * @param {object} options
 * @param {number} options.target   the broker's port
 * @param {number} [options.port]   where to listen; default: any
 * @returns {Promise<Proxy>}
 */
const startProxy = async ({ target, port = 0 }) => {
  const proxy = new Proxy(target)
  await proxy.listen(port)
  return proxy
}

module.exports = { Proxy, startProxy }
