// @ts-check
'use strict'

/**
 * The connection to a cluster: one `NativeClient` from `connect()` to `disconnect()`, a new one after that; and the choice of the
 * seed broker.
 *
 *              connected()                  a seed answers
 *   closed ─────────────────► connecting ──────────────────► open
 *     ▲ ▲                         │                            │
 *     │ └──────── interrupt() ◄───┴────────────────────────────┘   a crash, or an attempt that no caller waits for any more
 *     └─────────── refuse() ◄─────┴────────────────────────────┘   disconnect(): `connected()` rejects until `connect()`
 *
 * A request that is made before the first `connect()` connects by itself. One that is made behind a `disconnect()` rejects.
 */

// Not the global ones, which a test's fake timers replace.
const { clearInterval, setInterval } = require('node:timers')
const { createEngineLog } = require('../loggers')
const { createRetry } = require('../retry')
const networkEvents = require('../network/instrumentationEvents')
const native = require('../native')
const { neighbourAt } = require('../protocol/remedies')
const { authenticate, toNativeSasl } = require('../sasl')
const { createIdentityCheck, createRenewals, toNativeTls, whyUnusable } = require('../tls')
const { hasOwnLookup, lookUp } = require('./lookup')
const { createSeeds } = require('./seeds')
const { createAbort, createInterruption, ended, unlessAborted } = require('../utils/interruption')
const { readable } = require('../utils/thrown')
const { LONGEST_DELAY } = require('../utils/timers')
const {
  KafkaJSNonRetriableError,
  KafkaJSSASLAuthenticationError,
  explained,
  fromFailure,
  moreOf
} = require('../errors')

/** @typedef {import('../native').NativeClient} NativeClient */
/** @typedef {import('../native').NativeClientEvent} NativeClientEvent */

/**
 * The engine tells of requests only while somebody listens to one of their events.
 * @param {import('../instrumentation/emitter')} emitter
 */
const listensToRequests = emitter =>
  Object.values(networkEvents).some(name => emitter.listens(name))

/** The first request that brokers answer and controllers do not. */
const METADATA = 3

/** What JavaScript threw that is kept. */
const MOST_ERRORS = 100

/** Is never aborted. */
const NEVER = createAbort().signal

class Connection {
  /**
   * @param {{
   *   config: ReturnType<typeof import('../config').kafkaOptions>,
   *   logger: import('../..').Logger,
   *   emitter: import('../instrumentation/emitter'),
   *   maxInFlightRequests: number | null,
   *   members: import('./members').Members
   * }} options
   */
  constructor({ config, logger, emitter, maxInFlightRequests, members }) {
    this.config = config
    this.members = members
    this.maxInFlightRequests = maxInFlightRequests
    this.rootLogger = logger
    this.logger = logger.namespace('BrokerPool')
    this.writeLog = createEngineLog(logger)
    this.emitter = emitter
    this.nextSeed = createSeeds({ ...config, logger: this.logger })
    /** @type {NativeClient | null} */
    this.client = null
    /** Clients that are about to be closed. @type {Set<NativeClient>} */
    this.left = new Set()
    /** The attempt to connect that is under way. @type {{ done: Promise<NativeClient>, waiting: number } | null} */
    this.connecting = null
    /** Ends what was begun on these connections. From `disconnect()` to the next `connect()` it is aborted. */
    this.closed = createAbort()
    /** The engine's sockets and threads do not keep the process alive; this timer does while connected. @type {NodeJS.Timeout | null} */
    this.keepAlive = null
    /** To any broker, ever. */
    this.wasConnected = false
    /** How often a broker has answered ApiVersions and nothing else. */
    this.closedBehindVersions = 0
    /** What JavaScript authentication threw, by its text: the engine only hands back the text. */
    this.authenticationErrors = new Map()
    emitter.watch(() => this.client?.setRequestEvents(listensToRequests(emitter)))
  }

  /** The engine's client; made when it is first needed. */
  get native() {
    return (this.client ??= this.open())
  }

  isConnected() {
    return this.client !== null && this.client.isConnected()
  }

  /** Connects unless connected. @returns {Promise<void>} rejects when a `disconnect()` comes in between */
  async connect() {
    this.reopen()
    await this.connected()
  }

  /** Behind a `disconnect()`, lets calls connect again. */
  reopen() {
    if (this.closed.signal.aborted) this.closed = createAbort()
  }

  /**
   * Connects if need be.
   * @param {import('../utils/interruption').Signal} [signal] aborted: the caller does not want it any more
   * @returns {Promise<NativeClient>} rejects after a `disconnect()`
   */
  connected(signal = NEVER) {
    return this.untilDisconnected(async () => {
      const attempt = (this.connecting ??= this.attempt())
      attempt.waiting++
      try {
        return await unlessAborted(signal, () => attempt.done)
      } finally {
        attempt.waiting--
        if (attempt.waiting === 0 && this.connecting === attempt) this.abandon()
      }
    })
  }

