'use strict'

const { retriesOf } = require('../../src/producer/options')

const usual = { idempotent: null, deliveryTimeout: 120_000 }

describe('how often, for how long and at which pace a producer tries', () => {
  test('as kafkajs counts, at the pace of the engine', () => {
    expect(retriesOf({}, usual)).toEqual({ retries: 5, retryTime: 9300, pace: null })
    expect(retriesOf({ retries: 2 }, usual)).toEqual({ retries: 2, retryTime: 900, pace: null })
    expect(retriesOf({ retries: 0 }, usual)).toMatchObject({ retries: 0, retryTime: 0 })
  })

  test('at the pace that is asked for, whichever of its options is given', () => {
    const pace = { first: 300, longest: 30000, multiplier: 2, jitter: 0.2 }
    const paceOf = retry => retriesOf(retry, usual).pace
    expect(paceOf({ initialRetryTime: 10 })).toEqual({ ...pace, first: 10 })
    expect(paceOf({ maxRetryTime: 500 })).toEqual({ ...pace, longest: 500 })
    expect(paceOf({ multiplier: 3 })).toEqual({ ...pace, multiplier: 3 })
    expect(paceOf({ factor: 0 })).toEqual({ ...pace, jitter: 0 })
    expect(paceOf({ factor: undefined })).toBe(null)
  })

  test('not for longer than its waits take, however short chance makes them', () => {
    expect(retriesOf({ initialRetryTime: 100, factor: 0.5, retries: 3 }, usual).retryTime).toBe(350)
    expect(retriesOf({ initialRetryTime: 100, factor: 2, retries: 3 }, usual).retryTime).toBe(0)
  })

  test('within deliveryTimeout, and for ever when it is idempotent', () => {
    expect(retriesOf({}, { idempotent: true, deliveryTimeout: 5000 })).toMatchObject({
      retries: 2 ** 32 - 1,
      retryTime: 5000
    })
    expect(retriesOf({ initialRetryTime: 0, retries: 2 ** 40 }, usual)).toMatchObject({
      retryTime: 0,
      pace: { first: 0 }
    })
  })

  test('without counting its waits one by one, of which there may be any number', () => {
    const month = 30 * 24 * 3600 * 1000
    for (const deliveryTimeout of [Infinity, Number.MAX_SAFE_INTEGER]) {
      const always = { idempotent: true, deliveryTimeout }
      for (const retry of [
        {},
        { maxRetryTime: Infinity },
        { initialRetryTime: 1, multiplier: 1 }
      ]) {
        expect(retriesOf({ factor: 0, ...retry }, always).retryTime).toBe(month)
      }
    }
    const twice = { initialRetryTime: 100, multiplier: 1, factor: 0, retries: 7 }
    expect(retriesOf(twice, usual).retryTime).toBe(700)
  })
})
