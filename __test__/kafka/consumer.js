// @ts-check
/**
 * Kafka's own consumer, for what kafkajs's cannot do: to be a member by the protocol of KIP-848, or of a share group.
 * It is a Java process, Kafka's console consumer.
 *
 * ```js
 * const consumer = await startJavaConsumer(brokers, {
 *   topic: 't', groupId: 'g', config: { 'group.protocol': 'consumer' }
 * })
 * consumer.values
 * await consumer.stop()
 * ```
 */
const { spawn } = require('node:child_process')
const readline = require('node:readline')

const { fetchKafka } = require('./fetch')
const { BRIEF, JVM } = require('./java')

/**
 * @typedef {object} JavaConsumer
 * @property {string[]} values             of all messages so far
 * @property {() => Promise<void>} stop    leaves the group, and commits before it does
 * @property {() => Promise<void>} kill    does neither
 */

/**
 * @typedef {object} JavaConsumerOptions
 * @property {string} topic
 * @property {string} groupId
 * @property {boolean} [share]                              a member of a share group
 * @property {Record<string, string | number>} [config]     Kafka's consumer settings
 */

/**
 * @param {string[]} brokers
 * @param {JavaConsumerOptions} options
 * @returns {Promise<JavaConsumer>} its process has begun; a second or two later it joins
 */
const startJavaConsumer = async (brokers, { topic, groupId, share = false, config = {} }) => {
  const { java, classpath, archive } = await fetchKafka()
  const tool = share ? 'ConsoleShareConsumer' : 'ConsoleConsumer'
  const settings = share ? config : { 'auto.offset.reset': 'earliest', ...config }
  const args = [
    ...BRIEF,
    ...JVM,
    `-XX:SharedArchiveFile=${archive}`,
    // Java warns of an archive that does not fit on the stream of the messages.
    '-Xlog:disable',
    '-Dlog4j2.level=OFF',
    ...['-cp', classpath, `org.apache.kafka.tools.consumer.${tool}`],
    ...['--bootstrap-server', brokers.join(','), '--topic', topic, '--group', groupId],
    ...Object.entries(settings).flatMap(([k, v]) => ['--command-property', `${k}=${v}`])
  ]
  const child = spawn(java, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = new Promise(resolve => child.once('close', resolve))
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('close', () => process.off('exit', kill))

  const values = /** @type {string[]} */ ([])
  readline.createInterface({ input: child.stdout }).on('line', line => values.push(line))
  /** @param {NodeJS.Signals} signal */
  const end = async signal => {
    child.kill(signal)
    await ended
  }
  return { values, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}

module.exports = { startJavaConsumer }
