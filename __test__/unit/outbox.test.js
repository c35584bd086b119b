// @ts-check
'use strict'

/** As whom `onFailure` with `exactlyOnce` commits the offsets behind what it has written elsewhere. */

const { Outbox } = require('../../src/consumer/onFailure/outbox')

const flush = () => new Promise(resolve => setImmediate(resolve))

/** An outbox of a member whose generation may change, and whose partition may go; transactions end when they are told to. */
const createOutbox = () => {
  const group = { generationId: 1, isLost: false }
  const transactions = /** @type {{ as: any, offsets: any, commit: () => void }[]} */ ([])
  const transaction = async () => ({
    send: async () => {},
    sendOffsets: async ({ consumer, topics }) => {
      transactions.push({ as: consumer?.groupMetadata(), offsets: topics, commit: () => {} })
    },
    commit: () =>
      new Promise(resolve => {
        transactions[transactions.length - 1].commit = () => resolve(undefined)
      }),
    isActive: () => false
  })
  const outbox = new Outbox({
    groupId: 'g',
    groupInstanceId: null,
    exactlyOnce: true,
    createProducer: () =>
      /** @type {any} */ ({ connect: async () => {}, disconnect: async () => {}, transaction }),
    groupMetadata: () => {
      if (group.isLost) throw new Error('The group has rebalanced')
      const { generationId } = group
      return /** @type {any} */ ({ groupId: 'g', generationId })
    },
    commitResolved: async () => {},
    cluster: /** @type {any} */ ({}),
    logger: /** @type {any} */ ({ warn: () => {} }),
    retry: {}
  })
  const send = (/** @type {number} */ partition) =>
    outbox.send('dead', [], { topic: 't', partition, offset: '7' }, () => true)
  return { group, transactions, send }
}

it('as the member that had the partition when the handler failed, however late its turn comes', async () => {
  const { group, transactions, send } = createOutbox()
  const sent = [send(0), send(1)]
  group.generationId = 2
  await flush()
  transactions[0].commit()
  await sent[0]
  await flush()
  transactions[1].commit()
  await sent[1]
  const generationOf = ({ as }) => as.generationId
  expect(transactions.map(generationOf)).toEqual([1, 1])
  expect(transactions[1].offsets).toEqual([
    { topic: 't', partitions: [{ partition: 1, offset: '7' }] }
  ])
})

it('of a partition that is gone nothing is written', async () => {
  const { group, transactions, send } = createOutbox()
  group.isLost = true
  await expect(send(0)).rejects.toThrow('rebalanced')
  await flush()
  expect(transactions).toEqual([])
  group.isLost = false
  const sent = send(0)
  await flush()
  transactions[0].commit()
  await sent
})
