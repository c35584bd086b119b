'use strict'

/** Messages of a slab that no broker of a test would fill: offsets and times at the ends of 64 bits. */

const { Delivery } = require('../../src/consumer/delivery')
const Batch = require('../../src/consumer/batch')

const HEADER = 128
const BATCH = 64
const INDEX = 32

/** A slab without keys, values and headers, see `src/engine/records/layout.rs`. */
const createSlab = ({ baseOffset, baseTimestamp = 0n, highWatermark, messages }) => {
  const slab = new Uint8Array(new ArrayBuffer(HEADER + BATCH + INDEX * messages.length))
  const view = new DataView(slab.buffer)
  const int = (at, value) => view.setInt32(at, value, true)
  const long = (at, value) => view.setBigInt64(at, value, true)
  const last = baseOffset + BigInt(messages.at(-1).offset)
  int(0, messages.length)
  int(4, HEADER + BATCH)
  int(24, HEADER)
  int(28, 1)
  const longs = [baseOffset, baseTimestamp, baseOffset, last, last + 1n, highWatermark, baseOffset]
  longs.forEach((value, i) => long(32 + 8 * i, value))
  int(HEADER + 4, messages.length)
  const context = [baseOffset, baseTimestamp, baseTimestamp, -1n]
  context.forEach((value, i) => long(HEADER + 8 + 8 * i, value))
  int(HEADER + 60, 2)
  messages.forEach(({ offset, timestamp = 0 }, i) => {
    const at = HEADER + BATCH + INDEX * i
    ;[0, -1, 0, -1, 0, 0, offset, timestamp].forEach((value, n) => int(at + 4 * n, value))
  })
  return slab
}

const MOST = 2n ** 63n - 1n

it.each([
  ['from 0', 0n],
  ['over a thousand', 998n],
  ['over a million', 999_999n],
  ['up to 2^53', 2n ** 53n - 3n],
  ['over 2^53', 2n ** 53n],
  ['odd, over 2^53', 9007199254740993n],
  ['up to 2^63', MOST - 5n]
])('offsets %s', (_, baseOffset) => {
  const messages = [0, 1, 2, 4].map(offset => ({ offset }))
  const highWatermark = baseOffset + 5n
  const delivery = new Delivery(createSlab({ baseOffset, highWatermark, messages }), false)
  const batch = new Batch('t', 0, delivery)
  const expected = messages.map(({ offset }) => String(baseOffset + BigInt(offset)))
  expect(batch.messages.map(({ offset }) => offset)).toEqual(expected)
  expect(batch.firstOffset()).toBe(expected[0])
  expect(batch.lastOffset()).toBe(expected[3])
  expect([batch.offsetLag(), batch.offsetLagLow()]).toEqual(['0', '4'])
  expect([batch.highWatermark, batch.fetchedOffset]).toEqual([String(highWatermark), expected[0]])
  expect(batch.messages[0].batchContext.firstOffset).toBe(expected[0])
})

it.each([
  ['before 1970', -5n],
  ['none', -1n],
  ['from 0', 0n],
  ['of today', 1_763_700_000_999n],
  ['beyond 2^53', 2n ** 53n],
  ['at the beginning', -MOST],
  ['at the end', MOST - 1_000_000n]
])('times %s', (_, baseTimestamp) => {
  const times = [0, 1, 0, 1_000_000]
  const messages = times.map((timestamp, offset) => ({ offset, timestamp }))
  const slab = createSlab({ baseOffset: 0n, baseTimestamp, highWatermark: 4n, messages })
  const delivery = new Delivery(slab, false)
  expect(delivery.messages().map(({ timestamp }) => timestamp)).toEqual(
    times.map(time => String(baseTimestamp + BigInt(time)))
  )
  expect(delivery.message(0).batchContext.firstTimestamp).toBe(String(baseTimestamp))
})

it('tells when its memory was transferred, and reads nothing of it', () => {
  const slab = createSlab({
    baseOffset: 0n,
    highWatermark: 9n,
    messages: [{ offset: 0 }, { offset: 1 }]
  })
  const delivery = new Delivery(slab, false)
  expect([delivery.message(0).offset, delivery.isGone()]).toEqual(['0', false])
  structuredClone(slab, { transfer: [slab.buffer] })
  expect(delivery.isGone()).toBe(true)
  expect(() => delivery.message(1)).toThrow('detached ArrayBuffer')
})
