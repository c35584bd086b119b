// @ts-check
'use strict'

/**
 * What each method does in each state of a consumer.
 *
 *   new ── connect() ──► connected ── run() ──► joining ──► running ◄──► rejoining
 *                                                              │
 *      crashed for good, waiting to restart ◄── a failure ─────┴── stop() ──► stopping ──► stopped
 */

const { produce, uniqueName } = require('../kafka/helpers')
const {
  AssignerProtocol: { MemberAssignment, MemberMetadata },
  SOON,
  createConsumer,
  createKafka,
  defer,
  filled,
  numbered,
  pause,
  startConsumer,
  timed,
  waitFor,
  watch
} = require('./support')

const NOT_RUNNING =
  'KafkaJSNonRetriableError: Consumer group was not initialized, consumer#run must be called first'
const NO_SUBSCRIPTION =
  'KafkaJSNonRetriableError: Cannot subscribe to topic while consumer is running'
const RUNNING_ALREADY = 'consumer#run was called, but the consumer is already running'

/** Everything to the leader; waits for `gate(n)` at the n-th time. */
const gatedAssigner =
  gate =>
  ({ cluster }) => {
    let times = 0
    return {
      name: 'Gated',
      version: 0,
      protocol: ({ topics }) => ({
        name: 'Gated',
        metadata: MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) })
      }),
      async assign({ members, topics }) {
        await gate(++times)
        const all = topic => cluster.findTopicPartitionMetadata(topic).map(p => p.partitionId)
        const assignment = Object.fromEntries(topics.map(topic => [topic, all(topic)]))
        return members.slice(0, 1).map(({ memberId }) => ({
          memberId,
          memberAssignment: MemberAssignment.encode({
            version: 0,
            assignment,
            userData: Buffer.alloc(0)
          })
        }))
      }
    }
  }

/**
 * A consumer that is subscribed, and does not run yet.
 * @param {any} [options]
 */
const create = async options => {
  const topic = await filled(5)
  const lines = /** @type {string[]} */ ([])
  const kafka = createKafka({
    logLevel: 4,
    logCreator: () => entry => void lines.push(entry.log.message)
  })
  const groupId = uniqueName('group')
  const consumer = createConsumer({ kafka, groupId, ...options })
  const seen = watch(consumer)
  const subscribe = () => consumer.subscribe({ topics: [topic], fromBeginning: true })
  return { consumer, topic, groupId, lines, seen, subscribe, release: () => {} }
}

/**
 * @param {any} options
 * @param {(payload: any) => any} [eachMessage]
 */
const run = async (options, eachMessage = async () => {}) => {
  const context = await create(options)
  await context.subscribe()
  const running = context.consumer.run({ eachMessage })
  running.catch(() => {})
  return { ...context, running }
}

const joined = ({ seen }) => waitFor(() => seen.of('GROUP_JOIN').length > 0)
const crashed = ({ seen }) => waitFor(() => seen.of('CRASH').length > 0)

/** How to get a consumer into each state, and to let it go on from there. */
const STATES = {
  new: () => create(),

  connected: async () => {
    const context = await create()
    await context.consumer.connect()
    return context
  },

  joining: async () => {
    const { promise, resolve } = defer()
    const assigning = defer()
    const gate = () => {
      assigning.resolve()
      return promise
    }
    const context = await run({ partitionAssigners: [gatedAssigner(gate)] })
    await assigning.promise
    return { ...context, release: resolve }
  },

  running: async () => {
    const context = await run({})
    await joined(context)
    return context
  },

  rejoining: async () => {
    const { promise, resolve } = defer()
    const assigning = defer()
    const gate = times => {
      if (times === 1) return null
      assigning.resolve()
      return promise
    }
    const context = await run({ partitionAssigners: [gatedAssigner(gate)] })
    await joined(context)
    const { groupId, topic } = context
    const other = createConsumer({ groupId, partitionAssigners: [gatedAssigner(() => {})] })
    await other.subscribe({ topics: [topic] })
    other.run({ eachMessage: async () => {} }).catch(() => {})
    await assigning.promise
    return { ...context, release: resolve }
  },

  stopping: async () => {
    const { promise, resolve } = defer()
    const handling = defer()
    const context = await run({}, () => {
      handling.resolve()
      return promise
    })
    await handling.promise
    const stopping = context.consumer.stop()
    return { ...context, release: resolve, stopping }
  },

  stopped: async () => {
    const context = await run({})
    await joined(context)
    await context.consumer.stop()
    return context
  },

  disconnected: async () => {
    const context = await run({})
    await joined(context)
    await context.consumer.disconnect()
    return context
  },

  'waiting to restart': async () => {
    const retry = { retries: 0, initialRetryTime: 300_000, maxRetryTime: 300_000 }
    const context = await run({ retry }, async () => {
      throw new Error('again')
    })
    await crashed(context)
    return context
  },

  'crashed for good': async () => {
    const context = await run({}, async () => {
      throw new TypeError('mistake')
    })
    await crashed(context)
    return context
  }
}

