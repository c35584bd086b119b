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
 * @property {import('./workloads').Workload} [workload] what is read; default: `small`
 * @property {boolean} [unordered] handlers run beside each other: nothing says that a message has come again
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

/** @param {string} title @param {Row['call']} call @param {Partial<Row>} [more] @returns {Row} */
const row = (title, call, more) => ({ title, api: 'eachMessage', call, ...more })

/** @type {typeof row} */
const rowOfBatches = (title, call, more) => row(title, call, { api: 'eachBatch', ...more })

const none = () => {}
/** A handler that waits for a database. */
const wait = () => new Promise(resolve => setTimeout(resolve, 5))
/** Of a thousand customers. */
const ORDERS = {
  ...{ name: 'orders', messages: 200_000, size: 100, keyed: false },
  ...{ keys: 1000, partitions: 6, codec: 'none' }
}

/** @type {Record<string, Row>} */
const ROWS = {
  plain: row('eachMessage, nothing', none),
  interval: row('autoCommitInterval: 100', none, {
    run: { autoCommitInterval: 100 },
    plain: 'plain'
  }),
  threshold: row('autoCommitThreshold: 1000', none, {
    run: { autoCommitThreshold: 1000 },
    plain: 'plain'
  }),
  heartbeat: row('await heartbeat()', ({ heartbeat }) => heartbeat()),
  resolve: rowOfBatches('resolveOffset()', ({ resolveOffset }, message) =>
    resolveOffset(message.offset)
  ),
  uncommitted: rowOfBatches(
    'resolveOffset(), uncommittedOffsets()',
    ({ resolveOffset, uncommittedOffsets }, message) => {
      resolveOffset(message.offset)
      if (uncommittedOffsets().topics.length === 0) throw new Error('nothing is uncommitted')
    },
    // An automatic commit may come between the two.
    { run: { autoCommit: false } }
  ),
  necessary: rowOfBatches('await commitOffsetsIfNecessary()', commitIfNecessary),
  due: rowOfBatches('the same, interval 100, threshold 10000', commitIfNecessary, {
    run: { autoCommitInterval: 100, autoCommitThreshold: 10_000 }
  }),
  commit: row('await commitOffsets()', commitOffsets, { run: { autoCommit: false } }),
  commit4: row('await commitOffsets(), 4 at once', commitOffsets, {
    run: { autoCommit: false, partitionsConsumedConcurrently: 4 }
  }),
  waits: row('waits 5 ms, 6 partitions at once', wait, {
    run: { partitionsConsumedConcurrently: 6 },
    workload: ORDERS
  }),
  parallel: row('waits 5 ms, 100 messages at once', wait, {
    run: { messagesConsumedConcurrently: 100 },
    workload: ORDERS,
    unordered: true,
    plain: 'waits'
  }),
  pause: row('pause() and resume()', ({ pause }) => pause()()),
  pauseLater: row('pause(), resume() 1 ms later', ({ pause }) => void setTimeout(pause(), 1))
}

/** Clients with kafkajs's API. */
const CLIENTS = ['kafkars', 'kafkajs']

module.exports = { ROWS, CLIENTS }
