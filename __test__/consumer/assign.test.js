// @ts-check
'use strict'

/** Partitions that the program assigns, with and without a group, and what a consumer knows of positions. */

const { committed, createTopic, produce, waitFor } = require('../kafka/helpers')
const { commitFor, createConsumer, createKafka, defer, filled, numbered } = require('./support')
const { pause, rejection, upTo } = require('./support')

/** @type {any[]} */
const opened = []
afterEach(() => Promise.all(opened.splice(0).map(consumer => consumer.disconnect())))

/** A consumer without a group, and what it asks brokers. @param {any} [options] */
const loner = (options = {}) => {
  const consumer = /** @type {any} */ (createKafka()).consumer(options)
  opened.push(consumer)
  const asked = new Set()
  consumer.on(consumer.events.REQUEST, ({ payload }) => asked.add(payload.apiName))
  return { consumer, asked }
}

/** @param {any} consumer @param {number} count */
const read = async (consumer, count) => {
  const values = []
  while (values.length < count) values.push(Number((await consumer.getOne()).value))
  return values
}

describe('without a group', () => {
  it('reads what is assigned, from where it is told, and asks no coordinator', async () => {
    const topic = await filled(10, { partitions: 2 })
    const { consumer, asked } = loner()
    await consumer.assign([
      { topic, partition: 0, offset: 'earliest' },
      { topic, partition: 1, offset: 3 }
    ])
    const values = await read(consumer, 7)
    expect([...values].sort((a, b) => a - b)).toEqual([0, 2, 4, 6, 7, 8, 9])
    expect(consumer.assignment()).toEqual([{ topic, partitions: [0, 1] }])
    for (const api of ['GroupCoordinator', 'JoinGroup', 'OffsetFetch', 'OffsetCommit']) {
      expect(asked).not.toContain(api)
    }
  })

  it('begins at the end, or at a time', async () => {
    const topic = await createTopic({ partitions: 2 })
    const time = 1_700_000_000_000
    await produce(
      topic,
      upTo(6).map(i => ({ value: `${i}`, partition: 1, timestamp: `${time + 1000 * i}` }))
    )
    const { consumer } = loner()
    await consumer.assign([
      { topic, partition: 0 },
      { topic, partition: 1, offset: new Date(time + 3500) }
    ])
    expect(await read(consumer, 2)).toEqual([4, 5])
    await produce(topic, [{ value: '7', partition: 0 }])
    expect(await read(consumer, 1)).toEqual([7])
  })

  it('refuses what needs a group, by name', async () => {
    const topic = await filled(1)
    const { consumer } = loner()
    expect((await rejection(consumer.subscribe({ topics: [topic] }))).message).toMatch(
      /subscribe\(\) needs a group.*assign\(\)/
    )
    expect((await rejection(consumer.run({ eachMessage: async () => {} }))).message).toMatch(
      /run\(\) needs a group/
    )
    await consumer.assign([{ topic, partition: 0, offset: 'earliest' }])
    await read(consumer, 1)
    const offsets = [{ topic, partition: 0, offset: '1' }]
    expect((await rejection(consumer.commitOffsets(offsets))).message).toMatch(/needs a group/)
    expect((await rejection(consumer.committed([{ topic, partition: 0 }]))).message).toMatch(
      /there is no group/
    )
    expect(
      (await rejection(consumer.assign([{ topic, partition: 0, offset: 'committed' }]))).message
    ).toMatch(/needs a group/)
    expect((await rejection(consumer.assign([{ topic }]))).message).toMatch(/Invalid partition/)
  })

  it('may be pushed as well', async () => {
    const topic = await filled(5)
    const { consumer } = loner()
    await consumer.assign([{ topic, partition: 0, offset: 2 }])
    const values = []
    await consumer.run({
      eachMessage: async ({ message }) => void values.push(Number(message.value))
    })
    await waitFor(() => values.length === 3)
    expect(values).toEqual([2, 3, 4])
  })

  it('reads a partition that is named twice once, from the later of the places', async () => {
    const topic = await filled(5)
    const { consumer } = loner()
    const where = { topic, partition: 0 }
    await consumer.assign([
      { ...where, offset: 0 },
      { ...where, offset: 3 }
    ])
    expect(consumer.assignment()).toEqual([{ topic, partitions: [0] }])
    expect(await read(consumer, 2)).toEqual([3, 4])
    expect(consumer.assignment()).toEqual([{ topic, partitions: [0] }])
  })

  it('knows what is assigned, and where it was sought to, before it reads', async () => {
    const topic = await filled(10)
    const { consumer } = loner()
    await consumer.assign([{ topic, partition: 0, offset: 'earliest' }])
    expect(consumer.assignment()).toEqual([{ topic, partitions: [0] }])
    consumer.seek({ topic, partition: 0, offset: '7' })
    expect(await read(consumer, 2)).toEqual([7, 8])
    await consumer.stop()
    expect(consumer.assignment()).toEqual([{ topic, partitions: [0] }])
    await consumer.seekToBeginning()
    expect(await read(consumer, 2)).toEqual([0, 1])
    await consumer.stop()
    expect(() => consumer.seek({ topic, partition: 1, offset: '0' })).toThrow('not initialized')
  })

  it.each(['restartOnFailure', 'CRASH'])(
    'goes on where it is sought to when it crashes, by %s',
    async place => {
      const topic = await filled(10)
      const { consumer } = loner({
        retry: {
          retries: 0,
          initialRetryTime: 50,
          restartOnFailure: async () => seekIn('restartOnFailure')
        }
      })
      const seekIn = where => {
        if (where === place) consumer.seek({ topic, partition: 0, offset: '7' })
        return true
      }
      consumer.on(consumer.events.CRASH, () => seekIn('CRASH'))
      await consumer.assign([{ topic, partition: 0, offset: 2 }])
      const values = []
      await consumer.run({
        eachMessage: async ({ message }) => {
          values.push(Number(message.value))
          if (values.at(-1) === 4) throw new Error('a poison')
        }
      })
      await waitFor(() => values.length === 6)
      expect(values).toEqual([2, 3, 4, 7, 8, 9])
    }
  )

  it('takes others while it runs, and those that stay go on', async () => {
    const topic = await filled(30, { partitions: 3 })
    const { consumer } = loner()
    const start = partition => ({ topic, partition, offset: 'earliest' })
    await consumer.assign([start(0), start(1)])
    const first = await read(consumer, 12)
    await consumer.assign([start(1), start(2)])
    const rest = await read(consumer, 30 - 12 - first.length + 12 - 10)
    expect(consumer.assignment()).toEqual([{ topic, partitions: [1, 2] }])
    const of = partition => value => value % 3 === partition
    // Nothing of the partition that stays was read twice.
    const stayed = [...first, ...rest].filter(of(1))
    expect(new Set(stayed).size).toBe(stayed.length)
    expect(rest.filter(of(0))).toEqual([])
  })

  it('reads nothing any more of what is taken away while others go', async () => {
    const topic = await filled(30, { partitions: 3 })
    const { consumer } = loner()
    const start = partition => ({ topic, partition, offset: 'earliest' })
    const values = /** @type {number[]} */ ([])
    const done = defer()
    await consumer.assign([start(0), start(1)])
    await consumer.run({
      partitionsConsumedConcurrently: 2,
      eachMessage: async ({ partition, message }) => {
        values.push(Number(message.value))
        if (partition === 0) await done.promise
      }
    })
    await waitFor(() => values.length >= 11)
    await consumer.assign([start(1)])
    await consumer.assign([start(2)])
    done.resolve()
    await waitFor(() => values.length >= 21)
    expect(consumer.assignment()).toEqual([{ topic, partitions: [2] }])
    await produce(topic, numbered(2, { partitions: 2, first: 100 }))
    await produce(topic, [{ value: '200', partition: 2 }])
    await waitFor(() => values.includes(200))
    expect(values.filter(value => value === 100 || value === 101)).toEqual([])
  })

  it('counts calls in their order, also when one has to look up where to begin', async () => {
    const topic = await filled(20, { partitions: 2 })
    const { consumer } = loner()
    await Promise.all([
      consumer.assign([{ topic, partition: 0, offset: new Date(0) }]),
      consumer.assign([{ topic, partition: 1, offset: 'earliest' }])
    ])
    await read(consumer, 10)
    expect(consumer.assignment()).toEqual([{ topic, partitions: [1] }])
  })

  it('counts no call that was before the end of the assignment', async () => {
    const topic = await filled(20, { partitions: 2 })
    const consumer = /** @type {any} */ (createConsumer({ groupId: `${topic}-group` }))
    const late = rejection(consumer.assign([{ topic, partition: 0, offset: new Date(0) }]))
    await consumer.unsubscribe()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    expect((await late).message).toMatch(/unsubscribe\(\)/)
    expect((await read(consumer, 20)).sort((a, b) => a - b)).toEqual(upTo(20))
  })

  it('is refused while a group is joined, and goes behind unsubscribe()', async () => {
    const topic = await filled(1)
    const consumer = /** @type {any} */ (createConsumer({ groupId: `${topic}-group` }))
    await consumer.run({ eachMessage: async () => {} })
    const start = { topic, partition: 0, offset: 'earliest' }
    expect((await rejection(consumer.assign([start]))).message).toMatch(/unsubscribe\(\)/)
    expect(consumer.assignment()).toEqual([])
    await consumer.unsubscribe()
    await consumer.assign([start])
    expect(await read(consumer, 1)).toEqual([0])
  })

  it('what comes back has all its tries again', async () => {
    const topic = await filled(2, { partitions: 2 })
    const retry = { retries: 2, initialRetryTime: 1000, factor: 0, multiplier: 1 }
    const { consumer } = loner({ retry })
    const crashed = jest.fn()
    consumer.on(consumer.events.CRASH, crashed)
    const start = partition => ({ topic, partition, offset: 'earliest' })
    let [tries, others] = [0, 0]
    await consumer.assign([start(0)])
    await consumer.run({
      eachMessage: async ({ partition }) => {
        if (partition === 1) return void others++
        tries++
        throw new Error('not yet')
      }
    })
    for (const time of [1, 2]) {
      await waitFor(() => tries === 2 * time)
      await consumer.assign([start(1)])
      await waitFor(() => others === time)
      expect(crashed).not.toHaveBeenCalled()
      await consumer.assign([start(0)])
    }
  })

  it('disconnect() waits for a handler that hangs no longer than in a group', async () => {
    const topic = await filled(1)
    const { consumer } = loner({ rebalanceTimeout: 500, maxPollInterval: 500 })
    await consumer.assign([{ topic, partition: 0, offset: 'earliest' }])
    const hangs = defer()
    await consumer.run({
      eachMessage: () => {
        hangs.resolve()
        return new Promise(() => {})
      }
    })
    await hangs.promise
    await consumer.disconnect()
  })

  it('subscribes when it has a group and nothing is assigned any more', async () => {
    const topic = await filled(2)
    const consumer = /** @type {any} */ (createConsumer({ groupId: `${topic}-group` }))
    await consumer.assign([{ topic, partition: 0, offset: 'earliest' }])
    expect(await read(consumer, 1)).toEqual([0])
    expect((await rejection(consumer.subscribe({ topics: [topic] }))).message).toMatch(
      /unsubscribe\(\)/
    )
    await consumer.unsubscribe()
    expect(consumer.assignment()).toEqual([])
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    expect(consumer.subscription()).toEqual([topic])
    expect((await rejection(consumer.assign([{ topic, partition: 0 }]))).message).toMatch(
      /unsubscribe\(\)/
    )
    expect(await read(consumer, 2)).toEqual([0, 1])
  })
})

