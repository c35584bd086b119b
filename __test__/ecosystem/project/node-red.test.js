'use strict'

/** Consumer and producer of @oriolrius/node-red-contrib-kafka, in as much of Node-RED as they ask for. */

const assert = require('node:assert/strict')
const { EventEmitter } = require('node:events')
const { test } = require('node:test')
const { Kafka } = require('kafkajs')
const { options, readAll, topicOf, uniqueName, waitFor } = require('./cluster')

/** The type that a file registers, and what its nodes have sent and reported. @param {string} file */
const load = file => {
  const nodes = { broker: { getKafka: () => new Kafka({ ...options, connectionTimeout: '3000' }) } }
  const types = {}
  const sent = []
  const errors = []
  const createNode = node => {
    const emitter = new EventEmitter()
    const silent = () => {}
    Object.assign(node, { debug: silent, log: silent, warn: silent, status: silent })
    node.error = error => errors.push(error)
    node.send = message => sent.push(message)
    node.on = emitter.on.bind(emitter)
    node.input = message => emitter.emit('input', message)
    // A listener may say by its argument when it is done.
    node.close = () =>
      Promise.all(
        emitter
          .listeners('close')
          .map(listener => (listener.length === 0 ? listener() : new Promise(listener)))
      )
  }
  require(`@oriolrius/node-red-contrib-kafka/js/${file}`)({
    nodes: {
      createNode,
      getNode: id => nodes[id],
      registerType: (name, type) => (types[name] = type)
    },
    httpAdmin: { get() {}, post() {} }
  })
  const [Node] = Object.values(types)
  return { Node, sent, errors }
}

test('a flow gets what is in the topic, with options as its form has them: as text', async () => {
  const { Node, sent, errors } = load('kafka-consumer.js')
  const topic = await topicOf([{ key: 'k', value: '{"celsius":21}' }, { value: 'text' }])
  const node = new Node({
    broker: 'broker',
    topic,
    groupid: uniqueName('flow'),
    fromOffset: 'earliest',
    minbytes: '1',
    maxbytes: '1048576'
  })
  await waitFor(() => sent.length === 2)
  await node.close()
  assert.deepEqual(errors, [])
  assert.deepEqual(
    sent.map(({ payload, key, offset }) => ({ payload, key, offset })),
    [
      { payload: { celsius: 21 }, key: 'k', offset: '0' },
      { payload: 'text', key: null, offset: '1' }
    ]
  )
})

test('a flow writes to the topic', async () => {
  const { Node, sent, errors } = load('kafka-producer.js')
  const topic = await topicOf([])
  const node = new Node({
    broker: 'broker',
    topic,
    requireAcks: 1,
    ackTimeoutMs: '100',
    attributes: 1
  })
  await waitFor(() => node.ready)
  node.input({ payload: { celsius: 21 }, key: 'k' })
  await waitFor(() => sent.length === 1)
  await node.close()
  assert.deepEqual(errors, [])
  assert.equal(sent[0].payload.success, true)
  const [{ value }] = await readAll(topic, 1)
  assert.equal(value, '{"celsius":21}')
})
