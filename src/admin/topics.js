// @ts-check
'use strict'

/** Topics: listed, described, made, made larger, deleted. */

const { KafkaJSCreateTopicError, KafkaJSTimeout, unwrap } = require('../errors')
const { sleep } = require('../retry')
const { show } = require('../utils/show')
const { failuresOf, isCurableChange } = require('./attempts')
const { about, invalid, named, refusal, toInt32, together, toTimeout } = require('./refusals')

/** How long a broker may take to make or delete something, ms. */
const TIMEOUT = 5000

/** How long brokers may take to know what the controller has decided, without a `timeout`, ms; how often they are asked, first and last. */
const SETTLE_TIMEOUT = 10000
const SETTLE_FIRST = 10
const SETTLE_LAST = 100

const NOT_READY = ['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']

/**
 * @param {{ cluster: import('../cluster'), attempts: import('./attempts').Attempts, logger: import('../..').Logger }} frame
 */
module.exports = ({ cluster, attempts, logger }) => {
  const listTopics = () =>
    attempts.whole('list topics', async client => [...unwrap(await client.listTopics())])

  const fetchTopicMetadata = async ({ topics = [] } = {}) => {
    if (topics != null && !Array.isArray(topics)) invalid(`Invalid topics array ${named(topics)}`)
    for (const topic of topics ?? []) {
      if (!topic || typeof topic !== 'string') invalid(`Invalid topic ${named(topic)}`)
    }
    return attempts.ofTopics('fetch topic metadata', async () => {
      const { topicMetadata } = await cluster.brokerPool.ask(topics ?? [])
      const refused = topicMetadata.find(({ topicErrorCode }) => topicErrorCode !== 0)
      // Of those that nobody has asked for it would be an answer to another question.
      if (!refused || !topics?.length) return { topics: topicMetadata.map(toTopic) }
      throw refusal(refused.topicErrorCode, { topic: refused.topic, operation: 'DESCRIBE' })
    })
  }

  const createTopics = async ({ topics, validateOnly = false, timeout, waitForLeaders = true }) => {
    checkNewTopics(topics)
    const wait = toTimeout(timeout ?? TIMEOUT)
    const made = new Map(topics.map(entry => [entry, toNative(entry)]))
    const results = await attempts.inParts(
      'create topics',
      topics,
      async (client, wanted, { lost }) => {
        const answers = unwrap(
          await client.createTopics(
            wanted.map(entry => made.get(entry)),
            wait,
            Boolean(validateOnly)
          )
        )
        return byName(wanted, answers, ({ errorCode, errorMessage }, { topic }) => {
          const error = refusal(errorCode, {
            topic,
            operation: 'CREATE',
            brokerMessage: errorMessage
          })
          // By an attempt of ours whose answer was lost.
          if (lost && !validateOnly && error.type === 'TOPIC_ALREADY_EXISTS') return true
          return (
            errorCode === 0 ||
            about(new KafkaJSCreateTopicError(error, topic), { brokerMessage: errorMessage })
          )
        })
      },
      { isCurable: isCurableChange }
    )
    const errors = failuresOf(results)
    if (errors.length > 0) {
      if (errors.every(({ type }) => type === 'TOPIC_ALREADY_EXISTS')) {
        logger.debug('All topics that were not created exist already', {
          topics: errors.map(({ topic }) => topic)
        })
        return false
      }
      throw together('Topic creation errors', errors.sort(byTopic))
    }
    if (waitForLeaders && !validateOnly) {
      const names = topics.map(({ topic }) => topic)
      const isLed = metadata => !metadata.some(isWithoutLeader)
      if (!(await settled(names, isLed, timeout == null ? SETTLE_TIMEOUT : wait))) {
        throw new KafkaJSTimeout('Timed out while waiting for topic leaders')
      }
    }
    return true
  }

  /**
   * Brokers know a moment later what the controller has decided: asks for these topics until it shows.
   * @param {string[]} topics
   * @param {(topicMetadata: any[]) => boolean} shows
   * @param {number} timeout ms
   * @returns {Promise<boolean>} does it?
   */
  const settled = (topics, shows, timeout) =>
    cluster.untilDisconnected(async signal => {
      const end = Date.now() + timeout
      for (let wait = SETTLE_FIRST; ; wait = Math.min(2 * wait, SETTLE_LAST)) {
        const isLast = Date.now() + wait > end
        try {
          const { topicMetadata } = await cluster.brokerPool.ask(topics)
          if (shows(topicMetadata)) return true
          if (isLast) return false
        } catch (e) {
          // What the controller has done is done, whoever breaks off then.
          if (isLast || e.retriable !== true) throw e
        }
        await sleep(wait, signal)
      }
    })

  const deleteTopics = async ({ topics, timeout }) => {
    if (!topics || !Array.isArray(topics)) invalid(`Invalid topics array ${named(topics)}`)
    const wrong = topics.findIndex(topic => typeof topic !== 'string')
    if (wrong >= 0) {
      invalid(
        'Invalid topics array, the names must be a valid string',
        `received ${show(topics[wrong])}`
      )
    }
    const wait = toTimeout(timeout ?? TIMEOUT)
    const results = await attempts.inParts(
      'delete topics',
      // A broker refuses a request that names one twice.
      Array.from(new Set(topics), topic => ({ topic })),
      async (client, wanted, { lost }) => {
        const answers = unwrap(
          await client.deleteTopics(
            wanted.map(({ topic }) => topic),
            wait
          )
        )
        return byName(wanted, answers, ({ errorCode, errorMessage }, { topic }) => {
          const error = refusal(errorCode, {
            topic,
            operation: 'DELETE',
            brokerMessage: errorMessage
          })
          const isGone = lost && error.type === 'UNKNOWN_TOPIC_OR_PARTITION'
          return errorCode === 0 || isGone || error
        })
      },
      { isCurable: isCurableChange }
    )
    for (const topic of topics) cluster.targetTopics.delete(topic)
    const [error] = failuresOf(results)
    if (error?.type === 'REQUEST_TIMED_OUT') {
      logger.error(
        'Could not delete topics, check if "delete.topic.enable" is set to "true" (the default value is "false") or increase the timeout',
        { error: error.message }
      )
    }
    if (error) throw error
  }

  const createPartitions = async ({ topicPartitions, validateOnly = false, timeout }) => {
    checkMorePartitions(topicPartitions)
    const wait = toTimeout(timeout ?? TIMEOUT)
    const increased = new Map(topicPartitions.map(entry => [entry, toIncrease(entry)]))
    const results = await attempts.inParts(
      'create partitions',
      topicPartitions,
      async (client, wanted, { lost }) => {
        const more = wanted.map(entry => increased.get(entry))
        const answers = unwrap(await client.createPartitions(more, wait, Boolean(validateOnly)))
        const came = byName(wanted, answers, ({ errorCode, errorMessage }, { topic }) => {
          const what = { topic, operation: 'ALTER', brokerMessage: errorMessage }
          return errorCode === 0 || refusal(errorCode, what)
        })
        if (!lost || validateOnly) return came
        // By an attempt of ours whose answer was lost.
        return Promise.all(
          came.map(async (result, i) => {
            const isRefused = result.type === 'INVALID_PARTITIONS'
            return (isRefused && (await hasPartitions(wanted[i], wait))) || result
          })
        )
      },
      { isCurable: isCurableChange }
    )
    const [error] = failuresOf(results)
    if (error) throw error
  }

  /** Does the topic have as many partitions, no less and no more? @param {any} wanted @param {number} timeout ms */
  const hasPartitions = async ({ topic, count }, timeout) => {
    let has = 0
    const shows = topicMetadata => {
      const [{ topicErrorCode, partitionMetadata }] = topicMetadata
      has = partitionMetadata.length
      return topicErrorCode !== 0 || has >= Number(count)
    }
    await settled([topic], shows, timeout)
    return has === Number(count)
  }

  return { listTopics, fetchTopicMetadata, createTopics, deleteTopics, createPartitions }
}

