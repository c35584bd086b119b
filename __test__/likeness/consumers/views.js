// @ts-check
'use strict'

/** What two runs of a program have in common, and what not: view by view, without what DIFFERENCES.md lists. */

const { isMixed, isOwn } = require('./topics')

/** @typedef {import('./play').Seen} Seen */
/** @typedef {import('./program').Program} Program */

/** kafkajs, disconnected and connected again, takes the end of the old connection for that of the new one. */
const isVoid = (/** @type {Seen[]} */ seen) =>
  seen.some(({ kind, message }) => kind === 'log' && VOID.test(message))
const VOID = /write after end|Closed connection|[Nn]ot connected|Response without match/

/** @param {Seen[]} seen @param {Program} program @returns {Map<string, string[]>} */
const viewsOf = (seen, program) => {
  /** @type {Map<string, string[]>} */
  const views = new Map()
  const put = (/** @type {string} */ view, /** @type {string} */ what) => {
    const all = views.get(view)
    if (all) all.push(what)
    else views.set(view, [what])
  }
  for (const entry of seen) {
    const { kind, of, offsets } = entry
    if (kind === 'handed') {
      for (const offset of offsets.split(',')) put(`what is handed out of ${of}`, offset)
      put(`payloads`, entry.is)
      put(`places of ${of}`, `${offsets} ${entry.place}`)
    }
    if (kind === 'handed' || kind === 'handled') put(`calls for ${of}`, `${kind} ${offsets}`)
    if (kind === 'message') put('messages', entry.is)
    if (kind === 'settled') put(entry.tag, entry.outcome)
    if (kind === 'log') putLog(put, entry)
    if (kind === 'event') putEvent(put, entry)
    if (kind === 'often') put(`shape of ${entry.name}`, entry.is)
    if (kind === 'committed') put('what is committed', committed(entry, program))
  }
  for (const [view, all] of views) {
    if (UNORDERED.test(view)) views.set(view, [...new Set(all)].sort())
  }
  return views
}
const UNORDERED = /^(messages|payloads|shape of|info)/

/** @param {(view: string, what: string) => any} put @param {Seen} entry */
const putLog = (put, { label, namespace, message, extra }) => {
  // What a broker answers; and when the last handler has ended.
  if (namespace === 'Connection' || message.endsWith('not running, exiting')) return
  const view = label === 'INFO' ? 'info' : 'errors and warnings in the log'
  put(view, `${label} ${namespace} ${message} ${extra}`)
}

/** @param {(view: string, what: string) => any} put @param {Seen} entry */
const putEvent = (put, { name, is, values }) => {
  // How many commits there are is not the same, nor how many batches without a message.
  if (name === 'COMMIT_OFFSETS' || name === 'REBALANCING' || values.includes('batchSize: 0')) return
  const [, topic, partition] = /topic: '(\S+)', partition: (\d+), highWatermark/.exec(values) ?? []
  put(topic ? `batches of ${topic} ${partition}` : 'events', `${name} ${is} ${values}`)
}

/** Control records at the end are committed, and metadata of a commit by hand stays. @param {Seen} entry @param {Program} program */
const committed = ({ partitions }, { kind, run }) =>
  partitions
    .map(({ partition, offset, metadata }) => {
      const next = isMixed(kind) ? (BEHIND[offset] ?? offset) : offset
      return `${partition}: ${next} ${run.autoCommit === false ? metadata : ''}`
    })
    .join(', ')
/** The next message behind what is no message (`topics.js`). */
const BEHIND = { 10: '14', 11: '14', 12: '14', 13: '14', 19: '20' }

/**
 * @param {Seen[]} one
 * @param {Seen[]} other
 * @param {Program} program
 * @returns {{ view: string, one: string, other: string }[]} where they differ, and how at first
 */
const differences = (one, other, program) => {
  const [views, others] = [viewsOf(one, program), viewsOf(other, program)]
  const { maxBytes, maxBytesPerPartition } = program.consumer
  // Positions in front of control records, or behind them, make other answers of the same bytes; and what is written meanwhile may come
  // together with what waits, or behind it.
  const isSplit =
    isOwn(program.kind) || (isMixed(program.kind) && (maxBytes || maxBytesPerPartition))
  const found = []
  for (const view of new Set([...views.keys(), ...others.keys()])) {
    const [a, b] = [views.get(view) ?? [], others.get(view) ?? []]
    if (isSplit && /^(batches|places|calls)/.test(view)) continue
    if (view.startsWith('shape of') && (a.length === 0 || b.length === 0)) continue
    let at = 0
    while (at < a.length && a[at] === b[at]) at++
    if (at === a.length && at === b.length) continue
    const rest = (/** @type {string[]} */ all) =>
      `${all.length} in all, then: ${all.slice(at, at + 3).join(' | ')}`
    found.push({ view, one: rest(a), other: rest(b) })
  }
  return found
}

module.exports = { differences, isVoid }
