// @ts-check
const { once } = require('node:events')
const net = require('node:net')
const { setImmediate: nextTurn, setTimeout: pause } = require('node:timers/promises')

const { Conversation } = require('./conversation')

/** @typedef {'toBroker' | 'toClient'} Direction */

/**
 * What a request is answered, length included (see `respond` of `protocol.js`); undefined: the broker answers it.
 *
 * @typedef {(request: import('./protocol').Request) => Buffer | undefined} Answer
 */

/**
 * What becomes of a broker's answer on its way, length included: another one, or (undefined) it passes as it is. The frame that
 * is given is the caller's own, to be changed and given back.
 *
 * @typedef {(answer: Buffer, request: import('./protocol').Request) => Buffer | undefined} Change
 */

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
  /** @type {Set<net.Socket>} those of them that clients have open */
  #clients = new Set()
  #delay = 0
  #most = Infinity
  #fragment = Infinity
  /** What may still pass before `cut({ after })` comes true. @type {{ direction: Direction, bytes: number }} */
  #allowance = { direction: 'toClient', bytes: Infinity }
  /** @type {Set<Direction>} */
  #stalled = new Set()
  /** @type {(() => void)[]} */
  #waiting = []
  #kafka
  /** @type {{ apiKey: number, respond: Answer, times: number }[]} */
  #answers = []
  /** @type {{ apiKey: number, change: Change, times: number }[]} */
  #changes = []

  /**
   * @param {number} target the broker's port
   * @param {boolean} kafka
   */
  constructor(target, kafka) {
    this.#target = target
    this.#kafka = kafka
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, client =>
      this.#connect(client)
    )
  }

  /** Where clients connect, `host:port`. */
  get address() {
    return `127.0.0.1:${this.#port}`
  }

  /** How many clients are connected. One that has closed its end is not, whatever the broker still holds for it. */
  get connections() {
    return this.#clients.size
  }

  /** @param {number} port 0 for any */
  async listen(port) {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = /** @type {net.AddressInfo} */ (this.#server.address()).port
  }

  /**
   * Ends all connections now, or in the middle of what is on the way: `after` so many bytes more, counted over all of them. New
   * connections are served.
   *
   * @param {object} [options]
   * @param {number} [options.after]    bytes
   * @param {boolean} [options.reset]   RST instead of FIN
   * @param {Direction} [options.direction]  of what is counted
   */
  cut({ after = 0, reset = false, direction = 'toClient' } = {}) {
    if (after > 0) {
      this.#allowance = { direction, bytes: after }
      return
    }
    this.#allowance.bytes = Infinity
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

  /**
   * No more than so many connections at a time, as of a broker with `max.connections.per.ip`: those beyond are closed at once.
   *
   * @param {number} most
   */
  limit(most) {
    this.#most = most
  }

  /** New connections are refused; open ones go on. */
  refuse() {
    if (this.#server.listening) this.#server.close()
  }

  /**
   * Requests of an API are answered here, in the broker's place. Of several answers the first one counts.
   *
   * @param {number} apiKey
   * @param {Answer} respond
   * @param {number} [times]   how many requests; those that are left to the broker do not count
   */
  answer(apiKey, respond, times = Infinity) {
    this.#mustKnowKafka()
    this.#answers.push({ apiKey, respond, times })
  }

  /**
   * What the broker answers to requests of an API is changed on its way. Of several changes the first one counts.
   *
   * @param {number} apiKey
   * @param {Change} change
   * @param {number} [times]   how many answers; those that pass as they are do not count
   */
  mutate(apiKey, change, times = Infinity) {
    this.#mustKnowKafka()
    this.#changes.push({ apiKey, change, times })
  }

  /** Takes every fault back, `refuse` included. Connections that were cut stay cut. */
  async heal() {
    this.#delay = 0
    this.#most = Infinity
    this.#fragment = Infinity
    this.#allowance.bytes = Infinity
    this.#answers = []
    this.#changes = []
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
    if (this.connections >= this.#most) {
      client.destroy()
      return
    }
    const options = { port: this.#target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }
    const broker = net.connect(options)
    this.#clients.add(client)
    for (const event of ['end', 'close']) client.on(event, () => this.#clients.delete(client))
    for (const socket of [client, broker]) {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      // `#forward` sees it as the end of its loop; one after the loop has ended concerns nobody.
      socket.on('error', () => {})
    }
    if (this.#kafka) return this.#converse(client, broker)
    this.#forward(client, broker, bytes => this.#pass(broker, bytes, 'toBroker'))
    this.#forward(broker, client, bytes => this.#pass(client, bytes, 'toClient'))
  }

  /**
   * @param {net.Socket} client
   * @param {net.Socket} broker
   */
  #converse(client, broker) {
    const conversation = new Conversation(
      request => this.#answered(request),
      (answer, request) => this.#changed(answer, request)
    )
    // Two write to the client; a frame must be whole before the next one begins.
    let turn = Promise.resolve()
    const toClient = (/** @type {() => Buffer} */ bytes) =>
      (turn = turn.then(() => this.#pass(client, bytes(), 'toClient')))
    this.#forward(client, broker, async chunk => {
      await this.#pass(broker, conversation.fromClient(chunk), 'toBroker')
      await toClient(() => conversation.ready())
    })
    this.#forward(broker, client, chunk => toClient(() => conversation.fromBroker(chunk)))
  }

  /** @param {import('./protocol').Request} request */
  #answered(request) {
    for (const answer of this.#answers) {
      if (answer.apiKey !== request.key || answer.times <= 0) continue
      const bytes = answer.respond(request)
      if (bytes === undefined) continue
      answer.times--
      return bytes
    }
  }

  /**
   * @param {Buffer} frame
   * @param {import('./protocol').Request} request
   */
  #changed(frame, request) {
    for (const each of this.#changes) {
      if (each.apiKey !== request.key || each.times <= 0) continue
      const changed = each.change(Buffer.from(frame), request)
      if (changed === undefined) continue
      each.times--
      return changed
    }
    return frame
  }

  #mustKnowKafka() {
    if (!this.#kafka) {
      throw new Error('Only a proxy with `kafka: true` knows one request from another')
    }
  }

  /**
   * @param {net.Socket} from
   * @param {net.Socket} to
   * @param {(chunk: Buffer) => Promise<void>} pass
   */
  async #forward(from, to, pass) {
    try {
      // A plain `for await` would destroy the socket at its end, and with it the way back.
      for await (const chunk of from.iterator({ destroyOnReturn: false })) {
        if (this.#delay > 0) await pause(this.#delay)
        await pass(chunk)
      }
      to.end()
    } catch {
      // The other end must not be left with half a connection.
      to.destroy()
      from.destroy()
    }
  }

  /**
   * @param {net.Socket} to
   * @param {Buffer} bytes
   * @param {Direction} direction
   */
  async #pass(to, bytes, direction) {
    for (let start = 0, end; start < bytes.length; start = end) {
      await this.#flowing(direction)
      const allowance = this.#allowance
      const most = direction === allowance.direction ? allowance.bytes : Infinity
      end = start + Math.min(this.#fragment, most, bytes.length - start)
      await write(to, bytes.subarray(start, end))
      if (end < bytes.length) await nextTurn()
      if (direction === this.#allowance.direction) this.#spend(end - start)
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
    this.#allowance.bytes -= bytes
    if (this.#allowance.bytes <= 0) this.cut()
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
 * @param {boolean} [options.kafka]  it is Kafka's protocol, and no TLS: allows `answer` and `mutate`
 * @returns {Promise<Proxy>}
 */
const startProxy = async ({ target, port = 0, kafka = false }) => {
  const proxy = new Proxy(target, kafka)
  await proxy.listen(port)
  return proxy
}

module.exports = { Proxy, startProxy }
