// @ts-check
'use strict'

const { isRegExp } = require('node:util').types

/** A topic that was matched is gone when so many looks in a row have not found it: a broker may be behind. */
const ABSENCES = 2

/** What a consumer subscribed to: topics by name, and the patterns that named some of them. */
class Subscription {
  /** @param {{ cluster: import('../cluster'), groupId: string, logger: import('../..').Logger }} options */
  constructor({ cluster, groupId, logger }) {
    this.cluster = cluster
    this.groupId = groupId
    this.logger = logger
    /** @type {Map<string, { fromBeginning: boolean }>} */
    this.topics = new Map()
    /** Those of them that only a pattern has named, and how many looks in a row have not found them. @type {Map<string, number>} */
    this.matched = new Map()
    /** Topics that appear later are matched too. @type {{ pattern: RegExp, fromBeginning: boolean }[]} */
    this.patterns = []
    /** Left to the broker (KIP-848). @type {{ re2: string, fromBeginning: boolean }[]} */
    this.expressions = []
    /** Patterns do not match these. @type {Set<string>} */
    this.leftOut = new Set()
    /** @type {Set<Promise<void>>} */
    this.pending = new Set()
  }

  /**
   * Names and expressions of RE2 count from this moment; patterns as soon as the topics are known.
   * @param {(string | RegExp | { re2: string })[]} topics
   * @param {boolean} fromBeginning
   * @param {{ evenMissing?: boolean }} [options] as in kafkajs, these are subscribed even if one of them is missing: programs make
   * it when `subscribe()` has rejected, and call `run()`
   * @returns {Promise<void>} rejects with a KafkaJSProtocolError for a missing, invalid or forbidden topic, and but for that option
   * subscribes to none of these then
   */
  add(topics, fromBeginning, { evenMissing = false } = {}) {
    const names = /** @type {string[]} */ (topics.filter(topic => typeof topic === 'string'))
    for (const { re2 } of topics.filter(isRe2)) this.expressions.push({ re2, fromBeginning })
    const patterns = /** @type {RegExp[]} */ (topics.filter(isRegExp))
    const adding = this.load(names, patterns, { fromBeginning, evenMissing })
    this.pending.add(adding)
    const forget = () => this.pending.delete(adding)
    adding.then(forget, forget)
    return adding
  }

  /** Nothing is subscribed any more. */
  clear() {
    this.cluster.changeTargetTopics([], [...this.topics.keys()])
    this.topics.clear()
    this.matched.clear()
    this.patterns.length = 0
    this.expressions.length = 0
  }

  /** What the broker is to match topics with: one expression of all, whose topics begin where the last one's do. */
  get pattern() {
    const last = this.expressions.at(-1)
    if (!last) return null
    const all = this.expressions.map(({ re2 }) => re2)
    const regex = all.length === 1 ? last.re2 : all.map(re2 => `(?:${re2})`).join('|')
    return { regex, fromBeginning: last.fromBeginning }
  }

  /** Resolves when no `subscribe()` is under way. */
  async settled() {
    while (this.pending.size > 0) await Promise.allSettled(this.pending)
  }

  /** Was there no `subscribe()`, or one of nothing? */
  get isEmpty() {
    const kinds = [this.topics, this.pending, { size: this.patterns.length }]
    return kinds.every(({ size }) => size === 0) && this.expressions.length === 0
  }

  /**
   * Patterns do not match this topic. One that is subscribed by its name stays.
   * @param {string} topic
   * @returns {boolean} whether one had matched it
   */
  leaveOut(topic) {
    this.leftOut.add(topic)
    if (!this.matched.delete(topic)) return false
    this.topics.delete(topic)
    this.cluster.changeTargetTopics([], [topic])
    return true
  }

  /** Has nobody named a topic? What patterns match was there, and is not to be made again when somebody deletes it. */
  get isByPatterns() {
    return this.patterns.length > 0 && this.matched.size === this.topics.size
  }

