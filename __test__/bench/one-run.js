'use strict'

/**
 * One client reads one topic once, in a process of its own.
 * `node one-run.js '<json>'` prints its figures as one line of JSON, the last one of stdout.
 */

const { performance } = require('node:perf_hooks')
const { setTimeout: sleep } = require('node:timers/promises')

const { Meter } = require('./meter')

/** ms to wait behind the last message for one too many */
const AFTERMATH = 100

/**
 * @typedef {object} Job
 * @property {string} client file name in clients/
 * @property {string} api
 * @property {string[]} brokers
 * @property {string} topic
 * @property {string} groupId
 * @property {string} codec
 * @property {number} messages
 * @property {boolean} keyed
 */

/** @param {Job} job */
const run = async job => {
  const client = require(`./clients/${job.client}`)
  const library = await client.load(job.codec)
  const meter = new Meter(job.messages)

  /** @param {any} message */
  const readValue = message => meter.add(message.value.length)
  /** @param {any} message */
  const readAll = ({ key, value, headers }) =>
    meter.add(key.length + value.length + headers.source.length + headers.trace.length)

  meter.start()
  const disconnect = await client.consume(library, {
    ...job,
    handle: job.keyed ? readAll : readValue,
    endOfBatch: () => meter.endOfBatch()
  })
  await meter.done
  await sleep(AFTERMATH)
  const figures = meter.finish()
  const startAt = performance.now()
  await disconnect()
  return { ...figures, disconnectMs: performance.now() - startAt }
}

run(JSON.parse(process.argv[2])).then(
  figures => process.stdout.write(`${JSON.stringify(figures)}\n`),
  error => {
    console.error(error)
    process.exit(1)
  }
)
