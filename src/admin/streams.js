// @ts-check
'use strict'

/**
 * Groups of Kafka Streams (KIP-1071). Their members have tasks, each of which reads one partition of the topics of its part of the program:
 * which those are, the topology and the topics say together.
 */

const { MemberAssignment, MemberMetadata } = require('../utils/assignerProtocol')

/** @typedef {import('../native').NativeGroup} NativeGroup */
/** @typedef {import('../native').NativeTopology} NativeTopology */
/** @typedef {{ topic: string, partitions: number[] }[] | null} Assignment null: not known */

/**
 * The groups, whose members have their topics and partitions as those of other groups have.
 * @param {import('./attempts').Attempts} attempts
 * @param {NativeGroup[]} groups as their coordinators describe them
 * @returns {Promise<NativeGroup[]>} in their order; rejects when no broker tells of the topics
 */
const withPartitions = async (attempts, groups) => {
  const topics = new Set(groups.flatMap(group => (group.members.length > 0 ? topicsOf(group) : [])))
  const counts = topics.size > 0 ? await countPartitions(attempts, [...topics]) : new Map()
  return groups.map(group => ({
    ...group,
    members: Array.from(group.members, member => toMember(member, group, counts))
  }))
}

/** @param {import('./attempts').Attempts} attempts @param {string[]} topics @returns {Promise<Map<string, number>>} of those that are there */
const countPartitions = async (attempts, topics) => {
  const { topicMetadata } = await attempts.whole('describe groups', () =>
    attempts.cluster.brokerPool.ask(topics)
  )
  const found = topicMetadata.filter(({ topicErrorCode }) => topicErrorCode === 0)
  return new Map(found.map(({ topic, partitionMetadata }) => [topic, partitionMetadata.length]))
}

/** What the whole program reads. @param {NativeGroup} group @returns {string[]} */
const topicsOf = ({ topology }) => [
  ...new Set(Array.from(topology?.subtopologies ?? [], readBy).flat())
]

/** @param {NativeTopology['subtopologies'][number]} subtopology */
const readBy = ({ sourceTopics, repartitionSourceTopics }) => [
  ...sourceTopics,
  ...repartitionSourceTopics
]

/**
 * @param {NativeGroup['members'][number]} member
 * @param {NativeGroup} group
 * @param {Map<string, number>} counts
 * @returns {NativeGroup['members'][number]}
 */
const toMember = (member, group, counts) => {
  const topics = group.topology && topicsOf(group)
  const assignment = partitionsOf(member.tasks?.active ?? [], group, counts)
  const byTopic = assignment?.map(({ topic, partitions }) => [topic, partitions])
  return {
    ...member,
    topics,
    assignment,
    targetAssignment: partitionsOf(member.targetTasks?.active ?? [], group, counts),
    ...(topics && { memberMetadata: MemberMetadata.encode({ version: 0, topics }) }),
    ...(byTopic && {
      memberAssignment: MemberAssignment.encode({
        version: 0,
        assignment: Object.fromEntries(byTopic)
      })
    })
  }
}

/**
 * What these tasks read.
 * @param {{ subtopologyId: string, partitions: number[] }[]} tasks
 * @param {NativeGroup} group
 * @param {Map<string, number>} counts
 * @returns {Assignment}
 */
const partitionsOf = (tasks, { topology }, counts) => {
  const found = new Map()
  for (const { subtopologyId, partitions } of tasks) {
    const of = topology?.subtopologies.find(part => part.subtopologyId === subtopologyId)
    if (of === undefined) return null
    for (const topic of readBy(of)) {
      const count = counts.get(topic)
      if (count === undefined) return null
      // The largest topic decides how many tasks there are.
      const there = partitions.filter(partition => partition < count)
      found.set(topic, [...(found.get(topic) ?? []), ...there])
    }
  }
  return Array.from(found, ([topic, partitions]) => ({ topic, partitions }))
}

module.exports = { withPartitions }
