/**
 * The public types: those of kafkajs 2.2.4, name by name, and a few options more. The runtime is described by them, never the
 * other way round.
 */

/// <reference types="node" />

import * as net from 'net'
import * as tls from 'tls'

/** What `await using` needs, which only `esnext.disposable` and newer types of Node declare. */
declare global {
  /** The symbols that JavaScript itself knows. */
  interface SymbolConstructor {
    /** The method that `await using` calls at the end of its block. */
    readonly asyncDispose: unique symbol
  }
}

// Kafka

/** Makes clients of one Kafka cluster, which share its options and its logger. */
export class Kafka {
  /** Nothing is validated or connected here; `brokers`, `ssl` and `sasl` are looked at when a client connects. */
  constructor(config: KafkaConfig)
  /** Writes messages to topics. Throws KafkaJSNonRetriableError for invalid options. */
  producer(config?: ProducerConfig): Producer
  /** A member of a consumer group. Throws KafkaJSNonRetriableError for invalid options. */
  consumer<Key = Buffer | null, Value = Buffer | null>(
    config: ConsumerConfig<Key, Value>
  ): Consumer<Key, Value>
  /** A consumer without a group: it reads what `assign()` says. Not in kafkajs. */
  consumer<Key = Buffer | null, Value = Buffer | null>(
    config: Omit<ConsumerConfig<Key, Value>, 'groupId'> & { groupId?: null }
  ): Consumer<Key, Value>
  /** Looks into the cluster and changes it: topics, partitions, groups, offsets, configs, ACLs, users, quotas. */
  admin(config?: AdminConfig): Admin
  /** The root logger. */
  logger(): Logger
}

/** Is asked for the seed brokers each time one is needed. */
export type BrokersFunction = () => string[] | Promise<string[]>

/** Options of `new Kafka()`. Times are in milliseconds. */
export interface KafkaConfig {
  /** Seed brokers, `host:port` (IPv6: `[::1]:9092`), or a function that returns them. */
  brokers: string[] | BrokersFunction
  /**
   * TLS: `true` for Node's own roots (NODE_EXTRA_CA_CERTS included), or Node's options: `ca`, `cert`, `key`, `passphrase`, `pfx`,
   * `servername`, `rejectUnauthorized`, `checkServerIdentity`, `minVersion`, `maxVersion`, `ciphers`, `sigalgs`, `ecdhCurve` …;
   * `host` and `port` send all connections there. `lookup`, or what a program has put in the place of `dns.lookup`, knows the
   * addresses of names (without TLS, too): JavaScript that is busy delays connections then. Options that the engine cannot
   * honour (`secureContext`, `crl`, `timeout` …) are refused at construction. Certificates and keys are read when a client connects, and
   * again when a connection cannot be opened: they may change meanwhile.
   */
  ssl?: tls.ConnectionOptions | boolean
  /**
   * Credentials, or a mechanism of your own. Username and password are read when a client connects, and again when a broker refuses
   * them: they may change meanwhile.
   */
  sasl?: SASLOptions | Mechanism
  /** Sent with every request; member ids start with it. Default: `kafkajs`. */
  clientId?: string
  /** For TCP and TLS together. Default: 1000. */
  connectionTimeout?: number
  /** For SASL. Default: 10000. */
  authenticationTimeout?: number
  /** Authenticate again this long before the session ends (KIP-368). Default: 10000. */
  reauthenticationThreshold?: number
  /** How long an answer is waited for, from 1 on. Default: 30000. */
  requestTimeout?: number
  /** `false`: requests never time out. Default: `true`. */
  enforceRequestTimeout?: boolean
  /** For connecting, metadata and the coordinator; also where a client's own `retry` is silent. */
  retry?: RetryOptions
  /** Not supported: the engine makes the connections. The constructor throws KafkaJSNonRetriableError. */
  socketFactory?: ISocketFactory
  /** What is logged: this level and all above it. Default: `logLevel.INFO`. The environment variable KAFKAJS_LOG_LEVEL wins. */
  logLevel?: logLevel
  /** Where log lines go. Default: to the console, as JSON. */
  logCreator?: logCreator
}

/** What kafkajs gives a `socketFactory`. Of no use here. */
export interface ISocketFactoryArgs {
  /** Name or address of the broker. */
  host: string
  /** Port of the broker. */
  port: number
  /** Options of TLS, if there are any. */
  ssl: tls.ConnectionOptions
  /** To be called when the socket is connected. */
  onConnect: () => void
}

/** The type of kafkajs's `socketFactory`, which is refused here. */
export type ISocketFactory = (args: ISocketFactoryArgs) => net.Socket

/** How failures are retried: waits grow by `multiplier`, each drawn at random within ± `factor`. */
export interface RetryOptions {
  /** Longest wait, ms. Default: 30000. */
  maxRetryTime?: number
  /** First wait, ms. Default: 300. */
  initialRetryTime?: number
  /** How much of a wait is chance: 0.2 makes it up to 20 % shorter or longer. Default: 0.2. */
  factor?: number
  /** How many times as long each wait is as the one before it. Default: 2. */
  multiplier?: number
  /** Tries after the first one. Default: 5. */
  retries?: number
  /** Consumers only: asked after a crash that may be retried; `false` keeps the consumer from restarting. */
  restartOnFailure?: (e: Error) => Promise<boolean>
}

// SASL

/** Credentials by mechanism. */
type SASLMechanismOptionsMap = {
  /** SASL PLAIN: the password goes to the broker as it is, so use TLS. */
  plain: {
    /** Who connects. */
    username: string
    /** The password of the user. Never logged. */
    password: string
  }
  /** SCRAM: the password is proved and never sent. */
  'scram-sha-256': {
    /** Who connects. */
    username: string
    /** The password of the user. Never logged. */
    password: string
  }
  /** SCRAM with a longer hash. */
  'scram-sha-512': {
    /** Who connects. */
    username: string
    /** The password of the user. Never logged. */
    password: string
  }
  /** The mechanism AWS of brokers with a plugin for it. */
  aws: {
    /** The `aws:userid` of the credentials. */
    authorizationIdentity: string
    /** The access key. */
    accessKeyId: string
    /** The secret of the access key. Never logged. */
    secretAccessKey: string
    /** Of temporary credentials. */
    sessionToken?: string
  }
  /** OAUTHBEARER: a token that the program gets (KIP-255). */
  oauthbearer: {
    /** Asked for a token for each connection, and again before its session ends. */
    oauthBearerProvider: () => Promise<OauthbearerProviderResponse>
  }
}

/** The names of the built-in mechanisms. */
export type SASLMechanism = keyof SASLMechanismOptionsMap
/** Credentials with the name of their mechanism. */
type SASLMechanismOptions<T> = T extends SASLMechanism
  ? {
      /** Name of the mechanism. */
      mechanism: T
    } & SASLMechanismOptionsMap[T]
  : never
/** Credentials of a built-in mechanism. The object is never written to. */
export type SASLOptions = SASLMechanismOptions<SASLMechanism>

/** What `oauthBearerProvider` resolves with. */
export interface OauthbearerProviderResponse {
  /** The token. */
  value: string
}

/** A mechanism of your own. */
export type Mechanism = {
  /** Name of the mechanism, as the broker lists it. */
  mechanism: string
  /** Called for each connection; what it returns authenticates it. */
  authenticationProvider: (args: AuthenticationProviderArgs) => Authenticator
}

/** Authenticates one connection. */
export type Authenticator = {
  /** Called for each connection, and again before its session ends. */
  authenticate: () => Promise<void>
}

/** What the `authenticationProvider` of a mechanism of your own gets. */
export type AuthenticationProviderArgs = {
  /** Name or address of the broker. */
  host: string
  /** Port of the broker. */
  port: number
  /** For what the mechanism has to say. */
  logger: Logger
  /** One round: sends `request`, resolves with what `response` makes of the answer. */
  saslAuthenticate: <ParseResult>(
    args: SaslAuthenticateArgs<ParseResult>
  ) => Promise<ParseResult | void>
}

/** One round of a SASL exchange. */
export type SaslAuthenticateArgs<ParseResult> = {
  /** What is sent to the broker. */
  request: SaslAuthenticationRequest
  /** Reads the broker's answer. Without it, the answer is dropped. */
  response?: SaslAuthenticationResponse<ParseResult>
}

/** Bytes for the broker. */
type SaslAuthenticationRequest = {
  /** The bytes after their length (int32, big endian). */
  encode: () => Buffer | Promise<Buffer>
}
/** How the broker's answer is read. */
type SaslAuthenticationResponse<ParseResult> = {
  /** Receives the bytes after their length (int32, big endian). */
  decode: (rawResponse: Buffer) => Buffer | Promise<Buffer>
  /** Makes of the answer what `saslAuthenticate` resolves with. */
  parse: (data: Buffer) => ParseResult
}

// Consumer

/** Options of `kafka.consumer()`. Times are in milliseconds. */
export interface ConsumerConfig<Key = any, Value = any> {
  /**
   * Name of the group: its members share the partitions of their topics. Up to 32767 bytes. A consumer without one (`groupId` is not
   * given, or `null`) reads what `assign()` says, and commits nothing.
   */
  groupId: string
  /**
   * In order of preference; the group uses one that all members offer. Those that come with this package go by their names as
   * well, in any usual spelling (that is not in kafkajs). Default: `[PartitionAssigners.roundRobin]`.
   *
   * `'range'`, `'sticky'`, `'cooperative-sticky'` and `'RoundRobinAssignor'` are Kafka's own: with these, a consumer shares a group
   * with clients in other languages. `'RoundRobin'` in all other spellings is kafkajs's, which is another one to a group. To change
   * the assigner of a running group, first give both to all its members, the new one first; then leave the old one out.
   *
   * With `'cooperative-sticky'` alone, or beside other cooperative ones, a rebalance stops only the partitions that change hands:
   * handlers of the others go on through it, with their positions, pauses and what they have not committed. As long as an eager one
   * is in the list, all partitions are given up for each rebalance.
   */
  partitionAssigners?: (PartitionAssigner | PartitionAssignerName)[]
  /**
   * How often topics and partitions are looked at anew, in milliseconds; by the leader of a cooperative group six times as often, as
   * nobody reads a new partition before it knows. Default: 300000.
   */
  metadataMaxAge?: number
  /** Without a heartbeat for this long the member is out of the group. Default: 30000. */
  sessionTimeout?: number
  /** How long a rebalance waits for this member. Default: 60000. */
  rebalanceTimeout?: number
  /**
   * Heartbeats are sent by the engine, also while a handler runs, and no more than three a second; never further apart than a third of
   * `rebalanceTimeout`. Default: 3000.
   */
  heartbeatInterval?: number
  /** Of each partition in a fetch; a batch that is larger comes alone. Default: 1048576. */
  maxBytesPerPartition?: number
  /** A broker answers a fetch when it has this many bytes. 0 is 1: as soon as there is something. Default: 1. */
  minBytes?: number
  /** Of a fetch as a whole, that is from each broker. Default: 10485760. */
  maxBytes?: number
  /**
   * A broker answers a fetch after this time at the latest. Below 5, a broker that had nothing is asked again after 5 ms.
   * Default: 5000.
   */
  maxWaitTimeInMs?: number
  /** For failing handlers and commits. Default: 5 retries, the rest as given to `new Kafka()`. */
  retry?: RetryOptions & {
    /** Asked after a crash that may be retried; `false` keeps the consumer from restarting. Default: it restarts. */
    restartOnFailure?: (err: Error) => Promise<boolean>
  }
  /** May a topic be created by subscribing to it, where brokers do that? Default: `true`. */
  allowAutoTopicCreation?: boolean
  /** Requests of a connection that may wait for an answer, from 1 on. Default: no limit. */
  maxInFlightRequests?: number
  /** `true` delivers messages of open and aborted transactions too. Default: `false`. */
  readUncommitted?: boolean
  /** Fetch from replicas of this rack (KIP-392). Default: none. */
  rackId?: string

  /**
   * Static membership (KIP-345): a restart within `sessionTimeout` does not rebalance, because `stop()` and `disconnect()` do not
   * leave the group; see `DisconnectOptions`. Each member needs an id of its own: one that comes with an id that another has takes
   * its place, and the other one crashes for good. Default: none. Not in kafkajs.
   */
  groupInstanceId?: string
  /**
   * `consumer` is KIP-848: the broker assigns, and partitions that a member keeps are not interrupted when others come and go. It
   * needs Kafka 4.0 or later, and takes no `sessionTimeout`, `heartbeatInterval` and `partitionAssigners`, which are the broker's
   * to say. `auto` is that where the broker speaks it, and the classic protocol elsewhere. Default: `classic`. Not in kafkajs.
   */
  groupProtocol?: 'classic' | 'consumer' | 'auto'
  /** Which of its assignors the broker is to use by KIP-848. Default: what it prefers, `uniform`. Not in kafkajs. */
  groupRemoteAssignor?: 'uniform' | 'range' | (string & {})
  /**
   * A consumer that makes no progress for this long leaves its group, and joins again when it does. Default: 300000. Not in
   * kafkajs.
   */
  maxPollInterval?: number
  /**
   * Where a partition begins of which the group has committed nothing, and where it goes on when its position is not in the log (any
   * more): at its first message, behind its last one, or at the first one that is not older than `duration` ms (KIP-1106; where all
   * are older, behind the last one). It says so for all topics: a `fromBeginning` of `subscribe()` that says something else is refused.
   * `none`: `fromBeginning` of the topic decides where to begin, and a position outside of the log, or behind where it was truncated,
   * crashes the consumer with KafkaJSOffsetOutOfRange. Default: `fromBeginning` of the topic decides both; after a truncation the
   * position goes back to its place. Not in kafkajs.
   */
  autoOffsetReset?: 'earliest' | 'latest' | 'none' | AutoOffsetResetByDuration
  /** STALLED is told of partitions that have stood still for so long, ms. Default: 30000. Not in kafkajs. */
  stalledAfter?: number
  /** How often LAG is told while somebody listens, ms. Default: never. Not in kafkajs. */
  lagInterval?: number
  /** Verify the checksum of each batch: what does not fit is fetched again. Default: `true`. Not in kafkajs. */
  checkCrcs?: boolean
  /**
   * Give every key and value memory of its own, for programs that keep or post single values; else they are slices of a
   * larger buffer. Default: `false`. Not in kafkajs.
   */
  copyValues?: boolean
  /** Limit of what is fetched ahead. Default: 67108864. Not in kafkajs. */
  maxQueuedBytes?: number
  /**
   * A batch that decompresses to more than this ends the consumer: it may be a bomb. At most 2147483647. Default: 536870912.
   * Not in kafkajs.
   */
  maxDecompressedBytes?: number
  /**
   * Makes of a key what handlers get. A name is one of the formats of Kafka's own serializers. `null` stays `null`. Default: keys
   * stay Buffers. Not in kafkajs.
   */
  keyDeserializer?: Deserializer<Key>
  /** The same of values; a tombstone stays `null`. Default: values stay Buffers. Not in kafkajs. */
  valueDeserializer?: Deserializer<Value>
  /**
   * What becomes of a message whose key or value cannot be read. `fail`: as if the handler had thrown; what a name stands for is not
   * tried again, what a function reads is, as `retry` says. `skip`: it is left out with a warning, and counts as handled. A function
   * may look at the bytes, keep them somewhere, and returns one of these. Default: `fail`. Not in kafkajs.
   */
  onDeserializationError?: 'fail' | 'skip' | DeserializationErrorHandler
  /** Default of the option of `run()`. Not in kafkajs. */
  autoCommit?: boolean
  /** Default of the option of `run()`. Not in kafkajs. */
  autoCommitInterval?: number | null
  /** Default of the option of `run()`. Not in kafkajs. */
  autoCommitThreshold?: number | null
  /**
   * Called when partitions have come to this member, before anything of them is read: `seek`, `pause` and `commitOffsets` in it
   * decide where and whether they begin. Partitions that were there before go on meanwhile. Default: none. Not in kafkajs.
   *
   * Each of the three hooks may be async and is awaited, for `rebalanceTimeout` at most; no two run at once. One that throws, or
   * takes longer, crashes the consumer, and behind one that took longer no other is called. `stop()` and `disconnect()` do not wait
   * for the hook that calls them.
   */
  onPartitionsAssigned?: RebalanceHook
  /**
   * Called when partitions are about to go, in a rebalance, by `stop()` or by `disconnect()`: behind the end of their handlers'
   * messages and before others can have them, so that `commitOffsets` in it is in time. Default: none. Not in kafkajs.
   */
  onPartitionsRevoked?: RebalanceHook
  /**
   * Called when partitions are gone already, because the group has given this member up, or a handler has hung for
   * `maxPollInterval`: nothing of them can be committed, and a handler may still be at work. Default: `onPartitionsRevoked`. Not
   * in kafkajs.
   */
  onPartitionsLost?: RebalanceHook
}

