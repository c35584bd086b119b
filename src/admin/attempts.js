// @ts-check
'use strict'

/**
 * How calls of an admin client are tried again, by its `retry` option: whatever another attempt may cure is worth one. kafkajs tries
 * again only when the controller has moved. An attempt looks its brokers up anew, so it finds a controller, leader or coordinator that
 * has moved.
 */

const { Backoff, createRetry, sleep } = require('../retry')
const { KafkaJSNumberOfRetriesExceeded, wordsOf } = require('../errors')
const { about } = require('./refusals')

/** @typedef {import('../native').NativeClient} NativeClient */
/** @typedef {(error: any) => boolean} IsCurable */

/** May another attempt at a question go better? @type {IsCurable} */
const isCurable = error =>
  error.retriable === true ||
  // What has been looked up in vain may be found later, if so its cause says.
  (error.name === 'KafkaJSGroupCoordinatorNotFound' && error.cause?.retriable === true)

/**
 * May another attempt at a change go better? Not if the time was too short, for the change may still be made; and the controller knows
 * which topics there are.
 * @type {IsCurable}
 */
const isCurableChange = error =>
  isCurableIfKnown(error) &&
  error.name !== 'KafkaJSRequestTimeoutError' &&
  error.type !== 'REQUEST_TIMED_OUT'

/** As `isCurable`, of a question about a topic that may not exist. @type {IsCurable} */
const isCurableIfKnown = error => isCurable(error) && error.type !== UNKNOWN_TOPIC

const UNKNOWN_TOPIC = 'UNKNOWN_TOPIC_OR_PARTITION'

/** A topic that was just made is unknown to brokers that are behind, or led by none of them: they are asked again after these, ms. */
const BEHIND_AGAIN = [50, 150]

/** @param {any} error */
const isUnknown = ({ type }) => type === UNKNOWN_TOPIC

/** @param {any} error */
const isBehind = error => isUnknown(error) || error.type === 'NOT_LEADER_FOR_PARTITION'

/**
 * Does it again, without a word, while brokers are behind: nothing is wrong yet.
 * @template T
 * @param {() => Promise<T>} work
 * @param {{ mayPass: (error: any) => boolean, waits: number[], signal: import('../utils/interruption').Signal }} options `waits`: what is left of BEHIND_AGAIN for this call
 * @returns {Promise<T>}
 */
const patiently = async (work, { mayPass, waits, signal }) => {
  for (;;) {
    try {
      return await work()
    } catch (e) {
      const wait = mayPass(e) ? waits.shift() : undefined
      if (wait === undefined) throw e
      await sleep(wait, signal)
    }
  }
}

/** The answer to a request was lost: what it asked for may have been done. */
const isLost = error =>
  error.name === 'KafkaJSConnectionClosedError' || error.name === 'KafkaJSRequestTimeoutError'

/** Where the look-up of a coordinator was refused for good, that is the error, as in kafkajs. @param {any} result */
const withoutLookUp = result => {
  const { name, cause, groupId, transactionalId } = result ?? {}
  if (name !== 'KafkaJSGroupCoordinatorNotFound' || cause?.type === undefined) return result
  return cause.retriable === true ? result : about(cause, { groupId, transactionalId })
}

/** @param {any[]} results of `inParts` @returns {any[]} the errors, in order */
const failuresOf = results => results.filter(result => result instanceof Error)

class Attempts {
  /** @param {{ cluster: import('../cluster'), retry: any, logger: import('../..').Logger }} options */
  constructor({ cluster, retry, logger }) {
    this.cluster = cluster
    this.retry = retry
    this.logger = logger
  }

