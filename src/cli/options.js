// @ts-check
'use strict'

/**
 * How to connect: from flags, else from the environment, else from `kafkars.json` in the working directory (or `--config FILE`), which is
 * what `new Kafka()` takes, with files in the place of certificates.
 */

const fs = require('node:fs')
const path = require('node:path')

/** The command line is wrong: it is told without a stack, with the way to the help. */
class UsageError extends Error {}

const GLOBAL_OPTIONS = {
  brokers: { type: 'string', short: 'b', help: 'host:port,… (KAFKARS_BROKERS)' },
  config: {
    type: 'string',
    short: 'c',
    help: 'a file with all of this; default: kafkars.json, if there is one'
  },
  ssl: { type: 'boolean', help: 'TLS (KAFKARS_SSL=1)' },
  'ssl-ca': { type: 'string', help: 'file with the authorities to trust, PEM (KAFKARS_SSL_CA)' },
  'ssl-cert': {
    type: 'string',
    help: 'file with a certificate of our own, PEM (KAFKARS_SSL_CERT)'
  },
  'ssl-key': { type: 'string', help: 'file with its key, PEM (KAFKARS_SSL_KEY)' },
  'sasl-mechanism': {
    type: 'string',
    help: 'plain, scram-sha-256, scram-sha-512 (KAFKARS_SASL_MECHANISM)'
  },
  'sasl-username': { type: 'string', help: 'KAFKARS_SASL_USERNAME' },
  'sasl-password-file': {
    type: 'string',
    help: 'file with the password; or KAFKARS_SASL_PASSWORD: others can read what stands on a command line'
  },
  timeout: { type: 'string', help: 'of a request, ms; default 30000 (KAFKARS_TIMEOUT)' },
  json: { type: 'boolean', help: 'JSON, also on a terminal' },
  verbose: { type: 'boolean', help: 'what the client logs, to standard error' },
  help: { type: 'boolean', short: 'h', help: 'this' }
}

const DEFAULT_FILE = 'kafkars.json'

/**
 * @param {any} values flags
 * @param {Record<string, string | undefined>} env
 * @returns {any} of `new Kafka()`
 */
const toConfig = (values, env) => {
  const file = read(values.config)
  const brokers = (values.brokers ?? env.KAFKARS_BROKERS)?.split(',').map(broker => broker.trim())
  const wanted = brokers ?? file.brokers
  if (wanted === undefined) {
    throw new UsageError(
      'Which brokers? Give --brokers host:port, KAFKARS_BROKERS, or a kafkars.json'
    )
  }
  const timeout = values.timeout ?? env.KAFKARS_TIMEOUT
  if (timeout !== undefined && !(Number(timeout) > 0)) {
    throw new UsageError(`--timeout ${timeout}: not ms`)
  }
  return {
    clientId: 'kafkars-cli',
    connectionTimeout: 5000,
    retry: { retries: 2, initialRetryTime: 200 },
    ...file,
    brokers: wanted,
    ...(timeout !== undefined && { requestTimeout: Number(timeout) }),
    ssl: sslOf(values, env, file.ssl),
    sasl: saslOf(values, env, file.sasl)
  }
}

/** @param {string | undefined} given @returns {any} */
const read = given => {
  const file = given ?? DEFAULT_FILE
  if (given === undefined && !fs.existsSync(file)) return {}
  const config = parsed(contentOf(file, '--config'), file)
  return { ...config, ssl: withFiles(config.ssl, path.dirname(file)) }
}

/** @param {string} text @param {string} file @returns {any} */
const parsed = (text, file) => {
  let config
  try {
    config = JSON.parse(text)
  } catch (e) {
    // The rest of the message quotes the file, in which there may be a password.
    const [reason] = e.message.split(/,? *(?:\.{3})?"/)
    throw new UsageError(`${file} is no JSON${reason && `: ${reason}`}`)
  }
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config
  throw new UsageError(`${file} has to be an object, as new Kafka() takes it`)
}

/** Certificates and keys that are no PEM are files, beside the configuration. */
const withFiles = (ssl, directory) => {
  if (typeof ssl !== 'object' || ssl === null) return ssl
  const load = value =>
    Array.isArray(value)
      ? value.map(load)
      : typeof value === 'string' && !value.includes('-----BEGIN')
        ? contentOf(path.resolve(directory, value), 'ssl')
        : value
  const files = ['ca', 'cert', 'key'].filter(key => ssl[key] !== undefined)
  return { ...ssl, ...Object.fromEntries(files.map(key => [key, load(ssl[key])])) }
}

const sslOf = (values, env, file) => {
  const given = ['ca', 'cert', 'key'].flatMap(key => {
    const name = values[`ssl-${key}`] ?? env[`KAFKARS_SSL_${key.toUpperCase()}`]
    return name === undefined ? [] : [[key, contentOf(name, `--ssl-${key}`)]]
  })
  const base = typeof file === 'object' ? file : {}
  if (given.length > 0) return { ...base, ...Object.fromEntries(given) }
  const { KAFKARS_SSL: named } = env
  const isWanted = values.ssl ?? (named ? !['0', 'false'].includes(named) : undefined)
  return isWanted === undefined ? file : isWanted && (file || true)
}

const saslOf = (values, env, file) => {
  const passwordFile = values['sasl-password-file']
  const given = {
    mechanism: values['sasl-mechanism'] ?? env.KAFKARS_SASL_MECHANISM ?? file?.mechanism,
    username: values['sasl-username'] ?? env.KAFKARS_SASL_USERNAME ?? file?.username,
    password:
      passwordFile === undefined
        ? (env.KAFKARS_SASL_PASSWORD ?? file?.password)
        : contentOf(passwordFile, '--sasl-password-file').replace(/\r?\n$/, '')
  }
  if (given.mechanism === undefined && given.username === undefined) return file
  const isByName = /^(plain|scram-sha-.*)$/i.test(given.mechanism ?? 'plain')
  if (isByName && given.username === undefined) {
    throw new UsageError('SASL needs a username: KAFKARS_SASL_USERNAME, or --sasl-username')
  }
  if (given.username !== undefined && given.password === undefined) {
    throw new UsageError('SASL needs a password: KAFKARS_SASL_PASSWORD, or --sasl-password-file')
  }
  return { ...file, ...given, mechanism: given.mechanism ?? 'plain' }
}

const contentOf = (file, option) => {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (e) {
    throw new UsageError(`${option}: ${e.message}`)
  }
}

/**
 * A number that is a count.
 * @param {any} value @param {string} option
 */
const toCount = (value, option) => {
  if (!/^\d+$/.test(String(value))) throw new UsageError(`${option} ${value}: not a number`)
  return Number(value)
}

module.exports = { GLOBAL_OPTIONS, UsageError, toConfig, toCount }
