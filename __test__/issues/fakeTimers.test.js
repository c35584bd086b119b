// @ts-check
'use strict'

/** Tests of programs stop the clock (`jest.useFakeTimers()`): what they do not wind up must not keep messages. */

const { setTimeout: pause } = require('node:timers/promises')
const { createTopic, sharedCluster, uniqueName } = require('../kafka/helpers')

/** The client under test, loaded anew. @returns {typeof import('../..')} */
const load = () => {
  /** @type {any} */
  let loaded
  jest.isolateModules(() => {
    loaded = require(process.env.CLIENT === 'kafkajs' ? 'kafkajs' : '../..')
  })
  return loaded
}

afterEach(() => jest.useRealTimers())

it.each([
  ['after the package was loaded', false],
  ['before the package is loaded', true]
])(
  'timers that are replaced %s',
  async (_, isEarly) => {
    const topic = await createTopic()
    const early = isEarly ? undefined : load()
    jest.useFakeTimers()
    const { Kafka, logLevel } = early ?? load()
    const kafka = new Kafka({ brokers: sharedCluster().brokers, logLevel: logLevel.NOTHING })
    const [producer, consumer] = [
      kafka.producer(),
      kafka.consumer({ groupId: uniqueName('group') })
    ]
    const values = /** @type {any[]} */ ([])
    await producer.connect()
    await producer.send({ topic, messages: [{ value: 'a' }, { value: 'b' }] })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => values.push(String(message.value)) })
    while (values.length < 2) await pause(20)
    await Promise.all([producer.disconnect(), consumer.disconnect()])
    expect(values).toEqual(['a', 'b'])
  },
  30_000
)
