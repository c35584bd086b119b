// @ts-check
'use strict'

/** What groups have committed: read, written, forgotten, and how far it is behind. */

const { KafkaJSNonRetriableError, explained, unwrap } = require('../errors')
const { failuresOf, isCurableChange } = require('./attempts')
const { checkGroupId, describe } = require('./groups')
const { offsetsAt, ofPartitions, partitionsOf, toInteger, toPartition } = require('./partitions')
const { about, checkTopic, invalid, named, refusal, said } = require('./refusals')
const { resultsOfParts } = require('./told')
const { withHelp } = require('../help')
const { EARLIEST, LATEST } = require('../utils/offsets')

/** What a coordinator says to one who commits for a group that has members. */
const HAS_MEMBERS = [
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
  'REBALANCE_IN_PROGRESS',
  'STALE_MEMBER_EPOCH'
]

/** States of groups without members. */
const WITHOUT_MEMBERS = ['Empty', 'Dead']

/** @param {{ cluster: import('../cluster'), attempts: import('./attempts').Attempts }} frame */
module.exports = ({ cluster, attempts }) => {
  const fetchOffsets = async ({ groupId, groupIds, topics, resolveOffsets = false }) => {
    if (groupIds !== undefined) {
      if (!Array.isArray(groupIds)) invalid(`Invalid groupIds array ${named(groupIds)}`)
      groupIds.forEach(checkGroupId)
      if (groupId !== undefined) invalid('Invalid groupIds, there is a groupId as well')
    } else {
      checkGroupId(groupId)
    }
    if (topics && !Array.isArray(topics)) invalid('Expected topics array to be set')
    if (topics) topics.forEach(checkTopic)
    const ids = groupIds ?? [groupId]
    const found = await fetched(ids, [...new Set(topics || [])])
    if (resolveOffsets) {
      for (const [i, id] of ids.entries()) await resolve(id, found[i])
    }
    // A topic that is named twice is told twice.
    const asNamed = topics?.length
      ? found.map(told => topics.map(topic => told.find(entry => entry.topic === topic)))
      : found
    if (groupIds === undefined) return asNamed[0]
    return groupIds.map((id, i) => ({ groupId: id, topics: asNamed[i] }))
  }

  /** What each of these groups has committed for these topics, or for all. */
  const fetched = async (groupIds, topics) => {
    const places =
      topics.length === 0
        ? null
        : await attempts.ofTopics('fetch offsets', () => placesOf(cluster, topics))
    const results = await attempts.inParts('fetch offsets', groupIds, (client, wanted) =>
      offsetsOf(client, wanted, places)
    )
    results.forEach((result, i) => {
      if (result instanceof Error) throw about(result, { groupId: groupIds[i] })
    })
    return results
  }

  /** Puts numbers where the end or the beginning is committed, there and in `topics`. */
  const resolve = async (groupId, topics) => {
    for (const { topic, partitions } of topics) {
      const special = partitions.filter(({ offset }) => offset === LATEST || offset === EARLIEST)
      if (special.length === 0) continue
      await attempts.whole('resolve offsets', async client => {
        for (const which of [LATEST, EARLIEST]) {
          const same = special.filter(({ offset }) => offset === which)
          const numbers = same.map(({ partition }) => partition)
          const offsets = await offsetsAt(client, topic, numbers, which)
          same.forEach((entry, i) => (entry.resolved = offsets[i]))
        }
      })
      for (const entry of special) {
        entry.offset = entry.resolved
        delete entry.resolved
      }
      await commit(groupId, topic, special)
    }
  }

  const setOffsets = async ({ groupId, topic, partitions }) => {
    checkGroupId(groupId)
    checkTopic(topic)
    if (!partitions || partitions.length === 0) invalid('Invalid partitions')
    await commit(groupId, topic, partitions)
  }

  /** @param {string} groupId @param {string} topic @param {any[]} partitions with their offsets */
  const commit = async (groupId, topic, partitions) => {
    const wanted = Array.from(partitions, entry => {
      const { partition, offset, metadata } = entry ?? {}
      return {
        topic,
        partition: toPartition(partition),
        offset: toOffset(offset),
        metadata: metadata == null ? null : said(metadata),
        leaderEpoch: null
      }
    })
    let empty = 0
    await attempts.ofTopics('set offsets', async client => {
      for (;;) {
        const answer = unwrap(await client.commitGroupOffsets(groupId, wanted))
        const [error] = failuresOf(ofPartitions(answer, wanted, 'READ'))
        if (error === undefined) return
        if (!HAS_MEMBERS.includes(error.type)) throw about(error, { groupId })
        const [{ state }] = await describe(attempts, [groupId])
        if (!WITHOUT_MEMBERS.includes(state)) throw isRunning(groupId, state)
        // The last member has left meanwhile.
        if (empty++ > 0) throw about(error, { groupId })
      }
    })
  }

  const resetOffsets = async ({ groupId, topic, earliest = false, resolve: asNumbers = false }) => {
    checkGroupId(groupId)
    checkTopic(topic)
    const which = earliest ? EARLIEST : LATEST
    const partitions = await attempts.ofTopics('reset offsets', async client => {
      const numbers = await partitionsOf(cluster, topic)
      const offsets = asNumbers ? await offsetsAt(client, topic, numbers, which) : []
      return numbers.map((partition, i) => ({ partition, offset: offsets[i] ?? which }))
    })
    await setOffsets({ groupId, topic, partitions })
  }

  const deleteConsumerGroupOffsets = async ({ groupId, topics }) => {
    checkGroupId(groupId)
    if (!Array.isArray(topics) || topics.length === 0) {
      invalid(`Invalid topics array ${named(topics)}`)
    }
    const wanted = topics.map(({ topic, partitions }) => {
      if (!topic || typeof topic !== 'string') invalid(`Invalid topic ${named(topic)}`)
      if (!Array.isArray(partitions)) invalid(`Invalid partitions of topic "${topic}"`)
      return { topic, partitions: partitions.map(toPartition) }
    })
    const parts = wanted.flatMap(({ topic, partitions }) =>
      partitions.map(partition => ({ topic, partition }))
    )
    const results = await attempts.whole(
      'delete offsets',
      async (client, { lost }) => {
        const answer = unwrap(await client.deleteGroupOffsets(groupId, wanted), {
          operation: 'DELETE'
        })
        if (answer.errorCode !== 0) {
          const error = refusal(answer.errorCode, { groupId, operation: 'DELETE' })
          // A group that an attempt of ours, whose answer was lost, has left with nothing.
          if (lost && error.type === 'GROUP_ID_NOT_FOUND') return []
          throw error
        }
        return ofPartitions(answer.partitions, parts, 'READ')
      },
      { isCurable: isCurableChange }
    )
    return parts.map((part, i) =>
      results[i] instanceof Error ? { ...part, error: about(results[i], { groupId }) } : part
    )
  }

  const groupLag = async groupId => {
    checkGroupId(groupId)
    const [[topics], [group]] = await Promise.all([
      fetched([groupId], []),
      describe(attempts, [groupId])
    ])
    if (group.type === 'share') {
      throw new KafkaJSNonRetriableError(
        `Group "${groupId}" is a share group, whose members have no partitions and commit no offsets`
      )
    }
    const entries = new Map()
    const entryOf = (topic, partition) => {
      const key = `${partition}:${topic}`
      if (!entries.has(key)) {
        entries.set(key, { topic, partition, committed: null, end: null, lag: null, owner: null })
      }
      return entries.get(key)
    }
    for (const { topic, partitions } of topics) {
      for (const { partition, offset } of partitions) entryOf(topic, partition).committed = offset
    }
    for (const {
      memberId,
      groupInstanceId = null,
      clientId,
      clientHost,
      assignment
    } of group.members) {
      for (const { topic, partitions } of assignment ?? []) {
        for (const partition of partitions) {
          entryOf(topic, partition).owner = { memberId, groupInstanceId, clientId, clientHost }
        }
      }
    }
    const parts = [...entries.values()].sort(byPlace)
    const ends = await attempts.inParts(
      'fetch the ends of partitions',
      parts,
      async (client, wanted) => {
        const asked = wanted.map(({ topic, partition }) => ({ topic, partition, offset: LATEST }))
        const told = unwrap(await client.listPartitionOffsets(asked, false))
        return resultsOfParts(told, asked, (answer, some) => ofPartitions(answer, some, 'DESCRIBE'))
      }
    )
    parts.forEach((entry, i) => {
      if (ends[i] instanceof Error) entry.error = ends[i]
      else entry.end = ends[i].offset
      entry.lag = lagOf(entry)
    })
    return parts
  }

  return { fetchOffsets, setOffsets, resetOffsets, deleteConsumerGroupOffsets, groupLag }
}

