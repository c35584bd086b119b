// @ts-check
'use strict'

const { committed, createTopic, produce, sharedCluster, uniqueName } = require('../kafka/helpers')
const { startProducer } = require('../kafka/producer')
const { block, defer, filled, numbered, pause, startConsumer, upTo, waitFor } = require('./support')

/** @typedef {import('kafkajs').EachBatchPayload} Payload */

/**
 * A consumer by batches; `payloads` has every payload.
 * @param {string} topic
 * @param {(payload: Payload) => any} handle
 */
const start = async (topic, handle, { run = {}, ...options } = {}) => {
  const payloads = /** @type {Payload[]} */ ([])
  const consumer = await startConsumer({
    topics: [topic],
    ...options,
    run: {
      eachMessage: undefined,
      eachBatch: async payload => {
        payloads.push(payload)
        await handle(payload)
      },
      ...run
    }
  })
  return { ...consumer, payloads }
}

const offsetsOf = ({ batch }) => batch.messages.map(({ offset }) => Number(offset))

describe('the payload', () => {
  it('has eight members, and a batch with the members of kafkajs', async () => {
    const topic = await filled(10)
    const { payloads, consumer } = await start(topic, () => {})
    await waitFor(() => payloads.length > 0)
    await consumer.disconnect()
    const [payload] = payloads
    expect(Object.keys(payload).sort()).toEqual([
      'batch',
      'commitOffsetsIfNecessary',
      'heartbeat',
      'isRunning',
      'isStale',
      'pause',
      'resolveOffset',
      'uncommittedOffsets'
    ])
    const { batch } = payload
    expect(Object.keys(batch).sort()).toEqual([
      'fetchedOffset',
      'highWatermark',
      'messages',
      'messagesWithinOffset',
      'partition',
      'rawMessages',
      'topic'
    ])
    expect(batch).toMatchObject({ topic, partition: 0, highWatermark: '10', fetchedOffset: '0' })
    expect(batch.isEmpty()).toBe(false)
    expect(batch.firstOffset()).toBe('0')
    expect(batch.lastOffset()).toBe('9')
    expect(batch.offsetLag()).toBe('0')
    expect(batch.offsetLagLow()).toBe('9')
    expect(offsetsOf(payload)).toEqual(upTo(10))
  })

  it('has a batch of one partition', async () => {
    const topic = await filled(60, { partitions: 3 })
    const { payloads } = await start(topic, () => {})
    await waitFor(() => payloads.flatMap(offsetsOf).length >= 60)
    for (const { batch } of payloads) {
      for (const { value } of batch.messages) expect(Number(value) % 3).toBe(batch.partition)
    }
  })

  it('has a batch without what was filtered', async () => {
    const topic = await createTopic()
    const config = { 'transactional.id': uniqueName('transaction') }
    const producer = await startProducer(sharedCluster().brokers, config)
    await producer.begin()
    await producer.send(topic, [{ value: 'a', partition: 0 }])
    await producer.commit()
    await producer.close()
    const { payloads } = await start(topic, () => {})
    await waitFor(() => payloads.length > 0)
    const [{ batch }] = payloads
    expect(/** @type {any} */ (batch).rawMessages).toEqual(batch.messages)
    expect(batch.messages).toHaveLength(1)
  })

  it('has a batch of at most 2000 messages', async () => {
    const topic = await filled(5000)
    const { payloads } = await start(topic, () => {})
    await waitFor(() => payloads.flatMap(offsetsOf).length >= 5000)
    expect(payloads.flatMap(offsetsOf)).toEqual(upTo(5000))
    expect(Math.max(...payloads.map(({ batch }) => batch.messages.length))).toBe(2000)
  })

  it('has a batch of many small answers in order', async () => {
    const topic = await filled(500)
    const { payloads } = await start(topic, () => {}, { maxBytesPerPartition: 256 })
    await waitFor(() => payloads.flatMap(offsetsOf).length >= 500)
    expect(payloads.flatMap(offsetsOf)).toEqual(upTo(500))
  })
})

