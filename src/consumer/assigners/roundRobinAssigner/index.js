// @ts-check
'use strict'

const { MemberMetadata, MemberAssignment } = require('../../assignerProtocol')
const { topicsOf } = require('../subscriptions')

/**
 * Deals the partitions of all topics in turn to the members, sorted by id, that subscribed to the topic. When everybody
 * subscribes to the same topics the result is the one of kafkajs; name and version are its too, so that both can be members
 * of one group.
 *
 * @type {import('../../../..').PartitionAssigner}
 */
module.exports = ({ cluster }) => ({
  name: 'RoundRobinAssigner',
  version: 0,

  async assign({ members, topics }) {
    const subscriptions = readSubscriptions(members, topics)
    const others = topicsOfOthers(topics, subscriptions)

    const ring = [...subscriptions.keys()].sort()
    /** @type {Map<string, Record<string, number[]>>} */
    const assignment = new Map()
    let turn = 0
    for (const topic of [...topics, ...others]) {
      const subscribed = memberId => subscriptions.get(memberId)?.has(topic)
      if (!ring.some(subscribed)) continue
      for (const { partitionId } of cluster.findTopicPartitionMetadata(topic)) {
        while (!subscribed(ring[turn % ring.length])) turn++
        add(assignment, ring[turn % ring.length], topic, partitionId)
        turn++
      }
    }

    return [...assignment].map(([memberId, partitions]) => ({
      memberId,
      memberAssignment: MemberAssignment.encode({ version: this.version, assignment: partitions })
    }))
  },

  protocol({ topics }) {
    return {
      name: this.name,
      metadata: MemberMetadata.encode({ version: this.version, topics })
    }
  }
})

/**
 * @param {import('../../../..').GroupMember[]} members
 * @param {string[]} leaderTopics what a member is taken to subscribe to whose metadata cannot be read
 */
const readSubscriptions = (members, leaderTopics) =>
  new Map(
    members.map(({ memberId, memberMetadata }) => [
      memberId,
      new Set(topicsOf(memberMetadata) ?? leaderTopics)
    ])
  )

/** What other members subscribed to and the leader did not. */
const topicsOfOthers = (topics, subscriptions) => {
  const others = new Set([...subscriptions.values()].flatMap(subscribed => [...subscribed]))
  for (const topic of topics) others.delete(topic)
  return [...others].sort()
}

const add = (assignment, memberId, topic, partition) => {
  // No prototype: a topic may be called `constructor`.
  if (!assignment.has(memberId)) assignment.set(memberId, Object.create(null))
  const partitions = assignment.get(memberId)
  ;(partitions[topic] ??= []).push(partition)
}
