// @ts-check
'use strict'

const { AsyncLocalStorage } = require('node:async_hooks')

const { committed, produce, uniqueName } = require('../kafka/helpers')
const {
  LONG_POLL,
  SOON,
  createConsumer,
  defer,
  filled,
  numbered,
  numbers,
  pause,
  polling,
  startConsumer,
  timed,
  upTo,
  waitFor,
  watch
} = require('./support')

const ends = /** @type {const} */ (['stop', 'disconnect'])

/** @param {() => Promise<void>} work */
const inCallback = work =>
  new Promise((done, fail) => {
    setTimeout(() => work().then(done, fail), 5)
  })

/** What becomes of `async () => { await first; await second() }` for a target before ES2017. */
const compiled = (first, second) =>
  new Promise((resolve, reject) => {
    const steps = (function* () {
      yield first
      yield second()
    })()
    const step = value => {
      const { done, value: next } = steps.next(value)
      if (done) resolve(null)
      else Promise.resolve(next).then(step, reject)
    }
    step(undefined)
  })

/** As tracers do it. @param {Promise<any>} promise */
const watched = promise => {
  promise.then(
    () => {},
    () => {}
  )
  return promise
}

/** A consumer whose handler calls `action` with it at offset 3. */
const startActing = (topic, action, options = {}) =>
  startConsumer({
    topics: [topic],
    ...options,
    handle: async ({ message }, consumer) => {
      if (message.offset === '3') await action(consumer)
    }
  })

