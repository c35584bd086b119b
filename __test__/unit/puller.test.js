// @ts-check
'use strict'

/** How messages are asked for, on an engine that hands out one at a time. */

const { createCells } = require('../../src/consumer/cells')
const { Puller } = require('../../src/consumer/puller')
const { Turn } = require('../../src/consumer/turn')

/** @param {Record<number, number[]>} messages offsets by partition */
const runnerOf = messages => {
  const queue = Object.entries(messages).flatMap(([partition, offsets]) =>
    offsets.map(offset => ({ slot: Number(partition), offset }))
  )
  const paused = new Set()
  const lanes = new Map()
  const runner = {
    cells: createCells(16),
    deserialization: null,
    state: 'running',
    autoCommit: false,
    batchEvents: { started: () => 1, ended() {} },
    turn: new Turn(() => {}),
    engine: {
      pause: (_, [partition]) => paused.add(partition),
      resume: (_, [partition]) => paused.delete(partition)
    },
    deliveries: {
      slot: partition => ({ topic: 't', partition }),
      leave: ({ number }) => runner.deliveries.finish(number, 0, true),
      finish: (number, _, isLeft = false) => {
        if (isLeft) queue.unshift(lanes.get(number))
        lanes.delete(number)
      },
      resolveTo() {}
    },
    take: number => {
      const isBusy = slot => [...lanes.values()].some(entry => entry.slot === slot)
      const at = queue.findIndex(({ slot }) => !paused.has(slot) && !isBusy(slot))
      if (at === -1) return null
      const [entry] = queue.splice(at, 1)
      lanes.set(number, entry)
      const { slot, offset } = entry
      return {
        slot,
        first: 0,
        count: 1,
        nextOffset: BigInt(offset + 1),
        offsetDelta: () => 0,
        message: (_, topic, partition) => ({ offset: String(offset), topic, partition })
      }
    }
  }
  return { runner, paused, lanes, queue }
}

const only = wanted => (_, partition) => partition === wanted

it('finds what is asked for behind more partitions than there are lanes, and hands out the rest later', async () => {
  const partitions = Array.from({ length: 40 }, (_, partition) => partition)
  const { runner, paused, lanes } = runnerOf(Object.fromEntries(partitions.map(n => [n, [0, 1]])))
  const puller = new Puller()
  puller.attach(/** @type {any} */ (runner))
  for (const partition of [39, 20, 39, 20]) {
    const message = await puller.getOne({ timeout: 0, wanted: only(partition) })
    expect(message).toMatchObject({ partition })
  }
  expect(await puller.getOne({ timeout: 0, wanted: only(39) })).toBe(null)
  expect(lanes.size).toBe(0)
  const seen = new Map()
  for (;;) {
    const batches = await puller.getMany({ timeout: 0 })
    if (batches.length === 0) break
    for (const { partition, messages } of batches) {
      const offsets = messages.map(({ offset }) => Number(offset))
      seen.set(partition, [...(seen.get(partition) ?? []), ...offsets])
    }
  }
  expect(paused.size).toBe(0)
  const rest = partitions.filter(n => n !== 39 && n !== 20)
  expect([...seen.keys()].sort((a, b) => a - b)).toEqual(rest)
  for (const n of rest) expect(seen.get(n)).toEqual([0, 1])
})

it('asks for nothing while it waits, and once when it is woken', async () => {
  const { runner, queue } = runnerOf({})
  const take = jest.spyOn(runner, 'take')
  const puller = new Puller()
  puller.attach(/** @type {any} */ (runner))
  const next = puller.getOne()
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  const asked = take.mock.calls.length
  expect(asked).toBe(1)
  queue.push({ slot: 7, offset: 3 })
  puller.wakeOnce()
  expect(await next).toMatchObject({ partition: 7, offset: '3' })
  expect(take.mock.calls.length - asked).toBe(1)
})

it('looks once in a turn of the event loop, however often it is woken in it', async () => {
  const { runner, queue } = runnerOf({})
  const puller = new Puller()
  puller.attach(/** @type {any} */ (runner))
  const next = puller.getOne()
  await new Promise(setImmediate)
  let hasTurned = false
  setImmediate(() => {
    hasTurned = true
  })
  puller.wakeOnce()
  queue.push({ slot: 7, offset: 3 })
  puller.wakeOnce()
  expect(await next).toMatchObject({ offset: '3' })
  expect(hasTurned).toBe(true)
})
