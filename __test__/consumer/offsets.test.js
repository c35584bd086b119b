// @ts-check
'use strict'

/** Resolving and committing: every way to put an offset, the cadence of automatic commits, batches with filtered records. */

const {
  committed,
  createTopic,
  observer,
  produce,
  uniqueName,
  withAdmin
} = require('../kafka/helpers')
const { defer, filled, numbered, pause, startConsumer, upTo, waitFor } = require('./support')

/**
 * Calls `handle` with the payload of the first batch; resolves with what it returns.
 * @param {string} topic
 * @param {(payload: any) => any} handle
 */
const withBatch = async (topic, handle, { run = {}, ...options } = {}) => {
  const { promise, resolve } = defer()
  let calls = 0
  const test = await startConsumer({
    topics: [topic],
    ...options,
    run: {
      eachMessage: undefined,
      autoCommit: false,
      eachBatch: async payload => {
        if (calls++ > 0) return
        resolve(await handle(payload))
      },
      ...run
    }
  })
  return { ...test, result: await promise }
}

/** The one uncommitted offset, if there is one. */
const uncommitted = ({ uncommittedOffsets }) =>
  uncommittedOffsets().topics.flatMap(({ partitions }) => partitions.map(({ offset }) => offset))[0]

/** What COMMIT_OFFSETS said about partition 0. */
const commits = ({ seen }) =>
  seen
    .of('COMMIT_OFFSETS')
    .flatMap(({ topics }) => topics.flatMap(({ partitions }) => partitions))
    .filter(({ partition }) => Number(partition) === 0)

/** Transactions in a row, of so many messages each. @param {('commit' | 'abort')[]} ends */
const transactions = async (topic, ends, size = 2) => {
  const producer = observer().producer({
    transactionalId: uniqueName('transaction'),
    idempotent: true,
    maxInFlightRequests: 1
  })
  await producer.connect()
  for (const end of ends) {
    const transaction = await producer.transaction()
    await transaction.send({
      topic,
      messages: upTo(size).map(() => ({ value: end, partition: 0 }))
    })
    await transaction[end]()
  }
  await producer.disconnect()
}

describe('resolveOffset()', () => {
  it.each([
    ['a string', '1', '2'],
    ['a number', 2, '3'],
    ['a bigint', 0n, '1'],
    ['the last one', '4', '5'],
    ['one beyond the batch', '1000', '1001'],
    ['one beyond 2^53', '9007199254740993', '9007199254740994']
  ])('takes %s', async (_, offset, next) => {
    const topic = await filled(5)
    const { result } = await withBatch(topic, payload => {
      payload.resolveOffset('0')
      payload.resolveOffset(offset)
      return [uncommitted(payload), uncommitted(payload)]
    })
    expect(result).toEqual([next, next])
  })

  it('may follow a far one with a near one', async () => {
    const topic = await filled(5)
    const { result } = await withBatch(topic, payload =>
      ['9007199254740993', '2', '9007199254740993', '3'].map(offset => {
        payload.resolveOffset(offset)
        return uncommitted(payload)
      })
    )
    expect(result).toEqual(['9007199254740994', '3', '9007199254740994', '4'])
  })

  it.each([[undefined], [null], ['abc'], ['NaN'], [1.5], [{}]])(
    'of %p is a mistake in the program',
    async offset => {
      const topic = await filled(3)
      const { seen } = await startConsumer({
        topics: [topic],
        run: {
          eachMessage: undefined,
          eachBatch: async ({ resolveOffset }) => resolveOffset(/** @type {any} */ (offset))
        }
      })
      await waitFor(() => seen.of('CRASH').length > 0)
      expect(seen.of('CRASH')[0]).toMatchObject({
        restart: false,
        error: { name: 'KafkaJSNonRetriableError' }
      })
    }
  )

  it('behind the end of a handler that leaves its work to others counts, when the partition is paused', async () => {
    const topic = await filled(5)
    const groupId = uniqueName('group')
    const batches = /** @type {string[][]} */ ([])
    const { consumer } = await startConsumer({
      topics: [topic],
      groupId,
      run: {
        eachMessage: undefined,
        eachBatchAutoResolve: false,
        autoCommit: false,
        eachBatch: async payload => {
          batches.push(payload.batch.messages.map(({ offset }) => offset))
          const resume = payload.pause()
          pause(50).then(async () => {
            payload.resolveOffset(batches.length > 1 ? payload.batch.lastOffset() : '2')
            await payload.commitOffsetsIfNecessary({})
            resume()
          })
        }
      }
    })
    await waitFor(async () => (await committed(groupId, topic))[0] === '5')
    await produce(topic, numbered(1))
    await waitFor(async () => (await committed(groupId, topic))[0] === '6')
    await consumer.disconnect()
    expect(batches).toEqual([['0', '1', '2', '3', '4'], ['3', '4'], ['5']])
  })
})

