/** A program of ES modules: instrumentations see `import` by a hook, and both of our faces are one. */

import assert from 'node:assert/strict'
import { register } from 'node:module'
import { after, test } from 'node:test'
import { SpanKind } from '@opentelemetry/api'
import { KafkaJsInstrumentation } from '@opentelemetry/instrumentation-kafkajs'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor
} from '@opentelemetry/sdk-trace-base'
import cluster from './cluster.js'

// The hook of its own copy: others bring other versions.
register(
  '@opentelemetry/instrumentation/hook.mjs',
  import.meta.resolve('@opentelemetry/instrumentation-kafkajs')
)
const exporter = new InMemorySpanExporter()
const instrumentation = new KafkaJsInstrumentation()
instrumentation.setTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
)
after(() => instrumentation.disable())

test('an imported Kafka is instrumented, once', async () => {
  const { Kafka } = await import('kafkajs')
  const { options, topicOf, uniqueName, waitFor } = cluster
  const topic = await topicOf([{ value: 'a' }, { value: 'b' }])
  const consumer = new Kafka(options).consumer({ groupId: uniqueName('group') })
  let handled = 0
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async () => {
      handled++
    }
  })
  await waitFor(() => handled === 2)
  await consumer.disconnect()
  const producer = new Kafka(options).producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ value: 'c' }] })
  await producer.disconnect()
  const finished = exporter.getFinishedSpans()
  assert.deepEqual(
    finished
      .filter(({ kind }) => kind === SpanKind.PRODUCER)
      .map(({ attributes }) => attributes['messaging.destination.name']),
    [topic]
  )
  const offsets = finished
    .filter(({ kind }) => kind === SpanKind.CONSUMER)
    .map(({ attributes }) => attributes['messaging.kafka.offset'])
  assert.deepEqual(offsets, ['0', '1'])
})
