'use strict'

/**
 * The engine's half of the hand-over, in JavaScript: what `native.d.ts` promises of slabs, lanes, cells, pauses, seeks and commits, for
 * partitions of one topic. It does nothing by itself: a test says when something is fetched, committed, revoked. `world` hears what it
 * learns, see `lanes.test.js`.
 */

const { createSlab } = require('./support')
const cells = require('../../src/consumer/cells')

const { FLAGS, GROUP_ERROR, RESOLVED, SLAB_SIZE, laneAt } = cells
const { STOP, STALE, CLOSING } = cells

const NOTHING_RESOLVED = -(2 ** 31)
const KEPT = 2 ** 32
const REBALANCE_IN_PROGRESS = 27

class Slot {
  /** @param {number} partition */
  constructor(partition) {
    this.partition = partition
    this.epoch = 0
    this.isAssigned = false
    this.isPaused = false
    this.isDraining = false
    this.lane = null
    /** The next offset to fetch. */
    this.fetched = 0
    this.mutedUntil = 0
    /** Behind what is handled, as far as is known; null: nothing was handled in this assignment. @type {number | null} */
    this.resolved = null
    /** And what is finished beyond. @type {[number, number][]} */
    this.finished = []
  }

  get isHeld() {
    return this.isPaused || this.isDraining
  }
}

class Engine {
  /** @param {any} world @param {any} options @param {Int32Array} shared @param {(told: any) => void} notify */
  constructor(world, options, shared, notify) {
    this.world = world
    this.cells = shared
    this.notify = notify
    this.lanes = Array.from({ length: options.lanes }, () => ({
      work: null,
      flags: 0,
      wantsMore: false
    }))
    /** @type {Map<number, Slot>} */
    this.slots = new Map()
    /** @type {any[]} */
    this.ready = []
    /** @type {{ number: number, slab: Uint8Array }[]} */
    this.free = []
    this.staged = new Map()
    this.pauses = { all: false, named: new Set() }
    this.seeks = new Map()
    this.isArmed = false
    this.isSuspended = false
    this.isExpired = false
    this.isStopping = false
    /** What is given up once its lanes are idle. @type {{ slots: Slot[], then: () => void } | null} */
    this.drain = null
    /** @type {{ ticket: number, act: () => void }[]} */
    this.questions = []
    this.last = 0
    shared[SLAB_SIZE] = 4096
    world.engine = this
  }

  // ---- what a test does

  /** @param {number[]} partitions with those that are there already */
  assign(partitions) {
    const { world } = this
    if (this.isExpired) this.lose(this.assigned())
    this.isSuspended = false
    this.isExpired = false
    this.cells[GROUP_ERROR] = 0
    for (const partition of partitions) {
      const slot = this.slots.get(partition) ?? new Slot(partition)
      this.slots.set(partition, slot)
      if (slot.isAssigned) continue
      const { offset, finished } = world.committed.get(partition) ?? { offset: 0, finished: [] }
      const sought = this.seeks.get(partition)
      this.seeks.delete(partition)
      Object.assign(slot, { isAssigned: true, isDraining: false, mutedUntil: 0 })
      slot.isPaused = this.hasPaused(partition)
      slot.epoch++
      slot.fetched = sought ?? offset
      slot.resolved = sought ?? null
      slot.finished = sought === undefined ? finished : []
      world.begins(partition, slot.fetched, sought !== undefined)
    }
    this.notify({
      type: 'joined',
      memberId: 'm',
      leaderId: 'm',
      isLeader: true,
      groupProtocol: 'p',
      generationId: 1,
      duration: 1,
      assignedTopics: ['t'],
      assignment: [{ topic: 't', partitions: this.assigned().map(slot => slot.partition) }]
    })
    this.wake()
  }

  assigned() {
    return [...this.slots.values()].filter(slot => slot.isAssigned)
  }

  /** The group asks for these: lanes end their message, what is resolved is committed. @param {Slot[]} slots */
  revoke(slots, then = () => {}) {
    for (const slot of slots) {
      slot.isDraining = true
      this.flag(slot, STOP)
    }
    this.drain = { slots, then }
    this.stepDrain()
  }