describe('commitOffsetsIfNecessary()', () => {
  it('of nothing, of null, of no topics commits nothing; of {} everything that is resolved', async () => {
    const topic = await filled(5)
    const groupId = uniqueName('group')
    const { result } = await withBatch(
      topic,
      async ({ resolveOffset, commitOffsetsIfNecessary }) => {
        resolveOffset('1')
        const after = /** @type {string[]} */ ([])
        for (const argument of [undefined, null, { topics: [] }, {}]) {
          expect(await commitOffsetsIfNecessary(argument)).toBeUndefined()
          after.push((await committed(groupId, topic))[0])
        }
        return after
      },
      { groupId }
    )
    expect(result).toEqual(['-1', '-1', '-1', '2'])
  })

  it('COMMIT_OFFSETS repeats the offsets as they were given, before it resolves', async () => {
    const topic = await filled(5)
    const seen = /** @type {any[]} */ ([])
    const test = await withBatch(
      topic,
      async ({ resolveOffset, uncommittedOffsets, commitOffsetsIfNecessary }) => {
        resolveOffset('1')
        await commitOffsetsIfNecessary(uncommittedOffsets())
        for (const partition of [
          { partition: 0, offset: '3' },
          { partition: 0, offset: 4 },
          { partition: 0, offset: 3n, metadata: 'a note' }
        ]) {
          await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [partition] }] })
          seen.push(partition)
        }
      }
    )
    expect(commits(test)).toEqual([{ partition: '0', offset: '2' }, ...seen])
    const { partitions } = await withAdmin(undefined, async admin => {
      const [first] = await admin.fetchOffsets({ groupId: test.groupId, topics: [topic] })
      return first
    })
    expect(partitions).toEqual([{ partition: 0, offset: '3', metadata: 'a note' }])
  })

  it('COMMIT_OFFSETS after commitOffsets() has a number, a Long and the metadata', async () => {
    const topic = await filled(5)
    const test = await withBatch(topic, () => {})
    await test.consumer.commitOffsets([{ topic, partition: 0, offset: '3' }])
    await test.consumer.commitOffsets([{ topic, partition: 0, offset: '4', metadata: 'a note' }])
    const events = commits(test)
    expect(events.map(event => Object.keys(event))).toEqual([
      ['partition', 'offset', 'metadata'],
      ['partition', 'offset', 'metadata']
    ])
    expect(JSON.parse(JSON.stringify(events))).toEqual([
      { partition: 0, offset: '3', metadata: null },
      { partition: 0, offset: '4', metadata: 'a note' }
    ])
    for (const { offset } of events) {
      expect(typeof offset).toBe('object')
      expect(offset.add(1).toString()).toBe(String(BigInt(String(offset)) + 1n))
    }
  })

  it('COMMIT_OFFSETS tells commits of one offset apart', async () => {
    const topic = await filled(5)
    const test = await withBatch(topic, () => {})
    const before = commits(test).length
    const notes = ['a', 'b', 'c']
    await Promise.all(
      notes.map(metadata =>
        test.consumer.commitOffsets([{ topic, partition: 0, offset: '3', metadata }])
      )
    )
    const events = commits(test).slice(before)
    expect(events.map(({ metadata }) => metadata).sort()).toEqual(notes)
  })

  it('of one turn of the event loop travel in one request', async () => {
    const topic = await filled(8, { partitions: 4 })
    const test = await withBatch(topic, () => {})
    const requests = () =>
      test.seen.of('REQUEST').filter(({ apiName }) => apiName === 'OffsetCommit').length
    // Something else may happen just then, with which the first of them goes out.
    const counts = []
    for (let round = 0; round < 5; round++) {
      const before = requests()
      await Promise.all(
        [0, 1, 2, 3].map(partition =>
          test.consumer.commitOffsets([{ topic, partition, offset: String(partition + 1) }])
        )
      )
      // Requests are told on a way of their own, which may be the longer one.
      await waitFor(() => requests() > before)
      await pause(50)
      counts.push(requests() - before)
    }
    expect(Math.min(...counts)).toBe(1)
    expect(await committed(test.groupId, topic)).toEqual({ 0: '1', 1: '2', 2: '3', 3: '4' })
  })

  it.each([['-1'], ['abc'], ['NaN'], [undefined]])(
    'of the offset %p is refused by name',
    async offset => {
      const topic = await filled(5)
      const { groupId, result } = await withBatch(topic, ({ commitOffsetsIfNecessary }) =>
        commitOffsetsIfNecessary({
          topics: [{ topic, partitions: [{ partition: 0, offset }] }]
        }).catch(error => error)
      )
      expect(result).toMatchObject({ name: 'KafkaJSNonRetriableError', retriable: false })
      expect(result.message).toMatch(offset === '-1' ? /negative/ : `received ${offset}`)
      expect(await committed(groupId, topic)).toEqual({ 0: '-1' })
    }
  )
})

