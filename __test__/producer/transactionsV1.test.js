// @ts-check
'use strict'

/** Transactions on three brokers that speak the first protocol, and what the end of a coordinator does to them. */

const { coordinatorOf, createTopic, uniqueName, waitFor } = require('../kafka/helpers')
const { createKafka, startProducer, useCluster } = require('./support')
const { committedValues, transactions } = require('./transactions')

/** @type {import('../kafka').Cluster} */
let cluster
useCluster({ brokers: 3, features: { 'transaction.version': 1 } }, started => (cluster = started))

transactions(() => cluster.brokers)

it.each(['kill9', 'stop'])(
  'a commit survives its coordinator (%s)',
  async how => {
    const { brokers } = cluster
    const topic = await createTopic({ brokers, partitions: 3, replicationFactor: 3 })
    const transactionalId = uniqueName('transaction')
    const producer = await startProducer({
      kafka: createKafka({ brokers, requestTimeout: 3000 }),
      transactionalId
    })
    const transaction = await producer.transaction()
    const messages = [0, 1, 2].map(partition => ({ value: `v${partition}`, partition }))
    await transaction.send({ topic, messages })
    const coordinator = await coordinatorOf(transactionalId, brokers, '__transaction_state')
    const node = cluster.nodes.find(({ id }) => id === coordinator)
    await node?.[/** @type {'stop'} */ (how)]()
    try {
      await transaction.commit()
      const next = await producer.transaction()
      await next.send({ topic, messages: [{ value: 'next', partition: 0 }] })
      await next.commit()
    } finally {
      await node?.start()
    }
    await waitFor(async () => (await committedValues(topic, brokers)).length >= 4)
    expect((await committedValues(topic, brokers)).sort()).toEqual(['next', 'v0', 'v1', 'v2'])
  },
  120_000
)
