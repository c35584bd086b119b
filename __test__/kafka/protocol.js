// @ts-check
/**
 * As much of Kafka's protocol as a proxy needs to answer in a broker's place: requests are read as far as the names of
 * topics and partitions, responses are written with an error code of the caller's choice.
 *
 * Versions: those that kafkars and kafkajs speak with a current broker.
 */

/** @enum {number} */
const API = {
  Produce: 0,
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  OffsetCommit: 8,
  OffsetFetch: 9,
  FindCoordinator: 10,
  JoinGroup: 11,
  Heartbeat: 12,
  LeaveGroup: 13,
  SyncGroup: 14,
  InitProducerId: 22,
  AddPartitionsToTxn: 24,
  AddOffsetsToTxn: 25,
  EndTxn: 26,
  TxnOffsetCommit: 28
}

/** Since which version an API has compact types and tagged fields. */
const FIRST_FLEXIBLE = {
  [API.Produce]: 9,
  [API.Fetch]: 12,
  [API.ListOffsets]: 6,
  [API.Metadata]: 9,
  [API.OffsetCommit]: 8,
  [API.OffsetFetch]: 6,
  [API.FindCoordinator]: 3,
  [API.JoinGroup]: 6,
  [API.Heartbeat]: 4,
  [API.LeaveGroup]: 4,
  [API.SyncGroup]: 4,
  [API.InitProducerId]: 2,
  [API.AddPartitionsToTxn]: 3,
  [API.AddOffsetsToTxn]: 3,
  [API.EndTxn]: 3,
  [API.TxnOffsetCommit]: 3
}

/**
 * @typedef {object} Request
 * @property {number} key
 * @property {number} version
 * @property {number} correlationId
 * @property {Buffer} frame   all of it, without its length
 * @property {number} body    where in `frame` its body begins
 */

/**
 * @typedef {object} Topic as the request names it
 * @property {string | Buffer} name  or its id, in versions with topic ids
 * @property {number[]} partitions
 */

/**
 * @typedef {object} Fault
 * @property {number | ((partition: number, topic: string | Buffer) => number)} [error]
 *   where the API has one: of the partition; else of the response
 * @property {number} [whole]      Fetch, Metadata, OffsetFetch: the error of the whole response
 * @property {string} [memberId]   JoinGroup
 * @property {{ id: number, host: string, port: number }[]} [brokers]  Metadata
 * @property {[node: number, epoch: number]} [leader]  Fetch: who leads now, KIP-951
 */

/**
 * @param {Buffer} frame a request without its length
 * @returns {Request}
 */
const readRequest = frame => {
  const key = frame.readInt16BE(0)
  const version = frame.readInt16BE(2)
  const clientId = Math.max(0, frame.readInt16BE(8))
  const body = 10 + clientId + (isFlexible(key, version) ? 1 : 0)
  return { key, version, correlationId: frame.readInt32BE(4), frame, body }
}

/**
 * The whole response, length included.
 *
 * @param {Request} request
 * @param {Fault} [fault]
 */
const respond = (request, fault = {}) => {
  const { key, version, correlationId } = request
  const flexible = isFlexible(key, version)
  const out = new Writer(flexible)
  out.int32(correlationId)
  if (flexible) out.tags()
  const write = WRITERS[key]
  if (!write) throw new Error(`No responses of API ${key} can be written`)
  write(out, version, fault, request)
  out.tags()
  return framed(out.bytes())
}

/** @param {Buffer} body */
const framed = body => {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}

/** @param {number} key @param {number} version */
const isFlexible = (key, version) => version >= (FIRST_FLEXIBLE[key] ?? Infinity)

class Writer {
  /** @type {Buffer[]} */
  #parts = []

  /** @param {boolean} flexible */
  constructor(flexible) {
    this.flexible = flexible
  }