describe.each(ends)('%s()', end => {
  const { prepareStackTrace } = Error
  afterEach(() => {
    Error.prepareStackTrace = prepareStackTrace
  })

  it('of an idle consumer does not wait for the long poll', async () => {
    const topic = await filled(5)
    const { consumer, messages, seen } = await startConsumer({
      topics: [topic],
      maxWaitTimeInMs: LONG_POLL
    })
    await waitFor(() => messages.length >= 5)
    await polling({ seen })
    expect(await timed(() => consumer[end]())).toBeLessThan(SOON)
  })

  it('of a busy consumer waits for the message at work, commits it and handles no other', async () => {
    const topic = await filled(100)
    const { promise, resolve } = defer()
    const { consumer, messages, groupId } = await startConsumer({
      topics: [topic],
      handle: ({ message }) => message.offset === '20' && promise
    })
    await waitFor(() => messages.length >= 20)
    let ended = false
    const ending = consumer[end]().then(() => (ended = true))
    await pause(50)
    expect(ended).toBe(false)
    resolve()
    await ending
    expect(numbers(messages)).toEqual(upTo(21))
    expect(await committed(groupId, topic)).toEqual({ 0: '21' })
    await pause(50)
    expect(messages).toHaveLength(21)
  })

  it('leaves the group', async () => {
    const topic = await filled(1)
    const { consumer, groupId } = await startConsumer({ topics: [topic] })
    await consumer[end]()
    expect(await createConsumer({ groupId }).describeGroup()).toMatchObject({ members: [] })
  })

  it('twice is as good as once', async () => {
    const topic = await filled(1)
    const { consumer, messages, seen } = await startConsumer({ topics: [topic] })
    await waitFor(() => messages.length > 0)
    await Promise.all([consumer[end](), consumer[end]()])
    await consumer[end]()
    expect(seen.of('STOP')).toHaveLength(1)
  })

  it('right after run() leaves no member behind, and nothing is handled', async () => {
    const topic = await filled(5)
    const groupId = uniqueName('group')
    const consumer = createConsumer({ groupId })
    let handled = 0
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const running = consumer.run({ eachMessage: async () => void handled++ })
    expect(await timed(() => consumer[end]())).toBeLessThan(SOON)
    await running.catch(() => {})
    const before = handled
    await pause(1000) // a member that was left behind would begin
    expect(handled).toBe(before)
    expect(await createConsumer({ groupId }).describeGroup()).toMatchObject({ members: [] })
  })

  it('at any moment of the join leaves no member behind', async () => {
    const topic = await filled(5)
    const groupId = uniqueName('group')
    for (let wait = 0; wait < 20; wait += 2) {
      const consumer = createConsumer({ groupId })
      // Either may come too late: that is no failure.
      consumer.subscribe({ topics: [topic], fromBeginning: true })
      const running = consumer.run({ eachMessage: async () => {} })
      await pause(wait)
      expect(await timed(() => consumer[end]())).toBeLessThan(SOON)
      await running.catch(() => {})
      await consumer.disconnect()
      expect(await createConsumer({ groupId }).describeGroup()).toMatchObject({ members: [] })
    }
  })

  it('before the first join has run() reject, and soon', async () => {
    const topic = await filled(5)
    const consumer = createConsumer({ groupId: uniqueName('group') })
    await consumer.subscribe({ topics: [topic] })
    const running = consumer.run({ eachMessage: async () => {} }).catch(e => e)
    await consumer[end]()
    expect(await running).toMatchObject({
      name: 'KafkaJSNonRetriableError',
      message: expect.stringMatching(/^(Stopped|Disconnected) before the group was joined$/)
    })
  })

  it('before run() and before connect() resolves', async () => {
    const consumer = createConsumer()
    const seen = watch(consumer)
    await consumer[end]()
    await consumer.connect()
    await consumer[end]()
    // Nothing ran; a disconnect() ends the connection that there is, or is not.
    expect(seen.of('STOP')).toEqual([])
    expect(seen.of('CRASH')).toEqual([])
    expect(seen.of('CONNECT')).toHaveLength(1)
  })

  it('waits for a handler that is at work, longer than the group does', async () => {
    const topic = await filled(5)
    const [handling, handled] = [defer(), defer()]
    const rebalanceTimeout = 2000
    const { consumer, groupId, messages } = await startConsumer({
      topics: [topic],
      rebalanceTimeout,
      handle: () => {
        handling.resolve()
        return handled.promise
      }
    })
    await handling.promise
    setTimeout(handled.resolve, 2 * rebalanceTimeout)
    await consumer[end]()
    expect(numbers(messages)).toEqual([0])
    expect(await committed(groupId, topic)).toEqual({ 0: '1' })
  })

  it.each([
    ['at once', stop => stop()],
    [
      'after an await',
      async stop => {
        await pause(5)
        await stop()
      }
    ],
    [
      'in a chain of promises',
      stop =>
        pause(5)
          .then(() => stop())
          .finally(() => {})
    ],
    ['beside others', stop => Promise.all([pause(5), stop(), pause(5)])]
  ])('called by a handler %s, and awaited there, ends', async (_, act) => {
    const topic = await filled(10)
    const { promise, resolve } = defer()
    const { groupId, consumer, messages } = await startActing(topic, async acting => {
      resolve(await timed(() => act(() => acting[end]())))
    })
    expect(await promise).toBeLessThan(SOON)
    await waitFor(() => messages.length >= 4)
    await consumer.disconnect()
    expect(numbers(messages)).toEqual(upTo(4))
    expect(Number((await committed(groupId, topic))[0])).toBeGreaterThanOrEqual(3)
  })

  it.each([
    ['that is compiled to a generator', stop => compiled(pause(5), stop)],
    ['in a callback, in a promise of its own making', stop => pause(5).then(() => inCallback(stop))]
  ])('called by a handler %s, and awaited there, ends', async (_, act) => {
    const topic = await filled(10)
    const { promise, resolve } = defer()
    const { consumer, seen } = await startConsumer({
      topics: [topic],
      run: {
        eachMessage: ({ message }) =>
          message.offset === '3'
            ? act(() => consumer[end]()).then(() => resolve(null))
            : Promise.resolve()
      }
    })
    expect(await timed(() => promise)).toBeLessThan(SOON)
    await consumer.disconnect()
    expect(seen.of('STOP')).toHaveLength(1)
  })

  it('called by a handler where the program leaves frames out of its stacks, and awaited there, ends', async () => {
    const topic = await filled(10)
    const { promise, resolve } = defer()
    Error.prepareStackTrace = error => String(error)
    const { consumer } = await startActing(topic, async acting => {
      await pause(5)
      resolve(await timed(() => acting[end]()))
    })
    expect(await promise).toBeLessThan(SOON)
    await consumer.disconnect()
  })

  describe('where async contexts are tracked', () => {
    const tracer = new AsyncLocalStorage()
    const traced = work => tracer.run('span', work)
    afterEach(() => tracer.disable())

    it.each([
      ['in a callback', stop => inCallback(stop)],
      ['that a tracer listens to', stop => watched(pause(5).then(stop))]
    ])('called by a handler %s, and awaited there, ends', async (_, act) => {
      const topic = await filled(10)
      const { promise, resolve } = defer()
      const { consumer } = await traced(() =>
        startActing(topic, async acting => {
          resolve(await timed(() => act(() => acting[end]())))
        })
      )
      expect(await promise).toBeLessThan(SOON)
      await consumer.disconnect()
    })
  })

  it('called by what a handler calls, without being awaited there, resolves at the end', async () => {
    const topic = await filled(10)
    const { promise, resolve } = defer()
    const { seen } = await startActing(topic, acting => {
      acting[end]().then(() => resolve(seen.of('STOP').length))
    })
    expect(await promise).toBe(1)
  })

  it('called by a handler, and not awaited, ends', async () => {
    const topic = await filled(10)
    const { groupId, messages, seen } = await startActing(topic, acting => {
      acting[end]()
    })
    await waitFor(() => seen.of('STOP').length > 0)
    expect(numbers(messages)).toEqual(upTo(4))
    await waitFor(async () => (await committed(groupId, topic))[0] === '4')
  })
})

