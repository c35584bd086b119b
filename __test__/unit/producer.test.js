// @ts-check
'use strict'

/** What a producer does when somebody else has closed the connections of its cluster: a consumer on the same one that has crashed. */

jest.mock('../../src/native', () => ({}))
const native = /** @type {any} */ (require('../../src/native'))
const createProducer = require('../../src/producer')
const { createLogger } = require('./support')

/** An engine that takes everything and answers nothing. */
class NativeProducer {
  /** @type {NativeProducer[]} */
  static all = []

  constructor() {
    this.sends = 0
    this.isClosed = false
    NativeProducer.all.push(this)
  }

  start() {}

  /** @param {Uint8Array} _ @param {number} length */
  submit(_, length) {
    this.sends += 1
    return length
  }

  answers() {
    return 0
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

describe('a producer whose connections somebody else has closed', () => {
  const start = async () => {
    NativeProducer.all = []
    native.NativeProducer = NativeProducer
    const cluster = createCluster()
    const { root: logger } = createLogger()
    const producer = createProducer({ cluster, logger, transactionalId: 'x' })
    await producer.connect()
    const { connect } = cluster
    /** @param {boolean} can */
    const canConnect = can => {
      cluster.connect = can ? connect : () => Promise.reject(new Error('no broker'))
    }
    return { producer, cluster, canConnect }
  }

  it('opens new ones for the next send, and for the one after that which could not', async () => {
    const { producer, cluster, canConnect } = await start()
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
    const { producer, cluster, canConnect } = await start()
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
