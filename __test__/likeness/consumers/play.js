// @ts-check
'use strict'

/** Plays a program (`program.js`) on one of the libraries, and writes down what it could see, in order. */

const { setTimeout: pause } = require('node:timers/promises')
const { line, ofError, ofMessage, shape } = require('./told')

/** Without a call of a handler for so long, all is done that is going to happen, ms. */
const QUIET = 450
/** ms; then something never ends. */
const PATIENCE = 8000
/** Calls of handlers: some programs read the same again and again. */
const MOST_CALLS = 300

/** How often they come is a matter of time. */
const FREQUENT = ['HEARTBEAT', 'FETCH', 'FETCH_START', 'REQUEST', 'REQUEST_QUEUE_SIZE']
/** What is another one in each run. */
const PERSONAL = ['duration', 'memberId', 'leaderId', 'groupGenerationId', 'groupId']

/** @typedef {{ kind: string } & Record<string, any>} Seen */
/**
 * @typedef {object} World
 * @property {string[]} brokers
 * @property {Record<string, string>} topics by kind
 * @property {string} groupId
 * @property {(topic: string, what: any[]) => Promise<any>} write
 */

class Player {
  /**
   * @param {any} library kafkajs or kafkars
   * @param {import('./program').Program} program
   * @param {World} world
   */
  constructor(library, program, { brokers, topics, groupId, write }) {
    this.library = library
    this.program = program
    this.write = write
    this.topics = topics
    this.topic = topics[program.kind]
    /** Names of this run, and what stands for them. */
    this.names = [
      [groupId, 'GROUP'],
      [this.topic, 'TOPIC'],
      ...Object.entries(topics).map(([kind, topic]) => [topic, kind])
    ]
    /** @type {Seen[]} */
    this.seen = []
    this.lastCall = Date.now()
    this.calls = 0
    this.joins = 0
    /** So many there are once it has restarted. */
    this.joinsWanted = 0
    /** How often each step was taken. @type {Map<string, number>} */
    this.taken = new Map()
    this.rules = program.rules.map((rule, number) => ({ ...rule, number, visits: 0 }))
    const kafka = new library.Kafka({
      brokers,
      clientId: 'player',
      connectionTimeout: 20_000,
      logLevel: library.logLevel.INFO,
      logCreator: () => (/** @type {any} */ entry) => this.logged(entry)
    })
    this.consumer = kafka.consumer({ groupId, ...program.consumer })
    for (const [name, event] of Object.entries(this.consumer.events)) {
      this.consumer.on(event, (/** @type {any} */ told) => this.heard(name, told))
    }
  }

  async play() {
    const { steps } = this.program
    try {
      for (const [n, step] of steps.entries()) await this.take(step, `step ${n}`)
      await this.quiet()
    } finally {
      this.see('end')
      // In kafkajs it may never end.
      await Promise.race([this.consumer.disconnect().catch(() => {}), pause(PATIENCE / 2)])
    }
    return this.seen
  }

  /** @param {string} kind @param {Record<string, any>} [what] @private */
  see(kind, what = {}) {
    this.seen.push({ kind, ...what })
  }

  /** Without the names of this run. @param {any} text @private */
  plain(text) {
    return this.names.reduce((all, [name, instead]) => all.replaceAll(name, instead), String(text))
  }

  /** @private */
  logged({ namespace, label, log: { message, timestamp, logger, ...more } }) {
    const extra = Object.keys(more).sort().join()
    this.see('log', { label, namespace, message: this.plain(message), extra })
  }

  /** @param {string} name @private */
  heard(name, { payload, ...event }) {
    if (name === 'GROUP_JOIN') this.joins++
    if (name === 'CRASH' && payload.restart) this.joinsWanted = this.joins + 1
    const is = `${Object.keys(event).sort()} ${this.plain(shape(payload))}`
    if (FREQUENT.includes(name)) return this.see('often', { name, is })
    const values = payload && { ...payload }
    if (values?.error) values.error = ofError(values.error)
    for (const key of PERSONAL) delete values?.[key]
    this.see('event', { name, is, values: this.plain(line(values)) })
  }

  /** @private */
  async quiet() {
    this.lastCall = Date.now()
    const end = Date.now() + PATIENCE
    while (Date.now() < end) {
      await pause(20)
      if (this.joins < this.joinsWanted) this.lastCall = Date.now()
      if (Date.now() - this.lastCall > QUIET) return
    }
    this.see('settled', { tag: 'quiet', outcome: 'never' })
  }

  // ---- steps

  /** @param {import('./program').Step} step @param {string} place @param {any} [payload] of a handler */
  async take(step, place, payload) {
    const { do: what, args = [], wait = false } = step
    if (what === 'throw') throw this.errorOf(args[0])
    if (what === 'sleep') return pause(args[0])
    if (what === 'quiet') return this.quiet()
    if (what === 'write') return this.write(this.topic, args)
    const nth = (this.taken.get(place) ?? 0) + 1
    this.taken.set(place, nth)
    const tag = `${place}${nth > 1 ? `, time ${nth}` : ''}: ${what}(${line(args).slice(1, -1)})`
    const done = this.settle(tag, () => this.call(step, payload, tag))
    if (wait) await Promise.race([done, pause(PATIENCE)])
  }

