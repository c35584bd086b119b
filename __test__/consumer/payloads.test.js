// @ts-check
'use strict'

/** What handlers get, to the letter: which members, in which order, what JSON makes of them, what a program may do to them. */

const { createTopic, produce, sharedCluster } = require('../kafka/helpers')
const { startProducer } = require('../kafka/producer')
const { numbered, startConsumer, upTo, waitFor } = require('./support')

const TIME = 1700000000000

/** The payloads of the first `count` messages. @returns {Promise<any[]>} */
const payloadsOf = async (topic, count) => {
  const payloads = /** @type {any[]} */ ([])
  const { consumer } = await startConsumer({
    topics: [topic],
    run: { eachMessage: async (...args) => void payloads.push(...args) }
  })
  await waitFor(() => payloads.length >= count)
  await consumer.disconnect()
  return payloads
}

const messagesOf = async (topic, count) =>
  (await payloadsOf(topic, count)).map(({ message }) => message)

/** The first batch. @returns {Promise<any>} */
const batchOf = async topic => {
  const payloads = /** @type {any[]} */ ([])
  const { consumer } = await startConsumer({
    topics: [topic],
    run: { eachMessage: undefined, eachBatch: async (...args) => void payloads.push(...args) }
  })
  await waitFor(() => payloads.length > 0)
  await consumer.disconnect()
  return payloads[0]
}