  bytes() {
    return Buffer.concat(this.#parts)
  }

  /** @param {Buffer} bytes */
  raw(bytes) {
    this.#parts.push(bytes)
  }

  /** @param {number} value */
  int8(value) {
    this.raw(Buffer.from([value]))
  }

  /** @param {number} value */
  int16(value) {
    const bytes = Buffer.alloc(2)
    bytes.writeInt16BE(value)
    this.raw(bytes)
  }

  /** @param {number} value */
  int32(value) {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    this.raw(bytes)
  }

  /** @param {number} value */
  int64(value) {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64BE(BigInt(value))
    this.raw(bytes)
  }

  /** @param {number} value */
  varint(value) {
    while (value > 0x7f) {
      this.int8((value & 0x7f) | 0x80)
      value >>>= 7
    }
    this.int8(value)
  }

  /** @param {string | null} value */
  string(value) {
    const bytes = Buffer.from(value ?? '')
    if (this.flexible) this.varint(value === null ? 0 : bytes.length + 1)
    else this.int16(value === null ? -1 : bytes.length)
    this.raw(bytes)
  }

  /** Bytes of length 0: an empty assignment, no records. */
  empty() {
    if (this.flexible) this.varint(1)
    else this.int32(0)
  }

  /**
   * @template T
   * @param {T[]} items
   * @param {(item: T) => void} write without the tagged fields of an element that is a structure
   * @param {boolean} [structures]
   */
  array(items, write, structures = true) {
    if (this.flexible) this.varint(items.length + 1)
    else this.int32(items.length)
    for (const item of items) {
      write(item)
      if (structures) this.tags()
    }
  }

  /** Tagged fields: none. */
  tags() {
    if (this.flexible) this.varint(0)
  }
}

class Reader {
  /** @param {Request} request */
  constructor({ frame, body, key, version }) {
    this.bytes = frame
    this.at = body
    this.flexible = isFlexible(key, version)
  }

  /** @param {number} count */
  skip(count) {
    this.at += count
  }

  int8() {
    return this.bytes.readInt8(this.at++)
  }

  int32() {
    this.at += 4
    return this.bytes.readInt32BE(this.at - 4)
  }

  int64() {
    this.at += 8
    return Number(this.bytes.readBigInt64BE(this.at - 8))
  }

  varint() {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++]
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }

  string() {
    let length
    if (this.flexible) length = this.varint() - 1
    else {
      length = this.bytes.readInt16BE(this.at)
      this.at += 2
    }
    const start = this.at
    this.at += Math.max(0, length)
    return this.bytes.toString('utf8', start, this.at)
  }

