// @ts-check
'use strict'

/**
 * What a producer does when somebody else has closed the connections of its cluster, a consumer on the same one that has crashed; and what
 * becomes of that which is not handed over yet when it ends, or its transaction.
 */

jest.mock('../../src/native', () => ({ NativeSiblings: class {} }))
const native = /** @type {any} */ (require('../../src/native'))
const createProducer = require('../../src/producer')
const { createLogger } = require('./support')

/** An engine that takes everything and answers nothing. */
class NativeProducer {
  /** @type {NativeProducer[]} */
  static all = []

  constructor() {
    this.sends = 0
    this.flushes = 0
    this.isClosed = false
    NativeProducer.all.push(this)
  }

  start() {}

  /** @param {Uint8Array} _ @param {number} length */
  submit(_, length) {
    this.sends += 1
    return length
  }

  /** @param {Uint8Array} _ */
  answers(_) {
    return 0
  }

  flush() {
    this.flushes += 1
  }

  async beginTransaction() {
    return null
  }

  async abortTransaction() {
    return null
  }

  async close() {
    this.isClosed = true
  }
}

/** A cluster with new connections after each `interrupt()`. */
const createCluster = () => {
  /** @type {any} */
  const cluster = {
    connect: async () => {},
    disconnect: async () => {},
    client: {},
    get native() {
      return cluster.client
    },
    interrupt: () => (cluster.client = {})
  }
  return cluster
}

/** @param {Promise<any>} promise */
const rejection = promise =>
  promise.then(
    () => 'resolved',
    ({ message }) => message
  )

const turn = () => new Promise(resolve => setImmediate(resolve))

/** @param {any} Engine @param {any} [options] */
const start = async (Engine, options) => {
  NativeProducer.all = []
  native.NativeProducer = Engine
  const cluster = createCluster()
  const { root: logger } = createLogger()
  const producer = createProducer({ cluster, logger, ...options })
  await producer.connect()
  return { producer, cluster }
}

describe('a producer whose connections somebody else has closed', () => {
  const startTransactional = async () => {
    const { producer, cluster } = await start(NativeProducer, { transactionalId: 'x' })
    const { connect } = cluster
    /** @param {boolean} can */
    const canConnect = can => {
      cluster.connect = can ? connect : () => Promise.reject(new Error('no broker'))
    }
    return { producer, cluster, canConnect }
  }

  it('opens new ones for the next send, and for the one after that which could not', async () => {
    const { producer, cluster, canConnect } = await startTransactional()
    const send = () => producer.send({ topic: 't', messages: [{ value: 'v' }] })
    cluster.interrupt()
    canConnect(false)
    expect(await Promise.all([send(), send()].map(rejection))).toEqual(['no broker', 'no broker'])
    expect(await rejection(send())).toBe('no broker')
    canConnect(true)
    send().catch(() => {})
    send().catch(() => {})
    await turn()
    const [before, after] = NativeProducer.all
    expect(NativeProducer.all).toHaveLength(2)
    expect([before.isClosed, before.sends, after.isClosed, after.sends]).toEqual([
      true,
      0,
      false,
      1
    ])
  })

  it('begins the next transaction over new ones, and leaves nothing of the former open', async () => {
    const { producer, cluster, canConnect } = await startTransactional()
    await (await producer.transaction()).abort()
    cluster.interrupt()
    canConnect(false)
    expect(await rejection(producer.transaction())).toBe('no broker')
    canConnect(true)
    expect((await producer.transaction()).isActive()).toBe(true)
    const [, before, after] = NativeProducer.all
    expect(NativeProducer.all).toHaveLength(3)
    expect([before.isClosed, after.isClosed]).toEqual([true, false])
  })
})

/** One whose memory is full until its transaction ends; it has been told of by `wake` when JavaScript comes to it. */
class FullProducer extends NativeProducer {
  /** @param {any} _ @param {any} __ @param {(told: number) => void} wake */
  constructor(_, __, wake) {
    super()
    this.wake = wake
    this.isFull = true
    this.transactions = 0
    /** In which transaction something was taken. @type {number[]} */
    this.taken = []
    this.hasRoom = false
  }

  /** @param {Uint8Array} _ @param {number} length */
  submit(_, length) {
    if (this.isFull) return 0
    this.taken.push(this.transactions)
    return length
  }