/** All partitions of these topics, by one question. Rejects when one does not exist. */
const placesOf = async (cluster, topics) => {
  const { topicMetadata } = await cluster.brokerPool.ask(topics)
  const found = new Map(topicMetadata.map(entry => [entry.topic, entry]))
  return topics.map(topic => {
    const { topicErrorCode, partitionMetadata } = found.get(topic) ?? UNKNOWN_TOPIC
    if (topicErrorCode !== 0) throw refusal(topicErrorCode, { topic, operation: 'DESCRIBE' })
    return { topic, partitions: partitionMetadata.map(({ partitionId }) => partitionId) }
  })
}

/** UNKNOWN_TOPIC_OR_PARTITION: a topic that the answer leaves out. */
const UNKNOWN_TOPIC = { topicErrorCode: 3, partitionMetadata: [] }

/** What is behind the committed offset; null where that is no number, or the end is not known. */
const lagOf = ({ committed, end }) => {
  if (committed === null || end === null || committed.startsWith('-')) return null
  const lag = BigInt(end) - BigInt(committed)
  return String(lag > 0n ? lag : 0n)
}

const byPlace = (a, b) =>
  a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition

/**
 * What these groups have committed, each as kafkajs tells it, or an error; all of one coordinator in one request.
 * @param {any} client
 * @param {string[]} groupIds
 * @param {{ topic: string, partitions: number[] }[] | null} topics null = all
 * @returns {Promise<any[]>}
 */
