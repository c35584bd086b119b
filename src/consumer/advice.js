// @ts-check
'use strict'

/** Calls that are taken as kafkajs takes them, and were hardly meant so: a line in the log for each. */

const { createWarnOnce } = require('../utils/warnOnce')

const NO_HANDLER =
  'consumer.run() got neither eachMessage nor eachBatch: this consumer joins its group, and reads nothing'
const TWO_HANDLERS =
  'consumer.run() got eachMessage and eachBatch: eachBatch is not called, as one of them is for all messages'
const NO_TOPICS = 'consumer.subscribe() got an empty list: it has subscribed to nothing'
const NOT_SUBSCRIBED =
  'Nothing to read: consumer.subscribe() was not called before, nor consumer.assign()'

/** What `subscribe()` and `offsetsForTimes()` take, and `assign()` does not. @type {Record<string, string>} */
const NOT_ASSIGNED = {
  fromBeginning: 'offset: "earliest" begins with the first message',
  timestamp: 'for a time, offset has to be a Date'
}

class Advice {
  /** @param {{ logger: import('../..').Logger, groupId: string }} parts */
  constructor({ logger, groupId }) {
    this.hasNamedNone = false
    const warn = createWarnOnce(logger)
    /** @private */
    this.tell = (/** @type {string} */ text) => warn(text, { groupId })
  }

  /** @param {{ eachMessage: any, eachBatch: any }} run */
  onHandlers({ eachMessage, eachBatch }) {
    if (!eachMessage && !eachBatch) this.tell(NO_HANDLER)
    if (eachMessage && eachBatch) this.tell(TWO_HANDLERS)
  }

  /** @param {any[]} topics */
  onTopics(topics) {
    if (topics.length > 0) return
    this.hasNamedNone = true
    this.tell(NO_TOPICS)
  }

  onNothing() {
    if (!this.hasNamedNone) this.tell(NOT_SUBSCRIBED)
  }

  /** Without "partitions" it is all of the topic. @param {'pause' | 'resume'} action @param {Iterable<any>} [entries] */
  onPartitions(action, entries = []) {
    const isMeant = entry => entry.partitions === undefined && 'partition' in entry
    const meant = [...entries].find(isMeant)
    if (meant === undefined) return
    this.tell(
      `Unknown option "partition" of consumer.${action}() is ignored: did you mean "partitions"? All partitions of "${meant.topic}" are meant without it`
    )
  }

  /** @param {any[]} wanted */
  onAssigned(wanted) {
    for (const [name, hint] of Object.entries(NOT_ASSIGNED)) {
      if (!wanted.some(entry => entry.offset == null && entry[name] !== undefined)) continue
      this.tell(`Unknown option "${name}" of consumer.assign() is ignored: ${hint}`)
    }
  }
}

module.exports = { Advice }
