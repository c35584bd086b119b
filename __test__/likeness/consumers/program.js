// @ts-check
'use strict'

/**
 * Programs that use a consumer: what they do, step by step, and what their handlers do at which offset. A seed decides, and both
 * libraries get the same. Only what kafkajs does alike each time is in them, and nothing of what DIFFERENCES.md lists.
 */

const { random } = require('../../chaos/random')
const { KINDS } = require('./topics')

/**
 * @typedef {object} Step
 * @property {string} do a method of the consumer, of the payload or of its batch; or `sleep`, `throw`, `quiet`, `write`
 * @property {any[]} [args] '$topic' is the topic; an object with `$error` is an error of the library
 * @property {boolean} [wait] for the end of it
 * @property {boolean} [ofConsumer] where the payload has a method of the same name
 *
 * @typedef {object} Rule what a handler does beside
 * @property {number} partition
 * @property {string} offset of its message, or one in its batch
 * @property {{ from: number, to: number }} visit when it comes to that for which time
 * @property {Step[]} steps
 *
 * @typedef {object} Program
 * @property {number} seed
 * @property {import('./topics').Kind} kind
 * @property {'message' | 'batch'} by
 * @property {boolean} sync handlers that have nothing to wait for return no promise
 * @property {number} slow ms per call of a handler
 * @property {boolean} resolves itself, without eachBatchAutoResolve
 * @property {any} consumer options
 * @property {any} run options
 * @property {Rule[]} rules
 * @property {Step[]} steps
 */

class Odd extends Error {}

const errors = () => [
  new Error('handler'),
  new Odd('odd'),
  Object.assign(new Error('wrapped'), { cause: new Error('inner') }),
  Object.assign(new Error('final'), { retriable: false }),
  Object.assign(new Error('code'), { code: 'E', type: 'UNKNOWN' }),
  new TypeError('mistake'),
  'a text',
  7,
  { an: 'object' },
  { $error: ['KafkaJSError', 'kafka', { retriable: true }] },
  { $error: ['KafkaJSError', 'kafka', { retriable: false }] },
  { $error: ['KafkaJSNonRetriableError', 'kafka'] },
  { $error: ['KafkaJSConnectionError', 'c', { broker: 'b:1', code: 'E' }] },
  { $error: ['KafkaJSRequestTimeoutError', 'r', {}] },
  { $error: ['KafkaJSNoBrokerAvailableError', 'none'] },
  { $error: ['KafkaJSNotImplemented', 'not'] },
  { $error: ['KafkaJSNumberOfRetriesExceeded', new Error('e'), { retryCount: 1, retryTime: 5 }] }
]

const REFUSED = ['seek', 'pause', 'resume', 'paused', 'commitOffsets']
const NOT_RUN = [...REFUSED, 'describeGroup', 'subscribe', 'connect']

const does = (/** @type {Rule} */ { steps }, /** @type {string[]} */ ...names) =>
  steps.some(step => names.includes(step.do))

/** @param {number} seed */
class Maker {
  constructor(seed) {
    this.seed = seed
    this.random = random(seed * 7919 + 13)
    this.kind = /** @type {import('./topics').Kind} */ (
      this.random.pick([
        'plain1',
        'plain1',
        'plain2',
        'mixed1',
        'mixed1',
        'mixed2',
        'own1',
        'own1',
        'own2'
      ])
    )
    this.by = /** @type {'message' | 'batch'} */ (this.random.pick(['message', 'message', 'batch']))
    this.partitions = KINDS[this.kind].partitions
    this.written = 0
    /** A handler stops the consumer, or fails: what becomes of other partitions is chance. */
    this.isEnding = false
  }

  partition() {
    return this.random.below(this.partitions)
  }

  place() {
    return this.random.pick(KINDS[this.kind].offsets)
  }

  /** @returns {Step} */
  seek(at = this.partition()) {
    const { end } = KINDS[this.kind]
    const offset = this.random.chance(0.2) ? this.random.below(end + 1) : this.place()
    const spelled = this.random.pick([offset, String(offset), BigInt(offset)])
    return { do: 'seek', args: [{ topic: '$topic', partition: at, offset: spelled }] }
  }

  /** @returns {Step} */
  pause(at = this.partition()) {
    const { pick } = this.random
    // In kafkajs a partition that is named resumes the others of a topic that is paused.
    const all =
      this.partitions === 1 ? { topic: '$topic' } : { topic: '$topic', partitions: [0, 1] }
    const topics = pick([
      [all],
      [{ topic: '$topic', partitions: [at] }],
      [{ topic: '$topic', partitions: [at] }],
      [{ topic: '$topic', partitions: [0, 1] }],
      [{ topic: 'other' }, { topic: 'unknown', partitions: [7] }],
      []
    ])
    return { do: pick(['pause', 'resume']), args: [topics], ofConsumer: true }
  }

