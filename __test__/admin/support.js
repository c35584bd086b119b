// @ts-check
'use strict'

/** Admin clients of the library under test, and of kafkajs as the independent observer. */

const kafkajs = require('kafkajs')
const { sharedCluster } = require('../kafka/helpers')
const consumerSupport = require('../consumer/support')

/** @type {{ disconnect: () => Promise<void> }[]} */
const opened = []

afterAll(() => Promise.all(opened.splice(0).map(admin => admin.disconnect())))

/**
 * Disconnected at the end of the file. What kafkajs does not have is not in its type.
 * @param {any} [options] of the client; `retry` of the admin client, which waits little by default
 * @returns {any}
 */
const createAdmin = ({ retry = { initialRetryTime: 20, retries: 5 }, ...options } = {}) => {
  const admin = consumerSupport.createKafka(options).admin({ retry })
  opened.push(admin)
  return admin
}

/**
 * kafkajs's, whichever library is tested.
 * @param {string[]} [brokers]
 */
const createObserver = (brokers = sharedCluster().brokers) => {
  const logLevel = kafkajs.logLevel.NOTHING
  const admin = new kafkajs.Kafka({ brokers, logLevel, connectionTimeout: 20_000 }).admin()
  opened.push(admin)
  return admin
}

/** What this rejects with. @param {Promise<any>} promise @returns {Promise<any>} */
const errorOf = promise =>
  promise.then(
    value => {
      throw new Error(`It has resolved to ${JSON.stringify(value)}`)
    },
    error => error
  )

/**
 * Brokers apply a moment later what the controller has decided: until this does not throw any more.
 * @template T
 * @param {() => Promise<T>} check
 * @returns {Promise<T>}
 */
const eventually = async check => {
  for (const end = Date.now() + 20_000; ; await consumerSupport.pause(20)) {
    try {
      return await check()
    } catch (e) {
      if (Date.now() > end) throw e
    }
  }
}

/**
 * A consumer that is a member of its group.
 * @param {string} topic
 * @param {Record<string, any>} [options] of `startConsumer`
 */
const startMember = async (topic, options) => {
  const started = await consumerSupport.startConsumer({
    topics: [topic],
    // Of KIP-848 the broker has them.
    ...(options?.groupProtocol === 'consumer' && {
      heartbeatInterval: undefined,
      sessionTimeout: undefined
    }),
    ...options
  })
  await consumerSupport.waitFor(() => started.seen.of('GROUP_JOIN').length > 0)
  return started
}

/** Who may write to this topic. @param {string} name */
const topicRule = name => ({
  resourceType: 2,
  resourceName: name,
  resourcePatternType: 3,
  principal: 'User:alice',
  host: '*',
  operation: 4,
  permissionType: 3
})

module.exports = {
  ...consumerSupport,
  createAdmin,
  createObserver,
  errorOf,
  eventually,
  startMember,
  topicRule
}
