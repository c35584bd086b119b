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
 * @property {string[]} denied        rejected without a doubt, and in the log
 * @property {number} repeated        entries that are there again, of producers that do not number them
 * @property {number} swapped         entries behind a later one, of the same
 * @property {number} doubtful        rejected with a doubt
 * @property {number} before          and in the log by then
 * @property {Late[]} late            and written afterwards
 * @property {Map<string, number>} errors  sends that were rejected, by error
 *
 * @typedef {{ id: string, after: number, error: string }} Late `after`: ms from the rejection until it was written
 */

/**
 * @typedef {object} Message
 * @property {'acknowledged' | 'rejected' | 'doubtful' | null} told
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
    denied: [],
    repeated: 0,
    swapped: 0,
    doubtful: 0,
    before: 0,
    late: [],
    errors: new Map()
  }
  /** By producer and number. @type {Map<string, Map<number, Message>>} */
  const messages = new Map()
  for (const file of files) readLedger(file, messages, found)

  /** When a message was written first. @type {Map<string, number>} */
  const written = new Map()
  for (const [partition, entries] of log) {
    const last = /** @type {Map<string, number>} */ (new Map())
    for (const { timestamp, value } of entries) {
      found.entries++
      const [id] = value.split(' ', 1)
      const [producer, number] = id.split(':')
      const isNumbered = !/n\d+$/.test(producer)
      if (!messages.get(producer)?.has(Number(number))) found.strange.push(id)
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

  for (const [producer, byNumber] of messages) {
    for (const [number, { told, at, error }] of byNumber) {
      const id = `${producer}:${number}`
      const when = written.get(id)
      if (told === 'acknowledged') {
        found.acknowledged++
        if (when === undefined) found.lost.push(id)
      } else if (told !== null) {
        found.rejected++
        if (told === 'doubtful') found.doubtful++
        if (when === undefined) continue
        if (told === 'rejected') found.denied.push(`${id}: ${error}`)
        else if (when <= at) found.before++
        else found.late.push({ id, after: when - at, error })
      }
    }
  }
  return found
}

/**
 * @param {string} file
 * @param {Map<string, Map<number, Message>>} messages
 * @param {Written} found
 */
const readLedger = (file, messages, found) => {
  /** What is not told yet, by producer and first number. @type {Map<string, Message[]>} */
  const open = new Map()
  let isOver = false
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const [kind, time, producer, first, ...more] = line.split('\t')
    const key = `${producer}:${first}`
    const at = Number(time)
    if (kind === 's') {
      const count = Number(more[0])
      const sent = Array.from({ length: count }, () => newMessage())
      const byNumber = messages.get(producer) ?? new Map()
      messages.set(producer, byNumber)
      for (const [n, message] of sent.entries()) byNumber.set(Number(first) + n, message)
      open.set(key, sent)
      found.sent += count
    } else if (kind === 'a' || kind === 'x') {
      const sent = open.get(key) ?? []
      // A failure names some of them, and another line may name others.
      for (const message of sent) {
        if (message.told === null) Object.assign(message, { told: 'acknowledged', at })
      }
      if (kind === 'a') continue
      const [numbers, doubt, error] = more
      const told = doubt === '1' ? 'doubtful' : 'rejected'
      for (const n of numbers.split(',')) Object.assign(sent[Number(n)], { told, at, error })
      const text = error.replace(/\d+(\.\d+)*/g, 'N').slice(0, 100)
      found.errors.set(text, (found.errors.get(text) ?? 0) + 1)
    } else if (kind === 'd') isOver = true
  }
  if (!isOver) return
  for (const [key, sent] of open) {
    if (sent.some(({ told }) => told === null)) found.untold.push(`${file} ${key}`)
  }
}

/** @returns {Message} */
const newMessage = () => ({ told: null, at: 0, error: '' })

module.exports = { audit }