  blob() {
    const length = this.flexible ? this.varint() - 1 : this.int32()
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  /** A topic's id, to be written back as it is. */
  uuid() {
    this.at += 16
    return this.bytes.subarray(this.at - 16, this.at)
  }

  /**
   * @template T
   * @param {() => T} read
   * @param {boolean} [structures]
   * @returns {T[]}
   */
  array(read, structures = true) {
    const length = this.flexible ? this.varint() - 1 : this.int32()
    return Array.from({ length: Math.max(0, length) }, () => {
      const item = read()
      if (structures && this.flexible) this.skip(1)
      return item
    })
  }
}

/**
 * The topics and partitions that a request is about.
 *
 * @param {Request} request
 * @returns {Topic[]}
 */
const topicsOf = request => {
  const { key, version } = request
  const input = new Reader(request)
  const topics = (/** @type {number} */ firstWithIds, /** @type {number} */ rest) =>
    input.array(() => ({
      name: version >= firstWithIds ? input.uuid() : input.string(),
      partitions: input.array(() => {
        const partition = input.int32()
        input.skip(rest)
        return partition
      }, rest > 0)
    }))
  switch (key) {
    case API.Produce:
      input.string()
      input.skip(6)
      return input.array(() => ({
        name: version >= 13 ? input.uuid() : input.string(),
        partitions: input.array(() => {
          const partition = input.int32()
          input.blob()
          return partition
        })
      }))
    case API.AddPartitionsToTxn:
      input.string()
      input.skip(10)
      return topics(Infinity, 0)
    case API.TxnOffsetCommit:
      input.string()
      input.string()
      input.skip(10)
      if (version >= 3) {
        input.skip(4)
        input.string()
        input.string()
      }
      return input.array(() => ({
        name: input.string(),
        partitions: input.array(() => {
          const partition = input.int32()
          input.skip(8 + (version >= 2 ? 4 : 0))
          input.string()
          return partition
        })
      }))
    case API.Fetch: {
      input.skip((version < 15 ? 4 : 0) + 13 + (version >= 7 ? 8 : 0))
      const epochs = (version >= 9 ? 4 : 0) + (version >= 12 ? 4 : 0)
      return topics(13, epochs + 8 + (version >= 5 ? 8 : 0) + 4)
    }
    case API.ListOffsets:
      input.skip(4 + (version >= 2 ? 1 : 0))
      return topics(Infinity, (version >= 4 ? 4 : 0) + 8)
    case API.OffsetFetch:
      if (version < 8) {
        input.string()
        return topics(Infinity, 0)
      }
      return input
        .array(() => {
          input.string()
          if (version >= 9) {
            input.string()
            input.skip(4)
          }
          return topics(10, 0)
        })
        .flat()
    case API.OffsetCommit:
      input.string()
      input.skip(4)
      input.string()
      if (version >= 7) input.string()
      if (version <= 4) input.skip(8)
      return input.array(() => ({
        name: version >= 10 ? input.uuid() : input.string(),
        partitions: input.array(() => {
          const partition = input.int32()
          input.skip(8 + (version >= 6 ? 4 : 0))
          input.string()
          return partition
        })
      }))
    case API.Metadata:
      return input.array(() => {
        if (version >= 10) input.skip(16)
        return { name: input.string(), partitions: [] }
      })
    default:
      throw new Error(`Requests of API ${key} have no topics`)
  }
}

/** The key of FindCoordinator: the group. @param {Request} request */
const groupOf = request => {
  const input = new Reader(request)
  if (request.version < 4) return input.string()
  input.skip(1)
  return input.array(() => input.string(), false)[0]
}

/** The group of OffsetFetch, v8 and later. @param {Request} request */
const groupOfOffsets = request => {
  const input = new Reader(request)
  return input.array(() => input.string())[0]
}

/** @param {Fault} fault @param {number} partition @param {string | Buffer} topic */
const codeOf = ({ error = 0 }, partition = -1, topic = '') =>
  typeof error === 'function' ? error(partition, topic) : error

/** @param {Writer} out @param {string | Buffer} name */
const writeName = (out, name) => (typeof name === 'string' ? out.string(name) : out.raw(name))

/**
 * @param {Writer} out
 * @param {Topic[]} topics
 * @param {Fault} fault
 * @param {(code: number) => void} write what follows a partition's number
 */
const writeTopics = (out, topics, fault, write) =>
  out.array(topics, ({ name, partitions }) => {
    writeName(out, name)
    out.array(partitions, partition => {
      out.int32(partition)
      write(codeOf(fault, partition, name))
    })
  })

/** @type {Record<number, (out: Writer, version: number, fault: Fault, request: Request) => void>} */
const WRITERS = {
  [API.Produce](out, version, fault, request) {
    writeTopics(out, topicsOf(request), fault, code => {
      out.int16(code)
      out.int64(-1)
      out.int64(-1)
      if (version >= 5) out.int64(-1)
      if (version >= 8) {
        out.array([], () => {})
        out.string(null)
      }
    })
    out.int32(0)
  },

  [API.Fetch](out, version, fault, request) {
    out.int32(0)
    if (version >= 7) {
      out.int16(fault.whole ?? 0)
      out.int32(0) // no session
    }
    const topics = fault.whole ? [] : topicsOf(request)
    out.array(topics, ({ name, partitions }) => {
      writeName(out, name)
      // Their tagged fields may name the new leader, so they are written here.
      const write = (/** @type {number} */ partition) => {
        out.int32(partition)
        out.int16(codeOf(fault, partition, name))
        out.int64(-1)
        out.int64(-1)
        if (version >= 5) out.int64(-1)
        out.array([], () => {})
        if (version >= 11) out.int32(-1)
        out.empty()
        if (!fault.leader) return out.tags()
        out.varint(1)
        out.varint(1)
        out.varint(9)
        out.int32(fault.leader[0])
        out.int32(fault.leader[1])
        out.tags()
      }
      out.array(partitions, write, false)
    })
  },

  [API.ListOffsets](out, version, fault, request) {
    if (version >= 2) out.int32(0)
    writeTopics(out, topicsOf(request), fault, code => {
      out.int16(code)
      out.int64(-1)
      out.int64(-1)
      if (version >= 4) out.int32(-1)
    })
  },

  [API.Metadata](out, version, fault, request) {
    if (version >= 3) out.int32(0)
    out.array(fault.brokers ?? [], ({ id, host, port }) => {
      out.int32(id)
      out.string(host)
      out.int32(port)
      out.string(null)
    })
    if (version >= 2) out.string('cluster')
    out.int32(-1)
    out.array(topicsOf(request), ({ name }) => {
      out.int16(codeOf(fault))
      writeName(out, name)
      if (version >= 10) out.raw(Buffer.alloc(16))
      out.int8(0)
      out.array([], () => {})
      if (version >= 8) out.int32(0)
    })
    if (version >= 8 && version <= 10) out.int32(0)
    if (version >= 13) out.int16(fault.whole ?? 0)
  },

  [API.OffsetCommit](out, version, fault, request) {
    if (version >= 3) out.int32(0)
    writeTopics(out, topicsOf(request), fault, code => out.int16(code))
  },

  [API.OffsetFetch](out, version, fault, request) {
    const topics = () => {
      writeTopics(out, fault.whole ? [] : topicsOf(request), fault, code => {
        out.int64(-1)
        if (version >= 5) out.int32(-1)
        out.string(null)
        out.int16(code)
      })
      if (version >= 2) out.int16(fault.whole ?? 0)
    }
    if (version >= 3) out.int32(0)
    if (version < 8) return topics()
    out.array([groupOfOffsets(request)], group => {
      out.string(group)
      topics()
    })
  },

  [API.FindCoordinator](out, version, fault, request) {
    if (version >= 1) out.int32(0)
    const place = () => {
      out.int32(-1)
      out.string('')
      out.int32(-1)
    }
    const error = () => {
      out.int16(codeOf(fault))
      if (version >= 1) out.string(null)
    }
    if (version < 4) {
      error()
      return place()
    }
    out.array([groupOf(request)], group => {
      out.string(group)
      place()
      error()
    })
  },

  [API.JoinGroup](out, version, fault) {
    if (version >= 2) out.int32(0)
    out.int16(codeOf(fault))
    out.int32(-1)
    if (version >= 7) out.string(null)
    out.string(version >= 7 ? null : '')
    out.string('')
    if (version >= 9) out.int8(0)
    out.string(fault.memberId ?? '')
    out.array([], () => {})
  },

  [API.SyncGroup](out, version, fault) {
    if (version >= 1) out.int32(0)
    out.int16(codeOf(fault))
    if (version >= 5) {
      out.string(null)
      out.string(null)
    }
    out.empty()
  },

  [API.Heartbeat](out, version, fault) {
    if (version >= 1) out.int32(0)
    out.int16(codeOf(fault))
  },

  [API.LeaveGroup](out, version, fault) {
    if (version >= 1) out.int32(0)
    out.int16(codeOf(fault))
    if (version >= 3) out.array([], () => {})
  },

  [API.InitProducerId](out, _version, fault) {
    out.int32(0)
    out.int16(codeOf(fault))
    out.int64(-1)
    out.int16(-1)
  },

  [API.AddPartitionsToTxn](out, _version, fault, request) {
    out.int32(0)
    writeTopics(out, topicsOf(request), fault, code => out.int16(code))
  },

  [API.AddOffsetsToTxn](out, _version, fault) {
    out.int32(0)
    out.int16(codeOf(fault))
  },

  [API.EndTxn](out, version, fault) {
    out.int32(0)
    out.int16(codeOf(fault))
    if (version < 5) return
    out.int64(-1)
    out.int16(-1)
  },

  [API.TxnOffsetCommit](out, _version, fault, request) {
    out.int32(0)
    writeTopics(out, topicsOf(request), fault, code => out.int16(code))
  }
}

module.exports = { API, Reader, Writer, framed, readRequest, respond, topicsOf }
