/**
 * The public types: those of kafkajs 2.2.4, name by name, and a few options more. The runtime is described by them, never the
 * other way round.
 */

/// <reference types="node" />

import * as net from 'net'
import * as tls from 'tls'

// Kafka

/** Makes clients of one Kafka cluster, which share its options and its logger. */
export class Kafka {
  /** Nothing is validated or connected here; `brokers`, `ssl` and `sasl` are looked at when a client connects. */
  constructor(config: KafkaConfig)
  /** Not implemented yet: throws KafkaJSNotImplemented. Use kafkajs's own producer beside this package. */
  producer(config?: ProducerConfig): Producer
  /** A member of a consumer group. Throws KafkaJSNonRetriableError for invalid options. */
  consumer<Key = Buffer | null, Value = Buffer | null>(
    config: ConsumerConfig<Key, Value>
  ): Consumer<Key, Value>
  /**
   * `connect`, `describeCluster` and `disconnect` only, for tracing libraries: all else rejects with KafkaJSNotImplemented.
   * Use kafkajs's own admin client beside this package.
   */
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
   * honour (`secureContext`, `crl`, `timeout` …) are refused at construction.
   */
  ssl?: tls.ConnectionOptions | boolean
  /** Credentials, or a mechanism of your own. */
  sasl?: SASLOptions | Mechanism
  /** Sent with every request; member ids start with it. Default: `kafkajs`. */
  clientId?: string
  /** For TCP and TLS together. Default: 1000. */
  connectionTimeout?: number
  /** For SASL. Default: 10000. */
  authenticationTimeout?: number
  /** Authenticate again this long before the session ends (KIP-368). Default: 10000. */
  reauthenticationThreshold?: number
  /** Default: 30000. */
  requestTimeout?: number
  /** `false`: requests never time out. Default: `true`. */
  enforceRequestTimeout?: boolean
  /** For connecting, metadata and the coordinator; also where a client's own `retry` is silent. */
  retry?: RetryOptions
  /** Not supported: the engine makes the connections. The constructor throws KafkaJSNonRetriableError. */
  socketFactory?: ISocketFactory
  /** Default: `logLevel.INFO`. The environment variable KAFKAJS_LOG_LEVEL wins. */
  logLevel?: logLevel
  /** Default: lines of JSON on the console. */
  logCreator?: logCreator
}

export interface ISocketFactoryArgs {
  host: string
  port: number
  ssl: tls.ConnectionOptions
  onConnect: () => void
}

export type ISocketFactory = (args: ISocketFactoryArgs) => net.Socket

/** How failures are retried: waits grow by `multiplier`, each drawn at random within ± `factor`. */
export interface RetryOptions {
  /** Longest wait, ms. Default: 30000. */
  maxRetryTime?: number
  /** First wait, ms. Default: 300. */
  initialRetryTime?: number
  /** Default: 0.2. */
  factor?: number
  /** Default: 2. */
  multiplier?: number
  /** Tries after the first one. Default: 5. */
  retries?: number
  /** Consumers only: asked after a crash that may be retried; `false` keeps the consumer from restarting. */
  restartOnFailure?: (e: Error) => Promise<boolean>
}

// SASL

type SASLMechanismOptionsMap = {
  plain: { username: string; password: string }
  'scram-sha-256': { username: string; password: string }
  'scram-sha-512': { username: string; password: string }
  aws: {
    authorizationIdentity: string
    accessKeyId: string
    secretAccessKey: string
    sessionToken?: string
  }
  oauthbearer: { oauthBearerProvider: () => Promise<OauthbearerProviderResponse> }
}

export type SASLMechanism = keyof SASLMechanismOptionsMap
type SASLMechanismOptions<T> = T extends SASLMechanism
  ? { mechanism: T } & SASLMechanismOptionsMap[T]
  : never
/** Credentials of a built-in mechanism. The object is never written to. */
export type SASLOptions = SASLMechanismOptions<SASLMechanism>

export interface OauthbearerProviderResponse {
  /** The token. */
  value: string
}

/** A mechanism of your own. */
export type Mechanism = {
  mechanism: string
  authenticationProvider: (args: AuthenticationProviderArgs) => Authenticator
}

export type Authenticator = {
  /** Called for each connection, and again before its session ends. */
  authenticate: () => Promise<void>
}

export type AuthenticationProviderArgs = {
  host: string
  port: number
  logger: Logger
  /** One round: sends `request`, resolves with what `response` makes of the answer. */
  saslAuthenticate: <ParseResult>(
    args: SaslAuthenticateArgs<ParseResult>
  ) => Promise<ParseResult | void>
}

export type SaslAuthenticateArgs<ParseResult> = {
  request: SaslAuthenticationRequest
  response?: SaslAuthenticationResponse<ParseResult>
}

type SaslAuthenticationRequest = {
  /** The bytes after their length (int32, big endian). */
  encode: () => Buffer | Promise<Buffer>
}
type SaslAuthenticationResponse<ParseResult> = {
  /** Receives the bytes after their length (int32, big endian). */
  decode: (rawResponse: Buffer) => Buffer | Promise<Buffer>
  parse: (data: Buffer) => ParseResult
}

// Consumer

