// @ts-check
'use strict'

/**
 * Unknown options. They do nothing, as in kafkajs; but a misspelt `sessionTimeout` should not go unnoticed, so each is one warning
 * that names it and the known option that was probably meant. The same of known ones whose value makes no sense (`limits.js`).
 */

const { ownNameOf } = require('./foreign')
const { oddity } = require('./limits')
const { nearestOf } = require('./utils/nearest')
const { show } = require('./utils/show')

const RETRY = [
  'maxRetryTime',
  'initialRetryTime',
  'factor',
  'multiplier',
  'retries',
  'restartOnFailure'
]

/**
 * By the object that has them, as users call it. What kafkajs knows is known, of no use here or not; and so is what a framework
 * has its users put there.
 */
const KNOWN = {
  'new Kafka()': [
    'brokers',
    'ssl',
    'sasl',
    'clientId',
    'connectionTimeout',
    'authenticationTimeout',
    'reauthenticationThreshold',
    'requestTimeout',
    'enforceRequestTimeout',
    'retry',
    'socketFactory',
    'logLevel',
    'logCreator',
    // Those of Moleculer's channels, which leave them in what they pass.
    'consumerOptions',
    'producerOptions'
  ],
  'kafka.consumer()': [
    'groupId',
    'partitionAssigners',
    'metadataMaxAge',
    'sessionTimeout',
    'rebalanceTimeout',
    'heartbeatInterval',
    'maxBytesPerPartition',
    'minBytes',
    'maxBytes',
    'maxWaitTimeInMs',
    'retry',
    'allowAutoTopicCreation',
    'maxInFlightRequests',
    'readUncommitted',
    'rackId',
    'groupInstanceId',
    'groupProtocol',
    'groupRemoteAssignor',
    'maxPollInterval',
    'autoOffsetReset',
    'stalledAfter',
    'lagInterval',
    'checkCrcs',
    'copyValues',
    'maxQueuedBytes',
    'maxDecompressedBytes',
    'keyDeserializer',
    'valueDeserializer',
    'onDeserializationError',
    'autoCommit',
    'autoCommitInterval',
    'autoCommitThreshold',
    'onPartitionsAssigned',
    'onPartitionsRevoked',
    'onPartitionsLost'
  ],
  'kafka.admin()': ['retry'],
  'consumer.subscribe()': ['topic', 'topics', 'fromBeginning'],
  'consumer.run()': [
    'autoCommit',
    'autoCommitInterval',
    'autoCommitThreshold',
    'eachBatchAutoResolve',
    'partitionsConsumedConcurrently',
    'messagesConsumedConcurrently',
    'orderBy',
    'eachBatch',
    'eachMessage',
    'onFailure'
  ],
  onFailure: [
    'retries',
    'backoff',
    'retryTopics',
    'deadLetterTopic',
    'when',
    'exactlyOnce',
    'unreadable'
  ],
  'kafka.producer()': [
    'createPartitioner',
    'idempotent',
    'transactionalId',
    'transactionTimeout',
    'metadataMaxAge',
    'allowAutoTopicCreation',
    'maxInFlightRequests',
    'retry',
    'acks',
    'compression',
    'compressionLevel',
    'timeout',
    'linger',
    'batchSize',
    'bufferMemory',
    'maxBlock',
    'deliveryTimeout',
    'maxRequestSize',
    // Node-RED's nodes put it here.
    'requestTimeout'
  ],
  retry: RETRY,
  sasl: [
    'mechanism',
    'username',
    'password',
    'authorizationIdentity',
    'accessKeyId',
    'secretAccessKey',
    'sessionToken',
    'oauthBearerProvider',
    'authenticationProvider'
  ],
  /** Of `tls.connect()` and `net.connect()`: what cannot be honoured is refused elsewhere. */
  ssl: [
    'ALPNProtocols',
    'SNICallback',
    'allowHalfOpen',
    'allowPartialTrustChain',
    'autoSelectFamily',
    'autoSelectFamilyAttemptTimeout',
    'ca',
    'cert',
    'checkServerIdentity',
    'ciphers',
    'clientCertEngine',
    'crl',
    'dhparam',
    'ecdhCurve',
    'enableTrace',
    'family',
    'hints',
    'highWaterMark',
    'honorCipherOrder',
    'host',
    'isServer',
    'keepAlive',
    'keepAliveInitialDelay',
    'key',
    'localAddress',
    'localPort',
    'lookup',
    'maxVersion',
    'minDHSize',
    'minVersion',
    'noDelay',
    'onread',
    'passphrase',
    'path',
    'pfx',
    'port',
    'privateKeyEngine',
    'privateKeyIdentifier',
    'pskCallback',
    'readable',
    'rejectUnauthorized',
    'requestCert',
    'requestOCSP',
    'secureContext',
    'secureOptions',
    'secureProtocol',
    'servername',
    'session',
    'sessionIdContext',
    'sessionTimeout',
    'sigalgs',
    'signal',
    'socket',
    'ticketKeys',
    'timeout',
    'writable'
  ]
}

