// @ts-check
'use strict'

/** Programs of random calls of an admin client. What takes five seconds of kafkajs, to write offsets of a group, is not among them. */

const parts = require('./parts')
const { call, createDice, on, RETRY } = require('./programs')
const { list, lit, lits, named, object } = parts

/** @typedef {import('./parts').Part} Part */

const ENTRIES = ['retention.ms', 'cleanup.policy', 'no.such']

/** @param {import('./programs').Dice} dice @returns {Record<string, () => Part[]>} the arguments of each method */
const methodsOf = dice => {
  const { chance, maybe, or, pick, some } = dice
  const oneOf = (/** @type {any[]} */ ...values) => pick(lits(...values))
  const topic = () =>
    or(() => pick([named('one'), named('three'), named('new'), named('missing')]), 0.05)
  const known = () => pick(chance(0.1) ? parts.TOPICS.odd : parts.TOPICS.good)
  const group = () => or(() => pick([named('group'), named('group'), named('nobody')]), 0.05)
  const partition = () => pick(chance(0.1) ? parts.PARTITIONS.odd : parts.PARTITIONS.good)
  const flag = () => maybe(0.3, () => oneOf(true, false, undefined, 0, 1, '', 'x'))
  const timeout = () => maybe(0.2, () => oneOf(undefined, 5000, 10000, '5000', 'x', NaN))
  const count = (/** @type {any[]} */ ...good) =>
    chance(0.1) ? oneOf('1', 'x', 0, -2, 1.5, NaN, 2 ** 31) : oneOf(...good)
  const texts = (/** @type {string[]} */ names) => or(() => some(0, 2, () => oneOf(...names)))
  const replicas = () => list([count(1, 1, 2)])
  const config = () =>
    object({
      name: or(() => oneOf(...ENTRIES)),
      value: or(() => oneOf('1000', 'delete', 'x', ''))
    })
  const resource = (/** @type {Record<string, Part | undefined>} */ more) =>
    or(
      () =>
        object({
          type: chance(0.05) ? oneOf(undefined, null, '2', 0, 1, 3, -1) : oneOf(2, 2, 4, 8),
          name: or(() => pick([named('one'), named('three'), lit('1'), named('missing')])),
          ...more
        }),
      0.02
    )
  const rule = () =>
    object({
      resourceType: oneOf(2, 3, 4, 2, 0, 1, 99, '2', undefined),
      resourceName: pick([named('one'), ...lits('*', '', undefined, null, 7)]),
      resourcePatternType: oneOf(3, 4, 3, 1, 2, 0, 99, '3', undefined),
      principal: oneOf('User:alice', 'User:alice', 'alice', '', undefined, null, 7),
      host: oneOf('*', '*', '', undefined, null, 7),
      operation: oneOf(4, 3, 2, 1, 0, 99, '4', undefined),
      permissionType: oneOf(3, 2, 3, 1, 0, 99, '3', undefined)
    })
  /** @param {Record<string, Part | undefined>} options */
  const args = options => [or(() => object(options), 0.03)]

  return {
    listTopics: () => [],
    describeCluster: () => (chance(0.8) ? [] : [pick(parts.WRONG)]),
    listGroups: () => (chance(0.8) ? [] : [pick(parts.WRONG)]),
    createTopics: () => {
      const assignment = () => object({ partition: partition(), replicas: replicas() })
      const entry = () =>
        object({
          topic: pick(
            chance(0.1) ? parts.TOPICS.odd : [named('new'), named('newer'), named('one')]
          ),
          numPartitions: maybe(0.5, () => count(1, 2, -1)),
          replicationFactor: maybe(0.4, () => count(1, -1)),
          replicaAssignment: maybe(0.2, () => some(0, 2, assignment)),
          configEntries: maybe(0.3, () => or(() => some(0, 2, () => or(config))))
        })
      const topics = or(() => some(0, 2, () => or(entry, 0.02)))
      return args({ topics, validateOnly: flag(), waitForLeaders: flag(), timeout: timeout() })
    },
    deleteTopics: () =>
      args({
        topics: or(() => some(0, 1, () => pick([named('new'), named('newer'), named('missing')]))),
        timeout: timeout()
      }),
    createPartitions: () => {
      const entry = () =>
        object({
          topic: topic(),
          count: count(1, 2, 4, 5),
          assignments: maybe(0.2, () => some(0, 2, replicas))
        })
      const topicPartitions = or(() => some(0, 1, () => or(entry, 0.02)))
      return args({ topicPartitions, validateOnly: flag(), timeout: timeout() })
    },
    fetchTopicMetadata: () => args({ topics: or(() => some(1, 2, known)) }),
    fetchTopicOffsets: () => [known()],
    fetchTopicOffsetsByTimestamp: () => [
      known(),
      chance(0.2)
        ? pick(parts.TIMESTAMPS.odd)
        : oneOf(0, 1700000000000, '1700000000000', undefined, 4e12)
    ],
    fetchOffsets: () =>
      args({ groupId: group(), topics: maybe(0.6, () => or(() => some(0, 2, known))) }),
    describeGroups: () => [or(() => some(0, 3, group))],
    deleteGroups: () => [or(() => some(0, 2, group))],
    deleteTopicRecords: () => {
      const entry = () =>
        object({ partition: partition(), offset: oneOf('0', '1', 1, '2', '-1', '9', 'x', -2) })
      return args({ topic: known(), partitions: or(() => some(0, 2, () => or(entry, 0.02))) })
    },
    describeConfigs: () => {
      const entry = () => resource({ configNames: maybe(0.6, () => texts(ENTRIES)) })
      return args({ resources: or(() => some(0, 2, entry)), includeSynonyms: flag() })
    },
    alterConfigs: () => {
      const entry = () => resource({ configEntries: or(() => some(0, 2, () => or(config))) })
      return args({ resources: or(() => some(0, 1, entry)), validateOnly: flag() })
    },
    createAcls: () => args({ acl: or(() => some(0, 2, () => or(rule, 0.02))) }),
    describeAcls: () => [or(rule)],
    deleteAcls: () => args({ filters: or(() => some(0, 2, () => or(rule, 0.02))) }),
    alterPartitionReassignments: () => {
      const assignment = () => object({ partition: partition(), replicas: replicas() })
      const entry = () =>
        object({ topic: topic(), partitionAssignment: or(() => some(0, 1, assignment)) })
      return args({ topics: or(() => some(0, 1, () => or(entry, 0.02))), timeout: timeout() })
    },
    listPartitionReassignments: () => {
      const entry = () => object({ topic: topic(), partitions: or(() => some(0, 2, partition)) })
      const topics = maybe(0.7, () => or(() => some(0, 2, () => or(entry, 0.02))))
      return args({ topics, timeout: timeout() })
    }
  }
}

/** @param {number} seed @returns {import('./programs').Program} */
const adminProgram = seed => {
  const dice = createDice(seed)
  const { below, between, chance, pick } = dice
  const methods = methodsOf(dice)
  const steps = chance(0.5) ? [call('admin', 'connect')] : []
  for (let left = between(5, 12); left > 0; left--) {
    const roll = below(100)
    if (roll < 3) steps.push(call('admin', 'disconnect'))
    else if (roll < 6) steps.push(on(dice, 'admin'))
    else {
      const method = pick(Object.keys(methods))
      steps.push(call('admin', method, ...methods[method]()))
    }
  }
  return { client: 'admin', options: object({ retry: RETRY }), steps }
}

module.exports = { adminProgram }
