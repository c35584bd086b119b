// @ts-check
'use strict'

/**
 * The runner: one membership of the group, from join to leave. The engine drives itself (heartbeats, fetching, commits,
 * rebalances); the runner is where the parts that face it, and the lanes that feed the user's handler, are put together.
 *
 *   made ──start()──► running ──crash()──► crashed
 *     │                  │                    │
 *     └──────────────────┴───── stop() ───────┴──► stopping ──► over
 */

// Not by the global one, which a test's fake timers replace.
const { setImmediate } = require('node:timers')
const { setTimeout: delay } = require('node:timers/promises')
const native = require('../native')
const { createEngineLog } = require('../loggers')
const { crashOf } = require('../retry')
const { inMicrotask } = require('../utils/timers')
const { Assignment } = require('./assignment')
const { BatchEvents } = require('./batchEvents')
const { createCells } = require('./cells')
const { Commits } = require('./commits')
const { ConsumerGroup } = require('./consumerGroup')
const { Deliveries } = require('./deliveries')
const { Failures } = require('./failures')
const { FetchEvents } = require('./fetchEvents')
const Handlers = require('./handlers')
const { HandlerTracing } = require('./handlerTracing')
const { HealthEvents } = require('./healthEvents')
const { Heartbeats } = require('./heartbeats')
const { withLag } = require('./lag')
const { Lanes } = require('./lanes')
const { toNativeOptions, toNativeTopics } = require('./nativeOptions')
const { Membership } = require('./membership')
const { Necessity } = require('./necessity')
const { Outbox } = require('./onFailure/outbox')
const { Recovery } = require('./onFailure/recovery')
const { Unreadable } = require('./onFailure/unreadable')
const { ParallelLanes } = require('./parallelLanes')
const { Questions } = require('./questions')
const { RebalanceHooks } = require('./rebalanceHooks')
const { Turn } = require('./turn')

/** How long the `stop()` of a handler waits for handlers, of which it may be the last one, ms. */
const PATIENCE = 100
/** What `notify` is called with when there may be something to take. */
const WAKE = -1

/** Which states each state may follow. */
const BEFORE = {
  running: ['made'],
  crashed: ['running'],
  stopping: ['made', 'running', 'crashed'],
  over: ['stopping']
}

