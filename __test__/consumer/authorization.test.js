// @ts-check
'use strict'

/** What a consumer is told that may not do what it asks for. On a cluster of its own. */

const { connections } = require('../kafka/connections')
const { createTopic, uniqueName, withAdmin } = require('../kafka/helpers')
const {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes
} = require('kafkajs')
const {
  WITH_ACLS,
  createConsumer,
  createKafka,
  startConsumer,
  useCluster,
  waitFor
} = require('./support')

/** @type {import('../kafka').Cluster} */
let cluster

useCluster({ config: WITH_ACLS }, lent => (cluster = lent))

/** Our user may do anything with topics of this name, and nothing else. @param {string} topic */
const allow = async topic => {
  const [username] = Object.keys(cluster.users)
  const acl = {
    resourceType: AclResourceTypes.TOPIC,
    resourceName: topic,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: `User:${username}`,
    host: '*',
    operation: AclOperationTypes.ALL,
    permissionType: AclPermissionTypes.ALLOW
  }
  await withAdmin(cluster.brokers, async admin => {
    await admin.createAcls({ acl: [acl] })
    // The controller has it; the broker hears of it a moment later.
    await waitFor(async () => (await admin.describeAcls(acl)).resources.length > 0)
  })
}

it('a topic that it may not read: subscribe() rejects', async () => {
  const topic = await createTopic({ brokers: cluster.brokers })
  const consumer = createConsumer({ kafka: createKafka(connections(cluster).plain) })
  await expect(consumer.subscribe({ topics: [topic] })).rejects.toMatchObject({
    name: 'KafkaJSProtocolError',
    type: 'TOPIC_AUTHORIZATION_FAILED'
  })
})

describe('a group that it may not join', () => {
  const start = async () => {
    const topic = await createTopic({ brokers: cluster.brokers })
    await allow(topic)
    const groupId = uniqueName('group')
    const kafka = createKafka(connections(cluster).plain)
    const { seen } = await startConsumer({ topics: [topic], groupId, kafka })
    await waitFor(() => seen.of('CRASH').length > 0)
    return seen.of('CRASH')[0]
  }

  it('is a crash', async () => {
    const { error, restart } = await start()
    expect(restart).toBe(false)
    expect(error).toMatchObject({
      name: 'KafkaJSGroupCoordinatorNotFound',
      message: expect.stringMatching(/^Failed to find group coordinator/)
    })
  })

  it('is named as the cause', async () => {
    const { error } = await start()
    expect(error.cause).toMatchObject({ type: 'GROUP_AUTHORIZATION_FAILED', code: 30 })
  })
})
