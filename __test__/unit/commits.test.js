'use strict'

jest.mock('../../src/native', () => ({ NativeSiblings: class {} }))

const { Commits } = require('../../src/consumer/commits')
const { events } = require('../../src/consumer/instrumentationEvents')
const { Necessity } = require('../../src/consumer/necessity')
const { Questions } = require('../../src/consumer/questions')
const { createCells } = require('../../src/consumer/cells')
const InstrumentationEventEmitter = require('../../src/instrumentation/emitter')
const { KafkaJSNonRetriableError } = require('../..')

/** Commits over an engine that gives tickets and answers when the test says so. */
const create = () => {
  let ticket = 0
  const engine = {
    commit: jest.fn((/** @type {any} */ _offsets) => ticket++),
    sendCommits: jest.fn(),
    enableCommitEvents: jest.fn()
  }
  const questions = new Questions()
  const emitter = new InstrumentationEventEmitter()
  const commits = new Commits({
    engine: /** @type {any} */ (engine),
    questions,
    necessity: new Necessity(createCells(1), 1, {}),
    deliveries: /** @type {any} */ ({}),
    consumerGroup: /** @type {any} */ ({ inOrder: topics => [...topics].reverse() }),
    emitter,
    groupId: 'g',
    retry: {}
  })
  /** As the engine: it tells what the coordinator took before it answers. */
  const take = (number, offsets, automatic = false) => {
    const event = { memberId: 'm', generationId: 1, ticket: number, automatic, offsets }
    commits.committed(event, questions.commitOf(number))
  }
  const seen = []
  const listen = () =>
    emitter.addListener(events.COMMIT_OFFSETS, ({ payload }) => seen.push(payload.topics))
  return { engine, questions, commits, take, seen, listen }
}

const at = (topic, partition, offset) => ({ topic, partition, offset, metadata: null })

describe('COMMIT_OFFSETS', () => {
  it('repeats each commit as it was put, whichever of two equal ones ends first', async () => {
    const { questions, commits, take, seen, listen } = create()
    commits.start()
    listen()
    const put = offset => ({ topics: [{ topic: 't', partitions: [{ partition: 0, offset }] }] })
    const ends = [
      commits.commitOffsetsIfNecessary(put('7')),
      commits.commitOffsets([at('t', 0, '7')])
    ]
    for (const ticket of [1, 0]) {
      take(ticket, [at('t', 0, '7')])
      questions.answer(ticket, null)
    }
    await Promise.all(ends)
    const [[ofConsumer], [ofPayload]] = seen
    expect(ofConsumer.partitions[0].offset.toString()).toBe('7')
    expect(typeof ofConsumer.partitions[0].offset).toBe('object')
    expect(ofPayload).toEqual({ topic: 't', partitions: [{ partition: 0, offset: '7' }] })
  })

  it('tells of a commit that is taken in parts as the parts are taken', async () => {
    const { questions, commits, take, seen, listen } = create()
    commits.start()
    listen()
    const offsets = [at('t', 0, '7'), at('u', 0, '8'), at('t', 1, '9')]
    const done = commits.commitOffsets(offsets)
    take(0, [offsets[0], offsets[2]])
    take(0, [offsets[1]])
    questions.answer(0, null)
    await done
    const told = seen.map(topics =>
      topics.map(({ topic, partitions }) => [
        topic,
        partitions.map(p => `${p.partition}:${p.offset}`)
      ])
    )
    expect(told).toEqual([[['t', ['0:7', '1:9']]], [['u', ['0:8']]]])
  })

  it('has the order of the assignment for what the engine has chosen, asked for or not', () => {
    const { commits, take, seen, listen } = create()
    commits.start()
    listen()
    commits.commitOffsetsIfNecessary({})
    for (const ticket of [0, null]) take(ticket, [at('a', 0, '1'), at('b', 0, '2')], true)
    const b = { topic: 'b', partitions: [{ partition: '0', offset: '2' }] }
    expect(seen).toEqual([
      [b, { topic: 'a', partitions: [{ partition: '0', offset: '1' }] }],
      [b, { topic: 'a', partitions: [{ partition: '0', offset: '1' }] }]
    ])
  })

  it('is asked of the engine when somebody listens', () => {
    const { engine, commits, listen } = create()
    commits.start()
    expect(engine.enableCommitEvents).not.toHaveBeenCalled()
    listen()
    expect(engine.enableCommitEvents).toHaveBeenCalled()
  })
})

it('offsets reach the engine as one flat list, in the order in which they were given', async () => {
  const { engine, questions, commits } = create()
  commits.start()
  const done = commits.commitOffsetsIfNecessary({
    topics: [
      { topic: 't', partitions: [{ partition: '1', offset: 5 }, { partition: 0, offset: '6' }] }, // prettier-ignore
      { topic: 'u', partitions: [{ partition: 0, offset: '7', metadata: 'note' }] }
    ]
  })
  expect(engine.commit).toHaveBeenCalledWith([
    { ...at('t', 1, '5'), leaderEpoch: null },
    { ...at('t', 0, '6'), leaderEpoch: null },
    { ...at('u', 0, '7'), metadata: 'note', leaderEpoch: null }
  ])
  questions.answer(0, null)
  await done
})

it('what is committed before the start waits for it, and fails when it never comes', async () => {
  const started = create()
  const done = started.commits.commitOffsets([at('t', 0, '7')])
  expect(started.engine.commit).not.toHaveBeenCalled()
  started.commits.start()
  await null
  await null
  expect(started.engine.commit).toHaveBeenCalledTimes(1)
  started.questions.answer(0, null)
  await done

  const stopped = create()
  const never = stopped.commits.commitOffsets([at('t', 0, '7')])
  stopped.commits.end()
  await expect(never).rejects.toThrow('stopped before it could commit')
  await expect(never).rejects.toBeInstanceOf(KafkaJSNonRetriableError)
})

it('what is committed in one turn of the event loop is sent once, at its end', async () => {
  const { engine, questions, commits } = create()
  commits.start()
  const turn = () => new Promise(resolve => setImmediate(resolve))
  for (const first of [0, 3]) {
    engine.sendCommits.mockClear()
    const ends = [0, 1, 2].map(partition => commits.commitOffsets([at('t', partition, '7')]))
    await Promise.resolve()
    expect(engine.sendCommits).not.toHaveBeenCalled()
    await turn()
    expect(engine.sendCommits).toHaveBeenCalledTimes(1)
    for (const ticket of [0, 1, 2]) questions.answer(first + ticket, null)
    await Promise.all(ends)
  }
})
