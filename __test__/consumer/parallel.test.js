// @ts-check
'use strict'

/** `messagesConsumedConcurrently`: handlers beside each other, in order where it matters, and nothing lost or repeated by it. */

const { fork } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const {
  committed,
  createTopic,
  logEnd,
  observer,
  produce,
  sharedCluster,
  uniqueName
} = require('../kafka/helpers')
const {
  createConsumer,
  defer,
  distinct,
  numbers,
  pause,
  startConsumer,
  together,
  upTo,
  waitFor
} = require('./support')

/** Messages with their number as value, and `keys` keys in turn. */
const keyed = (count, keys, first = 0) =>
  Array.from({ length: count }, (_, i) => ({
    key: `key-${(first + i) % keys}`,
    value: String(first + i),
    partition: 0
  }))

const filledWith = async messages => {
  const topic = await createTopic({ partitions: 1 })
  await produce(topic, messages)
  return topic
}

/** What the group's commit of partition 0 says. */
const commitOf = async (groupId, topic) => {
  const admin = observer().admin()
  await admin.connect()
  const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] })
  await admin.disconnect()
  return partitions[0]
}

const isNoted = async (groupId, topic, offset) => {
  const commit = await commitOf(groupId, topic)
  return commit.offset === String(offset) && String(commit.metadata).startsWith('kafkars:1:')
}

