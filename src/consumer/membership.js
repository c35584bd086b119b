// @ts-check
'use strict'

/**
 * The membership as users see it: the engine's questions to the assigners, and its events told in kafkajs's words.
 */

const { KafkaJSMetadataNotLoaded, KafkaJSNonRetriableError } = require('../errors')
const { events } = require('../events')
const { createErrorFromCode } = require('../protocol/error')
const Long = require('../utils/long')
const { toInterval } = require('../utils/timers')
const { topicsOf } = require('./assigners/subscriptions')
const Sight = require('./sight')

class Membership {
  constructor({ cluster, groupId, options, assigners, logger, emitter }) {
    this.cluster = cluster
    this.groupId = groupId
    this.options = options
    this.assigners = assigners
    this.emitter = emitter
    this.logger = logger.namespace('ConsumerGroup')
    this.runnerLogger = logger.namespace('Runner')
    /** What we subscribe to. @type {Map<string, { fromBeginning: boolean }>} */
    this.topics = new Map()
    /** Empty until the first join. */
    this.memberId = ''
    /** In the order in which the leader put them. @type {string[]} */
    this.assignedTopics = []
    /** What an assigner threw: the engine only hands back the text. @type {Error | null} */
    this.callbackError = null
    /** @type {any} the engine's consumer */
    this.consumer = null
    /** Explicit commits under way, as the user put them, oldest first. @type {Map<string, object[]>} */
    this.written = new Map()
    this.unwatch = () => {}
    /** Has the engine fetched since the last look? */
    this.fetched = false
    /** @type {NodeJS.Timeout | undefined} */
    this.idleCycles = undefined
  }

  /**
   * @param {import('../native').NativeConsumer} consumer
   * @param {Map<string, { fromBeginning: boolean }>} topics
   */
  start(consumer, topics) {
    this.consumer = consumer
    this.topics = topics
    this.unwatch = this.emitter.watch(() => this.watchFetches())
  }

  end() {
    this.unwatch()
    clearInterval(this.idleCycles)
  }

  /**
   * Fetch events are made once somebody has listened. kafkajs's fetch cycles go on when there is nothing to fetch (every
   * partition paused, none assigned): programs take them for a sign of life.
   */
  watchFetches() {
    const { emitter } = this
    const listens = emitter.listens(events.FETCH_START) || emitter.listens(events.FETCH)
    clearInterval(this.idleCycles)
    if (!listens) return
    // For good: who waits for one event after the other removes a listener before it adds the next.
    this.consumer.enableFetchEvents()
    this.idleCycles = setInterval(() => {
      if (!this.fetched) this.idleCycle()
      this.fetched = false
    }, toInterval(this.options.maxWaitTimeInMs))
  }

  idleCycle() {
    for (const nodeId of this.cluster.getNodeIds()) {
      this.emitter.emit(events.FETCH_START, { nodeId })
      this.emitter.emit(events.FETCH, { numberOfBatches: 0, duration: 0, nodeId })
    }
  }

  /** @param {any} event of `native.d.ts` */
  handle(event) {
    const { groupId, emitter } = this
    switch (event.type) {
      case 'protocols':
        return this.offerProtocols(event)
      case 'assign':
        return this.assign(event)
      case 'partitions_unknown':
        return this.tellUnknown(event)
      case 'joined':
        return this.groupJoined(event)
      case 'rebalancing':
        this.runnerLogger.warn('The group is rebalancing, re-joining', {
          groupId,
          memberId: event.memberId,
          error: createErrorFromCode(event.code).message
        })
        return emitter.emit(events.REBALANCING, { groupId, memberId: event.memberId })
      case 'heartbeat':
        return emitter.emit(events.HEARTBEAT, {
          groupId,
          memberId: event.memberId,
          groupGenerationId: event.generationId
        })
      case 'committed':
        return this.committed(event)
      case 'topic_updated':
        return this.logger.warn('Topic has been updated, resync group', {
          groupId,
          memberId: this.memberId,
          topic: event.topic,
          unknownPartitions: [...event.unknownPartitions]
        })
      case 'follower_named':
        return this.logger.info(`Preferred read replica is now ${event.nodeId}`, {
          groupId,
          memberId: this.memberId,
          topic: event.topic,
          partition: event.partition
        })
      case 'fetch_start':
        this.fetched = true
        return emitter.emit(events.FETCH_START, { nodeId: String(event.nodeId) })
      case 'fetch':
        return emitter.emit(events.FETCH, {
          numberOfBatches: event.numberOfBatches,
          duration: event.duration,
          nodeId: String(event.nodeId)
        })
    }
  }

  async offerProtocols({ job, topics }) {
    try {
      // In the order of the subscription.
      const subscribed = [...this.topics.keys()].filter(topic => topics.includes(topic))
      const ask = () =>
        this.assigners.map(assigner => assigner.protocol({ topics: [...subscribed] }))
      this.consumer.completeProtocols(job, null, await this.withMetadata(ask))
    } catch (error) {
      this.consumer.completeProtocols(job, this.callbackFailed(error), [])
    }
  }

