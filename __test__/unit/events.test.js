'use strict'

const { spawnSync } = require('node:child_process')
const { subscribe, unsubscribe } = require('node:diagnostics_channel')
const path = require('node:path')
const { Kafka } = require('kafkajs')
const { BatchEvents } = require('../../src/consumer/batchEvents')
const { createOn } = require('../../src/instrumentation/clientEvents')
const InstrumentationEventEmitter = require('../../src/instrumentation/emitter')

const { events, wrap, unwrap } = require('../../src/consumer/instrumentationEvents')

const kafkajsConsumer = new Kafka({ brokers: ['b:1'] }).consumer({ groupId: 'g' })
const createLogger = () => ({ error: jest.fn() })

/** An emitter, and a consumer's `on` of it. */
const createEmitter = ({ logger }) => {
  const emitter = new InstrumentationEventEmitter()
  const on = createOn({ client: 'consumer', events, wrap, unwrap, emitter, logger })
  return Object.assign(emitter, { on })
}

describe('events', () => {
  it('are those of kafkajs, in its order', () => {
    expect(events).toEqual(kafkajsConsumer.events)
    expect(Object.keys(events)).toEqual(Object.keys(kafkajsConsumer.events))
  })

  it('has more, which only those hear who name them', () => {
    const emitter = createEmitter({ logger: createLogger() })
    const heard = jest.fn()
    for (const name of /** @type {const} */ (['LAG', 'STALLED'])) {
      emitter.on(events[name], heard)
      emitter.emit(events[name], {})
    }
    expect(heard.mock.calls.map(([{ type }]) => type)).toEqual(['consumer.lag', 'consumer.stalled'])
  })

  it.each(['consumer.HEARTBEAT', 'network.request', '', undefined])(
    'refuses the name %j in the words of kafkajs',
    name => {
      const emitter = createEmitter({ logger: createLogger() })
      const messageOf = f => {
        try {
          f()
        } catch (e) {
          return `${e.name}: ${e.message}`
        }
      }
      const theirs = messageOf(() => kafkajsConsumer.on(name, () => {}))
      expect(theirs).toMatch(/^KafkaJSNonRetriableError/)
      expect(messageOf(() => emitter.on(name, () => {}))).toBe(theirs)
    }
  )

  it('carry id, type, timestamp and payload', () => {
    const emitter = createEmitter({ logger: createLogger() })
    const seen = []
    emitter.emit(events.CONNECT)
    emitter.on(events.REQUEST, event => seen.push(event))
    emitter.on(events.STOP, event => seen.push(event))
    const before = Date.now()
    emitter.emit(unwrap(events.REQUEST), { size: 1 })
    emitter.emit(events.CONNECT)
    emitter.emit(events.STOP)
    const [first, second] = seen
    expect(first).toMatchObject({ type: 'consumer.network.request', payload: { size: 1 } })
    expect(Object.keys(first)).toEqual(['id', 'type', 'timestamp', 'payload'])
    expect(first.timestamp).toBeGreaterThanOrEqual(before)
    expect(second.payload).toBeUndefined()
    // Events without a listener are not counted.
    expect(second.id).toBe(first.id + 1)
  })

  it.each([['a-group'], [undefined]])('are told on a channel, of the group %j', groupId => {
    const emitter = createEmitter({ logger: createLogger() })
    emitter.groupId = groupId
    const told = []
    const tell = message => told.push(message)
    const payload = { size: 1 }
    subscribe('kafkars:consumer.network.request', tell)
    emitter.on(events.REQUEST, event => told.push(event))
    emitter.emit(unwrap(events.REQUEST), payload)
    unsubscribe('kafkars:consumer.network.request', tell)
    const [message, event] = told
    expect(message).toStrictEqual({ ...event, ...(groupId && { groupId }) })
    expect(message).not.toBe(event)
    expect(message.payload).toBe(payload)
  })

  it('of the end of a batch repeat those of its start, and add how long it took', () => {
    const emitter = createEmitter({ logger: createLogger() })
    const told = []
    emitter.on(events.START_BATCH_PROCESS, ({ payload }) => told.push({ ...payload }))
    emitter.on(events.START_BATCH_PROCESS, ({ payload }) => (payload.mark = 1))
    emitter.on(events.END_BATCH_PROCESS, ({ payload }) => told.push(payload))
    const batchEvents = new BatchEvents(emitter)
    const range = { firstOffset: 5n, lastOffset: 9n, highWatermark: 20n, count: 4, first: 1 }
    const lane = { topic: 't', partition: 2, delivery: { ...range, told: null } }
    batchEvents.ended({ ...lane, startedAt: batchEvents.started(lane) })
    const start = {
      topic: 't',
      partition: 2,
      highWatermark: '20',
      offsetLag: '10',
      offsetLagLow: '14',
      batchSize: 3,
      firstOffset: '5',
      lastOffset: '9'
    }
    expect(told).toStrictEqual([start, { ...start, mark: 1, duration: expect.any(Number) }])
    expect(Object.keys(told[1])).toEqual([...Object.keys(start), 'mark', 'duration'])
  })

  it('reach no removed listener', () => {
    const emitter = createEmitter({ logger: createLogger() })
    const listener = jest.fn()
    const remove = emitter.on(events.STOP, listener)
    remove()
    emitter.emit(events.STOP)
    expect(listener).not.toHaveBeenCalled()
    expect(emitter.listens(events.STOP)).toBe(false)
  })

  it('reach a listener as often as it was added, until each is removed; twice is once', () => {
    const emitter = createEmitter({ logger: createLogger() })
    const listener = jest.fn()
    const removers = [emitter.on(events.STOP, listener), emitter.on(events.STOP, listener)]
    emitter.emit(events.STOP)
    expect(listener).toHaveBeenCalledTimes(2)
    removers[0]()
    removers[0]()
    emitter.emit(events.STOP)
    expect(listener).toHaveBeenCalledTimes(3)
  })

  it('are one and the same for all listeners, in the order of their adding', () => {
    const emitter = createEmitter({ logger: createLogger() })
    const seen = []
    for (const name of ['a', 'b']) emitter.on(events.STOP, event => seen.push([name, event]))
    emitter.emit(events.STOP)
    expect(seen.map(([name]) => name)).toEqual(['a', 'b'])
    expect(seen[0][1]).toBe(seen[1][1])
  })

  it('have ids that count over all consumers', () => {
    const emitters = [1, 2].map(() => createEmitter({ logger: createLogger() }))
    const ids = []
    for (const emitter of emitters) emitter.on(events.STOP, ({ id }) => ids.push(id))
    for (const i of [0, 1, 1, 0]) emitters[i].emit(events.STOP)
    expect(ids).toEqual([0, 1, 2, 3].map(i => ids[0] + i))
  })

  it.each([
    [10, false],
    [11, true]
  ])('with %d listeners are a leak for Node: %p', (count, isLeak) => {
    // Node warns in its own realm, not in that of a test.
    const program = `
      const InstrumentationEventEmitter = require('./src/instrumentation/emitter')
      const emitter = new InstrumentationEventEmitter()
      for (let i = 0; i < ${count}; i++) emitter.addListener('e', () => {})`
    const options = { cwd: path.join(__dirname, '../..'), encoding: 'utf8' }
    const { stderr } = spawnSync(process.execPath, ['-e', program], options)
    expect(stderr.includes('MaxListenersExceededWarning')).toBe(isLeak)
    expect(stderr === '').toBe(!isLeak)
  })

  it.each([
    ['throws', () => { throw new Error('oops') }], // prettier-ignore
    ['rejects', async () => { throw new Error('oops') }] // prettier-ignore
  ])('survive a listener that %s', async (_, listener) => {
    const logger = createLogger()
    const emitter = createEmitter({ logger })
    const other = jest.fn()
    emitter.on(events.STOP, listener)
    emitter.on(events.STOP, other)
    emitter.emit(events.STOP)
    expect(other).toHaveBeenCalledTimes(1)
    await null
    expect(logger.error).toHaveBeenCalledWith('Failed to execute listener: oops', {
      eventName: 'consumer.stop',
      stack: expect.any(String)
    })
  })

  it.each(['consumer', 'producer', 'admin', 'network'])(
    'of the %s have the names of kafkajs, where it has them',
    client => {
      const ours = require(`../../src/${client}/instrumentationEvents`)
      const theirs = require(`kafkajs/src/${client}/instrumentationEvents`)
      const names = Object.values(theirs.events ?? theirs)
      expect(ours.events ?? ours).toEqual(theirs.events ?? theirs)
      for (const way of ['wrap', 'unwrap'].filter(name => name in theirs)) {
        const all = [...names, 'network.request', 'network.request_timeout', 'else']
        expect(all.map(ours[way])).toEqual(all.map(theirs[way]))
      }
    }
  )

  it('are watched: whoever makes them hears that a listener has come or gone', () => {
    const emitter = createEmitter({ logger: createLogger() })
    const wanted = []
    const unwatch = emitter.watch(() => wanted.push(emitter.listens('network.request_timeout')))
    const remove = emitter.on(events.REQUEST_TIMEOUT, () => {})
    emitter.on(events.STOP, () => {})
    remove()
    expect(wanted).toEqual([false, true, true, false])
    unwatch()
    emitter.on(events.REQUEST, () => {})
    expect(wanted).toHaveLength(4)
  })
})