describe('after the end', () => {
  it('run() goes on where the group was, with the same subscriptions', async () => {
    const topic = await filled(10)
    const { consumer, messages, seen } = await startConsumer({ topics: [topic] })
    await waitFor(() => messages.length >= 10)
    const handled = /** @type {string[]} */ ([])
    for (const end of ends) {
      await consumer[end]()
      if (end === 'disconnect') await consumer.connect()
      await produce(topic, numbered(1))
      const before = handled.length
      await consumer.run({ eachMessage: async ({ message }) => void handled.push(message.offset) })
      await waitFor(() => handled.length > before)
    }
    expect(handled).toEqual(['10', '11'])
    const members = seen.of('GROUP_JOIN').map(({ memberId }) => memberId)
    expect(new Set(members).size).toBe(3)
  })

  it('run() goes on at once with what is left, although a broker holds a Fetch of the run before', async () => {
    const topic = await filled(10)
    const values = /** @type {number[]} */ ([])
    const watching = defer()
    const { consumer, seen } = await startConsumer({
      topics: [topic],
      maxWaitTimeInMs: LONG_POLL,
      handle: async ({ message }, { stop }) => {
        values.push(Number(message.value))
        if (values.length !== 3) return
        await polling({ seen: await watching.promise })
        void stop()
      }
    })
    watching.resolve(seen)
    await waitFor(() => seen.of('STOP').length > 0)
    const eachMessage = async ({ message }) => void values.push(Number(message.value))
    await consumer.run({ eachMessage })
    expect(await timed(() => waitFor(() => values.length >= 10))).toBeLessThan(SOON)
    expect(values).toEqual(upTo(10))
  })

  it('run() called while it stops waits for that', async () => {
    const topic = await filled(3)
    const { consumer, messages } = await startConsumer({ topics: [topic] })
    await waitFor(() => messages.length >= 3)
    consumer.stop()
    let handled = 0
    const running = consumer.run({ eachMessage: async () => void handled++ })
    await produce(topic, numbered(1))
    await running
    await waitFor(() => handled === 1)
  })

  it('connect() and disconnect() in any order leave a consumer that works', async () => {
    const topic = await filled(3)
    const consumer = createConsumer()
    await Promise.allSettled([consumer.connect(), consumer.disconnect(), consumer.connect()])
    await consumer.disconnect()
    let handled = 0
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({ eachMessage: async () => void handled++ })
    await waitFor(() => handled === 3)
  })

  it('disconnected, a consumer does nothing before connect()', async () => {
    const topic = await filled(3)
    const consumer = createConsumer()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.disconnect()
    let handled = 0
    const eachMessage = async () => void handled++
    const complaint = 'Disconnected: connect() has to be called before anything else'
    await expect(consumer.subscribe({ topics: [topic] })).rejects.toThrow(complaint)
    await expect(consumer.run({ eachMessage })).rejects.toThrow(complaint)
    await expect(consumer.describeGroup()).rejects.toThrow(complaint)
    await consumer.connect()
    await consumer.run({ eachMessage })
    await waitFor(() => handled === 3)
  })

  it('methods of a running consumer complain again', async () => {
    const topic = await filled(1)
    const { consumer } = await startConsumer({ topics: [topic] })
    await consumer.stop()
    const complaint = 'Consumer group was not initialized, consumer#run must be called first'
    expect(() => consumer.seek({ topic, partition: 0, offset: '0' })).toThrow(complaint)
    expect(() => consumer.pause([{ topic }])).toThrow(complaint)
    expect(() => consumer.resume([{ topic }])).toThrow(complaint)
    await expect(consumer.commitOffsets([{ topic, partition: 0, offset: '1' }])).rejects.toThrow(
      complaint
    )
    expect(consumer.paused()).toEqual([])
  })

  it('the order of events is STOP, DISCONNECT', async () => {
    const topic = await filled(1)
    const { consumer, seen } = await startConsumer({ topics: [topic] })
    await consumer.disconnect()
    expect(seen.order('CONNECT', 'GROUP_JOIN', 'STOP', 'DISCONNECT')).toEqual([
      'CONNECT',
      'GROUP_JOIN',
      'STOP',
      'DISCONNECT'
    ])
  })
})
