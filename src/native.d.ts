/**
 * What the native addon offers to the JavaScript facade. Not public: `index.d.ts` is the contract with users.
 * Rust: `src/bridge/`. Every key is always present; `null` = none. 64-bit numbers cross as decimal strings.
 */

/** An error as data; `fromFailure` in `errors.js` makes the kafkajs class of it. */
export interface NativeFailure {
  failure:
    | 'protocol' // code: broker error code; topic/partition where known
    | 'connection' // broker, code (ECONNREFUSED …)
    | 'closed' // broker, host, port
    | 'timeout' // broker, apiName, apiKey, apiVersion, correlationId
    | 'authentication'
    | 'unsupported-api' // apiKey, apiName
    | 'no-broker'
    | 'unknown-broker'
    | 'coordinator-not-found' // groupId or transactionalId, cause
    | 'offset-out-of-range' // topic, partition
    | 'corrupt' // topic, partition, offset: CRC, codec or format error
    | 'not-implemented'
    | 'invalid' // a bad option that only the engine can find out (TLS material …): non-retriable
    | 'callback' // an assigner or another callback threw; the facade has the original
    | 'expired' // a message was not sent in time
    | 'aborted'
  | 'closed-client'
    | 'bug' // a panic in the engine
  message: string
  retriable: boolean
  code: number | string | null
  broker: string | null
  topic: string | null
  partition: number | null
  offset: string | null
  groupId: string | null
  transactionalId: string | null
  apiName: string | null
  apiKey: number | null
  apiVersion: number | null
  correlationId: number | null
  createdAt: number | null // ms since the epoch; of a timeout, as the next two
  sentAt: number | null
  pendingDuration: number | null // ms
  cause: NativeFailure | null
}

/** Of a seed broker; `hasAnswered`: ApiVersions, and what an authentication asks. */
export interface NativeSeedFailure extends NativeFailure {
  hasAnswered: boolean
}

export interface NativeTls {
  host: string | null // where to connect, instead of to each broker's host
  port: number | null // the same
  ca: string[] // PEM
  defaultCa: boolean // trust what OpenSSL finds itself, too: SSL_CERT_FILE, SSL_CERT_DIR
  certs: string[] // PEM chains, each for another kind of key
  keys: string[] // theirs: PKCS#8 PEM, not encrypted
  pfx: { bytes: Uint8Array; passphrase: string }[]
  servername: string | null // null = the broker's host
  rejectUnauthorized: boolean
  checkServerIdentity: boolean // ask about every name, not only where it is not in the certificate
  allowPartialTrustChain: boolean
  minVersion: string // TLSv1, TLSv1.1, TLSv1.2, TLSv1.3
  maxVersion: string
  securityLevel: number | null // OpenSSL's; null: its configuration names one
  ciphers: string // up to TLS 1.2, in OpenSSL's language
  cipherSuites: string | null // TLS 1.3; null = OpenSSL's own, as in the next two
  groups: string | null // of the key exchange
  signatureAlgorithms: string | null
  minDhSize: number // bits
  options: number // SSL_OP_ bits
  alpn: string[]
  configuration: string | null // the file that configures OpenSSL; null = the usual one
  section: string // of that file
}

export interface NativeSasl {
  /** Upper case. PLAIN and SCRAM-SHA-256/512 run in the engine; for any other an `authenticate` event asks JavaScript. */
  mechanism: string
  username: string | null
  password: string | null
  authorizationIdentity: string | null
}

export interface NativeClientOptions {
  clientId: string
  connectionTimeout: number // ms
  authenticationTimeout: number // ms
  reauthenticationThreshold: number // ms
  requestTimeout: number // ms; 0 = never
  maxInFlightRequests: number | null
  lookup: boolean // ask for the addresses of names
  tls: NativeTls | null
  sasl: NativeSasl | null
}