  /** @private */
  stepDrain() {
    const { drain } = this
    if (drain === null || drain.slots.some(slot => slot.lane !== null)) return
    this.drain = null
    this.commitResolved(drain.slots)
    this.lose(drain.slots)
    drain.then()
  }

  /** They are another member's already. @param {Slot[]} slots */
  lose(slots) {
    for (const slot of slots) {
      slot.isAssigned = false
      this.void(slot)
    }
  }

  /** The session may be over. */
  interrupt() {
    this.isExpired = true
    this.cells[GROUP_ERROR] = REBALANCE_IN_PROGRESS
    for (const { work } of this.lanes) if (work !== null) this.flag(work.slot, STOP | STALE)
  }

  /** It was not. */
  reassure() {
    this.isExpired = false
    this.cells[GROUP_ERROR] = 0
    for (const lane of this.lanes) {
      if (lane.work === null || lane.work.epoch !== lane.work.slot.epoch) continue
      lane.flags &= ~STALE
      if (!this.isSuspended && !lane.work.slot.isHeld) lane.flags &= ~STOP
    }
    this.writeCells()
    this.wake()
  }

  /** May something of this slot be fetched? @param {Slot} slot */
  mayFetch(slot) {
    const { end } = this.world.logs[slot.partition]
    const isWanted = slot.isAssigned && !slot.isHeld && slot.mutedUntil <= this.world.now()
    return isWanted && slot.fetched < end && !this.isSuspended
  }

  /** A delivery of so many messages is ready. @param {Slot} slot @param {number} count @param {boolean} inSlab */
  fetch(slot, count, inSlab) {
    const { messages, end } = this.world.logs[slot.partition]
    const start = slot.fetched
    const behind = messages.filter(({ offset }) => offset >= start)
    const taken = behind.slice(0, count)
    const next = behind[count]?.offset ?? end
    const bytes = createSlab({
      slot: slot.partition,
      baseOffset: BigInt(start),
      highWatermark: BigInt(end),
      messages: taken.map(({ offset, key }) => ({ offset: offset - start, key })),
      next: BigInt(next)
    })
    this.world.steps.push(`fetch ${slot.partition} ${start}..${next}`)
    slot.fetched = next
    const delivery = { slot, epoch: slot.epoch, start, base: start, next, bytes, slab: null }
    const free = inSlab && bytes.length <= 4096 ? this.free.shift() : undefined
    if (free) {
      free.slab.set(bytes)
      Object.assign(delivery, { slab: free, bytes: null })
    }
    this.ready.push(delivery)
    this.wake()
  }

  /** What is resolved goes to the group. */
  commitResolved(slots = this.assigned()) {
    this.readCells()
    for (const { partition, resolved, finished } of slots) {
      if (resolved !== null) this.world.commits(partition, resolved, finished)
    }
  }

  /** Answers what was asked first. */
  answer() {
    const question = this.questions.shift()
    question?.act()
    if (question) this.notify(question.ticket)
  }

  // ---- the contract

  start() {}

  completeJoin() {}

  give(slab) {
    const number = this.last++
    this.free.push({ number, slab })
    return number
  }

  take(lane) {
    this.world.called()
    if (this.isSuspended || this.isExpired) return this.nothing()
    const at = this.ready.findIndex(({ slot }) => slot.lane === null && !slot.isHeld)
    if (at === -1) return this.nothing()
    const [delivery] = this.ready.splice(at, 1)
    const { slot, epoch, base, start, next } = delivery
    this.world.steps.push(`take ${lane}: ${slot.partition} ${start}..${next}`)
    slot.lane = lane
    const work = { slot, epoch, base, next, resolved: start }
    this.lanes[lane] = { work, flags: 0, wantsMore: false }
    this.cells[laneAt(lane) + RESOLVED] = NOTHING_RESOLVED
    this.writeCells()
    return this.handOver(lane, delivery)
  }

