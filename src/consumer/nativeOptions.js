// @ts-check
'use strict'

const { toNativeHooks } = require('./rebalanceHooks')

/**
 * @param {{ groupId: string, options: Record<string, any>, run: Record<string, any>, assigners: any[] }} config
 *   of `kafka.consumer()` and of `run()`; the engine's assigners are names
 * @returns {import('../native').NativeConsumerOptions}
 */
const toNativeOptions = ({ groupId, options, run, assigners }) => ({
  groupId: groupId || '',
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
  setsAside: run.onFailure?.unreadable === true,
  autoOffsetReset: resetOf(options.autoOffsetReset),
  autoOffsetResetDuration: options.autoOffsetReset?.duration ?? null,
  autoCommit: run.autoCommit,
  autoCommitInterval: run.autoCommitInterval ?? null,
  autoCommitThreshold: run.autoCommitThreshold ?? null,
  keepsFinished: run.messagesConsumedConcurrently != null,
  lanes: run.partitionsConsumedConcurrently,
  hooks: toNativeHooks(options),
  assignors: assigners.map(assigner =>
    typeof assigner === 'string' ? assigner : (assigner.rebalanceProtocol ?? 'eager')
  ),
  groupProtocol: run.isManual ? 'manual' : options.groupProtocol,
  groupRemoteAssignor: options.groupRemoteAssignor
})

/** @param {any} autoOffsetReset @returns {'none' | 'earliest' | 'latest' | null} */
const resetOf = autoOffsetReset =>
  typeof autoOffsetReset === 'string' ? /** @type {any} */ (autoOffsetReset) : null

/** @param {Map<string, { fromBeginning: boolean }>} topics */
const toNativeTopics = topics =>
  [...topics].map(([topic, { fromBeginning }]) => ({ topic, fromBeginning }))

module.exports = { toNativeOptions, toNativeTopics }
