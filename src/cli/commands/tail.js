// @ts-check
'use strict'

/** Messages of a topic, as they come. */

const { randomUUID } = require('node:crypto')
const { UsageError, toCount } = require('../options')
const { clean } = require('../output')

/** @type {import('../index').Command} */
module.exports = {
  summary: 'Prints messages as they come: one line each on a terminal, JSON lines in a pipe.',
  usage: 'TOPIC [--from … | --last N] [--filter …] [--max N] [--end]',
  most: 1,
  ends: true,
  options: {
    from: {
      type: 'string',
      short: 'f',
      help: 'latest (default), earliest, or a time: ISO 8601 or ms'
    },
    last: { type: 'string', short: 'l', help: 'from the last so many of each partition on' },
    filter: {
      type: 'string',
      help: 'only with this text in key, value or a header; /…/ is an expression'
    },
    partition: { type: 'string', short: 'p', help: 'only of this partition' },
    max: { type: 'string', short: 'n', help: 'ends after so many messages' },
    end: { type: 'boolean', short: 'e', help: 'ends where the topic ends now' }
  },
  examples: [
    'kafkars tail orders',
    'kafkars tail orders --from earliest --end | jq .value',
    'kafkars tail orders --from 2026-11-28T09:00:00Z --filter "/cust-4[0-9]/"',
    'kafkars tail orders --last 10 --end'
  ],
  async run({ kafka, values, args: [topic], out, signal }) {
    const matches = toFilter(values.filter)
    const most = values.max === undefined ? Infinity : toCount(values.max, '--max')
    const only = values.partition === undefined ? null : toCount(values.partition, '--partition')
    const admin = /** @type {any} */ (kafka.admin())
    const places = await placesOf(admin, topic, values, only).finally(() => admin.disconnect())
    // What is left to read, by partition.
    const left = new Map(
      places.filter(({ start, end }) => start < end).map(({ partition, end }) => [partition, end])
    )
    if (most === 0 || (values.end && left.size === 0)) return
    // A group of our own, which commits nothing and is gone with its member.
    const consumer = kafka.consumer({ groupId: `kafkars-tail-${randomUUID()}` })
    const print = out.isTerminal && !out.isJson ? pretty(out) : jsonLine(out)
    const isWaiting = !values.end && places.every(({ start, end }) => start >= end)
    if (out.isTerminal && isWaiting) out.note('Waiting for messages; Ctrl-C ends it.')
    let printed = 0
    /** @type {NodeJS.Timeout | undefined} */
    let looking
    await new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => resolve(undefined), { once: true })
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (!payload.restart) reject(payload.error)
      })
      const handle = async ({ partition, message }) => {
        if (printed >= most || signal.aborted) return
        const at = BigInt(message.offset)
        const isBehindEnd = values.end && !(at < (left.get(partition) ?? 0n))
        if (!isBehindEnd && matches(message)) {
          printed++
          print({ topic, partition, message })
        }
        if (values.end && at + 1n >= (left.get(partition) ?? 0n)) left.delete(partition)
        if (printed >= most || (values.end && left.size === 0)) resolve(undefined)
      }
      // What stands before the end may be nothing that is handed out: the mark of a transaction, or one that was aborted.
      const look = () => {
        for (const [partition, end] of left) {
          const position = consumer.position({ topic, partition })
          if (position !== null && BigInt(position) >= end) left.delete(partition)
        }
        if (left.size === 0) resolve(undefined)
      }
      if (values.end) looking = setInterval(look, LOOK)
      const start = async () => {
        await consumer.subscribe({ topic, fromBeginning: true })
        await consumer.run({ autoCommit: false, eachMessage: handle })
        for (const place of places) {
          consumer.seek({ topic, partition: place.partition, offset: String(place.start) })
        }
        const others = places.filter(({ wanted }) => !wanted).map(({ partition }) => partition)
        if (others.length > 0) consumer.pause([{ topic, partitions: others }])
      }
      start().catch(reject)
    }).finally(() => {
      clearInterval(looking)
      return consumer.disconnect()
    })
  }
}

/** How often it is seen whether the end is reached, ms. */
const LOOK = 100

