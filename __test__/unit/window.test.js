'use strict'

/** What is finished in any order: what everything is finished before, and what is finished beyond it. */

const { Window } = require('../../src/consumer/window')

/** With messages at these offsets. */
const delivery = (offsets, nextOffset, first = 0) => ({
  first,
  count: offsets.length,
  baseOffset: BigInt(offsets[0]),
  nextOffset: BigInt(nextOffset),
  buffer: { byteLength: 100 },
  offsetDelta: i => offsets[i] - offsets[0]
})

const stand = window => Array.from(window.stand(), Number)

it('goes as far as everything is finished, gaps and control records included', () => {
  const window = new Window(null)
  const entry = window.append(delivery([10, 11, 15, 16], 20))
  expect(stand(window)).toEqual([-1])
  window.finish(entry, 1)
  window.finish(entry, 3)
  expect(stand(window)).toEqual([-1, 11, 12, 16, 20])
  window.finish(entry, 0)
  expect(stand(window)).toEqual([12, 16, 20])
  window.finish(entry, 2)
  window.finish(entry, 2)
  expect(stand(window)).toEqual([20])
  expect(window.isFinished).toBe(true)
  expect(window.bytes).toBe(0)
})

it('lets the memory of a delivery go when all of it is finished, wherever it lies', () => {
  const window = new Window(null)
  const first = window.append(delivery([0, 1], 2))
  const second = window.append(delivery([2, 3], 4))
  window.finish(second, 0)
  window.finish(second, 1)
  expect(second.delivery).toBe(null)
  expect(window.bytes).toBe(100)
  expect(window.span).toBe(4)
  expect(stand(window)).toEqual([-1, 2, 4])
  window.finish(first, 0)
  window.finish(first, 1)
  expect(stand(window)).toEqual([4])
})

it('leaves out what was finished before', () => {
  const window = new Window(BigInt64Array.of(3n, 5n, 6n, 9n, 100n, 200n))
  const first = window.append(delivery([2, 3, 4, 5], 6))
  expect([...first.finished]).toEqual([0, 1, 1, 0])
  const second = window.append(delivery([6, 7, 8], 9))
  expect(second.left).toBe(0)
  window.finish(first, 0)
  expect(stand(window)).toEqual([5, 6, 9])
  window.finish(first, 3)
  expect(stand(window)).toEqual([9])
})

it('begins in the middle of a delivery, and knows offsets that are no safe integers', () => {
  const window = new Window(null)
  const base = 2n ** 60n
  const entry = window.append({
    ...delivery([0, 1, 2], 3, 1),
    baseOffset: base,
    nextOffset: base + 3n
  })
  window.finish(entry, 1)
  expect(window.stand()[0]).toBe(base + 2n)
  expect(window.span).toBe(1)
})
