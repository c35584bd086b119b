'use strict'

/** What the clients read. */

/**
 * @typedef {object} Workload
 * @property {string} name
 * @property {number} messages
 * @property {number} size bytes of a value
 * @property {boolean} keyed with a key and two headers, which the handler then reads too
 * @property {number} [keys] so many different keys, and nothing else of that
 * @property {number} partitions
 * @property {string} codec `none` or a Kafka compression type
 */

/** @type {Record<string, Workload>} */
const WORKLOADS = {
  small: spec('small', 1_000_000, 100),
  large: spec('large', 200_000, 1000),
  keyed: { ...spec('keyed', 300_000, 300), keyed: true }
}

/**
 * @param {string} name
 * @param {number} messages
 * @param {number} size
 * @returns {Workload}
 */
function spec(name, messages, size) {
  return { name, messages, size, keyed: false, partitions: 4, codec: 'none' }
}

/**
 * The topic's name says everything about its contents: a filled topic can be used again.
 * @param {Workload} workload
 */
const topicOf = ({ name, messages, size, partitions, codec }) =>
  `bench-${name}-${messages}x${size}-${partitions}p-${codec}`

/** @param {Workload} workload */
const titleOf = ({ messages, size, keyed, partitions, codec }) =>
  [
    `${messages.toLocaleString('en-US')} × ${size} B`,
    ...(keyed ? ['key and two headers'] : []),
    `${partitions} partitions`,
    codec === 'none' ? 'uncompressed' : codec
  ].join(', ')

module.exports = { WORKLOADS, topicOf, titleOf }
