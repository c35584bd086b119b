// @ts-check
'use strict'

/** All topics. */

const { size } = require('../output')

/** @type {import('../index').Command} */
module.exports = {
  summary: 'Lists topics: partitions, replicas, those that are not in sync, sizes.',
  usage: '[--all] [--match TEXT]',
  options: {
    all: { type: 'boolean', short: 'a', help: 'internal ones, too' },
    match: { type: 'string', short: 'm', help: 'only names with this in them' }
  },
  examples: [
    'kafkars topics --brokers localhost:9092',
    'kafkars topics --match orders',
    "kafkars topics | awk -F '\\t' '$4 > 0'   # under-replicated ones"
  ],
  async run({ kafka, values, out }) {
    const admin = /** @type {any} */ (kafka.admin())
    try {
      const { topics } = await admin.fetchTopicMetadata()
      const wanted = topics
        .filter(({ name }) => values.all || !name.startsWith('__'))
        .filter(({ name }) => values.match === undefined || name.includes(values.match))
        .sort((a, b) => a.name.localeCompare(b.name))
      const sizes = await sizesOf(admin, wanted)
      const rows = wanted.map(({ name, partitions }) => ({
        topic: name,
        partitions: partitions.length,
        replicationFactor: Math.max(0, ...partitions.map(({ replicas }) => replicas.length)),
        underReplicated: partitions.filter(({ isr, replicas }) => isr.length < replicas.length)
          .length,
        leaderless: partitions.filter(({ leader }) => leader < 0).length,
        bytes: sizes === null ? null : (sizes.get(name) ?? 0)
      }))
      if (out.isJson) return rows.forEach(out.json)
      const shown = bytes => (out.isTerminal ? size(bytes) : bytes)
      out.table(
        ['TOPIC', 'PARTITIONS', 'REPLICAS', 'NOT IN SYNC', 'NO LEADER', 'SIZE'],
        rows.map(row => [...Object.values(row).slice(0, 5), shown(row.bytes)])
      )
    } finally {
      await admin.disconnect()
    }
  }
}

/** Bytes by topic, replicas counted once; null when brokers do not tell us. */
const sizesOf = async (admin, topics) => {
  if (topics.length === 0) return new Map()
  const asked = topics.map(({ name, partitions }) => ({
    topic: name,
    partitions: partitions.map(({ partitionId }) => partitionId)
  }))
  const { brokers } = await admin.describeLogDirs({ topics: asked })
  if (brokers.every(({ error }) => error)) return null
  /** @type {Map<string, Map<number, number>>} */
  const largest = new Map()
  for (const { logDirs } of brokers) {
    for (const { topic, partitions } of logDirs.flatMap(dir => dir.topics)) {
      const found = largest.get(topic) ?? new Map()
      largest.set(topic, found)
      for (const { partition, size: bytes, isFuture } of partitions) {
        if (!isFuture) found.set(partition, Math.max(bytes, found.get(partition) ?? 0))
      }
    }
  }
  const sum = found => [...found.values()].reduce((a, b) => a + b, 0)
  return new Map([...largest].map(([topic, found]) => [topic, sum(found)]))
}