/** @typedef {keyof typeof KNOWN} Place */

/** Objects in the options of a place, and what is meant by their options alone. @type {Partial<Record<Place, Record<string, string[]>>>} */
const WITHIN = {
  'new Kafka()': {
    retry: RETRY,
    sasl: KNOWN.sasl,
    ssl: ['ca', 'cert', 'key', 'pfx', 'passphrase', 'rejectUnauthorized', 'servername']
  },
  'kafka.consumer()': { retry: RETRY },
  'kafka.producer()': { retry: RETRY },
  'kafka.admin()': { retry: RETRY },
  'consumer.run()': { onFailure: KNOWN.onFailure }
}

/** The option of an object in these options that this is. @param {Place} place @param {string} name */
const withinOf = (place, name) => {
  const found = Object.entries(WITHIN[place] ?? {}).find(([, names]) => names.includes(name))
  return found === undefined ? null : found[0]
}

/** Where options are passed to a method of their own; `retry` and the like are not looked for elsewhere. */
const PLACES = /** @type {Place[]} */ (Object.keys(KNOWN).filter(place => place.endsWith('()')))

/** Objects that were looked at. Programs pass one of them again and again. */
const seen = new WeakSet()

/**
 * Looks at the options of one Kafka and its consumers. An option in the wrong place is warned of by `run()`, the last place,
 * unless it was given in its own place as well by then: libraries pass one object to several places.
 */
class Watch {
  /** Names that were given where they are known. @type {Set<string>} */
  #given = new Set()
  /** @type {{ name: string, warn: () => void }[]} */
  #misplaced = []
  /** This one, and the Kafka's of a consumer's. */
  #all

  /** @param {Watch} [above] the Kafka's */
  constructor(above) {
    this.#all = above ? [above, this] : [this]
  }

  /**
   * @param {Place} place
   * @param {any} options the user's; what is no object is refused elsewhere
   * @param {import('..').Logger} logger
   */
  look(place, options, logger) {
    if (typeof options !== 'object' || options === null) {
      if (place === 'retry' && options != null) {
        logger.warn(
          `retry takes an object, { retries: 5 }, received ${show(options)}: it is ignored`
        )
      }
      return
    }
    for (const [name, value] of Object.entries(options)) {
      if (value === undefined) continue
      const isKnown = KNOWN[place].includes(name)
      if (isKnown && PLACES.includes(place)) this.#given.add(name)
      if (seen.has(options)) continue
      const odd = isKnown ? oddity(place, name, value) : null
      if (odd !== null) logger.warn(odd)
      if (!isKnown) this.#unknown(place, name, logger)
    }
    seen.add(options)
  }

  /** When nothing more is to come. */
  tellMisplaced() {
    for (const { name, warn } of this.#all.flatMap(watch => watch.#misplaced.splice(0))) {
      if (!this.#all.some(watch => watch.#given.has(name))) warn()
    }
  }

  /** @param {Place} place @param {string} name @param {import('..').Logger} logger */
  #unknown(place, name, logger) {
    const owner = PLACES.includes(place) && PLACES.find(other => KNOWN[other].includes(name))
    if (!owner) return logger.warn(unknownOption(place, name, KNOWN[place]))
    const warn = () => logger.warn(`${ignored(place, name)}: it is an option of ${owner}`)
    this.#misplaced.push({ name, warn })
  }
}

/** Its client has the options of kafkajs in an object of this name. */
const CONFLUENT = 'kafkaJS'

/** @param {string} place @param {string} name */
const ignored = (place, name) => `Unknown option "${name}" of ${place} is ignored`

/**
 * The warning, with the known option that was probably meant.
 * @param {string} place the call
 * @param {string} name
 * @param {string[]} known
 */
const unknownOption = (place, name, known) => {
  const within = withinOf(/** @type {Place} */ (place), name)
  if (within !== null) return `${ignored(place, name)}: it belongs into "${within}"`
  if (name === CONFLUENT) return `${ignored(place, name)}: what is in it belongs here`
  const meant = ownNameOf(place, name) ?? nearestOf(known, name)
  return meant === null ? ignored(place, name) : `${ignored(place, name)}: did you mean "${meant}"?`
}

/**
 * The unknown option that was probably given for this one.
 * @param {Place} place
 * @param {string} name a known option
 * @param {any} options the user's
 * @returns {string | null}
 */
const givenFor = (place, name, options) =>
  Object.keys(options).find(
    given =>
      !KNOWN[place].includes(given) &&
      (given === CONFLUENT || (ownNameOf(place, given) ?? nearestOf(KNOWN[place], given)) === name)
  ) ?? null

module.exports = { KNOWN, Watch, givenFor, unknownOption }
