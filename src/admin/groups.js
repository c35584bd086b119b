// @ts-check
'use strict'

/** Groups, of whichever kind: listed, described, deleted; their members sent away. */

const { toDescription: toKnown } = require('../utils/groupDescription')
const { KafkaJSDeleteGroupsError, fromFailure, isFailure, unwrap, withFirst } = require('../errors')
const { failuresOf, isCurableChange } = require('./attempts')
const { about, invalid, json, named, refusal, said } = require('./refusals')
const { withPartitions } = require('./streams')
const { answersOf, eachOnce, resultsOfParts } = require('./told')
const { withHelp } = require('../help')
const { show } = require('../utils/show')

/** Error code of a group that does not exist, or is of another kind. */
const GROUP_ID_NOT_FOUND = 69

/** Error code of a member that the group does not have. */
const UNKNOWN_MEMBER_ID = 25

/** What a member's coordinator is told, and writes in its log. */
const REASON = 'removed by an administrator'

/** @param {{ attempts: import('./attempts').Attempts }} frame */
module.exports = ({ attempts }) => {
  const listGroups = async ({ states = [], types = [] } = {}) => {
    checkTexts(states, 'states')
    checkTexts(types, 'types')
    /** Those of the brokers that have answered. @type {any[]} */
    let groups = []
    try {
      await attempts.whole('list groups', async client => {
        const told = unwrap(await client.listGroups(states, types))
        const answers = told.filter(({ failure }) => !failure).map(({ answer }) => answer)
        const listed = answers.flatMap(answer => Array.from(answer?.groups ?? [], toListed))
        groups = eachOnce(listed, ({ groupId }) => groupId)
        for (const { errorCode } of answersOf(told)) {
          if (errorCode !== 0) throw refusal(errorCode, { operation: 'DESCRIBE' })
        }
      })
    } catch (e) {
      // On the error that is seen, which is another one when the retries are used up.
      throw Object.assign(e, { groups })
    }
    return { groups }
  }

  const describeGroups = async groupIds => {
    if (!Array.isArray(groupIds)) {
      const text = `groupIds has to be an array, received ${show(groupIds)}`
      throw withHelp(new TypeError(text), 'options-and-arguments')
    }
    checkGroupIds(groupIds)
    return { groups: await describe(attempts, groupIds) }
  }

  const deleteGroups = async groupIds => {
    if (!groupIds || !Array.isArray(groupIds)) invalid(`Invalid groupIds array ${named(groupIds)}`)
    const isWrong = groupIds.some(groupId => typeof groupId !== 'string')
    if (isWrong) invalid(`Invalid groupId name: ${isWrong}`)
    const unique = [...new Set(groupIds)]
    const results = await attempts.inParts(
      'delete groups',
      unique,
      async (client, wanted, { lost }) =>
        resultsOfParts(
          unwrap(await client.deleteGroups(wanted)),
          wanted,
          (answer, asked) => {
            const found = new Map(Array.from(answer, ({ name, errorCode }) => [name, errorCode]))
            return asked.map(groupId => {
              const errorCode = found.get(groupId) ?? 0
              // By an attempt of ours whose answer was lost.
              const isGone = lost && errorCode === GROUP_ID_NOT_FOUND
              if (errorCode === 0 || isGone) return { groupId, errorCode: 0 }
              return refusal(errorCode, { groupId, operation: 'DELETE' })
            })
          },
          { operation: 'DELETE' }
        )
    )
    const failed = results.flatMap((error, i) =>
      error instanceof Error
        ? [
            {
              groupId: unique[i],
              errorCode: codeOf(error),
              error: about(error, { groupId: unique[i] })
            }
          ]
        : []
    )
    if (failed.length > 0) {
      throw withFirst(
        new KafkaJSDeleteGroupsError('Error in DeleteGroups', failed),
        failed.map(({ error }) => error)
      )
    }
    return results
  }

  const removeMembersFromConsumerGroup = async ({ groupId, members, reason = REASON }) => {
    checkGroupId(groupId)
    if (members !== undefined && !Array.isArray(members)) {
      invalid(`Invalid members array ${named(members)}`)
    }
    const given = members ?? (await membersOf(attempts, groupId))
    const wanted = given.map(member => {
      const { memberId = '', groupInstanceId = null } = member ?? {}
      if (
        typeof memberId !== 'string' ||
        (memberId === '' && typeof groupInstanceId !== 'string')
      ) {
        invalid(`Invalid member, it has to have a memberId or a groupInstanceId: ${json(member)}`)
      }
      return { memberId, groupInstanceId }
    })
    if (wanted.length === 0) return []
    const results = await attempts.whole(
      'remove members',
      async (client, { lost }) => {
        const answer = await client.removeMembers(groupId, wanted, said(reason))
        // Brokers before 2.4 let members leave one by one.
        const removed = isUnsupported(answer)
          ? await oneByOne(client, groupId, wanted, said(reason))
          : toRemoved(unwrap(answer), groupId, wanted)
        // By an attempt of ours whose answer was lost.
        const isGone = ({ error }) => lost && error?.type === 'UNKNOWN_MEMBER_ID'
        return removed.map(({ error, ...who }) =>
          error === undefined || isGone({ error }) ? who : { ...who, error }
        )
      },
      { isCurable: isCurableChange }
    )
    return results
  }

  return { listGroups, describeGroups, deleteGroups, removeMembersFromConsumerGroup }
}

