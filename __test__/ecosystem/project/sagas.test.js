'use strict'

/** kafka-sagas makes the topics that it subscribes itself, once `subscribe()` has said that they are missing. */

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Kafka, logLevel } = require('kafkajs')
const { TopicAdministrator, TopicSagaConsumer, createActionMessage } = require('kafka-sagas')
const { options, readAll, uniqueName } = require('./cluster')

test('a saga gets the actions of a topic that it has had to make, and puts others', async () => {
  const [begin, done] = [uniqueName('begin'), uniqueName('done')]
  // Its producer gets options of its own beside kafkajs's, which is worth a warning.
  const kafka = new Kafka({ ...options, logLevel: logLevel.ERROR })
  const topicAdministrator = new TopicAdministrator(kafka)
  await topicAdministrator.createTopic(done)
  const sagas = new TopicSagaConsumer({
    kafka,
    topic: begin,
    topicAdministrator,
    loggerConfig: { logOptions: { level: 'silent' } },
    *saga({ payload }, { effects }) {
      const doubled = yield effects.callFn(async () => payload.amount * 2)
      yield effects.put(done, { doubled })
    }
  })
  await sagas.run()
  const producer = kafka.producer()
  await producer.connect()
  const action = { topic: begin, transaction_id: 'one', payload: { amount: 21 } }
  await producer.send({ topic: begin, messages: [createActionMessage({ action })] })
  const [{ value }] = await readAll(done, 1)
  assert.deepEqual(JSON.parse(value), { transaction_id: 'one', payload: { doubled: 42 } })
  await sagas.disconnect()
  await producer.disconnect()
})
