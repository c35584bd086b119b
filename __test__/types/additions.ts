/** Compile-only: what this package has and kafkajs does not. */

import { Kafka, KafkaJSConnectionClosedError, KafkaJSNoBrokerAvailableError } from '../..'

new Kafka({ brokers: ['localhost:9092'] }).consumer({
  groupId: 'g',
  groupInstanceId: 'instance-1',
  groupProtocol: 'classic',
  maxPollInterval: 300000,
  autoOffsetReset: 'none',
  checkCrcs: false,
  copyValues: true,
  maxQueuedBytes: 1048576
})

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