/** Tracers replace this class by the export of this file, and `eachMessage` and `eachBatch` of what it is given. */
class Runner {
  constructor({ eachMessage, eachBatch, run, cluster, groupId, options, assigners, ...rest }) {
    const { retry, logger, emitter, onCrash, createProducer, deserialization = null } = rest
    const lanes = run.partitionsConsumedConcurrently
    this.state = 'made'
    this.groupId = groupId
    this.cluster = cluster
    this.retry = retry
    this.onCrash = onCrash
    const { groupInstanceId, groupProtocol, groupRemoteAssignor, sessionTimeout } = options
    /** What errors name. */
    const { mechanism } = cluster.config?.sasl ?? {}
    this.asked = {
      groupId,
      groupInstanceId,
      groupProtocol,
      groupRemoteAssignor,
      sessionTimeout,
      mechanism
    }
    this.logger = logger.namespace('Runner')
    this.engineLog = createEngineLog(logger)
    /** null: keys and values stay Buffers. */
    this.deserialization = deserialization

    this.eachMessage = eachMessage
    this.eachBatch = eachBatch
    this.autoResolve = run.eachBatchAutoResolve
    this.autoCommit = run.autoCommit
    this.readUncommitted = options.readUncommitted
    /** Whose lanes are ours, if messages are pulled. @type {import('./puller').Puller | null} */
    this.puller = run.puller ?? null
    this.takes = Boolean(eachMessage || eachBatch || this.puller)
    this.handlers = new Handlers(eachMessage || eachBatch)
    this.handlers.look()
    const handler = eachMessage || eachBatch
    this.tracing = new HandlerTracing({ handler, groupId, handlers: this.handlers })

    this.cells = createCells(lanes)
    const { cells } = this
    this.engine = new native.NativeConsumer(
      cluster.native,
      toNativeOptions({ groupId, options, run, assigners }),
      cells,
      told => this.hear(told)
    )
    const { engine } = this
    this.questions = new Questions()
    const { questions } = this
    this.turn = new Turn(() => engine.progress())
    const necessity = new Necessity(cells, lanes, run)
    this.necessity = necessity
    this.consumerGroup = new ConsumerGroup({ groupId, logger, emitter })
    const { consumerGroup } = this
    this.membership = new Membership({ engine, groupId })
    this.assignment = new Assignment({ engine, cluster, assigners, consumerGroup })
    this.deliveries = new Deliveries({ engine, cells, necessity, copyValues: options.copyValues })
    this.commits = new Commits({
      engine,
      questions,
      necessity,
      deliveries: this.deliveries,
      consumerGroup,
      emitter,
      groupId,
      asked: this.asked,
      retry
    })
    this.hooks = new RebalanceHooks({
      engine,
      given: options,
      handlers: this.handlers,
      consumerGroup,
      commits: this.commits,
      groupId,
      logger: this.logger,
      retry
    })
    this.heartbeats = new Heartbeats({
      engine,
      questions,
      cells,
      turn: this.turn,
      interval: options.heartbeatInterval,
      asked: this.asked
    })
    this.failures = new Failures({
      handler: eachMessage ? 'eachMessage' : 'eachBatch',
      cells,
      retry,
      logger: this.logger,
      crash: error => this.crash(error)
    })
    /** @type {Outbox | null} */
    this.outbox = null
    /** null: what cannot be read ends the consumer. @type {Unreadable | null} */
    this.unreadable = null
    /** null: without `onFailure`. @type {Recovery | null} */
    this.recovery = run.onFailure ? this.createRecovery(run.onFailure, createProducer) : null
    this.batchEvents = new BatchEvents(emitter)
    const { maxWaitTimeInMs } = options
    this.fetchEvents = new FetchEvents({ engine, cluster, emitter, maxWaitTimeInMs })
    const { stalledAfter, lagInterval } = options
    this.healthEvents = new HealthEvents({ runner: this, emitter, stalledAfter, lagInterval })
    this.lanes = this.lanesOf(run, lanes, options)

    /** How far what the user has assigned was handled, in the end. @type {any[]} */
    this.reached = []
    /** How `start()` ends. @type {{ resolve: () => void, reject: (error: any) => void } | null} */
    this.starting = null
    /** @type {Promise<void> | null} */
    this.stopping = null
  }

  /** Who takes what there is: handlers, one of a partition or many, or the program. @private */
  lanesOf({ messagesConsumedConcurrently: limit, orderBy }, lanes, { maxQueuedBytes: maxBytes }) {
    if (this.puller) return this.puller.attach(this)
    if (limit == null) return new Lanes(this, lanes)
    return new ParallelLanes(this, { lanes, limit, orderBy, maxBytes })
  }

  /**
   * @param {import('./onFailure/options').FailureOptions} policy
   * @param {(options: any) => import('../..').Producer} createProducer
   * @private
   */
  createRecovery(policy, createProducer) {
    const { groupId, cluster, failures, logger, retry, commits, membership } = this
    this.outbox = new Outbox({
      groupId,
      groupInstanceId: this.asked.groupInstanceId,
      exactlyOnce: policy.exactlyOnce,
      createProducer,
      groupMetadata: topics => membership.metadata(topics),
      commitResolved: () => commits.commitHandled(),
      cluster,
      logger,
      retry
    })
    const isBatch = !this.eachMessage
    const { deadLetterTopic, unreadable } = policy
    if (unreadable && deadLetterTopic !== null) {
      this.unreadable = new Unreadable({
        deadLetterTopic,
        groupId,
        outbox: this.outbox,
        logger,
        retry,
        isOurs: (topic, partition) => this.state === 'running' && this.isOurs(topic, partition),
        seek: position => this.seek(position),
        crash: error => this.crash(error)
      })
    }
    return new Recovery({ policy, groupId, isBatch, outbox: this.outbox, failures, logger, retry })
  }

  /** @param {'running' | 'crashed' | 'stopping' | 'over'} state @returns {boolean} false: this cannot follow, nothing happens */
  transition(state) {
    const may = BEFORE[state].includes(this.state)
    if (may) this.state = state
    return may
  }

