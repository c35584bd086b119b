// @ts-check
'use strict'

/** How a consumer is, and what is told of one that stands still. */

const { channel, subscribe, unsubscribe } = require('node:diagnostics_channel')
const { createTopic, produce } = require('../kafka/helpers')
const { createConsumer, createKafka, defer, filled, numbered, pause } = require('./support')
const { rejection, upTo, useCluster, waitFor } = require('./support')

/** @param {any} consumer @returns {any} */
const healthOf = consumer => consumer.health()

/** Payloads of an event. @param {any} consumer @param {string} name @returns {any[]} */
const heard = (consumer, name) => {
  const payloads = /** @type {any[]} */ ([])
  consumer.on(consumer.events[name], ({ payload }) => payloads.push(payload))
  return payloads
}

/** @param {any} options of the consumer @returns {Promise<any>} */
const subscribed = async (topic, options = {}) => {
  const consumer = /** @type {any} */ (createConsumer(options))
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  return consumer
}

describe('health()', () => {
  it('tells of a life', async () => {
    const before = Date.now()
    const topic = await filled(20, { partitions: 2 })
    const consumer = await subscribed(topic, { groupId: `${topic}-group` })
    expect(healthOf(consumer)).toEqual({
      state: 'stopped',
      groupId: `${topic}-group`,
      memberId: null,
      generationId: null,
      assignment: [],
      paused: [],
      lastHeartbeat: null,
      lastProgress: null,
      waitsFor: null
    })
    const joined = heard(consumer, 'GROUP_JOIN')
    let count = 0
    const running = consumer.run({ eachMessage: async () => void count++ })
    expect(healthOf(consumer).state).toBe('connecting')
    await running
    await waitFor(() => count === 20 && healthOf(consumer).lastHeartbeat !== null)
    await waitFor(() => healthOf(consumer).waitsFor?.reason === 'messages')
    const { lastHeartbeat, lastProgress, waitsFor, ...rest } = healthOf(consumer)
    expect(rest).toEqual({
      state: 'running',
      groupId: `${topic}-group`,
      memberId: joined[0].memberId,
      generationId: 1,
      assignment: [{ topic, partitions: [0, 1] }],
      paused: []
    })
    for (const time of [lastHeartbeat, lastProgress]) {
      expect(time).toBeGreaterThanOrEqual(before)
      expect(time).toBeLessThanOrEqual(Date.now())
    }
    expect(waitsFor).toMatchObject({ topic, broker: null, error: null })
    consumer.pause([{ topic, partitions: [1] }])
    expect(healthOf(consumer).paused).toEqual([{ topic, partitions: [1] }])
    const stopping = consumer.disconnect()
    expect(healthOf(consumer).state).toBe('stopping')
    await stopping
    expect(healthOf(consumer)).toMatchObject({ state: 'stopped', memberId: null, assignment: [] })
  })

  it('knows the handler that is at work, and since when', async () => {
    const topic = await filled(3)
    const consumer = await subscribed(topic)
    const { promise, resolve } = defer()
    await consumer.run({ eachMessage: () => promise })
    await waitFor(() => healthOf(consumer).waitsFor?.reason === 'handler')
    const { topic: whose, partition, since, message } = healthOf(consumer).waitsFor
    expect({ whose, partition }).toEqual({ whose: topic, partition: 0 })
    expect(message).toBe(`The handler of "${topic}" partition 0 is at work`)
    await pause(300)
    expect(Math.abs(healthOf(consumer).waitsFor.since - since)).toBeLessThan(200)
    resolve()
    await waitFor(() => healthOf(consumer).waitsFor?.reason === 'messages')
  })

  it('tells a crash for good from one behind which it begins again', async () => {
    const topic = await filled(1)
    const crash = async restart => {
      const consumer = await subscribed(topic, {
        retry: { retries: 0, initialRetryTime: 300, restartOnFailure: async () => restart }
      })
      const crashes = heard(consumer, 'CRASH')
      const handle = async () => {
        if (crashes.length === 0) throw new Error('once')
      }
      await consumer.run({ eachMessage: handle })
      await waitFor(() => crashes.length > 0)
      return consumer
    }
    const [ended, again] = await Promise.all([false, true].map(crash))
    expect(healthOf(ended)).toMatchObject({ state: 'crashed', memberId: null, waitsFor: null })
    expect(['restarting', 'connecting', 'joining', 'running']).toContain(healthOf(again).state)
    await waitFor(() => healthOf(again).waitsFor?.reason === 'messages')
    expect(healthOf(again).state).toBe('running')
    await ended.disconnect()
    expect(healthOf(ended).state).toBe('stopped')
  })

  it('works without a group', async () => {
    const topic = await filled(3)
    const consumer = /** @type {any} */ (createKafka()).consumer({})
    await consumer.assign([{ topic, partition: 0, offset: 'earliest' }])
    for (let n = 0; n < 3; n++) await consumer.getOne()
    await consumer.getOne({ timeout: 0 })
    await waitFor(() => healthOf(consumer).waitsFor?.reason === 'messages')
    expect(healthOf(consumer)).toMatchObject({
      state: 'running',
      groupId: null,
      memberId: null,
      generationId: null,
      lastHeartbeat: null,
      assignment: [{ topic, partitions: [0] }]
    })
    await consumer.disconnect()
  })
})

