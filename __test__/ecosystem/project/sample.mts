import kafkars, { Kafka, KafkaJSProtocolError, logLevel } from 'kafkajs'
import type { Consumer, EachMessagePayload, IHeaders, KafkaConfig, KafkaMessage } from 'kafkajs'

const config: KafkaConfig = { brokers: ['localhost:9092'], logLevel: logLevel.NOTHING }
export const consumer: Consumer = new Kafka(config).consumer({ groupId: 'g', groupInstanceId: 'i' })
export const other: kafkars.Consumer = new kafkars.Kafka(config).consumer({ groupId: 'g' })

export const handle = async ({ message, heartbeat }: EachMessagePayload): Promise<void> => {
  const { headers, value }: KafkaMessage = message
  const copy: IHeaders | undefined = headers
  await heartbeat()
  if (!value && copy) throw new KafkaJSProtocolError('x')
}
// @ts-expect-error: a cluster has addresses
new Kafka({})
