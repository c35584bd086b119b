'use strict'

/** How tracers get in: they replace `Kafka`, its methods and those of consumers, and ask for the name of the cluster. */

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { test } = require('node:test')
const kafkars = require('kafkajs')
const { options, topicOf, uniqueName, waitFor } = require('./cluster')

test('src/index.js, src/consumer/index.js and src/producer/index.js are the files that make clients', () => {
  assert.equal(require('kafkajs/src/index.js'), kafkars.Kafka)
  for (const name of ['consumer', 'producer']) {
    const file = require.resolve(`kafkajs/src/${name}/index.js`)
    assert.equal(require.cache[file].exports.length, 1)
  }
})

test('src/consumer/runner.js is the class that a tracer may replace, to wrap the handlers', async () => {
  // Another copy: this one's runner is somebody else's.
  const loaded = Object.keys(require.cache).filter(file =>
    /node_modules.kafkajs.(src|index)/.test(file)
  )
  for (const file of loaded) if (!file.endsWith('.node')) delete require.cache[file]
  const file = require.resolve('kafkajs/src/consumer/runner.js')
  const Runner = require(file)
  const wrapped = []
  require.cache[file].exports = function (given) {
    const { eachMessage } = given
    given.eachMessage = payload => {
      wrapped.push(payload.message.offset)
      return eachMessage(payload)
    }
    return new Runner(given)
  }
  const consumer = new (require('kafkajs').Kafka)(options).consumer({
    groupId: uniqueName('group')
  })
  const seen = []
  await consumer.subscribe({ topic: await topicOf([{ value: 'a' }]), fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => seen.push(message.offset) })
  await waitFor(() => seen.length === 1)
  await consumer.disconnect()
  assert.deepEqual(wrapped, ['0'])
})

test('the clusters of a client are made by one function, which a tracer may replace', async () => {
  const kafka = new kafkars.Kafka(options)
  const [key] = Object.getOwnPropertySymbols(kafka).filter(
    ({ description }) => description === 'private:Kafka:createCluster'
  )
  const createCluster = kafka[key]
  const names = []
  kafka[key] = (...args) => {
    const cluster = createCluster.apply(kafka, args)
    const { brokerPool } = cluster
    const { refreshMetadata } = brokerPool
    brokerPool.refreshMetadata = async function (...topics) {
      await refreshMetadata.apply(this, topics)
      names.push(this.metadata.clusterId)
    }
    return cluster
  }
  const consumer = kafka.consumer({ groupId: uniqueName('group') })
  await consumer.subscribe({ topic: await topicOf([]) })
  await consumer.disconnect()
  assert.match(names[0], /^[\w-]{22}$/)
})

test('the name of the cluster, by an admin client, and by the cluster of the consumer', async () => {
  const admin = new kafkars.Kafka(options).admin()
  await admin.connect()
  const { clusterId, brokers, controller } = await admin.describeCluster()
  await admin.disconnect()
  assert.match(clusterId, /^[\w-]{22}$/)
  assert.deepEqual(
    brokers.map(({ host, port }) => `${host}:${port}`),
    options.brokers
  )
  assert.equal(controller, brokers[0].nodeId)

  let seen
  const assigner = ({ cluster }) => {
    seen = cluster
    return kafkars.PartitionAssigners.roundRobin({ cluster })
  }
  const consumer = new kafkars.Kafka(options).consumer({
    groupId: uniqueName('group'),
    partitionAssigners: [assigner]
  })
  await consumer.connect()
  await consumer.subscribe({ topic: await topicOf([]) })
  assert.equal(seen.brokerPool.metadata.clusterId, clusterId)
  await consumer.disconnect()
})

test('a class that extends Kafka, a wrapped consumer(), wrapped methods of the consumer', async () => {
  const calls = []
  const spans = new AsyncLocalStorage()
  class Traced extends kafkars.Kafka {
    constructor(config) {
      super(config)
      this.bootstrap = config.brokers.join()
    }
  }
  const { consumer: createConsumer } = Traced.prototype
  Traced.prototype.consumer = function (...args) {
    const consumer = createConsumer.apply(this, args)
    const { run, commitOffsets } = consumer
    consumer.run = ({ eachMessage, ...rest }) =>
      run({
        ...rest,
        // Frozen or computed messages would not survive this.
        eachMessage: payload => {
          payload.message.traced = true
          const message = { ...payload.message, headers: { ...payload.message.headers } }
          return spans.run(`span ${message.offset}`, () => eachMessage({ ...payload, message }))
        }
      })
    consumer.commitOffsets = (...offsets) => {
      calls.push('commitOffsets')
      return commitOffsets(...offsets)
    }
    consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => calls.push(payload.groupId))
    return consumer
  }

  const topic = await topicOf([{ value: 'a' }, { value: 'b', headers: { h: 'x' } }])
  const groupId = uniqueName('group')
  const consumer = new Traced(options).consumer({ groupId })
  const seen = []
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      await new Promise(resolve => setImmediate(resolve))
      seen.push([
        spans.getStore(),
        message.traced,
        String(message.value),
        Object.keys(message.headers)
      ])
    }
  })
  await waitFor(() => calls.includes(groupId))
  await consumer.commitOffsets([{ topic, partition: 0, offset: '1' }])
  await consumer.disconnect()
  assert.deepEqual(seen, [
    ['span 0', true, 'a', []],
    ['span 1', true, 'b', ['h']]
  ])
  assert.ok(calls.includes('commitOffsets'))
})

test('the process ends after disconnect()', async () => {
  const { execFileSync } = require('node:child_process')
  const script = `
    const { Kafka } = require('kafkajs')
    const kafka = new Kafka(${JSON.stringify(options)})
    const main = async () => {
      const consumer = kafka.consumer({ groupId: '${uniqueName('group')}' })
      await consumer.connect()
      await consumer.disconnect()
      const admin = kafka.admin()
      await admin.connect()
      await admin.disconnect()
      const producer = kafka.producer()
      await producer.connect()
      await producer.disconnect()
    }
    main()`
  execFileSync(process.execPath, ['-e', script], { cwd: __dirname, timeout: 20_000 })
})