export type NativeClientEvent =
  | { type: 'log'; level: number; namespace: string; message: string; extra: [string, string | number][] }
  | {
      type: 'request'
      broker: string
      clientId: string
      correlationId: number
      size: number
      createdAt: number // ms since the epoch
      sentAt: number
      pendingDuration: number
      duration: number
      apiName: string
      apiKey: number
      apiVersion: number
    }
  | {
      type: 'request_timeout'
      broker: string
      clientId: string
      correlationId: number
      createdAt: number
      sentAt: number
      pendingDuration: number
      apiName: string
      apiKey: number
      apiVersion: number
    }
  | { type: 'request_queue_size'; broker: string; clientId: string; queueSize: number }
  /** None of the known brokers has answered lately: `connect` to a seed may help (KIP-899). May come often. */
  | { type: 'unreachable' }
  /** JavaScript authenticates this connection: rounds through `saslAuthenticate`, then `authenticated`. */
  | { type: 'authenticate'; session: number; host: string; port: number; mechanism: string }
  /** A connection over TLS could not be opened: if `ssl` has changed, `setTls`. May come often. */
  | { type: 'not_opened' }
  /** A broker has refused the credentials of `sasl`: answer with `credentials`. */
  | { type: 'credentials_refused'; refusal: number }
  /** May the holder of this certificate go by this name? Answer with `serverIdentity`. `chain`: DER, its own first. */
  | { type: 'check_server_identity'; check: number; servername: string; chain: Buffer[] }
  /** Which addresses has this name? Answer with `addresses`. */
  | { type: 'look_up'; lookup: number; host: string }

export interface NativeMetadata {
  clusterId: string | null
  controllerId: number
  brokers: { nodeId: number; host: string; port: number; rack: string | null }[]
  topics: {
    errorCode: number
    name: string
    isInternal: boolean
    partitions: {
      errorCode: number
      partitionId: number
      leader: number
      leaderEpoch: number
      replicas: number[]
      isr: number[]
      offlineReplicas: number[]
    }[]
  }[]
}

/** What a broker says of one topic, group, …: 0 = it was done. */
export interface NativeResult {
  name: string
  errorCode: number
  errorMessage: string | null
}

/** What one broker has said of its parts, which are positions in the list that the call was given. */
export interface NativeTold<T> {
  broker: number | null // null = any, or one that was not found
  parts: number[]
  failure: NativeFailure | null
  answer: T | null
}

export interface NativeResource {
  errorCode: number
  errorMessage: string | null
  resourceType: number
  resourceName: string
  configs: {
    name: string
    value: string | null
    readOnly: boolean
    source: number
    isSensitive: boolean
    synonyms: { name: string; value: string | null; source: number }[]
    configType: number
    documentation: string | null
  }[]
}

export interface NativePartitionOffset {
  topic: string
  partition: number
  offset: string
}

export interface NativePartitionResult {
  topic: string
  partition: number
  errorCode: number
  errorMessage: string | null
  offset: string | null
  timestamp: string | null
  leaderEpoch: number | null
}

export interface NativePartitionResults {
  errorCode: number
  errorMessage: string | null
  partitions: NativePartitionResult[]
}

export interface NativeLogDirs {
  errorCode: number
  logDirs: {
    errorCode: number
    path: string
    totalBytes: number // -1 = not told
    usableBytes: number // -1 = not told
    isCordoned: boolean | null // null = not told
    topics: {
      topic: string
      partitions: { partition: number; size: number; offsetLag: string; isFuture: boolean }[]
    }[]
  }[]
}

/** What the clients of one `Kafka` have in common: what one finds out about the cluster, the others hear. */
export class NativeSiblings {}

/** Connections to a cluster. One per `Kafka#consumer()`. */
export class NativeClient {
  constructor(
    options: NativeClientOptions,
    notify: (event: NativeClientEvent) => void,
    siblings: NativeSiblings
  )
  /** Connects to a seed broker (ApiVersions and SASL included) and reads the broker list from it. */
  connect(host: string, port: number): Promise<NativeSeedFailure | null>
  isConnected(): boolean
  metadata(topics: string[] | null, allowAutoTopicCreation: boolean): Promise<NativeFailure | NativeMetadata>
  findCoordinator(groupId: string): Promise<NativeFailure | NativeMetadata['brokers'][number]>
  /** timestamp: ms, '-1' latest, '-2' earliest. */
  listOffsets(
    topics: { topic: string; partitions: number[] }[],
    timestamp: string,
    readCommitted: boolean
  ): Promise<NativeFailure | { topic: string; partition: number; offset: string }[]>
  offsetFetch(
    groupId: string,
    topics: { topic: string; partitions: number[] }[]
  ): Promise<
    | NativeFailure
    | {
        topic: string
        partition: number
        offset: string
        metadata: string | null
        leaderEpoch: number | null
      }[]
  >
  // The admin client's

