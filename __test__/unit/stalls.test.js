// @ts-check
'use strict'

/** Which partitions stand still, by what was seen and when. */

const { waitOfAll } = require('../../src/consumer/health')
const { Stalls } = require('../../src/consumer/stalls')

const AFTER = 30_000

/** @param {string | null} reason @param {object} [more] @returns {any} */
const waiting = (reason, more) => (reason === null ? null : { reason, since: null, ...more })

/** @param {number} partition @param {object} [more] @returns {any} */
const at = (partition, { reason = 'handler', ...more } = /** @type {any} */ ({})) => ({
  topic: 't',
  partition,
  position: '5',
  lag: '10',
  isPaused: false,
  wait: waiting(reason),
  ...more
})

/** @param {any[]} partitions @param {object} [more] @returns {any} */
const seen = (partitions, more) => ({ state: 'running', wait: null, partitions, ...more })

/** What is told, looked at every second: by which second, why, of which partitions. */
const told = (/** @type {(second: number) => any} */ snapshotAt, seconds = 100) => {
  const stalls = new Stalls(AFTER)
  return Array.from({ length: seconds }, (_, second) =>
    stalls
      .look(snapshotAt(second), second * 1000)
      .map(({ wait, since, partitions }) => [
        second,
        wait?.reason ?? null,
        partitions.map(({ partition }) => partition),
        since / 1000
      ])
  ).flat()
}

it('tells once of partitions that stand still together, and of others by themselves', () => {
  expect(told(() => seen([at(0), at(1), at(2, { reason: 'fetch' })]))).toEqual([
    [30, 'handler', [0, 1], 0],
    [30, 'fetch', [2], 0]
  ])
})

it('tells again when there was progress in between', () => {
  const steps = second => seen([at(0, { position: String(Math.floor(second / 40)) })])
  expect(told(steps)).toEqual([
    [30, 'handler', [0], 0],
    [70, 'handler', [0], 40]
  ])
  expect(told(second => seen([at(0, { position: String(Math.floor(second / 29)) })]))).toEqual([])
})

it('keeps quiet of what is read, paused, or waits for its time', () => {
  for (const quiet of [{ lag: '0' }, { isPaused: true }, { reason: 'delay' }]) {
    expect(told(() => seen([at(0, quiet)]))).toEqual([])
    // It counts from when that is over.
    expect(told(second => seen([at(0, second < 20 ? quiet : {})]))).toEqual([
      [49, 'handler', [0], 19]
    ])
  }
})

it('takes an end that nobody can know for one that is not reached', () => {
  expect(told(() => seen([at(0, { lag: '0', reason: 'fetch' })]))).toEqual([[30, 'fetch', [0], 0]])
  expect(told(() => seen([at(0, { lag: null, position: null, reason: 'position' })]))).toEqual([
    [30, 'position', [0], 0]
  ])
  expect(told(() => seen([at(0, { lag: '3', reason: null })]))).toEqual([[30, null, [0], 0]])
})

it('tells once of a consumer that gets no assignment, until it has had one', () => {
  const without = seen([], { state: 'joining', wait: waiting('coordinator') })
  expect(told(() => without)).toEqual([[30, 'coordinator', [], 0]])
  const once = second => (second === 40 ? seen([at(0)]) : without)
  expect(told(once)).toEqual([
    [30, 'coordinator', [], 0],
    [71, 'coordinator', [], 41]
  ])
})

it('does not expect anything of a member that stands by, stops or has crashed', () => {
  expect(told(() => seen([]))).toEqual([])
  for (const state of ['stopping', 'crashed', 'stopped', 'connecting']) {
    expect(told(() => seen([at(0)], { state, wait: waiting('handler') }))).toEqual([])
  }
})

describe('what a consumer waits for', () => {
  it('is trouble first, then what lasts longest, and messages when there is nothing else', () => {
    const one = reason => at(0, { wait: waiting(reason) })
    const all = (...partitions) => waitOfAll(seen(partitions))
    expect(all(one('handler'), one('fetch'), one('messages'))).toEqual(waiting('fetch'))
    const since = { since: 5 }
    const older = at(1, { wait: waiting('handler', since) })
    expect(all(one('messages'), at(0, { wait: waiting('handler', { since: 7 }) }), older)).toEqual(
      waiting('handler', since)
    )
    expect(all(one('messages'), one('messages'))).toEqual(waiting('messages'))
    expect(all(one('messages'), one(null))).toBe(null)
    expect(all(at(0, { isPaused: true, wait: waiting('fetch') }), one('messages'))).toEqual(
      waiting('messages')
    )
    expect(all()).toBe(null)
    expect(waitOfAll(seen([one('fetch')], { wait: waiting('session') }))).toEqual(
      waiting('session')
    )
  })
})
