// @ts-check
'use strict'

const { Positions } = require('../../src/consumer/positions')

/** Where a partition begins that is sought by time, and whose log is asked by `listOffsets`. @param {any} client @param {Date} time */
const beginningOf = (client, time) => {
  const { signal } = new AbortController()
  const cluster = /** @type {any} */ ({
    untilDisconnected: work => work(signal),
    connected: async () => client
  })
  const positions = new Positions({
    cluster,
    lifecycle: /** @type {any} */ ({}),
    groupId: 'g',
    readUncommitted: false,
    retry: { retries: 0 }
  })
  return positions.resolve({ topic: 't', partition: 0 }, time)
}

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
