// @ts-check
'use strict'

/** What the programs read. Most of them write nothing: one topic of each kind does for all of these. */

const { createTopic, observer, produce, uniqueName } = require('../../kafka/helpers')

/** Offsets that programs name, and the end of each partition. Control records and aborted messages are at 10–13 and 19. */
const KINDS = {
  plain1: { partitions: 1, offsets: [0, 1, 2, 3, 5, 8, 10, 11], end: 12 },
  plain2: { partitions: 2, offsets: [0, 1, 2, 3, 5, 6], end: 7 },
  mixed1: { partitions: 1, offsets: [0, 2, 3, 4, 5, 7, 8, 9, 14, 15, 17, 18], end: 20 },
  mixed2: { partitions: 2, offsets: [0, 2, 3, 4, 5, 7, 8, 9, 14, 15, 17, 18], end: 20 }
}

/** Topics of a program's own, which it writes into while it runs. */
const OWN = {
  own1: { partitions: 1, offsets: [0, 1, 2, 3], end: 4 },
  own2: { partitions: 2, offsets: [0, 1, 2], end: 3 }
}

/** @typedef {keyof typeof KINDS | keyof typeof OWN} Kind */

const isMixed = (/** @type {Kind} */ kind) => kind.startsWith('mixed')

const isOwn = (/** @type {Kind} */ kind) => kind in OWN

/** @param {number} first @param {number} count @param {number} partition */
const numbers = (first, count, partition) =>
  Array.from({ length: count }, (_, i) => ({
    key: `k${first + i}`,
    value: String(first + i),
    partition
  }))

/** What not every message is. @param {number} partition */
const oddities = partition => [
  { key: '', value: 'empty key', partition },
  { key: null, value: 'no key', partition },
  { key: 'tombstone', value: null, partition },
  { key: 'empty', value: '', partition, headers: {} },
  {
    key: 'h',
    value: 'headers',
    partition,
    headers: { one: 'x', many: ['a', 'b'], empty: '', bytes: Buffer.from([0, 255]) }
  }
]

/** @param {string} topic @param {number} partition */
const fillMixed = async (topic, partition) => {
  await produce(topic, numbers(0, 3, partition))
  await produce(topic, oddities(partition), { compression: 'gzip' })
  const producer = observer().producer({
    transactionalId: uniqueName('transaction'),
    idempotent: true,
    maxInFlightRequests: 1
  })
  await producer.connect()
  /** @param {any[]} messages @param {'commit' | 'abort'} end */
  const write = async (messages, end) => {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages })
    await transaction[end]()
  }
  await write(numbers(100, 2, partition), 'commit')
  await write(numbers(200, 2, partition), 'abort')
  await produce(topic, numbers(300, 4, partition), { compression: 'gzip' })
  await write(numbers(400, 1, partition), 'commit')
  await producer.disconnect()
}

/** @returns {Promise<Record<string, string>>} the names, by kind */
const fill = async () => {
  const topics = {}
  for (const [kind, { partitions, end }] of Object.entries(KINDS)) {
    const topic = await createTopic({ partitions })
    for (let partition = 0; partition < partitions; partition++) {
      if (isMixed(/** @type {Kind} */ (kind))) await fillMixed(topic, partition)
      else await produce(topic, numbers(0, end, partition))
    }
    topics[kind] = topic
  }
  return topics
}

/** @param {string} topic @param {any[]} what partition, the first number, how many */
const write = async (topic, [partition, first, count]) => {
  const producer = observer().producer({ retry: { retries: 20 } })
  await producer.connect()
  try {
    // The same in each run: not idempotent, and of the same time.
    const messages = numbers(first, count, partition).map(message => ({
      ...message,
      timestamp: '1700000000000'
    }))
    await producer.send({ topic, messages })
  } finally {
    await producer.disconnect()
  }
}

/** @param {Kind} kind @returns {Promise<Record<string, string>>} its topic, by kind, unless it is one for all */
const own = async kind => {
  if (!isOwn(kind)) return {}
  const { partitions, end } = OWN[kind]
  const topic = await createTopic({ partitions })
  for (let partition = 0; partition < partitions; partition++) {
    await write(topic, [partition, 0, end])
  }
  return { [kind]: topic }
}

module.exports = { KINDS: { ...KINDS, ...OWN }, fill, isMixed, isOwn, own, write }
