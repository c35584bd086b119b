'use strict'

jest.mock('../../src/native', () => ({}))
const kafkajs = require('kafkajs')
const native = require('../../src/native')
const { Kafka, KafkaJSNotImplemented, logLevel } = require('../..')
const { createNativeClient, createWorld } = require('./support')

const create = () => {
  const world = createWorld()
  native.NativeClient = createNativeClient(world)
  const admin = new Kafka({ brokers: ['b1:9092'], logLevel: logLevel.NOTHING }).admin()
  return { world, admin }
}

it('describes the cluster, without asking for a topic', async () => {
  const { world, admin } = create()
  await admin.connect()
  expect(await admin.describeCluster()).toEqual({
    brokers: [
      { nodeId: 1, host: 'b1', port: 9092 },
      { nodeId: 2, host: 'b2', port: 9092 }
    ],
    controller: 1,
    clusterId: 'cluster-1'
  })
  expect(world.metadataRequests).toEqual([{ topics: [], allowAutoTopicCreation: false }])
  await admin.disconnect()
  expect(world.clients[0].closed).toBe(true)
})

it('has every method of kafkajs; those which are missing say where to find them', async () => {
  const { admin } = create()
  const theirs = new kafkajs.Kafka({ brokers: ['b1:9092'] }).admin()
  expect(Object.keys(admin).sort()).toEqual(Object.keys(theirs).sort())
  expect(admin.events).toEqual(theirs.events)
  const methods = Object.entries(theirs)
    .filter(([, value]) => typeof value === 'function')
    .map(([name]) => name)
  const here = ['connect', 'disconnect', 'describeCluster', 'logger', 'on']
  for (const name of methods.filter(method => !here.includes(method))) {
    await expect(admin[name]()).rejects.toThrow(KafkaJSNotImplemented)
    await expect(admin[name]()).rejects.toThrow(
      `no admin.${name} yet: use the admin client of the kafkajs`
    )
  }
  expect(() => admin.on(admin.events.CONNECT, () => {})).toThrow(KafkaJSNotImplemented)
})
