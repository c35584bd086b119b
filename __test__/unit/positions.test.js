// @ts-check
'use strict'

const { Positions } = require('../../src/consumer/positions')

/** @param {any} client whose `listOffsets` is the log */
const positionsOn = client => {
  const { signal } = new AbortController()
  const cluster = /** @type {any} */ ({
    untilDisconnected: work => work(signal),
    connected: async () => client
  })
  return new Positions({
    cluster,
    lifecycle: /** @type {any} */ ({}),
    groupId: 'g',
    readUncommitted: false,
    retry: { retries: 0 }
  })
}

/** Where a partition begins that is sought by time. @param {any} client @param {Date} time */
const beginningOf = (client, time) =>
  positionsOn(client).resolve({ topic: 't', partition: 0 }, time)

const at = offset => [{ topic: 't', partition: 0, offset: String(offset) }]

it('a time is the first offset that is not older', async () => {
  const client = { listOffsets: async (_, timestamp) => at(timestamp === '1000' ? 3 : 7) }
  expect(await beginningOf(client, new Date(1000))).toBe('3')
})

it('a time behind which nothing is written is the end as it is now, whenever reading begins', async () => {
  let end = 7
  const client = {
    listOffsets: async (_, timestamp) => {
      const offset = timestamp === '-1' ? end : end > 7 ? 7 : -1
      // The next message, which is not older.
      end = 8
      return at(offset)
    }
  }
  expect(await beginningOf(client, new Date(1000))).toBe('7')
  const idle = { listOffsets: async (_, timestamp) => at(timestamp === '-1' ? 7 : -1) }
  expect(await beginningOf(idle, new Date(1000))).toBe('7')
})

it('a time before 1970 is none of those numbers that mean a place: no message is older', async () => {
  const client = { listOffsets: async (_, timestamp) => at({ '-1': 7, 0: 2 }[timestamp]) }
  for (const ms of [-1, -2, -3, -86_400_000]) {
    expect(await beginningOf(client, new Date(ms))).toBe('2')
  }
})

describe('offsetsForTimes()', () => {
  const where = { topic: 't', partition: 0 }

  it.each([-1, -2, '-3', -86_400_000])(
    'refuses %p, which is a place or nothing',
    async timestamp => {
      const asked = positionsOn({}).offsetsForTimes([{ ...where, timestamp }])
      await expect(asked).rejects.toThrow(/Invalid time, .*not negative.*endOffsets\(\)/)
    }
  )

  it.each([null, undefined, '', ' ', true, [], {}, NaN, 1.5, 'x', Symbol('5')])(
    'refuses %p, which is no time',
    async timestamp => {
      const client = { listOffsets: async () => at(3) }
      const asked = positionsOn(client).offsetsForTimes([{ ...where, timestamp }])
      await expect(asked).rejects.toThrow('Invalid time, expected a Date or milliseconds, received')
    }
  )

  it.each([5, '5', 5n])('takes %p', async timestamp => {
    const client = { listOffsets: async (_, time) => at(time === '5' ? 3 : 7) }
    const [found] = await positionsOn(client).offsetsForTimes([{ ...where, timestamp }])
    expect(found.offset).toBe('3')
  })

  it('asks once for a partition that is named twice, which no broker answers', async () => {
    const asked = []
    const client = {
      listOffsets: async (topics, timestamp) => {
        asked.push([timestamp, topics])
        return at(3)
      }
    }
    const times = [
      { ...where, timestamp: 5 },
      { ...where, timestamp: 5 }
    ]
    const found = { ...where, offset: '3' }
    expect(await positionsOn(client).offsetsForTimes(times)).toEqual([found, found])
    expect(asked).toEqual([['5', [{ topic: 't', partitions: [0] }]]])
  })
})