/** Where each partition begins to be read, and where it ends now. */
const placesOf = async (admin, topic, { from = 'latest', last }, only) => {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  const ids = topics[0].partitions.map(({ partitionId }) => partitionId).sort((a, b) => a - b)
  if (only !== null && !ids.includes(only)) {
    throw new UsageError(`Topic "${topic}" has no partition ${only}`)
  }
  const at = async timestamp => {
    const asked = ids.map(partition => ({ partition, timestamp }))
    // Behind that nothing is handed out before its transaction has ended.
    const [{ partitions }] = await admin.listOffsets({
      topics: [{ topic, partitions: asked }],
      readUncommitted: false
    })
    return partitions.map(({ offset, error }) => {
      if (error) throw error
      return BigInt(offset)
    })
  }
  const [low, high] = await Promise.all([at('earliest'), at('latest')])
  const starts = await startsOf({ from, last }, { at, low, high })
  return ids.map((partition, i) => {
    const wanted = only === null || only === partition
    return { partition, wanted, start: wanted ? starts[i] : high[i], end: high[i] }
  })
}

const startsOf = async ({ from, last }, { at, low, high }) => {
  if (last !== undefined) {
    const most = BigInt(toCount(last, '--last'))
    return high.map((end, i) => (end - most > low[i] ? end - most : low[i]))
  }
  if (from === 'latest') return high
  if (from === 'earliest') return low
  const time = /^\d+$/.test(from) ? Number(from) : Date.parse(from)
  if (Number.isNaN(time)) throw new UsageError(`--from ${from}: not latest, earliest or a time`)
  const found = await at(time)
  return found.map((offset, i) => (offset < 0n ? high[i] : offset))
}

/** @param {string | undefined} filter @returns {(message: any) => boolean} */
const toFilter = filter => {
  if (filter === undefined) return () => true
  const expression = /^\/(.*)\/([a-z]*)$/s.exec(filter)
  const test = expression ? expressionOf(expression, filter) : text => text.includes(filter)
  return ({ key, value, headers = {} }) => {
    const texts = [key, value, ...Object.keys(headers), ...Object.values(headers).flat()]
    return texts.some(text => text != null && test(String(text)))
  }
}

/** @param {string[]} match @param {string} filter */
const expressionOf = ([, source, flags], filter) => {
  try {
    const expression = new RegExp(source, flags.replace('g', ''))
    return text => expression.test(text)
  } catch (e) {
    throw new UsageError(`--filter ${filter}: ${e.message}`)
  }
}

/** Text where it is UTF-8, else `{ base64 }`. @param {Buffer | string | null | undefined} bytes */
const toText = bytes => {
  if (bytes == null || typeof bytes === 'string') return bytes ?? null
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? text : { base64: bytes.toString('base64') }
}

/** One that is no time, nanoseconds for instance, as it is. @param {string} timestamp ms */
const timeOf = timestamp => {
  const time = new Date(Number(timestamp))
  return Number.isNaN(time.getTime()) ? timestamp : time.toISOString()
}

const headersOf = ({ headers = {} }) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(toText) : toText(value)
    ])
  )

const jsonLine =
  out =>
  ({ topic, partition, message }) =>
    out.json({
      topic,
      partition,
      offset: message.offset,
      timestamp: timeOf(message.timestamp),
      key: toText(message.key),
      value: toText(message.value),
      headers: headersOf(message)
    })

const pretty = out => {
  const shown = bytes => {
    const text = toText(bytes)
    if (text === null) return out.faint('null')
    return typeof text === 'string' ? clean(text) : out.faint(`base64:${text.base64}`)
  }
  return ({ partition, message }) => {
    const time = timeOf(message.timestamp)
    const headers = Object.entries(message.headers ?? {})
      .flatMap(([name, value]) => [value].flat().map(one => `${clean(name)}=${shown(one)}`))
      .join(' ')
    const where = out.faint(`${time} ${partition}@${message.offset}`)
    out.line(
      [where, out.strong(shown(message.key)), shown(message.value), headers && out.faint(headers)]
        .filter(Boolean)
        .join('  ')
    )
  }
}
