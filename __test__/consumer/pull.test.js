// @ts-check
'use strict'

/** Messages that are asked for: `getOne`, `getMany`, `for await`, streams. */

const { once } = require('node:events')
const { pipeline } = require('node:stream/promises')
const { committed, createTopic, produce, waitFor } = require('../kafka/helpers')
const { SOON, createConsumer, filled, numbered, pause, rejection, timed } = require('./support')
const { upTo } = require('./support')

/** @param {any} [options] @returns {Promise<any>} */
const puller = async (topic, options = {}) => {
  const consumer = /** @type {any} */ (createConsumer({ groupId: `${topic}-group`, ...options }))
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  return consumer
}

const committedOf = async topic => {
  const offsets = await committed(`${topic}-group`, topic)
  return Number(offsets[0])
}

const valueOf = ({ value }) => Number(value)

describe('getOne()', () => {
  it('has a message, with topic and partition, in order', async () => {
    const topic = await filled(3)
    const consumer = await puller(topic)
    const first = await consumer.getOne()
    expect(first).toMatchObject({ topic, partition: 0, offset: '0', value: Buffer.from('0') })
    expect([await consumer.getOne(), await consumer.getOne()].map(valueOf)).toEqual([1, 2])
  })

  it('counts a message as handled when the next is asked for', async () => {
    const topic = await filled(3)
    const consumer = await puller(topic)
    await consumer.getOne()
    await consumer.getOne()
    await consumer.disconnect()
    expect(await committedOf(topic)).toBe(1)
    const again = await puller(topic)
    expect(valueOf(await again.getOne())).toBe(1)
  })

  it('is null when none comes in time, and waits for one that comes', async () => {
    const topic = await createTopic()
    const consumer = await puller(topic)
    expect(await consumer.getOne({ timeout: 0 })).toBe(null)
    expect(await consumer.getOne({ timeout: 200 })).toBe(null)
    const waiting = consumer.getOne()
    await pause(100)
    await produce(topic, numbered(1))
    expect(valueOf(await waiting)).toBe(0)
  })

  it('asks only for the partitions that are named', async () => {
    const topic = await filled(8, { partitions: 2 })
    const consumer = await puller(topic)
    const partitions = [{ topic, partition: 1 }]
    const values = []
    for (let n = 0; n < 4; n++) values.push(valueOf(await consumer.getOne({ partitions })))
    expect(values).toEqual([1, 3, 5, 7])
    expect(await consumer.getOne({ partitions, timeout: 200 })).toBe(null)
    expect(consumer.paused()).toEqual([])
    expect(consumer.health()).toMatchObject({
      paused: [],
      waitsFor: { reason: 'pull', partition: 0 }
    })
    consumer.pause([{ topic, partitions: [0] }])
    expect(consumer.paused()).toEqual([{ topic, partitions: [0] }])
    expect(await consumer.getOne({ timeout: 200 })).toBe(null)
    consumer.resume([{ topic }])
    expect(valueOf(await consumer.getOne())).toBe(0)
  })

  it('asks for one of many partitions, also when all the others have messages that nobody asks for', async () => {
    const count = 40
    const topic = await filled(2 * count, { partitions: count })
    const consumer = await puller(topic)
    const values = []
    for (const partition of [39, 20, 0, 39, 20, 0]) {
      const partitions = [{ topic, partition }]
      const message = await consumer.getOne({ partitions, timeout: 10_000 })
      values.push(message && valueOf(message))
    }
    expect(values).toEqual([39, 20, 0, 79, 60, 40])
    const rest = []
    while (rest.length < 2 * count - 6) rest.push(valueOf(await consumer.getOne()))
    expect(rest.sort((a, b) => a - b)).toEqual(upTo(2 * count).filter(n => !values.includes(n)))
  })

  it('is asked one at a time', async () => {
    const topic = await createTopic()
    const consumer = await puller(topic)
    await consumer.getOne({ timeout: 0 })
    const first = consumer.getOne()
    await pause(20)
    expect((await rejection(consumer.getOne())).message).toMatch(/one call at a time/)
    await produce(topic, numbered(1))
    expect(valueOf(await first)).toBe(0)
  })
})

