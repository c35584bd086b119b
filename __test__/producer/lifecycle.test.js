// @ts-check
'use strict'

const { createTopic } = require('../kafka/helpers')
const { createProducer, pause, readLog, rejection } = require('./support')
const { startProducer, upTo, valuesOf } = require('./support')

describe('a producer', () => {
  it('has the methods of kafkajs, which work without this', async () => {
    const producer = createProducer()
    const names = ['connect', 'disconnect', 'isIdempotent', 'events', 'on', 'send', 'sendBatch']
    expect(Object.keys(producer)).toEqual(
      expect.arrayContaining([...names, 'transaction', 'logger'])
    )
    const { connect, send, disconnect } = producer
    const topic = await createTopic()
    await connect()
    await send({ topic, messages: [{ value: 'x' }] })
    await disconnect()
    expect(valuesOf(await readLog(topic))).toEqual(['x'])
  })

  it('says whether it was asked to be idempotent', () => {
    expect(createProducer().isIdempotent()).toBe(false)
    expect(createProducer({ idempotent: true }).isIdempotent()).toBe(true)
    expect(createProducer({ idempotent: false }).isIdempotent()).toBe(false)
  })

  it('is numbered where the brokers allow it, unless it is told not to', async () => {
    const topic = await createTopic()
    const apis = async options => {
      const producer = createProducer(options)
      const heard = /** @type {string[]} */ ([])
      producer.on(producer.events.REQUEST, ({ payload }) => void heard.push(payload.apiName))
      await producer.connect()
      await producer.send({ topic, messages: [{ value: 'x' }] })
      await producer.disconnect()
      return heard
    }
    expect(await apis({})).toContain('InitProducerId')
    expect(await apis({ idempotent: false })).not.toContain('InitProducerId')
  })

  it('has a logger of its own', () => {
    expect(createProducer().logger()).toMatchObject({
      info: expect.any(Function),
      error: expect.any(Function),
      namespace: expect.any(Function)
    })
  })

  it('tells of connect() and disconnect(), each time', async () => {
    const producer = createProducer()
    const heard = /** @type {any[]} */ ([])
    producer.on(producer.events.CONNECT, event => heard.push(event))
    producer.on(producer.events.DISCONNECT, event => heard.push(event))
    await producer.connect()
    await producer.connect()
    await producer.disconnect()
    await producer.disconnect()
    expect(heard.map(({ type }) => type)).toEqual([
      'producer.connect',
      'producer.connect',
      'producer.disconnect',
      'producer.disconnect'
    ])
    expect(heard[0]).toEqual({
      id: expect.any(Number),
      type: 'producer.connect',
      timestamp: expect.any(Number),
      payload: undefined
    })
  })

  it('is not disturbed by a listener that throws', async () => {
    const producer = createProducer()
    producer.on(producer.events.CONNECT, () => {
      throw new Error('not today')
    })
    await producer.connect()
  })

  it('tells of its requests', async () => {
    const topic = await createTopic()
    const producer = createProducer()
    const heard = /** @type {any[]} */ ([])
    const remove = producer.on(producer.events.REQUEST, event => heard.push(event))
    await producer.connect()
    await producer.send({ topic, messages: [{ value: 'x' }] })
    const { type, payload } = heard.find(event => event.payload.apiName === 'Produce')
    expect(type).toBe('producer.network.request')
    expect(Object.keys(payload).sort()).toEqual([
      'apiKey',
      'apiName',
      'apiVersion',
      'broker',
      'clientId',
      'correlationId',
      'createdAt',
      'duration',
      'pendingDuration',
      'sentAt',
      'size'
    ])
    remove()
    const before = heard.length
    await producer.send({ topic, messages: [{ value: 'x' }] })
    expect(heard).toHaveLength(before)
  })

  it('knows no other events', () => {
    expect(() => createProducer().on(/** @type {any} */ ('producer.crash'), () => {})).toThrow(
      'Event name should be one of producer.events.CONNECT, producer.events.DISCONNECT, producer.events.REQUEST, producer.events.REQUEST_TIMEOUT, producer.events.REQUEST_QUEUE_SIZE'
    )
  })

  it('takes nothing while it disconnects and afterwards, and connects again', async () => {
    const topic = await createTopic()
    const producer = await startProducer()
    const record = { topic, messages: [{ value: 'x' }] }
    const done = producer.disconnect()
    const error = await rejection(producer.send(record))
    expect(error).toMatchObject({ name: 'KafkaJSNonRetriableError', retriable: false })
    expect(error.message).toBe(
      "The producer is disconnecting; therefore, it can't safely accept messages anymore"
    )
    await done
    expect((await rejection(producer.send(record))).message).toBe('The producer is disconnected')
    await producer.connect()
    await producer.send(record)
    expect(valuesOf(await readLog(topic))).toEqual(['x'])
  })

  it('writes at disconnect() what was sent before it', async () => {
    const topic = await createTopic({ partitions: 2 })
    const producer = await startProducer()
    let written = 0
    const sends = upTo(50).map(async i => {
      await producer.send({ topic, messages: [{ value: String(i), partition: i % 2 }] })
      written++
    })
    await producer.disconnect()
    expect(written).toBe(50)
    await Promise.all(sends)
    const log = await readLog(topic)
    expect(
      valuesOf(log)
        .map(Number)
        .sort((a, b) => a - b)
    ).toEqual(upTo(50))
  })

  it('flush() waits for what was sent, and no linger does', async () => {
    const topic = await createTopic()
    const producer = await startProducer({ linger: 60_000 })
    let sent = 0
    const sends = upTo(3).map(async i => {
      await producer.send({ topic, messages: [{ value: String(i) }] })
      sent++
    })
    await pause(200)
    expect(sent).toBe(0)
    await producer.flush()
    await Promise.all(sends)
    expect(sent).toBe(3)
    expect(valuesOf(await readLog(topic))).toEqual(['0', '1', '2'])
  })

  it('is disposed of by await using', async () => {
    const producer = /** @type {any} */ (await startProducer())
    const dispose = /** @type {any} */ (Symbol).asyncDispose
    if (dispose === undefined) return
    expect(producer.isConnected()).toBe(true)
    await producer[dispose]()
    expect(producer.isConnected()).toBe(false)
  })

  it('shares a turn among all that is sent in it', async () => {
    const topic = await createTopic()
    const producer = await startProducer()
    await producer.send({ topic, messages: [{ value: 'first' }] })
    let requests = 0
    producer.on(producer.events.REQUEST, ({ payload }) => {
      if (payload.apiName === 'Produce') requests++
    })
    await Promise.all(upTo(100).map(i => producer.send({ topic, messages: [{ value: `${i}` }] })))
    // Listeners hear of the last request in a turn of their own.
    await pause(100)
    expect(requests).toBe(1)
  })
})