together({
  'so many handlers at once in one partition, and the messages of a key one after the other':
    async () => {
      const topic = await filledWith(keyed(3000, 100))
      const atWork = new Set()
      const last = new Map()
      const faults = /** @type {string[]} */ ([])
      let most = 0
      const { consumer, groupId, messages } = await startConsumer({
        topics: [topic],
        handle: async ({ message }) => {
          const [key, value] = [String(message.key), Number(message.value)]
          if (atWork.has(key)) faults.push(`two of ${key}`)
          if ((last.get(key) ?? -1) > value) faults.push(`${key}: ${value} after ${last.get(key)}`)
          atWork.add(key)
          last.set(key, value)
          most = Math.max(most, atWork.size)
          await pause(Math.random() * 10)
          atWork.delete(key)
        },
        run: { messagesConsumedConcurrently: 40 }
      })
      await waitFor(() => messages.length >= 3000)
      await consumer.disconnect()
      expect(faults).toEqual([])
      expect(most).toBe(40)
      expect(distinct(messages)).toEqual(upTo(3000))
      expect(messages).toHaveLength(3000)
      expect(await committed(groupId, topic)).toEqual(await logEnd(topic))
    },

  'messages without a key are in no order, and orderBy says what is': async () => {
    const topic = await filledWith(upTo(60).map(i => ({ value: String(i), partition: 0 })))
    const highest = async run => {
      let [atWork, most] = [0, 0]
      const { consumer, messages } = await startConsumer({
        topics: [topic],
        handle: async () => {
          most = Math.max(most, ++atWork)
          await pause(20)
          atWork -= 1
        },
        run: { messagesConsumedConcurrently: 7, ...run }
      })
      await waitFor(() => messages.length >= 60)
      await consumer.disconnect()
      return { most, messages: numbers(messages) }
    }
    const [byKey, byPartition, byNothing] = await Promise.all([
      highest({}),
      highest({ orderBy: 'partition' }),
      highest({ orderBy: 'none' })
    ])
    expect(byKey.most).toBe(7)
    expect(byNothing.most).toBe(7)
    expect(byPartition).toEqual({ most: 1, messages: upTo(60) })
  },

  'what comes while a handler is at work does not wait for it': async () => {
    const topic = await filledWith([{ key: 'slow', value: '0', partition: 0 }])
    const { promise, resolve } = defer()
    const { messages, groupId, consumer } = await startConsumer({
      topics: [topic],
      handle: ({ message }) => (String(message.value) === '0' ? promise : undefined),
      run: { messagesConsumedConcurrently: 3 }
    })
    for (let i = 1; i < 6; i++) {
      await produce(topic, keyed(10, 10, i * 10))
      await waitFor(() => messages.length >= i * 10)
    }
    await waitFor(() => isNoted(groupId, topic, 0))
    resolve()
    await waitFor(() => messages.length >= 51)
    await consumer.disconnect()
    expect(messages).toHaveLength(51)
    expect(await committed(groupId, topic)).toEqual(await logEnd(topic))
    expect((await commitOf(groupId, topic)).metadata || null).toBe(null)
  },

  'a message that fails is tried again, those of its key wait for it, and no others do':
    async () => {
      const topic = await filledWith(keyed(400, 20))
      const order = /** @type {number[]} */ ([])
      let failures = 0
      const { consumer, groupId, messages } = await startConsumer({
        topics: [topic],
        // Two waits, in which a busy machine, too, is through with the others.
        retry: { initialRetryTime: 1000, retries: 5 },
        handle: async ({ message }) => {
          const value = Number(message.value)
          if (value === 3 && failures < 2) {
            failures += 1
            throw new Error('not yet')
          }
          if (value % 20 === 3) order.push(value)
          await pause(1)
        },
        run: { messagesConsumedConcurrently: 10 }
      })
      // All but the twenty of its key.
      await waitFor(() => messages.length >= 380)
      expect(order).toEqual([])
      await waitFor(() => messages.length >= 400)
      await consumer.disconnect()
      expect(failures).toBe(2)
      expect(order).toEqual(upTo(20).map(i => i * 20 + 3))
      expect(messages).toHaveLength(400)
      expect(await committed(groupId, topic)).toEqual(await logEnd(topic))
    },

  'another member goes on without what is finished': async () => {
    const topic = await filledWith(keyed(200, 200))
    const groupId = uniqueName('group')
    const { promise, resolve } = defer()
    const run = { messagesConsumedConcurrently: 20 }
    const first = await startConsumer({
      topics: [topic],
      groupId,
      rebalanceTimeout: 2000,
      maxPollInterval: 2000,
      handle: ({ message }) => (Number(message.value) % 50 === 7 ? promise : undefined),
      run
    })
    await waitFor(() => first.messages.length >= 196)
    await waitFor(() => isNoted(groupId, topic, 7))
    // It hangs in four handlers, and is not waited for.
    const second = await startConsumer({ topics: [topic], groupId, run })
    void first.consumer.disconnect()
    const third = await startConsumer({ topics: [topic], groupId, run })
    const rest = () => [...second.messages, ...third.messages]
    await waitFor(() => rest().length >= 4)
    await produce(topic, keyed(10, 10, 200))
    await waitFor(() => rest().length >= 14)
    expect(numbers(rest()).sort((a, b) => a - b)).toEqual([
      7,
      57,
      107,
      157,
      ...upTo(10).map(i => 200 + i)
    ])
    resolve()
  },

  'a pause leaves what has begun, and what was finished is not repeated after it': async () => {
    const topic = await filledWith(keyed(500, 500))
    let paused = false
    const { consumer, messages, groupId } = await startConsumer({
      topics: [topic],
      handle: async ({ message, pause: stop }) => {
        if (Number(message.value) === 100 && !paused) {
          paused = true
          const resume = stop()
          setTimeout(resume, 300)
        }
        await pause(Math.random() * 20)
      },
      run: { messagesConsumedConcurrently: 30 }
    })
    await waitFor(() => messages.length >= 500)
    await consumer.disconnect()
    expect(numbers(messages).sort((a, b) => a - b)).toEqual(upTo(500))
    expect(await committed(groupId, topic)).toEqual(await logEnd(topic))
  },

  'a seek repeats what was finished': async () => {
    const topic = await filledWith(keyed(100, 100))
    const { consumer, messages } = await startConsumer({
      topics: [topic],
      handle: ({ message }) =>
        Number(message.value) === 5 && messages.length < 99 ? pause(500) : undefined,
      run: { messagesConsumedConcurrently: 10 }
    })
    await waitFor(() => messages.length >= 99)
    consumer.seek({ topic, partition: 0, offset: '90' })
    await waitFor(() => numbers(messages).filter(value => value === 99).length === 2)
    expect(numbers(messages).filter(value => value >= 90)).toHaveLength(20)
  },

  'the end waits for handlers that have begun, and a handler may ask for it': async () => {
    const topic = await filledWith(keyed(100, 100))
    const begun = /** @type {number[]} */ ([])
    const consumer = createConsumer()
    const ended = defer()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const finished = /** @type {number[]} */ ([])
    await consumer.run({
      .../** @type {any} */ ({ messagesConsumedConcurrently: 10 }),
      eachMessage: async ({ message }) => {
        const value = Number(message.value)
        begun.push(value)
        await pause(50)
        if (value === 4) consumer.stop().then(ended.resolve)
        await pause(50)
        finished.push(value)
      }
    })
    await ended.promise
    await waitFor(() => finished.length === begun.length)
    expect(begun.length).toBeLessThan(100)
  }
})

