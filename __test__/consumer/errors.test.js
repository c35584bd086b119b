// @ts-check
'use strict'

/** Handlers that fail: retries, the way to CRASH, the restart. */

const { committed, createTopic, produce, uniqueName } = require('../kafka/helpers')
const {
  createConsumer,
  createKafka,
  defer,
  filled,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
  numbers,
  pause,
  startConsumer,
  upTo,
  waitFor
} = require('./support')

/** Fails for so many calls at this offset of partition 0. */
const failing = (offset, times, error = () => new Error('not now')) => {
  const state = { calls: 0 }
  return Object.assign(
    async ({ partition, message }) => {
      if (partition !== 0 || message.offset !== String(offset)) return
      if (state.calls++ < times) throw error()
    },
    { state }
  )
}

describe('a handler that fails', () => {
  it('gets the message again, and only what was not handled', async () => {
    const topic = await filled(10)
    const handle = failing(4, 3)
    const { messages, seen, consumer, groupId } = await startConsumer({ topics: [topic], handle })
    await waitFor(() => messages.length >= 10)
    await consumer.disconnect()
    expect(handle.state.calls).toBe(4)
    expect(numbers(messages)).toEqual(upTo(10))
    expect(seen.of('CRASH')).toEqual([])
    expect(await committed(groupId, topic)).toEqual({ 0: '10' })
  })

  it('waits longer each time', async () => {
    const topic = await filled(1)
    const times = /** @type {number[]} */ ([])
    const { messages } = await startConsumer({
      topics: [topic],
      retry: { initialRetryTime: 50, multiplier: 2, factor: 0, retries: 5 },
      handle: async () => {
        times.push(performance.now())
        if (times.length < 5) throw new Error('not now')
      }
    })
    await waitFor(() => messages.length === 1)
    const waits = times.slice(1).map((time, i) => time - times[i])
    ;[50, 100, 200, 400].forEach((least, i) => expect(waits[i]).toBeGreaterThanOrEqual(least - 2))
  })

  it('keeps its partition back, and no other', async () => {
    const topic = await createTopic({ partitions: 2 })
    await produce(topic, [{ value: 'fails', partition: 0 }])
    const handle = failing(0, 1)
    const { messages, seen } = await startConsumer({
      topics: [topic],
      // Who waits for the second call waits longer than all that follows may take.
      retry: { initialRetryTime: 60_000, maxRetryTime: 60_000, factor: 0, retries: 2 },
      handle
    })
    await waitFor(() => handle.state.calls === 1)
    const others = upTo(5).map(i => ({ value: String(i), partition: 1 }))
    await produce(topic, others)
    await waitFor(() => messages.length >= 5)
    expect(numbers(messages)).toEqual(upTo(5))
    expect(handle.state.calls).toBe(1)
    expect(seen.of('CRASH')).toEqual([])
  })

  it('now and then, with success in between, never crashes', async () => {
    const topic = await filled(30)
    const failed = new Set()
    const { messages, seen } = await startConsumer({
      topics: [topic],
      retry: { initialRetryTime: 5, retries: 2 },
      handle: async ({ message: { offset } }) => {
        if (Number(offset) % 3 !== 0 || failed.has(offset)) return
        failed.add(offset)
        throw new Error('once')
      }
    })
    await waitFor(() => messages.length >= 30)
    expect(numbers(messages)).toEqual(upTo(30))
    expect(seen.of('CRASH')).toEqual([])
  })

  it.each([
    ['an Error', () => new Error('a'), 'a'],
    ['a string', () => 'b', undefined],
    ['an object', () => ({ message: 'c' }), undefined]
  ])('with %s is retried', async (_, error) => {
    const topic = await filled(3)
    const handle = failing(1, 2, /** @type {any} */ (error))
    const { messages } = await startConsumer({ topics: [topic], handle })
    await waitFor(() => messages.length >= 3)
    expect(handle.state.calls).toBe(3)
  })

  it('logs the error and where it was', async () => {
    const topic = await filled(3)
    const lines = /** @type {any[]} */ ([])
    const kafka = createKafka({ logLevel: 4, logCreator: () => entry => lines.push(entry) })
    const { messages } = await startConsumer({ topics: [topic], kafka, handle: failing(1, 1) })
    await waitFor(() => messages.length >= 3)
    expect(lines.find(({ level }) => level === 1)).toMatchObject({
      namespace: 'Runner',
      label: 'ERROR',
      log: {
        message: 'Error when calling eachMessage',
        topic,
        partition: 0,
        offset: '1',
        stack: expect.stringContaining('not now')
      }
    })
  })
})

