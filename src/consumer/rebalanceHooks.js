// @ts-check
'use strict'

/**
 * The user's rebalance hooks. The engine decides when one is to be called and waits for its end; it asks for one at a time.
 */

const { Backoff, isRetriable } = require('../retry')
const { KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded } = require('../errors')
const { causesOf, readable } = require('../utils/thrown')

/** What a commit is refused with when the group has gone on without us: that is no fault of the hook. */
const GROUP_WENT_ON = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'])

/** @typedef {'onPartitionsAssigned' | 'onPartitionsRevoked' | 'onPartitionsLost'} HookName */
/** @typedef {Partial<Record<HookName, import('../..').RebalanceHook | null>>} Given */

class RebalanceHooks {
  /**
   * @param {{
   *   engine: import('../native').NativeConsumer,
   *   given: Given,
   *   handlers: import('./handlers'),
   *   consumerGroup: import('./consumerGroup').ConsumerGroup,
   *   commits: import('./commits').Commits,
   *   groupId: string,
   *   logger: import('../..').Logger,
   *   retry: any
   * }} parts
   */
  constructor({ engine, given, handlers, consumerGroup, commits, groupId, logger, retry }) {
    this.engine = engine
    this.given = given
    this.handlers = handlers
    this.consumerGroup = consumerGroup
    this.groupId = groupId
    this.logger = logger
    this.retry = retry
    this.helpers = { uncommittedOffsets: () => commits.uncommittedOffsets() }
    /** What a hook threw: the engine crashes with its text, the user gets the error itself. @type {Error | null} */
    this.error = null
  }

  /** @param {{ job: number, hook: HookName, partitions: import('../native').NativeTopicPartitions[] }} event */
  async call({ job, hook, partitions }) {
    const { given, engine } = this
    // As in Java: who does not tell the two apart hears of both.
    const call = given[hook] ?? given.onPartitionsRevoked
    const entries = partitions.map(entry => ({ ...entry, partitions: [...entry.partitions] }))
    const argument = this.consumerGroup.inOrder(entries)
    try {
      // By the name of a handler: its `stop()` must not wait for itself.
      await this.handlers.named(async () => {
        // By `await` alone the chain of callers is kept.
        await call?.(argument, { ...this.helpers })
      })()
      engine.completeHook(job, null)
    } catch (error) {
      engine.completeHook(job, this.failed(hook, error))
    }
  }

  /**
   * @param {HookName} hook
   * @param {any} thrown
   * @returns {string | null} null: the consumer goes on
   * @private
   */
  failed(hook, thrown) {
    const { groupId, logger, retry } = this
    const error = readable(thrown, hook)
    const { message = String(error), stack } = error
    if (hasGoneOn(error)) {
      logger.warn(`${hook}: the group has gone on without us: ${message}`, { groupId })
      return null
    }
    logger.error(`Error when calling ${hook}: ${message}`, { groupId, stack, error })
    this.error = isRetriable(error)
      ? new KafkaJSNumberOfRetriesExceeded(error, new Backoff(retry))
      : new KafkaJSNonRetriableError(error, { cause: error })
    return `${hook}: ${message}`
  }
}

/** @param {any} error */
const hasGoneOn = error => causesOf(error).some(({ type }) => GROUP_WENT_ON.has(type))

/**
 * Which of them the engine is to ask for.
 * @param {Given} given
 * @returns {import('../native').NativeConsumerOptions['hooks']}
 */
const toNativeHooks = ({ onPartitionsAssigned, onPartitionsRevoked, onPartitionsLost }) => ({
  assigned: Boolean(onPartitionsAssigned),
  revoked: Boolean(onPartitionsRevoked),
  lost: Boolean(onPartitionsLost ?? onPartitionsRevoked)
})

module.exports = { RebalanceHooks, toNativeHooks }
