// @ts-check
'use strict'

/** What the members have written down, and what is wrong with it. */

const fs = require('node:fs')

/**
 * @typedef {object} Audit
 * @property {number} handled         messages, duplicates not counted
 * @property {number} duplicates
 * @property {string[]} lost          acknowledged and not handled
 * @property {string[]} leaked        aborted and handled
 * @property {string[]} disorder      went back without a rebalance, a seek or a failure
 * @property {string[]} strays        handled by a member whose partition another one was handling already
 * @property {string[]} deaths        crashes without a restart
 * @property {string[]} crashes       with one
 * @property {string[]} rejections    that nobody handled
 * @property {number} longestStall    of an event loop, ms
 * @property {number[]} memory        RSS at the end of each member, MB
 * @property {Map<string, number>} counts  how often what else was told, see `transformer.js`
 */

/** Reads what is new in growing files. */
class Ledger {
  /** Ids. */
  seen = new Set()
  /** @type {Audit} */
  audit = {
    handled: 0,
    duplicates: 0,
    lost: [],
    leaked: [],
    disorder: [],
    strays: [],
    deaths: [],
    crashes: [],
    rejections: [],
    longestStall: 0,
    memory: [],
    counts: new Map()
  }

  /**
   * `last` offset by partition; null: behind a seek. One message may come before what was sought: its handler was at work
   * already.
   * @type {Map<string, { file: number, rest: string, last: Map<string, bigint | null>, joins: number, rss: number }>}
   */
  #members = new Map()
  /**
   * Who handled a message of a partition, and when; an owner is one assignment of one member.
   *
   * @type {Map<string, { time: number, owner: string }[]>}
   */
  #handled = new Map()

  /** @param {string} path of a member's ledger */
  add(path) {
    const file = fs.openSync(path, 'a+')
    this.#members.set(path, { file, rest: '', last: new Map(), joins: 0, rss: 0 })
  }

  read() {
    for (const [path, member] of this.#members) {
      const lines = (member.rest + readOn(member.file)).split('\n')
      member.rest = /** @type {string} */ (lines.pop())
      for (const line of lines) this.#entry(path, member, line.split('\t'))
    }
  }

  /** @param {import('./streams').Written} written */
  close({ acknowledged, aborted }) {
    this.read()
    const { audit, seen } = this
    audit.handled = seen.size
    audit.lost = [...acknowledged].filter(id => !seen.has(id))
    audit.leaked = [...aborted].filter(id => seen.has(id))
    audit.strays = [...this.#handled].flatMap(([partition, entries]) =>
      strays(entries).map(owner => `partition ${partition}: ${owner}`)
    )
    audit.memory = [...this.#members.values()].map(({ rss }) => Math.round(rss / 2 ** 20))
    for (const { file } of this.#members.values()) fs.closeSync(file)
    return audit
  }

  #entry(path, member, [kind, time, first, second, third]) {
    const { audit, seen } = this
    const { last } = member
    switch (kind) {
      case 'm': {
        const offset = BigInt(second)
        const before = last.get(first)
        if (before != null && offset <= before) {
          audit.disorder.push(`${path} ${time}: partition ${first}, ${before} then ${second}`)
        }
        if (before === null) last.delete(first)
        else last.set(first, offset)
        const handled = this.#handled.get(first) ?? []
        handled.push({ time: Number(time), owner: `${path} after join ${member.joins}` })
        this.#handled.set(first, handled)
        if (seen.has(third)) audit.duplicates++
        seen.add(third)
        break
      }
      case 'j':
        member.joins++
        last.clear()
        break
      case 's':
        last.set(first, null)
        break
      case 'f':
        last.delete(first)
        break
      case 'c':
        ;(first === 'true' ? audit.crashes : audit.deaths).push(`${path} ${time}: ${second}`)
        break
      case 'u':
        audit.rejections.push(`${path} ${time}: ${first}`)
        break
      case 'l':
        audit.longestStall = Math.max(audit.longestStall, Number(first))
        break
      case 'r':
        member.rss = Number(first)
        break
      case 'n':
        audit.counts.set(first, (audit.counts.get(first) ?? 0) + 1)
    }
  }
}

/**
 * Owners of a partition that went on after the next owner had begun. One message is allowed: the one that was being
 * handled when the partition was lost; twenty of a member that has so many in hand.
 *
 * @param {{ time: number, owner: string }[]} entries
 * @returns {string[]}
 */
const strays = entries => {
  const began = /** @type {Map<string, number>} */ (new Map())
  const stray = /** @type {Map<string, number>} */ (new Map())
  let latest = -1
  for (const { time, owner } of [...entries].sort((a, b) => a.time - b.time)) {
    if (!began.has(owner)) began.set(owner, (latest = time))
    // Within one millisecond nobody can tell who was first.
    else if (/** @type {number} */ (began.get(owner)) < latest && time > latest) {
      stray.set(owner, (stray.get(owner) ?? 0) + 1)
    }
  }
  const allowed = (/** @type {string} */ owner) => (/-(parallel|many)/.test(owner) ? 20 : 1)
  return [...stray]
    .filter(([owner, count]) => count > allowed(owner))
    .map(([owner, count]) => `${owner}, ${count}`)
}

/** @param {number} file */
const readOn = file => {
  const chunks = []
  const chunk = Buffer.alloc(1 << 16)
  for (let read; (read = fs.readSync(file, chunk)) > 0;) {
    chunks.push(Buffer.from(chunk.subarray(0, read)))
  }
  return Buffer.concat(chunks).toString('latin1')
}

/** A line for each kind of complaint of which there is any. @param {Record<string, string[]>} found by what it is */
const told = found =>
  Object.entries(found).flatMap(([what, of]) =>
    of.length > 0 ? [`${what} (${of.length}): ${of.slice(0, 5).join('; ')}`] : []
  )

module.exports = { Ledger, told }