/**
 * The groups, in the order in which they were named, each by what its kind is: first all as classic groups; what has none of that name
 * is looked for among those of KIP-848, then among share groups, then among those of Kafka Streams.
 * @param {import('./attempts').Attempts} attempts
 * @param {string[]} groupIds
 * @returns {Promise<import('../..').GroupDescription[]>} rejects with the first error
 */
const describe = async (attempts, groupIds) => {
  const unique = [...new Set(groupIds)]
  /** @type {Map<string, any>} */
  const found = new Map()
  const look = async (type, ids) => {
    const groups = await attempts.inParts('describe groups', ids, async (client, wanted) =>
      resultsOfParts(
        unwrap(await client[KINDS[type]](wanted)),
        wanted,
        (answer, asked) => {
          const byId = new Map(Array.from(answer, group => [group.groupId, group]))
          return asked.map(groupId => judge(groupId, byId.get(groupId)))
        },
        { operation: 'DESCRIBE' }
      )
    )
    const error = failuresOf(groups).find(
      ({ name }) => name !== 'KafkaJSServerDoesNotSupportApiKey'
    )
    if (error) throw about(error, { groupId: ids[groups.indexOf(error)] })
    const known = groups.map(group => !(group instanceof Error) && !isUnknown(group))
    if (type === 'streams') {
      const whole = await withPartitions(
        attempts,
        groups.filter((_, i) => known[i])
      )
      whole.forEach(group => (groups[ids.indexOf(group.groupId)] = group))
    }
    ids.forEach((id, i) => {
      if (known[i] || (type === 'classic' && !(groups[i] instanceof Error))) {
        found.set(id, toDescription(groups[i], known[i] ? type : null))
      }
    })
    return ids.filter((_, i) => !known[i])
  }
  let rest = unique
  for (const type of Object.keys(KINDS)) {
    if (rest.length > 0) rest = await look(type, rest)
  }
  return groupIds.map(id => found.get(id))
}

/** Kinds of groups → who describes them. */
const KINDS = {
  classic: 'describeClassicGroups',
  consumer: 'describeConsumerGroups',
  share: 'describeShareGroups',
  streams: 'describeStreamsGroups'
}

/** The group, or what its coordinator has against describing it. */
const judge = (groupId, group) => {
  const { errorCode, errorMessage: brokerMessage } = group ?? { errorCode: UNKNOWN_SERVER_ERROR }
  if (errorCode === 0 || errorCode === GROUP_ID_NOT_FOUND) return group
  return refusal(errorCode, { groupId, operation: 'DESCRIBE', brokerMessage })
}

const isUnknown = ({ errorCode, state }) => errorCode === GROUP_ID_NOT_FOUND || state === 'Dead'

/** A group that the answer leaves out. */
const UNKNOWN_SERVER_ERROR = -1

/**
 * What kafkajs tells of a group; the rest of it is there, too, but not enumerable: programs compare descriptions with what they expect.
 * @param {any} group `NativeGroup`
 * @param {string | null} type
 */
const toDescription = (group, type) => {
  const { groupEpoch, assignmentEpoch } = group
  const topology = group.topology && toTopology(group.topology)
  const description = withHidden(
    { ...toKnown(group), errorCode: 0 },
    { type, groupEpoch, assignmentEpoch, topology }
  )
  description.members.forEach((member, i) => withHidden(member, hiddenOf(group.members[i])))
  return description
}

