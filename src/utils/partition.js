// @ts-check
'use strict'

/** Kafka's numbers of partitions are Int32. */
const MOST = 2 ** 31 - 1

/**
 * The number of a partition as users name it, as text too. What is none would become another one's on the wire, mostly 0.
 * @param {any} partition
 * @returns {number | null} null: it is none
 */
const toPartition = partition => {
  const number = typeof partition === 'string' && partition.trim() ? Number(partition) : partition
  return Number.isInteger(number) && number >= 0 && number <= MOST ? number : null
}

module.exports = { toPartition }