/** Options of `kafka.consumer()`. Times are in milliseconds. */
export interface ConsumerConfig<Key = any, Value = any> {
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
  /** How often topics and partitions are looked at anew. Default: 300000. */
  metadataMaxAge?: number
  /** Without a heartbeat for this long the member is out of the group. Default: 30000. */
  sessionTimeout?: number
  /** How long a rebalance waits for this member. Default: 60000. */
  rebalanceTimeout?: number
  /** Heartbeats are sent by the engine, also while a handler runs, and no more than three a second. Default: 3000. */
  heartbeatInterval?: number
  /** Default: 1048576. */
  maxBytesPerPartition?: number
  /** A broker answers a fetch when it has this many bytes. 0 is 1: as soon as there is something. Default: 1. */
  minBytes?: number
  /** Per fetch, that is per broker. Default: 10485760. */
  maxBytes?: number
  /**
   * A broker answers a fetch after this time at the latest. Below 5, a broker that had nothing is asked again after 5 ms.
   * Default: 5000.
   */
  maxWaitTimeInMs?: number
  /** For failing handlers and commits. Default: 5 retries, the rest as given to `new Kafka()`. */
  retry?: RetryOptions & { restartOnFailure?: (err: Error) => Promise<boolean> }
  /** Default: `true`. */
  allowAutoTopicCreation?: boolean
  /** Per connection. Default: no limit. */
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
   * `none`: a position outside of the log, or behind where it was truncated, crashes the consumer with KafkaJSOffsetOutOfRange.
   * Default: `fromBeginning` of the topic decides, as it always does where the group has committed nothing; after a truncation
   * the position goes back to its place. Not in kafkajs.
   */
  autoOffsetReset?: 'none'
  /** Default: `true`. Not in kafkajs. */
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
   * Subscribes to more topics; not while running. Rejects with KafkaJSProtocolError for a missing, invalid or forbidden topic.
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
  /** Commits exactly these offsets: of the *next* message to be consumed. */
  commitOffsets(topicPartitions: Array<TopicPartitionOffsetAndMetadata>): Promise<void>
  /** Moves a partition's position: an offset, `-1` latest, `-2` earliest. After `run()`. */
  seek(topicPartitionOffset: TopicPartitionOffset): void
  /** What the brokers know of the group. */
  describeGroup(): Promise<GroupDescription>
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
  readonly events: ConsumerEvents
}

export type ConsumerSubscribeTopics = {
  /** Names; or patterns, matched over all topics when called. */
  topics: (string | RegExp)[]
  /** Where a partition starts without a committed offset: at the first message, or (default) at the end. */
  fromBeginning?: boolean
}

/** @deprecated Replaced by ConsumerSubscribeTopics */
export type ConsumerSubscribeTopic = { topic: string | RegExp; fromBeginning?: boolean }

/** An expression of RE2, for whole names, which the broker evaluates (`groupProtocol: 'consumer'`). Not in kafkajs. */
export type Re2 = { re2: string }

/** As the others, with expressions for the broker. Not in kafkajs. */
export type ConsumerSubscribeExpressions = (
  { topic: Re2 } | { topics: (string | RegExp | Re2)[] }
) & {
  /** As in `ConsumerSubscribeTopics`; of several with expressions the last counts for what the broker finds. */
  fromBeginning?: boolean
}

/** Options of `consumer.run()`. */
export type ConsumerRunConfig<Key = Buffer | null, Value = Buffer | null> = {
  /** Commit resolved offsets by itself, at least after every batch. Default: `true`. */
  autoCommit?: boolean
  /** Commit at least this often while messages are processed, ms. Default: none. */
  autoCommitInterval?: number | null
  /** Commit after this many messages. Default: none. */
  autoCommitThreshold?: number | null
  /** When `eachBatch` returns, everything in the batch counts as processed. Default: `true`. */
  eachBatchAutoResolve?: boolean
  /** Handlers at once; a partition is always handled in order. Default: 1. */
  partitionsConsumedConcurrently?: number
  eachBatch?: EachBatchHandler<Key, Value>
  /** Wins over `eachBatch`. */
  eachMessage?: EachMessageHandler<Key, Value>
  /** What becomes of messages whose handler fails, so that they do not stop their partition. Default: as in kafkajs. Not in kafkajs. */
  onFailure?: FailureOptions
}

/** Where a message was before its handler failed for the first time, and how often that has failed. Not in kafkajs. */
export interface MessageOrigin {
  topic: string
  partition: number
  offset: string
  /** Of the message there, ms. */
  timestamp: string
  /** Attempts that have failed, in all topics together. */
  attempts: number
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
  retryTopics?: Array<number | { topic: string; delay: number }>
  /** The topic for what has failed in the end. Default: none, and the consumer crashes then, as in kafkajs. */
  deadLetterTopic?: string
  /** Decides about each failure. Default: an error with `retriable: false` or of JavaScript's own is not tried again, all others are. */
  when?: (
    error: any,
    failed: MessageOrigin & { message: KafkaMessage }
  ) => FailureVerdict | Promise<FailureVerdict>
  /** Write to the other topic and commit the offset in one transaction. Default: `false`, at least once. */
  exactlyOnce?: boolean
}

export type EachBatchHandler<Key = Buffer | null, Value = Buffer | null> = (
  payload: EachBatchPayload<Key, Value>
) => Promise<void>
export type EachMessageHandler<Key = Buffer | null, Value = Buffer | null> = (
  payload: EachMessagePayload<Key, Value>
) => Promise<void>