const toTopic = ({ topic, partitionMetadata }) => ({ name: topic, partitions: partitionMetadata })

/** @param {any} metadata of a topic */
const isWithoutLeader = ({ topicErrorCode, partitionMetadata }) =>
  (topicErrorCode !== 0 && NOT_READY.includes(refusal(topicErrorCode).type)) ||
  partitionMetadata.some(({ leader }) => leader < 0)

const toNative = ({
  topic,
  numPartitions,
  replicationFactor,
  replicaAssignment,
  configEntries
}) => {
  const where = `for topic "${topic}"`
  const assignments = replicaAssignment ?? []
  if (!Array.isArray(assignments)) invalid(`Invalid replicaAssignment ${where}, must be an array`)
  // A broker refuses both beside an assignment.
  const isAssigned = assignments.length > 0
  return {
    name: topic,
    numPartitions: isAssigned ? -1 : toInt32(numPartitions ?? -1, `numPartitions ${where}`),
    replicationFactor: isAssigned
      ? -1
      : toInt32(replicationFactor ?? -1, `replicationFactor ${where}`),
    assignments: assignments.map(entry => ({
      partition: toInt32(entry?.partition, `partition of the replicaAssignment ${where}`),
      replicas: toBrokers(entry?.replicas, where)
    })),
    configs: (configEntries ?? []).map(({ name, value }) => ({ name, value }))
  }
}

