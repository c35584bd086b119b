// @ts-check
'use strict'

/** Lists and describes everything again and again, and tells how much memory that has left in use, at least. */

const { Kafka, logLevel } = require('../../..')

const [broker, ...groups] = process.argv.slice(2)

const main = async () => {
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const after = async (/** @type {number} */ times) => {
    for (let n = 0; n < times; n++) {
      await admin.listTopics()
      await admin.fetchTopicMetadata()
      await admin.listGroups()
      await admin.describeGroups(groups)
    }
    global.gc?.()
    return process.memoryUsage().rss
  }
  // What one call has taken the process keeps for the next.
  let before = await after(8)
  let least = Infinity
  // What stays grows each time; the allocators' own rooms do not.
  for (let n = 0; n < 3; n++) {
    const now = await after(24)
    least = Math.min(least, now - before)
    before = now
  }
  process.send?.(least)
  await admin.disconnect()
  process.disconnect()
}

main()