  /** The names of all topics. */
  listTopics(): Promise<NativeFailure | string[]>
  /** numPartitions, replicationFactor: -1 = the broker's default. */
  createTopics(
    topics: {
      name: string
      numPartitions: number
      replicationFactor: number
      assignments: { partition: number; replicas: number[] }[]
      configs: { name: string; value: string | null }[]
    }[],
    timeoutMs: number,
    validateOnly: boolean
  ): Promise<NativeFailure | NativeResult[]>
  deleteTopics(topics: string[], timeoutMs: number): Promise<NativeFailure | NativeResult[]>
  createPartitions(
    topics: { name: string; count: number; assignments: number[][] | null }[],
    timeoutMs: number,
    validateOnly: boolean
  ): Promise<NativeFailure | NativeResult[]>

  describeConfigs(
    resources: { type: number; name: string; keys: string[] | null }[],
    includeSynonyms: boolean,
    includeDocumentation: boolean
  ): Promise<NativeFailure | NativeTold<NativeResource[]>[]>
  /** Replaces all configs. */
  alterConfigs(
    resources: { type: number; name: string; configs: { name: string; value: string | null }[] }[],
    validateOnly: boolean
  ): Promise<NativeFailure | NativeTold<NativeResource[]>[]>
  /** operation: 0 set, 1 delete, 2 append, 3 subtract. */
  incrementalAlterConfigs(
    resources: {
      type: number
      name: string
      configs: { name: string; operation: number; value: string | null }[]
    }[],
    validateOnly: boolean
  ): Promise<NativeFailure | NativeTold<NativeResource[]>[]>
  /** offset: a timestamp in ms, or a special one; of the answer: the offset. */
  listPartitionOffsets(
    partitions: NativePartitionOffset[],
    readCommitted: boolean
  ): Promise<NativeFailure | NativeTold<NativePartitionResult[]>[]>
  /** offset: the first to keep, '-1' = none; of the answer: where the partition begins now. */
  deleteRecords(
    partitions: NativePartitionOffset[],
    timeoutMs: number
  ): Promise<NativeFailure | NativeTold<NativePartitionResult[]>[]>
  /** topics: null = all. */
  describeLogDirs(
    brokers: number[],
    topics: NativeTopicPartitions[] | null
  ): Promise<NativeFailure | NativeTold<NativeLogDirs>[]>
  /** topics: null = all. */
  electLeaders(
    unclean: boolean,
    topics: NativeTopicPartitions[] | null,
    timeoutMs: number
  ): Promise<NativeFailure | NativePartitionResults>
  /** replicas: null = end a reassignment that is under way. */
  alterPartitionReassignments(
    topics: { topic: string; partitions: { partition: number; replicas: number[] | null }[] }[],
    timeoutMs: number
  ): Promise<NativeFailure | NativePartitionResults>
  /** topics: null = all. */
  listPartitionReassignments(
    topics: NativeTopicPartitions[] | null,
    timeoutMs: number
  ): Promise<
    | NativeFailure
    | {
        errorCode: number
        errorMessage: string | null
        partitions: {
          topic: string
          partition: number
          replicas: number[]
          addingReplicas: number[]
          removingReplicas: number[]
        }[]
      }
  >
  describeCluster(includeFencedBrokers: boolean): Promise<
    | NativeFailure
    | {
        errorCode: number
        errorMessage: string | null
        clusterId: string
        controllerId: number
        brokers: { nodeId: number; host: string; port: number; rack: string | null; isFenced: boolean }[]
      }
  >
  /** `finalized`: `max` is the level in force. */
  describeFeatures(): Promise<
    | NativeFailure
    | {
        errorCode: number
        supported: { name: string; min: number; max: number }[]
        finalized: { name: string; min: number; max: number }[]
        finalizedEpoch: string
        apis: { key: number; min: number; max: number }[]
      }
  >

