// @ts-check
'use strict'

const { complaintsOf, judge, measure } = require('../groups/ledger')
const { goalsOf, rowOf } = require('../groups/report')

/**
 * A member by what it tells: `+0` and `-0` partition 0 is assigned and revoked, `0:5` its message 5 is handled, `0:5~9` for 9 ms;
 * each with its time before it.
 *
 * @param {string} process
 * @param {string} told
 * @param {object} [options]
 */
const member = (process, told, options) => ({
  process,
  member: process,
  killed: false,
  ...options,
  events: told.split(', ').map(line => {
    const [time, what] = line.split(' ')
    const timestamp = Number(time)
    if (/[+-]/.test(what)) {
      const name = what.startsWith('+') ? 'partitions_assigned' : 'partitions_revoked'
      return { timestamp, name, partitions: [{ partition: Number(what.slice(1)) }] }
    }
    const [partition, offset, took] = what.split(/[:~]/).map(Number)
    const began = timestamp - (took || 0)
    return { timestamp, name: 'record_data', partition, offset, began }
  })
})

/** @param {string} acknowledged `0:5` at a time */
const written = acknowledged =>
  acknowledged.split(', ').map(line => {
    const [time, partition, offset] = line.split(/[ :]/).map(Number)
    return { time, partition, offset }
  })

const fine = { lost: [], duplicates: [], disorder: [], overlaps: [], repeated: 0 }

describe('the judge of a group', () => {
  test('finds nothing where one goes on behind the other', () => {
    const a = member('a', '1 +0, 2 0:0, 3 0:1~1, 4 -0, 9 +0, 10 0:3')
    const b = member('b', '4 +0, 5 0:2, 6 -0')
    expect(judge([b, a], written('1 0:0, 2 0:1, 4 0:2, 8 0:3'))).toEqual(fine)
    expect(complaintsOf(fine)).toEqual([])
  })

  test('finds what is lost', () => {
    const faults = judge([member('a', '1 +0, 2 0:0')], written('1 0:0, 2 0:1, 3 1:0'))
    expect(faults).toEqual({ ...fine, lost: ['0:1', '1:0'] })
    expect(complaintsOf(faults)).toEqual(['lost (2): 0:1; 1:0'])
  })

  test('finds duplicates, which only the killed may leave', () => {
    const b = member('b', '4 +0, 5 0:0')
    const a = (/** @type {object} */ options) => member('a', '1 +0, 2 0:0', options)
    expect(judge([a({ killed: true }), b], [])).toEqual({ ...fine, repeated: 1 })
    expect(judge([a({}), b], [])).toEqual({ ...fine, duplicates: ['0:0 by a and b'] })
    expect(judge([member('a', '1 +0, 2 0:0, 3 0:0')], []).duplicates).toEqual(['0:0 by a and a'])
  })

  test('finds disorder', () => {
    expect(judge([member('a', '1 +0, 2 0:0, 3 0:2, 4 0:1')], []).disorder).toEqual([
      '0:1 by a behind 2'
    ])
  })

  test('finds two owners at once: a handler that is not over, and a member that goes on', () => {
    const b = member('b', '4 +0, 7 0:2~2')
    expect(judge([member('a', '1 +0, 6 0:1~3'), b], []).overlaps).toEqual([
      '0: a, assignment 1 until 6, b, assignment 1 from 5'
    ])
    expect(judge([member('a', '1 +0, 3 0:1, 9 0:3'), b], []).overlaps).toHaveLength(1)
    expect(judge([member('a', '1 +0, 5 0:1'), b], []).overlaps).toEqual([])
  })
})

describe('the measure of a group', () => {
  const window = { from: 10, to: 100 }

  test('tells what was kept from what has moved', () => {
    const a = member('a', '1 +0, 1 +1, 8 0:0, 9 1:0, 12 -1, 20 0:1, 50 0:2')
    const b = member('b', '40 +1, 45 1:1, 50 1:2')
    const stream = written('7 0:0, 8 1:0, 19 0:1, 44 1:1, 45 0:2, 110 1:2')
    expect(measure([a, b], stream, window)).toEqual({
      moves: 1,
      kept: 30,
      moved: 36,
      stable: 35,
      producer: 36
    })
    expect(measure([a, b], stream, { ...window, except: [0] }).kept).toBe(5)
  })

  test('counts a partition from the beginning that nobody had, and no move', () => {
    const figures = measure([member('a', '30 +2, 33 2:0')], [], window)
    expect(figures).toMatchObject({ moves: 0, kept: 0, moved: 23, stable: 23 })
  })

  test('does not count a static member as another when it comes back', () => {
    const first = member('a', '1 +0, 9 0:0', { killed: true })
    const again = { ...member('b', '60 +0, 62 0:1'), member: 'a' }
    expect(measure([first, again], [], window)).toMatchObject({ moves: 0, kept: 0, moved: 53 })
  })
})

test('goals stand beside what they are held against', () => {
  /** @type {import('../groups/report').Trial} */
  const trial = {
    client: 'kafkars',
    protocol: 'cooperative',
    scenario: 'join',
    partitions: 24,
    possible: 24,
    least: 6,
    session: 10_000,
    figures: { moves: 6, kept: 150, moved: 501, stable: 600, producer: 60 },
    faults: fine
  }
  expect(goalsOf(trial)).toEqual([
    { figure: 'moves', most: 6 },
    { figure: 'kept', most: 160 },
    { figure: 'moved', most: 500 }
  ])
  expect(rowOf(trial).at(-1)).toBe('moves ≤ 6 ✓, kept ≤ 160 ✓, moved ≤ 500 ✗')
})
