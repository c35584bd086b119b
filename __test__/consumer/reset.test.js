// @ts-check
'use strict'

/** `autoOffsetReset`: where a partition begins of which nothing is committed, and where it goes on when its position is lost. */

const { createTopic, produce } = require('../kafka/helpers')
const { createConsumer, createKafka, filled, flat, pause, rejection } = require('./support')
const { together, upTo, waitFor } = require('./support')

const HOUR = 3_600_000

/** Five messages that are two hours old, and five new ones. */
const aged = async () => {
  const topic = await createTopic()
  const at = ms => ({ timestamp: String(Date.now() - ms) })
  const values = upTo(10).map(i => ({ value: String(i), ...at(i < 5 ? 2 * HOUR : 0) }))
  await produce(topic, values)
  return topic
}

/** What is read of such a topic, and of what is written to it afterwards. @param {any} reset @param {any} [subscription] */
const firstOf = async (reset, subscription = {}) => {
  const topic = await aged()
  const { first } = await start(topic, reset, subscription)
  return first()
}

/** @param {string} topic @param {any} reset @param {any} [subscription] @returns {Promise<any>} */
const start = async (topic, reset, subscription = {}) => {
  const groupId = `${topic}-group`
  const consumer = createConsumer({ groupId, autoOffsetReset: reset, maxWaitTimeInMs: 100 })
  const offsets = /** @type {number[]} */ ([])
  await consumer.subscribe({ topics: [topic], ...subscription })
  await consumer.run({ eachMessage: async payload => void offsets.push(flat(payload).offset) })
  const first = async () => {
    // The position has to be known before more is written, or "latest" lies behind it.
    await waitFor(() => /** @type {any} */ (consumer).lag()[0]?.position != null)
    await produce(topic, [{ value: 'more' }])
    await waitFor(() => offsets.includes(10))
    return offsets[0]
  }
  return { consumer, offsets, first }
}

/** Where the same consumer goes on behind a position that is not in the log. @param {any} reset */
const behindLost = async reset => {
  const topic = await aged()
  const { consumer, offsets } = await start(topic, reset)
  await waitFor(() => /** @type {any} */ (consumer).lag()[0]?.position != null)
  await pause(300)
  offsets.length = 0
  consumer.seek({ topic, partition: 0, offset: '1000' })
  await waitFor(() => /** @type {any} */ (consumer).lag()[0].position !== '1000')
  await produce(topic, [{ value: 'more' }])
  await waitFor(() => offsets.includes(10))
  return offsets[0]
}

together({
  'earliest: the first message': async () => {
    expect(await firstOf('earliest')).toBe(0)
    expect(await firstOf('earliest', { fromBeginning: true })).toBe(0)
  },
  'latest: behind the last message': async () => {
    expect(await firstOf('latest')).toBe(10)
  },
  'a duration: the first message that is not older': async () => {
    expect(await firstOf({ duration: HOUR })).toBe(5)
  },
  'a duration in which there is nothing: behind the last message': async () => {
    const topic = await createTopic()
    const timestamp = String(Date.now() - 2 * HOUR)
    await produce(
      topic,
      upTo(10).map(i => ({ value: String(i), timestamp }))
    )
    const { first } = await start(topic, { duration: HOUR })
    expect(await first()).toBe(10)
  },
  'none: fromBeginning says where to begin': async () => {
    expect(await firstOf('none', { fromBeginning: true })).toBe(0)
    expect(await firstOf('none')).toBe(10)
  },
  'what the group has committed counts before all of them': async () => {
    const topic = await aged()
    const before = await start(topic, 'earliest')
    await waitFor(() => before.offsets.length === 10)
    await before.consumer.disconnect()
    for (const reset of ['earliest', { duration: 3 * HOUR }]) {
      const { consumer, offsets } = await start(topic, reset)
      await waitFor(() => /** @type {any} */ (consumer).lag()[0]?.position === '10')
      await pause(300)
      expect(offsets).toEqual([])
      await consumer.disconnect()
    }
  },
  'a lost position: the same again': async () => {
    const places = ['earliest', 'latest', { duration: HOUR }]
    expect(await Promise.all(places.map(behindLost))).toEqual([0, 10, 5])
  },
  'a lost position with none is a crash': async () => {
    const topic = await aged()
    const { consumer } = await start(topic, 'none')
    const crashes = /** @type {any[]} */ ([])
    consumer.on(consumer.events.CRASH, ({ payload }) => crashes.push(payload))
    await waitFor(() => /** @type {any} */ (consumer).lag()[0]?.position != null)
    consumer.seek({ topic, partition: 0, offset: '1000' })
    await waitFor(() => crashes.length > 0)
    expect(crashes[0].error.name).toBe('KafkaJSOffsetOutOfRange')
  },
  'assign() without an offset, without a group and with one': async () => {
    for (const [reset, first] of /** @type {[any, number][]} */ ([
      ['earliest', 0],
      [{ duration: HOUR }, 5],
      ['latest', 10]
    ])) {
      const topic = await aged()
      for (const groupId of [null, `${topic}-group`]) {
        const consumer = /** @type {any} */ (createKafka()).consumer({
          groupId,
          autoOffsetReset: reset
        })
        await consumer.assign([{ topic, partition: 0 }])
        const next = consumer.getOne()
        await waitFor(() => consumer.lag()[0]?.position != null)
        if (first === 10) await produce(topic, [{ value: 'more' }])
        const { offset } = await next
        expect([reset, groupId === null, Number(offset)]).toEqual([
          reset,
          groupId === null,
          first === 10 && groupId !== null ? 11 : first
        ])
        await consumer.disconnect()
      }
    }
  }
})

it('refuses what is none of them, and a fromBeginning that says something else', async () => {
  const consumer = reset => () => createConsumer({ autoOffsetReset: reset })
  for (const reset of [
    'first',
    {},
    { duration: '1h' },
    { duration: -1 },
    { duration: 1, x: 2 },
    5
  ]) {
    expect(consumer(reset)).toThrow(
      /^Consumer autoOffsetReset must be "earliest", "latest", "none", /
    )
  }
  const topic = await filled(1)
  for (const [reset, fromBeginning] of [
    ['earliest', false],
    ['latest', true],
    [{ duration: 5 }, true],
    [{ duration: 5 }, false]
  ]) {
    const { message } = await rejection(
      createConsumer({ autoOffsetReset: reset }).subscribe({
        topics: [topic],
        fromBeginning: /** @type {boolean} */ (fromBeginning)
      })
    )
    expect(message).toMatch(`fromBeginning: ${fromBeginning} of consumer.subscribe() contradicts`)
  }
  await createConsumer({ autoOffsetReset: 'none' }).subscribe({
    topics: [topic],
    fromBeginning: true
  })
})
