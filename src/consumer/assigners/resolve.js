// @ts-check
'use strict'

const { inspect } = require('node:util')
const { KafkaJSNonRetriableError } = require('../../errors')
const roundRobin = require('./roundRobinAssigner')

/** @typedef {import('../../..').PartitionAssigner} PartitionAssigner */

/** The engine's assigners, by the names that all clients of Kafka's own assignors use. */
const OF_ENGINE = ['range', 'roundrobin', 'sticky', 'cooperative-sticky']

/** Those that need a member that rebalances cooperatively: which a consumer is not yet. */
const COOPERATIVE = ['cooperative-sticky']

/** `RoundRobinAssigner`, `round-robin` are one name, `CooperativeSticky` and `cooperative-sticky`, too. @param {string} name */
const plain = name =>
  name
    .toLowerCase()
    .replace(/[^a-z]/g, '')
    .replace(/assign[eo]r$/, '')

/**
 * Round robin is there twice: kafkajs's calls itself `RoundRobinAssigner` in the group, Kafka's `roundrobin`. Only that very
 * spelling means the latter.
 *
 * @param {string} name
 * @returns {PartitionAssigner | string | undefined}
 */
const named = name => {
  if (OF_ENGINE.includes(name)) return name
  if (plain(name) === plain('RoundRobin')) return roundRobin
  return OF_ENGINE.find(own => plain(own) === plain(name))
}

/**
 * The option `partitionAssigners`: functions that make an assigner, and names of those that come with the package.
 *
 * @param {any} partitionAssigners
 * @returns {(PartitionAssigner | string)[]} functions, and names of the engine's
 */
const resolveAssigners = partitionAssigners => {
  if (partitionAssigners == null) return [roundRobin]
  if (!Array.isArray(partitionAssigners)) throw refusal(partitionAssigners, 'an array of')
  return partitionAssigners.map(assigner => {
    if (typeof assigner === 'function') return assigner
    const known = typeof assigner === 'string' ? named(assigner) : undefined
    if (known === undefined) throw refusal(assigner, 'each')
    if (typeof known === 'string' && COOPERATIVE.includes(known)) {
      throw new KafkaJSNonRetriableError(
        `Invalid partitionAssigners, "${known}" needs cooperative rebalancing, which is not supported yet; "sticky" keeps as much ` +
          'in place, but all partitions are revoked while the group rebalances'
      )
    }
    return known
  })
}

const refusal = (value, expected) => {
  const names = ['RoundRobin', ...OF_ENGINE].map(name => `"${name}"`)
  const received = typeof value === 'string' ? `"${value}"` : inspect(value, { depth: 0 })
  return new KafkaJSNonRetriableError(
    `Invalid partitionAssigners, expected ${expected} functions that make an assigner or names (known: ${names.join(', ')}), ` +
      `received ${received}`
  )
}

module.exports = { resolveAssigners }
