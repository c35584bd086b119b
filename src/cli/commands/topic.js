// @ts-check
'use strict'

/** One topic. */

const { size } = require('../output')

/** @type {import('../index').Command} */
module.exports = {
  summary:
    'One topic: partitions, leaders, replicas, offsets, sizes, and what it is configured to.',
  usage: 'NAME',
  most: 1,
  examples: ['kafkars topic orders', 'kafkars topic orders --json | jq .configs'],
  async run({ kafka, args: [name], out }) {
    const admin = /** @type {any} */ (kafka.admin())
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [name] })
      const partitions = topics[0].partitions.sort((a, b) => a.partitionId - b.partitionId)
      const ids = partitions.map(({ partitionId }) => partitionId)
      const [low, high, dirs, configs] = await Promise.all([
        offsetsOf(admin, name, ids, 'earliest'),
        offsetsOf(admin, name, ids, 'latest'),
        admin.describeLogDirs({ topics: [{ topic: name, partitions: ids }] }),
        configsOf(admin, name)
      ])
      const bytes = bytesOf(dirs)
      const rows = partitions.map(({ partitionId, leader, replicas, isr }) => ({
        partition: partitionId,
        leader,
        replicas,
        isr,
        low: low.get(partitionId),
        high: high.get(partitionId),
        bytes: bytes.get(partitionId) ?? null
      }))
      if (out.isJson) return out.json({ topic: name, partitions: rows, configs })
      out.table(
        ['PARTITION', 'LEADER', 'REPLICAS', 'IN SYNC', 'FIRST', 'NEXT', 'SIZE'],
        rows.map(row => [
          row.partition,
          row.leader < 0 ? 'none' : row.leader,
          row.replicas.join(','),
          row.isr.join(','),
          row.low ?? 'unknown',
          row.high ?? 'unknown',
          out.isTerminal ? size(row.bytes) : row.bytes
        ])
      )
      if (!out.isTerminal || configs === null) return
      out.line()
      const entries = Object.entries(configs)
      if (entries.length === 0) return out.line(out.faint('All configs are the defaults.'))
      out.table(['CONFIG', 'VALUE'], entries)
    } finally {
      await admin.disconnect()
    }
  }
}

/** By partition; those that have none, because of an error, are left out. */
const offsetsOf = async (admin, topic, partitions, timestamp) => {
  const asked = partitions.map(partition => ({ partition, timestamp }))
  const [found] = await admin.listOffsets({ topics: [{ topic, partitions: asked }] })
  const answered = found.partitions.filter(({ error }) => !error)
  return new Map(answered.map(({ partition, offset }) => [partition, offset]))
}

/** What is set on the topic itself; null when we may not know. */
const configsOf = async (admin, name) => {
  try {
    const { resources } = await admin.describeConfigs({ resources: [{ type: TOPIC, name }] })
    const own = resources[0].configEntries.filter(({ configSource }) => configSource === OF_TOPIC)
    return Object.fromEntries(own.map(({ configName, configValue }) => [configName, configValue]))
  } catch (e) {
    if (/AUTHORIZATION/.test(e.type)) return null
    throw e
  }
}

const TOPIC = 2
const OF_TOPIC = 1

const bytesOf = ({ brokers }) => {
  const found = new Map()
  const all = brokers.flatMap(({ logDirs }) => logDirs).flatMap(({ topics }) => topics)
  for (const { partition, size: bytes, isFuture } of all.flatMap(({ partitions }) => partitions)) {
    if (!isFuture) found.set(partition, Math.max(bytes, found.get(partition) ?? 0))
  }
  return found
}
