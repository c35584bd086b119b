import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import kafkars, { Kafka, KafkaJSError, CompressionCodecs, logLevel } from 'kafkajs'
import * as names from 'kafkajs'

const require = createRequire(import.meta.url)

test('every name of kafkajs can be imported, and is the same that require gives', () => {
  const required = require('kafkajs')
  const theirs = Object.keys(require('kafkajs-original'))
  assert.equal(theirs.length, 44)
  const expected = Object.keys(required).sort()
  assert.deepEqual(
    theirs.filter(name => !expected.includes(name)),
    []
  )
  assert.deepEqual(
    Object.keys(names)
      .filter(name => name !== 'default' && name !== 'module.exports')
      .sort(),
    expected
  )
  for (const name of expected) assert.equal(names[name], required[name], name)
  assert.equal(kafkars, required)
  assert.ok(new KafkaJSError('x') instanceof Error)
  assert.ok(Kafka && CompressionCodecs && logLevel.INFO === 4)
})

test('import() gives the same, by each path of the package', async () => {
  for (const path of ['kafkajs', 'kafkajs/index', 'kafkajs/index.js']) {
    const imported = await import(path)
    assert.deepEqual(Object.keys(imported), Object.keys(names), path)
    assert.equal(imported.Kafka, Kafka)
    assert.equal(imported.default.Kafka, Kafka)
    assert.equal(imported.__esModule, undefined)
  }
})