describe('resolving', () => {
  it('happens by itself when the handler returns', async () => {
    const topic = await filled(10)
    const { payloads, consumer, groupId } = await start(topic, () => {})
    await waitFor(() => payloads.length > 0)
    await consumer.disconnect()
    expect(await committed(groupId, topic)).toEqual({ 0: '10' })
    expect(payloads).toHaveLength(1)
  })

  it('is left to the handler with eachBatchAutoResolve: false; the rest comes again', async () => {
    const topic = await filled(10)
    const { payloads, consumer, groupId } = await start(
      topic,
      async ({ batch, resolveOffset }) => {
        for (const { offset } of batch.messages.slice(0, 4)) resolveOffset(offset)
      },
      { run: { eachBatchAutoResolve: false } }
    )
    await waitFor(() => payloads.length >= 3)
    await consumer.disconnect()
    expect(payloads.slice(0, 3).map(offsetsOf)).toEqual([
      upTo(10),
      upTo(10).slice(4),
      upTo(10).slice(8)
    ])
    expect(await committed(groupId, topic)).toEqual({ 0: '10' })
  })

  it('of nothing delivers the same batch again', async () => {
    const topic = await filled(3)
    const { payloads, consumer, groupId } = await start(topic, () => pause(1), {
      run: { eachBatchAutoResolve: false }
    })
    await waitFor(() => payloads.length >= 3)
    await consumer.disconnect()
    expect(payloads.slice(0, 3).map(offsetsOf)).toEqual([upTo(3), upTo(3), upTo(3)])
    expect(await committed(groupId, topic)).toEqual({ 0: '-1' })
  })

  it('of nothing does not make the handler spin', async () => {
    const topic = await filled(3)
    const times = /** @type {number[]} */ ([])
    await start(topic, () => times.push(performance.now()), {
      run: { eachBatchAutoResolve: false }
    })
    await waitFor(() => times.length >= 30)
    // A busy machine makes it longer, never shorter.
    expect(times[29] - times[0]).toBeGreaterThan(29 * 10)
  })

  it('before an error counts: the handler gets the rest again', async () => {
    const topic = await filled(10)
    let failed = false
    const { payloads, seen } = await start(topic, async ({ resolveOffset }) => {
      if (failed) return
      failed = true
      resolveOffset('3')
      throw new Error('after the fourth')
    })
    await waitFor(() => payloads.length >= 2)
    expect(payloads.map(offsetsOf)).toEqual([upTo(10), upTo(10).slice(4)])
    expect(seen.of('CRASH')).toEqual([])
  })

  it('may go back', async () => {
    const topic = await filled(10)
    const { payloads } = await start(
      topic,
      async ({ batch, resolveOffset }) => {
        resolveOffset('8')
        resolveOffset(batch.messages.length === 10 ? '2' : batch.lastOffset())
      },
      { run: { eachBatchAutoResolve: false } }
    )
    await waitFor(() => payloads.length >= 2)
    expect(payloads.slice(0, 2).map(offsetsOf)).toEqual([upTo(10), upTo(10).slice(3)])
  })

  it('of the last message resolves the control records behind it', async () => {
    const topic = await createTopic()
    const config = { 'transactional.id': uniqueName('transaction') }
    const producer = await startProducer(sharedCluster().brokers, config)
    await producer.begin()
    await producer.send(topic, [{ value: 'a', partition: 0 }])
    await producer.commit()
    await producer.close()
    const { payloads, consumer, groupId } = await start(
      topic,
      async ({ batch, resolveOffset }) => resolveOffset(batch.messages.at(-1)?.offset ?? ''),
      { run: { eachBatchAutoResolve: false } }
    )
    await waitFor(() => payloads.length > 0)
    await waitFor(async () => (await committed(groupId, topic))[0] === '2')
    await consumer.disconnect()
    expect(payloads).toHaveLength(1)
  })
})

