// @ts-check
'use strict'

/** Sets a group to other offsets of a topic. */

const readline = require('node:readline/promises')
const { UsageError } = require('../options')

const WITHOUT_MEMBERS = ['Empty', 'Dead']

/** @type {import('../index').Command} */
module.exports = {
  summary:
    'Sets a group without members to other offsets of a topic; shows them and asks before it does.',
  usage: 'GROUP TOPIC --to earliest|latest|OFFSET|TIME [--dry-run]',
  most: 2,
  changes: true,
  ends: true,
  options: {
    to: {
      type: 'string',
      help: 'where: earliest, latest, an offset, a time (2026-03-31T12:00Z) or how long ago (90s, 30m, 2h, 7d)'
    },
    partition: { type: 'string', multiple: true, help: 'only this one; may be repeated' },
    'dry-run': { type: 'boolean', help: 'show, but commit nothing' },
    yes: { type: 'boolean', short: 'y', help: 'do not ask' }
  },
  examples: [
    'kafkars seek billing orders --to earliest --dry-run',
    'kafkars seek billing orders --to 2026-03-31T12:00Z',
    'kafkars seek billing orders --to 4711 --partition 3 --yes'
  ],
  async run({ kafka, args: [groupId, topic], values, out, process, signal, interrupt }) {
    const target = toTarget(values.to)
    const mayAsk = out.isTerminal && process.stdin.isTTY === true && !out.isJson
    if (!values['dry-run'] && !values.yes && !mayAsk) {
      throw new UsageError('There is nobody to ask: give --yes, or --dry-run')
    }
    const admin = /** @type {any} */ (kafka.admin())
    try {
      const chosen = toPartitions(values.partition)
      const [rows, { groups }] = await Promise.all([
        changes(admin, groupId, topic, target, chosen),
        admin.describeGroups([groupId])
      ])
      const [{ state }] = groups
      if (out.isJson) {
        out.json({ groupId, topic, state, dryRun: values['dry-run'] === true, partitions: rows })
      } else {
        out.table(
          ['PARTITION', 'FIRST', 'NEXT', 'BEFORE', 'AFTER'],
          rows.map(({ partition, low, high, before, after }) => [
            partition,
            low,
            high,
            before ?? '-',
            after
          ])
        )
      }
      for (const { partition, wanted, after } of rows) {
        if (wanted !== null && wanted !== after) {
          out.note(`Partition ${partition} has no offset ${wanted}: ${after} is the nearest`)
        }
      }
      if (values['dry-run']) return
      if (!WITHOUT_MEMBERS.includes(state)) {
        out.note(`The group has members (it is ${state}): stop them first`)
        return 1
      }
      const question = `Set ${groupId} to these offsets?`
      if (!values.yes && !(await agrees(process, { signal, interrupt }, question))) {
        out.note('Nothing was changed.')
        return 1
      }
      const partitions = rows.map(({ partition, after }) => ({ partition, offset: after }))
      await admin.setOffsets({ groupId, topic, partitions })
      out.note('Done.')
    } finally {
      await admin.disconnect()
    }
  }
}

/** Where each partition stands, and where it is to. */
const changes = async (admin, groupId, topic, target, chosen) => {
  const [offsets, [committed], found] = await Promise.all([
    admin.fetchTopicOffsets(topic),
    admin.fetchOffsets({ groupId, topics: [topic] }),
    target.time === undefined ? [] : admin.fetchTopicOffsetsByTimestamp(topic, target.time)
  ])
  const ofPartition = (list, number) => list.find(({ partition }) => partition === number)
  const unknown = chosen.find(number => ofPartition(offsets, number) === undefined)
  if (unknown !== undefined) throw new UsageError(`Topic ${topic} has no partition ${unknown}`)
  return offsets
    .filter(({ partition }) => chosen.length === 0 || chosen.includes(partition))
    .sort((a, b) => a.partition - b.partition)
    .map(({ partition, low, high }) => {
      const { offset } = ofPartition(committed.partitions, partition) ?? { offset: '-1' }
      const after = {
        earliest: () => low,
        latest: () => high,
        time: () => ofPartition(found, partition).offset,
        offset: () => within(target.offset, low, high)
      }[target.kind]()
      return {
        partition,
        low,
        high,
        before: offset === '-1' ? null : offset,
        after,
        wanted: target.kind === 'offset' ? target.offset : null
      }
    })
}

const within = (offset, low, high) => {
  if (BigInt(offset) < BigInt(low)) return low
  return BigInt(offset) > BigInt(high) ? high : offset
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86400 }

/** @param {string | undefined} text @returns {{ kind: 'earliest' | 'latest' | 'time' | 'offset', time?: number, offset?: string }} */
const toTarget = text => {
  if (text === undefined) throw new UsageError('Where to? Give --to')
  if (text === 'earliest' || text === 'latest') return { kind: text }
  if (/^\d{1,19}$/.test(text)) return { kind: 'offset', offset: String(BigInt(text)) }
  const ago = /^(\d+)([smhd])$/.exec(text)
  if (ago) return { kind: 'time', time: Date.now() - Number(ago[1]) * SECONDS[ago[2]] * 1000 }
  const time = /^\d{4}-\d\d/.test(text) ? Date.parse(text) : NaN
  if (Number.isNaN(time)) {
    throw new UsageError(
      `--to: "${text}" is not earliest, latest, an offset, a time or how long ago`
    )
  }
  return { kind: 'time', time }
}

const toPartitions = (texts = []) =>
  texts.map(text => {
    if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--partition: "${text}" is no partition`)
    return Number(text)
  })

const agrees = async ({ stdin, stdout }, { signal, interrupt }, question) => {
  const asking = readline.createInterface({ input: stdin, output: stdout })
  // The terminal gives the key to who asks, and no signal to the process.
  asking.on('SIGINT', () => {
    stdout.write('\n')
    interrupt()
  })
  // Ctrl-D: no answer is none that agrees.
  asking.on('close', interrupt)
  try {
    return /^y(es)?$/i.test((await asking.question(`${question} [y/N] `, { signal })).trim())
  } finally {
    asking.removeListener('close', interrupt)
    asking.close()
  }
}
