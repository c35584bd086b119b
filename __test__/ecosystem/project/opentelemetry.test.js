'use strict'

const assert = require('node:assert/strict')
const { after, beforeEach, test } = require('node:test')
const { ROOT_CONTEXT, SpanKind, context, propagation, trace } = require('@opentelemetry/api')
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks')
const { W3CTraceContextPropagator } = require('@opentelemetry/core')
const { KafkaJsInstrumentation } = require('@opentelemetry/instrumentation-kafkajs')
const {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor
} = require('@opentelemetry/sdk-trace-base')

const exporter = new InMemorySpanExporter()
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
const instrumentation = new KafkaJsInstrumentation()
instrumentation.setTracerProvider(provider)

// Behind the instrumentation, as programs do.
const { Kafka } = require('kafkajs')
const { options, readAll, topicOf, uniqueName, waitFor, writeTwo } = require('./cluster')

beforeEach(() => exporter.reset())
after(() => instrumentation.disable())

/** Messages that carry the spans of their senders. */
const written = count => {
  const tracer = provider.getTracer('sender')
  const spans = Array.from({ length: count }, (_, i) => tracer.startSpan(`send ${i}`))
  const messages = spans.map((span, i) => {
    const headers = {}
    propagation.inject(trace.setSpan(ROOT_CONTEXT, span), headers)
    return { value: String(i), headers }
  })
  return { messages, parents: spans.map(span => span.spanContext()) }
}

const consumerSpans = () =>
  exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.CONSUMER)

const consume = async (topic, run) => {
  const consumer = new Kafka(options).consumer({ groupId: uniqueName('group') })
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run(run)
  return consumer
}

test('eachMessage: a span for every message, whose parent is in the headers', async () => {
  const { messages, parents } = written(3)
  const topic = await topicOf(messages)
  const active = []
  const consumer = await consume(topic, {
    eachMessage: async () => {
      await new Promise(resolve => setTimeout(resolve, 5))
      active.push(trace.getSpan(context.active()).spanContext().spanId)
    }
  })
  await waitFor(() => consumerSpans().length === 3)
  await consumer.disconnect()
  const spans = consumerSpans()
  assert.deepEqual(
    spans.map(({ parentSpanContext }) => parentSpanContext.spanId),
    parents.map(({ spanId }) => spanId)
  )
  assert.deepEqual(
    spans.map(span => span.spanContext().traceId),
    parents.map(({ traceId }) => traceId)
  )
  assert.deepEqual(
    active,
    spans.map(span => span.spanContext().spanId)
  )
  for (const { attributes } of spans) {
    assert.equal(attributes['messaging.system'], 'kafka')
    assert.equal(attributes['messaging.destination.name'], topic)
    // Read off the cluster that src/consumer/index.js is given.
    assert.match(attributes['messaging.kafka.cluster.id'], /^[\w-]{22}$/)
  }
})

const producerSpans = () =>
  exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.PRODUCER)

test('send() and sendBatch(): a span for every message, which its headers carry to the consumer', async () => {
  const { topic, written: messages } = await writeTwo()
  const spans = producerSpans()
  assert.deepEqual(
    spans.map(({ attributes }) => attributes['messaging.destination.name']),
    [topic, topic]
  )
  assert.deepEqual(
    messages.map(({ value, headers }) => [value, headers.tenant, headers.traceparent]),
    [
      ['a', 'x', traceparentOf(spans[0])],
      ['b', undefined, traceparentOf(spans[1])]
    ]
  )
})

test('what is sent in a transaction has its spans, and a send that fails an error in its own', async () => {
  const topic = await topicOf([])
  const producer = new Kafka(options).producer({ transactionalId: uniqueName('transaction') })
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: [{ value: 'a' }] })
  await transaction.commit()
  await assert.rejects(producer.send({ topic, messages: [{ value: undefined }] }))
  await producer.disconnect()
  const [sent, failed] = producerSpans()
  const [{ headers }] = await readAll(topic, 1)
  assert.equal(headers.traceparent, traceparentOf(sent))
  assert.match(failed.status.message, /^Invalid message without value/)
})

const traceparentOf = span => {
  const { traceId, spanId } = span.spanContext()
  return `00-${traceId}-${spanId}-01`
}

test('a handler that fails leaves a span with its error', async () => {
  const topic = await topicOf(written(1).messages)
  let calls = 0
  const consumer = await consume(topic, {
    eachMessage: async () => {
      if (++calls === 1) throw new Error('the first time')
    }
  })
  await waitFor(() => consumerSpans().length >= 2)
  await consumer.disconnect()
  const [failed, good] = consumerSpans()
  assert.equal(failed.status.message, 'the first time')
  assert.equal(good.status.message, undefined)
})

test('eachBatch: a span for the batch, and one for each message that links to its sender', async () => {
  const { messages, parents } = written(3)
  const topic = await topicOf(messages)
  let handled = 0
  const consumer = await consume(topic, {
    eachBatch: async ({ batch }) => {
      handled += batch.messages.length
    }
  })
  await waitFor(() => handled === 3)
  await consumer.disconnect()
  const [receiving, ...others] = exporter.getFinishedSpans().filter(span => span.links.length === 0)
  assert.deepEqual(others, [])
  const processing = exporter.getFinishedSpans().filter(span => span.links.length > 0)
  assert.deepEqual(
    processing.map(span => span.links[0].context.spanId),
    parents.map(({ spanId }) => spanId)
  )
  for (const span of processing) {
    assert.equal(span.parentSpanContext.spanId, receiving.spanContext().spanId)
  }
})
