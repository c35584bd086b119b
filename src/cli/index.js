// @ts-check
'use strict'

/**
 * The command line: `npx kafkars COMMAND`. A command is a file in `commands/`; this one finds it, reads the options, connects, and makes an
 * exit code of what comes of it. The client itself does not know of it: who only requires the package loads none of this.
 */

const { parseArgs } = require('node:util')
const Kafka = require('../index.js')
const { LEVELS } = require('../loggers')
const { adviceFor } = require('./advice')
const { GLOBAL_OPTIONS, UsageError, toConfig } = require('./options')
const { createOutput } = require('./output')
const { describeCommand, overview } = require('./help')
const { nearestOf } = require('../utils/nearest')
const { version } = require('../../package.json')

/**
 * @typedef {object} Command
 * @property {string} summary one line
 * @property {string} usage what stands behind its name
 * @property {string[]} examples whole lines
 * @property {Record<string, any>} [options] as `parseArgs` takes them, each with a `help`
 * @property {number} [most] how many arguments it takes at the most, default 0
 * @property {number} [least] and at least, default `most`
 * @property {boolean} [changes] is it done although nobody reads what it prints?
 * @property {boolean} [ends] does it heed `signal`, to end in good order and with a code of its own? What does not is ended at once.
 * @property {(context: Context) => Promise<number | void>} run resolves to an exit code; none = 0
 *
 * @typedef {object} Context
 * @property {any} kafka
 * @property {any} config what the client was made of
 * @property {any} values options by name
 * @property {string[]} args
 * @property {import('./output').Output} out
 * @property {NodeJS.Process} process
 * @property {AbortSignal} signal aborted by Ctrl-C
 * @property {() => void} interrupt as Ctrl-C does, where that is read from the terminal
 */

/** By name, in the order of the help. Loaded when it is called. @type {Record<string, () => Command>} */
const COMMANDS = {
  topics: () => require('./commands/topics'),
  topic: () => require('./commands/topic'),
  groups: () => require('./commands/groups'),
  lag: () => require('./commands/lag'),
  seek: () => require('./commands/seek'),
  tail: () => require('./commands/tail'),
  produce: () => require('./commands/produce'),
  doctor: () => require('./commands/doctor')
}

/** What scripts can tell apart. */
const EXIT = { OK: 0, FAILED: 1, USAGE: 2, UNREACHABLE: 3, INTERRUPTED: 130 }

/** How long a command that ends by itself may take to when it is interrupted, ms. */
const GRACE = 3000

/**
 * Ends the process by its exit code, when everything is written.
 * @param {string[]} argv
 * @param {NodeJS.Process} process
 */
const main = async (argv, process) => {
  process.stdout.on('error', (/** @type {any} */ error) => {
    if (error.code !== 'EPIPE') throw error
    // `kafkars topics | head -1`
    if (!commandOf(wordsOf(argv).name)?.changes) process.exit(EXIT.OK)
  })
  // What people are told is nobody's then.
  process.stderr.on('error', (/** @type {any} */ error) => {
    if (error.code !== 'EPIPE') throw error
  })
  const code = await run(argv, process)
  // Something may still be waited for, a broker that does not answer for instance.
  if (code === EXIT.INTERRUPTED) process.exit(code)
  process.exitCode = code
}

/** @param {string | undefined} name @returns {Command | undefined} */
const commandOf = name =>
  name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name]() : undefined

/** @param {string[]} argv @param {NodeJS.Process} process @returns {Promise<number>} */
const run = async (argv, process) => {
  const print = line => process.stdout.write(`${line}\n`)
  const { name, rest } = wordsOf(argv)
  const { isTTY, columns } = process.stdout
  const width = (isTTY && columns) || Infinity
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const command = commandOf(rest[0])
    print(command ? describeCommand(rest[0], command, width) : overview(COMMANDS, width))
    return name === undefined ? EXIT.USAGE : EXIT.OK
  }
  if (name === '--version' || name === '-v') {
    print(version)
    return EXIT.OK
  }
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    const command = commandOf(name)
    if (command === undefined) {
      throw new UsageError(`There is no command "${name}"${meant(Object.keys(COMMANDS), name)}`)
    }
    const { values, positionals } = parse(command, rest)
    if (values.help) {
      print(describeCommand(name, command, width))
      return EXIT.OK
    }
    const { most = 0, least = most } = command
    if (positionals.length < least || positionals.length > most) {
      throw new UsageError(`Usage: kafkars ${name} ${command.usage}`)
    }
    const config = toConfig(values, process.env)
    const level = values.verbose ? LEVELS.INFO : LEVELS.NOTHING
    const kafka = new Kafka({ ...config, logLevel: level, logCreator: () => logTo(process.stderr) })
    const out = createOutput(process, values)
    const context = {
      kafka,
      config,
      values,
      args: positionals,
      out,
      process,
      signal: interrupted.signal,
      interrupt
    }
    const grace = command.ends ? GRACE : 0
    const code = await Promise.race([command.run(context), overdue(interrupted.signal, grace)])
    return code ?? EXIT.OK
  } catch (e) {
    if (interrupted.signal.aborted) return EXIT.INTERRUPTED
    return tell(e, process, name)
  } finally {
    process.removeListener('SIGINT', interrupt)
    process.removeListener('SIGTERM', interrupt)
  }
}