/**
 * Hears of partitions that come or go, at least one. Each that has come goes once, by `onPartitionsRevoked` or by
 * `onPartitionsLost`. A group that rebalances eagerly revokes all and assigns all; a cooperative one only what changes.
 */
export type RebalanceHook = (
  partitions: TopicPartitions[],
  helpers: RebalanceHelpers
) => Promise<void> | void

/** How a key or a value is read: the name of a format, or a function. */
export type Deserializer<T = any> = DeserializerName | DeserializerFunction<T>

/**
 * `string` (UTF-8), `json`, `int32`, `int64` (a bigint), `double` (all big-endian), `uuid` (its text): as Kafka's StringSerializer,
 * IntegerSerializer, LongSerializer, DoubleSerializer and UUIDSerializer write them.
 */
export type DeserializerName = 'string' | 'json' | 'int32' | 'int64' | 'double' | 'uuid'

/** Reads a key or a value, which is never `null`. May return a promise. */
export type DeserializerFunction<T = any> = (record: {
  topic: string
  partition: number
  /** The headers of the message. */
  headers: IHeaders
  /** The bytes. */
  data: Buffer
}) => T | Promise<T>

/** Decides about a message that cannot be read. May return a promise. */
export type DeserializationErrorHandler = (
  error: KafkaJSDeserializationError,
  message: {
    topic: string
    partition: number
    offset: string
    /** Milliseconds since the epoch. */
    timestamp: string
    headers: IHeaders
  }
) => 'fail' | 'skip' | Promise<'fail' | 'skip'>

/** What a rebalance hook is given beside the partitions. */
export interface RebalanceHelpers {
  /** What handlers have finished and the group does not know yet, of all partitions of this member. */
  uncommittedOffsets(): OffsetsByTopicPartition
}

/** Options of `consumer.disconnect()`. */
export interface DisconnectOptions {
  /**
   * `true` leaves the group, whose other members share the partitions at once. `false` says nothing: they do so when
   * `sessionTimeout` is over, unless a static member has come back by then. Default: `true`, with `groupInstanceId` `false`
   * (KIP-345, KIP-1092). Not in kafkajs.
   */
  leaveGroup?: boolean
}