describe('a message', () => {
  it('has its members in order, and JSON makes the same of it', async () => {
    const topic = await createTopic()
    await produce(topic, [
      { key: 'k', value: 'v', timestamp: String(TIME), headers: { a: 'b', many: ['1', '2'] } },
      { value: null, timestamp: String(TIME + 1) }
    ])
    const payloads = await payloadsOf(topic, 2)
    expect(Object.keys(payloads[0])).toEqual([
      'topic',
      'partition',
      'message',
      'heartbeat',
      'pause'
    ])
    const batchContext = {
      firstOffset: '0',
      firstTimestamp: String(TIME),
      partitionLeaderEpoch: 0,
      inTransaction: false,
      isControlBatch: false,
      lastOffsetDelta: 1,
      producerId: expect.stringMatching(/^\d+$/),
      producerEpoch: 0,
      firstSequence: 0,
      maxTimestamp: String(TIME + 1),
      timestampType: 0,
      magicByte: 2
    }
    const [first, second] = payloads.map(({ message }) => message)
    expect(JSON.parse(JSON.stringify(first))).toEqual({
      magicByte: 2,
      attributes: 0,
      timestamp: String(TIME),
      offset: '0',
      key: { type: 'Buffer', data: [107] },
      value: { type: 'Buffer', data: [118] },
      headers: {
        a: { type: 'Buffer', data: [98] },
        many: [
          { type: 'Buffer', data: [49] },
          { type: 'Buffer', data: [50] }
        ]
      },
      isControlRecord: false,
      batchContext
    })
    expect(Object.keys(first)).toEqual([
      'magicByte',
      'attributes',
      'timestamp',
      'offset',
      'key',
      'value',
      'headers',
      'isControlRecord',
      'batchContext'
    ])
    expect(Object.keys(first.batchContext)).toEqual(Object.keys(batchContext))
    expect(second).toMatchObject({ key: null, value: null, headers: {} })
    expect(second.batchContext).toBe(first.batchContext)
  })

  it('is a plain object: to spread, to assign to, to add to, to delete from', async () => {
    const topic = await createTopic()
    await produce(topic, [{ key: 'k', value: 'v', headers: { a: 'b' } }])
    const [payload] = await payloadsOf(topic, 1)
    const { message } = payload
    for (const object of [payload, message, message.headers, message.batchContext]) {
      expect(Object.getPrototypeOf(object)).toBe(Object.prototype)
      expect(object instanceof Object).toBe(true)
      expect(Object.isFrozen(object) || !Object.isExtensible(object)).toBe(false)
      for (const descriptor of Object.values(Object.getOwnPropertyDescriptors(object))) {
        expect(descriptor).toMatchObject({ writable: true, enumerable: true, configurable: true })
      }
    }
    expect({ ...message, more: 1 }).toMatchObject({ offset: '0', more: 1 })
    message.value = 'decoded'
    message.headers.added = 'x'
    delete message.key
    expect(Object.assign({}, message)).toMatchObject({ value: 'decoded', headers: { added: 'x' } })
    expect(Buffer.isBuffer(message.headers.a)).toBe(true)
  })

  it('has memory of its own with copyValues', async () => {
    const topic = await createTopic()
    const message = { key: 'key', value: 'value', headers: { a: 'header' } }
    await produce(topic, Array(1000).fill(message))
    const seen = /** @type {any[]} */ ([])
    await startConsumer({
      topics: [topic],
      .../** @type {{}} */ ({ copyValues: true }),
      handle: payload => void seen.push(payload.message)
    })
    await waitFor(() => seen.length > 0)
    const [{ key, value, headers }] = seen
    expect([key, value, headers.a].map(String)).toEqual(['key', 'value', 'header'])
    // What small Buffers share is Node's pool.
    for (const bytes of [key, value, headers.a]) {
      expect(bytes.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize)
    }
  })

  it('cannot take those beside it along to a worker', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(1000))
    const values = /** @type {string[]} */ ([])
    const { seen } = await startConsumer({
      topics: [topic],
      handle: ({ message: { value } }) => {
        values.push(String(value))
        try {
          structuredClone(value, { transfer: [value?.buffer] })
        } catch {
          // Newer Nodes refuse what older ones copy.
        }
      }
    })
    await waitFor(() => values.length >= 1000 || seen.of('CRASH').length > 0)
    expect(values).toEqual(numbered(1000).map(({ value }) => value))
  })

  it('has headers of any name in the order of JavaScript, a thousand if need be', async () => {
    const topic = await createTopic()
    const thousand = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`h${i}`, `${i}`]))
    await produce(topic, [
      { value: 'odd', headers: { '': 'empty', 'ünï→日本': 'x', 10: 'ten', 2: 'two', one: ['1'] } },
      { value: 'many', headers: thousand }
    ])
    const [odd, many] = await messagesOf(topic, 2)
    expect(Object.keys(odd.headers)).toEqual(['2', '10', '', 'ünï→日本', 'one'])
    expect(String(odd.headers[''])).toBe('empty')
    expect(String(odd.headers['ünï→日本'])).toBe('x')
    expect(odd.headers.one).toEqual(Buffer.from('1'))
    expect(Object.keys(many.headers)).toEqual(Object.keys(thousand))
    expect(String(many.headers.h999)).toBe('999')
  })

  it('has headers by the names of what every object has', async () => {
    const topic = await createTopic()
    const names = ['constructor', 'toString', 'hasOwnProperty', '__proto__']
    const headers = Object.fromEntries(names.map(name => [name, [`1 ${name}`, `2 ${name}`]]))
    const producer = await startProducer(sharedCluster().brokers)
    await producer.send(topic, [{ value: 'v', headers, partition: 0 }])
    await producer.close()
    const [message] = await messagesOf(topic, 1)
    expect(Object.keys(message.headers).sort()).toEqual([...names].sort())
    for (const name of names) {
      const { value } = /** @type {any} */ (Object.getOwnPropertyDescriptor(message.headers, name))
      expect(value.map(String)).toEqual([`1 ${name}`, `2 ${name}`])
    }
    expect(message.headers instanceof Object).toBe(true)
  })

  it('has the times of its record and of its batch', async () => {
    const topic = await createTopic({
      config: { 'message.timestamp.after.max.ms': '9223372036854775807' }
    })
    const times = ['0', '253402300799999', '1']
    await produce(
      topic,
      times.map(timestamp => ({ value: 'v', timestamp }))
    )
    const messages = await messagesOf(topic, 3)
    expect(messages.map(({ timestamp }) => timestamp)).toEqual(times)
    expect(messages[0].batchContext).toMatchObject({
      firstTimestamp: '0',
      maxTimestamp: '253402300799999'
    })
  })

  it('has the time of its batch where the log says so', async () => {
    const topic = await createTopic({ config: { 'message.timestamp.type': 'LogAppendTime' } })
    await produce(topic, [
      { value: 'a', timestamp: '1000' },
      { value: 'b', timestamp: '2000' }
    ])
    for (const { timestamp, attributes, batchContext } of await messagesOf(topic, 2)) {
      expect(timestamp).toBe(batchContext.maxTimestamp)
      expect(attributes).toBe(0)
      expect(batchContext).toMatchObject({ firstTimestamp: '1000', timestampType: 1 })
    }
  })
})

