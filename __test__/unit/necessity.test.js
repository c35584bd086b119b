'use strict'

/** On which the clock goes on when the test says so. */
let time = 1_000_000
jest.spyOn(Date, 'now').mockImplementation(() => time)

const {
  COMMIT_OFFSETS,
  COMMIT_WAIT,
  RESOLVED,
  createCells,
  laneAt
} = require('../../src/consumer/cells')
const { Necessity } = require('../../src/consumer/necessity')

afterAll(() => jest.restoreAllMocks())

const NEVER = 2 ** 31 - 1
const NOTHING = -(2 ** 31)

const createNecessity = rules => {
  const cells = createCells(2)
  const necessity = new Necessity(cells, 2, rules)
  const resolve = (lane, delta) => (cells[laneAt(lane) + RESOLVED] = delta)
  const deny = (wait, offsets) => {
    cells[COMMIT_WAIT] = wait
    cells[COMMIT_OFFSETS] = offsets
    necessity.denied()
  }
  resolve(0, NOTHING)
  resolve(1, NOTHING)
  return { necessity, resolve, deny }
}

test('without an interval and a threshold nothing is ever necessary', () => {
  const { necessity } = createNecessity({ autoCommitInterval: null })
  expect(necessity.mayBe()).toBe(false)
})

test('the engine is asked first, and not again before so many offsets are resolved by all lanes', () => {
  const { necessity, resolve, deny } = createNecessity({ autoCommitThreshold: 10 })
  expect(necessity.mayBe()).toBe(true)
  resolve(0, 5)
  resolve(1, 7)
  deny(NEVER, 3)
  expect(necessity.mayBe()).toBe(false)
  resolve(0, 7)
  expect(necessity.mayBe()).toBe(false)
  resolve(1, 8)
  expect(necessity.mayBe()).toBe(true)
  resolve(0, 4)
  expect(necessity.mayBe()).toBe(false)
})

test('a lane that had nothing resolved may have gone any distance, one that has ended none', () => {
  const { necessity, resolve, deny } = createNecessity({ autoCommitThreshold: 10 })
  resolve(0, 5)
  deny(NEVER, 3)
  resolve(0, NOTHING)
  expect(necessity.mayBe()).toBe(false)
  resolve(1, 1)
  expect(necessity.mayBe()).toBe(true)
})

test('the engine is asked again when something else than a cell has changed', () => {
  const { necessity, deny } = createNecessity({ autoCommitThreshold: 10 })
  deny(NEVER, 3)
  expect(necessity.mayBe()).toBe(false)
  necessity.forget()
  expect(necessity.mayBe()).toBe(true)
})

test('the engine is asked again when the interval is over', () => {
  const { necessity, deny } = createNecessity({ autoCommitInterval: 1000 })
  deny(60_000, NEVER)
  expect(necessity.mayBe()).toBe(false)
  deny(0, NEVER)
  expect(necessity.mayBe()).toBe(true)
})

test.each([
  ['over, the computer may have slept meanwhile', 1000],
  ['nobody knows how far, because the clock was set back', -1]
])('the engine is asked again when the interval is %s', (_, passed) => {
  const { necessity, deny } = createNecessity({ autoCommitInterval: 1000 })
  deny(1000, NEVER)
  time += 999
  expect(necessity.mayBe()).toBe(false)
  time += passed - 999
  expect(necessity.mayBe()).toBe(true)
})