describe('committing', () => {
  it('uncommittedOffsets() are what was resolved since', async () => {
    const topic = await filled(10)
    const answers = /** @type {any[]} */ ([])
    const { consumer } = await start(
      topic,
      async ({ resolveOffset, uncommittedOffsets, commitOffsetsIfNecessary }) => {
        answers.push(uncommittedOffsets())
        resolveOffset('4')
        answers.push(uncommittedOffsets())
        await commitOffsetsIfNecessary(uncommittedOffsets())
        answers.push(uncommittedOffsets())
      },
      { run: { autoCommit: false } }
    )
    await waitFor(() => answers.length >= 3)
    await consumer.disconnect()
    expect(answers).toEqual([
      { topics: [] },
      { topics: [{ topic, partitions: [{ partition: '0', offset: '5' }] }] },
      { topics: [] }
    ])
  })

  it('commitOffsetsIfNecessary(offsets) commits these, with their metadata', async () => {
    const topic = await filled(10, { partitions: 2 })
    const done = defer()
    const { consumer, groupId, seen } = await start(
      topic,
      async ({ batch, commitOffsetsIfNecessary }) => {
        if (batch.partition !== 0) return
        const partitions = [
          { partition: 0, offset: '3', metadata: 'a note' },
          { partition: 1, offset: '1' }
        ]
        await commitOffsetsIfNecessary(/** @type {any} */ ({ topics: [{ topic, partitions }] }))
        done.resolve()
      },
      { run: { autoCommit: false } }
    )
    await done.promise
    expect(await committed(groupId, topic)).toEqual({ 0: '3', 1: '1' })
    await consumer.disconnect()
    expect(seen.of('COMMIT_OFFSETS')).toHaveLength(1)
    expect(await committed(groupId, topic)).toEqual({ 0: '3', 1: '1' })
  })

  it('commitOffsetsIfNecessary() commits nothing without an interval or a threshold', async () => {
    const topic = await filled(10)
    const { consumer, payloads, groupId } = await start(
      topic,
      async ({ resolveOffset, commitOffsetsIfNecessary }) => {
        resolveOffset('4')
        await commitOffsetsIfNecessary()
      },
      { run: { autoCommit: false } }
    )
    await waitFor(() => payloads.length > 0)
    await consumer.disconnect()
    expect(await committed(groupId, topic)).toEqual({ 0: '-1' })
  })

  it('commitOffsetsIfNecessary() obeys the threshold even without autoCommit', async () => {
    const topic = await filled(10)
    const seenByGroup = /** @type {string[]} */ ([])
    const { consumer, groupId } = await start(
      topic,
      async ({ batch, resolveOffset, commitOffsetsIfNecessary }) => {
        for (const { offset } of batch.messages) {
          resolveOffset(offset)
          await commitOffsetsIfNecessary()
          seenByGroup.push((await committed(groupId, topic))[0])
        }
      },
      { groupId: uniqueName('group'), run: { autoCommit: false, autoCommitThreshold: 4 } }
    )
    await waitFor(() => seenByGroup.length >= 10)
    await consumer.disconnect()
    expect(seenByGroup.join()).toBe('-1,-1,-1,4,4,4,4,8,8,8')
  })
})

