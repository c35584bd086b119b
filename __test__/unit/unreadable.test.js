'use strict'

/** What becomes of a partition while its batch that cannot be read is on its way to the dead-letter topic. */

const { Unreadable } = require('../../src/consumer/onFailure/unreadable')
const { createDeferred, createFailure, createLogger } = require('./support')

const setUp = () => {
  const sent = createDeferred()
  const unreadable = new Unreadable({
    deadLetterTopic: 'dead',
    groupId: 'g',
    outbox: /** @type {any} */ ({ send: () => sent.promise }),
    logger: createLogger().root,
    retry: {},
    isOurs: () => true,
    seek: jest.fn(),
    crash: jest.fn()
  })
  const error = createFailure('corrupt', { topic: 't', partition: 0, offset: '5' })
  const done = unreadable.setAside({
    error: /** @type {any} */ (error),
    bytes: Buffer.alloc(1),
    next: '9'
  })
  return { unreadable, sent, done }
}

it('it goes on behind the batch', async () => {
  const { unreadable, sent, done } = setUp()
  sent.resolve()
  await done
  expect(unreadable.seek).toHaveBeenCalledWith({ topic: 't', partition: 0, offset: '9' })
})

it('it goes on where the program has sought meanwhile', async () => {
  const { unreadable, sent, done } = setUp()
  unreadable.sought({ topic: 't', partition: 1 })
  unreadable.sought({ topic: 't', partition: 0 })
  sent.resolve()
  await done
  expect(unreadable.seek).not.toHaveBeenCalled()
})

it('that the batch is too large is no crash of a consumer that does not wait for it', async () => {
  const { unreadable, sent, done } = setUp()
  unreadable.sought({ topic: 't', partition: 0 })
  sent.reject(Object.assign(new Error('too large'), { retriable: false }))
  await done
  expect(unreadable.crash).not.toHaveBeenCalled()
})
