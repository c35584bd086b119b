// @ts-check
'use strict'

/**
 * From `run()` to the end of it, and over again after a crash.
 *
 *            run()          joined
 *   idle ──────────► joining ──────► running
 *    ▲  ▲               │               │
 *    │  └─ STOP ─── stopping ◄──────────┘  stop(), disconnect()
 *    │                  ▲
 *    │                  │ a failure: STOP, DISCONNECT, restartOnFailure, CRASH
 *    └── restart? ◄─────┘ run() again after `retryTime`, unless stop() or disconnect() come first
 *
 * A session is one pass through this.
 */

const { AsyncResource } = require('node:async_hooks')
// Not the global ones, which jsdom and a test's fake timers replace.
const { clearInterval, setInterval } = require('node:timers')
const { setImmediate: nextTurn } = require('node:timers/promises')
const { events } = require('./instrumentationEvents')
const { KafkaJSNonRetriableError, explained } = require('../errors')
const { createAbort, createInterruption, unlessAborted } = require('../utils/interruption')
const { inMicrotask, toDelay, toInterval } = require('../utils/timers')
const { mayRestart, restartTimeOf } = require('./restart')
const { Session } = require('./session')

/** @typedef {ReturnType<typeof import('../config').runOptions>} RunOptions */

/**
 * Stands for a runner that could not be made, for a bad `ssl` for instance, until its session has crashed by that: as `run()` does
 * not throw it, neither do calls behind it.
 */
const UNMADE = {
  seek() {},
  pause() {},
  resume() {},
  paused: () => [],
  async commitOffsets() {
    throw new KafkaJSNonRetriableError('The consumer was stopped before it could commit')
  }
}

/** The context in which a consumer was made. It keeps no process alive: Jest's `--detectOpenHandles` asks. */
class Outside extends AsyncResource {
  hasRef() {
    return false
  }
}

class Lifecycle {
  /**
   * @param {{
   *   cluster: import('../cluster'),
   *   emitter: import('../instrumentation/emitter'),
   *   logger: import('../..').Logger,
   *   subscription: import('./subscription').Subscription,
   *   groupId: string,
   *   metadataMaxAge: number,
   *   retry: any,
   *   createRunner: (session: { run: RunOptions, onCrash: (error: any) => void }) => any
   * }} options
   */
  constructor({ metadataMaxAge, ...options }) {
    const { cluster, emitter, logger, subscription, groupId, retry, createRunner } = options
    this.metadataMaxAge = metadataMaxAge
    this.cluster = cluster
    this.emitter = emitter
    this.logger = logger
    this.subscription = subscription
    this.groupId = groupId
    this.retry = retry
    this.createRunner = createRunner
    /** @type {Session | null} */
    this.session = null
    /** @type {{ cancelled: boolean, timer?: NodeJS.Timeout } | null} */
    this.restart = null
    /** What the user has assigned, instead of a subscription. @type {{ topic: string, partition: number, offset: string | null }[] | null} */
    this.assigned = null
    /** Called when no session is to follow. @type {(error: any) => void} */
    this.onOver = () => {}
    /** Ends each `run()` that is under way. */
    this.runs = createAbort()
    this.outside = new Outside('kafkars.consumer')
  }

  get running() {
    return this.session !== null
  }

  /** @throws {KafkaJSNonRetriableError} before `run()`, or before messages are pulled, and after `stop()` */
  get runner() {
    if (this.session === null) {
      throw explained(
        new KafkaJSNonRetriableError(
          'Consumer group was not initialized, consumer#run must be called first'
        ),
        'in a consumer that is pulled, getOne(), getMany() or an iteration'
      )
    }
    return this.session.runner ?? UNMADE
  }

  /** Rejects when a `disconnect()` comes in between. */
  async connect() {
    await this.cluster.connect()
    this.emitter.emit(events.CONNECT)
  }

  /**
   * Resolves after the first join, or when the attempt is over: a failure shows as CRASH, never as a rejection. Rejects when
   * `stop()` or `disconnect()` comes in between, or a `disconnect()` was the last word.
   * @param {RunOptions} run
   */
  async run(run) {
    const { signal } = this.runs
    this.cluster.throwIfDisconnected()
    await unlessAborted(signal, async () => {
      // Asked to run while it stops: run when it has stopped.
      while (this.session?.isEnding) {
        await this.session.ended
        signal.throwIfAborted()
      }
      if (this.session) {
        const { groupId } = this
        this.logger.warn('consumer#run was called, but the consumer is already running', {
          groupId
        })
        return
      }
      this.cancelRestart()
      await this.begin(run)
    })
  }

