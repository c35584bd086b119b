// @ts-check
'use strict'

/**
 * Options that nobody knows. They do nothing, as in kafkajs; but a misspelt `sessionTimeout` should not go unnoticed, so each
 * is one warning that names it and the known one that was probably meant.
 */

const RETRY = [
  'maxRetryTime',
  'initialRetryTime',
  'factor',
  'multiplier',
  'retries',
  'restartOnFailure'
]

/** By the object that has them, as users call it. What kafkajs knows is known, of no use here or not. */
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
    'logCreator'
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
    'maxPollInterval',
    'autoOffsetReset',
    'checkCrcs',
    'copyValues',
    'maxQueuedBytes',
    'maxDecompressedBytes',
    'autoCommit',
    'autoCommitInterval',
    'autoCommitThreshold'
  ],
  'consumer.subscribe()': ['topic', 'topics', 'fromBeginning'],
  'consumer.run()': [
    'autoCommit',
    'autoCommitInterval',
    'autoCommitThreshold',
    'eachBatchAutoResolve',
    'partitionsConsumedConcurrently',
    'eachBatch',
    'eachMessage'
  ],
  'kafka.producer()': [
    'createPartitioner',
    'idempotent',
    'transactionalId',
    'transactionTimeout',
    'metadataMaxAge',
    'allowAutoTopicCreation',
    'maxInFlightRequests',
    'retry'
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

/** Where options are passed to a method of their own; `retry` and the like are not looked for elsewhere. */
const PLACES = /** @type {Place[]} */ (Object.keys(KNOWN).filter(place => place.endsWith('()')))

/** Objects that were looked at. Programs pass one of them again and again. */
const seen = new WeakSet()

/**
 * @param {Place} place
 * @param {any} options the user's; anything else is somebody else's complaint
 * @param {import('..').Logger} logger
 */
const warnOfUnknown = (place, options, logger) => {
  if (typeof options !== 'object' || options === null || seen.has(options)) return
  seen.add(options)
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || KNOWN[place].includes(name)) continue
    logger.warn(`Unknown option "${name}" of ${place} is ignored${hint(place, name)}`)
  }
}

/** @param {Place} place @param {string} name */
const hint = (place, name) => {
  const owner =
    PLACES.includes(place) && PLACES.find(other => other !== place && KNOWN[other].includes(name))
  if (owner) return `: it is an option of ${owner}`
  const nearest = KNOWN[place]
    .map(known => ({ known, distance: distance(name.toLowerCase(), known.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0]
  const isNear = nearest.distance <= Math.max(1, Math.floor(name.length / 3))
  return isNear ? `: did you mean "${nearest.known}"?` : ''
}

/** How many letters to change, to add or to take away (Levenshtein). @param {string} a @param {string} b */
const distance = (a, b) => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const above = row
    row = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)
      row[j] = Math.min(changed, above[j] + 1, row[j - 1] + 1)
    }
  }
  return row[b.length]
}

module.exports = { KNOWN, warnOfUnknown }