  /** @returns {Step} */
  commit(at = this.partition()) {
    const { pick } = this.random
    const { end } = KINDS[this.kind]
    const one = (more = {}) => ({
      topic: '$topic',
      partition: at,
      offset: pick([this.place(), String(this.place()), BigInt(this.place()), end]),
      ...more
    })
    const offsets = pick([
      [one()],
      [one({ metadata: pick(['meta', '', null]) })],
      [one(), one()],
      [{ topic: '$plain1', partition: 0, offset: '1' }],
      []
    ])
    return { do: 'commitOffsets', args: [offsets], wait: true }
  }

  /** @returns {Step} */
  subscribe() {
    const { pick } = this.random
    const fromBeginning = pick([true, true, true, true, undefined, false])
    const topics = pick([
      { topic: '$topic' },
      { topic: '$topic' },
      { topics: ['$topic'] },
      { topics: ['$topic', '$topic'] },
      { topics: [/^TOPIC$/] },
      { topics: ['$topic', /TOPIC/] },
      { topic: '$plain1', topics: ['$topic'] },
      this.isEnding ? { topics: ['$topic'] } : { topics: ['$plain2', '$topic'] }
    ])
    const argument = fromBeginning === undefined ? topics : { ...topics, fromBeginning }
    return { do: 'subscribe', args: [argument], wait: true }
  }

  /** @param {number} at @returns {Step} */
  ofHandler(at) {
    const { chance, pick } = this.random
    if (this.by === 'batch' && chance(0.6)) return this.ofBatchHandler(at)
    const alone = [
      () => this.pause(at),
      () => ({ do: 'payload.pause', args: chance(0.7) ? [pick([0, 30])] : [] }),
      () => ({ do: 'throw', args: [pick(errors())] }),
      () => ({ do: 'throw', args: [pick(errors())] }),
      () => ({ do: 'paused' }),
      () => ({ do: 'stop' }),
      () => ({ do: 'disconnect' })
    ]
    const any = [
      () => this.seek(at),
      () => ({ do: 'heartbeat', wait: true }),
      () => this.commit(at),
      () => ({ do: 'run' }),
      () => ({ do: 'subscribe', args: [{ topics: ['$topic'] }], wait: true }),
      () => ({ do: 'describeGroup', wait: true }),
      () => ({ do: 'sleep', args: [pick([0, 1, 20])] })
    ]
    // Which of two partitions comes first is chance.
    return pick(this.partitions === 1 ? [...alone, ...any] : any)()
  }

  /** @param {number} at @returns {Step} */
  ofBatchHandler(at) {
    const { pick } = this.random
    const offset = () => String(this.place())
    const partitions = [{ partition: at, offset: offset() }]
    const given = [[], [], [undefined], [null], [{}], [{ topics: [] }]]
    const offsets = [{ topics: [{ topic: '$topic', partitions }] }]
    const alone = [
      () => ({ do: 'commitOffsetsIfNecessary', args: pick([...given, offsets]), wait: true })
    ]
    return pick([
      ...(this.partitions === 1 ? alone : []),
      () => ({ do: 'resolveOffset', args: [offset()] }),
      () => ({ do: 'resolveOffset', args: [this.place()] }),
      () => ({ do: 'uncommittedOffsets' }),
      () => ({ do: 'isRunning' }),
      () => ({ do: 'isStale' }),
      () => ({ do: 'batch.isEmpty' })
    ])()
  }

  /** @param {number} retries @returns {Rule[]} */
  rules(retries) {
    const { below, between, chance } = this.random
    const rules = Array.from({ length: below(4) }, () => {
      const partition = this.partition()
      const visit = chance(0.75)
        ? { from: 1, to: 1 }
        : { from: between(1, 2), to: between(2, retries + 3) }
      const steps = Array.from({ length: between(1, 3) }, () => this.ofHandler(partition))
      const end = steps.findIndex(step => ['stop', 'disconnect', 'throw'].includes(step.do))
      if (end >= 0) steps.length = end + 1
      return { partition, offset: String(this.place()), visit, steps }
    })
    return this.comparable(rules)
  }

  /** What goes on behind the `stop()` of a handler is a matter of time, and kafkajs never forgives a failure. @param {Rule[]} rules */
  comparable(rules) {
    const stopping = rules.find(rule => does(rule, 'stop', 'disconnect'))
    if (stopping) {
      const others = ['seek', 'run', 'resolveOffset', 'uncommittedOffsets']
      const steps = stopping.steps.filter(step => !others.includes(step.do))
      return [{ ...stopping, steps }]
    }
    const [failing] = rules.filter(rule => does(rule, 'throw'))
    if (!failing) return rules
    // kafkajs undoes what is committed by hand where nothing is handled, and loses what is sought when it crashes.
    const undone = ['commitOffsets', 'seek']
    for (const rule of rules) rule.steps = rule.steps.filter(step => !undone.includes(step.do))
    return rules.filter(rule => rule === failing || !does(rule, 'throw'))
  }

  /** @returns {Step} */
  anyTime() {
    return this.random.pick([
      () => this.seek(),
      () => this.seek(),
      () => this.pause(),
      () => this.pause(),
      () => ({ do: 'paused' }),
      () => this.commit(),
      () => ({ do: 'describeGroup', wait: true }),
      () => ({ do: 'run', wait: true }),
      () => this.subscribe(),
      () => ({ do: 'connect', wait: true })
    ])()
  }

