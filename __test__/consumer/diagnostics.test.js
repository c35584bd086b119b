// @ts-check
'use strict'

/** What `node:diagnostics_channel` tells of consumers, without a line in the program that consumes. */

const { channel, tracingChannel } = require('node:diagnostics_channel')
const { waitFor } = require('../kafka/helpers')
const { filled, pause, startConsumer } = require('./support')

/** @type {(() => void)[]} */
const ends = []
afterEach(() => ends.splice(0).forEach(end => end()))

/** @param {string} name @returns {any[]} what is told, of all consumers */
const hear = name => {
  const heard = /** @type {any[]} */ ([])
  const listener = message => void heard.push(message)
  const heardOf = channel(name)
  heardOf.subscribe(listener)
  ends.push(() => heardOf.unsubscribe(listener))
  return heard
}

/** @returns {any[]} [what, context, when] */
const trace = () => {
  const heard = /** @type {any[]} */ ([])
  const traced = tracingChannel('kafkars:consumer.handle')
  const listeners = /** @type {any} */ (
    Object.fromEntries(
      ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map(what => [
        what,
        context => void heard.push([what, context])
      ])
    )
  )
  traced.subscribe(listeners)
  ends.push(() => traced.unsubscribe(listeners))
  return heard
}

describe('diagnostics channels', () => {
  it('tell of each call of a handler, with what it has thrown', async () => {
    const topic = await filled(2)
    const heard = trace()
    let fails = true
    const { groupId, messages } = await startConsumer({
      topics: [topic],
      handle: async ({ message }) => {
        await pause(5)
        if (message.offset === '1' && fails) {
          fails = false
          throw new Error('once')
        }
      }
    })
    await waitFor(() => messages.length === 2)
    await waitFor(() => heard.filter(([what]) => what === 'asyncEnd').length === 3)
    const mine = heard.filter(([, context]) => context.topic === topic)
    expect(mine.map(([what, { message }]) => [what, message.offset])).toEqual([
      ['start', '0'],
      ['end', '0'],
      ['asyncStart', '0'],
      ['asyncEnd', '0'],
      ['start', '1'],
      ['end', '1'],
      ['error', '1'],
      ['asyncStart', '1'],
      ['asyncEnd', '1'],
      ['start', '1'],
      ['end', '1'],
      ['asyncStart', '1'],
      ['asyncEnd', '1']
    ])
    expect(mine[0][1]).toMatchObject({ groupId, topic, partition: 0 })
    // One object for a call: who hears its start may leave something for the end.
    expect(mine[3][1]).toBe(mine[0][1])
    expect(mine[6][1].error.message).toBe('once')
  })

  it('do so for batches', async () => {
    const topic = await filled(3)
    const heard = trace()
    let batches = 0
    await startConsumer({
      topics: [topic],
      run: { eachMessage: undefined, eachBatch: async () => void batches++ }
    })
    await waitFor(() => heard.some(([what]) => what === 'asyncEnd'))
    const [[what, context]] = heard
    expect(what).toBe('start')
    expect(context).toMatchObject({ topic, partition: 0 })
    expect(context.batch.messages).toHaveLength(3)
    expect(context).not.toHaveProperty('message')
    expect(batches).toBe(1)
  })

  it('leave a handler its stop(), which does not wait for it', async () => {
    const topic = await filled(1)
    trace()
    let stopped = false
    await startConsumer({
      topics: [topic],
      handle: async (_, consumer) => {
        await consumer.stop()
        stopped = true
      }
    })
    await waitFor(() => stopped)
  })

  it('tell of every event by its name: commits, rebalances, requests', async () => {
    const topic = await filled(2)
    const commits = hear('kafkars:consumer.commit_offsets')
    const joins = hear('kafkars:consumer.group_join')
    const requests = hear('kafkars:consumer.network.request')
    const { consumer, groupId, messages, seen } = await startConsumer({ topics: [topic] })
    await waitFor(() => messages.length === 2)
    await waitFor(() => commits.length > 0)
    await consumer.disconnect()
    expect(joins).toHaveLength(1)
    expect(joins[0]).toMatchObject({ type: 'consumer.group_join', payload: { groupId } })
    expect(joins[0].payload.memberAssignment).toEqual({ [topic]: [0] })
    expect(commits[0]).toMatchObject({ type: 'consumer.commit_offsets', payload: { groupId } })
    const names = requests.map(({ payload }) => payload.apiName)
    expect(names).toEqual(expect.arrayContaining(['Metadata', 'JoinGroup', 'Fetch']))
    expect(requests[0].type).toBe('consumer.network.request')
    // Listeners hear the same.
    expect(seen.of('COMMIT_OFFSETS')).toEqual(commits.map(({ payload }) => payload))
  })
})