describe('the world outside', () => {
  it('isStale() after a seek, and nothing of the batch is resolved', async () => {
    const topic = await filled(10)
    const stale = /** @type {boolean[]} */ ([])
    const { promise, resolve } = defer()
    const { payloads, consumer } = await start(topic, async ({ isStale }) => {
      if (stale.length > 0) return
      stale.push(isStale())
      await promise
      stale.push(isStale())
    })
    await waitFor(() => stale.length > 0)
    consumer.seek({ topic, partition: 0, offset: '7' })
    resolve()
    await waitFor(() => payloads.length >= 2)
    expect(stale).toEqual([false, true])
    expect(offsetsOf(payloads[1])).toEqual([7, 8, 9])
  })

  it('isRunning() until the consumer stops', async () => {
    const topic = await filled(10)
    const { promise, resolve } = defer()
    const answers = /** @type {boolean[]} */ ([])
    const { consumer } = await start(topic, async ({ isRunning }) => {
      answers.push(isRunning())
      await promise
      answers.push(isRunning())
    })
    await waitFor(() => answers.length > 0)
    const stopping = consumer.stop()
    resolve()
    await stopping
    expect(answers).toEqual([true, false])
  })

  it('heartbeat() resolves', async () => {
    const topic = await filled(1)
    const { promise, resolve } = defer()
    await start(topic, async ({ heartbeat }) => resolve(await heartbeat()))
    expect(await promise).toBeUndefined()
  })

  it('heartbeat() sends one whenever the interval is over, also when several wait for it', async () => {
    const topic = await filled(1)
    const heartbeatInterval = 50
    const begin = performance.now()
    const { promise, resolve } = defer()
    const { seen } = await start(
      topic,
      async ({ heartbeat }) => {
        for (let i = 0; i < 10; i++) {
          const before = seen.of('HEARTBEAT').length
          await pause(2 * heartbeatInterval)
          await Promise.all(upTo(10).map(() => heartbeat()))
          await waitFor(() => seen.of('HEARTBEAT').length > before)
        }
        resolve(seen.of('HEARTBEAT').length)
      },
      { heartbeatInterval }
    )
    const sent = await promise
    expect(sent).toBeLessThanOrEqual((performance.now() - begin) / heartbeatInterval + 1)
  })

  it('pause() stops its partition, and what it returns resumes it', async () => {
    const topic = await filled(20, { partitions: 2 })
    let resume = () => {}
    const { payloads, consumer } = await start(topic, async ({ batch, pause: pausePartition }) => {
      if (batch.partition === 1 && batch.firstOffset() === '0') resume = pausePartition()
    })
    await waitFor(() => payloads.length >= 2)
    expect(consumer.paused()).toEqual([{ topic, partitions: [1] }])
    await produce(topic, numbered(4, { partitions: 2 }))
    await waitFor(() => payloads.length >= 3)
    expect(payloads[2].batch.partition).toBe(0)
    resume()
    await waitFor(() => payloads.length >= 4)
    expect(offsetsOf(payloads[3])).toEqual([10, 11])
    expect(consumer.paused()).toEqual([])
  })

  it('synchronous handlers that take long neither stop nor get a batch without messages', async () => {
    const topic = await createTopic({ partitions: 4 })
    const config = { 'transactional.id': uniqueName('transaction') }
    const producer = await startProducer(sharedCluster().brokers, config)
    for (let round = 0; round < 4; round++) {
      await producer.begin()
      await producer.send(topic, numbered(8, { partitions: 4 }))
      await (round % 2 === 0 ? producer.commit() : producer.abort())
    }
    await producer.close()
    await produce(topic, numbered(4, { partitions: 4 }))
    const sizes = /** @type {number[]} */ ([])
    const { consumer, groupId } = await startConsumer({
      topics: [topic],
      maxBytesPerPartition: 1,
      run: {
        eachMessage: undefined,
        eachBatch: /** @type {any} */ (
          ({ batch }) => {
            sizes.push(batch.messages.length)
            block(10)
          }
        )
      }
    })
    await waitFor(() => sizes.reduce((sum, size) => sum + size, 0) >= 20)
    // Two messages and a marker, four times, and one message.
    await waitFor(async () =>
      Object.values(await committed(groupId, topic)).every(offset => offset === '13')
    )
    await consumer.disconnect()
    expect(sizes).not.toContain(0)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(20)
  })
})

it('eachMessage wins when both are given', async () => {
  const topic = await filled(3)
  const calls = /** @type {string[]} */ ([])
  await startConsumer({
    topics: [topic],
    run: {
      eachMessage: async () => void calls.push('message'),
      eachBatch: async () => void calls.push('batch')
    }
  })
  await waitFor(() => calls.length >= 3)
  expect(calls).toEqual(['message', 'message', 'message'])
})
