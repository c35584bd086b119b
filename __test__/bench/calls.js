'use strict'

/**
 * What programs call once per message, as rows of `npm run bench -- --calls`: one client of kafkajs's API handles messages
 * for some seconds and makes the call at each of them.
 */

/**
 * @typedef {object} Row
 * @property {string} title
 * @property {'eachMessage' | 'eachBatch'} api
 * @property {Record<string, any>} [run] further options of `run()`
 * @property {(payload: any, message: any, context: { consumer: any, topic: string }) => any} call `payload` is that of the
 *   handler
 * @property {string} [plain] the row without the call: the ratio to it is shown as well
 */

const after = (/** @type {string} */ offset) => String(BigInt(offset) + 1n)

/** @type {Row['call']} */
const commitOffsets = ({ partition }, message, { consumer, topic }) =>
  consumer.commitOffsets([{ topic, partition, offset: after(message.offset) }])

/** @type {Row['call']} */
const commitIfNecessary = ({ resolveOffset, commitOffsetsIfNecessary }, message) => {
  resolveOffset(message.offset)
  return commitOffsetsIfNecessary()
}

/** @type {Record<string, Row>} */
const ROWS = {
  plain: { title: 'eachMessage, nothing', api: 'eachMessage', call: () => {} },
  interval: {
    title: 'autoCommitInterval: 100',
    api: 'eachMessage',
    run: { autoCommitInterval: 100 },
    call: () => {},
    plain: 'plain'
  },
  threshold: {
    title: 'autoCommitThreshold: 1000',
    api: 'eachMessage',
    run: { autoCommitThreshold: 1000 },
    call: () => {},
    plain: 'plain'
  },
  heartbeat: {
    title: 'await heartbeat()',
    api: 'eachMessage',
    call: ({ heartbeat }) => heartbeat()
  },
  resolve: {
    title: 'resolveOffset()',
    api: 'eachBatch',
    call: ({ resolveOffset }, message) => resolveOffset(message.offset)
  },
  uncommitted: {
    title: 'resolveOffset(), uncommittedOffsets()',
    api: 'eachBatch',
    call: ({ resolveOffset, uncommittedOffsets }, message) => {
      resolveOffset(message.offset)
      if (uncommittedOffsets().topics.length === 0) throw new Error('nothing is uncommitted')
    }
  },
  necessary: {
    title: 'await commitOffsetsIfNecessary()',
    api: 'eachBatch',
    call: commitIfNecessary
  },
  due: {
    title: 'the same, interval 100, threshold 10000',
    api: 'eachBatch',
    run: { autoCommitInterval: 100, autoCommitThreshold: 10_000 },
    call: commitIfNecessary
  },
  commit: {
    title: 'await commitOffsets()',
    api: 'eachMessage',
    run: { autoCommit: false },
    call: commitOffsets
  },
  commit4: {
    title: 'await commitOffsets(), 4 at once',
    api: 'eachMessage',
    run: { autoCommit: false, partitionsConsumedConcurrently: 4 },
    call: commitOffsets
  },
  pause: {
    title: 'pause() and resume()',
    api: 'eachMessage',
    call: ({ pause }) => pause()()
  },
  pauseLater: {
    title: 'pause(), resume() 1 ms later',
    api: 'eachMessage',
    call: ({ pause }) => void setTimeout(pause(), 1)
  }
}

/** Clients with kafkajs's API. */
const CLIENTS = ['kafkars', 'kafkajs']

module.exports = { ROWS, CLIENTS }