describe('getMany()', () => {
  it('has what there is, by partition', async () => {
    const topic = await filled(10, { partitions: 2 })
    const consumer = await puller(topic)
    const got = /** @type {Record<number, number[]>} */ ({})
    await waitFor(async () => {
      for (const { partition, messages, ...batch } of await consumer.getMany({ timeout: 1000 })) {
        expect(batch).toEqual({ topic })
        ;(got[partition] ??= []).push(...messages.map(valueOf))
        expect(messages[0]).toMatchObject({ topic, partition })
      }
      return got[0]?.length === 5 && got[1]?.length === 5
    })
    expect(got).toEqual({ 0: [0, 2, 4, 6, 8], 1: [1, 3, 5, 7, 9] })
  })

  it('has at most maxRecords, counts them as handled when the next are asked for, and none in time', async () => {
    const topic = await filled(5)
    const consumer = await puller(topic)
    const next = async () =>
      (await consumer.getMany({ maxRecords: 2, timeout: 10_000 })).flatMap(({ messages }) =>
        messages.map(valueOf)
      )
    expect([await next(), await next()]).toEqual([
      [0, 1],
      [2, 3]
    ])
    await consumer.commitOffsets()
    expect(await committedOf(topic)).toBe(2)
    expect(await next()).toEqual([4])
    expect(await consumer.getMany({ timeout: 100 })).toEqual([])
    await consumer.disconnect()
    expect(await committedOf(topic)).toBe(5)
  })

  it('asks only for the partitions that are named', async () => {
    const topic = await filled(8, { partitions: 2 })
    const consumer = await puller(topic)
    for (const [partition, expected] of [
      [1, [1, 3, 5, 7]],
      [0, [0, 2, 4, 6]]
    ]) {
      const partitions = [{ topic, partition }]
      const values = []
      while (values.length < 4) {
        const batches = await consumer.getMany({ partitions })
        values.push(...batches.flatMap(({ messages }) => messages.map(valueOf)))
      }
      expect(values).toEqual(expected)
      expect(await consumer.getMany({ partitions, timeout: 200 })).toEqual([])
    }
  })
})

describe('for await', () => {
  it('has one message after the other, and leaves when the loop breaks', async () => {
    const topic = await filled(50)
    const consumer = await puller(topic)
    const values = []
    for await (const message of consumer) {
      values.push(valueOf(message))
      if (values.length === 30) break
    }
    expect(values).toEqual(upTo(30))
    // The last one was in hand when the loop ended.
    expect(await committedOf(topic)).toBe(29)
    expect(valueOf(await consumer.getOne())).toBe(29)
  })

  it('that throws has committed what came before', async () => {
    const topic = await filled(5)
    const consumer = await puller(topic)
    const failing = async () => {
      for await (const message of consumer) if (valueOf(message) === 3) throw new Error('three')
    }
    expect((await rejection(failing())).message).toBe('three')
    expect(await committedOf(topic)).toBe(3)
  })

  it('ends with disconnect()', async () => {
    const topic = await filled(2)
    const consumer = await puller(topic)
    const values = []
    const reading = (async () => {
      for await (const message of consumer) values.push(valueOf(message))
    })()
    await waitFor(() => values.length === 2)
    expect(await timed(() => consumer.disconnect())).toBeLessThan(SOON)
    await reading
    expect(await committedOf(topic)).toBe(2)
  })

  for (const end of ['stop', 'disconnect']) {
    for (const isAwaited of [true, false]) {
      it(`ends with ${end}() in its body, which ${isAwaited ? 'waits' : 'does not wait'} for that`, async () => {
        const topic = await filled(4)
        const consumer = await puller(topic)
        const values = []
        let ending = null
        for await (const message of consumer) {
          values.push(valueOf(message))
          if (values.length < 2) continue
          ending = consumer[end]()
          if (isAwaited) await ending
        }
        await ending
        expect(values).toEqual([0, 1])
      })
    }
  }

  it('that `await using` ends has committed what was handled', async () => {
    const topic = await filled(2)
    const consumer = await puller(topic)
    expect(valueOf(await consumer.getOne())).toBe(0)
    expect(valueOf(await consumer.getOne())).toBe(1)
    // What `await using` calls at the end of its block.
    await consumer[Symbol.asyncDispose]()
    expect(await committedOf(topic)).toBe(1)
    expect(consumer.health().state).toBe('stopped')
  })

  it('begins again after stop()', async () => {
    const topic = await filled(2)
    const consumer = await puller(topic)
    expect(valueOf(await consumer.getOne())).toBe(0)
    const stopping = consumer.stop()
    expect(await consumer.getOne()).toBe(null)
    await stopping
    const values = []
    for await (const message of consumer) if (values.push(valueOf(message)) === 2) break
    expect(values).toEqual([0, 1])
  })

  it('lets the event loop turn', async () => {
    const topic = await filled(4000)
    const consumer = await puller(topic)
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    let count = 0
    for await (const message of consumer) {
      const end = performance.now() + 0.02
      while (performance.now() < end && message);
      if (++count === 4000) break
    }
    clearInterval(timer)
    expect(turns).toBeGreaterThan(5)
  })

  it('rejects with what ends the consumer for good', async () => {
    const topic = await filled(1)
    const consumer = await puller(topic, { valueDeserializer: 'int64' })
    const error = await rejection(consumer.getOne())
    expect(error).toMatchObject({ name: 'KafkaJSDeserializationError', topic, offset: '0' })
  })
})