  /** Of every broker; `states`, `types`: empty = any. */
  listGroups(states: string[], types: string[]): Promise<
    | NativeFailure
    | NativeTold<{
        errorCode: number
        groups: { groupId: string; protocolType: string; state: string; type: string }[] // state, type: '' where brokers do not tell
      }>[]
  >
  /** Of another kind: state 'Dead'. */
  describeClassicGroups(groups: string[]): Promise<NativeFailure | NativeTold<NativeGroup[]>[]>
  /** Of another kind: error 69. */
  describeConsumerGroups(groups: string[]): Promise<NativeFailure | NativeTold<NativeGroup[]>[]>
  /** Of another kind: error 69. */
  describeShareGroups(groups: string[]): Promise<NativeFailure | NativeTold<NativeGroup[]>[]>
  describeStreamsGroups(groups: string[]): Promise<NativeFailure | NativeTold<NativeGroup[]>[]>
  deleteGroups(groups: string[]): Promise<NativeFailure | NativeTold<NativeResult[]>[]>
  /** At least one member; memberId '': it is meant by its groupInstanceId. `members` is empty before 2.4. */
  removeMembers(
    groupId: string,
    members: { memberId: string; groupInstanceId: string | null }[],
    reason: string
  ): Promise<
    | NativeFailure
    | {
        errorCode: number
        members: { memberId: string; groupInstanceId: string | null; errorCode: number }[]
      }
  >
  /** topics: null = all. An answer has its groups in their order; several of one coordinator are not supported before 3.0. */
  fetchGroupOffsets(
    groups: { groupId: string; topics: NativeTopicPartitions[] | null }[],
    requireStable: boolean
  ): Promise<
    | NativeFailure
    | NativeTold<
        {
          errorCode: number
          partitions: {
            topic: string
            partition: number
            offset: string
            leaderEpoch: number
            metadata: string | null
            errorCode: number
          }[]
        }[]
      >[]
  >
  /** For a group without members. */
  commitGroupOffsets(
    groupId: string,
    offsets: NativeOffset[]
  ): Promise<NativeFailure | NativePartitionResult[]>
  deleteGroupOffsets(
    groupId: string,
    topics: NativeTopicPartitions[]
  ): Promise<NativeFailure | NativePartitionResults>
  createAcls(
    acls: NativeAcl[]
  ): Promise<NativeFailure | { errorCode: number; errorMessage: string | null }[]>
  describeAcls(filter: NativeAclFilter): Promise<
    | NativeFailure
    | {
        errorCode: number
        errorMessage: string | null
        resources: {
          resourceType: number
          resourceName: string
          patternType: number
          acls: { principal: string; host: string; operation: number; permissionType: number }[]
        }[]
      }
  >
  deleteAcls(filters: NativeAclFilter[]): Promise<
    | NativeFailure
    | {
        errorCode: number
        errorMessage: string | null
        acls: { errorCode: number; errorMessage: string | null; acl: NativeAcl }[]
      }[]
  >
  /** users: null = all. */
  describeScramCredentials(users: string[] | null): Promise<
    | NativeFailure
    | {
        errorCode: number
        errorMessage: string | null
        users: (NativeResult & { credentials: { mechanism: number; iterations: number }[] })[]
      }
  >
  alterScramCredentials(
    deletions: { name: string; mechanism: number }[],
    upsertions: {
      name: string
      mechanism: number
      iterations: number
      salt: Uint8Array
      saltedPassword: Uint8Array
    }[]
  ): Promise<NativeFailure | NativeResult[]>
  /** name: null = the default of the type. */
  describeQuotas(
    components: { type: string; name: string | null; any: boolean }[],
    strict: boolean
  ): Promise<
    | NativeFailure
    | {
        errorCode: number
        errorMessage: string | null
        entries: { entity: NativeQuotaPart[]; values: { key: string; value: number }[] }[]
      }
  >
  /** value: null = removed. */
  alterQuotas(
    entries: { entity: NativeQuotaPart[]; ops: { key: string; value: number | null }[] }[],
    validateOnly: boolean
  ): Promise<
    NativeFailure | { errorCode: number; errorMessage: string | null; entity: NativeQuotaPart[] }[]
  >
  describeProducers(partitions: { topic: string; partition: number }[]): Promise<
    | NativeFailure
    | NativeTold<
        {
          topic: string
          partition: number
          errorCode: number
          errorMessage: string | null
          producers: {
            producerId: string
            producerEpoch: number
            lastSequence: number
            lastTimestamp: string // ms
            coordinatorEpoch: number
            currentTransactionStartOffset: string // '-1' = none is open
          }[]
        }[]
      >[]
  >
  describeTransactions(transactionalIds: string[]): Promise<
    | NativeFailure
    | NativeTold<
        {
          errorCode: number
          transactionalId: string
          state: string
          timeout: number // ms
          startTime: string // ms, '-1' = none is open
          producerId: string
          producerEpoch: number
          topics: NativeTopicPartitions[]
        }[]
      >[]
  >
  /** Of every broker. duration: ms, -1 = any. */
  listTransactions(filter: {
    states: string[]
    producerIds: string[]
    duration: number
    transactionalIdPattern: string | null
  }): Promise<
    | NativeFailure
    | NativeTold<{
        errorCode: number
        unknownStates: string[]
        transactions: { transactionalId: string; producerId: string; state: string }[]
      }>[]
  >
  abortTransaction(transaction: {
    topic: string
    partition: number
    producerId: string
    producerEpoch: number
    coordinatorEpoch: number
  }): Promise<NativeFailure | NativePartitionResult[]>

