'use strict'

/** Where the figures were taken. */

const os = require('node:os')

/** @param {string} kafkaVersion */
const machine = kafkaVersion => {
  const cpus = os.cpus()
  const model = cpus[0] ? cpus[0].model.trim().replace(/\s+/g, ' ') : 'unknown CPU'
  const memory = `${Math.round(os.totalmem() / 2 ** 30)} GB`
  return [
    `${cpus.length} × ${model}`,
    memory,
    `${os.type()} ${os.release()}`,
    `Node ${process.versions.node}`,
    `Kafka ${kafkaVersion}`,
    'broker and client on one machine'
  ].join(', ')
}

/** Above so many busy cores before a run its figures are not worth keeping. */
const CALM = 0.5
/** ms of one look */
const LOOK = 250

/**
 * Waits for a moment in which nothing else keeps the processors busy.
 * @param {number} patience ms
 * @returns {Promise<number>} cores that were busy in the end
 */
const calm = async patience => {
  const end = Date.now() + patience
  for (;;) {
    const busy = await busyCores(LOOK)
    if (busy <= CALM || Date.now() >= end) return busy
  }
}

/**
 * @param {number} ms how long to look
 * @returns {Promise<number>}
 */
const busyCores = async ms => {
  const busy = () =>
    os.cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0)
  const before = busy()
  await new Promise(resolve => setTimeout(resolve, ms))
  return (busy() - before) / ms
}

module.exports = { CALM, calm, machine }