describe('streams', () => {
  it('a Readable reads no message ahead of its reader', async () => {
    const topic = await filled(10)
    const consumer = await puller(topic)
    const values = []
    for await (const message of consumer.stream()) {
      values.push(valueOf(message))
      await pause(5)
      if (values.length === 6) break
    }
    expect(values).toEqual(upTo(6))
    await waitFor(async () => (await committedOf(topic)) === 5)
    await consumer.disconnect()
  })

  it('a Readable that is destroyed has committed what came before the message in hand', async () => {
    const topic = await filled(5)
    const consumer = await puller(topic)
    const stream = consumer.stream()
    const values = []
    for (let n = 0; n < 3; n++) {
      await waitFor(() => {
        const message = stream.read()
        if (message) values.push(valueOf(message))
        return Boolean(message)
      })
    }
    stream.destroy()
    expect(values).toEqual([0, 1, 2])
    await waitFor(async () => (await committedOf(topic)) === 2)
    expect(valueOf(await consumer.getOne())).toBe(2)
  })

  it('a Readable may be a pipeline’s source', async () => {
    const topic = await filled(5)
    const consumer = await puller(topic)
    const values = []
    const stream = consumer.stream()
    await pipeline(stream, async source => {
      for await (const message of source) {
        values.push(valueOf(message))
        if (values.length === 5) return
      }
    }).catch(() => {})
    expect(values).toEqual(upTo(5))
    await consumer.disconnect()
  })

  it('a Web stream has the same messages', async () => {
    const topic = await filled(4)
    const consumer = await puller(topic)
    const reader = consumer.readableStream().getReader()
    const values = []
    for (let n = 0; n < 3; n++) values.push(valueOf((await reader.read()).value))
    expect(values).toEqual(upTo(3))
    await reader.cancel()
    expect(await committedOf(topic)).toBe(2)
  })
})

describe('who ends while he waits for messages', () => {
  const others = /** @type {Record<string, (consumer: any) => Promise<() => Promise<any>>>} */ ({
    'a Readable': async consumer => {
      const stream = consumer.stream()
      stream.on('data', () => {})
      return async () => {
        stream.destroy()
        await once(stream, 'close')
      }
    },
    'a Web stream': async consumer => {
      const reader = consumer.readableStream().getReader()
      const reading = reader.read()
      return async () => {
        await reader.cancel()
        expect(await reading).toMatchObject({ done: true })
      }
    },
    'an iterator': async consumer => {
      const messages = consumer[Symbol.asyncIterator]()
      const next = messages.next()
      return async () => {
        await messages.return(undefined)
        expect(await next).toMatchObject({ done: true })
        expect(await messages.next()).toMatchObject({ done: true })
      }
    }
  })

  for (const [name, begin] of Object.entries(others)) {
    it(`${name}: takes no message with him, and the consumer may be asked again`, async () => {
      const topic = await createTopic()
      const consumer = await puller(topic)
      expect(await consumer.getOne({ timeout: 0 })).toBe(null)
      const end = await begin(consumer)
      await pause(100)
      await end()
      await produce(topic, numbered(2))
      const values = [await consumer.getOne(), await consumer.getOne()].map(valueOf)
      expect(values).toEqual([0, 1])
    })

    it(`${name}: while the group is joined`, async () => {
      const topic = await filled(1)
      const consumer = await puller(topic)
      const end = await begin(consumer)
      await end()
      expect(valueOf(await consumer.getOne())).toBe(0)
    })
  }

  it('an iterator that has ended has no more messages', async () => {
    const topic = await filled(3)
    const consumer = await puller(topic)
    const messages = consumer[Symbol.asyncIterator]()
    expect(valueOf((await messages.next()).value)).toBe(0)
    expect(valueOf((await messages.next()).value)).toBe(1)
    await messages.return(undefined)
    expect(await messages.next()).toEqual({ value: undefined, done: true })
    expect(valueOf(await consumer.getOne())).toBe(1)
  })
})