  /** @param {Uint8Array} into */
  answers(into) {
    if (!this.hasRoom) return 0
    this.hasRoom = false
    new Int32Array(into.buffer).set([2, 0, 0, 0])
    return 16
  }

  async beginTransaction() {
    this.transactions += 1
    return null
  }

  async abortTransaction() {
    this.isFull = false
    this.hasRoom = true
    setImmediate(() => this.wake(-1))
    return null
  }
}

it('what waits for room when its transaction is aborted does not come into the next one', async () => {
  const { producer } = await start(FullProducer, { transactionalId: 'x' })
  const first = await producer.transaction()
  first.send({ topic: 't', messages: [{ value: 'v' }] }).catch(() => {})
  await turn()
  await first.abort()
  const second = await producer.transaction()
  await turn()
  await turn()
  const [, engine] = /** @type {any[]} */ (NativeProducer.all)
  expect([engine.transactions, engine.taken]).toEqual([2, [1]])
  expect(second.isActive()).toBe(true)
})

it('many sends of one turn are on their way before it ends, and what is answered meanwhile waits for the next', async () => {
  /** Of each call, which sends: their first word is their length, their second one the ticket. @type {number[][]} */
  const calls = []
  let taken = 0
  /** @type {(told: number) => void} */
  let wake = () => {}
  class Ahead extends NativeProducer {
    constructor(_, __, hear) {
      super()
      wake = hear
    }

    /** @param {Uint8Array} bytes @param {number} length */
    submit(bytes, length) {
      const words = new Int32Array(bytes.buffer, 0, length >> 2)
      const tickets = []
      for (let at = 0; at < words.length; at += words[at] >> 2) tickets.push(words[at + 1])
      calls.push(tickets)
      return length
    }

    answers() {
      taken += 1
      return 0
    }
  }
  const { producer } = await start(Ahead)
  const send = (_, value) => {
    producer.send({ topic: 't', messages: [{ value: String(value) }] }).catch(() => {})
  }
  Array.from({ length: 1100 }).forEach(send)
  expect(calls.map(tickets => tickets.length)).toEqual([512, 512])
  wake(-1)
  expect(taken).toBe(0)
  await turn()
  expect(calls.map(tickets => tickets.length)).toEqual([512, 512, 76])
  expect(calls.flat()).toEqual([...new Set(calls.flat())].sort((a, b) => a - b))
  expect(taken).toBe(1)
  wake(-1)
  expect(taken).toBe(2)
})

describe('what waits for the partitions of its topic', () => {
  const waiting = async () => {
    const { producer, cluster } = await start(NativeProducer, {
      createPartitioner: () => () => 0
    })
    let tell = () => {}
    const told = new Promise(resolve => (tell = () => resolve(undefined)))
    let isKnown = false
    Object.assign(cluster, {
      targetTopics: new Set(),
      brokerPool: { metadata: {}, partitionsOf: () => (isKnown ? [{ partitionId: 0 }] : []) },
      addMultipleTargetTopics: () => told.then(() => void (isKnown = true)),
      refreshMetadataIfNecessary: async () => {},
      findTopicPartitionMetadata: () => [{ partitionId: 0, leader: 1 }]
    })
    producer.send({ topic: 't', messages: [{ value: 'v' }] }).catch(() => {})
    await turn()
    return { producer, tell }
  }
  const sends = () => NativeProducer.all.reduce((sum, engine) => sum + engine.sends, 0)

  it('is waited for by disconnect()', async () => {
    const { producer, tell } = await waiting()
    const done = producer.disconnect()
    await turn()
    tell()
    await done
    expect(sends()).toBe(1)
  })

  it('is not waited for any longer than is asked for', async () => {
    const { producer } = await waiting()
    await producer.disconnect({ timeout: 0 })
    expect(sends()).toBe(0)
  })

  it('is waited for by flush()', async () => {
    const { producer, tell } = await waiting()
    let flushed = false
    producer.flush().then(() => (flushed = true))
    await turn()
    expect([flushed, NativeProducer.all[0].flushes]).toEqual([false, 0])
    tell()
    await turn()
    expect([sends(), NativeProducer.all[0].flushes]).toEqual([1, 1])
  })
})