export interface EachMessagePayload<Key = Buffer | null, Value = Buffer | null> {
  topic: string
  partition: number
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

export interface EachBatchPayload<Key = Buffer | null, Value = Buffer | null> {
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
  topic: string
  partition: number
  /** The offset that the next message written to the partition gets. */
  highWatermark: string
  messages: KafkaMessage<Key, Value>[]
  isEmpty(): boolean
  firstOffset(): string | null
  lastOffset(): string
  /** How far the last message is behind the newest one. */
  offsetLag(): string
  /** How far the first message is behind the newest one. */
  offsetLagLow(): string
}

interface MessageSetEntry<Key = Buffer | null, Value = Buffer | null> {
  key: Key
  value: Value
  timestamp: string
  attributes: number
  offset: string
  size: number
  headers?: never
}

interface RecordBatchEntry<Key = Buffer | null, Value = Buffer | null> {
  /** `null`: none. Else a Buffer, or what `keyDeserializer` makes of it. */
  key: Key
  /** `null`: a tombstone. Else a Buffer, or what `valueDeserializer` makes of it. */
  value: Value
  /** Milliseconds since the epoch. */
  timestamp: string
  attributes: number
  offset: string
  /** A header that occurs more than once is an array. */
  headers: IHeaders
  size?: never
  /** Always 2. */
  magicByte?: number
  /** Always `false`: control records are not delivered. */
  isControlRecord?: boolean
  /** The record batch that the message came in. */
  batchContext?: object
}

export type KafkaMessage<Key = Buffer | null, Value = Buffer | null> =
  MessageSetEntry<Key, Value> | RecordBatchEntry<Key, Value>

export interface IHeaders {
  [key: string]: Buffer | string | (Buffer | string)[] | undefined
}

export type TopicPartitions = { topic: string; partitions: number[] }

export type TopicPartition = {
  topic: string
  partition: number
}
export type TopicPartitionOffset = TopicPartition & {
  offset: string
}
export type TopicPartitionOffsetAndMetadata = TopicPartitionOffset & {
  metadata?: string | null
}

export interface PartitionOffset {
  partition: number
  offset: string
}

export interface TopicOffsets {
  topic: string
  partitions: PartitionOffset[]
}

export interface Offsets {
  topics: TopicOffsets[]
}

export interface OffsetsByTopicPartition {
  topics: TopicOffsets[]
}

export type ConsumerGroup = {
  groupId: string
  generationId: number
  memberId: string
  coordinator: Broker
}

export type MemberDescription = {
  clientHost: string
  clientId: string
  memberId: string
  /** Bytes for `AssignerProtocol.MemberAssignment.decode`. */
  memberAssignment: Buffer
  /** Bytes for `AssignerProtocol.MemberMetadata.decode`. */
  memberMetadata: Buffer
}

export type ConsumerGroupState =
  'Unknown' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead' | 'Empty'

export type GroupDescription = {
  groupId: string
  members: MemberDescription[]
  protocol: string
  protocolType: string
  /** A group that nobody knows is `Dead`. */
  state: ConsumerGroupState
}

export type GroupDescriptions = {
  groups: GroupDescription[]
}

// Events

type ValueOf<T> = T[keyof T]

export interface InstrumentationEvent<T> {
  /** Counts the events of this process that had a listener. */
  id: string
  type: string
  /** Milliseconds since the epoch. */
  timestamp: number
  payload: T
}

export type RemoveInstrumentationEventListener<T> = () => void

export type ConsumerEvents = {
  HEARTBEAT: 'consumer.heartbeat'
  COMMIT_OFFSETS: 'consumer.commit_offsets'
  GROUP_JOIN: 'consumer.group_join'
  FETCH_START: 'consumer.fetch_start'
  FETCH: 'consumer.fetch'
  START_BATCH_PROCESS: 'consumer.start_batch_process'
  END_BATCH_PROCESS: 'consumer.end_batch_process'
  CONNECT: 'consumer.connect'
  DISCONNECT: 'consumer.disconnect'
  STOP: 'consumer.stop'
  CRASH: 'consumer.crash'
  REBALANCING: 'consumer.rebalancing'
  RECEIVED_UNSUBSCRIBED_TOPICS: 'consumer.received_unsubscribed_topics'
  REQUEST: 'consumer.network.request'
  REQUEST_TIMEOUT: 'consumer.network.request_timeout'
  REQUEST_QUEUE_SIZE: 'consumer.network.request_queue_size'
}

export type ConnectEvent = InstrumentationEvent<null>
export type DisconnectEvent = InstrumentationEvent<null>

/** An answer arrived; `size` is its length in bytes. */
export type RequestEvent = InstrumentationEvent<{
  apiKey: number
  apiName: string
  apiVersion: number
  broker: string
  clientId: string
  correlationId: number
  createdAt: number
  duration: number
  pendingDuration: number
  sentAt: number
  size: number
}>
export type RequestTimeoutEvent = InstrumentationEvent<{
  apiKey: number
  apiName: string
  apiVersion: number
  broker: string
  clientId: string
  correlationId: number
  createdAt: number
  pendingDuration: number
  sentAt: number
}>
export type RequestQueueSizeEvent = InstrumentationEvent<{
  broker: string
  clientId: string
  queueSize: number
}>

export type ConsumerHeartbeatEvent = InstrumentationEvent<{
  groupId: string
  memberId: string
  groupGenerationId: number
}>
export type ConsumerCommitOffsetsEvent = InstrumentationEvent<{
  groupId: string
  memberId: string
  groupGenerationId: number
  topics: TopicOffsets[]
}>
export interface IMemberAssignment {
  [key: string]: number[]
}
export type ConsumerGroupJoinEvent = InstrumentationEvent<{
  duration: number
  groupId: string
  isLeader: boolean
  leaderId: string
  groupProtocol: string
  memberId: string
  memberAssignment: IMemberAssignment
}>
export type ConsumerFetchStartEvent = InstrumentationEvent<{ nodeId: number }>
export type ConsumerFetchEvent = InstrumentationEvent<{
  numberOfBatches: number
  duration: number
  nodeId: number
}>
interface IBatchProcessEvent {
  topic: string
  partition: number
  highWatermark: string
  offsetLag: string
  offsetLagLow: string
  batchSize: number
  firstOffset: string
  lastOffset: string
}
export type ConsumerStartBatchProcessEvent = InstrumentationEvent<IBatchProcessEvent>
export type ConsumerEndBatchProcessEvent = InstrumentationEvent<
  IBatchProcessEvent & { duration: number }
>
/** The consumer has stopped because of `error`; `restart`: it starts again by itself. */
export type ConsumerCrashEvent = InstrumentationEvent<{
  error: Error
  groupId: string
  restart: boolean
}>
export type ConsumerRebalancingEvent = InstrumentationEvent<{
  groupId: string
  memberId: string
}>
export type ConsumerReceivedUnsubcribedTopicsEvent = InstrumentationEvent<{
  groupId: string
  generationId: number
  memberId: string
  assignedTopics: string[]
  topicsSubscribed: string[]
  topicsNotSubscribed: string[]
}>

// Assigners

/** Called once by `kafka.consumer()`. */
export type PartitionAssigner = (config: {
  cluster: Cluster
  groupId: string
  logger: Logger
}) => Assigner

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

export type Assigner = {
  /** What members call it: all of a group offer one by the same name. */
  name: string
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

export type Assignment = { [topic: string]: number[] }

export type GroupMember = {
  memberId: string
  memberMetadata: Buffer
  /** What the member has kept. Told to cooperative assigners, see `rebalanceProtocol`. */
  ownedPartitions?: Assignment
  /** The generation since when; -1 if there was none. Of two members that own the same, the higher one is right. */
  generationId?: number
}

export type GroupMemberAssignment = { memberId: string; memberAssignment: Buffer }

export type GroupState = { name: string; metadata: Buffer }

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

export interface ISerializer<T> {
  encode(value: T): Buffer
  decode(buffer: Buffer): T | null
}

export type MemberMetadata = {
  version: number
  topics: string[]
  userData: Buffer
}

export type MemberAssignment = {
  version: number
  assignment: Assignment
  userData: Buffer
}

/** The bytes that members of a group exchange. */
export const AssignerProtocol: {
  MemberMetadata: ISerializer<MemberMetadata>
  MemberAssignment: ISerializer<MemberAssignment>
}

type Without<T, U> = { [P in Exclude<keyof T, keyof U>]?: never }
type XOR<T, U> = T | U extends object ? (Without<T, U> & U) | (Without<U, T> & T) : T | U

/** What an assigner may ask the cluster. */
export type Cluster = {
  getNodeIds(): number[]
  metadata(): Promise<BrokerMetadata>
  removeBroker(options: { host: string; port: number }): void
  addMultipleTargetTopics(topics: string[]): Promise<void>
  isConnected(): boolean
  connect(): Promise<void>
  disconnect(): Promise<void>
  refreshMetadata(): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  addTargetTopic(topic: string): Promise<void>
  findBroker(node: { nodeId: string }): Promise<Broker>
  findControllerBroker(): Promise<Broker>
  /** Empty for an unknown topic. */
  findTopicPartitionMetadata(topic: string): PartitionMetadata[]
  findLeaderForPartitions(topic: string, partitions: number[]): { [leader: string]: number[] }
  findGroupCoordinator(group: { groupId: string }): Promise<Broker>
  /** Rejects with KafkaJSGroupCoordinatorNotFound, whose `cause` is why. */
  findGroupCoordinatorMetadata(group: { groupId: string }): Promise<CoordinatorMetadata>
  defaultOffset(config: { fromBeginning: boolean }): number
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
  isConnected(): boolean
  connect(): Promise<void>
  disconnect(): Promise<void>
  apiVersions(): Promise<ApiVersions>
  metadata(topics: string[]): Promise<BrokerMetadata>
  describeGroups: (options: { groupIds: string[] }) => Promise<any>
  offsetCommit(request: {
    groupId: string
    groupGenerationId: number
    memberId: string
    retentionTime?: number
    topics: TopicOffsets[]
  }): Promise<any>
  offsetFetch(request: { groupId: string; topics: TopicOffsets[] }): Promise<{
    responses: TopicOffsets[]
  }>
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
  alterPartitionReassignments(request: {
    topics: PartitionReassignment[]
    timeout?: number
  }): Promise<any>
  listPartitionReassignments(request: {
    topics?: TopicPartitions[]
    timeout?: number
  }): Promise<ListPartitionReassignmentsResponse>
}

export interface ApiVersions {
  [apiKey: number]: {
    minVersion: number
    maxVersion: number
  }
}

export interface CoordinatorMetadata {
  errorCode: number
  coordinator: {
    nodeId: number
    host: string
    port: number
  }
}

export interface BrokerMetadata {
  brokers: Array<{ nodeId: number; host: string; port: number; rack?: string }>
  topicMetadata: Array<{
    topicErrorCode: number
    topic: string
    partitionMetadata: PartitionMetadata[]
  }>
}

export type PartitionMetadata = {
  partitionErrorCode: number
  partitionId: number
  /** Node id; -1: none. */
  leader: number
  replicas: number[]
  isr: number[]
  offlineReplicas?: number[]
}

// Logging

export enum logLevel {
  NOTHING = 0,
  ERROR = 1,
  WARN = 2,
  INFO = 4,
  DEBUG = 5
}

export interface LogEntry {
  namespace: string
  level: logLevel
  label: string
  log: LoggerEntryContent
}

export interface LoggerEntryContent {
  readonly timestamp: string
  readonly message: string
  [key: string]: any
}

/** Called once per Kafka instance; what it returns receives every entry. */
export type logCreator = (logLevel: logLevel) => (entry: LogEntry) => void

export type Logger = {
  info: (message: string, extra?: object) => void
  error: (message: string, extra?: object) => void
  warn: (message: string, extra?: object) => void
  debug: (message: string, extra?: object) => void

  /** A logger of this name; with a level, its own one. */
  namespace: (namespace: string, logLevel?: logLevel) => Logger
  /** Of the whole Kafka instance. */
  setLogLevel: (logLevel: logLevel) => void
}

// Compression

export enum CompressionTypes {
  None = 0,
  GZIP = 1,
  Snappy = 2,
  LZ4 = 3,
  ZSTD = 4
}

/** The engine decompresses all four itself; what is assigned here is not called. */
export var CompressionCodecs: {
  [CompressionTypes.GZIP]: () => any
  [CompressionTypes.Snappy]: () => any
  [CompressionTypes.LZ4]: () => any
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
  /** Requests that may be out to one broker, five at the most. Default: five. */
  maxInFlightRequests?: number
  /** Of calls that give none: -1 all in-sync replicas, 1 the leader, 0 nobody. Default: -1. Not in kafkajs. */
  acks?: number
  /** Of calls that give none: how long the leader may wait for the replicas, ms. Default: 30000. Not in kafkajs. */
  timeout?: number
  /** Of calls that give none. Default: none. Not in kafkajs. */
  compression?: CompressionTypes | CompressionName
  /** Of calls that give none: gzip 0 to 9, zstd 1 to 22. Default: the codec's. Not in kafkajs. */
  compressionLevel?: number
  /** How long a batch waits for more messages, ms. Default: 0. Not in kafkajs. */
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

export interface PartitionerArgs {
  topic: string
  partitionMetadata: PartitionMetadata[]
  message: Message
}

export type ICustomPartitioner = () => (args: PartitionerArgs) => number

export type DefaultPartitioner = ICustomPartitioner

export type LegacyPartitioner = ICustomPartitioner

export const Partitioners: {
  DefaultPartitioner: DefaultPartitioner
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
  topic: string
  messages: Message[]
  /** -1 all in-sync replicas, 1 the leader, 0 nobody: resolves when it is handed to the socket. Default: -1. */
  acks?: number
  /** How long the leader may wait for the replicas, ms. Default: 30000. */
  timeout?: number
  /** By number or by name. Default: none. */
  compression?: CompressionTypes | CompressionName
  /** gzip 0 to 9, zstd 1 to 22. Default: the codec's. Not in kafkajs. */
  compressionLevel?: number
}

/** Where the messages of a call are in one partition. */
export type RecordMetadata = {
  topicName: string
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
  topic: string
  messages: Message[]
}

/** The argument of `sendBatch()`; what is not here is in `ProducerRecord`. */
export interface ProducerBatch {
  acks?: number
  timeout?: number
  compression?: CompressionTypes | CompressionName
  /** Not in kafkajs. */
  compressionLevel?: number
  /** Entries of one topic are written in their order. Default: none. */
  topicMessages?: TopicMessages[]
}

type Sender = {
  /**
   * Writes messages of one topic. Resolves when they are acknowledged, with a row for each partition. Rejects when one of them cannot
   * be written; which ones, and which are, is in the error's `failed` and `succeeded`.
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
  CONNECT: 'producer.connect'
  DISCONNECT: 'producer.disconnect'
  REQUEST: 'producer.network.request'
  REQUEST_TIMEOUT: 'producer.network.request_timeout'
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
  transaction(): Promise<Transaction>
  logger(): Logger
}

export type Transaction = Sender & {
  sendOffsets(offsets: Offsets & { consumerGroupId: string }): Promise<void>
  commit(): Promise<void>
  abort(): Promise<void>
  isActive(): boolean
}

// Admin clients: the types only, see Kafka#admin

export interface AdminConfig {
  retry?: RetryOptions
}

export interface ITopicConfig {
  topic: string
  numPartitions?: number
  replicationFactor?: number
  replicaAssignment?: ReplicaAssignment[]
  configEntries?: IResourceConfigEntry[]
}

export interface ITopicPartitionConfig {
  topic: string
  count: number
  assignments?: Array<Array<number>>
}

export interface ITopicMetadata {
  name: string
  partitions: PartitionMetadata[]
}

export interface ReplicaAssignment {
  partition: number
  replicas: Array<number>
}

export interface PartitionReassignment {
  topic: string
  partitionAssignment: Array<ReplicaAssignment>
}

export enum AclResourceTypes {
  UNKNOWN = 0,
  ANY = 1,
  TOPIC = 2,
  GROUP = 3,
  CLUSTER = 4,
  TRANSACTIONAL_ID = 5,
  DELEGATION_TOKEN = 6
}

export enum ConfigResourceTypes {
  UNKNOWN = 0,
  TOPIC = 2,
  BROKER = 4,
  BROKER_LOGGER = 8
}

/** What `incrementalAlterConfigs` does to a config. Not in kafkajs. */
export enum AlterConfigOperations {
  SET = 0,
  /** Back to the default; needs no value. */
  DELETE = 1,
  /** Adds to a list. */
  APPEND = 2,
  /** Takes out of a list. */
  SUBTRACT = 3
}

export enum ConfigSource {
  UNKNOWN = 0,
  TOPIC_CONFIG = 1,
  DYNAMIC_BROKER_CONFIG = 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG = 3,
  STATIC_BROKER_CONFIG = 4,
  DEFAULT_CONFIG = 5,
  DYNAMIC_BROKER_LOGGER_CONFIG = 6
}

export enum AclPermissionTypes {
  UNKNOWN = 0,
  ANY = 1,
  DENY = 2,
  ALLOW = 3
}

export enum AclOperationTypes {
  UNKNOWN = 0,
  ANY = 1,
  ALL = 2,
  READ = 3,
  WRITE = 4,
  CREATE = 5,
  DELETE = 6,
  ALTER = 7,
  DESCRIBE = 8,
  CLUSTER_ACTION = 9,
  DESCRIBE_CONFIGS = 10,
  ALTER_CONFIGS = 11,
  IDEMPOTENT_WRITE = 12
}

export enum ResourcePatternTypes {
  UNKNOWN = 0,
  ANY = 1,
  MATCH = 2,
  LITERAL = 3,
  PREFIXED = 4
}

export interface ResourceConfigQuery {
  type: ConfigResourceTypes
  name: string
  configNames?: string[]
}

export interface ConfigEntries {
  configName: string
  configValue: string
  isDefault: boolean
  configSource: ConfigSource
  isSensitive: boolean
  readOnly: boolean
  configSynonyms: ConfigSynonyms[]
}

export interface ConfigSynonyms {
  configName: string
  configValue: string
  configSource: ConfigSource
}

export interface DescribeConfigResponse {
  resources: {
    configEntries: ConfigEntries[]
    errorCode: number
    errorMessage: string
    resourceName: string
    resourceType: ConfigResourceTypes
  }[]
  throttleTime: number
}

export interface IResourceConfigEntry {
  name: string
  value: string
}

export interface IResourceConfig {
  type: ConfigResourceTypes
  name: string
  configEntries: IResourceConfigEntry[]
}

export type AdminEvents = {
  CONNECT: 'admin.connect'
  DISCONNECT: 'admin.disconnect'
  REQUEST: 'admin.network.request'
  REQUEST_TIMEOUT: 'admin.network.request_timeout'
  REQUEST_QUEUE_SIZE: 'admin.network.request_queue_size'
}

export type SeekEntry = PartitionOffset

export type FetchOffsetsPartition = PartitionOffset & { metadata: string | null }

export interface Acl {
  principal: string
  host: string
  operation: AclOperationTypes
  permissionType: AclPermissionTypes
}

export interface AclResource {
  resourceType: AclResourceTypes
  resourceName: string
  resourcePatternType: ResourcePatternTypes
}

export type AclEntry = Acl & AclResource

export type DescribeAclResource = AclResource & {
  acls: Acl[]
}

export interface DescribeAclResponse {
  throttleTime: number
  errorCode: number
  errorMessage?: string
  resources: DescribeAclResource[]
}

export interface AclFilter {
  resourceType: AclResourceTypes
  resourceName?: string
  resourcePatternType: ResourcePatternTypes
  principal?: string
  host?: string
  operation: AclOperationTypes
  permissionType: AclPermissionTypes
}

export interface MatchingAcl {
  errorCode: number
  errorMessage?: string
  resourceType: AclResourceTypes
  resourceName: string
  resourcePatternType: ResourcePatternTypes
  principal: string
  host: string
  operation: AclOperationTypes
  permissionType: AclPermissionTypes
}

export interface DeleteAclFilterResponses {
  errorCode: number
  errorMessage?: string
  matchingAcls: MatchingAcl[]
}

export interface DeleteAclResponse {
  throttleTime: number
  filterResponses: DeleteAclFilterResponses[]
}

export interface ListPartitionReassignmentsResponse {
  topics: OngoingTopicReassignment[]
}

export interface OngoingTopicReassignment {
  topic: string
  partitions: OngoingPartitionReassignment[]
}

export interface OngoingPartitionReassignment {
  partitionIndex: number
  replicas: number[]
  addingReplicas?: number[]
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

export interface ListedOffset {
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

export interface BrokerLogDirs {
  nodeId: number
  /** Why there is no answer of this broker. */
  error: KafkaJSError | null
  logDirs: {
    path: string
    error: KafkaJSError | null
    /** Of its disk, bytes; null before Kafka 3.3. */
    totalBytes: number | null
    usableBytes: number | null
    topics: {
      topic: string
      partitions: {
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
  fetchTopicMetadata(options?: { topics: string[] }): Promise<{ topics: Array<ITopicMetadata> }>
  fetchOffsets(options: {
    groupId: string
    topics?: string[]
    resolveOffsets?: boolean
  }): Promise<Array<{ topic: string; partitions: FetchOffsetsPartition[] }>>
  /** The first offset (`low`) and the next one (`high`, `offset`) of each partition. */
  fetchTopicOffsets(topic: string): Promise<Array<SeekEntry & { high: string; low: string }>>
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
  }): Promise<{ topic: string; partitions: ListedOffset[] }[]>
  /** The brokers. `controller` is any broker in a cluster without ZooKeeper. */
  describeCluster(): Promise<{
    brokers: Array<{ nodeId: number; host: string; port: number }>
    controller: number | null
    clusterId: string
  }>
  /** The same with more about the brokers, those included that the controller has shut out. Needs Kafka 2.8. Not in kafkajs. */
  describeCluster(options: { includeFencedBrokers: true }): Promise<{
    brokers: Array<{
      nodeId: number
      host: string
      port: number
      rack: string | null
      isFenced: boolean
    }>
    controller: number | null
    clusterId: string
  }>
  /** The features of the cluster (KIP-584): the level in force, 0 = off, and those that the brokers know. Not in kafkajs. */
  describeFeatures(): Promise<{
    /** Of the levels in force; null before Kafka 2.7. */
    epoch: string | null
    features: { name: string; level: number; minLevel: number; maxLevel: number }[]
  }>
  /** Disks and the sizes of partitions, by broker. One that does not answer has an `error`. Not in kafkajs. */
  describeLogDirs(options?: {
    /** Node ids. Default: all. */
    brokers?: number[]
    /** Default: all. */
    topics?: TopicPartitions[]
  }): Promise<{ brokers: BrokerLogDirs[] }>
  setOffsets(options: { groupId: string; topic: string; partitions: SeekEntry[] }): Promise<void>
  resetOffsets(options: { groupId: string; topic: string; earliest: boolean }): Promise<void>
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
        /** Default SET. */
        operation?: AlterConfigOperations
      }[]
    }[]
  }): Promise<{
    resources: {
      errorCode: number
      errorMessage: string | null
      resourceType: number
      resourceName: string
    }[]
  }>
  listGroups(): Promise<{ groups: GroupOverview[] }>
  deleteGroups(groupIds: string[]): Promise<DeleteGroupsResult[]>
  describeGroups(groupIds: string[]): Promise<GroupDescriptions>
  describeAcls(options: AclFilter): Promise<DescribeAclResponse>
  deleteAcls(options: { filters: AclFilter[] }): Promise<DeleteAclResponse>
  createAcls(options: { acl: AclEntry[] }): Promise<boolean>
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
  }): Promise<{ topic: string; partition: number; elected: boolean }[]>
  /** Which partitions are on their way to other brokers: of these, or of all. (The topics are under `name`, the numbers under `partition`.) */
  listPartitionReassignments(request: {
    topics?: TopicPartitions[]
    timeout?: number
  }): Promise<ListPartitionReassignmentsResponse>
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
  readonly events: AdminEvents
}

export type GroupOverview = {
  groupId: string
  protocolType: string
}

export type DeleteGroupsResult = {
  groupId: string
  errorCode?: number
  error?: KafkaJSProtocolError
}

// Errors

/** Every error of this package but KafkaJSAggregateError. */
export class KafkaJSError extends Error {
  readonly message: Error['message']
  readonly name: string
  /** May the same be tried again? A consumer that crashed on such an error restarts by itself. */
  readonly retriable: boolean
  readonly helpUrl?: string
  readonly cause?: Error

