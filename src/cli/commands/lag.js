// @ts-check
'use strict'

/** How far a group is behind, once or all the time. */

const { setTimeout: pause } = require('node:timers/promises')
const { UsageError } = require('../options')
const { placeOf } = require('../../utils/offsets')
const { toDelay } = require('../../utils/timers')

/** Between two looks, seconds. */
const INTERVAL = 2

/** The cursor to the first place, and whatever stands behind it away. */
const CLEAR = '\u001b[H\u001b[J'

const HEAD = ['TOPIC', 'PARTITION', 'OWNER', 'COMMITTED', 'END', 'LAG']
const HEAD_OF_RATES = [...HEAD, 'RATE/S', 'CAUGHT UP IN']
/** Topic and owner: what is left of them tells them apart, as a rule. */
const NARROW = [0, 2]
/** Title, empty lines, head, and how it ends. */
const LINES_AROUND = 5

/** @type {import('../index').Command} */
module.exports = {
  summary: 'How far a group is behind: partitions, owners, committed offsets, ends, lag.',
  usage: 'GROUP [--watch]',
  most: 1,
  ends: true,
  options: {
    watch: {
      type: 'boolean',
      short: 'w',
      help: 'again and again, with rates: a live table on a terminal, lines elsewhere'
    },
    interval: { type: 'string', help: `between two looks, seconds; default ${INTERVAL}` },
    count: { type: 'string', help: 'end after so many looks' }
  },
  examples: [
    'kafkars lag billing',
    'kafkars lag billing --watch',
    "kafkars lag billing | awk '{ sum += $6 } END { print sum }'"
  ],
  async run({ kafka, args: [groupId], values, out, process, signal }) {
    const interval = positive('interval', values.interval, INTERVAL)
    const count = positive('count', values.count, values.watch || values.count ? Infinity : 1)
    const admin = /** @type {any} */ (kafka.admin())
    let isDrawn = false
    try {
      let before
      let isTold = false
      for (let look = 1; ; look++) {
        const now = { at: Date.now(), parts: await admin.groupLag(groupId) }
        const past = new Map(before?.parts.map(part => [placeOf(part), part]))
        const seconds = before ? (now.at - before.at) / 1000 : 0
        const rows = now.parts.map(part => withRates(part, past.get(placeOf(part)), seconds))
        // A group that is watched for may come.
        if (rows.length > 0) isTold = false
        const isUnknown = rows.length === 0 && !(await isKnown(admin, groupId))
        const nothing = isUnknown
          ? `There is no group "${groupId}".`
          : 'The group has committed nothing.'
        if (out.isJson) tellJson(out, groupId, rows, now.at, count > 1)
        else if (count === 1) out.table(HEAD, rows.map(cells))
        else if (out.isTerminal) {
          const title = `${groupId}  ${total(rows)} behind  ${clock(now.at)}`
          const lines = rows.length === 0 ? [nothing] : picture(out, rows)
          const whole = [out.strong(out.cut(title)), '', ...lines, '', out.faint('Ctrl-C ends it.')]
          // No new line behind it: the first one would be pushed out.
          process.stdout.write(CLEAR + whole.join('\n'))
          isDrawn = true
        } else {
          for (const row of rows) out.line([clock(now.at), ...cellsOfRates(row)].join('\t'))
        }
        if (rows.length === 0 && !isTold && !(out.isTerminal && count > 1)) {
          out.note(nothing)
          isTold = true
        }
        if (look >= count) return isUnknown ? 1 : 0
        before = now
        await pause(toDelay(interval * 1000), undefined, { signal })
      }
    } catch (e) {
      // This is how one ends it.
      if (!signal.aborted) throw e
    } finally {
      if (isDrawn) out.line()
      await admin.disconnect()
    }
  }
}

/**
 * As much of the table as a terminal shows: where it is not high enough, the partitions that are furthest behind.
 * @param {import('../output').Output} out @param {any[]} rows
 */
const picture = (out, rows) => {
  const room = Math.max(1, out.height - LINES_AROUND)
  if (rows.length <= room) return out.fitted(HEAD_OF_RATES, rows.map(cellsOfRates), NARROW)
  const most = Math.max(1, room - 1)
  const furthest = new Set([...rows].sort((a, b) => byNumber(b.lag, a.lag)).slice(0, most))
  const shown = rows.filter(row => furthest.has(row))
  const rest = out.cut(`${rows.length - shown.length} more, less far behind`)
  return [...out.fitted(HEAD_OF_RATES, shown.map(cellsOfRates), NARROW), out.faint(rest)]
}

/** Of lags; what is not known is first. @param {string | null} a @param {string | null} b */
const byNumber = (a, b) => Number(a ?? Infinity) - Number(b ?? Infinity) || 0

const isKnown = async (admin, groupId) => {
  const { groups } = await admin.describeGroups([groupId])
  return groups[0].state !== 'Dead'
}

const tellJson = (out, groupId, rows, at, isOneOfMany) => {
  const partitions = rows.map(({ error, ...row }) => ({
    ...row,
    ...(error && { error: error.message })
  }))
  out.json({ groupId, ...(isOneOfMany && { time: clock(at) }), lag: total(rows), partitions })
}

/**
 * How much the group commits in a second, and in how many seconds it has all that is written; null = not known, or never.
 */
const withRates = (part, past, seconds) => {
  const rate = rateOf(past?.committed, part.committed, seconds)
  const growth = rateOf(past?.end, part.end, seconds)
  const gain = rate === null || growth === null ? 0 : rate - growth
  const lag = part.lag === null ? null : Number(part.lag)
  const caughtUpIn = lag === 0 ? 0 : lag !== null && gain > 0 ? lag / gain : null
  return { ...part, rate, caughtUpIn }
}

const rateOf = (before, now, seconds) => {
  if (before == null || now == null || seconds <= 0) return null
  return (Number(now) - Number(before)) / seconds
}

const cells = ({ topic, partition, owner, committed, end, lag }) => [
  topic,
  partition,
  owner ? `${owner.clientId}${owner.clientHost}` : '-',
  committed ?? '-',
  end ?? '-',
  lag ?? '-'
]

const cellsOfRates = row => [
  ...cells(row),
  row.rate === null ? '-' : row.rate.toFixed(1),
  row.caughtUpIn === null ? '-' : duration(row.caughtUpIn)
]

/** Of those that are known. */
const total = rows => String(rows.reduce((sum, { lag }) => sum + BigInt(lag ?? 0), 0n))

const clock = at => new Date(at).toISOString()

/** @param {number} seconds */
const duration = seconds => {
  if (seconds < 120) return `${Math.ceil(seconds)} s`
  if (seconds < 7200) return `${Math.ceil(seconds / 60)} min`
  return `${Math.ceil(seconds / 3600)} h`
}

const positive = (name, text, other) => {
  if (text === undefined) return other
  const number = Number(text)
  if (!(number > 0)) throw new UsageError(`--${name}: "${text}" is no number above 0`)
  return number
}