const offsetsOf = async (client, groupIds, topics) => {
  const ask = async ids =>
    unwrap(
      await client.fetchGroupOffsets(
        ids.map(groupId => ({ groupId, topics })),
        false
      )
    )
  const told = await ask(groupIds)
  const results = resultsOfParts(
    told,
    groupIds,
    (answer, asked) =>
      asked.map((groupId, i) => toCommitted(groupId, answer[i] ?? LEFT_OUT, topics)),
    { operation: 'DESCRIBE' }
  )
  // Brokers before 3.0 are asked for one group at a time.
  if (groupIds.length > 1) {
    for (const [i, result] of results.entries()) {
      if (result.name !== 'KafkaJSServerDoesNotSupportApiKey') continue
      const [only] = await offsetsOf(client, [groupIds[i]], topics)
      results[i] = only
    }
  }
  return results
}

/** UNKNOWN_SERVER_ERROR: a group that the answer leaves out. */
const LEFT_OUT = { errorCode: -1, partitions: [] }

const toCommitted = (groupId, answer, topics) => {
  const { errorCode, partitions } = answer
  if (errorCode !== 0) return refusal(errorCode, { groupId, operation: 'DESCRIBE' })
  const byTopic = new Map((topics ?? []).map(({ topic }) => [topic, []]))
  for (const { topic, partition, offset, metadata, errorCode: code } of partitions) {
    if (code !== 0) return refusal(code, { groupId, topic, partition, operation: 'DESCRIBE' })
    if (!byTopic.has(topic)) byTopic.set(topic, [])
    byTopic.get(topic).push({ partition, offset, metadata: metadata || null })
  }
  return Array.from(byTopic, ([topic, found]) => ({
    topic,
    partitions: found.sort((a, b) => a.partition - b.partition)
  }))
}

/** @param {any} offset a number or a text; -1 and -2 stand for the end and the beginning @returns {string} */
const toOffset = offset => {
  const text = toInteger(offset, 'offset')
  if (BigInt(text) < -2n) invalid('Offset must not be a negative number')
  return text
}

const isRunning = (groupId, state) =>
  Object.assign(
    explained(
      withHelp(
        new KafkaJSNonRetriableError(
          `The consumer group must have no running instances, current state: ${state}`
        ),
        'administering'
      ),
      `group "${groupId}"`
    ),
    { groupId }
  )
