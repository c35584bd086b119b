/** Compile-only: what this package has and kafkajs does not. */

import {
  AlterConfigOperations,
  ConfigResourceTypes,
  Kafka,
  KafkaJSConnectionClosedError,
  KafkaJSNoBrokerAvailableError,
  ScramMechanisms
} from '../..'
import { createMetrics } from '../../types/prometheus'

const consumer = new Kafka({ brokers: ['localhost:9092'] }).consumer({
  groupId: 'g',
  groupInstanceId: 'instance-1',
  groupProtocol: 'classic',
  maxPollInterval: 300000,
  autoOffsetReset: { duration: 3600000 },
  stalledAfter: 60000,
  lagInterval: 10000,
  checkCrcs: false,
  copyValues: true,
  maxQueuedBytes: 1048576,
  onPartitionsAssigned: async partitions => {
    for (const { topic, partitions: numbers } of partitions) {
      numbers.forEach(partition => consumer.seek({ topic, partition, offset: '7' }))
    }
  },
  onPartitionsRevoked: async (_, { uncommittedOffsets }) => {
    const { topics } = uncommittedOffsets()
    await consumer.commitOffsets(
      topics.flatMap(({ topic, partitions }) => partitions.map(entry => ({ topic, ...entry })))
    )
  },
  onPartitionsLost: () => {}
})

void consumer.disconnect({ leaveGroup: true })

const member = new Kafka({ brokers: ['localhost:9092'] }).consumer({
  groupId: 'g',
  groupProtocol: 'consumer',
  groupRemoteAssignor: 'range'
})
member.subscribe({ topic: { re2: 'orders-.*' } })
member.subscribe({ topics: ['a', /b/, { re2: 'c.*' }], fromBeginning: true })

export const hostOf = (error: Error): string | undefined =>
  error instanceof KafkaJSConnectionClosedError ? error.host : undefined

export const noBroker = new KafkaJSNoBrokerAvailableError().retriable

interface Order {
  total: number
}
const typed = new Kafka({ brokers: ['localhost:9092'] }).consumer<string, Order>({
  groupId: 'g',
  keyDeserializer: 'string',
  valueDeserializer: async ({ topic, data }) => JSON.parse(`${topic}${data}`) as Order,
  onDeserializationError: async ({ topic, partition, offset, data }) =>
    data.length > 0 && offset !== '0' && topic && partition === 0 ? 'skip' : 'fail'
})
void typed.run({
  eachMessage: async ({ message: { key, value } }) => {
    console.log(key.toUpperCase(), value.total.toFixed(2))
  },
  eachBatch: async ({ batch }) => {
    for (const { value } of batch.messages) console.log(value.total)
  }
})

void typed.run({
  messagesConsumedConcurrently: 100,
  orderBy: 'key',
  eachMessage: async ({ message: { value } }) => console.log(value.total)
})

const plain = new Kafka({ brokers: ['localhost:9092'] }).consumer({ groupId: 'g' })
void plain.run({ eachMessage: async ({ message }) => console.log(message.value?.readInt8()) })

const administer = async () => {
  const admin = new Kafka({ brokers: ['localhost:9092'] }).admin()
  const [{ partitions }] = await admin.listOffsets({
    topics: [{ topic: 't', partitions: [{ partition: 0, timestamp: 'maxTimestamp' }] }]
  })
  const { brokers } = await admin.describeCluster({ includeFencedBrokers: true })
  const { features } = await admin.describeFeatures()
  const dirs = await admin.describeLogDirs({ brokers: [1] })
  await admin.incrementalAlterConfigs({
    resources: [
      {
        type: ConfigResourceTypes.TOPIC,
        name: 't',
        configEntries: [{ name: 'retention.ms', operation: AlterConfigOperations.DELETE }]
      }
    ]
  })
  await admin.alterPartitionReassignments({
    topics: [{ topic: 't', partitionAssignment: [{ partition: 0, cancel: true }] }]
  })
  const [{ elected }] = await admin.electLeaders({ electionType: 'unclean' })
  return [partitions[0]?.offset, brokers[0]?.rack, features[0]?.level, dirs.brokers[0], elected]
}
void administer()

