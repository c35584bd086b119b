// @ts-check
'use strict'

/**
 * Offsets that no JavaScript number can hold. No producer gets there: the log of a stopped broker is renamed and its batches are
 * numbered anew, which their checksums do not cover.
 */

const fs = require('node:fs')
const path = require('node:path')

const { committed, createTopic, logEnd, produce } = require('../kafka/helpers')
const { createKafka, lendCluster, startConsumer, waitFor } = require('./support')

const COUNT = 20

/** @type {import('../kafka').Cluster} */
let cluster

/** @type {Record<string, string>} a topic by its first offset */
const topics = {}

const BASES = [
  ['beyond 2^53', 2n ** 53n + 1n],
  ['close to the last that there is', 2n ** 63n - 1000n]
].map(([name, base]) => /** @type {[string, bigint]} */ ([name, base]))

/** The directory with the partition's log. @param {string} topic */
const logOf = topic => path.join(cluster.nodes[0].directory, 'data', `${topic}-0`)

/** @param {string} directory @param {bigint} base */
const moveLog = (directory, base) => {
  const names = fs.readdirSync(directory)
  const batches = fs.readFileSync(path.join(directory, `${'0'.repeat(20)}.log`))
  for (let at = 0; at < batches.length; at += LENGTH_END + batches.readInt32BE(at + 8)) {
    batches.writeBigInt64BE(batches.readBigInt64BE(at) + base, at)
  }
  // The broker makes indexes and snapshots anew.
  for (const name of names.filter(each => /^\d{20}\./.test(each))) {
    fs.rmSync(path.join(directory, name))
  }
  fs.writeFileSync(path.join(directory, `${String(base).padStart(20, '0')}.log`), batches)
  const epochs = path.join(directory, 'leader-epoch-checkpoint')
  fs.writeFileSync(epochs, `0\n1\n0 ${base}\n`)
}

/** Of a record batch, the bytes of its base offset and its length. */
const LENGTH_END = 12

beforeAll(async () => {
  cluster = await lendCluster()
  const { brokers } = cluster
  for (const [name] of BASES) {
    topics[name] = await createTopic({ brokers })
    for (let i = 0; i < COUNT; i += 5) {
      const messages = [0, 1, 2, 3, 4].map(j => ({ value: String(i + j) }))
      await produce(topics[name], messages, { brokers })
    }
  }
  await cluster.nodes[0].stop()
  for (const [name, base] of BASES) moveLog(logOf(topics[name]), base)
  await cluster.nodes[0].restart()
})

afterAll(async () => {
  await cluster?.stop()
})

describe.each(BASES)('offsets %s', (name, base) => {
  const kafka = () => createKafka({ brokers: cluster.brokers })
  const offsets = (from = 0, to = COUNT) =>
    Array.from({ length: to - from }, (_, i) => String(base + BigInt(from + i)))

  /** Offsets as a handler gets them. */
  const start = async (options = {}) => {
    const seen = /** @type {string[]} */ ([])
    const consumer = await startConsumer({
      topics: [topics[name]],
      kafka: kafka(),
      handle: ({ message }) => seen.push(message.offset),
      ...options
    })
    return { ...consumer, offsets: seen }
  }

  it('are handled and committed to the last digit, and a group goes on behind them', async () => {
    const topic = topics[name]
    const end = { 0: String(base + BigInt(COUNT)) }
    expect(await logEnd(topic, cluster.brokers)).toEqual(end)
    const first = await start()
    await waitFor(() => first.offsets.length >= COUNT)
    await first.consumer.disconnect()
    expect(first.offsets).toEqual(offsets())
    expect(await committed(first.groupId, topic, cluster.brokers)).toEqual(end)

    const second = await start({ groupId: first.groupId, run: { autoCommit: false } })
    const [third] = offsets(3)
    await second.consumer.commitOffsets([{ topic, partition: 0, offset: third }])
    await second.consumer.disconnect()
    expect(second.offsets).toEqual([])
    expect(await committed(first.groupId, topic, cluster.brokers)).toEqual({ 0: third })

    const last = await start({ groupId: first.groupId })
    await waitFor(() => last.offsets.length >= COUNT - 3)
    expect(last.offsets).toEqual(offsets(3))
  })

  it('can be sought', async () => {
    const test = await start()
    await waitFor(() => test.offsets.length >= COUNT)
    test.consumer.seek({ topic: topics[name], partition: 0, offset: offsets(7)[0] })
    await waitFor(() => test.offsets.length >= 2 * COUNT - 7)
    expect(test.offsets.slice(COUNT)).toEqual(offsets(7))
  })

  it('are those of a batch, and can be resolved in it', async () => {
    const batches = /** @type {any[]} */ ([])
    const { consumer, groupId } = await start({
      run: {
        eachMessage: undefined,
        eachBatchAutoResolve: false,
        eachBatch: async ({ batch, resolveOffset, uncommittedOffsets, pause }) => {
          resolveOffset(batch.firstOffset())
          batches.push({
            messages: batch.messages.map(({ offset }) => offset),
            first: batch.firstOffset(),
            last: batch.lastOffset(),
            highWatermark: batch.highWatermark,
            lag: BigInt(batch.offsetLag()) + BigInt(batch.lastOffset()) + 1n,
            uncommitted: uncommittedOffsets().topics[0].partitions[0].offset
          })
          pause()
        }
      }
    })
    await waitFor(() => batches.length > 0)
    await consumer.disconnect()
    const [batch] = batches
    expect(batch.messages).toEqual(offsets(0, batch.messages.length))
    expect(batch).toMatchObject({
      first: String(base),
      last: batch.messages.at(-1),
      highWatermark: String(base + BigInt(COUNT)),
      lag: base + BigInt(COUNT),
      uncommitted: String(base + 1n)
    })
    const offset = await committed(groupId, topics[name], cluster.brokers)
    expect(offset).toEqual({ 0: String(base + 1n) })
  })
})