  /** Request events are only made while somebody listens. */
  setRequestEvents(on: boolean): void
  saslAuthenticate(session: number, bytes: Buffer): Promise<NativeFailure | Buffer>
  /** `retriable`: another attempt may go better, unless the broker has refused one. */
  authenticated(session: number, error: string | null, retriable: boolean): void
  /** For the connections that are opened from now on. Throws where it cannot be used. */
  setTls(tls: NativeTls): void
  /** Answers a `credentials_refused` event with what there is by now, changed or not; null: nothing that can be used. */
  credentials(refusal: number, sasl: NativeSasl | null): void
  /** Answers a `check_server_identity` event; `error` null: it may. */
  serverIdentity(check: number, error: string | null, code: string | null): void
  /** Answers a `look_up` event: best first; `error` null: these. */
  addresses(lookup: number, addresses: string[], error: string | null, code: string | null): void
  /** Closes every connection. Idempotent. Afterwards nothing keeps the process alive. */
  close(): Promise<void>
}

/** A group of any kind. What its kind does not have is null. */
export interface NativeGroup {
  errorCode: number
  errorMessage: string | null
  groupId: string
  state: string
  protocolType: string
  protocol: string
  groupEpoch: number | null
  assignmentEpoch: number | null
  topology: NativeTopology | null
  members: {
    memberId: string
    groupInstanceId: string | null
    rackId: string | null
    clientId: string
    clientHost: string
    memberMetadata: Buffer
    memberAssignment: Buffer
    memberEpoch: number | null
    topics: string[] | null
    topicRegex: string | null
    assignment: NativeTopicPartitions[] | null
    targetAssignment: NativeTopicPartitions[] | null
    isClassic: boolean | null
    processId: string | null
    topologyEpoch: number | null
    tasks: NativeTasks | null
    targetTasks: NativeTasks | null
  }[]
}

/** Of a program of Kafka Streams. */
export interface NativeTopology {
  epoch: number
  subtopologies: {
    subtopologyId: string
    sourceTopics: string[]
    repartitionSinkTopics: string[]
    repartitionSourceTopics: string[]
    stateChangelogTopics: string[]
  }[]
}

export interface NativeTasks {
  active: NativeTaskIds[]
  standby: NativeTaskIds[]
  warmup: NativeTaskIds[]
}

export interface NativeTaskIds {
  subtopologyId: string
  partitions: number[]
}

export interface NativeAcl {
  resourceType: number
  resourceName: string
  patternType: number
  principal: string
  host: string
  operation: number
  permissionType: number
}

/** null = any. */
export interface NativeAclFilter {
  resourceType: number
  resourceName: string | null
  patternType: number
  principal: string | null
  host: string | null
  operation: number
  permissionType: number
}

/** name: null = the default of the type. */
export interface NativeQuotaPart {
  type: string
  name: string | null
}

export interface NativeTopicPartitions {
  topic: string
  partitions: number[]
}

export interface NativeConsumerOptions {
  groupId: string
  groupInstanceId: string | null
  sessionTimeout: number
  rebalanceTimeout: number
  heartbeatInterval: number
  maxPollInterval: number
  metadataMaxAge: number
  allowAutoTopicCreation: boolean
  maxBytesPerPartition: number
  minBytes: number
  maxBytes: number
  maxWaitTimeInMs: number
  maxQueuedBytes: number
  maxDecompressedBytes: number
  readUncommitted: boolean
  rackId: string
  checkCrcs: boolean
  setsAside: boolean // a batch that cannot be read is an 'unreadable' and not a 'crash', if one can go on behind it
  autoOffsetReset: 'none' | 'earliest' | 'latest' | null // null = by the topic's fromBeginning
  autoOffsetResetDuration: number | null // ms; instead of those
  autoCommit: boolean
  autoCommitInterval: number | null
  autoCommitThreshold: number | null
  keepsFinished: boolean // in commits' metadata, what is finished beyond their offsets
  lanes: number // handlers at once
  hooks: { assigned: boolean; revoked: boolean; lost: boolean } // which ones there are: only these are asked for
  /**
   * Preferred first: the engine's own by their names. `eager` and `cooperative` are the next of `completeProtocols`, by how it
   * rebalances; into what a cooperative one writes, the engine adds the partitions that the member owns.
   */
  assignors: string[]
  groupProtocol: 'classic' | 'consumer' | 'auto' | 'manual' // manual: `assign` instead of `start`; groupId may be ''
  groupRemoteAssignor: string | null // null = the coordinator's choice
}