  /** `isRunning()` of a batch: a handler that runs goes on behind the crash of another. */
  get running() {
    return this.state === 'running' || this.state === 'crashed'
  }

  /**
   * Joins the group; resolves with the first assignment.
   * @param {Map<string, { fromBeginning: boolean }>} topics
   * @param {{ regex: string, fromBeginning: boolean } | null} pattern for the broker to match topics with
   * @returns {Promise<void>} rejects with the error of a join that failed for good
   */
  start(topics, pattern) {
    this.consumerGroup.topics = topics
    return this.begin(() => this.engine.start(toNativeTopics(topics), pattern))
  }

  /**
   * Reads these partitions, without a membership; those that are read already go on. Resolves when the first are assigned.
   * @param {{ topic: string, partition: number, offset: string | null }[]} partitions
   * @returns {Promise<void>}
   */
  async assign(partitions) {
    this.consumerGroup.isManual = true
    if (this.state === 'made') return this.begin(() => this.engine.assign(partitions))
    if (this.state === 'running') this.engine.assign(partitions)
  }

  /** @param {() => void} start @returns {Promise<void>} @private */
  begin(start) {
    return new Promise((resolve, reject) => {
      if (!this.transition('running')) return resolve()
      this.starting = { resolve, reject }
      this.heartbeats.start()
      this.fetchEvents.start()
      this.healthEvents.start()
      this.deliveries.start(this.lanes.count)
      start()
      this.commits.start()
      this.cluster.members?.add(this.groupId, this.membership)
      this.lanes.wake()
    })
  }

  /**
   * Joins again for these.
   * @param {Map<string, { fromBeginning: boolean }>} topics
   * @param {{ regex: string, fromBeginning: boolean } | null} pattern
   */
  subscribe(topics, pattern) {
    this.consumerGroup.topics = topics
    if (this.running) this.engine.start(toNativeTopics(topics), pattern)
  }

  /**
   * Current messages finish, resolved offsets are committed, the group is left. Idempotent. Resolves when all that is done; for a
   * handler, which may await this and would wait for itself, after `PATIENCE` at the latest.
   * @param {boolean | null} [leaveGroup] null: a dynamic member leaves the group, a static one keeps its place
   */
  stop(leaveGroup = null) {
    const fromHandler = this.handlers.areCalling()
    this.stopping ??= this.end(leaveGroup)
    return fromHandler ? Promise.race([this.stopping, delay(PATIENCE)]) : this.stopping
  }

  /** @param {boolean | null} leaveGroup @private */
  async end(leaveGroup) {
    const hasCrashed = this.state === 'crashed'
    this.transition('stopping')
    this.puller?.release()
    // Where a runner that follows goes on.
    if (this.consumerGroup.isManual) this.reached = this.engine.progresses()
    try {
      await this.engine.stop(leaveGroup)
      this.unreadable?.close()
      await this.outbox?.close()
      const { memberId, hasJoined } = this.consumerGroup
      if (hasJoined && !hasCrashed) {
        this.logger.info('consumer not running, exiting', { groupId: this.groupId, memberId })
      }
    } finally {
      this.transition('over')
      this.cluster.members?.delete(this.groupId, this.membership)
      this.deliveries.end()
      this.heartbeats.end()
      this.fetchEvents.end()
      this.healthEvents.end()
      this.commits.end()
      this.starting?.resolve()
    }
  }

  /** How far each assigned partition is from its end. No broker is asked. */
  lag() {
    return this.engine.progresses().map(progress => withLag(progress, this.readUncommitted))
  }

  // ---- what users ask for. The engine takes it at any time, before the start as well.

  seek({ topic, partition, offset }) {
    this.necessity.forget()
    this.unreadable?.sought({ topic, partition: Number(partition) })
    this.engine.seek(topic, Number(partition), String(offset))
  }

  pause(topicPartitions) {
    this.consumerGroup.tellFetching('Pausing', topicPartitions)
    this.puller?.aside.forget(topicPartitions)
    for (const { topic, partitions } of topicPartitions) {
      this.engine.pause(topic, partitions?.map(Number) ?? null)
    }
  }

  resume(topicPartitions) {
    this.consumerGroup.tellFetching('Resuming', topicPartitions)
    this.puller?.aside.forget(topicPartitions)
    for (const { topic, partitions } of topicPartitions) {
      this.engine.resume(topic, partitions?.map(Number) ?? null)
    }
  }

