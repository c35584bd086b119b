// @ts-check
'use strict'

const { inspect } = require('node:util')
const { KafkaJSNonRetriableError } = require('../../errors')
const roundRobin = require('./roundRobinAssigner')

/** @typedef {import('../../..').PartitionAssigner} PartitionAssigner */

/** The assigners that come with the package, by their names without "Assigner". */
const BY_NAME = /** @type {Record<string, PartitionAssigner>} */ ({ RoundRobin: roundRobin })

/** `RoundRobinAssigner`, `round-robin`, `roundrobin` are one name. @param {string} name */
const plain = name =>
  name
    .toLowerCase()
    .replace(/[^a-z]/g, '')
    .replace(/assign[eo]r$/, '')

/**
 * The option `partitionAssigners`: functions that make an assigner, and names of those that come with the package.
 * @param {any} partitionAssigners
 * @returns {PartitionAssigner[]}
 */
const resolveAssigners = partitionAssigners => {
  if (partitionAssigners == null) return [roundRobin]
  if (!Array.isArray(partitionAssigners)) throw refusal(partitionAssigners, 'an array of')
  return partitionAssigners.map(assigner => {
    if (typeof assigner === 'function') return assigner
    const name = typeof assigner === 'string' ? plain(assigner) : null
    const known = Object.keys(BY_NAME).find(own => plain(own) === name)
    if (known === undefined) throw refusal(assigner, 'each')
    return BY_NAME[known]
  })
}

const refusal = (value, expected) => {
  const names = Object.keys(BY_NAME).map(name => `"${name}"`)
  const received = typeof value === 'string' ? `"${value}"` : inspect(value, { depth: 0 })
  return new KafkaJSNonRetriableError(
    `Invalid partitionAssigners, expected ${expected} functions that make an assigner or names (known: ${names.join(', ')}), ` +
      `received ${received}`
  )
}

module.exports = { resolveAssigners }
