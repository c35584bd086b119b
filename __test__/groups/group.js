// @ts-check
'use strict'

/**
 * A group that a scenario plays with: its members, the stream that they read, and what they have told.
 *
 *   stream ──► topic ──► members, each a process ──► what they tell ──► ledger
 */

const { setTimeout: pause } = require('node:timers/promises')

const { createTopic, uniqueName, withAdmin, ADMIN_TIMEOUT } = require('../kafka/helpers')
const { CLIENTS, commonAssignor } = require('./clients')
const { judge, measure, producerGap } = require('./ledger')
const { startStream } = require('./stream')

/** Between messages of a partition, ms. */
const INTERVAL = 40
/** For so long the stream has been steady, if `patience` has not run out, ms. */
const STEADY = 1500

/** @typedef {import('./clients').MemberSettings} MemberSettings */
/** @typedef {import('./ledger').Told} Told */

/**
 * @typedef {object} GroupOptions
 * @property {string[]} brokers
 * @property {string[]} clients     whose members they are, in turn; the first one to join is the first client's
 * @property {import('./clients').GroupProtocol} protocol
 * @property {string} [assignor]    of an eager group; default: one that all of them have
 * @property {number} partitions
 * @property {number} [heartbeat]   ms
 * @property {number} [session]     ms
 * @property {number} [metadataAge] ms
 * @property {number} [interval]    between messages of a partition, ms
 * @property {number} [patience]    how long to wait for a steady stream before what is measured begins, ms; default 0
 */

/** One of them. */
class GroupMember {
  /** How many events the group has looked at. */
  seen = 0
  /** When a message of it was handled last, by partition. @type {Map<number, number>} */
  handled = new Map()
  /** When it was assigned a partition last, ms. */
  changed = 0
  killed = false
  /** It is meant to be in the group. */
  joined = false

  /**
   * @param {string} process
   * @param {string} member
   * @param {import('./clients').Client} client
   * @param {MemberSettings} settings
   */
  constructor(process, member, client, settings) {
    this.process = process
    this.member = member
    this.client = client
    this.settings = settings
    /** @type {import('../kafka/member').Member | undefined} */
    this.running = undefined
  }

  get events() {
    return this.running?.events ?? []
  }

  get partitions() {
    return this.running?.partitions() ?? []
  }

  /** As far as it gets without being a member: what a process takes to start is not what a group takes to change. */
  async prepare() {
    if (this.client.commands) this.running = await this.client.start(this.settings)
    return this
  }

  async join() {
    this.running ??= await this.client.start(this.settings)
    this.joined = true
    if (this.client.commands) this.running.tell('join')
  }

  async leave() {
    this.joined = false
    await this.running?.stop()
  }

  async kill() {
    this.joined = false
    this.killed = true
    await this.running?.kill()
  }

  /** The handler of the next message takes so long. @param {number} milliseconds */
  delay(milliseconds) {
    this.running?.tell(`slow ${milliseconds}`)
  }
}

class Group {
  /** All that there were. @type {GroupMember[]} */
  members = []
  /** @type {import('./stream').Stream[]} */
  #streams = []
  #options
  #settings
  #partitions
  #from = 0
  #to = 0
  /** @type {number[]} */
  #except = []