  /** @returns {Step[]} */
  writes() {
    if (!this.kind.startsWith('own') || this.random.chance(0.3)) return []
    this.written += 10
    const args = [this.partition(), this.written, this.random.between(1, 3)]
    return [{ do: 'write', args }, { do: 'quiet' }]
  }

  /** At most so many, of these, or of all. @param {number} most @param {string[]} [names] @returns {Step[]} */
  some(most, names) {
    const steps = Array.from({ length: this.random.below(most + 1) }, () => this.anyTime())
    // run() may find a consumer that has crashed, and what follows it is then a matter of time.
    const wanted = names ?? (this.isEnding ? NOT_RUN : null)
    return steps.filter(step => wanted === null || wanted.includes(step.do))
  }

  /** @returns {Step[]} */
  steps() {
    const { below, chance, pick } = this.random
    const quiet = { do: 'quiet' }
    /** @type {Step[]} */
    const steps = [...(chance(0.2) ? this.some(2, REFUSED) : []), { do: 'connect', wait: true }]
    steps.push(this.subscribe())
    if (chance(0.15)) steps.push(this.subscribe())
    if (chance(0.15)) steps.push(...this.some(1, REFUSED))
    steps.push({ do: 'run', wait: chance(0.85) })
    // Nothing that the first Fetch may come before.
    if (chance(0.3)) steps.push(...this.some(2, ['paused', 'describeGroup', 'subscribe']))
    steps.push(quiet)
    for (let n = below(3); n > 0; n--) steps.push(...this.writes(), ...this.some(2), quiet)
    if (chance(0.5)) return steps
    const how = pick(['stop', 'stop', 'disconnect'])
    steps.push({ do: how, wait: true })
    if (chance(0.3)) steps.push(...this.some(2, REFUSED))
    steps.push(...this.writes())
    if (how === 'disconnect') steps.push(quiet, { do: 'connect', wait: true })
    if (chance(0.3)) steps.push(this.subscribe())
    if (chance(0.8)) steps.push({ do: 'run', wait: true })
    steps.push(quiet)
    if (chance(0.3)) steps.push(...this.writes(), ...this.some(2), quiet)
    return steps
  }

  /** @returns {Program} */
  program() {
    const { between, chance, pick } = this.random
    const { seed, kind, by } = this
    const retries = between(1, 3)
    const restarts = chance(0.5)
    const consumer = {
      maxWaitTimeInMs: 100,
      heartbeatInterval: pick([20, 3000]),
      allowAutoTopicCreation: false,
      retry: {
        initialRetryTime: 10,
        factor: 0,
        multiplier: pick([1, 2]),
        retries,
        ...(chance(0.5) && { restartOnFailure: async () => restarts })
      },
      ...(chance(0.2) && { maxBytesPerPartition: pick([1, 120, 400]) }),
      ...(chance(0.15) && { readUncommitted: true }),
      ...(chance(0.1) && { minBytes: pick([1, 10, 100000]) }),
      ...(chance(0.1) && { maxBytes: pick([1, 300]) })
    }
    const autoCommit = chance(0.75)
    const resolves = by === 'batch' && chance(0.4)
    const run = {
      ...((!autoCommit || chance(0.7)) && { autoCommit }),
      ...(chance(0.25) && { autoCommitInterval: pick([1, 60_000]) }),
      ...(chance(0.25) && { autoCommitThreshold: pick([1, 3, 100]) }),
      ...(resolves && { eachBatchAutoResolve: false }),
      ...(chance(0.3) && { partitionsConsumedConcurrently: between(1, 3) })
    }
    const slow = chance(0.15) ? 5 : 0
    const rules = this.rules(retries)
    this.isEnding = rules.some(rule => does(rule, 'stop', 'disconnect', 'throw'))
    let steps = this.steps()
    // Its own commits are awaited in kafkajs, and a seek waits for the next Fetch.
    const named = [...steps, ...rules.flatMap(rule => rule.steps)].map(step => step.do)
    const isPlain = !autoCommit && this.partitions === 1
    if (!isPlain || named.some(name => name === 'seek' || name.startsWith('commitOffsets'))) {
      for (const rule of rules) {
        rule.steps = rule.steps.filter(step => step.do !== 'uncommittedOffsets')
      }
    }
    // kafkajs writes over what is committed by hand as soon as another partition has a batch.
    if (autoCommit && this.partitions > 1) {
      steps = steps.filter(step => step.do !== 'commitOffsets')
    }
    // What is sought right before a stop() is lost in kafkajs, and disconnect() is the end.
    if (rules.some(rule => does(rule, 'stop'))) steps = steps.filter(step => step.do !== 'seek')
    if (rules.some(rule => does(rule, 'disconnect'))) {
      steps.length = steps.findIndex(step => step.do === 'quiet') + 1
    }
    return { seed, kind, by, sync: chance(0.3), slow, resolves, consumer, run, rules, steps }
  }
}

/** @param {number} seed @returns {Program} */
const programOf = seed => new Maker(seed).program()

module.exports = { does, programOf }