  /**
   * Adds the topics that match a pattern by now, and did not before. Those that were matched and are gone are left out: to ask for
   * them would make them again, or keep the others out.
   * @returns {Promise<boolean>} whether there are any
   */
  async matchAgain() {
    const names = await this.names()
    const gone = this.leaveOutGone(names)
    const added = []
    for (const { pattern, fromBeginning } of this.patterns) {
      for (const name of this.match([pattern], names)) {
        if (this.topics.has(name)) continue
        this.topics.set(name, { fromBeginning })
        this.matched.set(name, 0)
        added.push(name)
      }
    }
    this.cluster.changeTargetTopics(added, gone)
    return added.length + gone.length > 0
  }

  /** @param {string[]} names of the topics that there are @returns {string[]} @private */
  leaveOutGone(names) {
    const there = new Set(names)
    const gone = []
    for (const [name, absences] of this.matched) {
      if (there.has(name)) this.matched.set(name, 0)
      else if (absences + 1 < ABSENCES) this.matched.set(name, absences + 1)
      else gone.push(name)
    }
    for (const name of gone) {
      this.topics.delete(name)
      this.matched.delete(name)
    }
    return gone
  }

  /** @private */
  async load(names, patterns, { fromBeginning, evenMissing }) {
    const entries = []
    /** @type {Error | null} */
    let missing = null
    try {
      await this.cluster.untilDisconnected(async signal => {
        entries.push(...this.remember(names, fromBeginning))
        if (patterns.length > 0) {
          const matched = this.match(patterns, await this.names(), true)
          signal.throwIfAborted()
          entries.push(...this.remember(matched, fromBeginning))
        }
        await this.cluster.addMultipleTargetTopics(entries.map(({ name }) => name)).catch(e => {
          if (!evenMissing || e.type !== 'UNKNOWN_TOPIC_OR_PARTITION') throw e
          missing = e
        })
        signal.throwIfAborted()
        for (const { name, before } of entries) if (!before) this.matched.set(name, 0)
        for (const name of names) this.matched.delete(name)
        this.patterns.push(...patterns.map(pattern => ({ pattern, fromBeginning })))
      })
    } catch (e) {
      for (const entry of entries.reverse()) this.restore(entry)
      throw e
    }
    if (missing) throw missing
  }

  /** @returns {Promise<string[]>} of all topics, internal ones included @private */
  async names() {
    const { topicMetadata } = await this.cluster.metadata()
    return topicMetadata.map(({ topic }) => topic)
  }

  /**
   * @param {RegExp[]} patterns
   * @param {string[]} names of all topics
   * @param {boolean} [areNew] one that matches nothing is told
   * @returns {string[]} the names they match
   * @private
   */
  match(patterns, names, areNew = false) {
    const matched = patterns.flatMap(topicRegExp => {
      // With `g` or `y` a RegExp goes on where its last match ended: begin anew with every name, on a copy.
      const pattern = new RegExp(topicRegExp)
      const matchedTopics = names.filter(name => {
        pattern.lastIndex = 0
        return pattern.test(name) && !this.leftOut.has(name)
      })
      this.logger.debug('Subscription based on RegExp', {
        groupId: this.groupId,
        topicRegExp: topicRegExp.toString(),
        matchedTopics
      })
      if (areNew && matchedTopics.length === 0) {
        this.logger.warn(
          `No topic matches ${topicRegExp} by now, of ${names.length} that this user can see: those that appear later will`,
          { groupId: this.groupId }
        )
      }
      return matchedTopics
    })
    return [...new Set(matched)]
  }

  /** @private */
  remember(names, fromBeginning) {
    return names.map(name => {
      const entry = { name, before: this.topics.get(name), now: { fromBeginning } }
      this.topics.set(name, entry.now)
      return entry
    })
  }

  /** @private */
  restore({ name, before, now }) {
    if (this.topics.get(name) !== now) return
    if (before) this.topics.set(name, before)
    else this.topics.delete(name)
  }
}

/** @param {any} topic @returns {topic is { re2: string }} */
const isRe2 = topic => typeof topic?.re2 === 'string'

module.exports = { Subscription, isRe2 }