  /** @param {GroupOptions} options @param {string} topic */
  constructor(options, topic) {
    const { brokers, clients, protocol, heartbeat = 500, session = 10_000 } = options
    this.#options = options
    this.#partitions = options.partitions
    this.#settings = {
      brokers,
      groupId: uniqueName('group'),
      topic,
      protocol,
      assignor: options.assignor ?? commonAssignor(clients) ?? '',
      heartbeat,
      session,
      metadataAge: options.metadataAge ?? 300_000
    }
  }

  get topic() {
    return this.#settings.topic
  }

  get partitions() {
    return this.#partitions
  }

  /** Messages begin to come. */
  async write() {
    await this.#stream(upTo(this.#partitions)).then(stream => stream.begin())
  }

  /** @param {number[]} partitions */
  async #stream(partitions) {
    const { brokers, interval = INTERVAL } = this.#options
    const stream = await startStream({ brokers, topic: this.topic, partitions, interval })
    this.#streams.push(stream)
    return stream
  }

  /**
   * One that could join.
   *
   * @param {{ instanceId?: string, insteadOf?: GroupMember }} [options] `insteadOf`: the same static member, of the same client
   */
  async member({ instanceId, insteadOf } = {}) {
    const { clients } = this.#options
    const index = this.members.length
    const process = `member ${index + 1}`
    const client = insteadOf?.client ?? CLIENTS[clients[index % clients.length]]
    const settings = insteadOf?.settings ?? { ...this.#settings, ...(instanceId && { instanceId }) }
    const member = new GroupMember(process, insteadOf?.member ?? process, client, settings)
    this.members.push(member)
    return member.prepare()
  }

  /**
   * So many join, and have their partitions. The first one does before the others: it leads a classic group.
   *
   * @param {number} count
   * @param {(index: number) => string} [instanceId]
   */
  async form(count, instanceId) {
    const options = (/** @type {number} */ index) => ({ instanceId: instanceId?.(index) })
    const first = await this.member(options(0))
    await first.join()
    await this.settled({ quiet: 0 })
    const others = await Promise.all(upTo(count - 1).map(index => this.member(options(index + 1))))
    await Promise.all(others.map(member => member.join()))
    await this.settled()
    await this.#steady()
  }

  /** Brokers that are busy with a new topic answer the producer late, and it is not the group that is measured then. */
  async #steady() {
    const { interval = INTERVAL, patience = 0 } = this.#options
    const end = Date.now() + patience
    for (;;) {
      const now = Date.now()
      const written = this.#streams.flatMap(stream => stream.written)
      if (now >= end || producerGap(written, now - STEADY, now) <= 2 * interval) return
      await pause(100)
    }
  }

  /**
   * A static member comes back. What refuses its name while the former process counts as alive may end it: then it is started
   * again, as a supervisor would.
   *
   * @param {GroupMember} former
   */
  async restart(former) {
    for (;;) {
      const member = await this.member({ insteadOf: former })
      await member.join()
      while (member.running?.isRunning() && member.partitions.length === 0) await pause(20)
      if (member.running?.isRunning()) return
      member.joined = false
      await pause(500)
    }
  }

  /** What is measured begins now. @param {{ except?: number[] }} [options] partitions whose time kept does not count */
  begin({ except = [] } = {}) {
    this.#from = Date.now()
    this.#except = except
  }

  /** The topic gets more partitions, which are written to. @param {number} count */
  async grow(count) {
    const { brokers } = this.#options
    const added = upTo(count).slice(this.#partitions)
    const stream = await this.#stream(added)
    await withAdmin(brokers, async admin => {
      const topicPartitions = [{ topic: this.topic, count }]
      await admin.createPartitions({ topicPartitions, timeout: ADMIN_TIMEOUT })
    })
    this.#partitions = count
    this.begin()
    await stream.begin()
  }

  /**
   * Every partition has one owner, which has handled a message since; every member has a partition; and all that for a while.
   *
   * @param {{ quiet?: number, timeout?: number }} [options] ms
   */
  async settled({ quiet = 1200, timeout = 60_000 } = {}) {
    const end = Date.now() + timeout
    for (;;) {
      const unsettled = this.#unsettled(quiet)
      if (unsettled === undefined) break
      if (Date.now() > end) throw new Error(`After ${timeout / 1000} s ${unsettled}`)
      await pause(20)
    }
    this.#to = Date.now()
  }

  /** What keeps the group from being settled. @param {number} quiet @returns {string | undefined} */
  #unsettled(quiet) {
    for (const member of this.members) this.#readOn(member)
    const members = this.members.filter(({ joined }) => joined)
    const ended = members.find(({ running }) => !running?.isRunning())
    if (ended) return `${ended.process} has ended: ${ended.running?.errors().trim()}`
    const idle = members.find(({ partitions }) => partitions.length === 0)
    if (idle) return `${idle.process} has no partition ${idle.running?.errors().trim()}`
    for (const partition of upTo(this.#partitions)) {
      const owners = members.filter(({ partitions }) => partitions.includes(partition))
      if (owners.length !== 1) return `partition ${partition} has ${owners.length} owners`
      if (!owners[0].handled.has(partition)) {
        return `partition ${partition} is not read by ${owners[0].process}`
      }
    }
    const changed = Math.max(...members.map(({ changed: at }) => at))
    return Date.now() - changed < quiet ? 'assignments still change' : undefined
  }

  /** @param {GroupMember} member */
  #readOn(member) {
    for (; member.seen < member.events.length; member.seen++) {
      const { name, timestamp, partition, partitions = [] } = member.events[member.seen]
      if (name === 'record_data') member.handled.set(partition, timestamp)
      if (name === 'partitions_assigned' && partitions.length > 0) {
        member.changed = timestamp
        for (const assigned of partitions) member.handled.delete(assigned.partition)
      }
    }
  }

  /** No more is written, all that was written is handled, and everybody leaves. */
  async end() {
    await Promise.all(this.#streams.map(stream => stream.stop()))
    const written = this.#streams.flatMap(stream => stream.written)
    const ends = new Map(written.map(({ partition, offset }) => [partition, offset]))
    const read = () => {
      const last = new Map()
      for (const { events } of this.members) {
        for (const { name, partition, offset } of events) {
          if (name === 'record_data') {
            last.set(partition, Math.max(last.get(partition) ?? -1, offset))
          }
        }
      }
      return [...ends].every(([partition, offset]) => (last.get(partition) ?? -1) >= offset)
    }
    // What has not come by then is lost, says the ledger.
    for (const until = Date.now() + CATCH_UP; !read() && Date.now() < until;) await pause(100)
    await Promise.all(this.members.filter(({ joined }) => joined).map(member => member.leave()))
    const window = { from: this.#from, to: this.#to, except: this.#except }
    return {
      faults: judge(this.members, written),
      figures: measure(this.members, written, window)
    }
  }

  /** Whatever is left, at once. */
  async close() {
    const running = this.members.filter(member => member.running?.isRunning())
    await Promise.all([
      ...running.map(member => member.kill()),
      ...this.#streams.map(stream => stream.stop())
    ])
  }
}

/** @param {GroupOptions} options */
const createGroup = async options => {
  const { brokers, partitions } = options
  const topic = await createTopic({
    topic: uniqueName('groups'),
    partitions,
    replicationFactor: 1,
    brokers
  })
  return new Group(options, topic)
}

/** @param {number} count */
const upTo = count => Array.from({ length: count }, (_, index) => index)

/** How long a group may take for what is left at the end, ms. */
const CATCH_UP = 15_000

module.exports = { Group, GroupMember, createGroup }
