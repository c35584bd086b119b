// @ts-check
'use strict'

/** What producers were told of their messages (`writer.js`), held against the log. */

const fs = require('node:fs')

/**
 * @typedef {object} Written
 * @property {number} sent            messages
 * @property {number} acknowledged    messages
 * @property {number} rejected        messages
 * @property {number} entries         in the log
 * @property {string[]} lost          acknowledged, and not in the log
 * @property {string[]} twice         more than once in the log, although their producer numbers its batches
 * @property {string[]} disorder      behind a later one of their producer, in one partition; the same
 * @property {string[]} strange       in the log, and sent by nobody
 * @property {string[]} untold        neither acknowledged nor rejected, although their process has ended in order
 * @property {number} repeated        entries that are there again, of producers that do not number them
 * @property {number} swapped         entries behind a later one, of the same
 * @property {number} doubtful        rejected, and in the log by then
 * @property {Late[]} late            rejected, and written afterwards
 * @property {Map<string, number>} errors  sends that were rejected, by error
 *
 * @typedef {{ id: string, after: number, error: string }} Late `after`: ms from the rejection until it was written
 */

/**
 * @typedef {object} Send
 * @property {number} count
 * @property {'a' | 'x' | null} told
 * @property {number} at     ms, when it was told
 * @property {string} error
 */

/**
 * @param {string[]} files ledgers
 * @param {Map<number, import('../kafka/reader').Entry[]>} log by partition
 * @returns {Written}
 */
const audit = (files, log) => {
  /** @type {Written} */
  const found = {
    sent: 0,
    acknowledged: 0,
    rejected: 0,
    entries: 0,
    lost: [],
    twice: [],
    disorder: [],
    strange: [],
    untold: [],
    repeated: 0,
    swapped: 0,
    doubtful: 0,
    late: [],
    errors: new Map()
  }
  /** By producer and number of the message. @type {Map<string, Map<number, Send>>} */
  const sends = new Map()
  for (const file of files) readLedger(file, sends, found)

  /** When a message was written first. @type {Map<string, number>} */
  const written = new Map()
  for (const [partition, entries] of log) {
    const last = /** @type {Map<string, number>} */ (new Map())
    for (const { timestamp, value } of entries) {
      found.entries++
      const [id] = value.split(' ', 1)
      const [producer, number] = id.split(':')
      const isNumbered = !/n\d+$/.test(producer)
      if (!sends.get(producer)?.has(Number(number))) found.strange.push(id)
      const before = last.get(producer) ?? -1
      if (written.has(id)) {
        if (isNumbered) found.twice.push(`${id}, partition ${partition}`)
        else found.repeated++
      } else if (Number(number) < before) {
        if (isNumbered) found.disorder.push(`${id} behind ${before}, partition ${partition}`)
        else found.swapped++
      }
      last.set(producer, Math.max(before, Number(number)))
      written.set(id, written.get(id) ?? timestamp)
    }
  }

  for (const [producer, byNumber] of sends) {
    for (const [number, { told, at, error }] of byNumber) {
      const id = `${producer}:${number}`
      const when = written.get(id)
      if (told === 'a' && when === undefined) found.lost.push(id)
      if (told !== 'x' || when === undefined) continue
      if (when <= at) found.doubtful++
      else found.late.push({ id, after: when - at, error })
    }
  }
  return found
}

/**
 * @param {string} file
 * @param {Map<string, Map<number, Send>>} sends
 * @param {Written} found
 */
const readLedger = (file, sends, found) => {
  const open = /** @type {Map<string, { first: number, send: Send }>} */ (new Map())
  let isOver = false
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const [kind, time, producer, first, last] = line.split('\t')
    const key = `${producer}:${first}`
    if (kind === 's') {
      const send = { count: Number(last), told: null, at: 0, error: '' }
      const byNumber = sends.get(producer) ?? new Map()
      sends.set(producer, byNumber)
      for (let n = 0; n < send.count; n++) byNumber.set(Number(first) + n, send)
      open.set(key, { first: Number(first), send })
      found.sent += send.count
    } else if (kind === 'a' || kind === 'x') {
      const entry = open.get(key)
      if (!entry) continue
      const { send } = entry
      Object.assign(send, { told: kind, at: Number(time), error: last ?? '' })
      if (kind === 'a') found.acknowledged += send.count
      else {
        found.rejected += send.count
        const error = last.replace(/\d+(\.\d+)*/g, 'N').slice(0, 100)
        found.errors.set(error, (found.errors.get(error) ?? 0) + 1)
      }
      open.delete(key)
    } else if (kind === 'd') isOver = true
  }
  if (isOver) for (const key of open.keys()) found.untold.push(`${file} ${key}`)
}

module.exports = { audit }