  /**
   * Until it succeeds, fails for good, or the retries are used up.
   * @template T
   * @param {string} what for the log: "create topics"
   * @param {(client: NativeClient, attempt: { lost: boolean }) => Promise<T>} work `lost`: an earlier attempt may have been carried out
   * @param {{ isCurable?: IsCurable }} [options]
   * @returns {Promise<T>} rejects with the error as it is, or with KafkaJSNumberOfRetriesExceeded when the retries are used up
   */
  whole(what, work, { isCurable: curable = isCurable } = {}) {
    const { cluster, retry, logger } = this
    let lost = false
    const waits = [...BEHIND_AGAIN]
    const mayPass = (/** @type {any} */ caught) => {
      const e = withoutLookUp(caught)
      return curable(e) && isBehind(e)
    }
    // A call connects by itself, also behind a disconnect(): as in kafkajs.
    cluster.reopen()
    return cluster.untilDisconnected(signal =>
      createRetry(retry, { signal, mayRetry: curable })(async (bail, retryCount, retryTime) => {
        const attempt = async () => work(await cluster.connected(), { lost })
        try {
          return await patiently(attempt, { mayPass, waits, signal })
        } catch (caught) {
          const e = withoutLookUp(caught)
          lost ||= isLost(e)
          if (curable(e)) {
            logger.warn(`Could not ${what}`, { error: wordsOf(e), retryCount, retryTime })
          } else bail(e)
          throw e
        }
      })
    )
  }

  /**
   * As `whole`, about topics that may not exist: that is the answer when brokers say so for a while.
   * @template T
   * @param {string} what
   * @param {(client: NativeClient) => Promise<T>} work
   * @returns {Promise<T>}
   */
  ofTopics(what, work) {
    const waits = [...BEHIND_AGAIN]
    const patient = client => {
      const { signal } = this.cluster.closed
      return patiently(() => work(client), { mayPass: isUnknown, waits, signal })
    }
    return this.whole(what, patient, { isCurable: isCurableIfKnown })
  }

  /**
   * As `whole`, of many things at once, where each may fail by itself: another attempt asks only for those that it may cure.
   * @template Part
   * @param {string} what
   * @param {Part[]} parts
   * @param {(client: NativeClient, parts: Part[], attempt: { lost: boolean }) => Promise<any[]>} work what came of each, in order: an Error, or anything else
   * @param {{ isCurable?: IsCurable }} [options]
   * @returns {Promise<any[]>} what came of each in the end, in order: an Error, or anything else; rejects with what has failed for all of them
   */
  async inParts(what, parts, work, { isCurable: curable = isCurable } = {}) {
    const results = new Array(parts.length)
    let pending = parts.map((_, i) => i)
    let last
    const attempt = async (client, how) => {
      const wanted = pending
      const answers = await work(
        client,
        wanted.map(i => parts[i]),
        how
      )
      wanted.forEach((i, k) => (results[i] = withoutLookUp(answers[k])))
      pending = wanted.filter(i => results[i] instanceof Error && curable(results[i]))
      if (pending.length > 0) throw (last = results[pending[0]])
    }
    try {
      await this.whole(what, attempt, { isCurable: curable })
    } catch (e) {
      // Those that no attempt has cured have their last error.
      if (last === undefined || e.cause !== last) throw e
    }
    return results
  }

  /**
   * As `inParts`, of partitions that may not exist: that is the answer when brokers say so for a while.
   * @template Part
   * @param {string} what
   * @param {Part[]} parts
   * @param {(client: NativeClient, parts: Part[]) => Promise<any[]>} work
   * @returns {Promise<any[]>}
   */
  inPartsOfTopics(what, parts, work) {
    const patient = async (client, wanted) => {
      const results = await work(client, wanted)
      for (const wait of BEHIND_AGAIN) {
        const unknown = wanted.map((_, i) => i).filter(i => results[i]?.type === UNKNOWN_TOPIC)
        if (unknown.length === 0) break
        await sleep(wait, this.cluster.closed.signal)
        const again = await work(
          client,
          unknown.map(i => wanted[i])
        )
        unknown.forEach((i, k) => (results[i] = again[k]))
      }
      return results
    }
    return this.inParts(what, parts, patient, { isCurable: isCurableIfKnown })
  }

  /** What a call ends with when all its retries could not cure this. @param {any} error */
  exceeded(error) {
    const backoff = new Backoff(this.retry)
    backoff.spend()
    return new KafkaJSNumberOfRetriesExceeded(error, backoff)
  }
}

module.exports = { Attempts, failuresOf, isCurableChange }