describe('STALLED', () => {
  it('tells of a handler that hangs, once, and again when it has gone on and hangs anew', async () => {
    const topic = await filled(9, { partitions: 3 })
    const consumer = await subscribed(topic, { stalledAfter: 700 })
    const stalls = heard(consumer, 'STALLED')
    let gate = defer()
    const handled = /** @type {string[]} */ ([])
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        if (message.offset === '1') await gate.promise
        handled.push(`${partition}:${message.offset}`)
      }
    })
    // One lane: all partitions wait for the handler of one, whose message before it may have been a look later.
    const stood = () => stalls.flatMap(({ partitions }) => partitions)
    await waitFor(() => stood().length === 3)
    const [stall] = stalls
    expect(stall).toMatchObject({ reason: 'handler', memberId: healthOf(consumer).memberId })
    const { topic: whose, partition, since } = stall.waitsFor
    expect(whose).toBe(topic)
    expect(since).toBeLessThanOrEqual(Date.now() - 600)
    const hangs = stood().find(entry => entry.partition === partition)
    expect(hangs).toMatchObject({ topic, position: '1', highWatermark: '3', lag: '2' })
    const before = stalls.length
    await pause(1500)
    expect(stalls.length).toBe(before)
    // All go on but for the second message of the next partition.
    gate.resolve()
    gate = defer()
    await waitFor(() => stalls.length > before)
    expect(stalls.at(-1).reason).toBe('handler')
    gate.resolve()
    await waitFor(() => handled.length >= 6)
  })

  it('tells of messages that nobody asks for, and not of what is paused', async () => {
    const topic = await filled(8, { partitions: 2 })
    const consumer = await subscribed(topic, { stalledAfter: 600 })
    const stalls = heard(consumer, 'STALLED')
    await consumer.getOne()
    consumer.pause([{ topic, partitions: [1] }])
    await waitFor(() => stalls.length > 0)
    await pause(1000)
    expect(stalls.map(({ reason, partitions }) => [reason, partitions[0].partition])).toEqual([
      ['pull', 0]
    ])
    expect(stalls[0].waitsFor.message).toMatch(/has not asked for the next ones/)
  })

  describe('on a broker that is no coordinator, and dies', () => {
    /** @type {import('../kafka').Cluster} */
    let cluster
    useCluster(
      { coordinators: false, config: { 'offsets.topic.replication.factor': 3 } },
      started => (cluster = started)
    )

    it('tells of a group that never gets its coordinator, and of a broker that does not answer', async () => {
      const { brokers } = cluster
      const topic = await createTopic({ brokers })
      await produce(topic, numbered(5), { brokers })
      const kafka = /** @type {any} */ (createKafka({ brokers }))
      const member = kafka.consumer({ groupId: 'g', stalledAfter: 1000 })
      const loner = kafka.consumer({ stalledAfter: 1000, maxWaitTimeInMs: 100 })
      const [ofMember, ofLoner] = [member, loner].map(consumer => heard(consumer, 'STALLED'))
      await member.subscribe({ topics: [topic], fromBeginning: true })
      const running = rejection(member.run({ eachMessage: async () => {} }))
      await loner.assign([{ topic, partition: 0, offset: 'earliest' }])
      for (let n = 0; n < 5; n++) await loner.getOne()
      await waitFor(() => ofMember.length > 0)
      expect(ofMember[0]).toMatchObject({ reason: 'coordinator', memberId: null, partitions: [] })
      expect(ofMember[0].waitsFor.message).toBe('The coordinator of group "g" is not known')
      expect(healthOf(member)).toMatchObject({
        state: 'joining',
        waitsFor: { reason: 'coordinator' }
      })
      const last = loner.getOne()
      await pause(1500)
      expect(ofLoner).toEqual([])
      await cluster.nodes[0].kill9()
      await waitFor(() => ofLoner.length > 0)
      expect(ofLoner[0]).toMatchObject({
        reason: 'fetch',
        waitsFor: { topic, partition: 0, broker: expect.any(Number), error: expect.any(String) },
        partitions: [{ topic, partition: 0, position: '5', lag: '0' }]
      })
      await Promise.all([member.disconnect(), loner.disconnect(), running])
      expect(await last).toBe(null)
    })
  })
})