describe('uncommittedOffsets()', () => {
  it('has every partition of the consumer by its number in words, and no topic without any', async () => {
    const [topic, other] = [await filled(20, { partitions: 2 }), await filled(1)]
    const answers = /** @type {any[]} */ ([])
    await startConsumer({
      topics: [topic, other],
      run: {
        eachMessage: undefined,
        autoCommit: false,
        eachBatch: async ({ batch, uncommittedOffsets }) => {
          if (batch.topic === topic) answers.push(uncommittedOffsets())
        }
      }
    })
    await waitFor(() => answers.length >= 2)
    const [first, second] = answers
    expect(first.topics.filter(entry => entry.topic === topic)).toEqual([])
    const [{ partitions }] = second.topics.filter(entry => entry.topic === topic)
    expect(partitions).toEqual([{ partition: expect.stringMatching(/^[01]$/), offset: '10' }])
  })
})

describe('the cadence of automatic commits', () => {
  /** A handler that goes on at these offsets when all before them is committed. */
  const waitingAt =
    (groupId, topic, ...offsets) =>
    async ({ message: { offset } }) =>
      offsets.includes(offset) &&
      waitFor(async () => (await committed(groupId, topic))[0] === offset)

  it('by the threshold is each so many messages', async () => {
    const topic = await filled(20)
    const groupId = uniqueName('group')
    const test = await startConsumer({
      topics: [topic],
      groupId,
      handle: waitingAt(groupId, topic, '5', '10', '15'),
      run: { autoCommitThreshold: 5 }
    })
    await waitFor(() => commits(test).at(-1)?.offset === '20')
    expect(commits(test).map(({ offset }) => offset)).toEqual(['5', '10', '15', '20'])
  })

  it('by the interval is no denser than that', async () => {
    const interval = 150
    const topic = await filled(500)
    const begin = performance.now()
    let isEnough = false
    const test = await startConsumer({
      topics: [topic],
      // Slow until there have been some.
      handle: () => !isEnough && pause(20),
      run: { autoCommitInterval: interval }
    })
    await waitFor(() => commits(test).length >= 5)
    isEnough = true
    await waitFor(() => commits(test).at(-1)?.offset === '500')
    const most = (performance.now() - begin) / interval
    // One more at the end of the batch.
    expect(commits(test).length).toBeLessThanOrEqual(most + 1)
  })

  it('by both is by whichever comes first; the end of a batch commits anyway', async () => {
    const topic = await filled(12)
    const groupId = uniqueName('group')
    const test = await startConsumer({
      topics: [topic],
      groupId,
      handle: waitingAt(groupId, topic, '5', '10'),
      run: { autoCommitInterval: 600_000, autoCommitThreshold: 5 }
    })
    await waitFor(() => commits(test).at(-1)?.offset === '12')
    expect(commits(test).map(({ offset }) => offset)).toEqual(['5', '10', '12'])
  })

  it('counts the distance of offsets from what is committed', async () => {
    const topic = await filled(30)
    const groupId = uniqueName('group')
    await withAdmin(undefined, admin =>
      admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '20' }] })
    )
    const test = await startConsumer({
      topics: [topic],
      groupId,
      handle: waitingAt(groupId, topic, '24', '28'),
      run: { autoCommitThreshold: 4 }
    })
    await waitFor(() => commits(test).at(-1)?.offset === '30')
    expect(commits(test).map(({ offset }) => offset)).toEqual(['24', '28', '30'])
  })
})