  /** The `pause` of a handler; called for every message by some. */
  pausing(topic, partition) {
    const topicPartitions = [{ topic, partitions: [partition] }]
    const resume = () => this.resume(topicPartitions)
    return () => {
      this.pause(topicPartitions)
      return resume
    }
  }

  paused() {
    const { aside } = this.puller ?? {}
    const own = ({ topic, partitions }) => ({
      topic,
      partitions: partitions.filter(partition => !aside?.has({ topic, partition }))
    })
    return this.consumerGroup
      .inOrder(this.engine.paused())
      .map(own)
      .filter(({ partitions }) => partitions.length > 0)
  }

  /** @param {ReturnType<typeof import('./arguments').commitOptions>} offsets */
  commitOffsets(offsets) {
    return this.commits.commitOffsets(offsets)
  }

  // ---- what lanes ask for

  /** @param {number} lane @returns {import('./delivery').Delivery | null} */
  take(lane) {
    if (this.state !== 'running' || !this.takes) return null
    return this.deliveries.take(lane)
  }

  /** No lane takes anything any more. Before the first join `start()` rejects, afterwards the lifecycle hears of it. */
  crash(error) {
    if (!this.transition('crashed')) return
    if (this.consumerGroup.hasJoined) this.onCrash(error)
    else this.starting?.reject(error)
  }

  // ---- the engine speaks

  /** @param {any} told of `native.d.ts` */
  hear(told) {
    if (told === WAKE) return this.lanes.wakeOnce()
    if (typeof told === 'number') return this.questions.answer(told, null)
    if (told.type === 'answered') return this.questions.answer(told.ticket, told.failure)
    // Looked up at once: the answer, with which the commit is forgotten, comes next.
    const commit = told.type === 'committed' ? this.questions.commitOf(told.ticket) : null
    // Listeners and assigners begin where those of kafkajs do: see `lane.js`.
    inMicrotask(() => this.handle(told, commit))
  }

  /**
   * @param {any} event of `native.d.ts`
   * @param {import('./commits').Commit | null} commit of a `committed`
   * @private
   */
  handle(event, commit) {
    const { consumerGroup } = this
    switch (event.type) {
      case 'protocols':
        return this.assignment.offerProtocols(event)
      case 'assign':
        return this.assignment.assign(event)
      case 'joined':
        return this.joined(event)
      case 'hook':
        return this.hooks.call(event)
      case 'rebalancing':
        return consumerGroup.rebalancing(event)
      case 'heartbeat':
        consumerGroup.heartbeat(event)
        return this.heartbeats.seen()
      case 'committed':
        return this.commits.committed(event, commit)
      case 'fetch_start':
        return this.fetchEvents.begun(event)
      case 'fetch':
        return this.fetchEvents.ended(event)
      case 'dropped':
        return this.deliveries.drop(event.kept)
      case 'partitions_unknown':
        return consumerGroup.partitionsUnknown(event)
      case 'topic_updated':
        return consumerGroup.topicUpdated(event)
      case 'follower_named':
        return consumerGroup.followerNamed(event)
      case 'log':
        return this.engineLog(event)
      case 'unreadable':
        return void this.unreadable?.setAside(event)
      case 'crash':
        return this.crash(this.assignment.error ?? this.hooks.error ?? this.crashOf(event.error))
    }
  }

  /** @private @param {string} topic @param {number} partition */
  isOurs(topic, partition) {
    return this.membership.metadataFor([{ topic, partitions: [{ partition }] }]) !== null
  }

  /** @private */
  joined(event) {
    // In the next turn: what is committed in this one, by listeners and behind run(), says where to begin.
    setImmediate(() => this.engine.completeJoin())
    this.failures.assigned(event.assignment)
    this.recovery?.assigned(event.assignment)
    this.membership.joined(event.assignment)
    this.consumerGroup.joined(event)
    this.starting?.resolve()
  }

  /** @private */
  crashOf(failure) {
    const { retry, asked } = this
    return crashOf(failure, { joined: this.consumerGroup.hasJoined, retry, asked })
  }
}

module.exports = Runner