  /**
   * Does this, unless a `disconnect()` comes in between, or has come already: then it rejects at once.
   * @template T
   * @param {(signal: import('../utils/interruption').Signal) => Promise<T>} work called at once
   * @returns {Promise<T>}
   */
  untilDisconnected(work) {
    const { signal } = this.closed
    return unlessAborted(signal, () => work(signal))
  }

  /** Throws between `disconnect()` and the next `connect()`. */
  throwIfDisconnected() {
    this.closed.signal.throwIfAborted()
  }

  /** Closes all connections; none is opened before the next `connect()`. Idempotent. */
  async disconnect() {
    this.refuse()
    await this.close()
  }

  /** The beginning of `disconnect()`: calls under way reject, later ones too. Connections stay open until `close()`. */
  refuse() {
    this.interrupt()
    this.closed.abort(ended('Disconnected: connect() has to be called before anything else'))
  }

  /** Calls under way reject; a later one connects anew. */
  interrupt() {
    const { client, closed } = this
    if (client) this.left.add(client)
    this.client = null
    this.connecting = null
    if (closed.signal.aborted) return
    this.closed = createAbort()
    closed.abort(createInterruption('Disconnected before it was done'))
  }

  /** Closes the clients that `interrupt()` and `refuse()` left open. */
  async close() {
    if (this.keepAlive && !this.isConnected()) {
      clearInterval(this.keepAlive)
      this.keepAlive = null
    }
    await Promise.all([...this.left].map(client => this.closeClient(client)))
  }

  /** @private */
  async closeClient(client) {
    await client.close()
    this.left.delete(client)
  }

  /** All callers of `connected()` have given up waiting for this attempt. @private */
  abandon() {
    this.interrupt()
    this.close().catch(({ message }) => this.logger.debug(`Could not be closed: ${message}`))
  }

  /** @private */
  attempt() {
    const done = this.connectToSeed().finally(() => {
      // A disconnect() may have forgotten this attempt, and another one begun.
      if (this.connecting === attempt) this.connecting = null
    })
    const attempt = { done, waiting: 0 }
    return attempt
  }

  /** @private */
  open() {
    const { config } = this
    const hasNew = createRenewals(config.ssl)
    const tls = toNativeTls(config.ssl)
    let checkIdentity = createIdentityCheck(config.ssl, tls)
    const renewTls = () => {
      try {
        if (!hasNew()) return
        const renewed = toNativeTls(config.ssl)
        client.setTls(/** @type {any} */ (renewed))
        checkIdentity = createIdentityCheck(config.ssl, renewed)
      } catch (e) {
        const { message } = readable(e, 'A getter of "ssl"')
        this.logger.error(`What "ssl" has by now cannot be used: ${message}`)
      }
    }
    const client = createNativeClient(
      {
        clientId: config.clientId,
        connectionTimeout: config.connectionTimeout,
        authenticationTimeout: config.authenticationTimeout,
        reauthenticationThreshold: config.reauthenticationThreshold,
        requestTimeout: config.requestTimeout,
        maxInFlightRequests: this.maxInFlightRequests,
        lookup: hasOwnLookup(config.ssl),
        tls,
        sasl: config.sasl ? toNativeSasl(config.sasl) : null
      },
      event => {
        if (event.type === 'check_server_identity') {
          const refusal = checkIdentity(event)
          client.serverIdentity(event.check, refusal?.message ?? null, refusal?.code ?? null)
        } else if (event.type === 'not_opened') {
          renewTls()
        } else if (event.type === 'credentials_refused') {
          client.credentials(event.refusal, credentialsOf(config.sasl))
        } else if (event.type === 'look_up') {
          lookUp(config.ssl, event.host, (...answer) => client.addresses(event.lookup, ...answer))
        } else {
          this.onEvent(client, event)
        }
      },
      this.members.siblings
    )
    if (listensToRequests(this.emitter)) client.setRequestEvents(true)
    return client
  }

  /**
   * Tries one seed broker after the other.
   * @returns {Promise<NativeClient>}
   * @private
   */
  async connectToSeed() {
    const { signal } = this.closed
    const client = this.native
    if (client.isConnected()) return client
    const nextSeed = () => unlessAborted(signal, this.nextSeed)
    let seed = await nextSeed()

    return createRetry(this.config.retry, { signal })(async (bail, retryCount, retryTime) => {
      try {
        signal.throwIfAborted()
        const { host, port } = seed
        const failure = await unlessAborted(signal, () => client.connect(host, port))
        signal.throwIfAborted()
        if (failure) throw this.connectError(failure, seed)
        this.wasConnected = true
        this.keepAlive ??= setInterval(() => {}, LONGEST_DELAY)
        return client
      } catch (e) {
        signal.throwIfAborted()
        const help = moreOf(e)
        const more = { retryCount, retryTime, ...(help && { help }) }
        if (e.name === 'KafkaJSConnectionError' || e.type === 'ILLEGAL_SASL_STATE') {
          seed = await nextSeed()
          this.logger.error(
            `Failed to connect to seed broker, trying another broker from the list: ${e.message}`,
            more
          )
        } else {
          this.logger.error(e.message, more)
        }
        if (!e.retriable) bail(e)
        throw e
      } finally {
        this.authenticationErrors.clear()
      }
    })
  }

