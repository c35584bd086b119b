// @ts-check
'use strict'

/** `onPartitionsAssigned`, `onPartitionsRevoked`, `onPartitionsLost`: Java's ConsumerRebalanceListener. */

const { committed, createTopic, waitFor } = require('../kafka/helpers')
const { SOON, commitFor, createConsumer, defer, filled } = require('./support')
const { pause, startConsumer, timed, upTo } = require('./support')

/** A consumer with hooks that write down what they hear, in the same list as the handler. */
const start = ({ hooks = {}, ...options }) => {
  const story = /** @type {any[]} */ ([])
  const hook = name => async (partitions, helpers) => {
    story.push([name, ...partitions.flatMap(entry => entry.partitions)])
    await hooks[name]?.(partitions, helpers, running.consumer)
    story.push('ended')
  }
  const consumer = createConsumer({
    ...options,
    onPartitionsAssigned: hook('assigned'),
    onPartitionsRevoked: hook('revoked'),
    ...(hooks.lost && { onPartitionsLost: hook('lost') })
  })
  const running = { consumer, story }
  return running
}

const runOn = async (running, topic, run) => {
  await running.consumer.subscribe({ topics: [topic], fromBeginning: true })
  await running.consumer.run(run)
}

const calls = ({ story }) => story.filter(Array.isArray)

describe('rebalance hooks', () => {
  it('hear of all that comes and goes, one behind the other, and around the messages', async () => {
    const topic = await filled(8, { partitions: 2 })
    const groupId = `${topic}-group`
    const one = start({ groupId, hooks: { assigned: () => pause(300) } })
    await runOn(one, topic, {
      eachMessage: async ({ message: { value } }) => void one.story.push(Number(value))
    })
    await waitFor(() => one.story.length >= 10)
    expect(one.story.slice(0, 2)).toEqual([['assigned', 0, 1], 'ended'])
    expect([...one.story.slice(2)].sort()).toEqual(upTo(8))

    const two = start({ groupId })
    await runOn(two, topic, { eachMessage: async () => {} })
    await waitFor(() => calls(one).length === 3 && calls(two).length === 1)
    expect(one.story.slice(10, 12)).toEqual([['revoked', 0, 1], 'ended'])
    const [, mine] = calls(one)[2]
    expect(calls(two)).toEqual([['assigned', 1 - mine]])

    await two.consumer.disconnect()
    expect(calls(two)).toEqual([
      ['assigned', 1 - mine],
      ['revoked', 1 - mine]
    ])
    expect(two.story.at(-1)).toBe('ended')
  })

  it('seek, and that is where a partition begins, whatever the group has committed', async () => {
    const topic = await filled(10)
    const groupId = `${topic}-group`
    await commitFor(groupId, topic, { 0: 3 })
    const values = /** @type {number[]} */ ([])
    const consumer = createConsumer({
      groupId,
      onPartitionsAssigned: async ([assigned]) => {
        await pause(200)
        const [partition] = assigned.partitions
        consumer.seek({ topic: assigned.topic, partition, offset: '7' })
        await pause(200)
      }
    })
    await runOn({ consumer }, topic, {
      eachMessage: async ({ message: { value } }) => void values.push(Number(value))
    })
    await waitFor(() => values.length >= 3)
    expect(values).toEqual([7, 8, 9])
  })

  it('pause, and nothing comes before the end of that', async () => {
    const topic = await filled(3)
    const values = /** @type {number[]} */ ([])
    const consumer = createConsumer({
      onPartitionsAssigned: partitions => consumer.pause(partitions)
    })
    await runOn({ consumer }, topic, {
      eachMessage: async ({ message: { value } }) => void values.push(Number(value))
    })
    await waitFor(() => consumer.paused().length === 1)
    await pause(500)
    expect(values).toEqual([])
    consumer.resume([{ topic }])
    await waitFor(() => values.length === 3)
  })

  it('commit what handlers have finished, before the partitions go', async () => {
    const topic = await filled(5)
    const groupId = `${topic}-group`
    const values = /** @type {number[]} */ ([])
    const consumer = createConsumer({
      groupId,
      onPartitionsRevoked: async (_, { uncommittedOffsets }) => {
        const [{ partitions }] = uncommittedOffsets().topics
        await consumer.commitOffsets(
          partitions.map(({ partition, offset }) => ({
            topic,
            partition: Number(partition),
            offset
          }))
        )
      }
    })
    await runOn({ consumer }, topic, {
      autoCommit: false,
      eachMessage: async ({ message: { value } }) => void values.push(Number(value))
    })
    await waitFor(() => values.length === 5)
    await consumer.disconnect()
    expect(await committed(groupId, topic)).toEqual({ 0: '5' })
  })

  it('hear of a loss, when a handler hangs, and of what comes when it goes on', async () => {
    const topic = await filled(1)
    const stuck = defer()
    const one = start({ maxPollInterval: 1000, hooks: { lost: () => {} } })
    await runOn(one, topic, { eachMessage: () => stuck.promise })
    await waitFor(() => calls(one).length === 2)
    expect(calls(one)).toEqual([
      ['assigned', 0],
      ['lost', 0]
    ])
    stuck.resolve()
    await waitFor(() => calls(one).length === 3)
    expect(calls(one)[2]).toEqual(['assigned', 0])
  })

  it('that throw are a crash, and the consumer begins anew', async () => {
    const topic = await filled(2)
    const failure = new Error('no database')
    let tries = 0
    const { consumer, messages, seen } = await startConsumer({
      topics: [topic],
      onPartitionsAssigned: async () => {
        tries += 1
        if (tries === 1) throw failure
      }
    })
    await waitFor(() => messages.length === 2)
    expect(seen.of('CRASH')).toEqual([
      expect.objectContaining({
        restart: true,
        error: expect.objectContaining({ message: 'no database', cause: failure })
      })
    ])
    await consumer.disconnect()
  })

  it('that never end are a crash for good, which names them', async () => {
    const topic = await filled(2)
    const { messages, seen } = await startConsumer({
      topics: [topic],
      rebalanceTimeout: 1000,
      onPartitionsAssigned: () => new Promise(() => {})
    })
    await waitFor(() => seen.of('CRASH').length === 1)
    const [{ error, restart }] = seen.of('CRASH')
    expect(restart).toBe(false)
    expect(error.message).toBe(
      'onPartitionsAssigned has not ended within rebalanceTimeout (1000 ms)'
    )
    expect(messages).toEqual([])
  })

  it.each(['stop', 'disconnect'])('may call %s()', async end => {
    const topic = await createTopic()
    for (const name of ['assigned', 'revoked']) {
      const one = start({
        hooks: { [name]: (_partitions, _helpers, consumer) => consumer[end]() }
      })
      const took = await timed(async () => {
        await runOn(one, topic, { eachMessage: async () => {} }).catch(() => {})
        await waitFor(() => calls(one).length >= 1)
        await one.consumer[end]()
      })
      expect(calls(one)).toEqual([
        ['assigned', 0],
        ['revoked', 0]
      ])
      expect(took).toBeLessThan(SOON)
    }
  })
})
