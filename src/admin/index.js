// @ts-check
'use strict'

const createAclMethods = require('./acls')
const { Attempts } = require('./attempts')
const createClusterMethods = require('./cluster')
const createConfigMethods = require('./configs')
const createGroupMethods = require('./groups')
const createOffsetMethods = require('./offsets')
const { createCheck } = require('./options')
const createPartitionMethods = require('./partitions')
const createQuotaMethods = require('./quotas')
const createReassignmentMethods = require('./reassignments')
const createTopicMethods = require('./topics')
const createTransactionMethods = require('./transactions')
const createUserMethods = require('./users')
const { events, wrap, unwrap } = require('./instrumentationEvents')
const { createOn } = require('../instrumentation/clientEvents')
const InstrumentationEventEmitter = require('../instrumentation/emitter')
const { interruptible } = require('../utils/interruption')

/**
 * Makes the admin client that `kafka.admin()` returns: a plain object, whose methods work without `this`. They connect by themselves,
 * as kafkajs's do; a `disconnect()` ends those that are under way.
 *
 * @param {{
 *   cluster: import('../cluster'),
 *   logger: import('../..').Logger,
 *   retry?: any,
 *   instrumentationEmitter?: import('../instrumentation/emitter')
 * }} options
 * @returns {any}
 */
module.exports = ({ cluster, logger: rootLogger, retry = {}, instrumentationEmitter }) => {
  const logger = rootLogger.namespace('Admin')
  const emitter = instrumentationEmitter ?? new InstrumentationEventEmitter('admin')
  const attempts = new Attempts({ cluster, retry, logger })
  const frame = { cluster, attempts, logger }

  const connect = async () => {
    await cluster.connect()
    emitter.emit(events.CONNECT)
  }

  const disconnect = async () => {
    await cluster.disconnect()
    emitter.emit(events.DISCONNECT)
  }

  /** @type {Record<string, (...args: any[]) => Promise<any>>} */
  const methods = {
    ...createClusterMethods(frame),
    ...createTopicMethods(frame),
    ...createPartitionMethods(frame),
    ...createReassignmentMethods(frame),
    ...createConfigMethods(frame),
    ...createGroupMethods(frame),
    ...createOffsetMethods(frame),
    ...createAclMethods(frame),
    ...createUserMethods(frame),
    ...createQuotaMethods(frame),
    ...createTransactionMethods(frame)
  }
  const check = createCheck(logger)
  const calls = {}
  for (const [name, method] of Object.entries(methods)) {
    // What a method throws before it waits for anything is a rejection, too.
    calls[name] = interruptible(async (...args) =>
      check(name, args[0]) ? method(...args) : method()
    )
  }

  return {
    connect: interruptible(connect),
    disconnect,
    ...calls,
    on: createOn({ client: 'admin', events, wrap, unwrap, emitter, logger }),
    events,
    logger: () => logger
  }
}