  constructor(e: Error | string, metadata?: KafkaJSErrorMetadata)
}

/** Trying again cannot help. */
export class KafkaJSNonRetriableError extends KafkaJSError {
  constructor(e: Error | string)
}

/** A broker answered with an error: `type` is its name, `code` its number. */
export class KafkaJSProtocolError extends KafkaJSError {
  readonly code: number
  readonly type: string
  constructor(e: Error | string)
}

/** Several errors at once; not a KafkaJSError. */
export class KafkaJSAggregateError extends Error {
  readonly errors: (Error | string)[]
  constructor(message: Error | string, errors: (Error | string)[])
}

/** A key or a value could not be read by its deserializer; `cause` is what that has thrown. Not in kafkajs. */
export class KafkaJSDeserializationError extends KafkaJSError {
  readonly topic: string
  readonly partition: number
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
  readonly topic: string
  readonly partition: number
  constructor(e: Error | string, metadata?: KafkaJSOffsetOutOfRangeMetadata)
}

export class KafkaJSAlterPartitionReassignmentsError extends KafkaJSProtocolError {
  readonly topic?: string
  readonly partition?: number
  constructor(e: Error | string, topic?: string, partition?: number)
}

/** The last retry failed too; `cause` says why. */
export class KafkaJSNumberOfRetriesExceeded extends KafkaJSNonRetriableError {
  readonly stack: string
  readonly retryCount: number
  readonly retryTime: number
  constructor(e: Error | string, metadata?: KafkaJSNumberOfRetriesExceededMetadata)
}

/** A connection could not be made, or broke. */
export class KafkaJSConnectionError extends KafkaJSError {
  readonly broker: string
  constructor(e: Error | string, metadata?: KafkaJSConnectionErrorMetadata)
}

/** No answer within `requestTimeout`. */
export class KafkaJSRequestTimeoutError extends KafkaJSError {
  readonly broker: string
  readonly correlationId: number
  readonly createdAt: number
  readonly sentAt: number
  readonly pendingDuration: number
  constructor(e: Error | string, metadata?: KafkaJSRequestTimeoutErrorMetadata)
}

/** Asked for metadata before there was any. */
export class KafkaJSMetadataNotLoaded extends KafkaJSError {
  constructor()
}

export class KafkaJSTopicMetadataNotLoaded extends KafkaJSMetadataNotLoaded {
  readonly topic: string
  constructor(e: Error | string, metadata?: KafkaJSTopicMetadataNotLoadedMetadata)
}

export class KafkaJSStaleTopicMetadataAssignment extends KafkaJSError {
  readonly topic: string
  readonly unknownPartitions: number
  constructor(e: Error | string, metadata?: KafkaJSStaleTopicMetadataAssignmentMetadata)
}

/** The broker is too old. */
export class KafkaJSServerDoesNotSupportApiKey extends KafkaJSNonRetriableError {
  readonly apiKey: number
  readonly apiName: string
  constructor(e: Error | string, metadata?: KafkaJSServerDoesNotSupportApiKeyMetadata)
}

export class KafkaJSBrokerNotFound extends KafkaJSError {
  constructor()
}

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

export class KafkaJSTimeout extends KafkaJSError {
  constructor()
}

export class KafkaJSLockTimeout extends KafkaJSError {
  constructor()
}

export class KafkaJSUnsupportedMagicByteInMessageSet extends KafkaJSError {
  constructor()
}

export class KafkaJSDeleteGroupsError extends KafkaJSError {
  readonly groups: DeleteGroupsResult[]
  constructor(e: Error | string, groups?: KafkaJSDeleteGroupsErrorGroups[])
}

export class KafkaJSDeleteTopicRecordsError extends KafkaJSError {
  constructor(metadata: KafkaJSDeleteTopicRecordsErrorTopic)
}

export interface KafkaJSDeleteGroupsErrorGroups {
  groupId: string
  errorCode: number
  error: KafkaJSError
}

export interface KafkaJSDeleteTopicRecordsErrorTopic {
  topic: string
  partitions: KafkaJSDeleteTopicRecordsErrorPartition[]
}

export interface KafkaJSDeleteTopicRecordsErrorPartition {
  partition: number
  offset: string
  error: KafkaJSError
}

export interface KafkaJSErrorMetadata {
  retriable?: boolean
  topic?: string
  partitionId?: number
  metadata?: PartitionMetadata
}

export interface KafkaJSOffsetOutOfRangeMetadata {
  topic: string
  partition: number
}

export interface KafkaJSNumberOfRetriesExceededMetadata {
  retryCount: number
  retryTime: number
}

export interface KafkaJSConnectionErrorMetadata {
  broker?: string
  code?: string
}

export interface KafkaJSRequestTimeoutErrorMetadata {
  broker: string
  clientId: string
  correlationId: number
  createdAt: number
  sentAt: number
  pendingDuration: number
}

export interface KafkaJSTopicMetadataNotLoadedMetadata {
  topic: string
}

export interface KafkaJSStaleTopicMetadataAssignmentMetadata {
  topic: string
  unknownPartitions: PartitionMetadata[]
}

export interface KafkaJSServerDoesNotSupportApiKeyMetadata {
  apiKey: number
  apiName: string
}

// Errors that kafkajs exports without a type

export class KafkaJSConnectionClosedError extends KafkaJSConnectionError {
  readonly host?: string
  readonly port?: number
  constructor(e: Error | string, metadata?: { host?: string; port?: number })
}

export class KafkaJSMemberIdRequired extends KafkaJSProtocolError {
  readonly memberId: string
  constructor(e: Error | string, metadata: { memberId: string })
}

export class KafkaJSCreateTopicError extends KafkaJSProtocolError {
  readonly topic: string
  constructor(e: Error | string, topicName: string)
}

/** A bug of this package. */
export class KafkaJSInvariantViolation extends KafkaJSNonRetriableError {}

export class KafkaJSInvalidVarIntError extends KafkaJSNonRetriableError {}

export class KafkaJSInvalidLongError extends KafkaJSNonRetriableError {}

export class KafkaJSNoBrokerAvailableError extends KafkaJSError {
  constructor()
}

/** Not a KafkaJSError. */
export class KafkaJSFetcherRebalanceError extends Error {}