describe('LAG', () => {
  it('is what lag() answers, again and again, while somebody listens', async () => {
    const topic = await filled(10)
    const consumer = await subscribed(topic, { lagInterval: 100, groupId: `${topic}-group` })
    const { promise, resolve } = defer()
    await consumer.run({ eachMessage: ({ message }) => message.offset === '3' && promise })
    const told = heard(consumer, 'LAG')
    await waitFor(() => told.at(-1)?.partitions[0]?.lag === '7')
    expect(told.at(-1)).toEqual({ groupId: `${topic}-group`, partitions: consumer.lag() })
    resolve()
    await waitFor(() => told.at(-1).partitions[0].lag === '0')
    expect(told.at(-1).partitions[0]).toMatchObject({ topic, partition: 0, position: '10' })
  })

  it('is off without an interval, and heard on its channel', async () => {
    const topic = await filled(1)
    const onChannel = /** @type {any[]} */ ([])
    const listener = message => onChannel.push(message)
    subscribe('kafkars:consumer.lag', listener)
    try {
      const [off, on] = await Promise.all([
        subscribed(topic, {}),
        subscribed(topic, { lagInterval: 100, groupId: `${topic}-on` })
      ])
      const told = heard(off, 'LAG')
      await Promise.all([off, on].map(consumer => consumer.run({ eachMessage: async () => {} })))
      await waitFor(() => onChannel.length > 3)
      expect(told).toEqual([])
      expect(new Set(onChannel.map(({ groupId }) => groupId))).toEqual(new Set([`${topic}-on`]))
    } finally {
      unsubscribe('kafkars:consumer.lag', listener)
    }
  })
})

it('refuses times that are none', () => {
  const consumer = options => () => createConsumer(options)
  expect(consumer({ stalledAfter: 0 })).toThrow('Consumer stalledAfter (0) must be greater than 0')
  expect(consumer({ lagInterval: -1 })).toThrow('Consumer lagInterval (-1) must be greater than 0')
})

it('leaves nothing on the channels of the process', async () => {
  const topic = await filled(1)
  const scrape = channel('kafkars:consumer.scrape')
  const groups = () => {
    const told = /** @type {string[]} */ ([])
    scrape.publish({ tell: ({ groupId }) => told.push(groupId) })
    return told
  }
  const consumers = await Promise.all(
    upTo(2).map(n => subscribed(topic, { groupId: `${topic}-${n}` }))
  )
  await Promise.all(consumers.map(consumer => consumer.run({ eachMessage: async () => {} })))
  expect(groups().filter(groupId => groupId.startsWith(topic))).toHaveLength(2)
  await Promise.all(consumers.map(consumer => consumer.disconnect()))
  expect(groups().filter(groupId => groupId.startsWith(topic))).toEqual([])
})
