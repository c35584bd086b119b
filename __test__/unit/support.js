'use strict'

/** Stands for the engine and for the runner in unit tests. */

const createFailure = (failure, fields = {}) => ({
  failure,
  message: failure,
  retriable: true,
  code: null,
  broker: null,
  topic: null,
  partition: null,
  offset: null,
  apiName: null,
  apiKey: null,
  apiVersion: null,
  correlationId: null,
  cause: null,
  ...fields
})

const createTopic = (name, partitions = 1, errorCode = 0) => ({
  errorCode,
  name,
  isInternal: name.startsWith('__'),
  partitions: Array.from({ length: partitions }, (_, partitionId) => ({
    errorCode: 0,
    partitionId,
    leader: 1 + (partitionId % 2),
    leaderEpoch: 0,
    replicas: [1, 2],
    isr: [1],
    offlineReplicas: []
  }))
})

const BROKERS = [
  { nodeId: 1, host: 'b1', port: 9092, rack: null },
  { nodeId: 2, host: 'b2', port: 9092, rack: null }
]

/** A NativeClient of one virtual cluster; `world` is what the cluster answers. */
const createNativeClient = world =>
  class NativeClient {
    constructor(options, notify) {
      Object.assign(this, {
        options,
        notify,
        connected: false,
        closed: false,
        requestEvents: false
      })
      world.clients.push(this)
    }

    async connect(host, port) {
      world.connects.push(`${host}:${port}`)
      const failure = await world.onConnect(host, port, this)
      if (!failure) this.connected = true
      return failure
    }

    isConnected() {
      return this.connected
    }

    async metadata(topics, allowAutoTopicCreation) {
      world.metadataRequests.push({ topics, allowAutoTopicCreation })
      const failure = world.onMetadata(topics)
      if (failure) return failure
      const names = topics ?? Object.keys(world.topics)
      return {
        clusterId: 'cluster-1',
        controllerId: 1,
        brokers: BROKERS,
        topics: names.map(name => world.topics[name] ?? createTopic(name, 0, 3))
      }
    }

    async listOffsets(topics, timestamp, readCommitted) {
      world.offsetRequests.push({ topics, timestamp, readCommitted })
      return topics.flatMap(({ topic, partitions }) =>
        partitions.map(partition => ({ topic, partition, offset: timestamp === '-2' ? '0' : '9' }))
      )
    }

    async offsetFetch(groupId, topics) {
      return topics.flatMap(({ topic, partitions }) =>
        partitions.map(partition => ({ topic, partition, offset: '5', metadata: groupId }))
      )
    }

    async findCoordinator(groupId) {
      return world.onFindCoordinator(groupId)
    }

    async describeClassicGroups([groupId]) {
      const group = await world.onDescribeGroup(groupId)
      const told = { broker: 1, parts: [0], failure: null, answer: null }
      return ['failure' in group ? { ...told, failure: group } : { ...told, answer: [group] }]
    }

    setRequestEvents(on) {
      this.requestEvents = on
    }

    async saslAuthenticate(session, bytes) {
      world.rounds.push({ session, bytes: Buffer.from(bytes) })
      return world.onSaslAuthenticate(bytes)
    }

    authenticated(session, error, retriable) {
      world.authenticated.push({ session, error, retriable })
    }

    async close() {
      this.connected = false
      this.closed = true
    }
  }

const createWorld = () => ({
  clients: [],
  connects: [],
  metadataRequests: [],
  offsetRequests: [],
  rounds: [],
  authenticated: [],
  topics: { t: createTopic('t', 3), u: createTopic('u'), __internal: createTopic('__internal') },
  onConnect: async () => null,
  onMetadata: () => null,
  onFindCoordinator: async () => BROKERS[1],
  onSaslAuthenticate: async () => Buffer.alloc(0),
  onDescribeGroup: async groupId => ({
    errorCode: 0,
    groupId,
    state: 'Stable',
    protocolType: 'consumer',
    protocol: 'RoundRobinAssigner',
    members: []
  })
})

