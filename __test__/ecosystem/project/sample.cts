import kafkars = require('kafkajs')
import { Kafka, PartitionAssigners, type ConsumerConfig } from 'kafkajs'

const config: ConsumerConfig = { groupId: 'g', partitionAssigners: [PartitionAssigners.roundRobin] }
export const consumer: kafkars.Consumer = new Kafka({ brokers: [] }).consumer(config)
export const same: boolean = kafkars.Kafka === Kafka