  /** The cluster forgets when it disconnects, and nobody waits for it to learn again but an assigner that asks. */
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
    const sight = new Sight(metadata)
    const unwatch = cluster.brokerPool.watchAnswers((answer, topics) =>
      sight.narrow(answer, topics)
    )
    try {
      const assigner = this.assigners.find(({ name }) => name === protocol)
      if (!assigner) {
        throw new KafkaJSNonRetriableError(
          `Unsupported partition assigner "${protocol}", the assigner wasn't found in the assigners list`
        )
      }
      cluster.brokerPool.adopt(metadata, subscribedTopics(members, this.topics))
      const assignments = await assigner.assign({
        members: members.map(({ memberId, groupInstanceId, memberMetadata }) => ({
          memberId,
          groupInstanceId,
          memberMetadata
        })),
        topics: [...this.topics.keys()]
      })
      this.consumer.completeAssign(
        job,
        null,
        assignments.map(({ memberId, memberAssignment }) => ({
          memberId,
          assignment: memberAssignment
        })),
        sight.toPartitions()
      )
    } catch (error) {
      this.consumer.completeAssign(job, this.callbackFailed(error), [], [])
    } finally {
      unwatch()
    }
  }

  /** The engine will crash with the message; the user gets the error itself. */
  callbackFailed(error) {
    this.callbackError =
      error instanceof Error ? error : new KafkaJSNonRetriableError(String(error))
    return this.callbackError.message
  }

  tellUnknown({ generationId, memberId, topic, knownPartitions, assignedPartitions }) {
    this.logger.warn('Consumer is not aware of all assigned partitions, refreshing metadata', {
      groupId: this.groupId,
      generationId,
      memberId,
      topic,
      knownPartitions: [...knownPartitions],
      assignedPartitions: [...assignedPartitions]
    })
  }

  groupJoined(event) {
    const { groupId, emitter } = this
    const memberAssignment = {}
    for (const { topic, partitions } of event.assignment) memberAssignment[topic] = [...partitions]
    this.memberId = event.memberId
    this.assignedTopics = Object.keys(memberAssignment)
    this.reportUnsubscribed(event)
    const payload = {
      groupId,
      memberId: event.memberId,
      leaderId: event.leaderId,
      isLeader: event.isLeader,
      memberAssignment,
      groupProtocol: event.groupProtocol,
      duration: event.duration
    }
    emitter.emit(events.GROUP_JOIN, payload)
    this.logger.info('Consumer has joined the group', payload)
  }

  reportUnsubscribed({ assignedTopics, generationId, memberId }) {
    const topicsNotSubscribed = assignedTopics.filter(topic => !this.assignedTopics.includes(topic))
    if (topicsNotSubscribed.length === 0) return
    const payload = {
      groupId: this.groupId,
      generationId,
      memberId,
      assignedTopics: [...assignedTopics],
      topicsSubscribed: [...this.topics.keys()],
      topicsNotSubscribed
    }
    this.emitter.emit(events.RECEIVED_UNSUBSCRIBED_TOPICS, payload)
    this.logger.warn('Consumer group received unsubscribed topics', {
      ...payload,
      helpUrl:
        'https://kafka.js.org/docs/faq#why-am-i-receiving-messages-for-topics-i-m-not-subscribed-to'
    })
  }

  /**
   * COMMIT_OFFSETS repeats explicit commits as the user put them: numbers, strings, a Long. The engine commits in the order
   * in which it is asked to.
   * @param {{ topic: string, partition: number, offset: string }[]} offsets
   * @param {object[]} written
   * @returns {() => void} when it is over
   */
  committing(offsets, written) {
    const keys = offsets.map(offsetKey)
    keys.forEach((key, i) => {
      const same = this.written.get(key)
      if (same) same.push(written[i])
      else this.written.set(key, [written[i]])
    })
    return () => keys.forEach((key, i) => this.forget(key, written[i]))
  }

  /** @param {string} key @param {object | undefined} offset */
  forget(key, offset) {
    const rest = this.written.get(key)?.filter(other => other !== offset) ?? []
    if (rest.length > 0) this.written.set(key, rest)
    else this.written.delete(key)
  }

  /** The oldest commit of this offset, which is over. @param {string} key */
  committedAs(key) {
    const offset = this.written.get(key)?.[0]
    this.forget(key, offset)
    return offset
  }

  /**
   * The engine sorts by name, kafkajs by the assignment. (Names that look like numbers come first there, as ever in objects.)
   * @param {any[]} entries one per topic
   */
  inOrder(entries) {
    const place = ({ topic }) => this.assignedTopics.indexOf(topic)
    return [...entries].sort((a, b) => place(a) - place(b))
  }

  /** @param {'Pausing' | 'Resuming'} verb */
  tellFetching(verb, topicPartitions) {
    this.logger.info(`${verb} fetching from ${topicPartitions.length} topics`, { topicPartitions })
  }

  committed({ memberId, generationId, automatic, topics }) {
    if (!this.emitter.listens(events.COMMIT_OFFSETS)) return
    this.emitter.emit(events.COMMIT_OFFSETS, {
      groupId: this.groupId,
      memberId,
      groupGenerationId: generationId,
      topics: (automatic ? this.inOrder(topics) : topics).map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition, offset, metadata }) =>
          automatic
            ? { partition: String(partition), offset }
            : (this.committedAs(offsetKey({ topic, partition, offset })) ?? {
                partition,
                offset: Long.fromValue(offset),
                metadata
              })
        )
      }))
    })
  }
}

/** @param {{ topic: string, partition: number, offset: string }} offset */
const offsetKey = ({ topic, partition, offset }) => `${topic}\u0000${partition}\u0000${offset}`

/** Everything that a member of the group subscribes to, us included. */
const subscribedTopics = (members, ours) => {
  const topics = new Set(ours.keys())
  for (const { memberMetadata } of members) {
    for (const topic of topicsOf(memberMetadata) ?? []) topics.add(topic)
  }
  return [...topics]
}

module.exports = { Membership }