describe('with a group', () => {
  it('assign() begins where the group has committed, and commits by itself', async () => {
    const topic = await filled(6)
    const groupId = `${topic}-group`
    await commitFor(groupId, topic, { 0: 2 })
    const consumer = /** @type {any} */ (createConsumer({ groupId }))
    await consumer.assign([{ topic, partition: 0 }])
    expect(await read(consumer, 3)).toEqual([2, 3, 4])
    await consumer.disconnect()
    expect((await committed(groupId, topic))[0]).toBe('4')
  })

  it('begins there by name as well, and elsewhere where that is asked for', async () => {
    const topic = await filled(6)
    const groupId = `${topic}-group`
    await commitFor(groupId, topic, { 0: 2 })
    const consumer = /** @type {any} */ (createConsumer({ groupId }))
    for (const [offset, values] of /** @type {[any, number[]][]} */ ([
      ['committed', [2, 3]],
      ['earliest', [0, 1]],
      ['4', [4, 5]]
    ])) {
      await consumer.assign([{ topic, partition: 0, offset }])
      expect(await read(consumer, 2)).toEqual(values)
      await consumer.unsubscribe()
    }
  })
})

describe('positions', () => {
  it('are known, and how far they are from the end, without asking', async () => {
    const topic = await filled(10, { partitions: 2 })
    const consumer = /** @type {any} */ (createConsumer({ groupId: `${topic}-group` }))
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    expect(consumer.lag()).toEqual([])
    for (let n = 0; n < 10; n++) await consumer.getOne()
    await consumer.getOne({ timeout: 0 })
    await consumer.commitOffsets()
    await produce(topic, numbered(3, { first: 10 }))
    await pause(200)
    const at = partition => consumer.lag().find(entry => entry.partition === partition)
    await waitFor(() => at(0).highWatermark === '8')
    expect(at(0)).toEqual({
      topic,
      partition: 0,
      position: '5',
      leaderEpoch: 0,
      committed: '5',
      highWatermark: '8',
      lastStableOffset: '8',
      lag: '3'
    })
    expect(at(1)).toMatchObject({ position: '5', committed: '5', lag: '0' })
    expect(consumer.position({ topic, partition: 0 })).toBe('5')
    expect(consumer.position({ topic, partition: 7 })).toBe(null)
  })

  it('beginning, end, committed and by time are asked', async () => {
    const topic = await createTopic()
    const time = 1_700_000_000_000
    await produce(
      topic,
      upTo(4).map(i => ({ value: `${i}`, timestamp: `${time + 1000 * i}` }))
    )
    const groupId = `${topic}-group`
    await commitFor(groupId, topic, { 0: 2 })
    const consumer = /** @type {any} */ (createConsumer({ groupId }))
    await consumer.connect()
    const where = { topic, partition: 0 }
    expect(await consumer.beginningOffsets([where])).toEqual([{ ...where, offset: '0' }])
    expect(await consumer.endOffsets([where])).toEqual([{ ...where, offset: '4' }])
    expect(await consumer.committed([where])).toMatchObject([{ ...where, offset: '2' }])
    const times = [
      { ...where, timestamp: new Date(time + 1500) },
      { ...where, timestamp: time + 9000 }
    ]
    expect(await consumer.offsetsForTimes(times)).toEqual([
      { ...where, offset: '2' },
      { ...where, offset: null }
    ])
    // Partitions are often collected from several places: one that is named twice is told twice.
    const twice = [where, { ...where, partition: '0' }]
    const ends = [
      { ...where, offset: '4' },
      { ...where, offset: '4' }
    ]
    expect(await consumer.endOffsets(twice)).toEqual(ends)
    expect(await consumer.beginningOffsets(twice)).toMatchObject([{ offset: '0' }, { offset: '0' }])
    expect(await consumer.committed(twice)).toMatchObject([{ offset: '2' }, { offset: '2' }])
  })

  it('leader epochs are known, committed, and answered', async () => {
    const topic = await filled(6)
    const where = { topic, partition: 0 }
    const consumer = /** @type {any} */ (createConsumer({ groupId: `${topic}-group` }))
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const message = await consumer.getOne()
    expect(message.batchContext.partitionLeaderEpoch).toBe(0)
    await consumer.getOne()
    expect(consumer.lag()[0]).toMatchObject({ position: '1', leaderEpoch: 0 })
    const [epoch] = [{ leaderEpoch: 0, offset: '1' }]
    await consumer.commitOffsets()
    expect(await consumer.committed([where])).toEqual([{ ...where, ...epoch, metadata: '' }])
    // What the program says is what the group keeps; what nobody knows is nothing.
    for (const [offset, leaderEpoch, answer] of [
      ['3', 7, 7],
      ['4', undefined, null],
      ['5', null, null]
    ]) {
      await consumer.commitOffsets([{ ...where, offset, leaderEpoch, metadata: 'm' }])
      expect(await consumer.committed([where])).toEqual([
        { ...where, offset, leaderEpoch: answer, metadata: 'm' }
      ])
    }
    const wrong = consumer.commitOffsets([{ ...where, offset: '5', leaderEpoch: '7' }])
    expect((await rejection(wrong)).message).toBe(
      'Invalid leaderEpoch, expected a whole number or null, received "7"'
    )
  })

  it('seek to the beginning, to the end, and to a time', async () => {
    const topic = await createTopic()
    const time = 1_700_000_000_000
    await produce(
      topic,
      upTo(4).map(i => ({ value: `${i}`, timestamp: `${time + 1000 * i}` }))
    )
    const consumer = /** @type {any} */ (createConsumer({ groupId: `${topic}-group` }))
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    expect(await read(consumer, 2)).toEqual([0, 1])
    consumer.seekToBeginning()
    expect(await read(consumer, 2)).toEqual([0, 1])
    await consumer.seek({ topic, partition: 0, offset: new Date(time + 2500) })
    expect(await read(consumer, 1)).toEqual([3])
    consumer.seekToEnd([{ topic, partition: 0 }])
    const waiting = consumer.getOne()
    await pause(300)
    await produce(topic, numbered(1, { first: 9 }))
    expect(Number((await waiting).value)).toBe(9)
  })
})