describe('a batch', () => {
  /** Start and end of each batch, without what is different each time. */
  const batchesOf = ({ seen }) =>
    ['START_BATCH_PROCESS', 'END_BATCH_PROCESS'].map(name =>
      seen.of(name).map(({ topic, partition, duration, ...figures }) => figures)
    )

  it('whose records were all aborted is told, but not handed out', async () => {
    const topic = await createTopic()
    await transactions(topic, ['abort', 'abort'])
    const { messages, seen } = await startConsumer({ topics: [topic] })
    await waitFor(() => seen.of('END_BATCH_PROCESS').length > 0)
    const figures = {
      highWatermark: '6',
      offsetLag: '0',
      offsetLagLow: '5',
      batchSize: 0,
      firstOffset: '0',
      lastOffset: '5'
    }
    expect(batchesOf({ seen })).toEqual([[figures], [figures]])
    expect(messages).toEqual([])
  })

  it('is committed although it was all aborted', async () => {
    const topic = await createTopic()
    await transactions(topic, ['abort'])
    const { groupId } = await startConsumer({ topics: [topic] })
    await waitFor(async () => (await committed(groupId, topic))[0] === '3')
  })

  it('counts what was filtered at its ends, and resolves it with its last message', async () => {
    const topic = await createTopic()
    await transactions(topic, ['abort', 'commit', 'abort'])
    const { result, groupId } = await withBatch(
      topic,
      payload => {
        const { batch, resolveOffset } = payload
        resolveOffset(batch.messages[0].offset)
        const middle = uncommitted(payload)
        resolveOffset(batch.messages[1].offset)
        return {
          offsets: batch.messages.map(({ offset }) => offset),
          first: batch.firstOffset(),
          last: batch.lastOffset(),
          lag: batch.offsetLag(),
          lagLow: batch.offsetLagLow(),
          highWatermark: batch.highWatermark,
          resolved: [middle, uncommitted(payload)]
        }
      },
      { run: { autoCommit: true, eachBatchAutoResolve: false } }
    )
    expect(result).toEqual({
      offsets: ['3', '4'],
      first: '0',
      last: '8',
      lag: '0',
      lagLow: '8',
      highWatermark: '9',
      resolved: ['4', '9']
    })
    await waitFor(async () => (await committed(groupId, topic))[0] === '9')
  })

  it('has no records but its messages', async () => {
    const topic = await createTopic()
    await transactions(topic, ['abort', 'commit'])
    const { result } = await withBatch(topic, ({ batch }) => batch)
    expect(result.messages.map(({ offset }) => offset)).toEqual(['3', '4'])
    expect(result.rawMessages).toEqual(result.messages)
    expect(result.messagesWithinOffset).toEqual(result.messages)
  })

  it('lags behind the high watermark, open transactions included', async () => {
    const topic = await filled(3)
    const producer = observer().producer({
      transactionalId: uniqueName('transaction'),
      idempotent: true,
      maxInFlightRequests: 1
    })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value: 'a' }, { value: 'b' }] })
    const { result } = await withBatch(topic, ({ batch }) => [
      batch.messages.length,
      batch.lastOffset(),
      batch.highWatermark,
      batch.offsetLag(),
      batch.offsetLagLow()
    ])
    await transaction.abort()
    await producer.disconnect()
    expect(result).toEqual([3, '2', '5', '2', '4'])
  })
})

