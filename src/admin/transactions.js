// @ts-check
'use strict'

/** Transactions: which there are, how they stand, who writes to a partition; and the end of those that hang (KIP-664). */

const { KafkaJSNonRetriableError, unwrap } = require('../errors')
const { failuresOf } = require('./attempts')
const { ofPartitions, toInteger, toPartition } = require('./partitions')
const { about, invalid, named, refusal } = require('./refusals')
const { answersOf, eachOnce, resultsOfParts } = require('./told')

/** No transaction is open. */
const NONE = '-1'

/** @param {{ attempts: import('./attempts').Attempts }} frame */
module.exports = ({ attempts }) => {
  const listTransactions = async ({
    states = [],
    producerIds = [],
    duration = -1,
    transactionalIdPattern = null
  } = {}) => {
    if (!Array.isArray(states)) invalid(`Invalid states array ${named(states)}`)
    if (!Array.isArray(producerIds)) invalid(`Invalid producerIds array ${named(producerIds)}`)
    const filter = {
      states,
      producerIds: producerIds.map(id => toInteger(id, 'producerId')),
      duration: Number(toInteger(duration, 'duration')),
      transactionalIdPattern
    }
    const transactions = await attempts.whole('list transactions', async client => {
      const answers = answersOf(unwrap(await client.listTransactions(filter)))
      const listed = answers.flatMap(({ errorCode, unknownStates, transactions: found }) => {
        if (errorCode !== 0) throw refusal(errorCode, { operation: 'DESCRIBE' })
        if (unknownStates.length > 0) {
          throw new KafkaJSNonRetriableError(
            `Invalid states, the broker does not know: ${unknownStates.join(', ')}`
          )
        }
        return Array.from(found, ({ transactionalId, producerId, state }) => ({
          transactionalId,
          producerId,
          state
        }))
      })
      return eachOnce(listed, ({ transactionalId }) => transactionalId)
    })
    return { transactions }
  }

  const describeTransactions = async transactionalIds => {
    if (!Array.isArray(transactionalIds)) {
      invalid(`Invalid transactionalIds array ${named(transactionalIds)}`)
    }
    for (const id of transactionalIds) {
      if (!id || typeof id !== 'string') invalid(`Invalid transactionalId ${named(id)}`)
    }
    const results = await attempts.inParts(
      'describe transactions',
      transactionalIds,
      async (client, wanted) =>
        resultsOfParts(
          unwrap(await client.describeTransactions(wanted)),
          wanted,
          (answer, asked) => {
            const byId = new Map(Array.from(answer, told => [told.transactionalId, told]))
            return asked.map(transactionalId => {
              const told = byId.get(transactionalId)
              const { errorCode } = told ?? { errorCode: -1 }
              if (errorCode !== 0) {
                return refusal(errorCode, { transactionalId, operation: 'DESCRIBE' })
              }
              return toDescription(told)
            })
          },
          { operation: 'DESCRIBE' }
        )
    )
    results.forEach((result, i) => {
      if (result instanceof Error) throw about(result, { transactionalId: transactionalIds[i] })
    })
    return { transactions: results }
  }

  const describeProducers = async ({ topics }) => {
    if (!Array.isArray(topics)) invalid(`Invalid topics array ${named(topics)}`)
    const parts = topics.flatMap(({ topic, partitions }) => {
      if (!topic || typeof topic !== 'string') invalid(`Invalid topic ${named(topic)}`)
      if (!Array.isArray(partitions)) invalid(`Invalid partitions of topic "${topic}"`)
      return partitions.map(partition => ({ topic, partition: toPartition(partition) }))
    })
    const results = await producersOf(parts)
    const [error] = failuresOf(results)
    if (error) throw about(error, parts[results.indexOf(error)])
    return { partitions: parts.map((part, i) => ({ ...part, producers: results[i] })) }
  }

  /** The producers of each partition, or an error. */
  const producersOf = parts =>
    attempts.inPartsOfTopics('describe producers', parts, async (client, wanted) =>
      resultsOfParts(unwrap(await client.describeProducers(wanted)), wanted, (answer, asked) =>
        ofPartitions(answer, asked, 'READ').map(told =>
          told instanceof Error ? told : Array.from(told.producers, toProducer)
        )
      )
    )

  const abortTransaction = async ({ topic, partition, startOffset, producerId, ...epochs }) => {
    if (!topic || typeof topic !== 'string') invalid(`Invalid topic ${named(topic)}`)
    const at = { topic, partition: toPartition(partition) }
    const wanted = producerId === undefined ? undefined : toInteger(producerId, 'producerId')
    const start = startOffset === undefined ? undefined : toInteger(startOffset, 'startOffset')
    if (wanted === undefined && start === undefined) {
      invalid('Invalid transaction, it has to have a startOffset or a producerId')
    }
    const [producers] = await producersOf([at])
    if (producers instanceof Error) throw about(producers, at)
    const found = producers.find(
      producer =>
        producer.currentTransactionStartOffset !== null &&
        (wanted === undefined || producer.producerId === wanted) &&
        (start === undefined || producer.currentTransactionStartOffset === start)
    )
    if (!found) {
      const which = [
        wanted !== undefined && `of producer ${wanted}`,
        start !== undefined && `that begins at offset ${start}`
      ]
      throw Object.assign(
        new KafkaJSNonRetriableError(
          `There is no open transaction ${which.filter(Boolean).join(' ')} in partition ${at.partition} of topic "${topic}"`
        ),
        at
      )
    }
    const { producerEpoch = found.producerEpoch, coordinatorEpoch = found.coordinatorEpoch } =
      epochs
    const marker = {
      ...at,
      producerId: found.producerId,
      producerEpoch: Number(toInteger(producerEpoch, 'producerEpoch')),
      // A producer whose transactions have all been left open has met no coordinator's yet.
      coordinatorEpoch: Math.max(0, Number(toInteger(coordinatorEpoch, 'coordinatorEpoch')))
    }
    await attempts.whole('abort the transaction', async client => {
      const [result] = unwrap(await client.abortTransaction(marker))
      const errorCode = result?.errorCode ?? -1
      if (errorCode !== 0) throw refusal(errorCode, { ...at, operation: 'CLUSTER_ACTION' })
    })
  }

  return { listTransactions, describeTransactions, describeProducers, abortTransaction }
}

const toDescription = told => ({
  transactionalId: told.transactionalId,
  state: told.state,
  timeout: told.timeout,
  startTime: told.startTime === NONE ? null : told.startTime,
  producerId: told.producerId,
  producerEpoch: told.producerEpoch,
  topics: Array.from(told.topics, ({ topic, partitions }) => ({
    topic,
    partitions: Array.from(partitions)
  }))
})

const toProducer = state => ({
  producerId: state.producerId,
  producerEpoch: state.producerEpoch,
  lastSequence: state.lastSequence,
  lastTimestamp: state.lastTimestamp,
  coordinatorEpoch: state.coordinatorEpoch,
  currentTransactionStartOffset:
    state.currentTransactionStartOffset === NONE ? null : state.currentTransactionStartOffset
})