const repair = async (): Promise<(string | null | undefined)[]> => {
  const admin = new Kafka({ brokers: ['localhost:9092'] }).admin()
  const topics = [{ topic: 'orders', partitions: [0] }]
  const [{ committed, end, lag, owner }] = await admin.groupLag('g')
  const [forgotten] = await admin.deleteConsumerGroupOffsets({ groupId: 'g', topics })
  const [away] = await admin.removeMembersFromConsumerGroup({
    groupId: 'g',
    members: [{ groupInstanceId: 'instance-1' }]
  })
  const mechanism = ScramMechanisms.SCRAM_SHA_512
  await admin.alterUserScramCredentials({
    upsertions: [{ user: 'u', mechanism, password: 'secret', iterations: 8192 }]
  })
  const { users } = await admin.describeUserScramCredentials({ users: ['u'] })
  await admin.alterClientQuotas({
    quotas: [{ entity: { user: 'u', clientId: null }, values: { producer_byte_rate: 1024 } }]
  })
  const { quotas } = await admin.describeClientQuotas({ entity: { user: true }, strict: true })
  const { transactions } = await admin.listTransactions({ states: ['Ongoing'], duration: 60000 })
  const { partitions } = await admin.describeProducers({ topics })
  const [{ producers }] = partitions
  const startOffset = producers[0]?.currentTransactionStartOffset
  if (startOffset != null)
    await admin.abortTransaction({ topic: 'orders', partition: 0, startOffset })
  const { groups } = await admin.listGroups({ types: ['share'], states: ['Stable'] })
  console.log(owner, users[0]?.user.trim(), quotas[0]?.values.producer_byte_rate.toFixed(), groups)
  return [committed, end, lag, forgotten.error?.message, away.error?.name, transactions[0]?.state]
}
void repair()

const loner = new Kafka({ brokers: ['localhost:9092'] }).consumer<string, Order>({
  valueDeserializer: 'json'
})
export const pulled = async (): Promise<number> => {
  await loner.assign([{ topic: 'orders', partition: 0, offset: new Date(0) }])
  const one = await loner.getOne({ timeout: 100, partitions: [{ topic: 'orders', partition: 0 }] })
  for (const { topic, partition, messages } of await loner.getMany({ maxRecords: 10 })) {
    console.log(topic, partition, messages[0].value.total)
  }
  for await (const { topic, key, value } of loner) {
    console.log(topic, key, value.total)
    break
  }
  for await (const { offset } of loner.stream()) console.log(offset)
  for await (const { value } of loner.readableStream()) console.log(value.total)
  await loner.seek({ topic: 'orders', partition: 0, offset: new Date() })
  const [{ lag }] = loner.lag()
  return (one?.value.total ?? 0) + Number(lag)
}
export const placed = async (): Promise<(string | null)[]> => {
  const kafka = new Kafka({ brokers: ['localhost:9092'] })
  const where = { topic: 'orders', partition: 0 }
  await using reader = kafka.consumer({})
  await using writer = kafka.producer()
  await writer.send({ topic: 'orders', messages: [{ value: 'v' }] })
  await reader.assign([where, { ...where, partition: 1, offset: 'committed' }])
  reader.seekToBeginning([where])
  reader.seekToEnd()
  const [begin] = await reader.beginningOffsets([where])
  const [end] = await reader.endOffsets([where])
  const [then] = await reader.offsetsForTimes([{ ...where, timestamp: new Date() }])
  console.log(reader.assignment()[0]?.partitions, reader.subscription().join())
  await reader.unsubscribe()
  return [reader.position(where), begin.offset, end.offset, then.offset]
}
export const seen = (): [string, number, string | undefined] => {
  const { state, assignment, lastProgress, waitsFor } = consumer.health()
  consumer.on(
    consumer.events.STALLED,
    ({ payload: { reason, since, waitsFor: why, partitions } }) => {
      console.log(reason === 'handler', since.toFixed(), why?.broker, partitions[0]?.lag?.length)
    }
  )
  consumer.on('consumer.lag', ({ payload: { groupId, partitions } }) => {
    for (const { position, leaderEpoch } of partitions) console.log(groupId, position, leaderEpoch)
  })
  return [state, (lastProgress ?? 0) + assignment.length, waitsFor?.message]
}
export const committing = async (): Promise<number | null> => {
  const where = { topic: 'orders', partition: 0 }
  await consumer.commitOffsets([{ ...where, offset: '7', metadata: null, leaderEpoch: 3 }])
  const [{ leaderEpoch }] = await consumer.committed([where])
  return leaderEpoch
}

const collected = createMetrics()
export const page: [string, string] = [collected.contentType, collected.metrics()]
collected.end()
