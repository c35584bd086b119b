// @ts-check
'use strict'

/** Faults, side by side, as a seed has it. */

const { setTimeout: pause } = require('node:timers/promises')

const { withAdmin } = require('../kafka/helpers')
const { random } = require('./random')

/**
 * Until the time is over; then all is well again.
 *
 * @param {object} options
 * @param {import('./faults').Lane[]} options.lanes
 * @param {import('./faults').World} options.world
 * @param {number} options.seed
 * @param {number} options.milliseconds
 * @param {string[]} [options.faults]  names of the only ones; default: all
 * @param {(line: string) => void} options.log
 * @returns {Promise<string[]>} what was broken, in its order
 */
const storm = async ({ lanes, world, seed, milliseconds, faults, log }) => {
  const done = /** @type {string[]} */ ([])
  const end = Date.now() + milliseconds
  /** @param {import('./faults').Lane} lane @param {number} index */
  const breakThings = async ({ faults: lane, rest }, index) => {
    const names = Object.keys(lane).filter(name => faults?.includes(name) ?? true)
    const own = random(seed * lanes.length + index)
    while (names.length > 0 && Date.now() < end) {
      const fault = own.pick(names)
      done.push(fault)
      log(fault)
      // It may fail itself: there is nobody to ask for the leader.
      const report = error => log(`  could not be: ${fault}: ${error.message}`)
      await lane[fault]({ ...world, rng: own }).catch(report)
      await pause(own.between(...rest))
    }
  }
  await Promise.all(lanes.map(breakThings))
  for (const proxy of world.cluster.proxies) await proxy.heal()
  log('all is well again')
  return done
}

/** Some partition's leader. @param {import('../kafka').Cluster} cluster @param {string} topic @returns {Promise<number>} */
const leaderOf = async ({ brokers }, topic, rng) =>
  withAdmin(brokers, async admin => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return rng.pick(topics[0].partitions).leader
  })

/** @param {import('../kafka').Cluster} cluster @param {string} topic @param {number} count of partitions */
const growTo = ({ brokers }, topic, count) =>
  withAdmin(brokers, admin =>
    admin.createPartitions({ topicPartitions: [{ topic, count }], timeout: 10_000 })
  )

module.exports = { growTo, leaderOf, storm }
