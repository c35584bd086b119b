// @ts-check
const { readRequest } = require('./protocol')

/** @typedef {import('./protocol').Request} Request */

/**
 * One connection of Kafka's protocol, seen by somebody in the middle who may answer requests in the broker's place, or change
 * what the broker answers. A broker answers in the order of the requests; so does whoever takes its place:
 *
 *   client ── request ──► answer? ── no ──► broker
 *     ▲                     │ yes              │
 *     └────── in order ◄────┴──────────────────┘
 */
class Conversation {
  #answer
  #requests = new Frames()
  #responses = new Frames()
  #change
  /** What the client waits for: an answer of ours, or one of the broker's. @type {{ request: Request, answer?: Buffer }[]} */
  #due = []

  /**
   * @param {(request: Request) => Buffer | undefined} answer
   * @param {(answer: Buffer, request: Request) => Buffer} change
   */
  constructor(answer, change) {
    this.#answer = answer
    this.#change = change
  }

  /**
   * @param {Buffer} chunk from the client
   * @returns {Buffer} what of it is for the broker; `ready` has what is for the client
   */
  fromClient(chunk) {
    const requests = this.#requests.cut(chunk)
    return Buffer.concat(
      requests.filter(frame => {
        const request = readRequest(frame.subarray(4))
        const answer = this.#answer(request)
        this.#due.push({ request, answer })
        return answer === undefined
      })
    )
  }

  /**
   * @param {Buffer} chunk from the broker
   * @returns {Buffer} what is for the client
   */
  fromBroker(chunk) {
    const ready = []
    for (const frame of this.#responses.cut(chunk)) {
      const due = this.#due.shift()
      ready.push(due ? this.#change(frame, due.request) : frame, this.ready())
    }
    return Buffer.concat(ready)
  }

  /** Answers of ours that nothing of the broker's has to precede. */
  ready() {
    const ready = []
    for (let next; (next = this.#due[0]?.answer); this.#due.shift()) ready.push(next)
    return Buffer.concat(ready)
  }
}

/** Cuts a stream into frames, lengths included. */
class Frames {
  /** @type {Buffer[]} the beginning of the next one */
  #parts = []
  #size = 0

  /** @param {Buffer} chunk */
  cut(chunk) {
    this.#parts.push(chunk)
    this.#size += chunk.length
    const frames = []
    if (this.#size < this.#needed()) return frames
    let rest = Buffer.concat(this.#parts)
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0)
      frames.push(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
    this.#parts = rest.length > 0 ? [rest] : []
    this.#size = rest.length
    return frames
  }

  #needed() {
    const [first] = this.#parts
    return first.length < 4 ? 4 : 4 + first.readInt32BE(0)
  }
}

module.exports = { Conversation }
