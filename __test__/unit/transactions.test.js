// @ts-check
'use strict'

/** What a program is told of a transaction that cannot be committed, and what a consumer makes of it when its handler throws that. */

const { Membership } = require('../../src/consumer/membership')
const { Failures } = require('../../src/consumer/failures')
const { Transactions } = require('../../src/producer/transactions')

const TRANSACTION_ABORTABLE = 120
const INVALID_PRODUCER_EPOCH = 47
const PRODUCER_FENCED = 90
const ILLEGAL_GENERATION = 22
const TOPIC_AUTHORIZATION_FAILED = 29

/**
 * @param {any} engine what the native producer answers
 * @param {(sender: any, checked: any) => Promise<any>} [handOver] what becomes of a send
 * @param {any} [cluster]
 */
const createTransactions = (engine, handOver, cluster) => {
  const createSender = () => ({
    isOpen: true,
    open: async () => {},
    flush: async () => {},
    take: () => {},
    close: async () => {},
    send: engine.send,
    engine: { beginTransaction: async () => null, abortTransaction: async () => null, ...engine }
  })
  return new Transactions(
    /** @type {any} */ ({
      cluster: { connect: async () => {}, ...cluster },
      logger: { debug: () => {} },
      transactionalId: 'x',
      createSender,
      look: () => {},
      check: batch => batch,
      handOver
    })
  )
}

/** @param {Parameters<typeof createTransactions>} parts */
const begin = (...parts) => createTransactions(...parts).begin()

/** A promise, and what resolves it. */
const later = () => {
  let resolve = /** @type {(value?: any) => void} */ (() => {})
  const promise = new Promise(take => (resolve = take))
  return { promise, resolve }
}

const record = { topicMessages: [{ topic: 't', messages: [{ value: 'v' }] }] }

/** @param {number} code */
const refusal = code => ({
  trouble: 'doomed',
  failure: { failure: 'protocol', code, message: 'no', topic: null, partition: null }
})

const refused = { type: 'TRANSACTION_ABORTABLE', retriable: false }

/** Does a consumer end whose handler throws this? @param {any} error */
const ends = error => {
  const crash = jest.fn()
  const logger = /** @type {any} */ ({ error: () => {}, warn: () => {} })
  const cells = new Int32Array(1)
  const failures = new Failures({ handler: 'eachBatch', cells, retry: {}, logger, crash })
  const delivery = { isGone: () => false, firstOffset: 0n }
  failures.failed(
    /** @type {any} */ ({ delivery, topic: 't', partition: 0, next: 0, flagsAt: 0 }),
    error
  )
  return crash.mock.calls.length > 0
}

/** @param {Promise<any>} promise */
const rejection = promise =>
  promise.then(
    () => Promise.reject(new Error('It was to reject')),
    error => error
  )

describe('a commit that is refused', () => {
  test.each([
    ['a rebalance', ILLEGAL_GENERATION, false],
    ['what an abort mends', TRANSACTION_ABORTABLE, false],
    ['its time', INVALID_PRODUCER_EPOCH, false],
    ['another producer', PRODUCER_FENCED, true],
    ['what is never allowed', TOPIC_AUTHORIZATION_FAILED, true]
  ])('because of %s', async (_, code, isFinal) => {
    const transaction = await begin({ commitTransaction: async () => refusal(code) })
    const error = await rejection(transaction.commit())
    expect(error.message).toMatch(/can only be aborted/)
    expect(error.cause).toMatchObject({ code })
    expect(error.type).toBe(error.cause.type)
    expect(transaction.isActive()).toBe(true)
    await transaction.abort()
    // The messages are handled again, in another transaction; or the consumer has to end.
    expect(ends(error)).toBe(isFinal)
    expect(ends(error.cause)).toBe(isFinal)
  })

  test('because of a send that was tried for too long', async () => {
    const { KafkaJSNumberOfRetriesExceeded, KafkaJSTimeout } = require('../..')
    const tried = new KafkaJSNumberOfRetriesExceeded(new KafkaJSTimeout('late'), {
      retryCount: 5,
      retryTime: 300
    })
    const transaction = await begin({}, () => Promise.reject(tried))
    const sent = rejection(transaction.send({ topic: 't', messages: [{ value: 'v' }] }))
    const error = await rejection(transaction.commit())
    expect(await sent).toBe(tried)
    expect(error).toMatchObject({ cause: tried, retriable: true })
    expect([tried, error].map(ends)).toEqual([false, false])
  })

  test('because of several things, of which the handler may throw any', async () => {
    const errors = [1, 2].map(() => Object.assign(new Error('Abort'), refused))
    const transaction = await begin({}, () => Promise.reject(errors.shift()))
    const both = await Promise.all([1, 2].map(() => rejection(transaction.sendBatch(record))))
    expect(both.map(ends)).toEqual([false, false])
  })
})