/** @typedef {keyof typeof STATES} State */

const WITHOUT_RUN = /** @type {State[]} */ ([
  'new',
  'connected',
  'stopped',
  'disconnected',
  'waiting to restart',
  'crashed for good'
])
const WITH_RUN = /** @type {State[]} */ (['joining', 'running', 'rejoining', 'stopping'])

/** What comes of it, as text. @param {() => any} action */
const outcome = async action => {
  try {
    const value = await action()
    return value === undefined ? 'ok' : value
  } catch (e) {
    return String(e)
  }
}

/** Throws synchronously, or not. @param {() => any} action */
const now = action => {
  try {
    return action() ?? 'ok'
  } catch (e) {
    return String(e)
  }
}

const where = topic => ({ topic, partition: 0, offset: '1' })

/** The members of the group that are not there any more soon. */
const membersOf = async groupId => (await createConsumer({ groupId }).describeGroup()).members

describe.each(WITHOUT_RUN)('a consumer that is %s', state => {
  it('has nothing to seek, pause or commit', async () => {
    const { consumer, topic } = await STATES[state]()
    expect(now(() => consumer.seek(where(topic)))).toBe(NOT_RUNNING)
    expect(now(() => consumer.pause([{ topic }]))).toBe(NOT_RUNNING)
    expect(now(() => consumer.resume([{ topic }]))).toBe(NOT_RUNNING)
    expect(await outcome(() => consumer.commitOffsets([where(topic)]))).toBe(NOT_RUNNING)
    expect(await outcome(() => consumer.commitOffsets([]))).toBe(NOT_RUNNING)
    expect(consumer.paused()).toEqual([])
  })

  it('connects, subscribes, describes its group and runs', async () => {
    const { consumer, topic, groupId, seen } = await STATES[state]()
    const more = await filled(5)
    if (state === 'disconnected') await consumer.connect()
    const connects = seen.of('CONNECT').length
    expect(await outcome(() => consumer.subscribe({ topic: more, fromBeginning: true }))).toBe('ok')
    expect(await outcome(() => consumer.subscribe({ topic, fromBeginning: true }))).toBe('ok')
    expect(await consumer.describeGroup()).toMatchObject({ groupId, members: [] })
    expect(await outcome(() => consumer.connect())).toBe('ok')
    expect(seen.of('CONNECT')).toHaveLength(connects + 1)

    const topics = new Set()
    const joins = seen.of('GROUP_JOIN').length
    await consumer.run({ eachMessage: async payload => void topics.add(payload.topic) })
    expect(seen.of('GROUP_JOIN')).toHaveLength(joins + 1)
    await waitFor(() => topics.has(more))
    expect(await membersOf(groupId)).toHaveLength(1)
  })
})

describe.each(WITH_RUN)('a consumer that is %s', state => {
  it('takes no subscription and no second run(), and connects', async () => {
    const { consumer, topic, lines, seen, release } = await STATES[state]()
    expect(await outcome(() => consumer.subscribe({ topic }))).toBe(NO_SUBSCRIPTION)
    const connects = seen.of('CONNECT').length
    expect(await outcome(() => consumer.connect())).toBe('ok')
    expect(seen.of('CONNECT')).toHaveLength(connects + 1)
    if (state !== 'stopping') {
      expect(await outcome(() => consumer.run({ eachMessage: async () => {} }))).toBe('ok')
      expect(lines.filter(line => line === RUNNING_ALREADY)).toHaveLength(1)
    }
    release()
  })

  it('can be sought, paused and resumed, and describes its group', async () => {
    const { consumer, topic, groupId, release } = await STATES[state]()
    expect(now(() => consumer.seek(where(topic)))).toBe('ok')
    expect(now(() => consumer.pause([{ topic }]))).toBe('ok')
    expect(Array.isArray(consumer.paused())).toBe(true)
    expect(now(() => consumer.resume([{ topic }]))).toBe('ok')
    const { members } = await consumer.describeGroup()
    expect(members.length).toBeGreaterThan(0)
    expect(await consumer.describeGroup()).toMatchObject({ groupId, protocolType: 'consumer' })
    release()
  })
})