  /** @private */
  call({ do: what, args = [], ofConsumer = false }, payload, tag) {
    const { consumer, program } = this
    const given = this.here(args)
    if (what === 'payload.pause') {
      const resume = payload.pause()
      const [after] = args
      if (after !== undefined) setTimeout(() => this.settle(`${tag}, resume`, resume), after)
      return typeof resume
    }
    if (what.startsWith('batch.')) return payload.batch[what.slice('batch.'.length)](...given)
    if (payload && what in payload && !ofConsumer) return payload[what](...given)
    if (what === 'run') return consumer.run({ ...program.run, ...this.handlers() })
    if (what === 'describeGroup') {
      return consumer.describeGroup().then(group => `${shape(group)} ${group.state}`)
    }
    return consumer[what](...given)
  }

  /** Writes down how it ends. @param {string} tag @param {() => any} action @private */
  async settle(tag, action) {
    const end = (/** @type {any} */ outcome) =>
      this.see('settled', { tag, outcome: this.plain(line(outcome)) })
    let result
    try {
      result = action()
    } catch (error) {
      return end({ threw: ofError(error) })
    }
    if (typeof result?.then !== 'function') return end({ returned: result })
    await result.then(
      (/** @type {any} */ value) => end({ resolved: value }),
      (/** @type {any} */ error) => end({ rejected: ofError(error) })
    )
  }

  /** What programs name, in this run. @param {any} value @returns {any} @private */
  here(value) {
    if (value === '$topic') return this.topic
    if (typeof value === 'string' && value.startsWith('$')) return this.topics[value.slice(1)]
    if (value instanceof RegExp) return new RegExp(value.source.replaceAll('TOPIC', this.topic))
    if (Array.isArray(value)) return value.map(one => this.here(one))
    if (value?.constructor !== Object) return value
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, this.here(one)]))
  }

  /** @param {any} thrown @private */
  errorOf(thrown) {
    if (!thrown?.$error) return thrown
    const [name, ...args] = thrown.$error
    return new this.library[name](...args)
  }

  // ---- handlers

  /** @private */
  handlers() {
    return this.program.by === 'message'
      ? { eachMessage: (/** @type {any} */ payload) => this.eachMessage(payload) }
      : { eachBatch: (/** @type {any} */ payload) => this.eachBatch(payload) }
  }

  /** @private */
  eachMessage(payload) {
    const { topic, partition, message } = payload
    const { offset } = message
    const is = `${Object.keys(payload)} ${shape(message)}`
    return this.handle(payload, { topic, partition, offsets: [offset], is, messages: [message] })
  }

  /** @private */
  eachBatch(payload) {
    const { batch } = payload
    const { topic, partition, messages, highWatermark, fetchedOffset } = batch
    const offsets = messages.map(({ offset }) => offset)
    const is = String(Object.keys(payload))
    const methods = ['firstOffset', 'lastOffset', 'offsetLag', 'offsetLagLow', 'isEmpty']
    const place = line([methods.map(name => batch[name]()), highWatermark, fetchedOffset])
    return this.handle(payload, { topic, partition, offsets, is, place, messages })
  }

  /** @private */
  handle(payload, { topic, partition, offsets, messages, ...told }) {
    if (++this.calls > MOST_CALLS) return pause(100)
    this.lastCall = Date.now()
    const of = `${this.plain(topic)} ${partition}`
    this.see('handed', { of, offsets: offsets.join(), ...told })
    for (const message of messages) this.see('message', { is: ofMessage(message) })
    const rules = topic === this.topic ? this.rulesFor(partition, offsets) : []
    const { sync, slow, resolves } = this.program
    const end = () => {
      if (resolves) payload.resolveOffset(offsets.at(-1))
      this.lastCall = Date.now()
      this.see('handled', { of, offsets: offsets.join() })
    }
    if (sync && rules.length === 0) return end()
    const follow = async () => {
      if (slow) await pause(slow)
      for (const { number, steps } of rules) {
        for (const [n, step] of steps.entries()) {
          await this.take(step, `rule ${number}.${n}`, payload)
        }
      }
      end()
    }
    return follow()
  }

  /** @private */
  rulesFor(partition, offsets) {
    const here = this.rules.filter(
      rule => rule.partition === partition && offsets.includes(rule.offset)
    )
    for (const rule of here) rule.visits++
    return here.filter(({ visits, visit }) => visits >= visit.from && visits <= visit.to)
  }
}

/**
 * @param {any} library
 * @param {import('./program').Program} program
 * @param {World} world
 * @returns {Promise<Seen[]>}
 */
const play = (library, program, world) => new Player(library, program, world).play()

module.exports = { play }
