// @ts-check
'use strict'

/** The cluster itself: its brokers, their disks, its features. */

const { unwrap } = require('../errors')
const { about, invalid, named, refusal } = require('./refusals')
const { toPartition } = require('./partitions')
const { resultsOfParts } = require('./told')
const { show } = require('../utils/show')

/** @param {{ cluster: import('../cluster'), attempts: import('./attempts').Attempts }} frame */
module.exports = ({ cluster, attempts }) => {
  const describeCluster = ({ includeFencedBrokers = false } = {}) =>
    attempts.whole('describe the cluster', async client => {
      if (!includeFencedBrokers) return cluster.describe()
      const answer = unwrap(await client.describeCluster(true))
      if (answer.errorCode !== 0) {
        throw refusal(answer.errorCode, {
          operation: 'DESCRIBE',
          brokerMessage: answer.errorMessage
        })
      }
      const { brokers, controllerId, clusterId } = answer
      return {
        brokers: Array.from(brokers, broker => ({ ...broker })),
        controller: controllerId === -1 ? null : controllerId,
        clusterId
      }
    })

  const describeFeatures = () =>
    attempts.whole('describe features', async client => {
      const answer = unwrap(await client.describeFeatures())
      if (answer.errorCode !== 0) throw refusal(answer.errorCode)
      const finalized = new Map(Array.from(answer.finalized, feature => [feature.name, feature]))
      const { finalizedEpoch } = answer
      return {
        epoch: finalizedEpoch === '-1' ? null : finalizedEpoch,
        features: Array.from(answer.supported, ({ name, min, max }) => ({
          name,
          level: finalized.get(name)?.max ?? 0,
          minLevel: min,
          maxLevel: max
        }))
      }
    })

  /** @param {any} [options] */
  const describeLogDirs = async ({ brokers = null, topics = null } = {}) => {
    if (brokers !== null && !(Array.isArray(brokers) && brokers.every(Number.isInteger))) {
      invalid(
        `Invalid brokers ${named(brokers)}: it has to be a list of node ids, which are numbers`
      )
    }
    if (topics !== null && !Array.isArray(topics)) invalid(`Invalid topics array ${named(topics)}`)
    const asked = topics?.map(({ topic, partitions }) => {
      if (!topic || typeof topic !== 'string') invalid(`Invalid topic ${named(topic)}`)
      if (!Array.isArray(partitions)) {
        invalid(`Invalid partitions of topic "${topic}": ${show(partitions)}`)
      }
      return { topic, partitions: partitions.map(toPartition) }
    })
    const nodeIds =
      brokers ?? (await describeCluster()).brokers.map(({ nodeId }) => nodeId).sort(byNumber)
    const results = await attempts.inParts(
      'describe log directories',
      nodeIds,
      async (client, wanted) => {
        const told = unwrap(await client.describeLogDirs(wanted, asked ?? null))
        return resultsOfParts(told, wanted, ({ errorCode, logDirs }) => [
          errorCode === 0
            ? Array.from(logDirs, toLogDir)
            : refusal(errorCode, { operation: 'DESCRIBE' })
        ])
      }
    )
    return {
      brokers: nodeIds.map((nodeId, i) => {
        const result = results[i]
        return result instanceof Error
          ? { nodeId, error: about(result, { nodeId }), logDirs: [] }
          : { nodeId, error: null, logDirs: result }
      })
    }
  }

  return { describeCluster, describeFeatures, describeLogDirs }
}

const byNumber = (a, b) => a - b

const toLogDir = ({ path, errorCode, totalBytes, usableBytes, isCordoned, topics }) => ({
  path,
  error: errorCode === 0 ? null : refusal(errorCode),
  totalBytes: totalBytes < 0 ? null : totalBytes,
  usableBytes: usableBytes < 0 ? null : usableBytes,
  isCordoned,
  topics: Array.from(topics, ({ topic, partitions }) => ({
    topic,
    partitions: Array.from(partitions, partition => ({ ...partition }))
  }))
})