describe('too many failures', () => {
  const retry = { initialRetryTime: 20, factor: 0, multiplier: 1, retries: 2 }

  it('crash the consumer, which starts again', async () => {
    const topic = await filled(10)
    const handle = failing(4, 4)
    const { messages, seen, groupId } = await startConsumer({ topics: [topic], handle, retry })
    await waitFor(() => messages.length >= 10)
    expect(numbers(messages)).toEqual(upTo(10))
    expect(seen.order('CONNECT', 'GROUP_JOIN', 'STOP', 'DISCONNECT', 'CRASH')).toEqual([
      'CONNECT',
      'GROUP_JOIN',
      'STOP',
      'DISCONNECT',
      'CRASH',
      'CONNECT',
      'GROUP_JOIN'
    ])
    const [crash] = seen.of('CRASH')
    expect(Object.keys(crash).sort()).toEqual(['error', 'groupId', 'restart'])
    expect(crash).toMatchObject({ groupId, restart: true })
    expect(crash.error).toBeInstanceOf(KafkaJSNumberOfRetriesExceeded)
    expect(crash.error).toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      message: 'not now',
      retryCount: 2,
      retryTime: expect.any(Number),
      cause: expect.objectContaining({ message: 'not now' })
    })
    const [before, after] = seen.of('GROUP_JOIN').map(({ memberId }) => memberId)
    expect(after).not.toBe(before)
  })

  it('leave the group between the crash and the restart', async () => {
    const topic = await filled(3)
    const groupId = uniqueName('group')
    const { seen } = await startConsumer({
      topics: [topic],
      groupId,
      handle: failing(0, 1000),
      retry: { ...retry, initialRetryTime: 6000, retries: 0 }
    })
    await waitFor(() => seen.of('CRASH').length === 1)
    expect(await createConsumer({ groupId }).describeGroup()).toMatchObject({ members: [] })
    await waitFor(() => seen.of('GROUP_JOIN').length === 2)
  })

  it('ask restartOnFailure, which may say no', async () => {
    const topic = await filled(3)
    const errors = /** @type {any[]} */ ([])
    const { seen } = await startConsumer({
      topics: [topic],
      handle: failing(0, 1000),
      retry: {
        ...retry,
        restartOnFailure: async error => {
          errors.push(error)
          return false
        }
      }
    })
    await waitFor(() => seen.of('CRASH').length === 1)
    expect(seen.of('CRASH')[0].restart).toBe(false)
    expect(errors).toEqual([seen.of('CRASH')[0].error])
    await pause(100)
    expect(seen.of('CONNECT')).toHaveLength(1)
  })

  it('ask a restartOnFailure that returns no promise', async () => {
    const topic = await filled(1)
    const { seen } = await startConsumer({
      topics: [topic],
      handle: failing(0, 1000),
      retry: { ...retry, restartOnFailure: /** @type {any} */ (() => false) }
    })
    await waitFor(() => seen.of('CRASH').length === 1)
    expect(seen.of('CRASH')[0].restart).toBe(false)
  })

  it.each([['stop'], ['disconnect']])('%s() cancels the restart', async end => {
    const restart = 2000
    const topic = await filled(3)
    const { seen, consumer } = await startConsumer({
      topics: [topic],
      handle: failing(0, 1000),
      retry: { ...retry, initialRetryTime: restart, retries: 0 }
    })
    const { promise: ended, resolve } = defer()
    // Before the restart can come, however busy the machine is.
    consumer.on(consumer.events.CRASH, () => setImmediate(() => resolve(consumer[end]())))
    await ended
    await pause(restart + 500) // the restart must not come
    expect(seen.of('CRASH')).toMatchObject([{ restart: true }])
    expect(seen.of('GROUP_JOIN')).toHaveLength(1)
  })

  it('of a handler that also fails after the restart crash again', async () => {
    const topic = await filled(3)
    const { seen } = await startConsumer({ topics: [topic], handle: failing(0, 1000), retry })
    await waitFor(() => seen.of('CRASH').length >= 3)
    expect(seen.of('CRASH').every(({ restart }) => restart)).toBe(true)
  })
})

describe('a failure that no retry mends', () => {
  it.each([
    ['a TypeError', () => new TypeError('mistake')],
    ['a RangeError', () => new RangeError('mistake')],
    ['an error with retriable: false', () => Object.assign(new Error('no'), { retriable: false })],
    ['a KafkaJSNonRetriableError', () => new KafkaJSNonRetriableError('no')]
  ])('%s crashes at once, without a restart', async (_, error) => {
    const topic = await filled(5)
    const handle = failing(2, 1000, error)
    const { seen, messages, groupId } = await startConsumer({ topics: [topic], handle })
    await waitFor(() => seen.of('CRASH').length === 1)
    const [crash] = seen.of('CRASH')
    expect(crash.restart).toBe(false)
    expect(crash.error).toBeInstanceOf(KafkaJSNonRetriableError)
    expect(handle.state.calls).toBe(1)
    expect(numbers(messages)).toEqual([0, 1])
    expect(await committed(groupId, topic)).toEqual({ 0: '2' })
  })

  it('lets the program run() again', async () => {
    const topic = await filled(3)
    const { seen, consumer } = await startConsumer({
      topics: [topic],
      handle: failing(0, 1000, () => new TypeError('mistake'))
    })
    await waitFor(() => seen.of('CRASH').length === 1)
    let handled = 0
    await consumer.run({ eachMessage: async () => void handled++ })
    await waitFor(() => handled === 3)
  })

  it('of the join: run() resolves, and CRASH tells', async () => {
    const topic = await filled(1)
    const { seen } = await startConsumer({ topics: [topic], sessionTimeout: 10_000_000 })
    await waitFor(() => seen.of('CRASH').length === 1)
    const [crash] = seen.of('CRASH')
    expect(crash.restart).toBe(false)
    expect(crash.error).toMatchObject({
      name: 'KafkaJSProtocolError',
      type: 'INVALID_SESSION_TIMEOUT',
      code: 26
    })
  })
})

describe('a listener that throws', () => {
  it('does not disturb the consumer', async () => {
    const topic = await filled(10)
    const consumer = createConsumer()
    for (const name of Object.values(consumer.events)) {
      consumer.on(name, () => {
        throw new Error('listener')
      })
    }
    let handled = 0
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({ eachMessage: async () => void handled++ })
    await waitFor(() => handled === 10)
    await consumer.disconnect()
    expect(handled).toBe(10)
  })
})
