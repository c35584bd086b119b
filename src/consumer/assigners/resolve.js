// @ts-check
'use strict'

const { inspect } = require('node:util')
const { KafkaJSNonRetriableError } = require('../../errors')
const { nearestOf } = require('../../utils/nearest')
const { show } = require('../../utils/show')
const roundRobin = require('./roundRobinAssigner')

/** @typedef {import('../../..').PartitionAssigner} PartitionAssigner */

/** The engine's assigners, by the names that they have in a group, as all clients have it. */
const OF_ENGINE = ['range', 'sticky', 'cooperative-sticky', 'roundrobin']

/** What is Kafka's and kafkajs's: `roundrobin` and `RoundRobinAssigner` in a group. Kafka calls its class so. */
const KAFKAS_ROUND_ROBIN = 'RoundRobinAssignor'

/** `RoundRobinAssigner`, `round-robin` are one name, `CooperativeSticky` and `cooperative-sticky`, too. @param {string} name */
const plain = name =>
  name
    .toLowerCase()
    .replace(/[^a-z]/g, '')
    .replace(/assign[eo]r$/, '')

/**
 * @param {string} name
 * @returns {PartitionAssigner | string | undefined}
 */
const named = name => {
  if (name === KAFKAS_ROUND_ROBIN) return 'roundrobin'
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
  if (!Array.isArray(partitionAssigners) || partitionAssigners.length === 0) {
    throw refusal(partitionAssigners, 'an array of functions that make an assigner or names')
  }
  return partitionAssigners.map(assigner => {
    if (typeof assigner === 'function') return assigner
    const known = typeof assigner === 'string' ? named(assigner) : undefined
    if (known === undefined) {
      throw refusal(assigner, 'each to be a function that makes an assigner or a name')
    }
    return known
  })
}

const refusal = (value, expected) => {
  const known = ['RoundRobin', KAFKAS_ROUND_ROBIN, ...OF_ENGINE.filter(own => own !== 'roundrobin')]
  const names = known.map(show).join(', ')
  return new KafkaJSNonRetriableError(
    `Invalid partitionAssigners, expected ${expected} (known: ${names}), received ${received(value)}${meant(known, value)}`
  )
}

/** @param {any} value */
const received = value =>
  typeof value === 'string' ? show(value) : inspect(value, { depth: 0, breakLength: Infinity })

/** @param {string[]} known @param {any} value */
const meant = (known, value) => {
  // Java's have the names of their classes.
  const name = typeof value === 'string' ? value.replace(/^.*\./, '') : ''
  const own = name === '' ? undefined : named(name)
  const near =
    typeof own === 'string' ? own : (nearestOf(known, plain(name)) ?? nearestOf(known, name))
  return name === '' || near === null ? '' : `; did you mean "${near}"?`
}

/** How assigners may give up partitions, see `rebalanceProtocol` of an assigner. */
const REBALANCE_PROTOCOLS = ['eager', 'cooperative']

/**
 * What the functions have made.
 *
 * @template {import('../../..').Assigner | string} T
 * @param {T} assigner
 * @returns {T}
 */
const checkAssigner = assigner => {
  if (typeof assigner === 'string') return assigner
  // It may be a class with static methods.
  const isAssigner =
    typeof assigner === 'function' ? 'protocol' in assigner : typeof assigner === 'object'
  if (!isAssigner || assigner === null) {
    throw new KafkaJSNonRetriableError(
      `A function of partitionAssigners has to return an assigner, { name, version, protocol, assign }, it returned ${show(assigner)}`
    )
  }
  const { name, rebalanceProtocol } = assigner
  if (rebalanceProtocol != null && !REBALANCE_PROTOCOLS.includes(rebalanceProtocol)) {
    throw new KafkaJSNonRetriableError(
      `Invalid rebalanceProtocol of the assigner "${name}", expected "eager" (the default) or "cooperative", received ` +
        inspect(rebalanceProtocol, { depth: 0 })
    )
  }
  return assigner
}

module.exports = { checkAssigner, resolveAssigners }