/**
 * The exit code of a command that does not end although it is interrupted.
 * @param {AbortSignal} signal
 * @param {number} grace ms
 * @returns {Promise<number>}
 */
const overdue = (signal, grace) =>
  new Promise(resolve =>
    signal.addEventListener('abort', () =>
      setTimeout(() => resolve(EXIT.INTERRUPTED), grace).unref()
    )
  )

/** The command, and all else: the options of every command may stand before it. @param {string[]} argv */
const wordsOf = argv => {
  const options = toParse(GLOBAL_OPTIONS)
  const { tokens } = parseArgs({ args: argv, options, strict: false, tokens: true })
  const [first] = tokens.filter(({ kind }) => kind === 'positional')
  const at = first ? first.index : argv.findIndex(arg => WITHOUT_COMMAND.includes(arg))
  return at < 0 ? { rest: [] } : { name: argv[at], rest: argv.filter((_, i) => i !== at) }
}

const WITHOUT_COMMAND = ['--help', '-h', '--version', '-v']

/** @param {Record<string, any>} options @returns {any} without what the help says of them */
const toParse = options =>
  Object.fromEntries(Object.entries(options).map(([key, { help, ...option }]) => [key, option]))

/** @param {string[]} names @param {string} given @param {string} [dashes] */
const meant = (names, given, dashes = '') => {
  const near = nearestOf(names, given)
  return near === null ? '' : `: did you mean "${dashes}${near}"?`
}

/** Node's words are about arguments that begin with a dash, which hardly anybody means. @param {any} error @param {string[]} known */
const unknownFlag = (error, known) => {
  if (error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return null
  const [, flag] = /'(-[^']*)'/.exec(error.message) ?? []
  return flag && `There is no option "${flag}"${meant(known, flag.replace(/^-+/, ''), '--')}`
}

/** @param {Command} command @param {string[]} args @returns {{ values: any, positionals: string[] }} */
const parse = ({ options }, args) => {
  const known = toParse({ ...GLOBAL_OPTIONS, ...options })
  try {
    return parseArgs({ args, options: known, allowPositionals: true })
  } catch (e) {
    throw new UsageError(unknownFlag(e, Object.keys(known)) ?? e.message)
  }
}

/** @param {any} error @param {NodeJS.Process} process @param {string} name of the command @returns {number} */
const tell = (error, { stderr }, name) => {
  if (error instanceof UsageError || WRONG_BROKERS.test(error.message)) {
    const message = error.message.replace(/^Failed to connect: /, '')
    stderr.write(`${message}\nSee: kafkars help${commandOf(name) ? ` ${name}` : ''}\n`)
    return EXIT.USAGE
  }
  const errors = error.errors ?? [error]
  for (const each of errors) {
    const about = ['topic', 'partition', 'groupId', 'broker']
      .filter(key => each[key] != null && !each.message.includes(String(each[key])))
      .map(key => `${key} ${each[key]}`)
      .join(', ')
    const words = each.brokerMessage ? ` (${each.brokerMessage})` : ''
    stderr.write(`${each.message ?? each}${about && `: ${about}`}${words}\n`)
    const advice = adviceFor(each, {})
    if (advice !== null) stderr.write(`${advice}\n`)
  }
  return isUnreachable(error) ? EXIT.UNREACHABLE : EXIT.FAILED
}

/** What the client says of a list of brokers that cannot be one. */
const WRONG_BROKERS = /^Failed to connect: brokers? /

const UNREACHABLE =
  /^KafkaJS(ConnectionError|ConnectionClosedError|NoBrokerAvailableError|SASLAuthenticationError|RequestTimeoutError)$/

const isUnreachable = error => {
  for (let e = error; e; e = e.cause) if (UNREACHABLE.test(e.name)) return true
  return false
}

const logTo =
  stream =>
  ({ label, namespace, log: { message } }) =>
    stream.write(`${label} [${namespace}] ${message}\n`)

module.exports = { COMMANDS, EXIT, main, run }