  /**
   * @param {import('../native').NativeSeedFailure} failure
   * @param {{ host: string, port: number }} seed
   * @private
   */
  connectError(failure, { host, port }) {
    const mine = this.authenticationErrors.get(failure.message)
    if (mine) return mine
    const broker = `${host}:${port}`
    if (failure.failure === 'unsupported-api' && failure.apiKey === METADATA) {
      const message = `${failure.message}: ${broker} is a listener of a controller, as a rule: "brokers" has to have those of brokers`
      return fromFailure({ ...failure, message })
    }
    if (failure.failure !== 'closed') return fromFailure(failure, { broker })
    const why = [this.closedBecause(failure.hasAnswered), neighbourAt(broker)].filter(Boolean)
    const message = `${failure.message}: ${broker} closed it ${why.join('; ')}`
    return fromFailure({ ...failure, message })
  }

  /**
   * A listener with SASL answers ApiVersions, and closes at any other request. So does a broker that goes down, or a proxy: but not again
   * and again, and not one that has served this client.
   * @param {boolean} hasAnswered
   * @private
   */
  closedBecause(hasAnswered) {
    const { ssl, sasl } = this.config
    const listener = ssl
      ? 'a listener that takes only certain certificates (ssl.cert)'
      : 'a listener with TLS ("ssl" is not given)'
    if (sasl) {
      return `while it was opened: a broker or a proxy that is going down, as a rule, or ${listener}`
    }
    if (!hasAnswered) {
      return `before it has answered anything: a broker or a proxy that is going down, ${listener}, or no Kafka listener`
    }
    if (this.wasConnected) {
      return 'at the first request: a broker or a proxy that is going down, as a rule'
    }
    this.closedBehindVersions++
    return this.closedBehindVersions > 1
      ? 'at the first request, again: does this listener want SASL? ("sasl" is not given)'
      : 'at the first request: a broker or a proxy that is going down, or a listener that wants SASL ("sasl" is not given)'
  }

  /**
   * @param {NativeClient} client
   * @param {NativeClientEvent} event
   * @private
   */
  onEvent(client, { type, ...payload }) {
    const { emitter } = this
    switch (type) {
      case 'log':
        return this.writeLog(/** @type {any} */ (payload))
      case 'request':
        return emitter.emit(networkEvents.NETWORK_REQUEST, payload)
      case 'request_timeout':
        return emitter.emit(networkEvents.NETWORK_REQUEST_TIMEOUT, payload)
      case 'request_queue_size':
        return emitter.emit(networkEvents.NETWORK_REQUEST_QUEUE_SIZE, payload)
      case 'unreachable':
        // All brokers may have moved, and a seed know where to. A failure is logged; the engine asks again.
        if (client === this.client) this.connected().catch(() => {})
        return
      case 'authenticate':
        this.authenticate(client, /** @type {any} */ (payload))
    }
  }

  /** @private */
  async authenticate(client, event) {
    const { sasl } = this.config
    try {
      await authenticate({ sasl, client, event, logger: this.rootLogger })
      client.authenticated(event.session, null, false)
    } catch (thrown) {
      const e = thrownByProvider(thrown)
      const message = String(e.message ?? e)
      // A provider may say something else each time. Those that are wanted are asked for at once.
      if (this.authenticationErrors.size >= MOST_ERRORS) this.authenticationErrors.clear()
      this.authenticationErrors.set(message, e)
      // A provider that cannot be reached is no refusal: connections are tried again, as after any other failure.
      client.authenticated(event.session, message, e.retriable !== false)
    }
  }
}

/**
 * What the program would authenticate with now: it may have written other credentials into its `sasl`, or a getter may know them.
 * @param {any} sasl
 */
const credentialsOf = sasl => {
  try {
    return toNativeSasl(sasl)
  } catch {
    // The broker's refusal says more than that there are none at the moment.
    return null
  }
}

/** What is no error has a text and nothing else: as one, it can say where it comes from. @param {any} thrown */
const thrownByProvider = thrown => {
  const e = readable(thrown, 'The provider of "sasl"')
  return typeof e === 'object'
    ? e
    : explained(new KafkaJSSASLAuthenticationError(String(e)), 'thrown by the provider of "sasl"')
}

/**
 * @param {import('../native').NativeClientOptions} options
 * @param {(event: NativeClientEvent) => void} notify
 * @param {import('../native').NativeSiblings} siblings
 * @returns {NativeClient}
 */
const createNativeClient = (options, notify, siblings) => {
  const { NativeClient } = native
  try {
    return new NativeClient(options, notify, siblings)
  } catch (e) {
    // An option that only the engine can judge, a certificate for instance.
    const why = options.tls ? whyUnusable(options.tls, e.message) : null
    const message = why === null ? e.message : `${e.message}: ${why}`
    throw new KafkaJSNonRetriableError(message, { cause: e })
  }
}

module.exports = Connection
