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
/** null: there is none, a group for instance. @typedef {Record<string, string | number | null>} Labels */

/** @typedef {{ value: number }} Cell */

/** Values by name and labels. Who counts often keeps its cell: to write its labels takes longer than to count. */
class Table {
  constructor() {
    /** @type {Map<string, Map<string, Cell>>} */
    this.rows = new Map()
  }

  /** @param {string} name @param {Labels} labels @returns {Cell} */
  cell(name, labels) {
    let cells = this.rows.get(name)
    if (cells === undefined) this.rows.set(name, (cells = new Map()))
    const row = `${name}${written(labels)}`
    let cell = cells.get(row)
    if (cell === undefined) cells.set(row, (cell = { value: 0 }))
    return cell
  }

  /** @param {string} name @param {Labels} labels @param {number} [by] */
  add(name, labels, by = 1) {
    this.cell(name, labels).value += by
  }

  /** @param {string} name @param {Labels} labels @param {number} value */
  set(name, labels, value) {
    this.cell(name, labels).value = value
  }

  /** @param {string} name */
  clear(name) {
    this.rows.delete(name)
  }

  /** @param {string} name @returns {string[]} */
  lines(name) {
    return [...(this.rows.get(name) ?? [])].map(([row, { value }]) => `${row} ${value}`)
  }
}

class Histogram {
  /** @param {Table} table @param {string} name @param {Labels} labels */
  constructor(table, name, labels) {
    const bucket = (/** @type {number | string} */ le) =>
      table.cell(`${name}_bucket`, { ...labels, le })
    this.buckets = BUCKETS.map(bucket)
    this.all = bucket('+Inf')
    this.sum = table.cell(`${name}_sum`, labels)
    this.count = table.cell(`${name}_count`, labels)
  }

  /** @param {number} seconds */
  observe(seconds) {
    for (let i = BUCKETS.length; i-- > 0 && seconds <= BUCKETS[i];) this.buckets[i].value++
    this.all.value++
    this.sum.value += seconds
    this.count.value++
  }
}

/** What deliveries of a partition count, by the partition: the only thing that is told often. To find it makes no text. */
class Deliveries {
  /** @param {Table} table */
  constructor(table) {
    this.table = table
    /** By group, topic and partition. @type {Map<string, Map<string, Map<number, { messages: Cell, offset: Cell, seconds: Histogram }>>>} */
    this.groups = new Map()
  }

  /** @param {string} group @param {string} topic @param {number} partition */
  of(group, topic, partition) {
    return (
      this.groups.get(group)?.get(topic)?.get(partition) ?? this.create(group, topic, partition)
    )
  }

  /** @param {string} group @param {string} topic @param {number} partition @private */
  create(group, topic, partition) {
    const { table, groups } = this
    const labels = { group, topic, partition }
    const created = {
      messages: table.cell('kafkars_consumer_messages_total', labels),
      offset: table.cell('kafkars_consumer_offset', labels),
      seconds: new Histogram(table, 'kafkars_consumer_delivery_seconds', { group, topic })
    }
    const topics = groups.get(group) ?? new Map()
    const partitions = topics.get(topic) ?? new Map()
    groups.set(group, topics.set(topic, partitions.set(partition, created)))
    return created
  }
}

/** @param {Labels} labels */
const written = labels =>
  `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(String(value ?? ''))}"`)
    .join(',')}}`

/** @param {string} text */
const escaped = text => text.replace(/[\\"\n]/g, char => (char === '\n' ? '\\n' : `\\${char}`))

/** Offsets are text; Prometheus's numbers are doubles. @param {string} offset */
const number = offset => Number(offset)

/**
 * What is told, and what becomes of it.
 * @type {Record<string, (table: Table, message: any, deliveries: Deliveries) => void>}
 */
const CHANNELS = {
  'kafkars:consumer.end_batch_process': (_, { groupId, payload }, deliveries) => {
    const { topic, partition, batchSize, duration, lastOffset } = payload
    const { messages, offset, seconds } = deliveries.of(groupId, topic, partition)
    messages.value += batchSize
    offset.value = number(lastOffset)
    seconds.observe(duration / 1000)
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
  const deliveries = new Deliveries(table)
  const listeners = Object.entries(CHANNELS).map(([name, tell]) => {
    const listener = (/** @type {any} */ message) => tell(table, message, deliveries)
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
