// @ts-check
'use strict'

const createAdmin = require('./admin')
const Cluster = require('./cluster')
const createConsumer = require('./consumer')
const createProducer = require('./producer')
const { producerOptions } = require('./producer/options')
const {
  consumerOptions,
  kafkaOptions,
  optionsIfAny,
  retryOptions,
  validateGroupId,
  withoutGroup
} = require('./config')
const { Members } = require('./cluster/members')
const InstrumentationEventEmitter = require('./instrumentation/emitter')
const { createLogger } = require('./loggers')
const { Watch } = require('./unknown')

/** Tracers find `createCluster` by its description, to learn the name of the cluster. */
const PRIVATE = {
  CONFIG: Symbol('private:Kafka:config'),
  CREATE_CLUSTER: Symbol('private:Kafka:createCluster'),
  LOGGER: Symbol('private:Kafka:logger'),
  WATCH: Symbol('private:Kafka:watch')
}

/** ms; kafkajs's default. */
const METADATA_MAX_AGE = 300000

/** The entry point, known as `Kafka`: makes clients of one cluster, which share its options and its logger. */
class Kafka {
  /** @param {import('..').KafkaConfig} config */
  constructor(config) {
    const options = kafkaOptions(config)
    this[PRIVATE.CONFIG] = options
    this[PRIVATE.LOGGER] = createLogger({
      level: options.logLevel,
      logCreator: options.logCreator
    })
    this[PRIVATE.WATCH] = new Watch()
    this.#lookAt(config)
    const members = new Members()
    this[PRIVATE.CREATE_CLUSTER] = cluster =>
      new Cluster({ config: options, logger: this[PRIVATE.LOGGER], members, ...cluster })
  }

  #lookAt(config) {
    const logger = this[PRIVATE.LOGGER].namespace('Kafka')
    const watch = this[PRIVATE.WATCH]
    watch.look('new Kafka()', config, logger)
    watch.look('ssl', config.ssl, logger)
    watch.look('retry', config.retry, logger)
    // An authenticationProvider of the user's may have options of its own there.
    if (!config.sasl?.authenticationProvider) watch.look('sasl', config.sasl, logger)
  }

  /**
   * @param {import('..').ProducerConfig} [given]
   * @returns {import('..').Producer}
   */
  producer(given = {}) {
    const kafka = this[PRIVATE.CONFIG]
    const logger = this[PRIVATE.LOGGER]
    const own = logger.namespace('Producer')
    const config = optionsIfAny('kafka.producer()', given, '{ idempotent: true }', own)
    const options = producerOptions(config)
    const watch = new Watch(this[PRIVATE.WATCH])
    watch.look('kafka.producer()', config, own)
    watch.look('retry', config.retry, own)
    watch.tellMisplaced()
    const emitter = new InstrumentationEventEmitter('producer')
    const cluster = this[PRIVATE.CREATE_CLUSTER]({
      emitter,
      metadataMaxAge: options.metadataMaxAge,
      allowAutoTopicCreation: options.allowAutoTopicCreation,
      maxInFlightRequests: options.maxInFlightRequests,
      readCommitted: true
    })
    return createProducer({
      ...options,
      options,
      cluster,
      logger,
      retry: { ...kafka.retry, ...options.retry },
      instrumentationEmitter: emitter
    })
  }

  /**
   * @param {import('..').ConsumerConfig} given
   * @returns {import('..').Consumer}
   */
  consumer(given) {
    const config = withoutGroup(given)
    validateGroupId(config)
    const options = consumerOptions(config)
    const kafka = this[PRIVATE.CONFIG]
    const logger = this[PRIVATE.LOGGER]
    const watch = new Watch(this[PRIVATE.WATCH])
    watch.look('kafka.consumer()', config, logger.namespace('Consumer'))
    watch.look('retry', config.retry, logger.namespace('Consumer'))
    const emitter = new InstrumentationEventEmitter()
    const cluster = this[PRIVATE.CREATE_CLUSTER]({
      emitter,
      metadataMaxAge: options.metadataMaxAge,
      allowAutoTopicCreation: options.allowAutoTopicCreation,
      maxInFlightRequests: options.maxInFlightRequests,
      readCommitted: !options.readUncommitted
    })
    return createConsumer({
      ...options,
      options,
      given: config,
      cluster,
      logger,
      watch,
      createProducer: producerConfig => this.producer(producerConfig),
      createAdmin: () => this.admin(),
      retry: { ...kafka.retry, ...options.retry },
      instrumentationEmitter: emitter
    })
  }

  /**
   * @param {import('..').AdminConfig} [given]
   * @returns {import('..').Admin}
   */
  admin(given = {}) {
    const kafka = this[PRIVATE.CONFIG]
    const logger = this[PRIVATE.LOGGER]
    const own = logger.namespace('Admin')
    const config = optionsIfAny('kafka.admin()', given, '{ retry: { retries: 3 } }', own)
    const { retry } = config
    const watch = new Watch(this[PRIVATE.WATCH])
    watch.look('kafka.admin()', config, own)
    watch.look('retry', retry, own)
    watch.tellMisplaced()
    const emitter = new InstrumentationEventEmitter('admin')
    const cluster = this[PRIVATE.CREATE_CLUSTER]({
      emitter,
      metadataMaxAge: METADATA_MAX_AGE,
      allowAutoTopicCreation: false,
      maxInFlightRequests: null,
      readCommitted: true
    })
    return createAdmin({
      cluster,
      logger,
      retry: { ...kafka.retry, ...retryOptions(retry) },
      instrumentationEmitter: emitter
    })
  }

  /** The root logger of everything this instance makes. */
  logger() {
    return this[PRIVATE.LOGGER]
  }
}

// kafkajs's is called so. (A call without `new` names the class as it is written here.)
Object.defineProperty(Kafka, 'name', { value: 'Client' })

module.exports = Kafka
