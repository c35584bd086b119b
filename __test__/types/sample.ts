/**
 * Compile-only: a program written for kafkajs. `tsconfig.json` compiles it against kafkajs, `tsconfig.drop-in.json` without a
 * change against this package.
 */

import {
  AssignerProtocol,
  Batch,
  CompressionCodecs,
  CompressionTypes,
  Consumer,
  ConsumerConfig,
  ConsumerCrashEvent,
  ConsumerGroupJoinEvent,
  ConsumerRunConfig,
  ConsumerSubscribeTopics,
  EachBatchPayload,
  EachMessageHandler,
  EachMessagePayload,
  GroupDescription,
  IHeaders,
  Kafka,
  KafkaConfig,
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSProtocolError,
  KafkaMessage,
  LogEntry,
  PartitionAssigner,
  PartitionAssigners,
  SASLOptions,
  TopicPartitionOffsetAndMetadata,
  logCreator,
  logLevel
} from 'kafkajs'

const createLogger: logCreator = level => (entry: LogEntry) => {
  if (entry.level > level) return
  console.log(entry.namespace, entry.label, entry.log.message, entry.log.timestamp)
}

const sasl: SASLOptions = { mechanism: 'scram-sha-256', username: 'me', password: 'secret' }
const config: KafkaConfig = {
  clientId: 'app',
  brokers: async () => ['localhost:9092'],
  ssl: { rejectUnauthorized: false, ca: ['pem'] },
  sasl,
  connectionTimeout: 3000,
  retry: { initialRetryTime: 100, retries: 8 },
  logLevel: logLevel.WARN,
  logCreator: createLogger
}

const sticky: PartitionAssigner = ({ cluster, groupId, logger }) => ({
  name: 'sticky',
  version: 1,
  async assign({ members, topics }) {
    logger.debug('assigning', { groupId })
    const partitions = topics.flatMap(topic =>
      cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ topic, partitionId }))
    )
    return members.map(({ memberId, memberMetadata }) => {
      const metadata = AssignerProtocol.MemberMetadata.decode(memberMetadata)
      const assignment: Record<string, number[]> = {}
      for (const { topic, partitionId } of partitions) {
        if (metadata?.topics.includes(topic)) (assignment[topic] ??= []).push(partitionId)
      }
      const memberAssignment = AssignerProtocol.MemberAssignment.encode({
        version: this.version,
        assignment,
        userData: Buffer.alloc(0)
      })
      return { memberId, memberAssignment }
    })
  },
  protocol({ topics }) {
    const userData = Buffer.alloc(0)
    const metadata = AssignerProtocol.MemberMetadata.encode({
      version: this.version,
      topics,
      userData
    })
    return { name: this.name, metadata }
  }
})

const textOf = (message: KafkaMessage): string => message.value?.toString() ?? ''
const traceOf = (headers: IHeaders | undefined): string | undefined => {
  const trace = headers?.trace
  return Array.isArray(trace) ? trace[0]?.toString() : trace?.toString()
}

const processMessage: EachMessageHandler = async (payload: EachMessagePayload) => {
  const { topic, partition, message, heartbeat, pause } = payload
  console.log(topic, partition, message.offset, message.key?.toString(), textOf(message))
  console.log(traceOf(message.headers), Number(message.timestamp))
  await heartbeat()
  const resume: () => void = pause()
  resume()
}

const processBatch = async ({
  batch,
  resolveOffset,
  heartbeat,
  commitOffsetsIfNecessary,
  uncommittedOffsets,
  isRunning,
  isStale
}: EachBatchPayload): Promise<void> => {
  const { messages, highWatermark }: Batch = batch
  for (const message of messages) {
    if (!isRunning() || isStale()) break
    resolveOffset(message.offset)
    await heartbeat()
  }
  console.log(highWatermark, batch.firstOffset(), batch.lastOffset(), batch.offsetLag())
  await commitOffsetsIfNecessary(uncommittedOffsets())
}

class Service {
  private readonly consumer: Consumer

  constructor(kafka: Kafka, options: Omit<ConsumerConfig, 'groupId'> = {}) {
    this.consumer = kafka.consumer({
      groupId: 'service',
      partitionAssigners: [sticky, PartitionAssigners.roundRobin],
      sessionTimeout: 30000,
      retry: {
        retries: 3,
        restartOnFailure: async error => !(error instanceof KafkaJSNonRetriableError)
      },
      ...options
    })
    const { CRASH, GROUP_JOIN, REQUEST } = this.consumer.events
    this.consumer.on(CRASH, ({ payload: { error, restart } }: ConsumerCrashEvent) => {
      if (error instanceof KafkaJSNumberOfRetriesExceeded) console.error(error.retryCount)
      if (error instanceof KafkaJSProtocolError) console.error(error.type, error.code)
      if (error instanceof KafkaJSError && !error.retriable)
        console.error(error.cause, error.helpUrl)
      if (!restart) process.exit(1)
    })
    const remove = this.consumer.on(GROUP_JOIN, (event: ConsumerGroupJoinEvent) => {
      console.log(event.payload.memberAssignment.topic, event.timestamp)
    })
    remove()
    this.consumer.on(REQUEST, ({ payload }) => console.log(payload.apiName, payload.duration))
    this.consumer.on('consumer.heartbeat', e => console.log(e.payload.memberId))
  }

  async start(): Promise<void> {
    const topics: ConsumerSubscribeTopics = { topics: ['a', /^b-/], fromBeginning: true }
    await this.consumer.connect()
    await this.consumer.subscribe(topics)
    await this.consumer.subscribe({ topic: 'c' })
    const run: ConsumerRunConfig = { autoCommitInterval: 5000, eachMessage: processMessage }
    await this.consumer.run(run)
    await this.consumer.run({ eachBatch: processBatch, partitionsConsumedConcurrently: 3 })
    this.consumer.seek({ topic: 'a', partition: 0, offset: '12' })
    this.consumer.pause([{ topic: 'a' }, { topic: 'c', partitions: [1] }])
    const [paused] = this.consumer.paused()
    this.consumer.resume([paused])
    const offsets: TopicPartitionOffsetAndMetadata[] = [
      { topic: 'a', partition: 0, offset: '12', metadata: null }
    ]
    await this.consumer.commitOffsets(offsets)
    const group: GroupDescription = await this.consumer.describeGroup()
    this.consumer.logger().info(group.state, { members: group.members.length })
  }

  async stop(): Promise<void> {
    await this.consumer.stop()
    await this.consumer.disconnect()
  }
}

CompressionCodecs[CompressionTypes.Snappy] = () => ({})

export const service = new Service(new Kafka(config), { maxWaitTimeInMs: 100 })
