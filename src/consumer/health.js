// @ts-check
'use strict'

/** How a consumer is: what it does, what it waits for, how far it is. Whoever asks pays for the answer, and nobody else. */

const { byTopic } = require('../utils/offsets')
const { withLag } = require('./lag')

/**
 * @typedef {import('../..').ConsumerWait} Wait
 * @typedef {import('../..').ConsumerLag & { isPaused: boolean, wait: Wait | null }} Partition
 */

/**
 * @typedef {object} Snapshot
 * @property {import('../..').ConsumerHealth['state']} state
 * @property {string | null} memberId
 * @property {number | null} generationId
 * @property {number | null} lastHeartbeat ms since the epoch
 * @property {number | null} lastProgress ms since the epoch
 * @property {Wait | null} wait what everything waits for
 * @property {Partition[]} partitions
 */

/** What keeps a partition waiting that should be read, from the worst on. A handler at work is none. */
const TROUBLE = ['position', 'leader', 'fetch', 'hook']
/** What a partition waits for as a rule. */
const USUAL = ['handler', 'pull', 'back-off', 'delay']

/** As the engine would tell of a partition that nobody asks for: see `aside.js`. */
const ASIDE = {
  reason: 'taker',
  topic: null,
  partition: null,
  broker: null,
  error: null,
  lasted: null
}

/**
 * What a run does at this moment.
 * @param {import('./runner')} runner
 * @param {number} now ms since the epoch
 * @returns {Snapshot}
 */
const lookAt = (runner, now) => {
  const engine = runner.engine.health()
  const { partitions, lastHeartbeat, lastProgress, wait, state, memberId, generationId } = engine
  const ago = (/** @type {number | null} */ ms) => (ms === null ? null : now - ms)
  /** @param {any} told @param {{ topic: string, partition: number }} [of] @returns {Wait | null} */
  const waitOf = (told, of) => {
    if (told === null) return null
    const { lasted, ...rest } = told
    const open = runner.readUncommitted || !of ? null : openBehind(/** @type {any} */ (of))
    const reason = reasonOf(told.reason, runner, of?.topic)
    const { topic, partition } = told.topic === null && of ? of : told
    const about = { ...rest, reason, topic, partition, since: ago(lasted) }
    return {
      ...about,
      message: `${sentence(about, runner.groupId)}${(reason === 'messages' && open) || ''}`
    }
  }
  return {
    // Without a membership, commits go by no name.
    memberId: memberId || null,
    generationId: memberId ? generationId : null,
    state: /** @type {Snapshot['state']} */ (state),
    lastHeartbeat: ago(lastHeartbeat),
    lastProgress: ago(lastProgress),
    wait: waitOf(wait),
    partitions: partitions.map(({ progress, isPaused, wait: own }) => {
      const isAside = runner.puller?.aside.has(progress) ?? false
      return {
        ...withLag(progress, runner.readUncommitted),
        isPaused: isPaused && !isAside,
        wait: waitOf(isAside && wait === null ? ASIDE : own, wait === null ? progress : undefined)
      }
    })
  }
}

/**
 * Nothing is wrong with a transaction that is open, but somebody who waits for its messages looks for them.
 * @param {any} progress
 * @returns {string | null}
 */
const openBehind = ({ highWatermark, lastStableOffset }) =>
  highWatermark != null &&
  lastStableOffset != null &&
  BigInt(lastStableOffset) < BigInt(highWatermark)
    ? ` that can be: a transaction is open at offset ${lastStableOffset}, and hides what is behind it, up to ${highWatermark}`
    : null

/** @param {string} reason the engine's @param {import('./runner')} runner @param {string} [topic] @returns {Wait['reason']} */
const reasonOf = (reason, { puller, recovery }, topic) => {
  if (reason === 'handler' || reason === 'taker') return puller === null ? 'handler' : 'pull'
  if (reason === 'back-off' && topic !== undefined && recovery?.levels.has(topic)) return 'delay'
  return /** @type {Wait['reason']} */ (reason)
}