export type NativeConsumerEvent =
  | { type: 'log'; level: number; namespace: string; message: string; extra: [string, string | number][] }
  /** Answer with `completeProtocols`: the protocols to offer in JoinGroup. */
  | { type: 'protocols'; job: number; topics: string[] }
  /** Answer with `completeAssign`: we lead, assign. */
  | {
      type: 'assign'
      job: number
      protocol: string
      members: { memberId: string; groupInstanceId: string | null; memberMetadata: Buffer }[]
      metadata: NativeMetadata // of all their topics, as far as these exist
    }
  /** Assigned, but unknown; comes before `joined`. */
  | {
      type: 'partitions_unknown'
      memberId: string
      generationId: number
      topic: string
      knownPartitions: number[]
      assignedPartitions: number[]
    }
  /** Answer with `completeJoin`. */
  | {
      type: 'joined'
      duration: number
      isLeader: boolean
      leaderId: string
      memberId: string
      generationId: number
      groupProtocol: string
      assignment: NativeTopicPartitions[]
      assignedTopics: string[] // in the leader's order; what is not subscribed is not in `assignment`
    }
  /** Answer with `completeHook` when the user's hook has ended; no other one is asked for before that. */
  | {
      type: 'hook'
      job: number
      hook: 'onPartitionsAssigned' | 'onPartitionsRevoked' | 'onPartitionsLost'
      partitions: NativeTopicPartitions[] // sorted, never none
    }
  | { type: 'rebalancing'; memberId: string; code: number }
  | { type: 'heartbeat'; memberId: string; generationId: number }
  | {
      type: 'committed' // told after `enableCommitEvents`
      memberId: string
      generationId: number
      ticket: number | null // whose commit it was: the number of the question; null = the engine's own
      automatic: boolean // everything that was uncommitted
      offsets: NativeOffset[]
    }
  | { type: 'topic_updated'; topic: string; unknownPartitions: number[] }
  | { type: 'follower_named'; topic: string; partition: number; nodeId: number }
  | { type: 'dropped'; kept: number }
  | { type: 'fetch_start'; nodeId: number }
  | { type: 'fetch'; nodeId: number; duration: number; numberOfBatches: number }
  /** Its partition waits for a `seek` to `next`. */
  | { type: 'unreadable'; error: NativeFailure; bytes: Buffer; next: string }
  | { type: 'crash'; error: NativeFailure }
  /** A question that went wrong. */
  | { type: 'answered'; ticket: number; failure: NativeFailure }

/** Of an assigned partition, by what is known without asking; null = not known. */
export interface NativeProgress {
  topic: string
  partition: number
  position: string | null
  leaderEpoch: number | null // of the record before it
  committed: string | null
  highWatermark: string | null
  lastStableOffset: string | null
}

export interface NativeWait {
  reason: string // see `WaitReason`
  lasted: number | null // ms
  topic: string | null // whose handler, and the next
  partition: number | null
  broker: number | null
  error: string | null
}

/** What is committed. Grouped by topic on the wire, and nowhere before it. */
export interface NativeOffset {
  topic: string
  partition: number
  offset: string
  metadata: string | null
  leaderEpoch: number | null // of the record before it; null = what the engine knows
}

