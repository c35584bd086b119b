'use strict'

/** The command line of `npm run bench`. */

const { parseArgs } = require('node:util')

const { ROWS } = require('./calls')
const { CLIENTS } = require('./clients')
const { SHAPES } = require('./produce/workloads')
const { COMPARED } = require('./report')
const { WORKLOADS } = require('./workloads')

const APIS = ['eachMessage', 'eachBatch', ...Object.keys(COMPARED)]
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

const HELP = `npm run bench -- [options]

  --client NAME        ${CLIENTS.join(', ')}, or one of --produce; repeatable (default: all of them)
  --workload NAME      ${Object.keys(WORKLOADS).join(', ')}; repeatable (default: all of them)
  --api NAME           ${APIS.join(', ')}; repeatable (default: all that a client has)
  --calls              instead: what a call per message costs, of clients with kafkajs's API
  --row NAME           ${Object.keys(ROWS).join(', ')}; repeatable (default: all of them)
  --latency            instead: from the producer's send to the handler, 500 single messages a second
  --produce            instead: every client writes
  --shape NAME         ${Object.keys(SHAPES).join(', ')} of --produce; repeatable (default: all of them)
  --seconds N          of each run of --calls or --produce (default 3) or --latency (default 20)
  --rounds N           runs of every client, interleaved (default 3)
  --codec NAME         ${CODECS.join(', ')} (default none); repeatable
  --messages N, --size BYTES, --partitions N
                       instead of the workload's own; of --produce: --size and --codec instead of the rows' own
  --quick              a tenth of the messages, one round: does it run at all?
  --markdown           the README's table instead of the plain one
  --calm SECONDS       wait so long before a run for other programs to be quiet (default 0)
  --keep               leave the broker running and print its address for KAFKA_BROKERS
  --node-arg=ARG       an argument for the measured process, e.g. --node-arg=--cpu-prof; repeatable
  --wrap COMMAND       run the measured process under a command, e.g. "strace -c -f -o calls.txt"
  --help

KAFKA_BROKERS=host:port,...  use these brokers; topics that are already filled are reused`

/**
 * @typedef {object} Options
 * @property {string[] | null} clients null = every client there is
 * @property {'throughput' | 'calls' | 'latency' | 'produce'} mode
 * @property {string[] | null} shapes of --produce; null = all of them
 * @property {number[] | null} sizes of --produce; null = as the rows are
 * @property {string[] | null} codecs of --produce; null = as the rows are
 * @property {string[]} rows of --calls
 * @property {number} seconds
 * @property {string[]} apis
 * @property {import('./workloads').Workload[]} workloads
 * @property {number} rounds
 * @property {boolean} markdown
 * @property {number} calm ms
 * @property {boolean} keep
 * @property {string[]} nodeArgs
 * @property {string[]} wrap
 */

/**
 * @param {string[]} argv
 * @returns {Options | null} null = help was asked for
 * @throws {Error} for an option or a value that does not exist
 */
const parse = argv => {
  const many = /** @type {const} */ ({ type: 'string', multiple: true })
  const one = /** @type {const} */ ({ type: 'string' })
  const flag = /** @type {const} */ ({ type: 'boolean', default: false })
  const { values } = parseArgs({
    args: argv,
    options: {
      client: many,
      workload: many,
      api: many,
      codec: many,
      rounds: one,
      messages: one,
      size: one,
      partitions: one,
      calm: one,
      calls: flag,
      row: many,
      latency: flag,
      produce: flag,
      shape: many,
      seconds: one,
      quick: flag,
      markdown: flag,
      keep: flag,
      help: flag,
      'node-arg': many,
      wrap: one
    }
  })
  if (values.help) return null

  const quick = Boolean(values.quick)
  const names = chosen('workload', values.workload, Object.keys(WORKLOADS))
  const codecs = chosen('codec', values.codec || ['none'], CODECS)
  const modes = /** @type {const} */ (['latency', 'calls', 'produce'])
  const mode = modes.find(name => values[name]) ?? 'throughput'
  const usual = mode === 'latency' ? 20 : 3
  const seconds = values.seconds ? positive('seconds', values.seconds) : usual
  return {
    clients: values.client || null,
    mode,
    shapes: values.shape ? chosen('shape', values.shape, Object.keys(SHAPES)) : null,
    sizes: values.size ? [positive('size', values.size)] : null,
    codecs: values.codec ? codecs : null,
    rows: chosen('row', values.row, Object.keys(ROWS)),
    seconds: quick && !values.seconds ? 1 : seconds,
    apis: chosen('api', values.api, APIS),
    workloads: names.flatMap(name =>
      codecs.map(codec => {
        const workload = { ...WORKLOADS[name], codec }
        if (quick) workload.messages = Math.ceil(workload.messages / 10)
        if (values.messages) workload.messages = positive('messages', values.messages)
        if (values.size) workload.size = positive('size', values.size)
        if (values.partitions) workload.partitions = positive('partitions', values.partitions)
        return workload
      })
    ),
    rounds: values.rounds ? positive('rounds', values.rounds) : quick ? 1 : 3,
    markdown: Boolean(values.markdown),
    calm: values.calm ? positive('calm', values.calm) * 1000 : 0,
    keep: Boolean(values.keep),
    nodeArgs: values['node-arg'] || [],
    wrap: values.wrap ? values.wrap.split(/\s+/).filter(Boolean) : []
  }
}

/**
 * @param {string} option
 * @param {string[] | undefined} wanted
 * @param {string[]} known
 */
const chosen = (option, wanted, known) => {
  const unknown = (wanted || []).filter(name => !known.includes(name))
  if (unknown.length > 0) {
    throw new Error(`--${option} ${unknown.join(', ')}: choose from ${known.join(', ')}`)
  }
  return wanted || known
}

/**
 * @param {string} option
 * @param {string} text
 */
const positive = (option, text) => {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new Error(`--${option} ${text}: a whole number above 0 is needed`)
  }
  return number
}

module.exports = { HELP, parse }
