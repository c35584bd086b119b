'use strict'

/** The consumer of @oriolrius/node-red-contrib-kafka, in as much of Node-RED as it asks for. */

const assert = require('node:assert/strict')
const { EventEmitter } = require('node:events')
const { test } = require('node:test')
const { Kafka } = require('kafkajs')
const { options, topicOf, uniqueName, waitFor } = require('./cluster')

test('a flow gets what is in the topic, with options as its form has them: as text', async () => {
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
    node.close = () => Promise.all(emitter.listeners('close').map(listener => listener()))
  }
  require('@oriolrius/node-red-contrib-kafka/js/kafka-consumer.js')({
    nodes: {
      createNode,
      getNode: id => nodes[id],
      registerType: (name, type) => (types[name] = type)
    },
    httpAdmin: { get() {}, post() {} }
  })
  const [ConsumerNode] = Object.values(types)
  const topic = await topicOf([{ key: 'k', value: '{"celsius":21}' }, { value: 'text' }])
  const node = new ConsumerNode({
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
