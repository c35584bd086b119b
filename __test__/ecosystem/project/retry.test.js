'use strict'

/** Retries through topics that wait, which pause the partition they come from and seek back in it. */

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { AsyncRetryEvent, default: AsyncRetryHelper } = require('kafkajs-async-retry')
const { options, readAll, topicOf, uniqueName, waitFor } = require('./cluster')

const { Kafka } = require('kafkajs')

test('what fails comes again later, and is a dead letter in the end', async () => {
  const kafka = new Kafka(options)
  const groupId = uniqueName('retry')
  const topic = await topicOf([{ value: 'good' }, { value: 'flaky' }, { value: 'bad' }])
  const admin = kafka.admin()
  await admin.connect()
  const kinds = ['retry-1', 'retry-2', 'dlq']
  await admin.createTopics({ topics: kinds.map(kind => ({ topic: `${groupId}-${kind}` })) })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  const helper = new AsyncRetryHelper({ producer, groupId, retryDelays: [1], maxRetries: 2 })
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 500 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic, helper.retryTopicPattern], fromBeginning: true })
  const seen = []
  let deadLetters = 0
  helper.on(AsyncRetryEvent.DEAD_LETTER, () => deadLetters++)
  await consumer.run({
    eachMessage: helper.eachMessage(async ({ message, originalTopic, previousAttempts }) => {
      const value = String(message.value)
      assert.equal(originalTopic, topic)
      seen.push(`${value} ${previousAttempts}`)
      if (value === 'bad' || (value === 'flaky' && previousAttempts === 0)) throw new Error(value)
    })
  })
  await waitFor(() => deadLetters === 1)
  await consumer.disconnect()
  await producer.disconnect()
  assert.deepEqual(seen.sort(), ['bad 0', 'bad 1', 'bad 2', 'flaky 0', 'flaky 1', 'good 0'])
  assert.deepEqual(
    (await readAll(`${groupId}-dlq`, 1)).map(({ value }) => value),
    ['bad']
  )
})