const toIncrease = ({ topic, count, assignments }) => {
  const where = `for topic "${topic}"`
  if (assignments != null && !Array.isArray(assignments)) {
    invalid(`Invalid assignments ${where}, must be an array`)
  }
  return {
    name: topic,
    count: toInt32(count, `count ${where}`),
    assignments: assignments?.length ? assignments.map(entry => toBrokers(entry, where)) : null
  }
}

/** @param {any} replicas ids of brokers @param {string} where */
const toBrokers = (replicas, where) => {
  if (!Array.isArray(replicas)) invalid(`Invalid replicas ${where}: ${show(replicas)}`)
  return replicas.map(id => toInt32(id, `replica ${where}`))
}

/**
 * What came of each topic, in the order in which they were asked for. A broker that leaves one out has nothing against it.
 * @param {{ topic: string }[]} wanted
 * @param {any[]} answers `NativeResult`
 * @param {(answer: any, wanted: any) => any} toResult
 */
const byName = (wanted, answers, toResult) => {
  const found = new Map(Array.from(answers, answer => [answer.name, answer]))
  return wanted.map(part => {
    const answer = found.get(part.topic)
    return answer === undefined ? true : toResult(answer, part)
  })
}

const byTopic = (a, b) => a.topic.localeCompare(b.topic)

const checkNewTopics = topics => {
  if (!topics || !Array.isArray(topics)) invalid(`Invalid topics array ${named(topics)}`)
  checkNames(topics, 'topics array')
  for (const { topic, configEntries } of topics) {
    if (configEntries == null) continue
    const where = `Invalid configEntries for topic "${topic}"`
    if (!Array.isArray(configEntries)) invalid(`${where}, must be an array`)
    configEntries.forEach((entry, index) => {
      if (typeof entry !== 'object' || entry == null) {
        invalid(`${where}. Entry ${index} must be an object`)
      }
      for (const property of ['name', 'value']) {
        if (typeof entry[property] !== 'string') {
          invalid(
            `${where}. Entry ${index} must have a valid "${property}" property`,
            `a text, received ${show(entry[property])}`
          )
        }
      }
    })
  }
}

const checkMorePartitions = topicPartitions => {
  if (!topicPartitions || !Array.isArray(topicPartitions)) {
    invalid(`Invalid topic partitions array ${named(topicPartitions)}`)
  }
  if (topicPartitions.length === 0) invalid('Empty topic partitions array')
  checkNames(topicPartitions, 'topic partitions array')
}

/** @param {any[]} entries with a `topic` @param {string} what */
const checkNames = (entries, what) => {
  const at = entries.findIndex(entry => typeof entry?.topic !== 'string')
  if (at >= 0) {
    const wrong = entries[at]
    const received =
      typeof wrong === 'object' && wrong !== null ? `topic: ${show(wrong.topic)}` : show(wrong)
    invalid(
      `Invalid ${what}, the topic names have to be a valid string`,
      `expected { topic: "orders" }, received ${received}`
    )
  }
  if (new Set(entries.map(({ topic }) => topic)).size < entries.length) {
    invalid(`Invalid ${what}, it cannot have multiple entries for the same topic`)
  }
}

module.exports.checkNames = checkNames
