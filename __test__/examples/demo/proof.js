'use strict'

/**
 * What must hold in the end. The log end and the committed offsets are not ours to claim: an admin client, which
 * has no part in the reading, asks the broker for them.
 */

const { grouped } = require('./screen')

/** @typedef {{ holds: boolean, line: string }} Check */

/**
 * @param {object} options
 * @param {import('../../..').Admin} options.admin
 * @param {string} options.topic
 * @param {string} options.groupId
 * @param {import('./ledger').Ledger} options.ledger
 * @param {import('./write').Written} options.written
 * @returns {Promise<Check[]>}
 */
const prove = async ({ admin, topic, groupId, ledger, written }) => {
  const ends = await admin.fetchTopicOffsets(topic)
  const [{ partitions: commits }] = await admin.fetchOffsets({ groupId, topics: [topic] })
  const committed = new Map(commits.map(({ partition, offset }) => [partition, offset]))
  const { distinct, count, repeated, damaged, totalCents } = ledger
  return [
    {
      holds: distinct === written.count,
      line: `every order was read: ${grouped(distinct)} of ${grouped(written.count)}`
    },
    {
      holds: totalCents === written.totalCents,
      line: `their sum is what was written: € ${euros(totalCents)} of € ${euros(written.totalCents)}`
    },
    {
      holds: damaged === 0,
      line: `key, value and headers fit together: ${grouped(damaged)} do not`
    },
    {
      // At least once: what a member has handled and not yet committed when it loses a partition is read again.
      holds: true,
      line: `read twice: ${grouped(repeated)} of ${grouped(count)} (a rebalance may cause it)`
    },
    ...ends
      .sort((a, b) => a.partition - b.partition)
      .map(({ partition, offset }) => ({
        holds: committed.get(partition) === offset,
        line:
          `partition ${partition}: committed ${grouped(Number(committed.get(partition)))}, ` +
          `log end ${grouped(Number(offset))}`
      }))
  ]
}

/** @param {number} cents */
const euros = cents => (cents / 100).toLocaleString('en-US', { minimumFractionDigits: 2 })

module.exports = { prove }