  takeMore(lane) {
    this.world.called()
    const { work, flags } = this.lanes[lane]
    const { slot } = work
    const mayGo = !this.isSuspended && !this.isExpired && flags === 0 && !slot.isHeld
    if (!mayGo || slot.epoch !== work.epoch) return this.nothing()
    const at = this.ready.findIndex(delivery => delivery.slot === slot)
    if (at === -1) {
      this.lanes[lane].wantsMore = true
      return this.nothing()
    }
    const [delivery] = this.ready.splice(at, 1)
    work.next = delivery.next
    return this.handOver(lane, delivery)
  }

  /** @private */
  nothing() {
    this.isArmed = true
    return -1
  }

  /** @private */
  handOver(lane, { kept, slab, bytes }) {
    if (kept !== undefined) return KEPT + kept
    if (slab !== null) return slab.number
    this.staged.set(lane, bytes)
    return -bytes.length - 1
  }

  takeStaged(lane, into) {
    into.set(this.staged.get(lane))
  }

  slot(partition) {
    return { topic: 't', partitions: [partition] }
  }

  finish(lane, backoff) {
    this.world.called()
    this.readCells()
    const { work } = this.lanes[lane]
    this.lanes[lane] = { work: null, flags: 0, wantsMore: false }
    this.cells[laneAt(lane) + RESOLVED] = NOTHING_RESOLVED
    if (work === null) throw new Error(`lane ${lane} has finished twice`)
    this.world.steps.push(`finish ${lane}: ${work.resolved} ${backoff}`)
    const kept = this.outcome(work, backoff)
    this.writeCells()
    this.stepDrain()
    this.wake()
    return kept
  }

  /** @private */
  outcome({ slot, epoch, base, next, resolved }, backoff) {
    slot.lane = null
    if (slot.epoch !== epoch || (resolved === next && backoff <= 0)) return null
    if (backoff < 0 && !this.isSuspended && !slot.isDraining && this.world.hasRoom()) {
      const number = this.last++
      const at = this.ready.findIndex(delivery => delivery.slot === slot)
      const delivery = { slot, epoch, base, start: resolved, next, kept: number }
      this.ready.splice(at === -1 ? this.ready.length : at, 0, delivery)
      return number
    }
    this.void(slot)
    slot.fetched = resolved
    slot.mutedUntil = this.world.now() + Math.max(0, backoff)
    return null
  }

  resolve(lane, next) {
    this.readCells()
    this.resolved(lane, Number(next))
    this.cells[laneAt(lane) + RESOLVED] = NOTHING_RESOLVED
  }

  finished(lane, [next, ...stand]) {
    const { work } = this.lanes[lane]
    if (work === null) return
    if (next >= 0n) work.resolved = Number(next)
    const { slot, epoch, resolved } = work
    if (slot.epoch !== epoch) return
    const ranges = stand.map(Number)
    const beyond = slot.finished.map(([from, to]) => [Math.max(from, work.next), to])
    slot.finished = beyond.filter(([from, to]) => from < to)
    for (let i = 0; i < ranges.length; i += 2) slot.finished.push([ranges[i], ranges[i + 1]])
    slot.finished.sort(([a], [b]) => a - b)
    slot.resolved = resolved
    this.world.resolves(slot.partition, resolved, slot.finished)
  }

  finishedBeyond(lane) {
    const { finished } = this.lanes[lane].work.slot
    return finished.length === 0 ? null : BigInt64Array.from(finished.flat(), BigInt)
  }

  resolveReturned() {}

  progress() {
    this.world.called()
    this.readCells()
    this.writeCells()
  }

  seek(_, partition, text) {
    this.readCells()
    const offset = Number(text)
    const slot = this.slots.get(partition)
    if (!slot?.isAssigned || slot.isDraining) {
      this.seeks.set(partition, offset)
      return
    }
    this.void(slot)
    Object.assign(slot, { fetched: offset, resolved: offset, finished: [], mutedUntil: 0 })
    this.world.begins(partition, offset, true)
  }

  pause(_, partitions) {
    const { pauses } = this
    if (partitions === null) this.pauses = { all: true, named: new Set() }
    else for (const one of partitions) pauses.all ? pauses.named.delete(one) : pauses.named.add(one)
    this.applyPauses()
  }

