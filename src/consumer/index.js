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
const { interruptible } = require('../utils/interruption')
const {
  commitOptions,
  consumerOptions,
  disconnectOptions,
  pauseOptions,
  runOptions,
  seekOptions,
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
 *   given?: any,
 *   watch?: Watch,
 *   createProducer?: (options: any) => import('../..').Producer,
 *   createAdmin?: () => import('../..').Admin,
 *   groupId: string
 * } & Record<string, any>} config `given`: what the user has given, without defaults; `createProducer`, `createAdmin`: of the same
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
  validateGroupId(config)

  const options = consumerOptions(config)
  const { groupId } = options
  const logger = rootLogger.namespace('Consumer')
  const emitter = config.instrumentationEmitter ?? new InstrumentationEventEmitter()
  const assigners = resolveAssigners(partitionAssigners).map(assigner =>
    typeof assigner === 'string'
      ? assigner
      : checkAssigner(assigner({ groupId, logger, cluster: /** @type {any} */ (cluster) }))
  )
  validateConsumer(options, given)
  const deserialization = createDeserialization(options, logger)

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
        options,
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

  const connect = async () => lifecycle.connect()

  const disconnect = async how => lifecycle.disconnect(disconnectOptions(how).leaveGroup)

  const stop = async () => lifecycle.stop()

  /** @param {any} onFailure the user's @param {ReturnType<typeof runOptions>} runs */
  const withFailures = (onFailure, runs) => {
    if (onFailure == null) return runs
    watch.look('onFailure', onFailure, logger)
    const policy = failureOptions(onFailure, { groupId, autoCommit: runs.autoCommit })
    const topics = policy.levels.map(({ topic }) => topic)
    /** What it names is there, and retry topics are subscribed, before the group is joined. */
    const prepare = async () => {
      if (options.allowAutoTopicCreation && createAdmin) {
        await makeTopics({ policy, createAdmin, logger })
      }
      const missing = topics.filter(topic => !subscription.topics.has(topic))
      if (missing.length > 0) await subscription.add(missing, true)
    }
    return { ...runs, onFailure: policy, prepare }
  }

  const run = async runConfig => {
    watch.look('consumer.run()', runConfig, logger)
    watch.tellMisplaced()
    await lifecycle.run(withFailures(runConfig?.onFailure, runOptions(runConfig, options)))
  }

  const subscribe = async argument => {
    if (lifecycle.running) {
      throw new KafkaJSNonRetriableError('Cannot subscribe to topic while consumer is running')
    }
    const { topics, fromBeginning } = subscribeOptions(argument)
    if (options.groupProtocol === 'classic' && topics.some(isRe2)) {
      throw new KafkaJSNonRetriableError(
        'An expression { re2 } is evaluated by the broker, which it does when groupProtocol is "consumer"; a RegExp is evaluated here'
      )
    }
    watch.look('consumer.subscribe()', argument, logger)
    await subscription.add(topics, fromBeginning)
  }

  const commitOffsets = async topicPartitions => {
    const offsets = commitOptions(topicPartitions)
    const { runner } = lifecycle
    if (offsets.length > 0) await runner.commitOffsets(offsets)
  }

  const seek = topicPartitionOffset => {
    const where = seekOptions(topicPartitionOffset)
    lifecycle.runner.seek(where)
  }

  const pause = topicPartitions => {
    const entries = pauseOptions('pause', topicPartitions)
    lifecycle.runner.pause(entries)
  }

  const resume = topicPartitions => {
    const entries = pauseOptions('resume', topicPartitions)
    lifecycle.runner.resume(entries)
  }

  const paused = () => (lifecycle.running ? lifecycle.runner.paused() : [])

  const describeGroup = async () =>
    cluster.untilDisconnected(signal =>
      createRetry(retry, { signal })(() => cluster.describeGroup(groupId))
    )

  const on = createOn({ client: 'consumer', events, wrap, unwrap, emitter, logger })

  return {
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
    logger: () => logger
  }
}