/** A member of a consumer group. Its methods work without `this`. */
export type Consumer<Key = Buffer | null, Value = Buffer | null> = {
  /** Connects to a seed broker. Optional, but behind `disconnect()`: the other methods connect too. Rejects when all retries failed. */
  connect(): Promise<void>
  /**
   * Stops, and closes all connections. What was begun before and is not done, and what comes before the next `connect()`, rejects
   * with KafkaJSNonRetriableError. May be called at any time, from handlers and hooks too, and more than once: the first call decides
   * what becomes of the membership.
   */
  disconnect(options?: DisconnectOptions): Promise<void>
  /**
   * Subscribes to more topics; not while running. Rejects with KafkaJSProtocolError for a missing, invalid or forbidden topic. One that is
   * only missing is subscribed nevertheless: the program may create it, and call `run()`.
   */
  subscribe(
    subscription: ConsumerSubscribeTopics | ConsumerSubscribeTopic | ConsumerSubscribeExpressions
  ): Promise<void>
  /**
   * Stops handing out messages: handlers finish their message, offsets are committed, the group is left. In a handler it
   * does not wait for that handler.
   */
  stop(): Promise<void>
  /**
   * Joins the group and consumes. Resolves after the first join; failures show as `consumer.crash`, not as a rejection. Rejects with
   * KafkaJSNonRetriableError when `stop()` or `disconnect()` comes before the join.
   */
  run(config?: ConsumerRunConfig<Key, Value>): Promise<void>
  /** Commits exactly these offsets: of the *next* message to be consumed. Without any, one that is pulled commits what is handled. */
  commitOffsets(topicPartitions?: Array<TopicPartitionOffsetAndMetadata>): Promise<void>
  /** Moves a partition's position: an offset, `-1` latest, `-2` earliest. After `run()`. */
  seek(topicPartitionOffset: TopicPartitionOffset): void
  /** To the first message at or behind a time; resolves when that is found. Not in kafkajs. */
  seek(topicPartitionTime: TopicPartition & { offset: Date }): Promise<void>
  /** What the brokers know of the group. */
  describeGroup(): Promise<GroupDescription>
  /**
   * As whom the consumer commits now: for `sendOffsets` of a transaction. After `run()`. Throws a `KafkaJSProtocolError` of type
   * `REBALANCE_IN_PROGRESS` while the consumer is no member of its group, or does not have all of `topics` (default: none is looked for).
   */
  groupMetadata(of?: {
    topics?: Array<{ topic: string; partitions: Array<{ partition: number }> }>
  }): ConsumerGroupMetadata
  /** Stops fetching topics, or some of their partitions. After `run()`. */
  pause(topics: Array<{ topic: string; partitions?: number[] }>): void
  /** The assigned partitions that are paused. */
  paused(): TopicPartitions[]
  /** After `run()`. */
  resume(topics: Array<{ topic: string; partitions?: number[] }>): void
  /** Adds a listener; returns what removes it. What a listener throws is logged. */
  on(
    eventName: ConsumerEvents['HEARTBEAT'],
    listener: (event: ConsumerHeartbeatEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ConsumerEvents['COMMIT_OFFSETS'],
    listener: (event: ConsumerCommitOffsetsEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ConsumerEvents['GROUP_JOIN'],
    listener: (event: ConsumerGroupJoinEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ConsumerEvents['FETCH_START'],
    listener: (event: ConsumerFetchStartEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ConsumerEvents['FETCH'],
    listener: (event: ConsumerFetchEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ConsumerEvents['START_BATCH_PROCESS'],
    listener: (event: ConsumerStartBatchProcessEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ConsumerEvents['END_BATCH_PROCESS'],
    listener: (event: ConsumerEndBatchProcessEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ConsumerEvents['CONNECT'],
    listener: (event: ConnectEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ConsumerEvents['DISCONNECT'],
    listener: (event: DisconnectEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ConsumerEvents['STOP'],
    listener: (event: InstrumentationEvent<null>) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ConsumerEvents['CRASH'],
    listener: (event: ConsumerCrashEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ConsumerEvents['REBALANCING'],
    listener: (event: ConsumerRebalancingEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: AddedConsumerEvents['LAG'],
    listener: (event: ConsumerLagEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: AddedConsumerEvents['STALLED'],
    listener: (event: ConsumerStalledEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ConsumerEvents['RECEIVED_UNSUBSCRIBED_TOPICS'],
    listener: (event: ConsumerReceivedUnsubcribedTopicsEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ConsumerEvents['REQUEST'],
    listener: (event: RequestEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ConsumerEvents['REQUEST_TIMEOUT'],
    listener: (event: RequestTimeoutEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ConsumerEvents['REQUEST_QUEUE_SIZE'],
    listener: (event: RequestQueueSizeEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ValueOf<ConsumerEvents>,
    listener: (event: InstrumentationEvent<any>) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  /** The logger of this consumer. */
  logger(): Logger
  /** The names that `on` takes. */
  readonly events: ConsumerEvents & AddedConsumerEvents

  /**
   * The next message. It counts as handled when the next one is asked for. `null`: none has come within `timeout`, or the consumer has
   * ended. The first call joins the group. Not in kafkajs.
   */
  getOne(options?: PullOptions): Promise<PulledMessage<Key, Value> | null>
  /**
   * Messages that are there, by partition: of no further partition once there are 500, and at most `maxRecords`. They count as handled
   * when the next are asked for. Empty: none have come within `timeout`. Not in kafkajs.
   */
  getMany(options?: PullManyOptions): Promise<PulledBatch<Key, Value>[]>
  /** All messages, one after the other; `break` commits what was handled. Not in kafkajs. */
  [Symbol.asyncIterator](): AsyncIterableIterator<PulledMessage<Key, Value>>
  /** Disconnects: `await using consumer = kafka.consumer(…)` calls it at the end of its block. Not in kafkajs. */
  [Symbol.asyncDispose](): Promise<void>
  /** The same as a Readable in object mode, which reads nothing ahead. Not in kafkajs. */
  stream(): import('node:stream').Readable
  /** The same as a ReadableStream of the Web. Not in kafkajs. */
  readableStream(): ReadableStream<PulledMessage<Key, Value>>
  /**
   * Reads these partitions, and no others any more, without being a member of a group. Those that are read already go on. With a
   * `groupId`, offsets are committed, as long as the group has no members. Not in kafkajs.
   */
  assign(partitions: AssignedPartition[]): Promise<void>
  /** What is assigned to this consumer. Not in kafkajs. */
  assignment(): TopicPartitions[]
  /** The topics that it subscribes. Not in kafkajs. */
  subscription(): string[]
  /** Stops, and forgets subscription and assignment. Not in kafkajs. */
  unsubscribe(): Promise<void>
  /** The offset of the next message to handle; `null`: not known yet, or not assigned. Not in kafkajs. */
  position(partition: TopicPartition): string | null
  /** What the group has committed; offset `null`: nothing. Not in kafkajs. */
  committed(partitions: TopicPartition[]): Promise<CommittedOffset[]>
  /** The first offsets. Not in kafkajs. */
  beginningOffsets(partitions: TopicPartition[]): Promise<FoundOffset[]>
  /** The offsets behind the last messages that this consumer could read. Not in kafkajs. */
  endOffsets(partitions: TopicPartition[]): Promise<FoundOffset[]>
  /** The first offsets at or behind a time (ms since the epoch, or a Date); `null`: there is none. Not in kafkajs. */
  offsetsForTimes(
    partitions: (TopicPartition & { timestamp: number | string | Date })[]
  ): Promise<FoundOffset[]>
  /** Of all assigned partitions, if none are given. Not in kafkajs. */
  seekToBeginning(partitions?: TopicPartition[]): void
  /** Of all assigned partitions, if none are given. Not in kafkajs. */
  seekToEnd(partitions?: TopicPartition[]): void
  /** How far each assigned partition is from its end, by what is known: no broker is asked. Not in kafkajs. */
  lag(): ConsumerLag[]
  /** How the consumer is, at any time: no broker is asked. Not in kafkajs. */
  health(): ConsumerHealth
}

/** Options of `getOne()`. Not in kafkajs. */
export interface PullOptions {
  /** How long to wait for a message, ms. Default: for ever. */
  timeout?: number
  /** Only messages of these partitions. Default: of all. */
  partitions?: (TopicPartition | TopicPartitions)[]
}

/** Options of `getMany()`. Not in kafkajs. */
export interface PullManyOptions extends PullOptions {
  /** At most so many messages. Default: what there is. */
  maxRecords?: number
}

/** A message that was asked for. Not in kafkajs. */
export type PulledMessage<Key = Buffer | null, Value = Buffer | null> = KafkaMessage<Key, Value> &
  TopicPartition

/** Messages of a partition that were asked for. Not in kafkajs. */
export interface PulledBatch<Key = Buffer | null, Value = Buffer | null> extends TopicPartition {
  /** In the order of their offsets. */
  messages: PulledMessage<Key, Value>[]
}

/** At the first message that is not older (KIP-1106). Not in kafkajs. */
export interface AutoOffsetResetByDuration {
  /** Of a message at the most, ms. */
  duration: number
}

/** A partition to read, and where to begin. Not in kafkajs. */
export interface AssignedPartition extends TopicPartition {
  /** A Date: the first message at or behind it. Default: with a group `'committed'`, else `'latest'`. */
  offset?: number | string | bigint | 'earliest' | 'latest' | 'committed' | Date
}

/** An offset that was asked for. Not in kafkajs. */
export interface FoundOffset extends TopicPartition {
  /** `null`: there is none. */
  offset: string | null
}

/** What a group has committed. Not in kafkajs. */
export interface CommittedOffset extends FoundOffset {
  /** What was committed with it. */
  metadata: string | null
  /** Of the message before it (KIP-320); `null`: nobody has said it. */
  leaderEpoch: number | null
}

/** How far a partition is from its end; `null`: not known yet. Not in kafkajs. */
export interface ConsumerLag extends TopicPartition {
  /** The next message to handle. */
  position: string | null
  /** Of the message before it (KIP-320). */
  leaderEpoch: number | null
  /** What the group has committed; `null`: nothing, as far as is known. */
  committed: string | null
  /** Behind the last message that all replicas have. */
  highWatermark: string | null
  /** Before the first message of an open transaction. */
  lastStableOffset: string | null
  /** From the position to the end of what this consumer may read. */
  lag: string | null
}

/** What a consumer waits for, as its engine knows it. What does not apply is `null`. Not in kafkajs. */
export interface ConsumerWait {
  /**
   * `coordinator`: the group's is not known, or does not answer. `group`: it waits for other members. `session`: it has not confirmed
   * the membership in time. `commit`: offsets are committed before partitions go. `assigner`, `hook`: one of the program's. `position`: it is looked
   * up. `leader`: the partition has none. `fetch`: a broker refuses or does not answer. `handler`: one is at work. `pull`: the program
   * has not asked for the next messages. `back-off`: a handler has failed, and is called again later. `delay`: messages of a retry
   * topic wait for their time. `messages`: all are read.
   */
  reason:
    | 'coordinator'
    | 'group'
    | 'session'
    | 'commit'
    | 'assigner'
    | 'hook'
    | 'position'
    | 'leader'
    | 'fetch'
    | 'handler'
    | 'pull'
    | 'back-off'
    | 'delay'
    | 'messages'
  /** That, as a sentence. */
  message: string
  /** Since when, ms since 1970, where that is known: since when a handler has finished nothing, or a broker has not answered. */
  since: number | null
  /** Whose handler, or what is fetched. */
  topic: string | null
  /** Its partition. */
  partition: number | null
  /** Node id. */
  broker: number | null
  /** How the broker or the network has put it. */
  error: string | null
}

/** How a consumer is. Not in kafkajs. */
export interface ConsumerHealth {
  /**
   * `stopped`: before `run()` and behind `stop()`. `connecting`, `joining`: on the way. `running`: it has an assignment. `rebalancing`:
   * it gives partitions up. `overdue`: a handler has made no progress for `maxPollInterval`, so the group is left until it does.
   * `crashed`: an error has ended it. `restarting`: it begins again by itself, see CRASH. `stopping`: it ends.
   */
  state:
    | 'stopped'
    | 'connecting'
    | 'joining'
    | 'running'
    | 'rebalancing'
    | 'overdue'
    | 'crashed'
    | 'restarting'
    | 'stopping'
  /** Name of the group; `null` without one. */
  groupId: string | null
  /** The id that it has in the group; `null` while it is no member. */
  memberId: string | null
  /** The generation that it has joined last; by KIP-848 its epoch. */
  generationId: number | null
  /** What is assigned. */
  assignment: TopicPartitions[]
  /** What of that is paused. */
  paused: TopicPartitions[]
  /** When the coordinator has answered a heartbeat last, ms since 1970; `null`: never. */
  lastHeartbeat: number | null
  /** When a message was finished last, ms since 1970; `null`: none since `run()`. */
  lastProgress: number | null
  /** What keeps it waiting, trouble first; `null`: nothing. */
  waitsFor: ConsumerWait | null
}

/** The argument of `subscribe()`. */
export type ConsumerSubscribeTopics = {
  /** Names; or patterns, matched over all topics when called and at each metadata refresh. */
  topics: (string | RegExp)[]
  /** Where a partition starts without a committed offset: at the first message, or (default) at the end. */
  fromBeginning?: boolean
}

/** @deprecated Replaced by ConsumerSubscribeTopics */
export type ConsumerSubscribeTopic = {
  /** A name; or a pattern, matched over all topics when called and at each metadata refresh. */
  topic: string | RegExp
  /** Where a partition starts without a committed offset: at the first message, or (default) at the end. */
  fromBeginning?: boolean
}

/** An expression of RE2, for whole names, which the broker evaluates (`groupProtocol: 'consumer'`). Not in kafkajs. */
export type Re2 = {
  /** The expression. */
  re2: string
}

/** As the others, with expressions for the broker. Not in kafkajs. */
export type ConsumerSubscribeExpressions = (
  | {
      /** The expression. */
      topic: Re2
    }
  | {
      /** Names, patterns and expressions. */
      topics: (string | RegExp | Re2)[]
    }
) & {
  /** As in `ConsumerSubscribeTopics`; of several with expressions the last counts for what the broker finds. */
  fromBeginning?: boolean
}

/** Options of `consumer.run()`. */
export type ConsumerRunConfig<Key = Buffer | null, Value = Buffer | null> = {
  /** Commit resolved offsets by itself: after every batch, at most about 50 times a second. Default: `true`. */
  autoCommit?: boolean
  /** Within a batch, too, when so long nothing was committed, ms. Default: none. */
  autoCommitInterval?: number | null
  /** Within a batch, too, when so many messages are not committed. Default: none. */
  autoCommitThreshold?: number | null
  /** When `eachBatch` returns, everything in the batch counts as processed. Default: `true`. */
  eachBatchAutoResolve?: boolean
  /** Handlers at once; a partition is always handled in order. Default: 1. */
  partitionsConsumedConcurrently?: number
  /**
   * Handlers at once, of one partition as well: see `orderBy` for what stays in order, and docs/parallel.md. For `eachMessage`, instead of
   * `partitionsConsumedConcurrently`. Not in kafkajs. Default: none, a partition has one handler at a time.
   */
  messagesConsumedConcurrently?: number
  /**
   * What `messagesConsumedConcurrently` keeps in order: messages of one key (those without a key are in no order), of one partition, or
   * none. Default: `'key'`.
   */
  orderBy?: 'key' | 'partition' | 'none'
  /** Called with the messages of one partition that are there, at most 2000 or 1 MB. */
  eachBatch?: EachBatchHandler<Key, Value>
  /** Wins over `eachBatch`. */
  eachMessage?: EachMessageHandler<Key, Value>
  /** What becomes of messages whose handler fails, so that they do not stop their partition. Default: as in kafkajs. Not in kafkajs. */
  onFailure?: FailureOptions
}

/** Where a message was before its handler failed for the first time, and how often that has failed. Not in kafkajs. */
export interface MessageOrigin {
  /** The topic that the message was read from first. */
  topic: string
  /** Its partition there. */
  partition: number

  /** Its offset there. */
  offset: string
  /** Of the message there, ms. */
  timestamp: string
  /** Attempts that have failed, in all topics together. */
  attempts: number
}

/** A topic in which failed messages wait. Not in kafkajs. */
export interface RetryTopic {
  /** Its name. */
  topic: string
  /** How long a message waits there for its next attempt, ms. */
  delay: number
}

/** What `when` decides; `true` is what would happen without it, `false` is `'fail'`. */
export type FailureVerdict = boolean | 'retry' | 'deadLetter' | 'skip' | 'fail'

/** `onFailure` of `consumer.run()`: again in place, then through retry topics, then to the dead-letter topic. Not in kafkajs. */
export interface FailureOptions {
  /** Attempts in place after the first one; the partition waits meanwhile. Default: 3. */
  retries?: number
  /** ms before the next attempt in place, or a function that says so. Default: as `retry` of the consumer says, 300 ms and then doubled. */
  backoff?: number | ((attempts: number, error: any) => number | Promise<number>)
  /**
   * Delays in ms: topics named `<groupId>.retry.<delay>`, in which a message waits so long for one more attempt, while its partition
   * goes on; or topics of these names. The consumer subscribes to them. Default: none.
   */
  retryTopics?: Array<number | RetryTopic>
  /** The topic for what has failed in the end. Default: none, and the consumer crashes then, as in kafkajs. */
  deadLetterTopic?: string
  /** Decides about each failure. Default: an error with `retriable: false` or of JavaScript's own is not tried again, all others are. */
  when?: (
    error: any,
    failed: MessageOrigin & { message: KafkaMessage }
  ) => FailureVerdict | Promise<FailureVerdict>
  /** Write to the other topic and commit the offset in one transaction. Default: `false`, at least once. */
  exactlyOnce?: boolean
  /**
   * Write record batches that cannot be read (damaged, or compressed by an unknown codec) to `deadLetterTopic` as they are, and go on
   * behind them. Default: `false`, the consumer crashes, as in kafkajs.
   */
  unreadable?: boolean
}

/** A handler for batches. The next batch of the partition waits for it. */
export type EachBatchHandler<Key = Buffer | null, Value = Buffer | null> = (
  payload: EachBatchPayload<Key, Value>
) => Promise<void>
/** A handler for single messages. The next message of the partition waits for it. */
export type EachMessageHandler<Key = Buffer | null, Value = Buffer | null> = (
  payload: EachMessagePayload<Key, Value>
) => Promise<void>

/** What `eachMessage` gets. */
export interface EachMessagePayload<Key = Buffer | null, Value = Buffer | null> {
  /** Name of the topic. */
  topic: string
  /** Number of the partition, from 0. */
  partition: number
  /** The message. */
  message: KafkaMessage<Key, Value>
  /**
   * Sends a heartbeat unless there was one within `heartbeatInterval`; rejects when the group is rebalancing. The engine
   * sends heartbeats of its own, so nobody has to call this.
   */
  heartbeat(): Promise<void>
  /** Pauses this partition; returns what resumes it. */
  pause(): () => void
  /** In a retry topic of `onFailure`: where the message was before; null there if somebody else has written it. Not in kafkajs. */
  origin?: MessageOrigin | null
}

/** What `eachBatch` gets. */
export interface EachBatchPayload<Key = Buffer | null, Value = Buffer | null> {
  /** The messages, and where they are from. */
  batch: Batch<Key, Value>
  /** Everything up to this message counts as processed. */
  resolveOffset(offset: string): void
  /**
   * Sends a heartbeat unless there was one within `heartbeatInterval`; rejects when the group is rebalancing. The engine
   * sends heartbeats of its own, so nobody has to call this.
   */
  heartbeat(): Promise<void>
  /** Pauses this partition; returns what resumes it. */
  pause(): () => void
  /** Commits if `autoCommitInterval` or `autoCommitThreshold` say so; with an argument, exactly that. */
  commitOffsetsIfNecessary(offsets?: Offsets): Promise<void>
  /** Of all assigned partitions. Partition numbers are strings here, whatever the type says. */
  uncommittedOffsets(): OffsetsByTopicPartition
  /** `false` once the consumer stops: return soon. */
  isRunning(): boolean
  /**
   * `true` once the partition was sought elsewhere, or the session is over and another member may have it: what is left of
   * the batch is of no use.
   */
  isStale(): boolean
}

/** The name of EachMessagePayload in `@types/kafkajs`. */
export type ConsumerEachMessagePayload = EachMessagePayload
/** The name of EachBatchPayload in `@types/kafkajs`. */
export type ConsumerEachBatchPayload = EachBatchPayload

/** Messages of one partition. 64-bit numbers are decimal strings. */
export type Batch<Key = Buffer | null, Value = Buffer | null> = {
  /** Name of the topic. */
  topic: string
  /** Number of the partition, from 0. */
  partition: number
  /** The offset that the next message written to the partition gets. */
  highWatermark: string
  /** In the order of their offsets. */
  messages: KafkaMessage<Key, Value>[]
  /** Always `false`: handlers are called when there is a message. */
  isEmpty(): boolean
  /** Offset of the first message. */
  firstOffset(): string | null
  /** Offset of the last message. */
  lastOffset(): string
  /** How far the last message is behind the newest one. */
  offsetLag(): string
  /** How far the first message is behind the newest one. */
  offsetLagLow(): string
}

/** A message of a segment that was written before Kafka 0.11. */
interface MessageSetEntry<Key = Buffer | null, Value = Buffer | null> {
  /** `null`: none. */
  key: Key
  /** `null`: a tombstone. */
  value: Value
  /** Milliseconds since the epoch. */
  timestamp: string
  /** Bits of the record; no program needs them. */
  attributes: number
  /** A decimal string. */
  offset: string
  /** Size of the message in bytes. */
  size: number
  /** Such messages have no headers. */
  headers?: never
}

/** A message as Kafka stores it since 0.11. */
interface RecordBatchEntry<Key = Buffer | null, Value = Buffer | null> {
  /** `null`: none. Else a Buffer, or what `keyDeserializer` makes of it. */
  key: Key
  /** `null`: a tombstone. Else a Buffer, or what `valueDeserializer` makes of it. */
  value: Value
  /** Milliseconds since the epoch. */
  timestamp: string
  /** Bits of the record; no program needs them. */
  attributes: number
  /** A decimal string. */
  offset: string
  /** A header that occurs more than once is an array. */
  headers: IHeaders
  /** Only messages of old segments have it. */
  size?: never
  /** Always 2. */
  magicByte?: number
  /** Always `false`: control records are not delivered. */
  isControlRecord?: boolean
  /** The record batch that the message came in. */
  batchContext?: object
}

/** A message that was read. 64-bit numbers are decimal strings. */
export type KafkaMessage<Key = Buffer | null, Value = Buffer | null> =
  MessageSetEntry<Key, Value> | RecordBatchEntry<Key, Value>

/** Headers of a message by name. What is read are Buffers; text may be written. */
export interface IHeaders {
  /** A value, or an array where the name occurs more than once. */
  [key: string]: Buffer | string | (Buffer | string)[] | undefined
}

/** Partitions of a topic. */
export type TopicPartitions = {
  /** Name of the topic. */
  topic: string
  /** Numbers of the partitions. */
  partitions: number[]
}

/** A partition of a topic. */
export type TopicPartition = {
  /** Name of the topic. */
  topic: string
  /** Number of the partition, from 0. */
  partition: number
}
/** A position in a partition. */
export type TopicPartitionOffset = TopicPartition & {
  /** A decimal string. */
  offset: string
}
/** An offset to commit: that of the next message to be read. */
export type TopicPartitionOffsetAndMetadata = TopicPartitionOffset & {
  /** A text that is kept with the offset. Default: none. */
  metadata?: string | null
  /** Of the message before it (KIP-320), `batchContext.partitionLeaderEpoch` of that. Default: what is known. Not in kafkajs. */
  leaderEpoch?: number | null
}

/** A position in a partition whose topic is known. */
export interface PartitionOffset {
  /** Number of the partition, from 0. */
  partition: number
  /** A decimal string. */
  offset: string
}

/** Positions in partitions of a topic. */
export interface TopicOffsets {
  /** Name of the topic. */
  topic: string
  /** The positions. */
  partitions: PartitionOffset[]
}

/** Positions, by topic. */
export interface Offsets {
  /** By topic. */
  topics: TopicOffsets[]
}

/** Positions, by topic. */
export interface OffsetsByTopicPartition {
  /** By topic. */
  topics: TopicOffsets[]
}

/** A member's view of its group. Not handed out by this package. */
export type ConsumerGroup = {
  /** Name of the group. */
  groupId: string
  /** Changes at each rebalance. */
  generationId: number
  /** The id that the broker has given the member. */
  memberId: string
  /** The broker that leads the group. */
  coordinator: Broker
}

/** A member of a group, as the broker knows it. */
export type MemberDescription = {
  /** The address that the member connects from, with a slash before it. */
  clientHost: string
  /** The `clientId` of the member. */
  clientId: string
  /** The id that the broker has given the member. */
  memberId: string
  /** Bytes for `AssignerProtocol.MemberAssignment.decode`. */
  memberAssignment: Buffer
  /** Bytes for `AssignerProtocol.MemberMetadata.decode`. */
  memberMetadata: Buffer
  /** Of a static member. */
  groupInstanceId?: string
  /** `admin.describeGroups()`, as all below, which are not enumerable: the partitions that it has; null where that is not known. Not in kafkajs. */
  assignment?: TopicPartitions[] | null
  /** What it is to have, once others have given it up: KIP-848 and Kafka Streams. */
  targetAssignment?: TopicPartitions[] | null
  /** Its epoch: KIP-848, share groups and Kafka Streams. */
  memberEpoch?: number | null
  /** Its rack: KIP-848, share groups and Kafka Streams. */
  rackId?: string | null
  /** The topics that it names: KIP-848 and share groups; those that its program reads: Kafka Streams. */
  topics?: string[] | null
  /** The expression for topics that its coordinator evaluates: KIP-848. */
  topicRegex?: string | null
  /** Is it a member of the classic protocol in a group of KIP-848 or of Kafka Streams? */
  isClassic?: boolean | null
  /** The process that it is in: Kafka Streams. */
  processId?: string | null
  /** Its tasks: Kafka Streams. Each active one reads a partition of each topic of its subtopology. */
  tasks?: StreamsTasks | null
  /** The tasks that it is to have: Kafka Streams. */
  targetTasks?: StreamsTasks | null
}

/** Tasks of a member of a program of Kafka Streams. */
export type StreamsTasks = {
  /** Those that read. */
  active: StreamsTaskIds[]
  /** Those that keep a copy of another's state. */
  standby: StreamsTaskIds[]
  /** Those that build a copy up, to take over. */
  warmup: StreamsTaskIds[]
}

/** Tasks of one part of a program of Kafka Streams. */
export type StreamsTaskIds = {
  /** The part. */
  subtopologyId: string
  /** The numbers of the tasks, which are those of the partitions that they read. */
  partitions: number[]
}

/** What a program of Kafka Streams is made of. */
export type StreamsTopology = {
  /** Goes up with each change of the program. */
  epoch: number
  /** Its parts; none while its topics are missing. */
  subtopologies: {
    /** Its name within the program. */
    subtopologyId: string
    /** The topics that it reads. */
    sourceTopics: string[]
    /** The topics that it reads of other parts. */
    repartitionSourceTopics: string[]
    /** The topics that it writes for other parts. */
    repartitionSinkTopics: string[]
    /** The topics that keep its state. */
    stateChangelogTopics: string[]
  }[]
}

/** The broker's words for what a group does. */
export type ConsumerGroupState =
  'Unknown' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead' | 'Empty'

/** A group, as its coordinator knows it. */
export type GroupDescription = {
  /** Name of the group. */
  groupId: string
  /** Empty while the group has none, or rebalances. */
  members: MemberDescription[]
  /** Name of the assigner that the group uses. Empty while there is none. */
  protocol: string
  /** `consumer` for groups of consumers. */
  protocolType: string
  /** A group that nobody knows is `Dead`. One of KIP-848 or Kafka Streams may be `Assigning` or `Reconciling`, too, one of Kafka Streams `NotReady`. */
  state: ConsumerGroupState
  /** `admin.describeGroups()`, as all below, which are not enumerable: 'classic', 'consumer' (KIP-848), 'share' or 'streams' (KIP-1071); null of a group that nobody knows. Not in kafkajs. */
  type?: string | null
  /** Goes up with each change of members, subscriptions and topics: of all but classic groups. */
  groupEpoch?: number | null
  /** The epoch that the target assignment was made for: of all but classic groups. */
  assignmentEpoch?: number | null
  /** What the program is made of: Kafka Streams; null while no member has said so. */
  topology?: StreamsTopology | null
}

/** Groups. */
export type GroupDescriptions = {
  /** In the order in which they were asked for. */
  groups: GroupDescription[]
}

// Events

/** The values of an object's type. */
type ValueOf<T> = T[keyof T]

/** What listeners get. */
export interface InstrumentationEvent<T> {
  /** Counts the events of this process that had a listener. */
  id: string
  /** The name of the event, as in `events`. */
  type: string
  /** Milliseconds since the epoch. */
  timestamp: number
  /** What happened. */
  payload: T
}

/** Removes the listener that it was returned for. */
export type RemoveInstrumentationEventListener<T> = () => void

/** Names of events that kafkajs does not have. They are not enumerable: who listens to all others does not turn them on. */
export type AddedConsumerEvents = {
  /** How far partitions are from their ends, every `lagInterval`. */
  LAG: 'consumer.lag'
  /** Partitions have stood still for `stalledAfter`. */
  STALLED: 'consumer.stalled'
}

/** Names of a consumer's events, for `consumer.on()`. */
export type ConsumerEvents = {
  /** A heartbeat was answered. */
  HEARTBEAT: 'consumer.heartbeat'
  /** Offsets were committed. */
  COMMIT_OFFSETS: 'consumer.commit_offsets'
  /** The member has joined and knows its partitions. */
  GROUP_JOIN: 'consumer.group_join'
  /** A fetch goes to a broker. */
  FETCH_START: 'consumer.fetch_start'
  /** A fetch was answered. */
  FETCH: 'consumer.fetch'
  /** A handler is about to get messages. */
  START_BATCH_PROCESS: 'consumer.start_batch_process'
  /** The handler is done with them. */
  END_BATCH_PROCESS: 'consumer.end_batch_process'
  /** `connect()` has succeeded. */
  CONNECT: 'consumer.connect'
  /** `disconnect()` is done. */
  DISCONNECT: 'consumer.disconnect'
  /** The consumer has stopped. */
  STOP: 'consumer.stop'
  /** The consumer has stopped because of an error. Programs should listen to it. */
  CRASH: 'consumer.crash'
  /** The group shares its partitions anew. */
  REBALANCING: 'consumer.rebalancing'
  /** The assignment has topics that this member has not subscribed. */
  RECEIVED_UNSUBSCRIBED_TOPICS: 'consumer.received_unsubscribed_topics'
  /** A request was answered. */
  REQUEST: 'consumer.network.request'
  /** A request was not answered within `requestTimeout`. */
  REQUEST_TIMEOUT: 'consumer.network.request_timeout'
  /** The number of requests that wait for their turn has changed. */
  REQUEST_QUEUE_SIZE: 'consumer.network.request_queue_size'
}

/** `connect()` has succeeded. No payload. */
export type ConnectEvent = InstrumentationEvent<null>
/** `disconnect()` is done. No payload. */
export type DisconnectEvent = InstrumentationEvent<null>

/** An answer arrived; `size` is its length in bytes. */
export type RequestEvent = InstrumentationEvent<{
  /** Kafka's number of the API. */
  apiKey: number
  /** Name of the API. */
  apiName: string
  /** Version of the API. */
  apiVersion: number
  /** The broker, as `host:port`. */
  broker: string
  /** The `clientId` of the client. */
  clientId: string
  /** The connection's number of the request. */
  correlationId: number
  /** When the request was made, ms since the epoch. */
  createdAt: number
  /** From sending to the answer, ms. */
  duration: number
  /** How long it waited to be sent, ms. */
  pendingDuration: number
  /** When it was sent, ms since the epoch. */
  sentAt: number
  /** Length of the answer in bytes. */
  size: number
}>
/** A request was not answered within `requestTimeout`. */
export type RequestTimeoutEvent = InstrumentationEvent<{
  /** Kafka's number of the API. */
  apiKey: number
  /** Name of the API. */
  apiName: string
  /** Version of the API. */
  apiVersion: number
  /** The broker, as `host:port`. */
  broker: string
  /** The `clientId` of the client. */
  clientId: string
  /** The connection's number of the request. */
  correlationId: number
  /** When the request was made, ms since the epoch. */
  createdAt: number
  /** How long it waited to be sent, ms. */
  pendingDuration: number
  /** When it was sent, ms since the epoch. */
  sentAt: number
}>
/** The number of requests to a broker that wait for their turn has changed. */
export type RequestQueueSizeEvent = InstrumentationEvent<{
  /** The broker, as `host:port`. */
  broker: string
  /** The `clientId` of the client. */
  clientId: string
  /** How many wait. */
  queueSize: number
}>

/** A heartbeat was answered. */
export type ConsumerHeartbeatEvent = InstrumentationEvent<{
  /** Name of the group. */
  groupId: string
  /** The id that the broker has given the member. */
  memberId: string
  /** Changes at each rebalance. */
  groupGenerationId: number
}>
/** Offsets were committed. */
export type ConsumerCommitOffsetsEvent = InstrumentationEvent<{
  /** Name of the group. */
  groupId: string
  /** The id that the broker has given the member. */
  memberId: string
  /** Changes at each rebalance. */
  groupGenerationId: number
  /** What was committed. */
  topics: TopicOffsets[]
}>
/** Partitions by topic. */
export interface IMemberAssignment {
  /** Numbers of the topic's partitions. */
  [key: string]: number[]
}
/** The member has joined and knows its partitions. */
export type ConsumerGroupJoinEvent = InstrumentationEvent<{
  /** How long the join took, ms. */
  duration: number
  /** Name of the group. */
  groupId: string
  /** Whether this member assigns the partitions of the group. `false` with KIP-848. */
  isLeader: boolean
  /** The member that assigns them. Empty with KIP-848. */
  leaderId: string
  /** Name of the assigner; `consumer` with KIP-848. */
  groupProtocol: string
  /** The id that the broker has given the member. */
  memberId: string
  /** All partitions of this member. */
  memberAssignment: IMemberAssignment
}>
/** A fetch goes to a broker. */
export type ConsumerFetchStartEvent = InstrumentationEvent<{
  /** Id of the broker. */
  nodeId: number
}>
/** A fetch was answered. */
export type ConsumerFetchEvent = InstrumentationEvent<{
  /** Of how many partitions there was something in it. */
  numberOfBatches: number
  /** From sending to the answer, ms. */
  duration: number
  /** Id of the broker. */
  nodeId: number
}>
/** Messages that a handler gets. */
interface IBatchProcessEvent {
  /** Name of the topic. */
  topic: string
  /** Number of the partition, from 0. */
  partition: number
  /** The offset that the next message written to the partition gets. */
  highWatermark: string
  /** How far the last message is behind the newest one. */
  offsetLag: string
  /** How far the first message is behind the newest one. */
  offsetLagLow: string
  /** How many messages. */
  batchSize: number
  /** Offset of the first message. */
  firstOffset: string
  /** Offset of the last message. */
  lastOffset: string
}
/** A handler is about to get messages. */
export type ConsumerStartBatchProcessEvent = InstrumentationEvent<IBatchProcessEvent>
/** The handler is done with them. */
export type ConsumerEndBatchProcessEvent = InstrumentationEvent<
  IBatchProcessEvent & {
    /** How long the handler took, ms. */
    duration: number
  }
>
/** The consumer has stopped because of `error`; `restart`: it starts again by itself. */
export type ConsumerCrashEvent = InstrumentationEvent<{
  /** Why. */
  error: Error
  /** Name of the group. */
  groupId: string
  /** Whether the consumer starts again by itself. */
  restart: boolean
}>
/** The group shares its partitions anew. */
export type ConsumerRebalancingEvent = InstrumentationEvent<{
  /** Name of the group. */
  groupId: string
  /** The id that the broker has given the member. */
  memberId: string
}>
/** How far the assigned partitions are from their ends. Not in kafkajs. */
export type ConsumerLagEvent = InstrumentationEvent<{
  /** Name of the group. */
  groupId: string
  /** As `lag()` answers. */
  partitions: ConsumerLag[]
}>
/**
 * There is something to read, nothing is paused, and the position has not moved for `stalledAfter`. Told once for each partition, and again
 * when it has moved and stopped anew. Not in kafkajs.
 */
export type ConsumerStalledEvent = InstrumentationEvent<{
  /** Name of the group. */
  groupId: string
  /** The id that the member has; `null` while it is none. */
  memberId: string | null
  /** What is waited for; `null`: the engine does not know. */
  reason: ConsumerWait['reason'] | null
  /** When the first of them has stopped, as far as was seen, ms since 1970. */
  since: number
  /** That reason with all that is known of it. */
  waitsFor: ConsumerWait | null
  /** Those that stand still; none: the consumer gets no assignment. */
  partitions: ConsumerLag[]
}>
/** The assignment has topics that this member has not subscribed. */
export type ConsumerReceivedUnsubcribedTopicsEvent = InstrumentationEvent<{
  /** Name of the group. */
  groupId: string
  /** Changes at each rebalance. */
  generationId: number
  /** The id that the broker has given the member. */
  memberId: string
  /** The topics of the assignment. */
  assignedTopics: string[]
  /** The topics of the subscription. */
  topicsSubscribed: string[]
  /** The topics that are in the assignment and not in the subscription. */
  topicsNotSubscribed: string[]
}>

// Assigners

/** Called once by `kafka.consumer()`. */
export type PartitionAssigner = (config: {
  cluster: Cluster
  groupId: string
  logger: Logger
}) => Assigner

/** Built-in assigners by name. */
export type PartitionAssignerName =
  | 'RoundRobin'
  | 'RoundRobinAssigner'
  | 'RoundRobinAssignor'
  | 'range'
  | 'sticky'
  | 'cooperative-sticky'
  | 'Range'
  | 'Sticky'
  | 'CooperativeSticky'

/** Shares partitions among the members of a group. */
export type Assigner = {
  /** What members call it: all of a group offer one by the same name. */
  name: string
  /** Of what `protocol()` writes. Not used. */
  version: number
  /**
   * `'cooperative'`: what members own need not be given up for a rebalance (KIP-429), so `assign()` should leave it where it can;
   * that is in its `members`, and `protocol()` need not write it. A partition that goes from one member to another is taken from
   * the first one now, and is given to the other one in the next rebalance, which follows at once: this package withholds it until
   * then, so `assign()` has to come to the same result again. The metadata that `protocol()` returns has to be what
   * `AssignerProtocol.MemberMetadata.encode()` makes; others read version 3 in it. Not in kafkajs, which ignores it. Default: `'eager'`.
   */
  rebalanceProtocol?: 'eager' | 'cooperative'
  /** Called on the leader of the group, with fresh metadata. */
  assign(group: { members: GroupMember[]; topics: string[] }): Promise<GroupMemberAssignment[]>
  /** Called at every join. */
  protocol(subscription: { topics: string[] }): GroupState
}

/** Partitions by topic. */
export type Assignment = {
  /** Numbers of the topic's partitions. */
  [topic: string]: number[]
}

/** A member, as assigners are told of it. */
export type GroupMember = {
  /** The id that the broker has given the member. */
  memberId: string
  /** Bytes for `AssignerProtocol.MemberMetadata.decode`. */
  memberMetadata: Buffer
  /** What the member has kept. Told to cooperative assigners, see `rebalanceProtocol`. */
  ownedPartitions?: Assignment
  /** The generation since when; -1 if there was none. Of two members that own the same, the higher one is right. */
  generationId?: number
}

/** What a member gets. */
export type GroupMemberAssignment = {
  /** The id that the broker has given the member. */
  memberId: string
  /** Bytes of `AssignerProtocol.MemberAssignment.encode`. */
  memberAssignment: Buffer
}

/** What a member writes when it joins. */
export type GroupState = {
  /** Name of the assigner. */
  name: string
  /** Bytes of `AssignerProtocol.MemberMetadata.encode`. */
  metadata: Buffer
}

/** Built-in assigners, for `partitionAssigners`. */
export const PartitionAssigners: {
  /** Deals the partitions in turn to the members that subscribed to the topic. */
  roundRobin: PartitionAssigner
  /** Kafka's: of each topic, contiguous partitions; the same numbers of topics that are alike together. Heeds racks. */
  range: 'range'
  /** Kafka's: balanced, and as much as possible stays where it was. Heeds racks. */
  sticky: 'sticky'
  /** Kafka's: as `sticky`, and what stays where it was is not interrupted by a rebalance (KIP-429). */
  cooperativeSticky: 'cooperative-sticky'
}

/** Writes and reads bytes. */
export interface ISerializer<T> {
  /** To bytes. */
  encode(value: T): Buffer
  /** From bytes; `null` if there is nothing in them. */
  decode(buffer: Buffer): T | null
}

/** What a member tells its group. */
export type MemberMetadata = {
  /** Of the format. */
  version: number
  /** The topics that the member subscribes. */
  topics: string[]
  /** Bytes of the assigner's own. */
  userData: Buffer
}

/** What a member gets of its group. */
export type MemberAssignment = {
  /** Of the format. */
  version: number
  /** The partitions. */
  assignment: Assignment
  /** Bytes of the assigner's own. */
  userData: Buffer
}

/** The bytes that members of a group exchange. */
export const AssignerProtocol: {
  /** What members tell their group. */
  MemberMetadata: ISerializer<MemberMetadata>
  /** What members get of their group. */
  MemberAssignment: ISerializer<MemberAssignment>
}

/** An object type without the keys of another. */
type Without<T, U> = { [P in Exclude<keyof T, keyof U>]?: never }
/** One of two object types, not both. */
type XOR<T, U> = T | U extends object ? (Without<T, U> & U) | (Without<U, T> & T) : T | U

/** What an assigner may ask the cluster. */
export type Cluster = {
  /** Ids of the brokers that are known. */
  getNodeIds(): number[]
  /** Of the topics that this client reads. */
  metadata(): Promise<BrokerMetadata>
  /** Does nothing: the engine owns the connections. */
  removeBroker(options: { host: string; port: number }): void
  /** Adds topics to those whose metadata is read. */
  addMultipleTargetTopics(topics: string[]): Promise<void>
  /** Whether there is a connection to a broker. */
  isConnected(): boolean
  /** Connects to a seed broker. */
  connect(): Promise<void>
  /** Does nothing: the consumer owns the connections. */
  disconnect(): Promise<void>
  /** Reads the metadata again. */
  refreshMetadata(): Promise<void>
  /** Reads the metadata again when it is older than `metadataMaxAge`. */
  refreshMetadataIfNecessary(): Promise<void>
  /** Adds a topic to those whose metadata is read. */
  addTargetTopic(topic: string): Promise<void>
  /** Rejects with KafkaJSBrokerNotFound for an unknown id. */
  findBroker(node: { nodeId: string }): Promise<Broker>
  /** The broker that creates and deletes topics. */
  findControllerBroker(): Promise<Broker>
  /** Empty for an unknown topic. */
  findTopicPartitionMetadata(topic: string): PartitionMetadata[]
  /** Partitions by the id of the broker that leads them. */
  findLeaderForPartitions(
    topic: string,
    partitions: number[]
  ): {
    /** Numbers of the partitions. */
    [leader: string]: number[]
  }
  /** The broker that leads the group. */
  findGroupCoordinator(group: { groupId: string }): Promise<Broker>
  /** Rejects with KafkaJSGroupCoordinatorNotFound, whose `cause` is why. */
  findGroupCoordinatorMetadata(group: { groupId: string }): Promise<CoordinatorMetadata>
  /** `-2`, the first message, or `-1`, the end. */
  defaultOffset(config: { fromBeginning: boolean }): number
  /** Offsets at the beginning, at the end, or of the first message that is not older than a timestamp (ms). */
  fetchTopicsOffset(
    topics: Array<
      {
        topic: string
        partitions: Array<{ partition: number }>
      } & XOR<{ fromBeginning: boolean }, { fromTimestamp: number }>
    >
  ): Promise<TopicOffsets[]>
}

/**
 * For assigners: `metadata`, `describeGroups`, `offsetFetch`, and `listOffsets`, which is not among kafkajs's types either. `connect`
 * connects to the cluster, `disconnect` does nothing; what is not named here rejects with KafkaJSNotImplemented.
 */
export type Broker = {
  /** Whether there is a connection to the cluster. */
  isConnected(): boolean
  /** Connects to the cluster. */
  connect(): Promise<void>
  /** Does nothing: the client owns the connections. */
  disconnect(): Promise<void>
  /** Not implemented: rejects with KafkaJSNotImplemented. */
  apiVersions(): Promise<ApiVersions>
  /** Of these topics; of all topics for an empty list. */
  metadata(topics: string[]): Promise<BrokerMetadata>
  /** What this broker knows of groups. */
  describeGroups: (options: { groupIds: string[] }) => Promise<any>
  /** Not implemented: rejects with KafkaJSNotImplemented. */
  offsetCommit(request: {
    groupId: string
    groupGenerationId: number
    memberId: string
    retentionTime?: number
    topics: TopicOffsets[]
  }): Promise<any>
  /** What a group has committed. */
  offsetFetch(request: { groupId: string; topics: TopicOffsets[] }): Promise<{
    /** By topic; an offset of `-1` means that there is none. */
    responses: TopicOffsets[]
  }>
  /** Not implemented: rejects with KafkaJSNotImplemented. */
  fetch(request: {
    replicaId?: number
    isolationLevel?: number
    maxWaitTime?: number
    minBytes?: number
    maxBytes?: number
    topics: Array<{
      topic: string
      partitions: Array<{ partition: number; fetchOffset: string; maxBytes: number }>
    }>
    rackId?: string
  }): Promise<any>
  /** Not implemented: rejects with KafkaJSNotImplemented. */
  produce(request: {
    topicData: Array<{
      topic: string
      partitions: Array<{ partition: number; firstSequence?: number; messages: Message[] }>
    }>
    transactionalId?: string
    producerId?: number
    producerEpoch?: number
    acks?: number
    timeout?: number
    compression?: CompressionTypes
  }): Promise<any>
  /** Not implemented: rejects with KafkaJSNotImplemented. */
  alterPartitionReassignments(request: {
    topics: PartitionReassignment[]
    timeout?: number
  }): Promise<any>
  /** Not implemented: rejects with KafkaJSNotImplemented. */
  listPartitionReassignments(request: {
    topics?: TopicPartitions[]
    timeout?: number
  }): Promise<ListPartitionReassignmentsResponse>
}

/** Versions that a broker speaks, by the number of the API. */
export interface ApiVersions {
  /** Of one API. */
  [apiKey: number]: {
    /** The oldest. */
    minVersion: number
    /** The newest. */
    maxVersion: number
  }
}

/** Where the coordinator of a group is. */
export interface CoordinatorMetadata {
  /** Kafka's number of the error; 0: none. */
  errorCode: number
  /** The broker that leads the group. */
  coordinator: {
    /** Id of the broker. */
    nodeId: number
    /** Name or address of the broker. */
    host: string
    /** Port of the broker. */
    port: number
  }
}

/** What a broker knows of the cluster. */
export interface BrokerMetadata {
  /** The brokers of the cluster. */
  brokers: Array<{
    /** Id of the broker. */
    nodeId: number
    /** Name or address of the broker. */
    host: string
    /** Port of the broker. */
    port: number
    /** Where the broker stands, if it says so. */
    rack?: string
  }>
  /** The topics that were asked for. */
  topicMetadata: Array<{
    /** Kafka's number; 0: none. */
    topicErrorCode: number
    /** Name of the topic. */
    topic: string
    /** Its partitions. */
    partitionMetadata: PartitionMetadata[]
  }>
}

/** Where a partition is. */
export type PartitionMetadata = {
  /** Kafka's number; 0: none. */
  partitionErrorCode: number
  /** Number of the partition, from 0. */
  partitionId: number
  /** Node id; -1: none. */
  leader: number
  /** Ids of the brokers that have it. */
  replicas: number[]
  /** Ids of the brokers whose copy is up to date. */
  isr: number[]
  /** Ids of the brokers whose copy cannot be reached. */
  offlineReplicas?: number[]
}

// Logging

/** How much is logged: a level, and what is more important. */
export enum logLevel {
  /** Nothing. */
  NOTHING = 0,
  /** What has failed. */
  ERROR = 1,
  /** What somebody should look at. */
  WARN = 2,
  /** What happens once: joins, stops. The default. */
  INFO = 4,
  /** Each request and each answer. */
  DEBUG = 5
}

/** What a `logCreator` gets. */
export interface LogEntry {
  /** Which part tells: `Consumer`, `Connection` … */
  namespace: string
  /** How important it is. */
  level: logLevel
  /** The name of the level, as `WARN`. */
  label: string
  /** What is told. */
  log: LoggerEntryContent
}

/** What is told, and about what. */
export interface LoggerEntryContent {
  /** As ISO 8601. */
  readonly timestamp: string
  /** A sentence. */
  readonly message: string
  /** What it is about: `groupId`, `broker` … */
  [key: string]: any
}

/** Called once per Kafka instance; what it returns receives every entry. */
export type logCreator = (logLevel: logLevel) => (entry: LogEntry) => void

/** A logger of one namespace. */
export type Logger = {
  /** Logs what happens once. */
  info: (message: string, extra?: object) => void
  /** Logs what has failed. */
  error: (message: string, extra?: object) => void
  /** Logs what somebody should look at. */
  warn: (message: string, extra?: object) => void
  /** Logs details. */
  debug: (message: string, extra?: object) => void

  /** A logger of this name; with a level, its own one. */
  namespace: (namespace: string, logLevel?: logLevel) => Logger
  /** Of the whole Kafka instance. */
  setLogLevel: (logLevel: logLevel) => void
}

// Compression

/** Compressions of record batches, all built in. */
export enum CompressionTypes {
  /** No compression. */
  None = 0,
  /** gzip: small and slow. */
  GZIP = 1,
  /** Snappy: quick. */
  Snappy = 2,
  /** LZ4: quick. */
  LZ4 = 3,
  /** Zstandard: small and quick; brokers from 2.1 on. */
  ZSTD = 4
}

/** The engine decompresses all four itself; what is assigned here is not called. */
export var CompressionCodecs: {
  /** Accepted and not used: the codec is built in. */
  [CompressionTypes.GZIP]: () => any
  /** Accepted and not used: the codec is built in. */
  [CompressionTypes.Snappy]: () => any
  /** Accepted and not used: the codec is built in. */
  [CompressionTypes.LZ4]: () => any
  /** Accepted and not used: the codec is built in. */
  [CompressionTypes.ZSTD]: () => any
}

// Producers

/** Options of `kafka.producer()`. */
export interface ProducerConfig {
  /** Chooses the partition of each message that has none; called once, here. Default: `Partitioners.DefaultPartitioner`. */
  createPartitioner?: ICustomPartitioner
  /** How often, and for how long, messages are tried again. Default: that of `new Kafka()`; with `idempotent: true` without limit. */
  retry?: RetryOptions
  /** How often topics and partitions are looked at anew, ms. Default: 300000. */
  metadataMaxAge?: number
  /** May a topic be created by sending to it, where brokers do that? Default: `true`. */
  allowAutoTopicCreation?: boolean
  /**
   * Number the messages, so that a repetition writes nothing twice. `true` refuses to send without numbers and demands `acks: -1`;
   * `false` never numbers. Default: where `acks` is -1 and the brokers allow it (kafkajs: never).
   */
  idempotent?: boolean
  /** The name under which transactions survive a restart. Default: none, and no transactions. */
  transactionalId?: string
  /** After this time the brokers abort a transaction that nobody ends, ms. Default: 60000. */
  transactionTimeout?: number
  /** Requests that may be out to one broker, one to five. Default: five. */
  maxInFlightRequests?: number
  /** Of calls that give none: -1 all in-sync replicas, 1 the leader, 0 nobody. Default: -1. Not in kafkajs. */
  acks?: number
  /** Of calls that give none: how long the leader may wait for the replicas, ms. Default: 30000. Not in kafkajs. */
  timeout?: number
  /** Of calls that give none. Default: none. Not in kafkajs. */
  compression?: CompressionTypes | CompressionName
  /** Of calls that give none: gzip 0 to 9, zstd up to 22, and below 0 for speed. Default: the codec's. Not in kafkajs. */
  compressionLevel?: number
  /** How long a batch waits for more messages, ms; less than `deliveryTimeout`. Default: 0. Not in kafkajs. */
  linger?: number
  /** A batch of so many bytes takes no further call. Default: 1000000. Not in kafkajs. */
  batchSize?: number
  /** Bytes of messages that are not acknowledged yet; beyond that `send()` waits. Default: 33554432. Not in kafkajs. */
  bufferMemory?: number
  /** How long `send()` waits for room in `bufferMemory` before it rejects, ms. Default: 60000. Not in kafkajs. */
  maxBlock?: number
  /** From `send()` to its end, all attempts together, ms. Default: 120000. Not in kafkajs. */
  deliveryTimeout?: number
  /** A request of so many bytes takes no further batch. Default: 4194304. Not in kafkajs. */
  maxRequestSize?: number
}

/** Codecs by name. Not in kafkajs. */
export type CompressionName = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** What is sent. It is never changed. */
export interface Message {
  /** Messages of one key go to one partition, in their order. Default: none. */
  key?: Buffer | string | null
  /** `null`: a tombstone. */
  value: Buffer | string | null
  /** Default: the partitioner's choice. */
  partition?: number
  /** An array is a header that is repeated. Default: none. */
  headers?: IHeaders
  /** Milliseconds since the epoch. Default: when it is sent. */
  timestamp?: string
}

/** What a partitioner is asked about. */
export interface PartitionerArgs {
  /** Name of the topic. */
  topic: string
  /** The partitions of the topic, with their leaders. */
  partitionMetadata: PartitionMetadata[]
  /** The message that needs a partition. */
  message: Message
}

/** Makes a partitioner, once for each producer; it returns the number of a partition. */
export type ICustomPartitioner = () => (args: PartitionerArgs) => number

/** The type of kafkajs's partitioner since 2.0. */
export type DefaultPartitioner = ICustomPartitioner

/** The type of kafkajs's partitioner before 2.0. */
export type LegacyPartitioner = ICustomPartitioner

/** The built-in partitioners, for `createPartitioner`. */
export const Partitioners: {
  /** As Kafka's own clients: messages of a key go to the partition that these would choose. */
  DefaultPartitioner: DefaultPartitioner
  /** As kafkajs before 2.0: messages of a key go to the partition that it chose. */
  LegacyPartitioner: LegacyPartitioner
  /**
   * @deprecated Use DefaultPartitioner instead
   *
   * The JavaCompatiblePartitioner was renamed DefaultPartitioner
   * and made to be the default in 2.0.0.
   */
  JavaCompatiblePartitioner: DefaultPartitioner
}

/** The argument of `send()`. */
export interface ProducerRecord {
  /** Name of the topic. */
  topic: string
  /** The messages, in the order in which they are written. */
  messages: Message[]
  /** -1 all in-sync replicas, 1 the leader, 0 nobody: resolves when it is handed to the socket. Default: -1. */
  acks?: number
  /** How long the leader may wait for the replicas, ms. Default: 30000. */
  timeout?: number
  /** By number or by name. Default: none. */
  compression?: CompressionTypes | CompressionName
  /** gzip 0 to 9, zstd up to 22, and below 0 for speed. Default: the codec's. Not in kafkajs. */
  compressionLevel?: number
}

/** Where the messages of a call are in one partition. */
export type RecordMetadata = {
  /** Name of the topic. */
  topicName: string
  /** Number of the partition, from 0. */
  partition: number
  /** Always 0. */
  errorCode: number
  /** Only by brokers before 0.11, which are none of ours. */
  offset?: string
  /** As `offset`. */
  timestamp?: string
  /** The offset of the call's first message there; the others follow it. `-1`: the broker has forgotten it. */
  baseOffset?: string
  /** When the broker appended it, ms since the epoch, where the topic is so configured; else `-1`. */
  logAppendTime?: string
  /** The first offset of the partition. */
  logStartOffset?: string
}

/** Messages of one topic. */
export interface TopicMessages {
  /** Name of the topic. */
  topic: string
  /** The messages, in the order in which they are written. */
  messages: Message[]
}

/** The argument of `sendBatch()`; what is not here is in `ProducerRecord`. */
export interface ProducerBatch {
  /** How many brokers have to acknowledge: -1 all that are in sync, 1 the leader, 0 none. Default: -1. */
  acks?: number
  /** How long the leader waits for the other brokers, ms. Default: 30000. */
  timeout?: number
  /** Default: none. */
  compression?: CompressionTypes | CompressionName
  /** Not in kafkajs. */
  compressionLevel?: number
  /** Entries of one topic are written in their order. Default: none. */
  topicMessages?: TopicMessages[]
}

/** What producers and transactions have in common. */
type Sender = {
  /**
   * Writes messages of one topic. Resolves when they are acknowledged, with a row for each partition. Rejects when one of them cannot
   * be written; which ones, and which are, is in the error's `failed` and `succeeded`. An entry of `failed` says by `mayBeWritten` whether
   * an attempt was not answered, so that its messages may be there nevertheless.
   */
  send(record: ProducerRecord): Promise<RecordMetadata[]>
  /** The same for several topics. */
  sendBatch(batch: ProducerBatch): Promise<RecordMetadata[]>
}

/** Options of `producer.disconnect()`. Not in kafkajs. */
export interface ProducerDisconnectOptions {
  /** How long what was sent before is waited for, ms. Default: 30000. */
  timeout?: number
}

/** The names that `producer.on` takes. */
export type ProducerEvents = {
  /** `connect()` has succeeded. */
  CONNECT: 'producer.connect'
  /** `disconnect()` is done. */
  DISCONNECT: 'producer.disconnect'
  /** A request was answered. */
  REQUEST: 'producer.network.request'
  /** A request was not answered within `requestTimeout`. */
  REQUEST_TIMEOUT: 'producer.network.request_timeout'
  /** The number of requests that wait for their turn has changed. */
  REQUEST_QUEUE_SIZE: 'producer.network.request_queue_size'
}

/** Writes messages. Its methods work without `this`. */
export type Producer = Sender & {
  /** Connects to a seed broker; messages can be sent then. With `idempotent: true` rejects when the brokers refuse numbers. */
  connect(): Promise<void>
  /** Waits for what was sent before, then closes all connections. `connect()` may follow. */
  disconnect(options?: ProducerDisconnectOptions): Promise<void>
  /** The option `idempotent`. */
  isIdempotent(): boolean
  /** Is there a connection? Not in kafkajs. */
  isConnected(): boolean
  /** Resolves when what was sent before is answered, well or not. It does not wait for `linger`. Not in kafkajs. */
  flush(): Promise<void>
  /** Disconnects: `await using producer = kafka.producer(…)` calls it at the end of its block. Not in kafkajs. */
  [Symbol.asyncDispose](): Promise<void>
  /** The names that `on` takes. */
  readonly events: ProducerEvents
  on(
    eventName: ProducerEvents['CONNECT'],
    listener: (event: ConnectEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ProducerEvents['DISCONNECT'],
    listener: (event: DisconnectEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ProducerEvents['REQUEST'],
    listener: (event: RequestEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ProducerEvents['REQUEST_QUEUE_SIZE'],
    listener: (event: RequestQueueSizeEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ProducerEvents['REQUEST_TIMEOUT'],
    listener: (event: RequestTimeoutEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ValueOf<ProducerEvents>,
    listener: (event: InstrumentationEvent<any>) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  /**
   * Begins a transaction; there is one at a time. The first one makes the `transactionalId` known to its coordinator, which ends the
   * transaction of the last producer that had it: that one can do nothing any more.
   */
  transaction(): Promise<Transaction>
  /** The logger of this producer. */
  logger(): Logger
}

/** A member of a consumer group. Not in kafkajs. */
export type ConsumerGroupMetadata = {
  /** The group. */
  groupId: string
  /** By KIP-848 the member's epoch. `-1` where no member is known. */
  generationId: number
  /** Empty where no member is known. */
  memberId: string
  /** Of a static member. */
  groupInstanceId: string | null
}

/**
 * A transaction: what is sent with it, and the offsets that it commits, count together or not at all. Readers with
 * `readUncommitted: false`, the default, get its messages when it is committed.
 */
export type Transaction = Sender & {
  /**
   * Commits offsets of a consumer group with the transaction. For consumers of the same `Kafka` they are not uncommitted any more.
   * Given the `consumer`, or the `consumerGroupId` of one that runs in the same `Kafka` and has these partitions, the offsets of a
   * member that has been replaced are refused, and the transaction can only be aborted (KIP-447, brokers from 2.5 on).
   */
  sendOffsets(
    offsets: Offsets & ({ consumerGroupId: string } | { consumer: Pick<Consumer, 'groupMetadata'> })
  ): Promise<void>
  /**
   * Waits for everything that was sent, then makes it count. Repeated until the coordinator answers, for 60 s or `transactionTimeout`,
   * whichever is longer. Rejects when something in the transaction has failed, with that as `cause`: then only `abort()` is left, and a
   * handler may throw it. When it rejects and `isActive()` is `false`, it may have taken effect: see docs/transactions.md.
   */
  commit(): Promise<void>
  /** Nothing of the transaction counts. What is not sent yet is not sent any more. */
  abort(): Promise<void>
  /** `true` until a commit or an abort begins, and again behind a commit that was refused. */
  isActive(): boolean
}

// Admin clients

/** Options of `kafka.admin()`. */
export interface AdminConfig {
  /** How often, and for how long, what may pass is tried again. Default: as given to `new Kafka()`. */
  retry?: RetryOptions
}

/** A topic to create. */
export interface ITopicConfig {
  /** Name of the topic. */
  topic: string
  /** Default: -1, as the brokers say (`num.partitions`). */
  numPartitions?: number
  /** Default: -1, as the brokers say (`default.replication.factor`). */
  replicationFactor?: number
  /** Which brokers get which partitions. Default: the controller decides. */
  replicaAssignment?: ReplicaAssignment[]
  /** Settings of the topic. Default: those of the brokers. */
  configEntries?: IResourceConfigEntry[]
}

/** A topic that is to have more partitions. */
export interface ITopicPartitionConfig {
  /** Name of the topic. */
  topic: string
  /** How many partitions it is to have in the end. */
  count: number
  /** For each new partition, ids of the brokers that get it. Default: the controller decides. */
  assignments?: Array<Array<number>>
}

/** A topic, as the cluster knows it. */
export interface ITopicMetadata {
  /** Name of the topic. */
  name: string
  /** Its partitions, with leaders and replicas. */
  partitions: PartitionMetadata[]
}

/** Where a partition is to be. */
export interface ReplicaAssignment {
  /** Number of the partition, from 0. */
  partition: number
  /** Ids of the brokers, the preferred leader first. */
  replicas: Array<number>
}

/** Partitions of a topic that are to move. */
export interface PartitionReassignment {
  /** Name of the topic. */
  topic: string
  /** Where each of them is to be. */
  partitionAssignment: Array<ReplicaAssignment>
}

/** What an ACL is about. */
export enum AclResourceTypes {
  /** What this client does not know. */
  UNKNOWN = 0,
  /** In a filter: any. */
  ANY = 1,
  /** A topic. */
  TOPIC = 2,
  /** A consumer group. */
  GROUP = 3,
  /** The cluster; its name is `kafka-cluster`. */
  CLUSTER = 4,
  /** A transactional id. */
  TRANSACTIONAL_ID = 5,
  /** A delegation token. */
  DELEGATION_TOKEN = 6
}

/** What has settings. */
export enum ConfigResourceTypes {
  /** What this client does not know. */
  UNKNOWN = 0,
  /** A topic. */
  TOPIC = 2,
  /** A broker; its name is its id. */
  BROKER = 4,
  /** The loggers of a broker; its name is its id. */
  BROKER_LOGGER = 8
}

/** How a password was hashed. Not in kafkajs. */
export enum ScramMechanisms {
  /** SCRAM-SHA-256. */
  SCRAM_SHA_256 = 1,

  /** SCRAM-SHA-512. */
  SCRAM_SHA_512 = 2
}

/** What `incrementalAlterConfigs` does to a config. Not in kafkajs. */
export enum AlterConfigOperations {
  /** Sets the value. */
  SET = 0,
  /** Back to the default; needs no value. */
  DELETE = 1,
  /** Adds to a list. */
  APPEND = 2,
  /** Takes out of a list. */
  SUBTRACT = 3
}

/** Where a setting comes from. */
export enum ConfigSource {
  /** What this client does not know. */
  UNKNOWN = 0,
  /** It was set for the topic. */
  TOPIC_CONFIG = 1,
  /** It was set for the broker, while it ran. */
  DYNAMIC_BROKER_CONFIG = 2,
  /** It was set for all brokers, while they ran. */
  DYNAMIC_DEFAULT_BROKER_CONFIG = 3,
  /** It is in the broker's file. */
  STATIC_BROKER_CONFIG = 4,
  /** It is Kafka's default. */
  DEFAULT_CONFIG = 5,
  /** It was set for a logger of the broker. */
  DYNAMIC_BROKER_LOGGER_CONFIG = 6
}

/** Whether an ACL allows or denies. */
export enum AclPermissionTypes {
  /** What this client does not know. */
  UNKNOWN = 0,
  /** In a filter: any. */
  ANY = 1,
  /** Denies, also what another ACL allows. */
  DENY = 2,
  /** Allows. */
  ALLOW = 3
}

/** What an ACL allows or denies to do. */
export enum AclOperationTypes {
  /** What this client does not know. */
  UNKNOWN = 0,
  /** In a filter: any. */
  ANY = 1,
  /** Everything. */
  ALL = 2,
  /** Read a topic, be a member of a group. */
  READ = 3,
  /** Write to a topic, use a transactional id. */
  WRITE = 4,
  /** Create topics. */
  CREATE = 5,
  /** Delete topics, records, groups. */
  DELETE = 6,
  /** Change topics and ACLs. */
  ALTER = 7,
  /** See that it is there, and its offsets. */
  DESCRIBE = 8,
  /** What brokers ask of each other. */
  CLUSTER_ACTION = 9,
  /** Read settings. */
  DESCRIBE_CONFIGS = 10,
  /** Change settings. */
  ALTER_CONFIGS = 11,
  /** Write with numbered messages; WRITE on the topic is enough since Kafka 3.0. */
  IDEMPOTENT_WRITE = 12
}

/** How the name of a resource is meant. */
export enum ResourcePatternTypes {
  /** What this client does not know. */
  UNKNOWN = 0,
  /** In a filter: any. */
  ANY = 1,
  /** In a filter: all ACLs that count for this name. */
  MATCH = 2,
  /** This name; `*` is any. */
  LITERAL = 3,
  /** All names that begin with it. */
  PREFIXED = 4
}

/** Whose settings are asked for. */
export interface ResourceConfigQuery {
  /** What it is. */
  type: ConfigResourceTypes
  /** Name of the topic, or id of the broker. */
  name: string
  /** Which settings. Default: all. */
  configNames?: string[]
}

/** A setting. */
export interface ConfigEntries {
  /** Name of the setting. */
  configName: string
  /** Its value, as text. */
  configValue: string
  /** Whether nobody has set it. */
  isDefault: boolean
  /** Where it comes from. */
  configSource: ConfigSource
  /** Whether it is a secret, whose value is not told. */
  isSensitive: boolean
  /** Whether it cannot be changed while the broker runs. */
  readOnly: boolean
  /** Where else it is set, what counts first. */
  configSynonyms: ConfigSynonyms[]
}

/** A place where a setting is set. */
export interface ConfigSynonyms {
  /** Name of the setting. */
  configName: string
  /** Its value, as text. */
  configValue: string
  /** Where it comes from. */
  configSource: ConfigSource
}

/** Settings of several resources. */
export interface DescribeConfigResponse {
  /** In the order in which they were asked for. */
  resources: {
    /** The settings. */
    configEntries: ConfigEntries[]
    /** Kafka's number of the error; 0: none. */
    errorCode: number
    /** What the broker says of it. */
    errorMessage: string
    /** Name of the resource. */
    resourceName: string
    /** What the resource is. */
    resourceType: ConfigResourceTypes
  }[]
  /** How long the broker held back, ms. */
  throttleTime: number
}

/** A setting with its value. */
export interface IResourceConfigEntry {
  /** Name of the setting. */
  name: string
  /** Its value, as text. */
  value: string
}

/** Settings of a resource that are to be changed. */
export interface IResourceConfig {
  /** What it is. */
  type: ConfigResourceTypes
  /** Name of the topic, or id of the broker. */
  name: string
  /** The settings. */
  configEntries: IResourceConfigEntry[]
}

/** Names of an admin client's events, for `admin.on()`. */
export type AdminEvents = {
  /** `connect()` has succeeded. */
  CONNECT: 'admin.connect'
  /** `disconnect()` is done. */
  DISCONNECT: 'admin.disconnect'
  /** A request was answered. */
  REQUEST: 'admin.network.request'
  /** A request was not answered within `requestTimeout`. */
  REQUEST_TIMEOUT: 'admin.network.request_timeout'
  /** The number of requests that wait for their turn has changed. */
  REQUEST_QUEUE_SIZE: 'admin.network.request_queue_size'
}

/** A position in a partition. */
export type SeekEntry = PartitionOffset

/** What a group has committed for a partition. */
export type FetchOffsetsPartition = PartitionOffset & {
  /** The text that was committed with it. */
  metadata: string | null
}

/** Who may do what, from where. */
export interface Acl {
  /** The user, as `User:alice`. */
  principal: string
  /** Name or address; `*` is any. */
  host: string
  /** What it allows or denies. */
  operation: AclOperationTypes
  /** Whether it allows or denies. */
  permissionType: AclPermissionTypes
}

/** What an ACL is about. */
export interface AclResource {
  /** What the resource is. */
  resourceType: AclResourceTypes
  /** Name of the resource. */
  resourceName: string
  /** How the name is meant. */
  resourcePatternType: ResourcePatternTypes
}

/** An ACL, and what it is about. */
export type AclEntry = Acl & AclResource

/** A resource with its ACLs. */
export type DescribeAclResource = AclResource & {
  /** The ACLs. */
  acls: Acl[]
}

/** The ACLs that fit a filter. */
export interface DescribeAclResponse {
  /** How long the broker held back, ms. */
  throttleTime: number
  /** Kafka's number of the error; 0: none. */
  errorCode: number
  /** What the broker says of it. */
  errorMessage?: string
  /** By resource. */
  resources: DescribeAclResource[]
}

/** Which ACLs are meant. What is left out fits any. */
export interface AclFilter {
  /** What the resource is. */
  resourceType: AclResourceTypes
  /** Name of the resource. */
  resourceName?: string
  /** How the name is meant. */
  resourcePatternType: ResourcePatternTypes
  /** The user, as `User:alice`. */
  principal?: string
  /** Name or address; `*` is any. */
  host?: string
  /** What it allows or denies. */
  operation: AclOperationTypes
  /** Whether it allows or denies. */
  permissionType: AclPermissionTypes
}

/** An ACL that was deleted. */
export interface MatchingAcl {
  /** Kafka's number of the error; 0: none. */
  errorCode: number
  /** What the broker says of it. */
  errorMessage?: string
  /** What the resource is. */
  resourceType: AclResourceTypes
  /** Name of the resource. */
  resourceName: string
  /** How the name is meant. */
  resourcePatternType: ResourcePatternTypes
  /** The user, as `User:alice`. */
  principal: string
  /** Name or address; `*` is any. */
  host: string
  /** What it allows or denies. */
  operation: AclOperationTypes
  /** Whether it allows or denies. */
  permissionType: AclPermissionTypes
}

/** What a filter has deleted. */
export interface DeleteAclFilterResponses {
  /** Kafka's number of the error; 0: none. */
  errorCode: number
  /** What the broker says of it. */
  errorMessage?: string
  /** The ACLs that fitted it. */
  matchingAcls: MatchingAcl[]
}

/** What was deleted. */
export interface DeleteAclResponse {
  /** How long the broker held back, ms. */
  throttleTime: number
  /** In the order of the filters. */
  filterResponses: DeleteAclFilterResponses[]
}

/** Partitions that are moving. */
export interface ListPartitionReassignmentsResponse {
  /** By topic. */
  topics: OngoingTopicReassignment[]
}

/** Partitions of a topic that are moving. */
export interface OngoingTopicReassignment {
  /** Name of the topic. */
  topic: string
  /** The partitions. */
  partitions: OngoingPartitionReassignment[]
}

/** A partition that is moving. */
export interface OngoingPartitionReassignment {
  /** Number of the partition, from 0. */
  partitionIndex: number
  /** Ids of the brokers that have it now. */
  replicas: number[]
  /** Ids of the brokers that are to get it. */
  addingReplicas?: number[]
  /** Ids of the brokers that are to give it up. */
  removingReplicas?: number[]
}

/** A place in a partition: where `timestamp` asks for no time. */
export type OffsetPlace =
  | 'latest'
  | 'earliest'
  /** The record with the largest timestamp. Needs Kafka 3.0. */
  | 'maxTimestamp'
  /** The first that the broker itself has, with tiered storage. Needs Kafka 3.4. */
  | 'earliestLocal'
  /** The last that is in the remote tier. Needs Kafka 3.9. */
  | 'latestTiered'
  /** The first that is not in the remote tier yet. Needs Kafka 4.2. */
  | 'earliestPendingUpload'

/** An offset that was looked up. */
export interface ListedOffset {
  /** Number of the partition, from 0. */
  partition: number
  /** '-1' where there is none. */
  offset: string
  /** Of the record that was found, ms; '-1' where none was looked for. */
  timestamp: string
  /** -1 where it is not known. */
  leaderEpoch: number
  /** Why there is no answer for this partition. */
  error?: KafkaJSError
}

/** The directories of a broker. */
export interface BrokerLogDirs {
  /** Id of the broker. */
  nodeId: number
  /** Why there is no answer of this broker. */
  error: KafkaJSError | null
  /** Its directories. */
  logDirs: {
    /** Where it is on the broker. */
    path: string
    /** Why it cannot be used, or `null`. */
    error: KafkaJSError | null
    /** Of its disk, bytes; null before Kafka 3.3. */
    totalBytes: number | null
    /** How much room is left, in bytes. */
    usableBytes: number | null
    /** Does it get no new partitions (KIP-1066)? Null before Kafka 4.3. */
    isCordoned: boolean | null
    /** What is in it, by topic. */
    topics: {
      /** Name of the topic. */
      topic: string
      /** The partitions in it. */
      partitions: {
        /** Number of the partition, from 0. */
        partition: number
        /** Bytes. */
        size: number
        /** How many records it is behind. */
        offsetLag: string
        /** On its way here from another directory. */
        isFuture: boolean
      }[]
    }[]
  }[]
}

/** See `docs/admin.md`. Every method connects by itself, and tries again what another attempt may cure, by the `retry` option. */
export type Admin = {
  /** Connects now, so that a wrong address shows here and not in the first call. */
  connect(): Promise<void>
  /** Closes the connections; calls under way reject. */
  disconnect(): Promise<void>
  /** The names of all topics, internal ones included. */
  listTopics(): Promise<string[]>
  /**
   * Makes topics. Resolves to true when all were made, to false when those that were not exist already; any other failure rejects with
   * a KafkaJSAggregateError, whose `errors` name their topics.
   */
  createTopics(options: {
    /** Check, but make nothing. Default false. */
    validateOnly?: boolean
    /** Wait until all partitions have leaders. Default true. */
    waitForLeaders?: boolean
    /** How long brokers may take, ms. Default 5000; for the leaders 10000. */
    timeout?: number
    topics: ITopicConfig[]
  }): Promise<boolean>
  /** Deletes topics; rejects with the first one's error. `timeout` in ms, default 5000. */
  deleteTopics(options: { topics: string[]; timeout?: number }): Promise<void>
  /** Gives topics more partitions: `count` is what they have afterwards. Rejects with the first one's error; `timeout` in ms, default 5000. */
  createPartitions(options: {
    validateOnly?: boolean
    timeout?: number
    topicPartitions: ITopicPartitionConfig[]
  }): Promise<boolean>
  /** Partitions, leaders and replicas of these topics, or of all when none is named. An unknown topic rejects the whole. */
  fetchTopicMetadata(options?: { topics: string[] }): Promise<{
    /** The topics. */
    topics: Array<ITopicMetadata>
  }>
  /**
   * What a group has committed: for these topics, each partition, -1 where it has nothing; or for all topics that it has committed for.
   * An unknown topic rejects the whole.
   */
  fetchOffsets(options: {
    groupId: string
    /** Default: all. */
    topics?: string[]
    /** Commit numbers in place of -1 (the end) and -2 (the beginning), which `resetOffsets` commits, and return them. Default false. */
    resolveOffsets?: boolean
  }): Promise<
    Array<{
      /** Name of the topic. */
      topic: string
      /** The partitions. */
      partitions: FetchOffsetsPartition[]
    }>
  >
  /** The same of several groups, all of one coordinator in one request. Not in kafkajs. */
  fetchOffsets(options: {
    groupIds: string[]
    topics?: string[]
    resolveOffsets?: boolean
  }): Promise<
    {
      /** Name of the group. */
      groupId: string
      /** The topics. */
      topics: {
        /** Name of the topic. */
        topic: string
        /** The partitions. */
        partitions: FetchOffsetsPartition[]
      }[]
    }[]
  >
  /** Of each partition the first offset (`low`) and the end of what can be read (`high`, `offset`): an open transaction holds it back. */
  fetchTopicOffsets(topic: string): Promise<
    Array<
      SeekEntry & {
        /** The offset behind the last message that can be read. */
        high: string
        /** Offset of the first message that is there. */
        low: string
      }
    >
  >
  /** The first offset of each partition whose record is not older than `timestamp` (ms); the next one where there is none. */
  fetchTopicOffsetsByTimestamp(topic: string, timestamp?: number): Promise<Array<SeekEntry>>
  /** Offsets by time or by place, of any partitions. What is wrong with one is its `error`. Not in kafkajs. */
  listOffsets(options: {
    topics: {
      topic: string
      partitions: {
        partition: number
        /** ms, or a place. Default 'latest'. */
        timestamp?: number | string | Date | OffsetPlace
      }[]
    }[]
    /** Count records of open transactions, too. Default true. */
    readUncommitted?: boolean
  }): Promise<
    {
      /** Name of the topic. */
      topic: string
      /** The offsets. */
      partitions: ListedOffset[]
    }[]
  >
  /** The brokers. `controller` is any broker in a cluster without ZooKeeper. */
  describeCluster(): Promise<{
    /** The brokers that are up. */
    brokers: Array<{
      /** Id of the broker. */
      nodeId: number
      /** Name or address; `*` is any. */
      host: string
      /** Port of the broker. */
      port: number
    }>
    /** Id of the broker that creates and deletes topics; `null`: unknown. */
    controller: number | null
    /** The cluster's own id. */
    clusterId: string
  }>
  /** The same with more about the brokers, those included that the controller has shut out. Needs Kafka 4.0. Not in kafkajs. */
  describeCluster(options: { includeFencedBrokers: true }): Promise<{
    /** The brokers that are up. */
    brokers: Array<{
      /** Id of the broker. */
      nodeId: number
      /** Name or address; `*` is any. */
      host: string
      /** Port of the broker. */
      port: number
      /** Where the broker stands, if it says so. */
      rack: string | null
      /** Whether the controller keeps it from leading partitions. */
      isFenced: boolean
    }>
    /** Id of the broker that creates and deletes topics; `null`: unknown. */
    controller: number | null
    /** The cluster's own id. */
    clusterId: string
  }>
  /** The features of the cluster (KIP-584): the level in force, 0 = off, and those that the brokers know. Not in kafkajs. */
  describeFeatures(): Promise<{
    /** Of the levels in force; null before Kafka 2.7. */
    epoch: string | null
    /** The features that the cluster has. */
    features: {
      /** Name of the feature. */
      name: string
      /** The level in force. */
      level: number
      /** The lowest level that all brokers speak. */
      minLevel: number
      /** The highest level that all brokers speak. */
      maxLevel: number
    }[]
  }>
  /** Disks and the sizes of partitions, by broker. One that does not answer has an `error`. Not in kafkajs. */
  describeLogDirs(options?: {
    /** Node ids. Default: all. */
    brokers?: number[]
    /** Default: all. */
    topics?: TopicPartitions[]
  }): Promise<{
    /** The brokers. */
    brokers: BrokerLogDirs[]
  }>
  /**
   * Commits offsets for a group that has no members, with their `metadata` if they have any; -1 and -2 stand for the end and the
   * beginning. Rejects while the group has members, and when a partition does not exist.
   */
  setOffsets(options: {
    groupId: string
    topic: string
    partitions: (SeekEntry & { metadata?: string | null })[]
  }): Promise<void>
  /** Sets a group back to the end or the beginning of all partitions of a topic; as `setOffsets`. */
  resetOffsets(options: {
    groupId: string
    topic: string
    /** To the beginning. Default false: to the end. */
    earliest: boolean
    /**
     * Commit the numbers of these offsets as they are now, as other tools expect. Default false: -1 or -2, as kafkajs, which mean the
     * end or the beginning when a consumer starts. Not in kafkajs.
     */
    resolve?: boolean
  }): Promise<void>
  /**
   * Forgets what a group has committed for partitions of topics that none of its members reads. What is wrong with one is its `error`.
   * Needs Kafka 2.4. Not in kafkajs.
   */
  deleteConsumerGroupOffsets(options: { groupId: string; topics: TopicPartitions[] }): Promise<
    {
      /** Name of the topic. */
      topic: string
      /** Number of the partition. */
      partition: number
      /** Why not; not there where it is done. */
      error?: KafkaJSError
    }[]
  >
  /** How far a group is behind, and who has which partition: of all partitions that it has committed or owns. Not in kafkajs. */
  groupLag(groupId: string): Promise<PartitionLag[]>
  /** What topics, brokers, … are configured to. Rejects with the first resource's error. */
  describeConfigs(configs: {
    resources: ResourceConfigQuery[]
    /** Where else a value is set. Default false. */
    includeSynonyms: boolean
    /** `configType` and `documentation` of each entry, from Kafka 2.6 on. Default false. Not in kafkajs. */
    includeDocumentation?: boolean
  }): Promise<DescribeConfigResponse>
  /** Replaces all configs of a resource: what is not named falls back to its default. See `incrementalAlterConfigs`. */
  alterConfigs(configs: { validateOnly: boolean; resources: IResourceConfig[] }): Promise<any>
  /** Changes the configs that are named, and no others. Needs Kafka 2.3. Rejects with the first resource's error. Not in kafkajs. */
  incrementalAlterConfigs(configs: {
    /** Check, but change nothing. Default false. */
    validateOnly?: boolean
    resources: {
      /** 16 = client metrics, 32 = group. */
      type: ConfigResourceTypes | 16 | 32
      /** '' of a broker: all brokers. */
      name: string
      configEntries: {
        name: string
        /** Not needed to DELETE. */
        value?: string | null
        /** What becomes of the value. Default SET. */
        operation?: AlterConfigOperations
      }[]
    }[]
  }): Promise<{
    /** What came of each resource. */
    resources: {
      /** Kafka's number of the error; 0: none. */
      errorCode: number
      /** What the broker says of it. */
      errorMessage: string | null
      /** What the resource is. */
      resourceType: number
      /** Name of the resource. */
      resourceName: string
    }[]
  }>
  /**
   * The groups of all brokers, of every kind. Rejects when a broker does not answer; then `error.groups` has those of the others.
   * In kafkajs it takes no options.
   */
  listGroups(options?: {
    /** Only in one of these states: 'Stable', 'Empty', … Needs Kafka 2.6. Default: in any. */
    states?: string[]
    /** Only of these types: 'classic', 'consumer', 'share', 'streams'. Needs Kafka 4.0. Default: of any. */
    types?: string[]
  }): Promise<{
    /** The groups. */
    groups: GroupOverview[]
  }>
  /** Forgets groups without members. Rejects with a KafkaJSDeleteGroupsError, whose `groups` are those that are still there. */
  deleteGroups(groupIds: string[]): Promise<DeleteGroupsResult[]>
  /** States and members of groups of every kind, in their order. */
  describeGroups(groupIds: string[]): Promise<GroupDescriptions>
  /**
   * Sends members away, who will join again if they live. What is wrong with one is its `error`. Needs Kafka 2.4 for static members.
   * Not in kafkajs.
   */
  removeMembersFromConsumerGroup(options: {
    groupId: string
    /** Default: all. */
    members?: { memberId?: string; groupInstanceId?: string }[]
    /** What the coordinator writes in its log. */
    reason?: string
  }): Promise<
    {
      /** Id of the member. */
      memberId?: string
      /** Name of a static member. */
      groupInstanceId?: string
      /** Why not; not there where it is done. */
      error?: KafkaJSError
    }[]
  >
  /** The ACLs that a filter means; what it does not name is any. */
  describeAcls(options: AclFilter): Promise<DescribeAclResponse>
  /** Deletes the ACLs that one of the filters means, and says which those were, except where that answer was lost on its way. */
  deleteAcls(options: { filters: AclFilter[] }): Promise<DeleteAclResponse>
  /** Writes ACLs down. Rejects with the first one's error, which has it as `acl`. */
  createAcls(options: { acl: AclEntry[] }): Promise<boolean>
  /** Which SCRAM credentials users have; of one without any, none. Needs Kafka 2.7. Not in kafkajs. */
  describeUserScramCredentials(options?: {
    /** Default: all users. */
    users?: string[]
  }): Promise<{
    /** The users. */
    users: {
      /** Name of the user. */
      user: string
      /** What the user has; never the password. */
      credentials: {
        /** Which SCRAM. */
        mechanism: ScramMechanisms
        /** How often the password was hashed. */
        iterations: number
      }[]
    }[]
  }>
  /**
   * Gives users SCRAM credentials and takes them away; a password is hashed here and does not travel. Rejects with a
   * KafkaJSAggregateError, whose `errors` name their `user`. Needs Kafka 2.7. Not in kafkajs.
   */
  alterUserScramCredentials(options: {
    upsertions?: {
      user: string
      mechanism: ScramMechanisms
      password: string | Uint8Array
      /** How often it is hashed, 4096 to 16384. Default 4096. */
      iterations?: number
      /** Default: random. */
      salt?: Uint8Array
    }[]
    deletions?: { user: string; mechanism: ScramMechanisms }[]
  }): Promise<void>
  /** How much users and clients may use. Needs Kafka 2.6. Not in kafkajs. */
  describeClientQuotas(options?: {
    /** Only of entities with these parts: a name, null for the default, true for any name. Default: all. */
    entity?: {
      user?: string | null | true
      clientId?: string | null | true
      ip?: string | null | true
    }
    /** Only of entities without other parts. Default false. */
    strict?: boolean
  }): Promise<{
    /** The quotas. */
    quotas: {
      /** Whom it is for. */
      entity: QuotaEntity
      /** By the name of the quota, a second: bytes, requests, percent. */
      values: Record<string, number>
    }[]
  }>
  /**
   * Sets quotas, by their names: `producer_byte_rate`, `consumer_byte_rate`, `request_percentage`, …; null removes one. Rejects with a
   * KafkaJSAggregateError, whose `errors` have their `entity`. Needs Kafka 2.6. Not in kafkajs.
   */
  alterClientQuotas(options: {
    quotas: { entity: QuotaEntity; values: Record<string, number | null> }[]
    /** Check, but change nothing. Default false. */
    validateOnly?: boolean
  }): Promise<void>
  /** The transactional ids that brokers know. Needs Kafka 3.0. Not in kafkajs. */
  listTransactions(options?: {
    /** Only in one of these states: 'Ongoing', 'CompleteCommit', … Default: in any. */
    states?: string[]
    /** Only of these producers. Default: of any. */
    producerIds?: (string | number)[]
    /** Only those that are open for longer than this, ms. Needs Kafka 3.8. Default: all. */
    duration?: number
    /** Only ids that match this expression of RE2. Needs Kafka 4.1. Default: all. */
    transactionalIdPattern?: string
  }): Promise<{
    /** The transactions. */
    transactions: {
      /** Whose transaction. */
      transactionalId: string
      /** The id of the producer. */
      producerId: string
      /** 'Ongoing', 'PrepareCommit', 'CompleteAbort', … */
      state: string
    }[]
  }>
  /** How transactions stand. Rejects with the first error. Needs Kafka 3.0. Not in kafkajs. */
  describeTransactions(transactionalIds: string[]): Promise<{
    /** The transactions. */
    transactions: {
      /** Whose transaction. */
      transactionalId: string

      /** 'Ongoing', 'PrepareCommit', 'CompleteAbort', … */
      state: string
      /** `transactionTimeout`, ms. */
      timeout: number
      /** When it began, ms; null = none is open. */
      startTime: string | null

      /** The id of the producer. */
      producerId: string

      /** The epoch of the producer. */
      producerEpoch: number
      /** What is in it. */
      topics: TopicPartitions[]
    }[]
  }>
  /** Who writes to partitions, and which transactions are open there. Rejects with the first error. Needs Kafka 2.8. Not in kafkajs. */
  describeProducers(options: { topics: TopicPartitions[] }): Promise<{
    /** The partitions. */
    partitions: {
      /** Name of the topic. */
      topic: string
      /** Number of the partition. */
      partition: number
      /** Who has written to it lately. */
      producers: ProducerState[]
    }[]
  }>
  /**
   * Aborts an open transaction in one partition, whatever its coordinator thinks of it: for one that hangs, which holds back all who
   * read committed messages. To abort one that does not hang loses what it has written there. It is meant by where it begins, by its
   * producer, or by both. Needs Kafka 2.8. Not in kafkajs.
   */
  abortTransaction(options: {
    topic: string
    partition: number
    /** `currentTransactionStartOffset` of `describeProducers()`. */
    startOffset?: string | number
    producerId?: string | number
    /** Default: as the leader knows it. */
    producerEpoch?: number
    /** Default: as the leader knows it. */
    coordinatorEpoch?: number
  }): Promise<void>
  /**
   * Deletes the records before these offsets; '-1' = all. Rejects with a KafkaJSDeleteTopicRecordsError, as itself or as the `cause`, which
   * names the partitions.
   */
  deleteTopicRecords(options: { topic: string; partitions: SeekEntry[] }): Promise<void>
  /**
   * Moves partitions to other brokers, the first of which leads; or ends a move that is under way (`cancel`, not in kafkajs). Rejects
   * with a KafkaJSAggregateError, whose `errors` name their partitions. `timeout` in ms, default 5000.
   */
  alterPartitionReassignments(request: {
    topics: (
      | PartitionReassignment
      | {
          topic: string
          partitionAssignment: (ReplicaAssignment | { partition: number; cancel: true })[]
        }
    )[]
    timeout?: number
  }): Promise<void>
  /**
   * Elects the preferred leaders, or any replica where no in-sync one is alive: 'unclean' loses what that one does not have. Needs Kafka
   * 2.4 (2.2 for preferred ones of all topics). `elected` is false where the right one leads already. Rejects with a
   * KafkaJSAggregateError, whose `errors` name their partitions. Not in kafkajs.
   */
  electLeaders(options?: {
    /** Default 'preferred'. */
    electionType?: 'preferred' | 'unclean'
    /** Default: all. */
    topics?: TopicPartitions[] | null
    /** ms. Default 5000. */
    timeout?: number
  }): Promise<
    {
      /** Name of the topic. */
      topic: string
      /** Number of the partition, from 0. */
      partition: number
      /** Whether there was an election. */
      elected: boolean
    }[]
  >
  /** Which partitions are on their way to other brokers: of these, or of all. (The topics are under `name`, the numbers under `partition`.) */
  listPartitionReassignments(request: {
    topics?: TopicPartitions[]
    timeout?: number
  }): Promise<ListPartitionReassignmentsResponse>
  /** The logger of this client. */
  logger(): Logger
  on(
    eventName: AdminEvents['CONNECT'],
    listener: (event: ConnectEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: AdminEvents['DISCONNECT'],
    listener: (event: DisconnectEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: AdminEvents['REQUEST'],
    listener: (event: RequestEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: AdminEvents['REQUEST_QUEUE_SIZE'],
    listener: (event: RequestQueueSizeEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: AdminEvents['REQUEST_TIMEOUT'],
    listener: (event: RequestTimeoutEvent) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  on(
    eventName: ValueOf<AdminEvents>,
    listener: (event: InstrumentationEvent<any>) => void
  ): RemoveInstrumentationEventListener<typeof eventName>
  /** Names of the events, for `on()`. */
  readonly events: AdminEvents
}

/** A group, in short. */
export type GroupOverview = {
  /** Name of the group. */
  groupId: string
  /** 'consumer', 'share', 'connect', …; empty when nobody has joined it yet. */
  protocolType: string
  /** Not enumerable, as `type`: 'Stable', 'Empty', …; null before Kafka 2.6. Not in kafkajs. */
  state?: string | null
  /** 'classic', 'consumer' (KIP-848), 'share' or 'streams'; null before Kafka 4.0. Not in kafkajs. */
  type?: string | null
}

/** One partition of `groupLag()`. */
export type PartitionLag = {
  /** Name of the topic. */
  topic: string

  /** Number of the partition. */
  partition: number
  /** The next offset to read; '-1' or '-2' where the end or the beginning is committed; null = nothing is. */
  committed: string | null
  /** The next offset that will be written; null when its leader does not say. */
  end: string | null
  /** Messages between the two, those that compaction has left out included; null when one is not known. */
  lag: string | null
  /** Who has it; null = nobody. */
  owner: {
    /** Id of the member. */
    memberId: string

    /** Name of a static member. */
    groupInstanceId: string | null

    /** What it calls itself. */
    clientId: string

    /** Where it runs. */
    clientHost: string
  } | null
  /** Why `end` is null. */
  error?: KafkaJSError
}

/** Whom a quota is for: by user, by client or by both, or by address. A name of null is the default. */
export type QuotaEntity = {
  /** A user; `null`: the default of all. */
  user?: string | null
  /** A client id; `null`: the default of all. */
  clientId?: string | null
  /** An address; `null`: the default of all. */
  ip?: string | null
}

/** A producer, as the leader of a partition remembers it. */
export type ProducerState = {
  /** The id of the producer. */
  producerId: string

  /** The epoch of the producer. */
  producerEpoch: number
  /** Of the last record; -1 = none. */
  lastSequence: number
  /** Of the last record, ms; '-1' = none. */
  lastTimestamp: string
  /** Of the coordinator that ended its last transaction; -1 = none. */
  coordinatorEpoch: number
  /** Where its open transaction begins; null = none is open. */
  currentTransactionStartOffset: string | null
}

/** What came of a group that was to be deleted. */
export type DeleteGroupsResult = {
  /** Name of the group. */
  groupId: string
  /** Kafka's number of the error, if there was one. */
  errorCode?: number
  /** Why. */
  error?: KafkaJSProtocolError
}

// Errors

/** Every error of this package but KafkaJSAggregateError. */
export class KafkaJSError extends Error {
  /** What failed, which, why, and what to do. */
  readonly message: Error['message']
  /** The name of the class. */
  readonly name: string
  /** May the same be tried again? A consumer that crashed on such an error restarts by itself. */
  readonly retriable: boolean
  /** A page with the causes of this error and what to do. */
  readonly helpUrl?: string
  /** The error behind this one, if there is one. */
  readonly cause?: Error

  constructor(e: Error | string, metadata?: KafkaJSErrorMetadata)
}

/** Trying again cannot help. */
export class KafkaJSNonRetriableError extends KafkaJSError {
  constructor(e: Error | string)
}

/** A broker answered with an error: `type` is its name, `code` its number. */
export class KafkaJSProtocolError extends KafkaJSError {
  /** Kafka's number of the error. */
  readonly code: number
  /** Kafka's name of the error, as `TOPIC_AUTHORIZATION_FAILED`. */
  readonly type: string
  constructor(e: Error | string)
}

/** Several errors at once; not a KafkaJSError. */
export class KafkaJSAggregateError extends Error {
  /** The errors. */
  readonly errors: (Error | string)[]
  constructor(message: Error | string, errors: (Error | string)[])
}

/** A key or a value could not be read by its deserializer; `cause` is what that has thrown. Not in kafkajs. */
export class KafkaJSDeserializationError extends KafkaJSError {
  /** Name of the topic. */
  readonly topic: string
  /** Number of the partition, from 0. */
  readonly partition: number
  /** A decimal string. */
  readonly offset: string
  /** Which of the two. */
  readonly part: 'key' | 'value'
  /** Its bytes. */
  readonly data: Buffer
  constructor(
    cause: Error,
    where: {
      topic: string
      partition: number
      offset: string
      part: 'key' | 'value'
      data: Buffer
    }
  )
}

/** The position is outside of the log, and `autoOffsetReset: 'none'` forbids to move it. */
export class KafkaJSOffsetOutOfRange extends KafkaJSProtocolError {
  /** Name of the topic. */
  readonly topic: string
  /** Number of the partition, from 0. */
  readonly partition: number
  constructor(e: Error | string, metadata?: KafkaJSOffsetOutOfRangeMetadata)
}

/** A partition could not be moved. */
export class KafkaJSAlterPartitionReassignmentsError extends KafkaJSProtocolError {
  /** Name of the topic. */
  readonly topic?: string
  /** Number of the partition, from 0. */
  readonly partition?: number
  constructor(e: Error | string, topic?: string, partition?: number)
}

/** The last retry failed too; `cause` says why. */
export class KafkaJSNumberOfRetriesExceeded extends KafkaJSNonRetriableError {
  /** With the stack of `cause`. */
  readonly stack: string
  /** How many retries there were. */
  readonly retryCount: number
  /** The last wait between two of them, ms. */
  readonly retryTime: number
  constructor(e: Error | string, metadata?: KafkaJSNumberOfRetriesExceededMetadata)
}

/** A connection could not be made, or broke. */
export class KafkaJSConnectionError extends KafkaJSError {
  /** The broker, as `host:port`. */
  readonly broker: string
  constructor(e: Error | string, metadata?: KafkaJSConnectionErrorMetadata)
}

/** No answer within `requestTimeout`. */
export class KafkaJSRequestTimeoutError extends KafkaJSError {
  /** The broker, as `host:port`. */
  readonly broker: string
  /** The connection's number of the request. */
  readonly correlationId: number
  /** When the request was made, ms since the epoch. */
  readonly createdAt: number
  /** When it was sent, ms since the epoch. */
  readonly sentAt: number
  /** How long it waited to be sent, ms. */
  readonly pendingDuration: number
  constructor(e: Error | string, metadata?: KafkaJSRequestTimeoutErrorMetadata)
}

/** Asked for metadata before there was any. */
export class KafkaJSMetadataNotLoaded extends KafkaJSError {
  constructor()
}

/** There is no metadata of a topic. */
export class KafkaJSTopicMetadataNotLoaded extends KafkaJSMetadataNotLoaded {
  /** Name of the topic. */
  readonly topic: string
  constructor(e: Error | string, metadata?: KafkaJSTopicMetadataNotLoadedMetadata)
}

/** The assignment has partitions that the metadata does not know. */
export class KafkaJSStaleTopicMetadataAssignment extends KafkaJSError {
  /** Name of the topic. */
  readonly topic: string
  /** Those partitions. */
  readonly unknownPartitions: number
  constructor(e: Error | string, metadata?: KafkaJSStaleTopicMetadataAssignmentMetadata)
}

/** The broker is too old. */
export class KafkaJSServerDoesNotSupportApiKey extends KafkaJSNonRetriableError {
  /** Kafka's number of the API. */
  readonly apiKey: number
  /** Name of the API. */
  readonly apiName: string
  constructor(e: Error | string, metadata?: KafkaJSServerDoesNotSupportApiKeyMetadata)
}

/** There is no broker of this id. */
export class KafkaJSBrokerNotFound extends KafkaJSError {
  constructor()
}

/** A message was cut off. */
export class KafkaJSPartialMessageError extends KafkaJSError {
  constructor()
}

/** The broker, or the mechanism, refused the credentials. */
export class KafkaJSSASLAuthenticationError extends KafkaJSError {
  constructor()
}

/** No broker knows the coordinator of the group; `cause` says why. */
export class KafkaJSGroupCoordinatorNotFound extends KafkaJSError {
  constructor()
}

/** Not part of this package. */
export class KafkaJSNotImplemented extends KafkaJSError {
  constructor()
}

/** Something took too long. */
export class KafkaJSTimeout extends KafkaJSError {
  constructor()
}

/** A lock was not free in time. */
export class KafkaJSLockTimeout extends KafkaJSError {
  constructor()
}

/** A message has a format that nobody knows. */
export class KafkaJSUnsupportedMagicByteInMessageSet extends KafkaJSError {
  constructor()
}

/** Some groups could not be deleted. */
export class KafkaJSDeleteGroupsError extends KafkaJSError {
  /** Those groups, each with its error. */
  readonly groups: DeleteGroupsResult[]
  constructor(e: Error | string, groups?: KafkaJSDeleteGroupsErrorGroups[])
}

/** Records of some partitions could not be deleted. */
export class KafkaJSDeleteTopicRecordsError extends KafkaJSError {
  constructor(metadata: KafkaJSDeleteTopicRecordsErrorTopic)
}

/** A group that could not be deleted. */
export interface KafkaJSDeleteGroupsErrorGroups {
  /** Name of the group. */
  groupId: string
  /** Kafka's number of the error; 0: none. */
  errorCode: number
  /** Why. */
  error: KafkaJSError
}

/** A topic whose records could not be deleted. */
export interface KafkaJSDeleteTopicRecordsErrorTopic {
  /** Name of the topic. */
  topic: string
  /** Its partitions, each with its error. */
  partitions: KafkaJSDeleteTopicRecordsErrorPartition[]
}

/** A partition whose records could not be deleted. */
export interface KafkaJSDeleteTopicRecordsErrorPartition {
  /** Number of the partition, from 0. */
  partition: number
  /** A decimal string. */
  offset: string
  /** Why. */
  error: KafkaJSError
}

/** What an error is about. */
export interface KafkaJSErrorMetadata {
  /** Whether another attempt may succeed. */
  retriable?: boolean
  /** Name of the topic. */
  topic?: string
  /** Number of the partition, from 0. */
  partitionId?: number
  /** What was known of the partition. */
  metadata?: PartitionMetadata
}

/** Which partition. */
export interface KafkaJSOffsetOutOfRangeMetadata {
  /** Name of the topic. */
  topic: string
  /** Number of the partition, from 0. */
  partition: number
}

/** How often it was tried. */
export interface KafkaJSNumberOfRetriesExceededMetadata {
  /** How many retries there were. */
  retryCount: number
  /** The last wait between two of them, ms. */
  retryTime: number
}

/** Which connection. */
export interface KafkaJSConnectionErrorMetadata {
  /** The broker, as `host:port`. */
  broker?: string
  /** As Node's, `ECONNREFUSED` for instance. */
  code?: string
}

/** Which request. */
export interface KafkaJSRequestTimeoutErrorMetadata {
  /** The broker, as `host:port`. */
  broker: string
  /** The `clientId` of the client. */
  clientId: string
  /** The connection's number of the request. */
  correlationId: number
  /** When the request was made, ms since the epoch. */
  createdAt: number
  /** When it was sent, ms since the epoch. */
  sentAt: number
  /** How long it waited to be sent, ms. */
  pendingDuration: number
}

/** Which topic. */
export interface KafkaJSTopicMetadataNotLoadedMetadata {
  /** Name of the topic. */
  topic: string
}

/** Which partitions. */
export interface KafkaJSStaleTopicMetadataAssignmentMetadata {
  /** Name of the topic. */
  topic: string
  /** Those that the metadata does not know. */
  unknownPartitions: PartitionMetadata[]
}

/** Which API. */
export interface KafkaJSServerDoesNotSupportApiKeyMetadata {
  /** Kafka's number of the API. */
  apiKey: number
  /** Name of the API. */
  apiName: string
}

// Errors that kafkajs exports without a type

/** The broker has closed the connection. */
export class KafkaJSConnectionClosedError extends KafkaJSConnectionError {
  /** Name or address of the broker. */
  readonly host?: string
  /** Port of the broker. */
  readonly port?: number
  constructor(e: Error | string, metadata?: { host?: string; port?: number })
}

/** The broker has given a member id, to join with (KIP-394). */
export class KafkaJSMemberIdRequired extends KafkaJSProtocolError {
  /** The id that the broker has given the member. */
  readonly memberId: string
  constructor(e: Error | string, metadata: { memberId: string })
}

/** A topic could not be created. */
export class KafkaJSCreateTopicError extends KafkaJSProtocolError {
  /** Name of the topic. */
  readonly topic: string
  constructor(e: Error | string, topicName: string)
}

/** A bug of this package. */
export class KafkaJSInvariantViolation extends KafkaJSNonRetriableError {}

/** A number of the wire is longer than it can be. */
export class KafkaJSInvalidVarIntError extends KafkaJSNonRetriableError {}

/** A number of the wire is longer than it can be. */
export class KafkaJSInvalidLongError extends KafkaJSNonRetriableError {}

/** No broker is connected. */
export class KafkaJSNoBrokerAvailableError extends KafkaJSError {
  constructor()
}

/** Not a KafkaJSError. */
export class KafkaJSFetcherRebalanceError extends Error {}
