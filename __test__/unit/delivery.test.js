'use strict'

/** Messages of a slab that no broker of a test would fill: offsets and times at the ends of 64 bits. */

const { Delivery } = require('../../src/consumer/delivery')
const Batch = require('../../src/consumer/batch')
const { createSlab } = require('./support')

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