/** One membership: from join to leave. Made by the runner; never restarted. */
export class NativeConsumer {
  /**
   * `cells`: Int32Array shared with the engine, see `src/consumer/cells.js`.
   * `notify` hears everything in the order in which it happened: events; the number of a question that went well; and -1, when
   * at least one idle lane has work (edge-triggered, armed by a `take` that found nothing).
   */
  constructor(
    client: NativeClient,
    options: NativeConsumerOptions,
    cells: Int32Array,
    notify: (event: NativeConsumerEvent | number) => void
  )
  /** `pattern`: an expression of RE2 for whole names, which the coordinator evaluates (KIP-848). */
  start(
    topics: { topic: string; fromBeginning: boolean }[],
    pattern: { regex: string; fromBeginning: boolean } | null
  ): void
  /** Instead of `start`, and again whenever others are to be read. `offset`: -1 latest, -2 earliest, null what is committed. */
  assign(partitions: { topic: string; partition: number; offset: string | null }[]): void
  /** Of each assigned partition, by what is known without asking; null = not known. */
  progresses(): NativeProgress[]
  /** How it is, now. Nobody is asked. */
  health(): {
    state: string // see `doing` of `clients/consumer/health.rs`
    memberId: string | null
    generationId: number | null
    lastHeartbeat: number | null // ms since then
    lastProgress: number | null // the same
    wait: NativeWait | null // of all
    partitions: { progress: NativeProgress; isPaused: boolean; wait: NativeWait | null }[]
  }
  /** Answers a `protocols` event. */
  completeProtocols(
    job: number,
    error: string | null,
    protocols: { name: string; metadata: Buffer }[]
  ): void
  /** Answers an `assign` event. */
  completeAssign(
    job: number,
    error: string | null,
    assignments: { memberId: string; assignment: Buffer }[],
    seen: NativeTopicPartitions[] // by what was assigned: others than these are a reason to do it again
  ): void
  /** Answers a `joined` event. Positions are not looked up before that, and not before what was committed until then. */
  completeJoin(): void
  /** Answers a `hook` event. `error`: what the hook has thrown, which ends the consumer; null: it has ended well. */
  completeHook(job: number, error: string | null): void

  /** Gives the engine an empty slab to fill; each is handed back by exactly one `take`. Returns its id. */
  give(slab: Uint8Array): number
  /**
   * The next delivery for an idle lane: a slab id (≥ 0); -1: none now, a -1 will come;
   * from 2³² on: what is kept under this number less 2³² goes on;
   * below -1: a staged delivery of -(n + 1) bytes waits: call `takeStaged` with a fresh Uint8Array of exactly that size.
   */
  take(lane: number): number
  /** As `take`, for a lane at work whose handlers run beside each other: more of its partition. */
  takeMore(lane: number): number
  takeStaged(lane: number, into: Uint8Array): void
  /** The topic and partition (one) behind a slot number in a delivery's header. */
  slot(slot: number): NativeTopicPartitions | null
  /**
   * The lane is idle again. What it has not resolved is delivered again, after `backoff` ms. Negative: the lane was asked to
   * stop, and no handler has seen the rest. Returns the number to keep it under, until a `take` or a `dropped` event; null:
   * it will be fetched again.
   */
  finish(lane: number, backoff: number): number | null
  /** `resolveOffset` beyond the reach of the lane's Int32 cell. */
  resolve(lane: number, next: string): void
  /**
   * How far the handlers of a lane have come that run beside each other: the next offset to read (-1: no news), and all that is finished
   * behind it in what the lane has taken, as `from, to, from, to …`.
   */
  finished(lane: number, stand: BigInt64Array): void
  /** What is finished in this lane's partition beyond its position, in the same form; null: nothing. */
  finishedBeyond(lane: number): BigInt64Array | null
  /** Resolves what a lane has finished without resolving it: forwards, and unless the slot has moved since. */
  resolveReturned(slot: number, next: string): void

  /** `fetch_start` and `fetch` events are only told from now on. */
  enableFetchEvents(): void
  /** The same of `committed`. */
  enableCommitEvents(): void

  /** Reads the cells now, and writes them: what they should say may be known to nobody else when the process has stood still. */
  progress(): void

  seek(topic: string, partition: number, offset: string): void
  pause(topic: string, partitions: number[] | null): void
  resume(topic: string, partitions: number[] | null): void
  paused(): NativeTopicPartitions[]
  /** Writes slot and offset of what is resolved and not committed, sorted by partition. Returns how many numbers; more than fit? Again. */
  uncommitted(into: BigInt64Array): number
  /** A transaction has committed this offset: neither it nor what was resolved before it is uncommitted any more. */
  markCommitted(offset: NativeOffset): void
  /** The leader epoch of the record before this offset; null: it is not known. */
  epochBefore(topic: string, partition: number, offset: string): number | null
  /**
   * As whom the consumer commits, and what is assigned to it, but for partitions in which a handler is still at work for an assignment that
   * is over; null while it is no member.
   */
  membership(): {
    generationId: number
    memberId: string
    groupInstanceId: string | null
    assignment: NativeTopicPartitions[]
  } | null
  // Questions: the number under which `notify` hears the answer, or why there will be none.
  /** Commits these offsets, or (null) everything resolved and not committed: by `sendCommits()` at the latest. */
  commit(offsets: NativeOffset[] | null): number | NativeFailure
  /** Sends what `commit()` was given since the last time, in one request. */
  sendCommits(): void
  /** Must `commitIfNecessary` be called? Else the cells say what has to happen before that. */
  isCommitNecessary(): boolean
  /** Commits if autoCommitInterval or autoCommitThreshold say so. */
  commitIfNecessary(): number | NativeFailure
  /** Sends a heartbeat unless one was answered within heartbeatInterval; answered when none is outstanding. */
  heartbeat(): number | NativeFailure
  /**
   * Asks handlers to stop, waits for the lanes, commits (autoCommit), and leaves the group: null = a dynamic member does, a static one
   * keeps its place (KIP-345, KIP-1092). Idempotent, the first call decides.
   */
  stop(leaveGroup: boolean | null): Promise<void>
}

