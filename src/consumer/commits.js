// @ts-check
'use strict'

/**
 * Commits that handlers and programs ask for, and COMMIT_OFFSETS for these and for the engine's own. Offsets go to the engine as
 * a flat list, which is grouped by topic on the wire; its event `committed` names the ticket of the commit that it is about.
 */

// By no global that a test's fake timers replace.
const { setImmediate } = require('node:timers')
const { KafkaJSNonRetriableError, unwrap } = require('../errors')
const { commitOptions } = require('./arguments')
const Long = require('../utils/long')
const { byTopic } = require('../utils/offsets')
const { Backoff } = require('../retry')
const { events } = require('./instrumentationEvents')

const DONE = Promise.resolve()

/** @typedef {{ topic: string, partition: number, offset: string, metadata: string | null, leaderEpoch: number | null }} Offset */

/**
 * @typedef {object} Commit explicit offsets that are under way
 * @property {Offset[]} offsets
 * @property {(i: number) => object} written how COMMIT_OFFSETS puts offset `i`
 */

class Commits {
  /**
   * @param {{
   *   engine: import('../native').NativeConsumer,
   *   questions: import('./questions').Questions,
   *   necessity: import('./necessity').Necessity,
   *   deliveries: import('./deliveries').Deliveries,
   *   consumerGroup: import('./consumerGroup').ConsumerGroup,
   *   emitter: import('../instrumentation/emitter'),
   *   groupId: string,
   *   asked: import('../protocol/remedies').Asked,
   *   retry: any
   * }} parts `asked`: what errors name
   */
  constructor({ engine, questions, necessity, deliveries, consumerGroup, ...options }) {
    const { emitter, groupId, asked, retry } = options
    this.engine = engine
    this.questions = questions
    this.necessity = necessity
    this.deliveries = deliveries
    this.consumerGroup = consumerGroup
    this.emitter = emitter
    this.groupId = groupId
    this.asked = asked
    this.retry = retry
    /** Where the engine writes slots and offsets. */
    this.uncommitted = new BigInt64Array(32)
    /** The engine refuses commits before its start: until then they wait here. False: it will never start. @type {Promise<boolean>} */
    this.started = new Promise(resolve => {
      this.hasStarted = resolve
    })
    this.isStarted = false
    this.isOver = false
    this.unwatch = () => {}
    /** Commits whose answers are still to come. */
    this.underWay = 0
    this.willSend = false
    this.send = () => {
      this.willSend = false
      this.engine.sendCommits()
    }
  }

  /** The engine has started. */
  start() {
    this.isStarted = true
    this.hasStarted(true)
    this.unwatch = this.emitter.watch(() => {
      // For good: a program that waits for one event after the other removes a listener before it adds the next.
      if (this.emitter.listens(events.COMMIT_OFFSETS)) this.engine.enableCommitEvents()
    })
  }

  /** The engine has stopped. */
  end() {
    this.isOver = true
    this.hasStarted(false)
    this.unwatch()
  }

  /**
   * `commitOffsets` of the consumer: its errors look like those of kafkajs's retrier. (The engine has made the retries.)
   * @param {Offset[]} offsets
   */
  async commitOffsets(offsets) {
    const written = i => {
      const { partition, offset, metadata } = offsets[i]
      return { partition, offset: Long.fromValue(offset), metadata }
    }
    try {
      await this.commit({ offsets, written })
    } catch (error) {
      const backoff = new Backoff(this.retry)
      backoff.spend()
      throw backoff.verdict(error)
    }
  }

  /** Everything that is handled and not committed. @returns {Promise<void>} */
  commitHandled() {
    return this.commit(null)
  }

  /**
   * `commitOffsetsIfNecessary` of a batch: the offsets given, at once, else what interval and threshold say. Some handlers call
   * it for every message: when nothing is due it makes neither a native call nor a promise.
   */
  commitOffsetsIfNecessary(given) {
    if (given) return this.commitGiven(given)
    // A handler may go on after the consumer has stopped: then the engine has committed what there was.
    if (this.isOver || !this.necessity.mayBe()) return DONE
    return this.commitIfNecessary()
  }