  /** Resolves when the consumer has stopped; a handler that calls it is not waited for. */
  async stop() {
    const { session } = this
    this.endRuns('Stopped before the group was joined')
    if (session === null) this.logger.info('Stopped', { groupId: this.groupId })
    else await this.unlessInHandler(session, this.finish(session))
  }

  /**
   * Stops, closes the connections; all that was begun before and is not done rejects. A handler that calls it is not waited for.
   * @param {boolean | null} [leaveGroup] see `Runner.stop`
   */
  async disconnect(leaveGroup = null) {
    const { session } = this
    this.endRuns('Disconnected before the group was joined')
    this.cluster.refuse()
    if (session === null) {
      this.logger.info('Stopped', { groupId: this.groupId })
      return this.close()
    }
    await this.unlessInHandler(
      session,
      this.finish(session, leaveGroup).then(() => this.close()),
      leaveGroup
    )
  }

  /** @param {string} reason @private */
  endRuns(reason) {
    this.cancelRestart()
    this.onOver(null)
    const { runs } = this
    this.runs = createAbort()
    runs.abort(createInterruption(reason))
  }

  /**
   * The part of `run` that a restart repeats. The runner is made before this returns: a `seek()` may follow at once.
   * @param {RunOptions} run
   * @private
   */
  async begin(run) {
    const session = new Session(run, this.runs.signal)
    this.session = session
    this.logger.info('Starting', { groupId: this.groupId })
    try {
      session.runner = this.createRunner({ run, onCrash: e => this.crash(session, e) })
      await Promise.race([this.start(session), session.ended])
    } catch (e) {
      await this.crash(session, e)
    }
  }

  /**
   * @param {Session} session
   * @private
   */
  async start(session) {
    await session.run.prepare?.()
    await this.subscription.settled()
    if (session.isEnding) return
    await this.cluster.connected(session.signal)
    if (session.isEnding) return
    this.emitter.emit(events.CONNECT)
    this.loadMetadata()
    this.followPatterns(session)
    if (this.assigned) await this.assignTo(session.runner, this.assigned)
    else await session.runner.start(new Map(this.subscription.topics), this.subscription.pattern)
  }

  /**
   * What tracing libraries find in the cluster, which forgets everything when it disconnects. Nothing waits for it: the
   * engine has metadata of its own, and so has an assigner's `assign()`.
   * @private
   */
  loadMetadata() {
    const { cluster, logger, groupId } = this
    if (this.subscription.topics.size === 0) return
    cluster.refreshMetadataIfNecessary().catch(({ message }) => {
      logger.debug(`Metadata could not be read: ${message}`, { groupId })
    })
  }

  /**
   * @param {import('./runner')} runner
   * @param {NonNullable<Lifecycle['assigned']>} assigned
   */
  async assignTo(runner, assigned) {
    this.tellMissing(assigned)
    await runner.assign(assigned)
  }

  /**
   * A topic that this has created, and a partition that there is not: a group assigns none, people do, and it is waited for. Nothing
   * waits for the answer.
   * @param {{ topic: string, partition: number }[]} assigned
   * @private
   */
  async tellMissing(assigned) {
    const { brokerPool } = this.cluster
    try {
      await brokerPool.refreshMetadata([...new Set(assigned.map(({ topic }) => topic))])
      if (this.assigned !== assigned || !this.running) return
      for (const { topic, partition } of assigned) {
        const { length } = brokerPool.partitionsOf(topic)
        if (length === 0 || partition < length) continue
        const has = length === 1 ? 'one, 0' : `${length}, 0 to ${length - 1}`
        const text = `Topic "${topic}" has no partition ${partition}, it has ${has}: what was assigned is waited for`
        this.logger.warn(text, { groupId: this.groupId, topic, partition })
      }
    } catch ({ message }) {
      this.logger.debug(`Metadata could not be read: ${message}`, { groupId: this.groupId })
    }
  }

  /**
   * Topics that appear later are subscribed when their pattern is matched again, as often as metadata is read.
   * @param {Session} session
   * @private
   */
  followPatterns(session) {
    const { subscription, logger, groupId } = this
    if (subscription.patterns.length === 0) return
    const follow = async () => {
      try {
        const isNew = await subscription.matchAgain()
        if (isNew && !session.isEnding) {
          session.runner.subscribe(new Map(subscription.topics), subscription.pattern)
        }
      } catch ({ message }) {
        logger.debug(`Patterns could not be matched: ${message}`, { groupId })
      }
    }
    const timer = setInterval(follow, toInterval(this.metadataMaxAge)).unref()
    session.ended.then(() => clearInterval(timer))
  }

  /**
   * Ends a session; once, however many ask.
   * @param {Session} session
   * @param {boolean | null} [leaveGroup]
   * @returns {Promise<void>}
   * @private
   */
  finish(session, leaveGroup = null) {
    return session.finish(() => this.stopRunner(session, leaveGroup))
  }

