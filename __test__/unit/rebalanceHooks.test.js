'use strict'

const { RebalanceHooks, toNativeHooks } = require('../../src/consumer/rebalanceHooks')
const Handlers = require('../../src/consumer/handlers')
const { KafkaJSNonRetriableError, KafkaJSProtocolError } = require('../../src/errors')
const { createErrorFromCode } = require('../../src/protocol/error')
const support = require('./support')

const PARTITIONS = [{ topic: 't', partitions: [0, 1] }]

const setUp = given => {
  const { root, messages } = support.createLogger()
  const engine = { completeHook: jest.fn() }
  const offsets = { topics: [] }
  const handlers = new Handlers(async () => {})
  const hooks = new RebalanceHooks({
    engine,
    given,
    handlers,
    consumerGroup: { inOrder: entries => [...entries].reverse() },
    commits: { uncommittedOffsets: () => offsets },
    groupId: 'g',
    logger: root.namespace('Runner'),
    retry: {}
  })
  const call = (hook, partitions = PARTITIONS) => hooks.call({ job: 7, hook, partitions })
  return { hooks, engine, handlers, offsets, messages, call }
}

it('a hook gets partitions of its own, in the order of the assignment, and is awaited', async () => {
  const { promise, resolve } = support.createDeferred()
  const hook = jest.fn(() => promise)
  const { engine, call, offsets } = setUp({ onPartitionsAssigned: hook })
  const topics = [...PARTITIONS, { topic: 'u', partitions: [3] }]
  const called = call('onPartitionsAssigned', topics)
  expect(hook).toHaveBeenCalledWith([topics[1], topics[0]], {
    uncommittedOffsets: expect.any(Function)
  })
  expect(hook.mock.calls[0][0][1].partitions).not.toBe(PARTITIONS[0].partitions)
  expect(hook.mock.calls[0][1].uncommittedOffsets()).toBe(offsets)
  await null
  expect(engine.completeHook).not.toHaveBeenCalled()
  resolve()
  await called
  expect(engine.completeHook).toHaveBeenCalledWith(7, null)
})

it('without onPartitionsLost a loss is told to onPartitionsRevoked', async () => {
  const revoked = jest.fn()
  await setUp({ onPartitionsRevoked: revoked }).call('onPartitionsLost')
  expect(revoked).toHaveBeenCalledTimes(1)
  const lost = jest.fn()
  await setUp({ onPartitionsRevoked: revoked, onPartitionsLost: lost }).call('onPartitionsLost')
  expect([revoked, lost].map(({ mock }) => mock.calls.length)).toEqual([1, 1])
})

it.each([
  [{}, [false, false, false]],
  [{ onPartitionsAssigned: null }, [false, false, false]],
  [{ onPartitionsAssigned() {} }, [true, false, false]],
  [{ onPartitionsRevoked() {} }, [false, true, true]],
  [{ onPartitionsLost() {} }, [false, false, true]]
])('the engine is told which hooks there are: %p', (given, [assigned, revoked, lost]) => {
  expect(toNativeHooks(given)).toEqual({ assigned, revoked, lost })
})

it('what a hook throws goes to the log by its name, and to the user as what a handler throws', async () => {
  const failure = new Error('no database')
  const given = {
    onPartitionsAssigned: () => {
      throw failure
    }
  }
  const { hooks, engine, call, messages } = setUp(given)
  await call('onPartitionsAssigned')
  expect(engine.completeHook).toHaveBeenCalledWith(7, 'onPartitionsAssigned: no database')
  expect(hooks.error).toMatchObject({
    name: 'KafkaJSNumberOfRetriesExceeded',
    message: 'no database',
    cause: failure,
    retryCount: 0
  })
  expect(messages('ERROR')).toEqual([
    '[Runner] Error when calling onPartitionsAssigned: no database'
  ])
})

it.each([
  [new KafkaJSNonRetriableError('never'), 'KafkaJSNonRetriableError', 'never'],
  [null, 'KafkaJSNonRetriableError', expect.stringContaining('has thrown null')],
  ['text', 'KafkaJSNumberOfRetriesExceeded', 'text']
])('what cannot be tried again, and what is no error: %p', async (thrown, name, message) => {
  const { hooks, call } = setUp({ onPartitionsRevoked: () => Promise.reject(thrown) })
  await call('onPartitionsRevoked')
  expect(hooks.error).toMatchObject({ name, message })
})

it.each([25, 22, 27])('a commit that comes too late (%i) is no fault of the hook', async code => {
  const refused = createErrorFromCode(code)
  expect(refused).toBeInstanceOf(KafkaJSProtocolError)
  const error = new KafkaJSNonRetriableError(refused, { cause: refused })
  const { hooks, engine, call, messages } = setUp({
    onPartitionsRevoked: () => Promise.reject(error)
  })
  await call('onPartitionsRevoked')
  expect([hooks.error, engine.completeHook.mock.calls]).toEqual([null, [[7, null]]])
  expect(messages('WARN')).toHaveLength(1)
})

it('a call from a hook is known to be one', async () => {
  const asked = []
  const { handlers, call } = setUp({
    onPartitionsRevoked: async () => {
      asked.push(handlers.areCalling())
      await null
      asked.push(handlers.areCalling())
    }
  })
  await call('onPartitionsRevoked')
  expect(asked).toEqual([true, true])
  expect(handlers.areCalling()).toBe(false)
})
