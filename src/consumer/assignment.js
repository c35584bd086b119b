// @ts-check
'use strict'

/**
 * The engine's questions to the assigners: what to offer when the group is joined, and, if we lead it, who gets what.
 */

const { KafkaJSMetadataNotLoaded, KafkaJSNonRetriableError, explained } = require('../errors')
const { ownedOf, topicsOf } = require('./assigners/subscriptions')
const { show } = require('../utils/show')
const { readable } = require('../utils/thrown')
const SeenPartitions = require('./seenPartitions')

class Assignment {
  /**
   * @param {{
   *   engine: any,
   *   cluster: import('../cluster'),
   *   assigners: any[],
   *   consumerGroup: { topics: Map<string, { fromBeginning: boolean }> }
   * }} parts `engine`: the NativeConsumer
   */
  constructor({ engine, cluster, assigners, consumerGroup }) {
    this.engine = engine
    this.cluster = cluster
    /** The engine asks its own itself: they are names. */
    this.assigners = assigners.filter(assigner => typeof assigner !== 'string')
    this.consumerGroup = consumerGroup
    /** What an assigner threw: the engine crashes with its text, the user gets the error itself. @type {Error | null} */
    this.error = null
  }

  async offerProtocols({ job, topics }) {
    const { topics: ours } = this.consumerGroup
    try {
      // In the order of the subscription.
      const subscribed = [...ours.keys()].filter(topic => topics.includes(topic))
      const ask = () =>
        this.assigners.map(assigner => offerOf(assigner, { topics: [...subscribed] }))
      this.engine.completeProtocols(job, null, await this.withMetadata(ask))
    } catch (error) {
      this.engine.completeProtocols(job, this.failed(error), [])
    }
  }

  /**
   * The cluster forgets its metadata when it disconnects, and `run()` does not wait until it is read again: an assigner that needs
   * it is asked once more when it is there.
   * @private
   */
  async withMetadata(ask) {
    try {
      return ask()
    } catch (error) {
      if (!(error instanceof KafkaJSMetadataNotLoaded)) throw error
      await this.cluster.refreshMetadataIfNecessary()
      return ask()
    }
  }

  async assign({ job, protocol, members, metadata }) {
    const { cluster } = this
    const { topics } = this.consumerGroup
    const seen = new SeenPartitions(metadata)
    const unwatch = cluster.brokerPool.watchAnswers((answer, asked) => seen.narrow(answer, asked))
    try {
      const assigner = this.assigners.find(({ name }) => name === protocol)
      if (!assigner) {
        const names = this.assigners.map(({ name }) => show(name)).join(', ')
        throw explained(
          new KafkaJSNonRetriableError(
            `Unsupported partition assigner "${protocol}", the assigner wasn't found in the assigners list`
          ),
          `those of partitionAssigners have the names ${names}; "name" has to be what protocol() tells the group`
        )
      }
      cluster.brokerPool.adopt(metadata, subscribedTopics(members, topics))
      const ask = methodOf(assigner, 'assign')
      const assignments = await ask({
        members: members.map(({ memberId, groupInstanceId, memberMetadata }) => ({
          memberId,
          groupInstanceId,
          memberMetadata,
          ...(assigner.rebalanceProtocol === 'cooperative' && ownedOf(memberMetadata))
        })),
        topics: [...topics.keys()]
      })
      if (!Array.isArray(assignments)) {
        const expected = `a list, [{ memberId, memberAssignment }]`
        throw new KafkaJSNonRetriableError(
          `assign() of the assigner ${show(protocol)} has to return ${expected}, it returned ${show(assignments)}`
        )
      }
      this.engine.completeAssign(
        job,
        null,
        assignments.map(({ memberId, memberAssignment }) => ({
          memberId,
          assignment: memberAssignment
        })),
        seen.toPartitions()
      )
    } catch (error) {
      this.engine.completeAssign(job, this.failed(error), [], [])
    } finally {
      unwatch()
    }
  }

  /** @private @returns {string} */
  failed(thrown) {
    const error = thrown == null ? thrown : readable(thrown, 'The partition assigner')
    this.error = error instanceof Error ? error : new KafkaJSNonRetriableError(String(error))
    return this.error.message
  }
}

/** @param {any} assigner the program's @param {'protocol' | 'assign'} method */
const methodOf = (assigner, method) => {
  if (typeof assigner[method] === 'function') return argument => assigner[method](argument)
  throw new KafkaJSNonRetriableError(
    `An assigner of partitionAssigners has to have the methods protocol() and assign(): ${method} of ${show(assigner.name)} is ${show(assigner[method])}`
  )
}

/**
 * As in kafkajs, metadata may be missing, or a text.
 * @param {any} assigner
 * @param {{ topics: string[] }} subscription
 * @returns {{ name: string, metadata: Buffer }}
 */
const offerOf = (assigner, subscription) => {
  const offer = methodOf(assigner, 'protocol')(subscription)
  const { name, metadata = '' } = offer ?? {}
  const bytes = typeof metadata === 'string' ? Buffer.from(metadata) : metadata
  if (typeof name === 'string' && ArrayBuffer.isView(bytes)) {
    return { name, metadata: /** @type {Buffer} */ (bytes) }
  }
  throw new KafkaJSNonRetriableError(
    `protocol() of the assigner ${show(assigner.name)} has to return { name, metadata }, a text and a Buffer, it returned ${show(offer)}`
  )
}

/** Everything that a member of the group subscribes to, us included. */
const subscribedTopics = (members, ours) => {
  const topics = new Set(ours.keys())
  for (const { memberMetadata } of members) {
    for (const topic of topicsOf(memberMetadata) ?? []) topics.add(topic)
  }
  return [...topics]
}

module.exports = { Assignment }
