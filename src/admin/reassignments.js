// @ts-check
'use strict'

/** Which brokers have a partition, and which of them leads. */

const { KafkaJSAlterPartitionReassignmentsError, unwrap } = require('../errors')
const { isCurableChange } = require('./attempts')
const { about, invalid, named, refusal, said, together, toTimeout } = require('./refusals')
const { checkNames } = require('./topics')
const { describe } = require('../protocol/errorCodes')
const { byTopic } = require('../utils/offsets')
const { show } = require('../utils/show')

/** How long a broker may take, ms. */
const TIMEOUT = 5000

/** @param {{ attempts: import('./attempts').Attempts }} frame */
module.exports = ({ attempts }) => {
  /** @param {any} options */
  const alterPartitionReassignments = async ({ topics, timeout }) => {
    if (!topics || !Array.isArray(topics)) invalid(`Invalid topics array ${named(topics)}`)
    checkNames(topics, 'topics array')
    topics.forEach(checkAssignment)
    const wanted = topics.map(({ topic, partitionAssignment }) => ({
      topic,
      partitions: partitionAssignment.map(({ partition, replicas, cancel }) => ({
        partition,
        replicas: cancel === true ? null : replicas
      }))
    }))
    const time = toTimeout(timeout ?? TIMEOUT)
    await attempts.whole(
      'reassign partitions',
      async (client, { lost }) => {
        const answer = unwrap(await client.alterPartitionReassignments(wanted, time))
        if (answer.errorCode !== 0) {
          throw new KafkaJSAlterPartitionReassignmentsError(refusalOf(answer), undefined, undefined)
        }
        const errors = Array.from(answer.partitions)
          // What there is no more may have been ended by an attempt of ours whose answer was lost.
          .filter(({ errorCode }) => errorCode !== 0 && !(lost && isNotUnderWay(errorCode)))
          .map(result => {
            const { topic, partition, errorMessage: brokerMessage } = result
            const error = new KafkaJSAlterPartitionReassignmentsError(
              refusalOf(result),
              topic,
              partition
            )
            return about(error, { brokerMessage })
          })
        if (errors.length > 0) {
          throw together('Errors altering partition reassignments', errors)
        }
      },
      { isCurable: isCurableChange }
    )
  }

  /** @param {any} options */
  const listPartitionReassignments = async ({ topics = null, timeout }) => {
    if (topics) {
      if (!Array.isArray(topics)) invalid(`Invalid topics array ${named(topics)}`)
      checkNames(topics, 'topics array')
      topics.forEach(checkPartitions)
    }
    const wanted = topics ? topics.map(toTopicPartitions) : null
    const time = toTimeout(timeout ?? TIMEOUT)
    return attempts.whole('list reassignments', async client => {
      const answer = unwrap(await client.listPartitionReassignments(wanted, time))
      if (answer.errorCode !== 0) throw refusalOf(answer, 'DESCRIBE')
      const found = byTopic(answer.partitions, ongoing => ({
        partition: ongoing.partition,
        replicas: [...ongoing.replicas],
        addingReplicas: [...ongoing.addingReplicas],
        removingReplicas: [...ongoing.removingReplicas]
      }))
      return { topics: found.map(({ topic: name, partitions }) => ({ name, partitions })) }
    })
  }

  /** @param {any} [options] */
  const electLeaders = async ({ electionType = 'preferred', topics = null, timeout } = {}) => {
    if (!ELECTIONS.includes(electionType)) {
      invalid(`Invalid election type ${show(electionType)}: it is "preferred" or "unclean"`)
    }
    if (topics) {
      if (!Array.isArray(topics)) invalid(`Invalid topics array ${named(topics)}`)
      checkNames(topics, 'topics array')
      topics.forEach(checkPartitions)
    }
    const wanted = topics ? topics.map(toTopicPartitions) : null
    const time = toTimeout(timeout ?? TIMEOUT)
    return attempts.whole(
      'elect leaders',
      async client => {
        const isUnclean = electionType === 'unclean'
        const answer = unwrap(await client.electLeaders(isUnclean, wanted, time))
        if (answer.errorCode !== 0) throw refusalOf(answer)
        const results = Array.from(answer.partitions)
        const errors = results
          .filter(({ errorCode }) => errorCode !== 0 && !isNotNeeded(errorCode))
          .map(result => refusalOf(result))
        if (errors.length > 0) throw together('Errors electing leaders', errors)
        return results.map(({ topic, partition, errorCode }) => ({
          topic,
          partition,
          elected: errorCode === 0
        }))
      },
      { isCurable: isCurableChange }
    )
  }

  return { alterPartitionReassignments, listPartitionReassignments, electLeaders }
}

const ELECTIONS = ['preferred', 'unclean']

/** The leader is the one that would be elected. */
const isNotNeeded = errorCode => describe(errorCode).type === 'ELECTION_NOT_NEEDED'

/** There is no move that could be ended. */
const isNotUnderWay = errorCode => describe(errorCode).type === 'NO_REASSIGNMENT_IN_PROGRESS'

/** @param {any} result of a request, or of a partition @param {string} [operation] the ACL operation that it takes */
const refusalOf = ({ topic, partition, errorCode, errorMessage }, operation = 'ALTER') =>
  refusal(errorCode, { topic, partition, operation, brokerMessage: errorMessage })

const toTopicPartitions = ({ topic, partitions }) => ({ topic, partitions })

const checkAssignment = ({ topic, partitionAssignment }) => {
  if (!partitionAssignment || !Array.isArray(partitionAssignment)) {
    invalid(`Invalid partitions array: ${said(partitionAssignment)} for topic: ${topic}`)
  }
  for (const entry of partitionAssignment) {
    const { partition, replicas, cancel } = entry ?? {}
    if (!isIndex(partition)) {
      invalid(`Invalid partitions index: ${said(partition)} for topic: ${topic}`)
    }
    if (cancel === true) continue
    const where = `Invalid replica assignment: ${said(replicas)} for topic: ${topic} on partition: ${partition}`
    if (!Array.isArray(replicas)) invalid(where)
    if (!replicas.every(isIndex)) invalid(`${where}. Replicas must be a non negative number`)
  }
}

const checkPartitions = ({ topic, partitions }) => {
  const where = `Invalid partition array: ${said(partitions)} for topic: ${topic}`
  if (!Array.isArray(partitions)) invalid(where)
  if (!partitions.every(isIndex)) {
    invalid(`${where}. The partition indices have to be a valid number greater than 0.`)
  }
}

const isIndex = value => Number.isInteger(value) && value >= 0 && value < 2 ** 31
