// @ts-check
'use strict'

/** Our membership of the group in kafkajs's words: what the engine tells of it becomes events and log lines. */

const { createErrorFromCode } = require('../protocol/error')
const { events } = require('./instrumentationEvents')

class ConsumerGroup {
  /** @param {{ groupId: string, logger: import('../..').Logger, emitter: import('../instrumentation/emitter') }} options */
  constructor({ groupId, logger, emitter }) {
    this.groupId = groupId
    this.emitter = emitter
    this.logger = logger.namespace('ConsumerGroup')
    this.runnerLogger = logger.namespace('Runner')
    /** What we subscribe to. @type {Map<string, { fromBeginning: boolean }>} */
    this.topics = new Map()
    /** Empty until the first join. */
    this.memberId = ''
    /** The user assigns, and nobody is a member of anything. */
    this.isManual = false
    this.isAssigned = false
    /** In the order in which the leader put them. @type {string[]} */
    this.assignedTopics = []
  }

  get hasJoined() {
    return this.memberId !== '' || this.isAssigned
  }

  /** The engine has an assignment. */
  joined(event) {
    const { groupId, emitter } = this
    const memberAssignment = {}
    for (const { topic, partitions } of event.assignment) memberAssignment[topic] = [...partitions]
    this.memberId = event.memberId
    this.assignedTopics = Object.keys(memberAssignment)
    if (this.isManual) {
      this.isAssigned = true
      return
    }
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

  /** @private */
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

  rebalancing({ memberId, code }) {
    const { groupId } = this
    this.runnerLogger.warn('The group is rebalancing, re-joining', {
      groupId,
      memberId,
      error: createErrorFromCode(code).message
    })
    this.emitter.emit(events.REBALANCING, { groupId, memberId })
  }

  heartbeat({ memberId, generationId }) {
    const { groupId } = this
    this.emitter.emit(events.HEARTBEAT, { groupId, memberId, groupGenerationId: generationId })
  }

  partitionsUnknown({ generationId, memberId, topic, knownPartitions, assignedPartitions }) {
    this.logger.warn('Consumer is not aware of all assigned partitions, refreshing metadata', {
      groupId: this.groupId,
      generationId,
      memberId,
      topic,
      knownPartitions: [...knownPartitions],
      assignedPartitions: [...assignedPartitions]
    })
  }

  topicUpdated({ topic, unknownPartitions }) {
    const { groupId, memberId } = this
    this.logger.warn('Topic has been updated, resync group', {
      groupId,
      memberId,
      topic,
      unknownPartitions: [...unknownPartitions]
    })
  }

  followerNamed({ nodeId, topic, partition }) {
    const { groupId, memberId } = this
    this.logger.info(`Preferred read replica is now ${nodeId}`, {
      groupId,
      memberId,
      topic,
      partition
    })
  }

  /** @param {'Pausing' | 'Resuming'} verb */
  tellFetching(verb, topicPartitions) {
    this.logger.info(`${verb} fetching from ${topicPartitions.length} topics`, { topicPartitions })
  }

  /**
   * The engine sorts by name, kafkajs by the assignment. (Names that look like numbers come first there, as ever in objects.)
   * @template {{ topic: string }} T
   * @param {T[]} entries one per topic
   * @returns {T[]}
   */
  inOrder(entries) {
    const place = ({ topic }) => this.assignedTopics.indexOf(topic)
    return [...entries].sort((a, b) => place(a) - place(b))
  }
}

module.exports = { ConsumerGroup }
