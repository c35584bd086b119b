// @ts-check
'use strict'

/**
 * `kafkars/prometheus`: what all consumers of the process do, as text for Prometheus. It listens to diagnostics channels, once for each
 * delivery and not for each message, and to nothing before `createMetrics()`. How far consumers are it asks them when it is scraped: they
 * know it without asking a broker.
 */

const { channel, subscribe, unsubscribe } = require('node:diagnostics_channel')

/** Whoever publishes `{ tell }` is told by each consumer that runs, before `publish()` returns. */
const scrape = channel('kafkars:consumer.scrape')

/** Seconds. */
const BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60]

const HELP = {
  kafkars_consumer_messages_total: ['counter', 'Messages that handlers have been through.'],
  kafkars_consumer_lag: ['gauge', 'Messages from the position to the end, as far as is known.'],
  kafkars_consumer_offset: ['gauge', 'The last offset handled.'],
  kafkars_consumer_delivery_seconds: [
    'histogram',
    'What handlers take for a delivery, of 2000 messages at most.'
  ],
  kafkars_consumer_commits_total: [
    'counter',
    'Offsets that the coordinator has taken, by partition.'
  ],
  kafkars_consumer_joins_total: ['counter', 'Generations that a member has joined.'],
  kafkars_consumer_rebalances_total: ['counter', 'Rebalances that a member has heard of.'],
  kafkars_consumer_assigned_partitions: ['gauge', 'Partitions of the last assignment.'],
  kafkars_consumer_crashes_total: ['counter', 'Crashes, restarted ones too.']
}

/** @typedef {keyof typeof HELP} Name */
/** @typedef {Record<string, string | number>} Labels */

/** Values by name and labels. */
class Table {
  constructor() {
    /** @type {Map<string, Map<string, number>>} */
    this.rows = new Map()
  }

  /** @param {string} name @param {Labels} labels @private */
  of(name, labels) {
    let values = this.rows.get(name)
    if (values === undefined) this.rows.set(name, (values = new Map()))
    return { values, row: `${name}${written(labels)}` }
  }

  /** @param {string} name @param {Labels} labels @param {number} [by] */
  add(name, labels, by = 1) {
    const { values, row } = this.of(name, labels)
    values.set(row, (values.get(row) ?? 0) + by)
  }

  /** @param {string} name @param {Labels} labels @param {number} value */
  set(name, labels, value) {
    const { values, row } = this.of(name, labels)
    values.set(row, value)
  }

  /** @param {string} name @param {Labels} labels @param {number} seconds */
  observe(name, labels, seconds) {
    for (const le of BUCKETS) this.add(`${name}_bucket`, { ...labels, le }, Number(seconds <= le))
    this.add(`${name}_bucket`, { ...labels, le: '+Inf' })
    this.add(`${name}_sum`, labels, seconds)
    this.add(`${name}_count`, labels)
  }

  /** @param {string} name */
  clear(name) {
    this.rows.delete(name)
  }

  /** @param {string} name @returns {string[]} */
  lines(name) {
    return [...(this.rows.get(name) ?? [])].map(([row, value]) => `${row} ${value}`)
  }
}

/** @param {Labels} labels */
const written = labels =>
  `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(String(value))}"`)
    .join(',')}}`

/** @param {string} text */
const escaped = text => text.replace(/[\\"\n]/g, char => (char === '\n' ? '\\n' : `\\${char}`))

/** Offsets are text; Prometheus's numbers are doubles. @param {string} offset */
const number = offset => Number(offset)

/**
 * What is told, and what becomes of it.
 * @type {Record<string, (table: Table, message: any) => void>}
 */
const CHANNELS = {
  'kafkars:consumer.end_batch_process': (table, { groupId, payload }) => {
    const { topic, partition, batchSize, duration, lastOffset } = payload
    const labels = { group: groupId, topic, partition }
    table.add('kafkars_consumer_messages_total', labels, batchSize)
    table.set('kafkars_consumer_offset', labels, number(lastOffset))
    table.observe('kafkars_consumer_delivery_seconds', { group: groupId, topic }, duration / 1000)
  },
  'kafkars:consumer.commit_offsets': (table, { payload: { groupId, topics } }) => {
    for (const { topic, partitions } of topics) {
      table.add('kafkars_consumer_commits_total', { group: groupId, topic }, partitions.length)
    }
  },
  'kafkars:consumer.group_join': (table, { payload: { groupId, memberAssignment } }) => {
    const partitions = Object.values(memberAssignment).flat().length
    table.add('kafkars_consumer_joins_total', { group: groupId })
    table.set('kafkars_consumer_assigned_partitions', { group: groupId }, partitions)
  },
  'kafkars:consumer.rebalancing': (table, { payload: { groupId } }) =>
    table.add('kafkars_consumer_rebalances_total', { group: groupId }),
  'kafkars:consumer.crash': (table, { payload: { groupId } }) =>
    table.add('kafkars_consumer_crashes_total', { group: groupId })
}

/** Partitions that nobody has any more are gone from it. @param {Table} table */
const readLag = table => {
  table.clear('kafkars_consumer_lag')
  /** @param {{ groupId: string, partitions: any[] }} told */
  const tell = ({ groupId, partitions }) => {
    for (const { topic, partition, lag } of partitions) {
      const labels = { group: groupId, topic, partition }
      if (lag !== null) table.set('kafkars_consumer_lag', labels, number(lag))
    }
  }
  scrape.publish({ tell })
}

/** Begins to listen. Call it before `run()`. */
const createMetrics = () => {
  const table = new Table()
  const listeners = Object.entries(CHANNELS).map(([name, tell]) => {
    const listener = (/** @type {any} */ message) => tell(table, message)
    subscribe(name, listener)
    return () => unsubscribe(name, listener)
  })

  let ended = false

  /** The text exposition format, version 0.0.4. */
  const metrics = () => {
    if (!ended) readLag(table)
    return Object.entries(HELP)
      .flatMap(([name, [type, help]]) => {
        const names =
          type === 'histogram' ? ['_bucket', '_sum', '_count'].map(end => name + end) : [name]
        const lines = names.flatMap(row => table.lines(row))
        return lines.length === 0
          ? []
          : [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines]
      })
      .map(line => `${line}\n`)
      .join('')
  }

  /** Listens no more. What was counted stays readable. */
  const end = () => {
    if (!ended) readLag(table)
    ended = true
    listeners.forEach(remove => remove())
  }

  return { contentType: 'text/plain; version=0.0.4; charset=utf-8', metrics, end }
}

module.exports = { createMetrics }