describe('a batch', () => {
  it('has its members in order', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(3))
    const payload = await batchOf(topic)
    expect(Object.keys(payload)).toEqual([
      'batch',
      'resolveOffset',
      'heartbeat',
      'pause',
      'commitOffsetsIfNecessary',
      'uncommittedOffsets',
      'isRunning',
      'isStale'
    ])
    expect(Object.keys(payload.batch)).toEqual([
      'fetchedOffset',
      'topic',
      'partition',
      'highWatermark',
      'rawMessages',
      'messagesWithinOffset',
      'messages'
    ])
    const { batch } = payload
    expect(JSON.parse(JSON.stringify(batch))).toMatchObject({
      fetchedOffset: '0',
      topic,
      partition: 0,
      highWatermark: '3',
      messages: [{ offset: '0' }, { offset: '1' }, { offset: '2' }]
    })
    expect({
      isEmpty: batch.isEmpty(),
      isEmptyIncludingFiltered: batch.isEmptyIncludingFiltered(),
      isEmptyDueToFiltering: batch.isEmptyDueToFiltering(),
      isEmptyControlRecord: batch.isEmptyControlRecord(),
      isEmptyDueToLogCompactedMessages: batch.isEmptyDueToLogCompactedMessages()
    }).toEqual({
      isEmpty: false,
      isEmptyIncludingFiltered: false,
      isEmptyDueToFiltering: false,
      isEmptyControlRecord: false,
      isEmptyDueToLogCompactedMessages: false
    })
  })

  it('is one, of whatever times its messages are', async () => {
    const topic = await createTopic()
    const times = [Date.now(), TIME, 0, -1, TIME - 1, TIME + 1].map(String)
    const messages = upTo(600).map(i => ({ value: String(i), timestamp: times[i % times.length] }))
    await produce(topic, messages)
    const { batch } = await batchOf(topic)
    expect(batch.messages.map(({ timestamp }) => timestamp)).toEqual(
      messages.map(({ timestamp }) => timestamp)
    )
  })

  it('may be copied and wrapped', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(3))
    const { batch } = await batchOf(topic)
    const copy = Object.assign(Object.create(Object.getPrototypeOf(batch)), batch)
    for (const other of [copy, new Proxy(batch, {}), Object.create(batch)]) {
      expect(other.firstOffset()).toBe('0')
      expect(other.lastOffset()).toBe('2')
      expect(other.offsetLag()).toBe('0')
      expect(other.offsetLagLow()).toBe('2')
    }
    batch.messages = []
    expect(batch.isEmpty()).toBe(true)
  })
})

describe('a handler', () => {
  it.each([
    [
      'a promise of its own kind',
      done => ({ then: resolve => setTimeout(() => resolve(done()), 5) })
    ],
    [
      'a function that is one',
      done => Object.assign(() => {}, { then: resolve => setTimeout(() => resolve(done()), 5) })
    ]
  ])('that returns %s is waited for', async (_, create) => {
    const topic = await createTopic()
    await produce(topic, numbered(3))
    const log = /** @type {string[]} */ ([])
    await startConsumer({
      topics: [topic],
      run: {
        eachMessage: /** @type {any} */ (
          ({ message: { offset } }) => {
            log.push(`begin ${offset}`)
            return create(() => log.push(`end ${offset}`))
          }
        )
      }
    })
    await waitFor(() => log.length >= 6)
    expect(log).toEqual(['0', '1', '2'].flatMap(offset => [`begin ${offset}`, `end ${offset}`]))
  })

  it('may return what it likes', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(6))
    const results = [undefined, null, 0, 'text', { then: 'no function' }, () => {}]
    let calls = 0
    const { seen } = await startConsumer({
      topics: [topic],
      run: { eachMessage: /** @type {any} */ (() => results[calls++]) }
    })
    await waitFor(() => calls >= 6)
    expect(seen.of('CRASH')).toEqual([])
  })
})