describe.each(/** @type {const} */ (['stop', 'disconnect']))('%s()', end => {
  const states = /** @type {State[]} */ (Object.keys(STATES).filter(state => state !== 'stopping'))

  it.each(states)('of a consumer that is %s ends soon, and no member is left', async state => {
    const { consumer, groupId, seen, ...context } = await STATES[state]()
    const before = seen.of('STOP').length
    const members = (await membersOf(groupId)).length
    expect(await timed(() => consumer[end]())).toBeLessThan(SOON)
    // One more STOP if there was something to stop.
    expect(seen.of('STOP')).toHaveLength(before + (WITH_RUN.includes(state) ? 1 : 0))
    expect(seen.of('DISCONNECT').length > 0 || end === 'stop').toBe(true)
    if (WITH_RUN.includes(state)) expect(await membersOf(groupId)).toHaveLength(members - 1)
    const joins = seen.of('GROUP_JOIN').length
    context.release()
    await pause(200)
    expect(seen.of('GROUP_JOIN')).toHaveLength(joins)
    if (WITH_RUN.includes(state)) expect(await membersOf(groupId)).toHaveLength(members - 1)
  })

  it('of a consumer that is stopping waits for it, and stops once', async () => {
    const { consumer, groupId, seen, release } = await STATES.stopping()
    let ended = false
    const ending = consumer[end]().then(() => (ended = true))
    await pause(50)
    expect(ended).toBe(false)
    release()
    await ending
    expect(seen.of('STOP')).toHaveLength(1)
    expect(await membersOf(groupId)).toEqual([])
  })

  it('of a consumer whom the group keeps waiting ends soon, and it never joins', async () => {
    const { promise, resolve } = defer()
    const topic = await filled(5)
    // So long does the group wait for the handler.
    const rebalanceTimeout = 3 * SOON
    const first = await startConsumer({ topics: [topic], rebalanceTimeout, handle: () => promise })
    const { groupId } = first
    const second = createConsumer({ groupId, rebalanceTimeout })
    const seen = watch(second)
    await second.subscribe({ topics: [topic] })
    second.run({ eachMessage: async () => {} }).catch(() => {})
    await waitFor(async () => (await membersOf(groupId)).length === 2)
    expect(await timed(() => second[end]())).toBeLessThan(SOON)
    resolve()
    await waitFor(() => first.messages.length === 5)
    expect(await membersOf(groupId)).toHaveLength(1)
    expect(seen.of('GROUP_JOIN')).toEqual([])
  })

  it('in the middle of a crash cancels the restart', async () => {
    const context = await create({ retry: { retries: 0, initialRetryTime: 10 } })
    const { consumer, groupId, seen, subscribe } = context
    await subscribe()
    let ending = /** @type {any} */ (null)
    consumer.on(consumer.events.STOP, () => {
      ending ??= consumer[end]()
    })
    await consumer.run({
      eachMessage: async () => {
        throw new Error('again')
      }
    })
    await crashed(context)
    await ending
    expect(seen.of('CRASH')[0].restart).toBe(false)
    await pause(200)
    expect(seen.of('GROUP_JOIN')).toHaveLength(1)
    expect(await membersOf(groupId)).toEqual([])
  })
})

it('subscribe() that rejects subscribes to nothing', async () => {
  const { consumer, topic } = await create()
  expect(await outcome(() => consumer.subscribe({ topics: ['no topic'] }))).toContain(
    'The request attempted to perform an operation on an invalid topic'
  )
  await consumer.subscribe({ topics: [topic] })
  await consumer.run({ eachMessage: async () => {} })
  const { members } = await consumer.describeGroup()
  expect(MemberMetadata.decode(members[0].memberMetadata)?.topics).toEqual([topic])
})

it('run() instead of a restart makes one member, not two', async () => {
  const restart = 3000
  const retry = { retries: 0, initialRetryTime: restart, factor: 0 }
  const context = await run({ retry }, async () => {
    throw new Error('again')
  })
  const { consumer, groupId, seen } = context
  const handled = /** @type {string[]} */ ([])
  const { promise: again, resolve } = defer()
  consumer.on(consumer.events.CRASH, () =>
    // Before the restart can come, however busy the machine is.
    setImmediate(() => {
      resolve(
        consumer.run({ eachMessage: async ({ message }) => void handled.push(message.offset) })
      )
    })
  )
  await again
  await waitFor(() => handled.length >= 5)
  await pause(restart + 500) // the restart must not come
  expect(await membersOf(groupId)).toHaveLength(1)
  expect(seen.of('GROUP_JOIN')).toHaveLength(2)
  expect(handled).toHaveLength(5)
})

it('run() again keeps the subscriptions, and forgets pauses', async () => {
  const { consumer, topic, subscribe, seen } = await create()
  await subscribe()
  await consumer.run({ eachMessage: async () => {} })
  consumer.pause([{ topic }])
  expect(consumer.paused()).toEqual([{ topic, partitions: [0] }])
  await consumer.stop()
  let handled = 0
  await consumer.run({ eachMessage: async () => void handled++ })
  expect(consumer.paused()).toEqual([])
  await produce(topic, numbered(1))
  await waitFor(() => handled > 0)
  const [first, second] = seen.of('GROUP_JOIN').map(({ memberId }) => memberId)
  expect(second).not.toBe(first)
})