  resume(_, partitions) {
    const { pauses } = this
    if (partitions === null) this.pauses = { all: false, named: new Set() }
    else for (const one of partitions) pauses.all ? pauses.named.add(one) : pauses.named.delete(one)
    this.applyPauses()
    this.wake()
  }

  paused() {
    const partitions = this.assigned().map(({ partition }) => partition)
    const paused = partitions.filter(partition => this.hasPaused(partition))
    return paused.length > 0 ? [{ topic: 't', partitions: paused }] : []
  }

  uncommitted() {
    return 0
  }

  membership() {
    return null
  }

  progresses() {
    return []
  }

  commit(offsets) {
    return this.ask(() => {
      if (offsets === null) return this.commitResolved()
      for (const { partition, offset } of offsets) this.world.commits(partition, Number(offset), [])
    })
  }

  sendCommits() {}

  isCommitNecessary() {
    return false
  }

  heartbeat() {
    return this.ask(() => {})
  }

  /** @private */
  ask(act) {
    const ticket = this.last++
    this.questions.push({ ticket, act })
    return ticket
  }

  async stop() {
    this.readCells()
    this.isStopping = true
    this.isSuspended = true
    for (const { work } of this.lanes) if (work !== null) this.flag(work.slot, STOP | CLOSING)
    await new Promise(resolve => this.revoke(this.assigned(), () => resolve(undefined)))
    while (this.questions.length > 0) this.answer()
  }

  // ---- cells, flags, epochs

  /** @private */
  hasPaused(partition) {
    const { all, named } = this.pauses
    return all !== named.has(partition)
  }

  /** @private */
  applyPauses() {
    for (const slot of this.assigned()) {
      slot.isPaused = this.hasPaused(slot.partition)
      if (slot.isPaused) this.flag(slot, STOP)
      else this.unflag(slot)
    }
    this.writeCells()
  }

  /** @private */
  flag(slot, flags) {
    if (slot.lane !== null) this.lanes[slot.lane].flags |= flags
    this.writeCells()
  }

  /** @private */
  unflag(slot) {
    const lane = slot.lane === null ? null : this.lanes[slot.lane]
    const goesOn = !this.isSuspended && !slot.isDraining && lane?.work.epoch === slot.epoch
    if (lane !== null && goesOn && (lane.flags & STALE) === 0) lane.flags &= ~STOP
  }

  /** What there is of this slot is void. @private */
  void(slot) {
    slot.epoch++
    this.flag(slot, STOP | STALE)
    const isVoid = delivery => delivery.slot === slot
    for (const { kept, slab } of this.ready.filter(isVoid)) {
      if (kept !== undefined) this.notify({ type: 'dropped', kept })
      else if (slab !== null) this.free.unshift(slab)
    }
    this.ready = this.ready.filter(delivery => !isVoid(delivery))
  }

  /** @private */
  readCells() {
    for (const [lane, { work }] of this.lanes.entries()) {
      const delta = this.cells[laneAt(lane) + RESOLVED]
      if (work !== null && delta !== NOTHING_RESOLVED) this.resolved(lane, work.base + delta)
    }
  }

  /** @private */
  resolved(lane, next) {
    const { work } = this.lanes[lane]
    if (work === null || work.resolved === next) return
    work.resolved = next
    if (work.slot.epoch !== work.epoch) return
    work.slot.resolved = next
    this.world.resolves(work.slot.partition, next, [])
  }

  /** @private */
  writeCells() {
    for (const [lane, { flags }] of this.lanes.entries()) this.cells[laneAt(lane) + FLAGS] = flags
  }

  /** Tells an idle lane that there is something, once. @private */
  wake() {
    const isWanted = ({ slot }) =>
      !slot.isHeld && (slot.lane === null || this.lanes[slot.lane].wantsMore)
    if (!this.isArmed || this.isSuspended || this.isExpired || !this.ready.some(isWanted)) return
    this.isArmed = false
    for (const lane of this.lanes) lane.wantsMore = false
    this.notify(-1)
  }
}

module.exports = { Engine }
