// @ts-check
'use strict'

/**
 * Who writes while everything breaks. Every message begins with an id of its own; what became of it is known afterwards:
 * acknowledged (must be read), aborted (must not), or neither (nobody told us: either is right).
 */

const { setTimeout: pause } = require('node:timers/promises')
const { CompressionTypes, Kafka, logLevel } = require('kafkajs')

const { startProducer } = require('../kafka/producer')

/**
 * @typedef {object} Written
 * @property {Set<string>} acknowledged
 * @property {Set<string>} aborted
 */

/**
 * @typedef {object} Stream
 * @property {() => Promise<void>} stop
 * @property {() => string | undefined} trouble the last error
 */

/**
 * @param {{ brokers: string[], topic: string, written: Written, partitions: () => number,
 *   rng: ReturnType<typeof import('./random').random> }} options
 * @returns {Promise<Stream[]>}
 */
const startStreams = async options =>
  Promise.all([
    kafkajsStream(options),
    javaStream(options, 'snappy'),
    javaStream(options, 'zstd'),
    transactions(options, 'lz4')
  ])

/** kafkajs, idempotent, uncompressed and gzip in turn. */
const kafkajsStream = async ({ brokers, topic, written, partitions, rng }) => {
  const kafka = new Kafka({ brokers, clientId: 'stream', logLevel: logLevel.NOTHING })
  const isWritten = answers()
  const open = () => kafka.producer({ idempotent: true, retry: { retries: 20 } })
  let producer = open()
  const send = async round => {
    await producer.connect()
    const compression = round % 2 ? CompressionTypes.GZIP : CompressionTypes.None
    const messages = fresh(`k${round}`, rng.between(1, 40), partitions(), rng)
    const answer = await producer.send({ topic, messages, acks: -1, compression })
    const covered = isWritten(messages, answer)
    for (const { id } of covered) written.acknowledged.add(id)
    const forgotten = messages.length - covered.length
    if (forgotten > 0) throw new Error(`${forgotten} messages without an answer`)
  }
  // A producer that has failed, or has forgotten something, may have lost count of its sequence numbers.
  const renew = async () => {
    await producer.disconnect().catch(() => {})
    producer = open()
  }
  return repeat(send, renew, () => producer.disconnect())
}

/** Kafka's own. */
const javaStream = async ({ brokers, topic, written, partitions, rng }, codec) => {
  const start = () => startProducer(brokers, { 'compression.type': codec, ...JAVA })
  let producer = await start()
  const send = async round => {
    const messages = fresh(`${codec}${round}`, rng.between(1, 40), partitions(), rng)
    await producer.send(topic, messages)
    for (const { id } of messages) written.acknowledged.add(id)
  }
  const renew = async () => {
    await producer.kill()
    producer = await start()
  }
  return repeat(send, renew, () => producer.close())
}

/** Transactions, of which every third is aborted. */
const transactions = async ({ brokers, topic, written, partitions, rng }, codec) => {
  const config = {
    'compression.type': codec,
    'transactional.id': topic,
    'transaction.timeout.ms': 10_000,
    ...JAVA
  }
  let producer = await startProducer(brokers, config)
  const send = async round => {
    const messages = fresh(`t${round}`, rng.between(1, 60), partitions(), rng)
    const commits = !rng.chance(1 / 3)
    // What nobody commits is aborted, by us or by the time.
    if (!commits) for (const { id } of messages) written.aborted.add(id)
    await producer.begin()
    await producer.send(topic, messages)
    if (!commits) return producer.abort()
    await producer.commit()
    for (const { id } of messages) written.acknowledged.add(id)
  }
  const renew = async () => {
    await producer.kill()
    producer = await startProducer(brokers, config)
  }
  return repeat(send, renew, () => producer.close())
}

/**
 * What of its messages kafkajs has had written. Its `send()` does not fail when it forgets a partition, whose leader has
 * moved to a broker that has answered already: then the answer has no such partition. And it takes "duplicate" for a yes
 * when the duplicate is an earlier batch: then the answer has an offset that is not behind those of earlier answers.
 *
 * @returns {<M extends { partition: number }>(messages: M[], answer: import('kafkajs').RecordMetadata[]) => M[]}
 */
const answers = () => {
  const ends = /** @type {Map<number, bigint>} next offsets by partition */ (new Map())
  return (messages, answer) => {
    const covered = new Set()
    for (const { partition, errorCode, baseOffset = '-1' } of answer) {
      const first = BigInt(baseOffset)
      if (errorCode !== 0 || first < (ends.get(partition) ?? 0n)) continue
      const count = messages.filter(message => message.partition === partition).length
      ends.set(partition, first + BigInt(count))
      covered.add(partition)
    }
    return messages.filter(({ partition }) => covered.has(partition))
  }
}

/** @returns {{ id: string, value: string, partition: number }[]} */
const fresh = (prefix, count, partitions, rng) =>
  Array.from({ length: count }, (_, i) => {
    const id = `${prefix}-${i}`
    return { id, value: `${id} ${FILLER}`, partition: rng.below(partitions) }
  })

/**
 * @param {(round: number) => Promise<void>} send
 * @param {() => Promise<void>} renew after a failure
 * @param {() => Promise<void>} close
 * @returns {Stream}
 */
const repeat = (send, renew, close) => {
  let running = true
  let trouble = /** @type {string | undefined} */ (undefined)
  const loop = async () => {
    for (let round = 0; running; round++) {
      try {
        await send(round)
        await pause(100)
      } catch (error) {
        trouble = String(error)
        await pause(500)
        await renew().catch(() => {})
      }
    }
    await close().catch(() => {})
  }
  const ended = loop()
  return {
    stop: async () => {
      running = false
      await ended
    },
    trouble: () => trouble
  }
}

const FILLER = 'All that is gold does not glitter. '.repeat(5)
const JAVA = { 'delivery.timeout.ms': 60_000, 'request.timeout.ms': 5000, 'linger.ms': 0 }

module.exports = { answers, startStreams }
