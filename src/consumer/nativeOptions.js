// @ts-check
'use strict'

const { toNativeHooks } = require('./rebalanceHooks')

/**
 * @param {{ groupId: string, options: Record<string, any>, run: Record<string, any>, assigners: any[] }} config
 *   of `kafka.consumer()` and of `run()`; the engine's assigners are names
 * @returns {import('../native').NativeConsumerOptions}
 */
const toNativeOptions = ({ groupId, options, run, assigners }) => ({
  groupId,
  groupInstanceId: options.groupInstanceId ?? null,
  sessionTimeout: options.sessionTimeout,
  rebalanceTimeout: options.rebalanceTimeout,
  heartbeatInterval: options.heartbeatInterval,
  maxPollInterval: options.maxPollInterval,
  metadataMaxAge: options.metadataMaxAge,
  allowAutoTopicCreation: options.allowAutoTopicCreation,
  maxBytesPerPartition: options.maxBytesPerPartition,
  minBytes: options.minBytes,
  maxBytes: options.maxBytes,
  maxWaitTimeInMs: options.maxWaitTimeInMs,
  maxQueuedBytes: options.maxQueuedBytes,
  maxDecompressedBytes: options.maxDecompressedBytes,
  readUncommitted: options.readUncommitted,
  rackId: options.rackId,
  checkCrcs: options.checkCrcs,
  autoOffsetReset: options.autoOffsetReset ?? null,
  autoCommit: run.autoCommit,
  autoCommitInterval: run.autoCommitInterval ?? null,
  autoCommitThreshold: run.autoCommitThreshold ?? null,
  keepsFinished: run.messagesConsumedConcurrently != null,
  lanes: run.partitionsConsumedConcurrently,
  hooks: toNativeHooks(options),
  assignors: assigners.map(assigner =>
    typeof assigner === 'string' ? assigner : (assigner.rebalanceProtocol ?? 'eager')
  ),
  groupProtocol: options.groupProtocol,
  groupRemoteAssignor: options.groupRemoteAssignor
})

/** @param {Map<string, { fromBeginning: boolean }>} topics */
const toNativeTopics = topics =>
  [...topics].map(([topic, { fromBeginning }]) => ({ topic, fromBeginning }))

module.exports = { toNativeOptions, toNativeTopics }