describe('a handler of batches', () => {
  it('in the middle of a compressed batch begins at its position', async () => {
    const topic = await createTopic()
    await produce(topic, numbered(10), { compression: 'gzip' })
    const groupId = uniqueName('group')
    await withAdmin(undefined, admin =>
      admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '7' }] })
    )
    const { result } = await withBatch(topic, ({ batch }) => batch, { groupId })
    expect(result.messages.map(({ offset }) => offset)).toEqual(['7', '8', '9'])
    expect([result.firstOffset(), result.fetchedOffset, result.offsetLagLow()]).toEqual([
      '7',
      '7',
      '2'
    ])
    expect(result.messages[0].batchContext).toMatchObject({ firstOffset: '0', lastOffsetDelta: 9 })
  })

  it.each([
    [true, '10'],
    [false, '4']
  ])(
    'that returns early because the consumer stops, eachBatchAutoResolve: %p',
    async (auto, end) => {
      const topic = await filled(10)
      const { promise: stopped, resolve } = defer()
      const { promise: started, resolve: go } = defer()
      const test = await startConsumer({
        topics: [topic],
        run: {
          eachMessage: undefined,
          eachBatchAutoResolve: auto,
          eachBatch: async ({ batch, resolveOffset, isRunning }) => {
            await started
            for (const { offset } of batch.messages) {
              if (!isRunning()) return
              resolveOffset(offset)
              if (offset === '3') resolve([test.consumer.stop()])
              await pause(5)
            }
          }
        }
      })
      go()
      await Promise.all(await stopped)
      expect(await committed(test.groupId, topic)).toEqual({ 0: end })
    }
  )

  it('that outlives the consumer may go on calling', async () => {
    const topic = await filled(3)
    const { result, consumer } = await withBatch(topic, payload => payload)
    await consumer.disconnect()
    expect([result.isRunning(), result.isStale()]).toEqual([false, false])
    expect(result.resolveOffset('0')).toBeUndefined()
    expect(await result.heartbeat()).toBeUndefined()
    expect(await result.commitOffsetsIfNecessary()).toBeUndefined()
    expect(typeof result.pause()).toBe('function')
    expect(result.uncommittedOffsets()).toEqual({ topics: expect.any(Array) })
  })
})

it('without autoCommit a rebalance goes back to what was committed', async () => {
  const topic = await filled(20, { partitions: 2 })
  const groupId = uniqueName('group')
  const run = { autoCommit: false }
  const first = await startConsumer({ topics: [topic], groupId, run })
  await waitFor(() => first.messages.length >= 20)
  await first.consumer.commitOffsets([
    { topic, partition: 0, offset: '4' },
    { topic, partition: 1, offset: '6' }
  ])
  const second = await startConsumer({ topics: [topic], groupId, run })
  await waitFor(() => first.messages.length + second.messages.length >= 30)
  await pause(200) // nothing more must come
  const again = [...first.messages.slice(20), ...second.messages]
  const offsets = partition => again.filter(m => m.partition === partition).map(m => m.offset)
  expect([offsets(0), offsets(1)]).toEqual([upTo(10).slice(4), upTo(10).slice(6)])
})

it('an offset may be any that 64 bits hold', async () => {
  const topic = await filled(3)
  const { consumer, groupId } = await withBatch(topic, () => {})
  for (const offset of ['9007199254740993', '9223372036854775807']) {
    await consumer.commitOffsets([{ topic, partition: 0, offset }])
    expect(await committed(groupId, topic)).toEqual({ 0: offset })
  }
})

it('a partition that is none is refused by name', async () => {
  const topic = await filled(3)
  const { consumer, groupId } = await withBatch(topic, () => {})
  for (const partition of /** @type {any[]} */ ([null, '', Infinity, -1])) {
    const where = { topic, partition, offset: '2' }
    const message = `Invalid partition, expected a number received ${partition}`
    await expect(consumer.commitOffsets([where])).rejects.toThrow(message)
    expect(() => consumer.seek(where)).toThrow(message)
  }
  expect(await committed(groupId, topic)).toEqual({ 0: '-1' })
})

it('an offset that 64 bits do not hold is refused by name', async () => {
  const topic = await filled(3)
  const { consumer, groupId } = await withBatch(topic, () => {})
  const offset = '9223372036854775808'
  const message = `Invalid offset, expected a long received ${offset}`
  await expect(consumer.commitOffsets([{ topic, partition: 0, offset }])).rejects.toThrow(message)
  expect(() => consumer.seek({ topic, partition: 0, offset })).toThrow(message)
  expect(await committed(groupId, topic)).toEqual({ 0: '-1' })
})
