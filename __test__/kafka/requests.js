// @ts-check
/**
 * What a consumer asks for, read from the bytes of its requests: to see that an option gets where it has to.
 *
 * Versions: those that kafkars and kafkajs speak with a current broker. Null strings read as `''`.
 */

const { API, Reader } = require('./protocol')

/**
 * @param {import('./protocol').Request} request
 * @returns {Record<string, any>}
 */
const fieldsOf = request => {
  const read = READERS[request.key]
  return { clientId: clientIdOf(request), ...read(new Reader(request), request.version) }
}

/** @param {import('./protocol').Request} request */
const clientIdOf = ({ frame }) => {
  const length = Math.max(0, frame.readInt16BE(8))
  return frame.toString('utf8', 10, 10 + length)
}

/** @param {Reader} input @param {boolean} byId */
const topic = (input, byId) => (byId ? input.uuid().toString('hex') : input.string())

/** Who asks, in which generation. @param {Reader} input */
const member = input => ({
  groupId: input.string(),
  generationId: input.int32(),
  memberId: input.string()
})

/** @type {Record<number, (input: Reader, version: number) => Record<string, any>>} */
const READERS = {
  [API.Fetch](input, version) {
    if (version < 15) input.skip(4)
    const fields = {
      maxWaitTime: input.int32(),
      minBytes: input.int32(),
      maxBytes: input.int32(),
      isolationLevel: input.int8()
    }
    input.skip(8) // its session
    const topics = input.array(() => ({
      topic: topic(input, version >= 13),
      partitions: input.array(() => {
        const partition = input.int32()
        input.skip(4)
        const fetchOffset = input.int64()
        input.skip((version >= 12 ? 4 : 0) + 8)
        return { partition, fetchOffset, maxBytes: input.int32() }
      })
    }))
    input.array(() => {
      topic(input, version >= 13)
      input.array(() => input.int32(), false)
    })
    return { ...fields, topics, rackId: input.string() }
  },

  [API.ListOffsets](input, version) {
    input.skip(4)
    const isolationLevel = input.int8()
    const topics = input.array(() => ({
      topic: input.string(),
      partitions: input.array(() => {
        const partition = input.int32()
        if (version >= 4) input.skip(4)
        return { partition, timestamp: input.int64() }
      })
    }))
    return { isolationLevel, topics }
  },

  [API.Metadata](input, version) {
    const topics = input.array(() => {
      if (version >= 10) input.skip(16)
      return input.string()
    }, version >= 9)
    return { topics, allowAutoTopicCreation: input.int8() === 1 }
  },

  [API.OffsetCommit](input, version) {
    const fields = member(input)
    if (version >= 7) input.string()
    if (version <= 4) input.skip(8)
    const topics = input.array(() => ({
      topic: topic(input, version >= 10),
      partitions: input.array(() => {
        const partition = input.int32()
        const offset = input.int64()
        if (version >= 6) input.skip(4)
        return { partition, offset, metadata: input.string() }
      })
    }))
    return { ...fields, topics }
  },

  [API.FindCoordinator](input, version) {
    if (version < 4) return { groupId: input.string() }
    input.skip(1)
    return { groupId: input.array(() => input.string(), false)[0] }
  },

  [API.JoinGroup](input, version) {
    const fields = {
      groupId: input.string(),
      sessionTimeout: input.int32(),
      rebalanceTimeout: input.int32(),
      memberId: input.string()
    }
    if (version >= 5) input.string()
    const protocolType = input.string()
    const protocols = input.array(() => ({ name: input.string(), metadata: input.blob() }))
    return { ...fields, protocolType, protocols }
  },

  [API.SyncGroup](input, version) {
    const fields = member(input)
    if (version >= 3) input.string()
    if (version >= 5) {
      input.string()
      input.string()
    }
    const assignments = input.array(() => ({ memberId: input.string(), assignment: input.blob() }))
    return { ...fields, assignments }
  },

  [API.Heartbeat]: input => member(input),

  [API.LeaveGroup](input, version) {
    const groupId = input.string()
    const members = input.array(() => {
      const memberId = input.string()
      input.string()
      if (version >= 5) input.string()
      return memberId
    })
    return { groupId, members }
  }
}

module.exports = { fieldsOf }
