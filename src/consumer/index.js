// @ts-check
'use strict'

const Runner = require('./runner')
const Lifecycle = require('./lifecycle')
const { Subscription, isRe2 } = require('./subscription')
const { failureOptions } = require('./onFailure/options')
const { makeTopics } = require('./onFailure/topics')
const { createDeserialization } = require('./deserialization')
const { checkAssigner, resolveAssigners } = require('./assigners/resolve')
const { createRetry } = require('../retry')
const { Watch } = require('../unknown')
const { events, wrap, unwrap } = require('./instrumentationEvents')
const { createOn } = require('../instrumentation/clientEvents')
const InstrumentationEventEmitter = require('../instrumentation/emitter')
const { KafkaJSNonRetriableError } = require('../errors')
const { createInterruption, interruptible } = require('../utils/interruption')
const { Positions, partitionsOf } = require('./positions')
const { lastOfEach } = require('../utils/offsets')
const clock = require('./clock')
const { healthOf } = require('./health')
const { createPull } = require('./pull')
const { LANES, Puller } = require('./puller')
const { Advice } = require('./advice')
const { commitOptions, pauseOptions, seekOptions } = require('./arguments')
const {
  consumerOptions,
  disconnectOptions,
  fail,
  runOptions,
  subscribeOptions,
  validateConsumer,
  validateGroupId
} = require('../config')

/**
 * Makes the consumer that `kafka.consumer()` returns: a plain object, whose methods work without `this` and may be replaced.
 *
 * @param {{
 *   cluster: import('../cluster'),
 *   logger: import('../..').Logger,
 *   retry?: any,
 *   instrumentationEmitter?: import('../instrumentation/emitter'),
 *   partitionAssigners?: (import('../..').PartitionAssigner | string)[],
 *   options?: import('../config').ConsumerOptions,
 *   given?: any,
 *   watch?: Watch,
 *   createProducer?: (options: any) => import('../..').Producer,
 *   createAdmin?: () => import('../..').Admin,
 *   groupId: string
 * } & Record<string, any>} config `options`: the user's, when somebody has looked at them already; `given`: the same without defaults; `createProducer`, `createAdmin`: of the same
 *   `Kafka`, for what `onFailure` does
 * @returns {import('../..').Consumer}
 */
