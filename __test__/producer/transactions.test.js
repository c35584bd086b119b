// @ts-check
'use strict'

/** Transactions, on brokers that speak the second protocol (KIP-890); `transactionsV1.test.js` has the same on the first. */

const { createTopic, sharedCluster, uniqueName, waitFor } = require('../kafka/helpers')
const { createKafka, rejection, startProducer } = require('./support')
const { transactions } = require('./transactions')

transactions(() => sharedCluster().brokers)

describe('a transaction that took longer than transactionTimeout', () => {
  for (const call of ['send', 'commit']) {
    it(`rejects at ${call}(), can only be aborted, and the next one goes on`, async () => {
      const topic = await createTopic()
      const transactionalId = uniqueName('slow')
      const producer = await startProducer({ transactionalId, transactionTimeout: 1000 })
      const transaction = await producer.transaction()
      const send = value => transaction.send({ topic, messages: [{ value }] })
      await send('late')
      const admin = /** @type {any} */ (createKafka().admin())
      await waitFor(async () => {
        const { transactions: found } = await admin.describeTransactions([transactionalId])
        return found[0].state === 'CompleteAbort'
      })
      await admin.disconnect()
      if (call === 'send') {
        expect(await rejection(send('later'))).toMatchObject({ type: 'INVALID_PRODUCER_EPOCH' })
      }
      const error = await rejection(transaction.commit())
      expect(error.message).toMatch(/can only be aborted/)
      if (call === 'commit') {
        expect(error.type).toBe('INVALID_TXN_STATE')
        expect(error.message).toMatch(/it took longer than transactionTimeout/)
      }
      await transaction.abort()
      for (const value of ['next', 'last']) {
        const next = await producer.transaction()
        await next.send({ topic, messages: [{ value }] })
        await next.commit()
      }
    })
  }
})
