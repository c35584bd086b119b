// @ts-check
'use strict'

/** Lists and describes everything again and again, and tells how much memory that has left in use. */

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
  const before = await after(8)
  process.send?.((await after(24)) - before)
  await admin.disconnect()
  process.disconnect()
}

main()