export interface NativeProducerOptions {
  idempotence: 'off' | 'if-allowed' | 'required'
  partitioner: 'default' | 'legacy' // of messages without a partition
  retries: number
  retryTime: number // ms, for which a batch is tried at least
  pace: NativePace | null // of its attempts; null: the engine's own
  deliveryTimeout: number // ms, from the send to the acknowledgement
  linger: number
  batchSize: number // bytes
  bufferMemory: number
  maxRequestSize: number
  maxInFlightRequests: number | null // Produce requests to one broker
  metadataMaxAge: number
  allowAutoTopicCreation: boolean
  transactionalId: string | null // all messages belong to transactions of it
  transactionTimeout: number // ms
}

/** Waits between attempts: each is `multiplier` times the one before, longer or shorter by up to the part `jitter` of it. */
export interface NativePace {
  first: number // ms
  longest: number // ms
  multiplier: number
  jitter: number // from 0 to 1
}

export interface NativeGroupMetadata {
  groupId: string
  generationId: number // -1: nobody is refused
  memberId: string
  groupInstanceId: string | null
}

/** Why a call about a transaction has failed. */
export interface NativeTrouble {
  trouble: 'doomed' | 'fatal' | 'unanswered' | 'misplaced'
  failure?: NativeFailure // not where it is misplaced
}

/** Messages of a send that failed together. */
export interface NativeFailedPart {
  topic: string
  partition: number | null
  messages: number[] // from and to (exclusive), in turn, counted through the send
  failure: NativeFailure
  mayBeWritten: boolean
}

export type NativeProducerEvent =
  | { type: 'log'; level: number; namespace: string; message: string; extra: [string, string | number][] }
  /** There will be no answers any more. */
  | { type: 'broken'; error: NativeFailure }

/** From `connect()` to `disconnect()`; never restarted. */
export class NativeProducer {
  /** `notify` hears events, and -1 when there are `answers` to take: once, until they are taken. */
  constructor(
    client: NativeClient,
    options: NativeProducerOptions,
    notify: (event: NativeProducerEvent | number) => void
  )
  start(): void
  /**
   * Takes in sends, as `src/producer/turn.js` writes them, and is done with the memory when it returns. Returns how many bytes were
   * taken, whole sends: what does not fit into `bufferMemory` is to be submitted again, first, when an answer says that there is room.
   */
  submit(turn: Uint8Array, length: number): number
  /**
   * What has happened since the last call, as `src/producer/answers.js` reads it: so many bytes of `into`; or, where it is too small or
   * something has failed, memory of its own, and the failures by their number less 1.
   */
  answers(into: Uint8Array): number | { words: Uint8Array; failures: NativeFailedPart[][] }
  /** The topic behind a number in the answers. */
  topic(number: number): string | null
  /** Ends in an answer with this ticket when everything that was submitted before is answered. */
  flush(ticket: number): void
  /** Resolves when it is known whether batches are numbered: null, or why there can be no number although one is required. */
  identify(): Promise<NativeFailure | null>
  // Transactions. Each call resolves with null, or with why not.
  beginTransaction(): Promise<NativeTrouble | null>
  sendOffsets(group: NativeGroupMetadata, offsets: NativeOffset[]): Promise<NativeTrouble | null>
  /** When everything that was submitted before is answered. */
  commitTransaction(): Promise<NativeTrouble | null>
  abortTransaction(): Promise<NativeTrouble | null>
  /** Takes no more sends, and goes on with those before for at most `within` ms. Resolves when the last answers can be taken. */
  close(within: number): Promise<void>
}
