// @ts-check
'use strict'

// @ts-expect-error kafkajs has no types for it
const crc32C = require('kafkajs/src/protocol/recordBatch/crc32C')

const { batchesIn, damaged, stale } = require('../chaos/changes')
const { random } = require('../chaos/random')
const { answers } = require('../chaos/streams')

/** A batch of these bytes, checksum included. @param {number} size */
const batch = size => {
  const bytes = Buffer.alloc(61 + size, 3)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes[16] = 2
  bytes.writeUInt32BE(crc32C(bytes.subarray(21)), 17)
  return bytes
}

const answer = () => Buffer.concat([Buffer.alloc(30, 2), batch(40), batch(9), Buffer.alloc(5)])

test('batches are found where they are', () => {
  expect(batchesIn(answer())).toEqual([
    { from: 51, to: 131 },
    { from: 152, to: 201 }
  ])
  expect(batchesIn(Buffer.alloc(200, 2))).toEqual([])
})

test('one bit of one batch is wrong, and nothing else', () => {
  const change = damaged(random(1))
  for (let i = 0; i < 50; i++) {
    const changed = /** @type {Buffer} */ (change(answer(), /** @type {any} */ (null)))
    const different = [...changed].filter((byte, at) => byte !== answer()[at])
    expect(different).toHaveLength(1)
    expect(batchesIn(changed)).toHaveLength(1)
  }
  expect(change(Buffer.alloc(100), /** @type {any} */ (null))).toBeUndefined()
})

test('the first answer is given to the same question again', () => {
  const change = stale()
  const ask = (/** @type {string} */ question, /** @type {number} */ correlationId) => {
    const frame = Buffer.from(question)
    const bytes = Buffer.alloc(12, correlationId)
    return change(bytes, { key: 3, version: 12, correlationId, frame, body: 0 })
  }
  expect(ask('a', 1)).toBeUndefined()
  expect(ask('b', 2)).toBeUndefined()
  expect(ask('a', 3)).toEqual(Buffer.from([1, 1, 1, 1, 0, 0, 0, 3, 1, 1, 1, 1]))
})

test('what kafkajs says it has sent is held against its answer', () => {
  const isWritten = answers()
  const messages = [0, 1, 2, 1].map((partition, id) => ({ id, partition }))
  const parts = (/** @type {[number, number, string?][]} */ ...of) =>
    of.map(([partition, errorCode, baseOffset]) => ({
      topicName: 't',
      partition,
      errorCode,
      baseOffset
    }))
  const ids = (/** @type {import('kafkajs').RecordMetadata[]} */ of) =>
    isWritten(messages, of).map(({ id }) => id)
  expect(ids(parts([0, 0, '0'], [1, 0, '7'], [2, 0, '3']))).toEqual([0, 1, 2, 3])
  // A partition that was forgotten, an error, no offset at all.
  expect(ids(parts([0, 0, '1'], [2, 3, '4']))).toEqual([0])
  expect(ids(parts([0, 0, '-1'], [1, 0]))).toEqual([])
  // The offsets of an earlier answer: partition 1 had two messages at 7.
  expect(ids(parts([1, 0, '8'], [0, 0, '2']))).toEqual([0])
  expect(ids(parts([1, 0, '9']))).toEqual([1, 3])
})