/** @returns {never} */
const gone = () => {
  throw new Error('The group has rebalanced')
}

describe('offsets of a transaction', () => {
  const topics = [{ topic: 't', partitions: [{ partition: 0, offset: '7' }] }]
  const at7 = { groupId: 'g', topic: 't', partition: 0, offset: '7' }

  const carrying = async (/** @type {any} */ engine) => {
    const sendOffsets = jest.fn(async () => null)
    const markOffsetAsCommitted = jest.fn()
    const member = { metadataFor: () => null, hadOnce: () => false, epochBefore: () => 3 }
    const cluster = { members: { of: () => [member] }, markOffsetAsCommitted }
    const transaction = await begin({ sendOffsets, ...engine }, undefined, cluster)
    await transaction.sendOffsets({ consumerGroupId: 'g', topics })
    return { transaction, sendOffsets, markOffsetAsCommitted }
  }

  test('count for consumers when they are committed, not before', async () => {
    const { transaction, markOffsetAsCommitted } = await carrying({
      commitTransaction: async () => null
    })
    expect(markOffsetAsCommitted).not.toHaveBeenCalled()
    await transaction.commit()
    expect(markOffsetAsCommitted.mock.calls).toEqual([[at7]])
  })

  test.each([
    ['aborted', null],
    ['refused', refusal(TRANSACTION_ABORTABLE)],
    ['in doubt', { ...refusal(PRODUCER_FENCED), trouble: 'fatal' }]
  ])('do not where it is %s', async (_, trouble) => {
    const { transaction, markOffsetAsCommitted } = await carrying({
      commitTransaction: async () => trouble
    })
    if (trouble) await rejection(transaction.commit())
    if (transaction.isActive()) await transaction.abort()
    expect(markOffsetAsCommitted).not.toHaveBeenCalled()
  })

  test('say which leader wrote the message before, if a member here knows', async () => {
    const { sendOffsets } = await carrying({})
    expect(sendOffsets.mock.calls).toMatchObject([[{ groupId: 'g' }, [{ leaderEpoch: 3 }]]])
  })

  test.each([
    ['named', { consumerGroupId: 'g' }],
    ['given', { consumer: { groupMetadata: () => gone() } }]
  ])(
    'are refused where the member has lost the partition, and nothing is committed: %s',
    async (_, whose) => {
      const sendOffsets = jest.fn(async () => null)
      const member = {
        metadataFor: () => null,
        metadata: gone,
        hadOnce: (/** @type {string} */ topic) => topic === 't',
        epochBefore: () => null
      }
      const cluster = { members: { of: () => [member] }, markOffsetAsCommitted: jest.fn() }
      const commitTransaction = jest.fn(async () => null)
      const transaction = await begin({ sendOffsets, commitTransaction }, undefined, cluster)
      // Of a partition that nobody has had here they are the program's own business.
      const others = [{ topic: 'u', partitions: [{ partition: 0, offset: '7' }] }]
      await transaction.sendOffsets({ consumerGroupId: 'g', topics: others })
      expect(sendOffsets.mock.calls).toMatchObject([[{ groupId: 'g', generationId: -1 }, [{}]]])
      await expect(transaction.sendOffsets({ ...whose, topics })).rejects.toThrow('rebalanced')
      await expect(transaction.commit()).rejects.toThrow('rebalanced')
      expect(sendOffsets).toHaveBeenCalledTimes(1)
      expect(commitTransaction).not.toHaveBeenCalled()
      expect(transaction.isActive()).toBe(true)
    }
  )

  test.each([[[]], [[{ topic: 't', partitions: [] }]]])(
    'are not sent if there are none: %j',
    async none => {
      const { transaction, sendOffsets } = await carrying({})
      await transaction.sendOffsets({ consumerGroupId: 'g', topics: none })
      expect(sendOffsets).toHaveBeenCalledTimes(1)
    }
  )
})

