// @ts-check
'use strict'

/** What a group did, by what its members tell: what is wrong with it, and how long whose partitions stood still. Pure. */

/** @typedef {import('./stream').Written} Written */

/**
 * What members tell, as `Member.events` has it; all times are ms of one clock.
 *
 * @typedef {object} Told
 * @property {string} process   no two have the same
 * @property {string} member    those that take each other's place have the same: a static member, restarted
 * @property {boolean} killed
 * @property {{ name: string, timestamp: number, [field: string]: any }[]} events
 */

/**
 * A message that was handled.
 *
 * @typedef {object} Entry
 * @property {string} process
 * @property {string} member
 * @property {boolean} killed
 * @property {string} owner     an assignment of the partition to the process
 * @property {number} partition
 * @property {number} offset
 * @property {number} began
 * @property {number} ended
 */

/**
 * @typedef {object} Faults
 * @property {string[]} lost        acknowledged, and handled by nobody
 * @property {string[]} duplicates  whose first handler was not killed
 * @property {string[]} disorder    offsets that were handled for the first time behind higher ones
 * @property {string[]} overlaps    owners that went on behind the beginning of the next one
 * @property {number} repeated      duplicates whose first handler was killed
 */

/** @param {Told[]} members @returns {Map<number, Entry[]>} by partition, in the order of time */
const entriesOf = members => {
  const byPartition = /** @type {Map<number, Entry[]>} */ (new Map())
  for (const { process, member, killed, events } of members) {
    const assignments = /** @type {Map<number, number>} */ (new Map())
    for (const { name, timestamp, ...event } of events) {
      if (name === 'partitions_assigned') {
        for (const { partition } of event.partitions) {
          assignments.set(partition, (assignments.get(partition) ?? 0) + 1)
        }
      }
      if (name !== 'record_data') continue
      const { partition, offset, began = timestamp } = event
      const owner = `${process}, assignment ${assignments.get(partition) ?? 0}`
      const entry = { process, member, killed, owner, partition, offset, began, ended: timestamp }
      const entries = byPartition.get(partition)
      if (entries) entries.push(entry)
      else byPartition.set(partition, [entry])
    }
  }
  // Within a millisecond the log's order is the likely one.
  for (const entries of byPartition.values()) {
    entries.sort((a, b) => a.ended - b.ended || a.offset - b.offset)
  }
  return byPartition
}

/**
 * @param {Told[]} members
 * @param {Written[]} written
 * @returns {Faults}
 */
const judge = (members, written) => {
  const faults = /** @type {Faults} */ ({
    lost: [],
    duplicates: [],
    disorder: [],
    overlaps: [],
    repeated: 0
  })
  const entries = entriesOf(members)
  for (const list of entries.values()) {
    judgeOffsets(list, faults)
    faults.overlaps.push(...overlapsOf(list))
  }
  const handled = new Map(
    [...entries].map(([partition, list]) => [partition, new Set(list.map(({ offset }) => offset))])
  )
  for (const { partition, offset } of written) {
    if (!handled.get(partition)?.has(offset)) faults.lost.push(`${partition}:${offset}`)
  }
  return faults
}

/** @param {Entry[]} entries of a partition @param {Faults} faults are added to */
const judgeOffsets = (entries, faults) => {
  const first = /** @type {Map<number, Entry>} */ (new Map())
  let highest = -1
  for (const entry of entries) {
    const { partition, offset, process } = entry
    const before = first.get(offset)
    if (before?.killed) faults.repeated++
    else if (before) {
      faults.duplicates.push(`${partition}:${offset} by ${before.process} and ${process}`)
    } else if (offset < highest) {
      faults.disorder.push(`${partition}:${offset} by ${process} behind ${highest}`)
    }
    if (!before) first.set(offset, entry)
    highest = Math.max(highest, offset)
  }
}

/**
 * An owner is over when the next one begins. Times are whole milliseconds: what is equal is no overlap.
 *
 * @param {Entry[]} entries of a partition
 */
const overlapsOf = entries => {
  const owners = /** @type {Map<string, { began: number, ended: number }>} */ (new Map())
  for (const { owner, began, ended } of entries) {
    const span = owners.get(owner) ?? { began, ended }
    owners.set(owner, {
      began: Math.min(span.began, began),
      ended: Math.max(span.ended, ended)
    })
  }
  const spans = [...owners].sort(([, a], [, b]) => a.began - b.began)
  return spans.slice(1).flatMap(([owner, { began }], index) => {
    const [before, { ended }] = spans[index]
    if (ended <= began) return []
    return [`${entries[0].partition}: ${before} until ${ended}, ${owner} from ${began}`]
  })
}

/**
 * @typedef {object} Figures all times in ms
 * @property {number} moves      how often a partition changed hands
 * @property {number} kept       the longest time without a message of a partition whose process stayed the same
 * @property {number} moved      the same of one that changed; of a partition that nobody had before, since the beginning
 * @property {number} stable     from the beginning until nothing moved any more: the last assignment, the last first message
 * @property {number} producer   the longest time between two messages of a partition
 */

/**
 * @param {Told[]} members
 * @param {Written[]} written
 * @param {{ from: number, to: number, except?: number[] }} window `except`: partitions whose time kept does not count
 * @returns {Figures}
 */
const measure = (members, written, { from, to, except = [] }) => {
  const assigned = members
    .flatMap(({ events }) => events)
    .filter(({ name, partitions }) => name === 'partitions_assigned' && partitions.length > 0)
    .map(({ timestamp }) => timestamp)
  const figures = { moves: 0, kept: 0, moved: 0, stable: 0, producer: 0 }
  const became = (/** @type {number} */ time) => {
    if (time <= to) figures.stable = Math.max(figures.stable, time - from)
  }
  assigned.forEach(became)
  for (const [partition, entries] of entriesOf(members)) {
    const within = entries.filter(({ ended }) => ended <= to)
    within.forEach((entry, index) => {
      if (entry.ended <= from) return
      const before = /** @type {Entry | undefined} */ (within[index - 1])
      const gap = entry.ended - (before?.ended ?? from)
      if (before?.process === entry.process) {
        if (!except.includes(partition)) figures.kept = Math.max(figures.kept, gap)
        return
      }
      if (before && before.member !== entry.member) figures.moves++
      figures.moved = Math.max(figures.moved, gap)
      became(entry.ended)
    })
  }
  figures.producer = producerGap(written, from, to)
  return figures
}

/** @param {Written[]} written @param {number} from @param {number} to */
const producerGap = (written, from, to) => {
  const last = /** @type {Map<number, number>} */ (new Map())
  let longest = 0
  for (const { partition, time } of written) {
    const before = last.get(partition)
    if (before !== undefined && time > from && time <= to) {
      longest = Math.max(longest, time - before)
    }
    last.set(partition, time)
  }
  return longest
}

/** What is wrong, in sentences; nothing, it should be. @param {Faults} faults @returns {string[]} */
const complaintsOf = ({ lost, duplicates, disorder, overlaps }) =>
  Object.entries({ lost, duplicates, 'out of order': disorder, 'two owners at once': overlaps })
    .filter(([, found]) => found.length > 0)
    .map(([what, found]) => `${what} (${found.length}): ${found.slice(0, 5).join('; ')}`)

module.exports = { complaintsOf, judge, measure, producerGap }
