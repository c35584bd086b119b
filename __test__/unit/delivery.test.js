'use strict'

/** Messages of a slab that no broker of a test would fill: offsets and times at the ends of 64 bits. */

const { Delivery } = require('../../src/consumer/delivery')
const Batch = require('../../src/consumer/batch')
const { createSlab } = require('./support')

/** A delta that is none: the first of the far timestamps. */
const FIRST_FAR = -(2 ** 31)

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

it('times that wrap around', () => {
  const messages = [0, 5].map((timestamp, offset) => ({ offset, timestamp }))
  const baseTimestamp = MOST - 1n
  const slab = createSlab({ baseOffset: 0n, baseTimestamp, highWatermark: 2n, messages })
  const times = new Delivery(slab, false).messages().map(({ timestamp }) => timestamp)
  expect(times).toEqual([String(MOST - 1n), String(-MOST + 2n)])
})

it('times that are far apart', () => {
  const far = [-1n, 0n, MOST, -MOST - 1n]
  const messages = [0, 0, 1, 5, 2, 3, 1].map((n, offset) => ({
    offset,
    timestamp: n === 5 ? -(2 ** 30) : FIRST_FAR + n
  }))
  messages.push({ offset: 7, timestamp: 2 ** 31 - 1 })
  const slab = createSlab({
    baseOffset: 0n,
    baseTimestamp: 2n ** 40n,
    highWatermark: 8n,
    messages,
    far
  })
  const delivery = new Delivery(slab, false)
  const near = [2n ** 40n - 2n ** 30n, 2n ** 40n + 2n ** 31n - 1n]
  const expected = [far[0], far[0], far[1], near[0], far[2], far[3], far[1], near[1]].map(String)
  expect(delivery.messages().map(({ timestamp }) => timestamp)).toEqual(expected)
  expect(delivery.message(0).timestamp).toBe(expected[0])
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
