'use strict'

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')

const root = path.dirname(require.resolve('kafkajs/package.json'))

test('the package under the name kafkajs is this one, in a version that instrumentations accept', () => {
  const { name, version, dependencies, scripts } = require('kafkajs/package.json')
  assert.equal(name, 'kafkars')
  const [major, minor, patch] = version.split('.').map(Number)
  assert.ok(major === 2 && (minor > 2 || (minor === 2 && patch >= 4)), version)
  assert.equal(dependencies, undefined)
  for (const hook of ['preinstall', 'install', 'postinstall']) {
    assert.equal(scripts[hook], undefined)
  }
})

test('it carries its binary and nothing to build it with', () => {
  const files = fs.readdirSync(root, { recursive: true }).map(String)
  assert.ok(files.some(file => file.endsWith('.node')))
  assert.deepEqual(
    files.filter(file => /\.rs$|Cargo|__test__|build\.rs/.test(file)),
    []
  )
  // In a process without a PATH: no compiler, no npm.
  const script =
    "const { Kafka } = require('kafkajs'); new Kafka({ brokers: ['127.0.0.1:1'] }).consumer({ groupId: 'g' })"
  execFileSync(process.execPath, ['-e', script], { cwd: __dirname, env: {} })
})

test('what reaches into kafkajs finds the files that both have', () => {
  const ours = require('kafkajs')
  const reach = file => [
    require(`kafkajs/src${file && `/${file}`}`),
    require(`kafkajs-original/src/${file}`)
  ]
  for (const file of [
    '',
    'index',
    'admin',
    'cluster',
    'consumer',
    'producer',
    'producer/partitioners/default/murmur2.js',
    'protocol/message/compression',
    'network/requestQueue',
    'utils/waitFor',
    'loggers',
    'errors',
    'errors.js',
    'protocol/error',
    'consumer/index.js',
    'producer/index.js',
    'producer/messageProducer.js',
    'consumer/assignerProtocol',
    'consumer/assigners/index.js',
    'loggers/index.js',
    'loggers/console',
    'utils/long'
  ]) {
    const [mine, theirs] = reach(file)
    assert.equal(typeof mine, typeof theirs, file)
  }
  assert.equal(require('kafkajs/index.js'), ours)
  assert.equal(require('kafkajs/src/errors').KafkaJSError, ours.KafkaJSError)
  assert.equal(require('kafkajs/src/consumer/assignerProtocol'), ours.AssignerProtocol)
  const { createErrorFromCode, failure } = require('kafkajs/src/protocol/error')
  assert.ok(createErrorFromCode(27) instanceof ours.KafkaJSProtocolError)
  assert.deepEqual([failure(0), failure(27)], [false, true])
})

test('two copies of it live in one process', async () => {
  const { options, topicOf, uniqueName, waitFor } = require('./cluster')
  const first = require('kafkajs')
  for (const file of Object.keys(require.cache)) {
    if (file.startsWith(root) && !file.endsWith('.node')) delete require.cache[file]
  }
  const second = require('kafkajs')
  assert.notEqual(first.Kafka, second.Kafka)
  const topic = await topicOf([{ value: 'x' }])
  for (const { Kafka } of [first, second]) {
    const consumer = new Kafka(options).consumer({ groupId: uniqueName('group') })
    const seen = []
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => seen.push(String(message.value)) })
    await waitFor(() => seen.length === 1)
    await consumer.disconnect()
  }
})
