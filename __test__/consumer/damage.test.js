// @ts-check
'use strict'

/** Answers that were damaged on their way: a proxy changes what the broker says. */

const { committed, createTopic, produce, uniqueName } = require('../kafka/helpers')
const { API } = require('../kafka/protocol')
const {
  createKafka,
  logLevel,
  numbers,
  startConsumer,
  upTo,
  useCluster,
  waitFor
} = require('./support')

const COUNT = 30
/** Its text is looked for in the answers. */
const KEY = 'a key that is easy to find'

/** @type {import('../kafka').Cluster} */
let cluster
/** @type {import('../kafka/proxy').Proxy} */
let proxy

useCluster({ proxied: true }, own => {
  cluster = own
  proxy = cluster.proxies[0]
})

/** A topic with COUNT messages in a batch of partition 0, and as many others in partition 1. */
const newTopic = async () => {
  const topic = await createTopic({ partitions: 2, brokers: cluster.brokers })
  const messages = upTo(2 * COUNT).map(value => ({
    value: String(value),
    partition: value < COUNT ? 0 : 1,
    ...(value < COUNT && { key: KEY })
  }))
  await produce(topic, messages, { brokers: cluster.brokers })
  return topic
}

const start = async () => {
  const topic = await newTopic()
  const warnings = /** @type {any[]} */ ([])
  const kafka = createKafka({
    brokers: cluster.listeners.proxied,
    logLevel: logLevel.WARN,
    logCreator: () => entry => void warnings.push({ namespace: entry.namespace, ...entry.log })
  })
  const test = await startConsumer({ topics: [topic], kafka })
  return { ...test, topic, warnings }
}

/** Each message once, in order. */
const expectAllOnce = async ({ messages, seen }) => {
  await waitFor(() => messages.length >= 2 * COUNT)
  for (const partition of [0, 1]) {
    const handled = numbers(messages.filter(message => message.partition === partition))
    expect(handled).toEqual(upTo(COUNT).map(value => partition * COUNT + value))
  }
  expect(seen.of('CRASH')).toEqual([])
}

/** Only answers with records of partition 0. @param {(answer: Buffer, key: number) => void} change */
const ofRecords = change => (/** @type {Buffer} */ answer) => {
  const key = answer.indexOf(KEY)
  if (key < 0) return undefined
  change(answer, key)
  return answer
}

it('a flipped byte is fetched again, over other connections, and told', async () => {
  const damaged = { times: 0 }
  proxy.mutate(
    API.Fetch,
    ofRecords((answer, key) => {
      damaged.times++
      answer[key] ^= 1
    }),
    3
  )
  const test = await start()
  await expectAllOnce(test)
  expect(damaged.times).toBe(3)
  const told = test.warnings.filter(({ message }) => message.includes('damaged'))
  expect(told).toHaveLength(3)
  expect(told[0]).toMatchObject({
    namespace: 'FetchManager',
    message: expect.stringMatching(/record batch at offset 0: CRC is 0x\w+, the batch says 0x\w+/),
    topic: test.topic,
    partition: '0',
    offset: '0',
    groupId: test.groupId
  })
})

/** @type {[string, import('../kafka/proxy').Change][]} */
const DAMAGES = [
  ['a batch', ofRecords((answer, key) => answer.fill(0xff, key + 40, key + 80))],
  ['an end', ofRecords(answer => answer.fill(0xff, answer.length - 30))],
  ['a correlation id', ofRecords(answer => answer.writeInt32BE(answer.readInt32BE(4) + 7, 4))],
  ['a count', ofRecords(answer => answer.fill(0xff, 19, 23))],
  ['a length', ofRecords(answer => answer.writeInt32BE(answer.length - 60, 0))],
  ['a length, now negative,', ofRecords(answer => answer.writeInt32BE(-5, 0))]
]

it.each(DAMAGES)('%s that is damaged costs nothing but time', async (_what, change) => {
  const damaged = { times: 0 }
  proxy.mutate(
    API.Fetch,
    (answer, request) => {
      const changed = change(answer, request)
      if (changed) damaged.times++
      return changed
    },
    2
  )
  await expectAllOnce(await start())
  expect(damaged.times).toBe(2)
})

it('an assignment that is damaged is asked for again', async () => {
  const damaged = { times: 0 }
  proxy.mutate(
    API.SyncGroup,
    answer => {
      damaged.times++
      // The topics' count, which lies behind the names: their version is 0.
      answer.fill(0xff, answer.length - 24)
      return answer
    },
    2
  )
  await expectAllOnce(await start())
  expect(damaged.times).toBe(2)
})

it('a batch that stays damaged goes to the dead-letter topic as it is, and its partition goes on', async () => {
  const { brokers } = cluster
  proxy.mutate(
    API.Fetch,
    ofRecords((answer, key) => (answer[key] ^= 1))
  )
  const goesOn = async (/** @type {boolean} */ exactlyOnce) => {
    const topic = await newTopic()
    const deadLetterTopic = await createTopic({ brokers })
    const groupId = uniqueName('group')
    const { messages, seen } = await startConsumer({
      topics: [topic],
      kafka: createKafka({ brokers: cluster.listeners.proxied }),
      groupId,
      run: { onFailure: { deadLetterTopic, unreadable: true, exactlyOnce } }
    })
    const committedTo = async () => (await committed(groupId, topic, brokers))[0]
    await waitFor(async () => (await committedTo()) === String(COUNT))
    const letters = /** @type {any[]} */ ([])
    await startConsumer({
      topics: [deadLetterTopic],
      kafka: createKafka({ brokers }),
      handle: ({ message }) => void letters.push(message)
    })
    await waitFor(() => letters.length > 0)
    const [{ key, value, headers }] = letters
    expect(key).toBe(null)
    // All of them, but for the byte that was changed.
    expect(String(value).split(KEY)).toHaveLength(COUNT)
    const told = Object.entries(headers).map(([name, text]) => [
      name.replace('__kafkars.errors.', ''),
      String(text)
    ])
    expect(Object.fromEntries(told)).toMatchObject({
      topic,
      partition: '0',
      offset: '0',
      'last.offset': String(COUNT - 1),
      group: groupId,
      exception: 'KafkaJSProtocolError',
      message: expect.stringContaining('CRC is')
    })
    await produce(topic, [{ value: 'behind', partition: 0 }], { brokers })
    await waitFor(() => messages.some(message => message.value === 'behind'))
    expect(messages.filter(({ partition }) => partition === 0)).toHaveLength(1)
    expect(messages.filter(({ partition }) => partition === 1)).toHaveLength(COUNT)
    expect(letters).toHaveLength(1)
    expect(seen.of('CRASH')).toEqual([])
  }
  await Promise.all([goesOn(false), goesOn(true)])
})