describe('a consumer', () => {
  it('is either pushed or pulled', async () => {
    const topic = await filled(1)
    const pulled = await puller(topic)
    await pulled.getOne()
    expect((await rejection(pulled.run({ eachMessage: async () => {} }))).message).toMatch(
      /either pushed or pulled/
    )
    const pushed = await puller(topic, { groupId: `${topic}-pushed` })
    await pushed.run({ eachMessage: async () => {} })
    expect((await rejection(pushed.getOne())).message).toMatch(/either pushed or pulled/)
  })

  it('that is pulled shares its group, and goes on when others come and go', async () => {
    const topic = await filled(200, { partitions: 4 })
    const one = await puller(topic)
    const seen = new Set()
    const read = async (consumer, until) => {
      while (!until()) {
        const message = await consumer.getOne({ timeout: 200 })
        if (message) seen.add(valueOf(message))
      }
    }
    await read(one, () => seen.size >= 20)
    const two = await puller(topic)
    let over = false
    const both = [read(one, () => over), read(two, () => over)]
    await waitFor(() => seen.size === 200)
    await produce(topic, numbered(40, { partitions: 4, first: 200 }))
    await waitFor(() => seen.size === 240)
    over = true
    await Promise.all(both)
    await Promise.all([one.disconnect(), two.disconnect()])
    const offsets = await committed(`${topic}-group`, topic)
    const behind = Object.values(offsets).reduce((sum, offset) => sum + Number(offset), 0)
    // All but the last message that each of them had in hand.
    expect(behind).toBeGreaterThanOrEqual(238)
  })

  it('that waits for one partition gives the others up at once', async () => {
    const topic = await filled(4, { partitions: 2 })
    const options = { rebalanceTimeout: 600_000, heartbeatInterval: 200 }
    const first = await puller(topic, options)
    const values = [await first.getOne(), await first.getOne()].map(valueOf)
    const [read] = values.map(value => value % 2)
    const partitions = [{ topic, partition: read }]
    while (await first.getOne({ partitions, timeout: 500 }));
    const waiting = first.getOne({ partitions })
    const second = await puller(topic, options)
    const assigned = () => [first, second].flatMap(consumer => consumer.assignment())
    const joining = second.getOne({ timeout: 0 })
    await waitFor(() => assigned().length === 2)
    await joining
    await first.stop()
    expect(await waiting).toBe(null)
  })

  it('works by the protocol of KIP-848 as well', async () => {
    const topic = await filled(3)
    const consumer = /** @type {any} */ (
      createConsumer({
        groupId: `${topic}-group`,
        groupProtocol: 'consumer',
        heartbeatInterval: undefined
      })
    )
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const values = []
    for await (const message of consumer) {
      values.push(valueOf(message))
      if (values.length === 3) break
    }
    expect(values).toEqual(upTo(3))
  })

  it('seeks, and pauses, while it is pulled', async () => {
    const topic = await filled(10)
    const consumer = await puller(topic)
    expect(valueOf(await consumer.getOne())).toBe(0)
    consumer.seek({ topic, partition: 0, offset: '7' })
    expect(valueOf(await consumer.getOne())).toBe(7)
    consumer.pause([{ topic }])
    expect(await consumer.getOne({ timeout: 300 })).toBe(null)
    consumer.resume([{ topic }])
    expect(valueOf(await consumer.getOne())).toBe(8)
  })
})