it('the end of a handler that fails for good is a crash', async () => {
  const topic = await filledWith(keyed(20, 20))
  const { seen } = await startConsumer({
    topics: [topic],
    retry: { initialRetryTime: 10, retries: 1, restartOnFailure: async () => false },
    handle: ({ message }) => {
      if (Number(message.value) === 3) throw new Error('never')
    },
    run: { messagesConsumedConcurrently: 5 }
  })
  await waitFor(() => seen.of('CRASH').length === 1)
  expect(seen.of('CRASH')[0].error.name).toBe('KafkaJSNumberOfRetriesExceeded')
})

describe('kill -9', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kafkars-parallel-'))
  const children = /** @type {import('node:child_process').ChildProcess[]} */ ([])

  afterAll(() => {
    for (const child of children) child.kill('SIGKILL')
    fs.rmSync(directory, { recursive: true, force: true })
  })

  const start = ({ file, ...options }) => {
    const { brokers } = sharedCluster()
    const full = path.join(directory, file)
    const program = path.join(__dirname, 'programs/parallel.js')
    const child = fork(program, [JSON.stringify({ brokers, file: full, ...options })])
    children.push(child)
    const lines = () => {
      const text = fs.existsSync(full) ? fs.readFileSync(full, 'utf8') : ''
      return text
        .split('\n')
        .slice(0, -1)
        .map(line => line.split(' '))
    }
    const of = what =>
      lines()
        .filter(([kind]) => kind === what)
        .map(fields => Number(fields[4]))
    const kill = () =>
      new Promise(resolve => {
        child.once('exit', resolve)
        child.kill('SIGKILL')
      })
    return { lines, begun: () => of('b'), finished: () => of('f'), kill }
  }

  it('what was finished beyond the commit is not repeated', async () => {
    const topic = await filledWith(keyed(1000, 100))
    const options = { topic, groupId: uniqueName('group'), most: 5 }
    const first = start({ ...options, file: 'first', stuck: '42' })
    // All but those of its key.
    await waitFor(() => first.finished().length >= 990)
    await waitFor(() => isNoted(options.groupId, topic, 42))
    await pause(300)
    await first.kill()
    const second = start({ ...options, file: 'second' })
    await waitFor(() => second.finished().length >= 10)
    await produce(topic, keyed(1, 1, 1000))
    await waitFor(() => second.finished().includes(1000))
    await second.kill()
    expect(second.finished()).toEqual([...upTo(10).map(i => i * 100 + 42), 1000])
  })

  it('nothing is lost, the keys stay in order, and little is repeated', async () => {
    const count = 6000
    const topic = await filledWith(keyed(count, 300))
    const options = { topic, groupId: uniqueName('group'), most: 10 }
    const all = /** @type {string[][]} */ ([])
    for (let round = 0; round < 4; round++) {
      const member = start({ ...options, file: `round-${round}` })
      const enough =
        round === 3
          ? () =>
              new Set(
                [...all, ...member.lines()].filter(([kind]) => kind === 'f').map(line => line[4])
              ).size === count
          : () => member.finished().length > 800
      await waitFor(enough)
      await member.kill()
      const lines = member.lines()
      all.push(...lines)
      const last = new Map()
      for (const [kind, , , key, value] of lines) {
        if (kind !== 'b') continue
        expect(Number(value)).toBeGreaterThan(last.get(key) ?? -1)
        last.set(key, Number(value))
      }
    }
    const finished = all.filter(([kind]) => kind === 'f').map(line => Number(line[4]))
    expect(new Set(finished).size).toBe(count)
    // What was finished in the last moments before each kill, and was not committed yet.
    expect(finished.length - count).toBeLessThan(3 * 1000)
  })
})
