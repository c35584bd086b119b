// @ts-check
'use strict'

/**
 * Loggers as kafkajs makes them: one `logCreator` call per Kafka instance, namespaces that share its level.
 *
 * The environment variable KAFKAJS_LOG_LEVEL wins over every level given in code.
 */

const { withHelp } = require('../help')
const { show } = require('../utils/show')
const { readable } = require('../utils/thrown')

/** @typedef {import('../..').Logger} Logger */

const LEVELS = { NOTHING: 0, ERROR: 1, WARN: 2, INFO: 4, DEBUG: 5 }

/**
 * A level as programs write it: a number, its text, or the name of one, from the environment. Nothing means INFO.
 * @param {any} level
 * @returns {number | null} null: it is none
 */
const levelOf = level => {
  if (level == null || level === '' || Number.isNaN(level)) return LEVELS.INFO
  if (typeof level === 'number') return level
  if (level === false) return LEVELS.NOTHING
  if (typeof level !== 'string') return null
  const number = LEVELS[level.trim().toUpperCase()] ?? Number(level)
  return Number.isNaN(number) ? null : number
}

/**
 * @template T
 * @param {T} level
 * @returns {T | number}
 */
const orFromEnvironment = level =>
  LEVELS[(process.env.KAFKAJS_LOG_LEVEL || '').toUpperCase()] ?? level

/**
 * @param {{ level?: number, logCreator: import('../..').logCreator }} options
 * @returns {Logger} the root logger: no namespace
 */
const createLogger = ({ level = LEVELS.INFO, logCreator }) => {
  let instanceLevel = orFromEnvironment(level)
  const write = logCreator(instanceLevel)
  if (typeof write !== 'function') {
    const message = `logCreator has to return a function, which is called with each entry, received ${show(write)}`
    throw withHelp(new TypeError(message), 'options-and-arguments')
  }
  let hasTold = false
  /** What is logged has happened, and goes on, whether or not the program's logger can write it. Told once. */
  const tell = (/** @type {any} */ thrown) => {
    if (hasTold) return
    hasTold = true
    const { message, stack } = readable(thrown, 'The logger')
    process.emitWarning(
      `A line could not be logged, "logCreator" has made a logger that throws: ${message}`,
      {
        code: 'KAFKARS_LOGGER',
        detail: String(stack)
      }
    )
  }

  /**
   * @param {any} namespace
   * @param {number} [ownLevel]
   * @returns {Logger}
   */
  const create = (namespace, ownLevel) => {
    const at = (label, entryLevel) => (message, extra) => {
      if (entryLevel > (ownLevel ?? instanceLevel)) return
      const log = { timestamp: new Date().toISOString(), logger: 'kafkajs', message, ...extra }
      try {
        write({ namespace, level: entryLevel, label, log })
      } catch (error) {
        tell(error)
      }
    }
    return {
      info: at('INFO', LEVELS.INFO),
      error: at('ERROR', LEVELS.ERROR),
      warn: at('WARN', LEVELS.WARN),
      debug: at('DEBUG', LEVELS.DEBUG),
      namespace: (name, levelOfName) => {
        const own = levelOfName == null ? undefined : (levelOf(levelOfName) ?? undefined)
        return create(name, orFromEnvironment(own))
      },
      setLogLevel: newLevel => {
        instanceLevel = levelOf(newLevel) ?? instanceLevel
      }
    }
  }

  return create(undefined)
}

const METHODS = {
  [LEVELS.ERROR]: 'error',
  [LEVELS.WARN]: 'warn',
  [LEVELS.INFO]: 'info',
  [LEVELS.DEBUG]: 'debug'
}

/**
 * Writes the engine's log events (data) to a logger.
 * @param {Logger} root
 * @returns {(event: { level: number, namespace: string, message: string, extra: [string, string | number][] }) => void}
 */
const createEngineLog = root => {
  const namespaces = new Map()
  return ({ level, namespace, message, extra }) => {
    if (!namespaces.has(namespace)) namespaces.set(namespace, root.namespace(namespace))
    namespaces.get(namespace)[METHODS[level] ?? 'debug'](message, Object.fromEntries(extra))
  }
}

module.exports = { LEVELS, createLogger, levelOf, createEngineLog }