  /** @private */
  async commitIfNecessary() {
    if (!this.engine.isCommitNecessary()) return this.necessity.denied()
    await this.ended(this.engine.commitIfNecessary())
  }

  /** @private */
  async commitGiven({ topics }) {
    if (!topics) return this.commit(null)
    const given = topics.flatMap(({ topic, partitions }) =>
      partitions.map(offset => ({ ...offset, topic }))
    )
    // COMMIT_OFFSETS repeats them as the handler has put them: numbers, strings, a Long.
    const written = topics.flatMap(({ partitions }) => partitions.map(offset => ({ ...offset })))
    await this.commit({ offsets: commitOptions(given), written: i => written[i] })
  }

  /**
   * @param {Commit | null} commit null: everything resolved and not committed
   * @returns {Promise<void>}
   * @private
   */
  commit(commit) {
    if (commit?.offsets.length === 0) return DONE
    if (!this.isStarted) return this.commitOnceStarted(commit)
    const asked = this.engine.commit(commit && commit.offsets)
    this.sendSoon()
    return this.ended(asked, commit)
  }

  /**
   * Commits of one turn of the event loop travel together. The engine has one on its way at a time: if the first of them went alone,
   * lanes that wait for their commits would fall into two groups, one of which waits for the other's. For the same reason it lets those
   * that wait wait on when it has an answer for others, until these have heard of it and may have come with their next ones: until this.
   * @private
   */
  sendSoon() {
    if (this.willSend) return
    this.willSend = true
    setImmediate(this.send)
  }

  /** @param {Commit | null} commit @private */
  async commitOnceStarted(commit) {
    if (await this.started) return this.commit(commit)
    throw new KafkaJSNonRetriableError('The consumer was stopped before it could commit')
  }

  /**
   * @param {number | import('../native').NativeFailure} asked
   * @param {Commit | null} [commit]
   * @private
   */
  async ended(asked, commit = null) {
    this.underWay += 1
    try {
      unwrap(await this.questions.ask(asked, commit), this.asked)
    } finally {
      this.underWay -= 1
      if (this.underWay > 0) this.sendSoon()
      this.necessity.forget()
    }
  }

  /** Called for every message by some. */
  uncommittedOffsets() {
    const count = this.engine.uncommitted(this.uncommitted)
    if (count > this.uncommitted.length) {
      this.uncommitted = new BigInt64Array(count)
      return this.uncommittedOffsets()
    }
    /** @type {{ topic: string, partitions: { partition: string, offset: string }[] }[]} */
    const topics = []
    let last = topics[0]
    for (let i = 0; i < count; i += 2) {
      const { topic, partition } = this.deliveries.slot(Number(this.uncommitted[i]))
      if (topic !== last?.topic) topics.push((last = { topic, partitions: [] }))
      last.partitions.push({
        partition: String(partition),
        offset: String(this.uncommitted[i + 1])
      })
    }
    return { topics: topics.length > 1 ? this.consumerGroup.inOrder(topics) : topics }
  }

  /**
   * The coordinator has taken offsets.
   * @param {any} event `committed` of `native.d.ts`
   * @param {Commit | null} commit which had these offsets in it; null: the engine chose them
   */
  committed({ memberId, generationId, offsets }, commit) {
    if (!this.emitter.listens(events.COMMIT_OFFSETS)) return
    const entries = byTopic(offsets, offset => (commit ? asWritten(commit, offset) : asOwn(offset)))
    this.emitter.emit(events.COMMIT_OFFSETS, {
      groupId: this.groupId,
      memberId,
      groupGenerationId: generationId,
      topics: commit ? entries : this.consumerGroup.inOrder(entries)
    })
  }
}

/** @param {Offset} offset */
const asOwn = ({ partition, offset }) => ({ partition: String(partition), offset })

/** @param {Commit} commit @param {Offset} taken one of its offsets */
const asWritten = ({ offsets, written }, taken) =>
  written(
    offsets.findIndex(
      ({ topic, partition, offset }) =>
        topic === taken.topic && partition === taken.partition && offset === taken.offset
    )
  )

module.exports = { Commits }
