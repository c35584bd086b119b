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
 * @property {string[]} deaths        crashes without a restart
 * @property {string[]} crashes       with one
 * @property {string[]} rejections    that nobody handled
 * @property {number} longestStall    of an event loop, ms
 * @property {number[]} memory        RSS at the end of each member, MB
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
    deaths: [],
    crashes: [],
    rejections: [],
    longestStall: 0,
    memory: []
  }

  /** @type {Map<string, { file: number, rest: string, last: Map<string, bigint>, rss: number }>} */
  #members = new Map()

  /** @param {string} path of a member's ledger */
  add(path) {
    const file = fs.openSync(path, 'a+')
    this.#members.set(path, { file, rest: '', last: new Map(), rss: 0 })
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
        if (before !== undefined && offset <= before) {
          audit.disorder.push(`${path} ${time}: partition ${first}, ${before} then ${second}`)
        }
        last.set(first, offset)
        if (seen.has(third)) audit.duplicates++
        seen.add(third)
        break
      }
      case 'j':
        last.clear()
        break
      case 's':
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
    }
  }
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

module.exports = { Ledger }