it('offsets of what is no partition are sent of none', async () => {
  const sendOffsets = jest.fn(async () => null)
  const members = { of: () => [] }
  const sent = async partition => {
    const transaction = await begin({ sendOffsets }, undefined, { members })
    const partitions = [{ partition, offset: '7' }]
    await transaction.sendOffsets({ consumerGroupId: 'g', topics: [{ topic: 't', partitions }] })
    return /** @type {any[]} */ (sendOffsets.mock.lastCall)[1][0].partition
  }
  for (const wrong of [undefined, null, NaN, '', 'x', 1.5, -1, 2 ** 31, true]) {
    await expect(sent(wrong)).rejects.toThrow(
      /^Invalid partition .* of topic "t" in transaction\.sendOffsets\(\): expected/
    )
  }
  expect(sendOffsets).not.toHaveBeenCalled()
  expect([await sent(3), await sent('3')]).toEqual([3, 3])
})

describe('a consumer that lost its partitions is no member as whom to commit', () => {
  const topics = [{ topic: 't', partitions: [{ partition: 0 }] }]

  test.each([
    ['no member', null],
    ['without the partition', { assignment: [], generationId: 1, memberId: 'm' }]
  ])('%s', (_, membership) => {
    const engine = /** @type {any} */ ({ membership: () => membership })
    const { metadata } = {
      metadata: () => new Membership({ engine, groupId: 'g' }).metadata(topics)
    }
    expect(metadata).toThrow(
      expect.objectContaining({
        name: 'KafkaJSProtocolError',
        type: 'REBALANCE_IN_PROGRESS',
        message: expect.stringContaining('"g"')
      })
    )
    try {
      metadata()
    } catch (error) {
      expect(ends(error)).toBe(false)
    }
  })
})

it('what waits for its partitions when its transaction is aborted is not sent in the next one', async () => {
  const partitions = later()
  const send = jest.fn(async () => [])
  const transactions = createTransactions({ send }, (sender, checked) =>
    partitions.promise.then(() => sender.send(checked))
  )
  const first = await transactions.begin()
  const sent = rejection(first.sendBatch(record))
  await first.abort()
  const second = await transactions.begin()
  partitions.resolve()
  expect(await sent).toMatchObject({ message: 'Cannot continue to use transaction once ended' })
  expect(send).not.toHaveBeenCalled()
  expect(second.isActive()).toBe(true)
})

describe('a disconnect() in between', () => {
  it('lets nothing begin that was about to, and the next one begins', async () => {
    const [connected, begun] = [later(), later()]
    const engine = { beginTransaction: jest.fn(() => begun.promise) }
    const cluster = { connect: jest.fn(() => connected.promise) }
    const transactions = createTransactions(engine, undefined, cluster)

    const connecting = rejection(transactions.begin())
    await transactions.close({ timeout: 0 })
    connected.resolve()
    expect(await connecting).toMatchObject({ message: 'The producer is disconnected' })
    expect(engine.beginTransaction).not.toHaveBeenCalled()

    const beginning = rejection(transactions.begin())
    await new Promise(setImmediate)
    expect(engine.beginTransaction).toHaveBeenCalledTimes(1)
    // It has been answered, and nobody has heard it yet.
    begun.resolve(null)
    await transactions.close({ timeout: 0 })
    expect(await beginning).toMatchObject({ message: 'The producer is disconnected' })

    expect((await transactions.begin()).isActive()).toBe(true)
  })

  it.each([
    ['committed', null],
    ['refused', refusal(TRANSACTION_ABORTABLE)],
    ['in doubt', { ...refusal(PRODUCER_FENCED), trouble: 'fatal' }]
  ])('what is %s behind it is none of the next one', async (_, trouble) => {
    const committed = later()
    const transactions = createTransactions({ commitTransaction: () => committed.promise })
    const first = await transactions.begin()
    const done = first.commit().then(
      () => 'resolved',
      () => 'rejected'
    )
    await transactions.close({ timeout: 0 })
    const second = await transactions.begin()
    committed.resolve(trouble)
    expect(await done).toBe(trouble ? 'rejected' : 'resolved')
    expect([first.isActive(), second.isActive()]).toEqual([false, true])
    await second.abort()
    expect((await transactions.begin()).isActive()).toBe(true)
  })
})