const hiddenOf = member => ({
  assignment: toAssignment(member.assignment),
  targetAssignment: toAssignment(member.targetAssignment),
  memberEpoch: member.memberEpoch,
  rackId: member.rackId,
  topics: member.topics && Array.from(member.topics),
  topicRegex: member.topicRegex,
  isClassic: member.isClassic,
  processId: member.processId,
  tasks: member.tasks && toTasks(member.tasks),
  targetTasks: member.targetTasks && toTasks(member.targetTasks)
})

const toTopology = ({ epoch, subtopologies }) => ({
  epoch,
  subtopologies: Array.from(subtopologies, part => ({
    subtopologyId: part.subtopologyId,
    sourceTopics: Array.from(part.sourceTopics),
    repartitionSourceTopics: Array.from(part.repartitionSourceTopics),
    repartitionSinkTopics: Array.from(part.repartitionSinkTopics),
    stateChangelogTopics: Array.from(part.stateChangelogTopics)
  }))
})

const toTasks = ({ active, standby, warmup }) => {
  const toIds = ({ subtopologyId, partitions }) => ({
    subtopologyId,
    partitions: Array.from(partitions)
  })
  return {
    active: Array.from(active, toIds),
    standby: Array.from(standby, toIds),
    warmup: Array.from(warmup, toIds)
  }
}

/** @returns {{ topic: string, partitions: number[] }[] | null} */
const toAssignment = topics =>
  topics &&
  Array.from(topics, ({ topic, partitions }) => ({ topic, partitions: Array.from(partitions) }))

const toListed = ({ groupId, protocolType, state, type }) =>
  withHidden({ groupId, protocolType }, { state: state || null, type: type || null })

const withHidden = (object, hidden) => {
  for (const [key, value] of Object.entries(hidden)) {
    Object.defineProperty(object, key, { value, writable: true, configurable: true })
  }
  return object
}

const membersOf = async (attempts, groupId) => {
  const [{ members }] = await describe(attempts, [groupId])
  return members.map(({ memberId, groupInstanceId }) =>
    groupInstanceId ? { groupInstanceId } : { memberId }
  )
}

/** @param {any} client @param {string} groupId @param {any[]} members @param {string} reason */
const oneByOne = async (client, groupId, members, reason) => {
  const removed = []
  for (const member of members) {
    const answer = await client.removeMembers(groupId, [member], reason)
    // They do not know static members either.
    if (isUnsupported(answer)) removed.push({ ...toMember(member), error: fromFailure(answer) })
    else removed.push(...toRemoved(unwrap(answer), groupId, [member]))
  }
  return removed
}

const isUnsupported = answer => isFailure(answer) && answer.failure === 'unsupported-api'

/** What came of each member: with an `error`, or without. Throws what is wrong with the whole. */
const toRemoved = ({ errorCode, members }, groupId, wanted) => {
  const told = Array.from(members)
  // Below v3 a member's is the answer's.
  if (told.length === 0 && errorCode === UNKNOWN_MEMBER_ID) told.push({ ...wanted[0], errorCode })
  // The first error of a member is the answer's, too.
  if (errorCode !== 0 && !told.some(member => member.errorCode === errorCode)) {
    throw refusal(errorCode, { groupId, operation: 'READ' })
  }
  return wanted.map(({ memberId, groupInstanceId }) => {
    const answer = told.find(
      member =>
        (memberId !== '' && member.memberId === memberId) ||
        (groupInstanceId !== null && member.groupInstanceId === groupInstanceId)
    )
    const who = toMember({ memberId, groupInstanceId })
    const code = answer?.errorCode ?? 0
    return code === 0 ? who : { ...who, error: refusal(code, { groupId, operation: 'READ' }) }
  })
}

const toMember = ({ memberId, groupInstanceId }) => ({
  ...(memberId && { memberId }),
  ...(groupInstanceId && { groupInstanceId })
})

const codeOf = error => (typeof error.code === 'number' ? error.code : UNKNOWN_SERVER_ERROR)

const checkGroupId = groupId => {
  if (!groupId || typeof groupId !== 'string') invalid(`Invalid groupId ${named(groupId)}`)
}

const checkGroupIds = groupIds => {
  const wrong = groupIds.findIndex(groupId => typeof groupId !== 'string')
  if (wrong >= 0) invalid(`Invalid groupId ${named(groupIds[wrong])}`)
}

const checkTexts = (texts, what) => {
  if (!Array.isArray(texts) || texts.some(text => typeof text !== 'string')) {
    invalid(`Invalid ${what}, they have to be an array of strings`)
  }
}

module.exports.checkGroupId = checkGroupId
module.exports.describe = describe
