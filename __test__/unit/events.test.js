'use strict'

const { Kafka } = require('kafkajs')
const { events, createEmitter } = require('../../src/events')

const kafkajsConsumer = new Kafka({ brokers: ['b:1'] }).consumer({ groupId: 'g' })
const createLogger = () => ({ error: jest.fn() })

describe('events', () => {
  it('are those of kafkajs, in its order', () => {
    expect(events).toEqual(kafkajsConsumer.events)
    expect(Object.keys(events)).toEqual(Object.keys(kafkajsConsumer.events))
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
    emitter.emit(events.REQUEST, { size: 1 })
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

  it('reach no removed listener', () => {
    const emitter = createEmitter({ logger: createLogger() })
    const listener = jest.fn()
    const remove = emitter.on(events.STOP, listener)
    remove()
    emitter.emit(events.STOP)
    expect(listener).not.toHaveBeenCalled()
    expect(emitter.listens(events.STOP)).toBe(false)
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

  it('of requests are asked for only while somebody listens', () => {
    const emitter = createEmitter({ logger: createLogger() })
    const wanted = []
    const unwatch = emitter.watch(() => wanted.push(emitter.listensToRequests))
    const remove = emitter.on(events.REQUEST_TIMEOUT, () => {})
    emitter.on(events.STOP, () => {})
    remove()
    expect(wanted).toEqual([false, true, true, false])
    unwatch()
    emitter.on(events.REQUEST, () => {})
    expect(wanted).toHaveLength(4)
  })
})
