'use strict'

jest.mock('../../src/native', () => ({}))
const kafkajs = require('kafkajs')
const native = require('../../src/native')
const { Kafka, logLevel } = require('../..')
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

it('has every method and event of kafkajs', async () => {
  const { admin } = create()
  const theirs = new kafkajs.Kafka({ brokers: ['b1:9092'] }).admin()
  expect(Object.keys(admin)).toEqual(expect.arrayContaining(Object.keys(theirs)))
  expect(admin.events).toEqual(theirs.events)
})

it('refuses an event that does not exist in the words of kafkajs', () => {
  const { admin } = create()
  const theirs = new kafkajs.Kafka({ brokers: ['b1:9092'] }).admin()
  const messageOf = client => {
    try {
      client.on('connect', () => {})
    } catch (e) {
      return e.message
    }
  }
  expect(messageOf(admin)).toMatch(/^Event name should be one of admin\.events\.CONNECT, /)
  expect(messageOf(admin)).toBe(messageOf(theirs))
})

it('tells of connect and disconnect', async () => {
  const { admin } = create()
  const told = []
  const remove = admin.on(admin.events.CONNECT, event => told.push(event))
  admin.on(admin.events.DISCONNECT, ({ type, payload }) => told.push({ type, payload }))
  await admin.connect()
  remove()
  await admin.connect()
  await admin.disconnect()
  expect(told).toEqual([
    { id: expect.any(Number), type: 'admin.connect', timestamp: expect.any(Number) },
    { type: 'admin.disconnect', payload: undefined }
  ])
})
