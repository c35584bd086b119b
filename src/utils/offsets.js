// @ts-check
'use strict'

/** Offsets of partitions, as requests and answers have them. */

/** Timestamps of ListOffsets that stand for the end and the beginning of a partition, also where they are committed. */
const LATEST = '-1'
const EARLIEST = '-2'

/** A partition as the key of a map. @param {{ topic: string, partition: number }} where */
const placeOf = ({ topic, partition }) => `${topic}\u0000${partition}`

/** @param {{ topic: string, partitions: number[] }[]} topics @returns {Set<string>} the keys of all their partitions */
const placesOf = topics =>
  new Set(
    topics.flatMap(({ topic, partitions }) =>
      partitions.map(partition => placeOf({ topic, partition }))
    )
  )

/**
 * @template {{ topic: string, partition: number }} Entry
 * @param {Iterable<Entry>} entries
 * @returns {(where: { topic: string, partition: number }) => Entry | undefined} the entry of a partition
 */
const lookUp = entries => {
  const known = new Map(Array.from(entries, entry => [placeOf(entry), entry]))
  return where => known.get(placeOf(where))
}

/**
 * Of entries of the same partition the last one, in the place of the first.
 * @template {{ topic: string, partition: number }} Entry
 * @param {Iterable<Entry>} entries
 * @returns {Entry[]}
 */
const lastOfEach = entries => [
  ...new Map(Array.from(entries, entry => [placeOf(entry), entry])).values()
]

/**
 * The same in lists that have no partition twice: a broker refuses a request that has, as malformed.
 * @template {{ topic: string, partition: number }} Entry
 * @param {Iterable<Entry>} entries
 * @returns {Entry[][]}
 */
const inRounds = entries => {
  /** @type {Entry[][]} */
  const rounds = []
  /** How often a partition has come. @type {Map<string, number>} */
  const seen = new Map()
  for (const entry of entries) {
    const place = placeOf(entry)
    const round = seen.get(place) ?? 0
    seen.set(place, round + 1)
    if (round === rounds.length) rounds.push([])
    rounds[round].push(entry)
  }
  return rounds
}

/**
 * What is told by partition, grouped by topic: topics in the order in which they come first.
 * @template Entry, Partition
 * @param {Iterable<Entry & { topic: string }>} entries
 * @param {(entry: Entry) => Partition} toPartition
 * @returns {{ topic: string, partitions: Partition[] }[]}
 */
const byTopic = (entries, toPartition) => {
  /** @type {Map<string, Partition[]>} */
  const topics = new Map()
  for (const entry of entries) {
    const partitions = topics.get(entry.topic)
    if (partitions) partitions.push(toPartition(entry))
    else topics.set(entry.topic, [toPartition(entry)])
  }
  return Array.from(topics, ([topic, partitions]) => ({ topic, partitions }))
}

module.exports = { EARLIEST, LATEST, byTopic, inRounds, lastOfEach, lookUp, placeOf, placesOf }