module.exports = config => {
  const {
    cluster,
    logger: rootLogger,
    retry = {},
    partitionAssigners,
    given = config,
    watch = new Watch(),
    createProducer,
    createAdmin
  } = config
  if (!config.options) validateGroupId(config)

  const options = config.options ?? consumerOptions(config)
  const { groupId } = options
  const logger = rootLogger.namespace('Consumer')
  const emitter = config.instrumentationEmitter ?? new InstrumentationEventEmitter()
  emitter.groupId = groupId
  const assigners = resolveAssigners(partitionAssigners).map(assigner =>
    typeof assigner === 'string'
      ? assigner
      : checkAssigner(assigner({ groupId, logger, cluster: /** @type {any} */ (cluster) }))
  )
  validateConsumer(options, given)
  const deserialization = createDeserialization(options, logger)

  const advice = new Advice({ logger, groupId })
  const subscription = new Subscription({ cluster, groupId, logger })
  const lifecycle = new Lifecycle({
    cluster,
    emitter,
    logger,
    subscription,
    groupId,
    metadataMaxAge: options.metadataMaxAge,
    retry,
    createRunner: ({ run, onCrash }) =>
      new Runner({
        eachMessage: run.eachMessage,
        eachBatch: run.eachBatch,
        cluster,
        groupId,
        options: subscription.isByPatterns
          ? { ...options, allowAutoTopicCreation: false }
          : options,
        assigners,
        deserialization,
        run,
        retry,
        logger: rootLogger,
        emitter,
        createProducer,
        onCrash
      })
  })

  const puller = new Puller()
  lifecycle.onOver = error => puller.over(error)
  const positions = new Positions({
    cluster,
    lifecycle,
    groupId,
    readUncommitted: options.readUncommitted,
    retry
  })

  /** Messages are pushed into a handler, or pulled: whichever is asked for first. @type {'run()' | 'pulling messages' | null} */
  let way = null

  /** @param {'run()' | 'pulling messages'} wanted */
  const goes = wanted => {
    if (way !== null && way !== wanted) {
      throw new KafkaJSNonRetriableError(
        `A consumer is either pushed or pulled: this one has begun with ${way}, so ${wanted} is not possible any more`
      )
    }
    way = wanted
  }

  /** As in kafkajs, who has not subscribed joins the group nevertheless. */
  const tellOfNothing = () => {
    if (lifecycle.running || lifecycle.assigned !== null || !subscription.isEmpty) return
    advice.onNothing()
  }

  /** @param {string} what */
  const needsGroup = what => {
    if (groupId) return
    throw new KafkaJSNonRetriableError(
      `${what} needs a group: Consumer groupId must be a non-empty string. Without one, assign() says what is read`
    )
  }

  /** The options of a run that is not pushed by its own options alone. */
  const runOf = (runConfig = {}) => {
    const of = runOptions(runConfig, options)
    const isManual = lifecycle.assigned !== null
    return { ...of, isManual, autoCommit: of.autoCommit && Boolean(groupId) }
  }

  const startPulling = async () => {
    if (way === 'pulling messages' && lifecycle.running) return
    if (lifecycle.assigned === null) needsGroup('subscribe()')
    goes('pulling messages')
    tellOfNothing()
    await lifecycle.run({ ...runOf(), partitionsConsumedConcurrently: LANES, puller })
  }
  const pull = createPull({ puller, start: startPulling, logger })

  const connect = async () => lifecycle.connect()

  const disconnect = async how => lifecycle.disconnect(disconnectOptions(how).leaveGroup)

  const stop = async () => lifecycle.stop()

  /** What fails must not come back by the topic that it was put aside in. @param {string | null} topic */
  const keepApart = topic => {
    if (topic === null) return
    if (subscription.leaveOut(topic)) {
      const text = `The pattern of consumer.subscribe() matches "${topic}", which is onFailure.deadLetterTopic: it is left out`
      logger.warn(text, { groupId })
    }
    if (!subscription.topics.has(topic)) return
    fail(
      `onFailure.deadLetterTopic is "${topic}", which this consumer has subscribed to: a message that fails there would come back for ever`
    )
  }

  /** @param {any} onFailure the user's @param {ReturnType<typeof runOf>} runs */
  const withFailures = (onFailure, runs) => {
    if (onFailure == null) return runs
    if (runs.messagesConsumedConcurrently != null) {
      throw new KafkaJSNonRetriableError(
        'onFailure is not possible with messagesConsumedConcurrently: a message that fails is tried again there while the others go on'
      )
    }
    watch.look('onFailure', onFailure, logger)
    const policy = failureOptions(onFailure, { groupId, autoCommit: runs.autoCommit })
    keepApart(policy.deadLetterTopic)
    const topics = policy.levels.map(({ topic }) => topic)
    if (runs.isManual && (topics.length > 0 || policy.exactlyOnce)) {
      fail(
        'onFailure with retryTopics or exactlyOnce needs subscribe(): a group has them, and assign() reads without one'
      )
    }
    /** What it names is there, and retry topics are subscribed, before the group is joined. */
    const prepare = async () => {
      if (options.allowAutoTopicCreation && createAdmin) {
        await makeTopics({ policy, createAdmin, logger })
      }
      await subscription.settled()
      keepApart(policy.deadLetterTopic)
      const missing = topics.filter(topic => !subscription.topics.has(topic))
      if (missing.length > 0) await subscription.add(missing, true)
    }
    return { ...runs, onFailure: policy, prepare }
  }

  const run = async runConfig => {
    watch.look('consumer.run()', runConfig, logger)
    watch.tellMisplaced()
    const runs = withFailures(runConfig?.onFailure, runOf(runConfig))
    if (!lifecycle.running) advice.onHandlers(runs)
    if (lifecycle.assigned === null) needsGroup('run()')
    goes('run()')
    if (runs.eachMessage || runs.eachBatch) tellOfNothing()
    await lifecycle.run(runs)
  }

  const subscribe = async argument => {
    if (lifecycle.assigned !== null) {
      throw new KafkaJSNonRetriableError(
        'This consumer reads what assign() says: subscribe() is possible after unsubscribe()'
      )
    }
    if (lifecycle.running) {
      throw new KafkaJSNonRetriableError('Cannot subscribe to topic while consumer is running')
    }
    const { topics, fromBeginning } = subscribeOptions(argument, options.autoOffsetReset)
    needsGroup('subscribe()')
    if (options.groupProtocol === 'classic' && topics.some(isRe2)) {
      throw new KafkaJSNonRetriableError(
        'An expression { re2 } is evaluated by the broker, which it does when groupProtocol is "consumer"; a RegExp is evaluated here'
      )
    }
    watch.look('consumer.subscribe()', argument, logger)
    advice.onTopics(topics)
    await subscription.add(topics, fromBeginning, { evenMissing: true })
  }

  const commitOffsets = async topicPartitions => {
    const offsets = commitOptions(topicPartitions)
    const { runner } = lifecycle
    needsGroup('commitOffsets()')
    if (topicPartitions === undefined && way === 'pulling messages') {
      return runner.commits.commitHandled()
    }
    if (offsets.length > 0) await runner.commitOffsets(offsets)
  }

  const seek = topicPartitionOffset => {
    if (topicPartitionOffset?.offset instanceof Date) return seekToTime(topicPartitionOffset)
    lifecycle.seek(seekOptions(topicPartitionOffset))
  }

  const seekToTime = async ({ topic, partition, offset: time }) => {
    const [where] = partitionsOf('consumer.seek()', [{ topic, partition }])
    lifecycle.seek({ ...where, offset: await positions.resolve(where, time) })
  }

  /** @param {string} place @param {any} partitions all that are assigned, if none are given @param {number} offset */
  const seekAll = (place, partitions, offset) => {
    const all = partitions === undefined ? positions.assigned() : partitionsOf(place, partitions)
    for (const { topic, partition } of all) lifecycle.seek({ topic, partition, offset })
  }

  /** Ends when the last `assign()` counts. @type {Promise<any>} */
  let assigning = Promise.resolve()
  /** How often `unsubscribe()` was called: no `assign()` from before that counts any more. */
  let unsubscribed = 0

  const assign = async partitions => {
    const wanted = lastOfEach(partitionsOf('consumer.assign()', partitions))
    advice.onAssigned(wanted)
    if (subscription.topics.size > 0 || subscription.pattern !== null) {
      throw new KafkaJSNonRetriableError(
        'This consumer has subscribed: assign() is possible after unsubscribe()'
      )
    }
    if (lifecycle.assigned === null && lifecycle.running) {
      throw new KafkaJSNonRetriableError(
        'This consumer runs as a member of its group: assign() is possible after unsubscribe()'
      )
    }
    const before = assigning
    const since = unsubscribed
    const resolving = Promise.all(wanted.map(startOf))
    // A Date has to be looked up. The calls count in their order nevertheless.
    const inTurn = async () => {
      const starts = await resolving
      await before
      if (since !== unsubscribed) {
        throw createInterruption('unsubscribe() was called before the partitions were assigned')
      }
      return { begun: assignNow(starts) }
    }
    const turn = inTurn()
    assigning = turn.catch(() => {})
    await (
      await turn
    ).begun
  }

  /** @param {NonNullable<typeof lifecycle.assigned>} starts */
  const assignNow = async starts => {
    const isNew = lifecycle.assigned === null
    lifecycle.assigned = starts
    if (!isNew && lifecycle.running) await lifecycle.assignTo(lifecycle.runner, starts)
    else if (isNew && way === 'pulling messages') await startPulling()
  }

  /** @returns {Promise<{ topic: string, partition: number, offset: string | null }>} */
  const startOf = async ({ topic, partition, offset }) => {
    if (offset === 'committed') needsGroup("assign() at 'committed'")
    if (offset === 'committed' || (offset == null && groupId)) {
      return { topic, partition, offset: null }
    }
    return {
      topic,
      partition,
      offset: await positions.resolve({ topic, partition }, offset ?? firstPlace())
    }
  }

  /** Where a partition begins of which nobody has said it. */
  const firstPlace = () => {
    const { autoOffsetReset: reset } = options
    // A Date goes no further back than some 270,000 years.
    if (reset?.duration !== undefined) return new Date(Math.max(0, Date.now() - reset.duration))
    return reset === 'earliest' ? 'earliest' : 'latest'
  }

  const unsubscribe = async () => {
    unsubscribed++
    await lifecycle.stop()
    subscription.clear()
    lifecycle.assigned = null
    way = null
  }

  const pause = topicPartitions => {
    const entries = pauseOptions('pause', topicPartitions)
    advice.onPartitions('pause', topicPartitions)
    lifecycle.runner.pause(entries)
  }

  const resume = topicPartitions => {
    const entries = pauseOptions('resume', topicPartitions)
    advice.onPartitions('resume', topicPartitions)
    lifecycle.runner.resume(entries)
  }

  const paused = () => (lifecycle.running ? lifecycle.runner.paused() : [])

  const describeGroup = async () =>
    cluster.untilDisconnected(signal =>
      createRetry(retry, { signal })(() => cluster.describeGroup(groupId))
    )

  const groupMetadata = ({ topics = [] } = {}) => lifecycle.runner.membership.metadata(topics)

  const on = createOn({ client: 'consumer', events, wrap, unwrap, emitter, logger })

  return /** @type {any} */ ({
    connect: interruptible(connect),
    disconnect,
    subscribe: interruptible(subscribe),
    stop,
    run: interruptible(run),
    commitOffsets,
    seek,
    describeGroup: interruptible(describeGroup),
    pause,
    paused,
    resume,
    on,
    events,
    logger: () => logger,
    // Not in kafkajs.
    getOne: pull.getOne,
    getMany: pull.getMany,
    stream: pull.stream,
    readableStream: pull.readableStream,
    [Symbol.asyncIterator]: pull.iterator,
    ...(Symbol.asyncDispose && { [Symbol.asyncDispose]: () => disconnect() }),
    assign: interruptible(assign),
    assignment: () => positions.assignment(),
    subscription: () => [...subscription.topics.keys()],
    unsubscribe,
    position: where => positions.position(partitionsOf('consumer.position()', [where])[0]),
    committed: partitions => positions.committed(partitions),
    beginningOffsets: async partitions => positions.beginningOffsets(partitions),
    endOffsets: async partitions => positions.endOffsets(partitions),
    offsetsForTimes: partitions => positions.offsetsForTimes(partitions),
    seekToBeginning: partitions => seekAll('consumer.seekToBeginning()', partitions, -2),
    seekToEnd: partitions => seekAll('consumer.seekToEnd()', partitions, -1),
    lag: () => positions.lag(),
    health: () => healthOf(lifecycle, clock.now()),
    groupMetadata
  })
}