const createDeferred = () => {
  const deferred = {}
  deferred.promise = new Promise((resolve, reject) => Object.assign(deferred, { resolve, reject }))
  return deferred
}

/**
 * A runner whose join and leave the test completes. `runner.handle(f)` runs f as a handler would run: a stop() from inside
 * does not wait for it.
 */
const createFakeRunner = options => {
  const { AsyncLocalStorage } = require('node:async_hooks')
  const inside = new AsyncLocalStorage()
  const joined = createDeferred()
  const left = createDeferred()
  const handlers = []
  const runner = {
    options,
    joined,
    left,
    autoLeave: true,
    start: jest.fn(() => joined.promise),
    stop: jest.fn(async () => {
      if (inside.getStore()) return
      await Promise.all(handlers)
      if (runner.autoLeave) left.resolve()
      await left.promise
    }),
    commitOffsets: jest.fn(async () => {}),
    seek: jest.fn(),
    pause: jest.fn(),
    resume: jest.fn(),
    paused: jest.fn(() => [{ topic: 't', partitions: [0] }]),
    handle(handler) {
      const running = inside.run(true, handler)
      handlers.push(running)
      return running
    }
  }
  return runner
}

const createLogger = () => {
  const entries = []
  const { createLogger: create } = require('../../src/loggers')
  const root = create({ level: 5, logCreator: () => entry => entries.push(entry) })
  const messages = (label = null) =>
    entries
      .filter(entry => label === null || entry.label === label)
      .map(({ namespace, log }) => `[${namespace}] ${log.message}`)
  return { root, entries, messages }
}

// ---- slabs

const HEADER = 128
const BATCH = 64
const INDEX = 32

/**
 * A slab without values and headers, see `src/engine/records/layout.rs`. `key` of a message: text; `next`: behind control records and
 * gaps, which follow the last message.
 */
const createSlab = ({
  slot = 0,
  baseOffset,
  baseTimestamp = 0n,
  highWatermark,
  messages,
  next = baseOffset + BigInt((messages.at(-1)?.offset ?? -1) + 1),
  far = []
}) => {
  const tables = HEADER + BATCH + INDEX * messages.length
  const keys = messages.map(({ key = null }) => (key === null ? null : Buffer.from(key)))
  const end = tables + 8 * far.length
  const size = keys.reduce((sum, key) => sum + (key?.length ?? 0), end)
  const slab = new Uint8Array(new ArrayBuffer((size + 7) & ~7))
  const view = new DataView(slab.buffer)
  const int = (at, value) => view.setInt32(at, value, true)
  const long = (at, value) => view.setBigInt64(at, value, true)
  int(0, messages.length)
  int(4, HEADER + BATCH)
  int(8, slab.length)
  far.forEach((timestamp, i) => long(tables + 8 * i, timestamp))
  int(24, HEADER)
  int(28, 1)
  const longs = [baseOffset, baseTimestamp, baseOffset, next - 1n, next, highWatermark, baseOffset]
  longs.forEach((value, i) => long(32 + 8 * i, value))
  int(96, slot)
  int(HEADER + 4, messages.length)
  const context = [baseOffset, baseTimestamp, baseTimestamp, -1n]
  context.forEach((value, i) => long(HEADER + 8 + 8 * i, value))
  int(HEADER + 60, 2)
  let keyAt = end
  messages.forEach(({ offset, timestamp = 0 }, i) => {
    const at = HEADER + BATCH + INDEX * i
    const key = keys[i]
    const words = [keyAt, key?.length ?? -1, 0, -1, 0, 0, offset, timestamp]
    words.forEach((value, n) => int(at + 4 * n, value))
    if (key !== null) slab.set(key, keyAt)
    keyAt += key?.length ?? 0
  })
  return slab
}

module.exports = {
  createDeferred,
  createFailure,
  createFakeRunner,
  createLogger,
  createNativeClient,
  createSlab,
  createTopic,
  createWorld
}
