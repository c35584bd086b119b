// @ts-check
/** What a topic has, by Kafka's own consumer: the judge of what producers and transactions have left. */
const { startJavaTool } = require('./javaTool')

/**
 * @typedef {object} Entry
 * @property {number} offset
 * @property {number} timestamp   ms
 * @property {string} value
 *
 * @typedef {object} Log
 * @property {Map<number, Entry[]>} partitions  in the order of the log
 * @property {number[]} unread                  partitions whose last message was not seen: an open transaction is before it
 */

/**
 * Reads committed messages up to a last one in each partition.
 *
 * @param {string} topic
 * @param {object} options
 * @param {string[]} options.brokers
 * @param {number} options.partitions   how many
 * @param {string} options.last         the value of each partition's last message, which has been written already
 * @param {number} [options.patience]   ms without a message after which it is given up
 * @returns {Promise<Log>}
 */
const readTopic = async (topic, { brokers, partitions: count, last, patience = 30_000 }) => {
  const partitions = new Map(
    Array.from({ length: count }, (_, partition) => [partition, /** @type {Entry[]} */ ([])])
  )
  const unread = new Set(partitions.keys())
  /** @param {string} line */
  const take = line => {
    const [, time, partition, offset, value] = LINE.exec(line) ?? []
    if (value === last) unread.delete(Number(partition))
    else if (value !== undefined) {
      const entry = { offset: Number(offset), timestamp: Number(time), value }
      partitions.get(Number(partition))?.push(entry)
    }
  }
  let rest = ''
  const wanted = ['timestamp', 'partition', 'offset'].map(name => `print.${name}=true`)
  const tool = await startJavaTool(
    'org.apache.kafka.tools.consumer.ConsoleConsumer',
    [
      ...['--bootstrap-server', brokers.join(), '--topic', topic, '--from-beginning'],
      ...['--isolation-level', 'read_committed', '--timeout-ms', String(patience)],
      ...wanted.flatMap(property => ['--formatter-property', property])
    ],
    text => {
      const lines = (rest + text).split('\n')
      rest = /** @type {string} */ (lines.pop())
      lines.forEach(take)
      if (unread.size === 0) tool.kill()
    }
  )
  await tool.ended
  const isEmpty = [...partitions.values()].every(entries => entries.length === 0)
  if (isEmpty && unread.size > 0) throw new Error(`Nothing is read: ${tool.output()}`)
  return { partitions, unread: [...unread] }
}

const LINE = /^\w+:(\d+)\tPartition:(\d+)\tOffset:(\d+)\t(.*)$/

module.exports = { readTopic }
