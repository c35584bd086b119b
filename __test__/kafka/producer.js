// @ts-check
/**
 * Kafka's own producer, for what kafkajs's cannot write: all four codecs, transactions that abort or stay open,
 * a million records within seconds. It is a Java process, see `Produce.java`.
 *
 * ```js
 * const producer = await startProducer(brokers, { 'compression.type': 'zstd', 'transactional.id': 't' })
 * await producer.begin()
 * await producer.send('topic', [{ key: 'k', value: 'v', partition: 0, headers: { h: 'x' } }])
 * await producer.abort()
 * await producer.close()
 * ```
 *
 * On the command line, to fill a topic:
 * `node __test__/kafka/producer.js '{"topic":"t","count":1000000,"valueBytes":100}' '{"compression.type":"lz4"}'`
 * with the brokers in KAFKA_BROKERS.
 */
const { spawn } = require('node:child_process')
const path = require('node:path')
const readline = require('node:readline')

const { compile, fetchKafka } = require('./fetch')
const { BRIEF, JVM } = require('./java')

/**
 * An array is one header per element, as kafkajs has it.
 *
 * @typedef {Record<string, string | Buffer | null | (string | Buffer | null)[]>} Headers
 */

/**
 * @typedef {object} ProducerRecord
 * @property {string | Buffer | null} [key]
 * @property {string | Buffer | null} [value]
 * @property {number} [partition]            default: Kafka's partitioner
 * @property {number} [timestamp]            milliseconds
 * @property {Headers} [headers]
 */

/**
 * @typedef {object} Generate
 * @property {string} topic                  must exist; records go round robin over its partitions
 * @property {number} count
 * @property {number} [valueBytes]           a value is `<prefix><number>`, then a blank and filler up to this size
 * @property {string} [prefix]
 * @property {'text' | 'random'} [filler]    what compresses about 4:1 (the default), or not at all
 * @property {boolean} [keys]                the number as key; default: null keys
 * @property {Headers} [headers]
 * @property {('commit' | 'abort')[]} [transactions]  how they end, repeated as long as there are records
 * @property {number} [perTransaction]       records in each
 */

/**
 * First and last offset per partition.
 *
 * @typedef {Record<string, [number, number]>} Offsets
 */

/**
 * @typedef {object} Generated
 * @property {Offsets} offsets
 * @property {{ outcome: 'commit' | 'abort', offsets: Offsets }[]} transactions
 * @property {number} seconds                without the start of the process
 */

/**
 * @typedef {object} Producer
 * @property {(topic: string, records: ProducerRecord[]) =>
 *   Promise<{ partition: number, offset: number }[]>} send   resolves when all are acknowledged
 * @property {(options: Generate) => Promise<Generated>} generate
 * @property {() => Promise<void>} begin
 * @property {() => Promise<void>} commit
 * @property {() => Promise<void>} abort
 * @property {() => Promise<void>} close   aborts an open transaction
 * @property {() => Promise<void>} kill    leaves an open transaction open, until the broker times it out
 */

/**
 * @param {string[]} brokers
 * @param {Record<string, string | number | boolean>} [config]  Kafka's producer settings
 * @returns {Promise<Producer>}
 */
const startProducer = async (brokers, config = {}) => {
  const distribution = await fetchKafka()
  const classpath = await compile(distribution, path.join(__dirname, 'Produce.java'))
  const settings = { 'bootstrap.servers': brokers.join(','), 'max.block.ms': 60_000, ...config }
  const { java, archive } = distribution
  const flags = [...BRIEF, ...JVM, `-XX:SharedArchiveFile=${archive}`]
  // Java warns of an archive that does not fit on the stream of our answers.
  flags.push('-Xlog:disable', '-Xlog:all=warning:stderr')
  const args = [
    ...flags,
    '-Dlog4j2.level=ERROR',
    '-cp',
    classpath,
    'Produce',
    JSON.stringify(settings)
  ]
  const child = spawn(java, args)
  const errors = /** @type {string[]} */ ([])
  child.stderr.on('data', data => errors.push(String(data)))
  child.stdin.on('error', () => {}) // its end is reported below
  const ended = new Promise(resolve => child.once('close', resolve))

  // Answers come in the order of the commands.
  const waiting = /** @type {{ resolve: Function, reject: Function }[]} */ ([])
  readline.createInterface({ input: child.stdout }).on('line', line => {
    const { resolve, reject } = /** @type {typeof waiting[0]} */ (waiting.shift())
    const answer = JSON.parse(line)
    if (answer.error) reject(new Error(answer.error))
    else resolve(answer)
  })
  ended.then(() => {
    const error = new Error(`The Java producer ended: ${errors.join('')}`)
    for (const { reject } of waiting.splice(0)) reject(error)
  })
  const answer = () => new Promise((resolve, reject) => waiting.push({ resolve, reject }))

  /** @param {object} command */
  const execute = command => {
    child.stdin.write(`${JSON.stringify(command)}\n`)
    return answer()
  }

  await answer()
  return {
    send: async (topic, records) => {
      const { records: sent } = await execute({
        command: 'send',
        topic,
        records: records.map(encode)
      })
      return sent
    },
    generate: ({ headers, ...options }) =>
      execute({ command: 'generate', ...options, headers: encodeHeaders(headers) }),
    begin: () => execute({ command: 'begin' }),
    commit: () => execute({ command: 'commit' }),
    abort: () => execute({ command: 'abort' }),
    close: async () => {
      child.stdin.end()
      await ended
    },
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    }
  }
}

/** @param {ProducerRecord} record */
const encode = ({ key, value, headers, ...rest }) => ({
  ...rest,
  key: toBase64(key),
  value: toBase64(value),
  headers: encodeHeaders(headers)
})

/** @param {Headers} [headers] */
const encodeHeaders = (headers = {}) =>
  Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map(value => [name, toBase64(value)])
  )

/** @param {string | Buffer | null} [data] */
const toBase64 = data =>
  data === null || data === undefined
    ? null
    : Buffer.from(/** @type {any} */ (data)).toString('base64')

/** @param {string[]} args */
const main = async ([generate = '{}', config = '{}']) => {
  const { KAFKA_BROKERS = '127.0.0.1:9092' } = process.env
  const producer = await startProducer(KAFKA_BROKERS.split(','), JSON.parse(config))
  console.log(await producer.generate(JSON.parse(generate)))
  await producer.close()
}

if (require.main === module) {
  main(process.argv.slice(2)).catch(error => {
    console.error(error.message)
    process.exit(1)
  })
}

module.exports = { startProducer }
