import kafkars = require('kafkajs')
import { Kafka, PartitionAssigners, type ConsumerConfig } from 'kafkajs'
import { Consumer, EachMessagePayload } from 'kafkajs/types'
import type { Authenticator } from 'kafkajs/types/index'
import type { Message } from 'kafkajs/types/index.d'

const config: ConsumerConfig = { groupId: 'g', partitionAssigners: [PartitionAssigners.roundRobin] }
export const consumer: kafkars.Consumer = new Kafka({ brokers: [] }).consumer(config)
export const same: boolean = kafkars.Kafka === Kafka
export const elsewhere: Consumer = consumer
export const handle = async ({ topic }: EachMessagePayload): Promise<string> => topic
export const message: Message = { value: 'x' }
export const authenticator: Authenticator = { authenticate: async () => {} }