/** @param {Omit<Wait, 'message'>} wait @param {string} groupId */
const sentence = ({ reason, topic, partition, broker, error }, groupId) => {
  const where = topic === null ? '' : ` of "${topic}" partition ${partition}`
  const coordinator =
    broker === null
      ? `The coordinator of group "${groupId}"`
      : `Broker ${broker}, the coordinator of group "${groupId}",`
  switch (reason) {
    case 'coordinator':
      return `${coordinator} ${broker === null ? 'is not known' : 'has not answered'}`
    case 'group':
      return `${coordinator} waits for other members`
    case 'session':
      return `${coordinator} has not confirmed the session in time: nothing is handed out until it does`
    case 'commit':
      return `${coordinator} has not taken the offsets yet that are committed before partitions go`
    case 'assigner':
      return 'A partition assigner has not answered'
    case 'hook':
      return 'A rebalance hook has not ended'
    case 'position':
      return `The position${where} is not known yet`
    case 'leader':
      return `No broker leads the partition${where}`
    case 'fetch':
      return `Broker ${broker} does not give what is asked for${where}: ${error}`
    case 'pull':
      return 'There are messages, and the program has not asked for the next ones'
    case 'back-off':
      return `The handler${where} has failed, and is called again later`
    case 'delay':
      return `Messages${where}, a retry topic, wait for their time`
    case 'messages':
      return `All messages${where} are read`
    default:
      return `The handler${where} is at work`
  }
}

/**
 * What a consumer waits for, of what its partitions wait for: trouble first, then whatever lasts longest.
 * @param {Snapshot} snapshot
 * @returns {Wait | null}
 */
const waitOfAll = ({ wait, partitions }) => {
  if (wait !== null) return wait
  const waits = partitions.filter(({ isPaused }) => !isPaused).map(partition => partition.wait)
  const longest = (/** @type {string[]} */ reasons) =>
    waits
      .filter(one => one !== null && reasons.includes(one.reason))
      .sort((a, b) => (a?.since ?? Infinity) - (b?.since ?? Infinity))[0]
  const found = longest(TROUBLE) ?? longest(USUAL)
  if (found) return found
  const isRead = waits.length > 0 && waits.every(one => one?.reason === 'messages')
  return isRead ? waits[0] : null
}

/**
 * `consumer.health()`.
 * @param {import('./lifecycle')} lifecycle
 * @param {number} now ms since the epoch
 * @returns {import('../..').ConsumerHealth}
 */
const healthOf = ({ session, restart, groupId }, now) => {
  const group = groupId || null
  if (!session?.runner) {
    return { ...NOTHING, groupId: group, state: session ? 'connecting' : idleState(restart) }
  }
  const snapshot = lookAt(session.runner, now)
  const { memberId, generationId, lastHeartbeat, lastProgress, partitions } = snapshot
  return {
    state: session.isEnding ? 'stopping' : snapshot.state,
    groupId: group,
    memberId,
    generationId,
    assignment: byTopic(partitions, numberOf),
    paused: byTopic(
      partitions.filter(({ isPaused }) => isPaused),
      numberOf
    ),
    lastHeartbeat,
    lastProgress,
    waitsFor: waitOfAll(snapshot)
  }
}

/** Behind the end of a run. @param {import('./lifecycle')['restart']} restart @returns {import('../..').ConsumerHealth['state']} */
const idleState = restart => {
  if (restart === null || restart.cancelled) return 'stopped'
  return restart.timer === undefined ? 'crashed' : 'restarting'
}

const NOTHING = {
  memberId: null,
  generationId: null,
  assignment: [],
  paused: [],
  lastHeartbeat: null,
  lastProgress: null,
  waitsFor: null
}

/** @param {{ partition: number }} where */
const numberOf = ({ partition }) => partition

module.exports = { TROUBLE, healthOf, lookAt, waitOfAll }
