// @ts-check
/** Kafka's own command-line tools, as Java processes. */
const { spawn } = require('node:child_process')

const { fetchKafka } = require('./fetch')
const { BRIEF, JVM } = require('./java')

/**
 * @typedef {object} JavaTool
 * @property {() => string} output   what it has said so far, errors included; without what `hear` has heard
 * @property {Promise<number | null>} ended   its exit code
 * @property {() => Promise<void>} kill
 */

/**
 * Starts a tool by the name of its class.
 *
 * @param {string} name      `org.apache.kafka.tools.consumer.group.ConsumerGroupCommand`
 * @param {string[]} options
 * @param {(text: string) => void} [hear] what it prints, as it comes; for what is too much to be kept
 * @returns {Promise<JavaTool>}
 */
const startJavaTool = async (name, options, hear) => {
  const { java, classpath } = await fetchKafka()
  const flags = [...BRIEF, ...JVM, '-Xmx128m']
  const child = spawn(java, [...flags, '-cp', classpath, name, ...options], {
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let said = ''
  const keep = (/** @type {string} */ text) => void (said += text)
  child.stdout.setEncoding('utf8').on('data', hear ?? keep)
  child.stderr.setEncoding('utf8').on('data', keep)
  /** @type {Promise<number | null>} */
  const ended = new Promise(resolve => child.once('close', resolve))
  return {
    output: () => said,
    ended,
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    }
  }
}

/**
 * Runs a tool to its end.
 *
 * @param {string} name
 * @param {string[]} options
 * @returns {Promise<string>} what it has said
 */
const runJavaTool = async (name, options) => {
  const tool = await startJavaTool(name, options)
  const code = await tool.ended
  if (code !== 0) throw new Error(`${name} has ended with ${code}: ${tool.output()}`)
  return tool.output()
}

module.exports = { runJavaTool, startJavaTool }