  /**
   * @param {Session} session
   * @param {boolean | null} leaveGroup
   * @private
   */
  async stopRunner(session, leaveGroup) {
    const { groupId } = this
    try {
      await this.stopFromOutside(session.runner, leaveGroup)
      this.logger.info('Stopped', { groupId })
    } catch (e) {
      const { message, stack } = e
      this.logger.error(`Caught error when stopping the consumer: ${message}`, { stack, groupId })
      throw e
    } finally {
      this.session = null
      this.emitter.emit(events.STOP)
      session.end()
    }
  }

  /**
   * Stops the runner and waits for all handlers, one that called `stop()` included: the runner, which recognizes a handler's call
   * by its async context and its stack, must not take this one for it. So this one has neither.
   * @returns {Promise<void>}
   * @private
   */
  stopFromOutside(runner, leaveGroup) {
    if (runner === null) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const stop = async () => runner.stop(leaveGroup)
      inMicrotask(() => this.outside.runInAsyncScope(stop).then(resolve, reject))
    })
  }

  /** @private */
  async close() {
    const { groupId } = this
    this.logger.debug('consumer has stopped, disconnecting', { groupId })
    try {
      await this.cluster.close()
      this.emitter.emit(events.DISCONNECT)
    } catch (e) {
      const { message, stack } = e
      this.logger.error(`Caught error when disconnecting the consumer: ${message}`, {
        stack,
        groupId
      })
      throw e
    }
  }

  /**
   * Waits for `done`, which waits for all handlers; but not if the caller is one of them. Only the runner knows that: its
   * `stop()` resolves soon for a handler, and for others when it has stopped.
   * @param {Session} session
   * @param {Promise<void>} done
   * @param {boolean | null} [leaveGroup]
   * @private
   */
  async unlessInHandler(session, done, leaveGroup = null) {
    const stopped = session.runner ? session.runner.stop(leaveGroup) : done
    // A runner that has stopped is followed by the end of the session within a turn: then `done` wins, with its error if any.
    const known = () => nextTurn()
    await Promise.race([done, Promise.resolve(stopped).then(known, known)])
    if (session.isOver) await done
  }

  /**
   * The way from a failure to the CRASH event, and perhaps to a restart.
   * @param {Session} session
   * @param {any} error
   * @private
   */
  async crash(session, error) {
    const { groupId, logger } = this
    if (session.isEnding) {
      logger.debug(`Failed while stopping: ${error.message}`, { groupId, stack: error.stack })
      return
    }
    /** @type {NonNullable<typeof this.restart>} */
    const restart = { cancelled: false }
    this.restart = restart
    this.cluster.interrupt()
    const { retryCount } = error
    logger.error(`Crash: ${error.name}: ${error.message}`, {
      groupId,
      retryCount,
      stack: error.stack
    })

    // What fails now is logged; it must not keep the application from hearing about the crash.
    await this.finish(session).catch(() => {})
    // Who hears of the crash may seek: that is behind this.
    this.goOnWhere(session)
    await this.close().catch(() => {})

    const shouldRestart = (await mayRestart(error, this)) && !restart.cancelled
    this.emitter.emit(events.CRASH, { error, groupId, restart: shouldRestart })
    // A listener may have called stop() or disconnect().
    if (!shouldRestart || restart.cancelled) return this.onOver(error)

    const retryTime = restartTimeOf(error, this.retry)
    logger.error(`Restarting the consumer in ${retryTime}ms`, { retryCount, retryTime, groupId })
    restart.timer = setTimeout(() => {
      this.restart = null
      this.begin(session.run)
    }, toDelay(retryTime))
  }

  /**
   * What the user has assigned may be sought before it is read: it begins there.
   * @param {{ topic: string, partition: number, offset: any }} where
   * @throws {KafkaJSNonRetriableError} of anything else, before `run()` and after `stop()`
   */
  seek(where) {
    const entry = this.running ? undefined : this.assigned?.find(isSame(where))
    if (entry) entry.offset = String(where.offset)
    else this.runner.seek(where)
  }

  /** What the user has assigned begins behind what was handled of it. @param {Session} session @private */
  goOnWhere(session) {
    const reached = session.runner?.reached ?? []
    this.assigned &&= this.assigned.map(entry => ({
      ...entry,
      offset: reached.find(isSame(entry))?.position ?? entry.offset
    }))
  }

  /** @private */
  cancelRestart() {
    if (this.restart === null) return
    this.restart.cancelled = true
    clearTimeout(this.restart.timer)
    this.restart = null
  }
}

const isSame = where => entry => entry.topic === where.topic && entry.partition === where.partition

module.exports = Lifecycle
