'use strict'

/** The yardstick, no client of Node's: librdkafka in a process of C. It needs a C compiler, and `pip` for the library. */

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const { HOME } = require('../../../kafka/fetch')
const { SHAPES } = require('../workloads')

const SOURCE = path.join(__dirname, 'librdkafka.c')
/** Python's client brings the library. */
const PACKAGE = 'confluent-kafka==2.16.1'
const FOLDER = path.join(HOME, 'librdkafka')
const PROGRAM = path.join(FOLDER, 'producer')

/** @returns {string} the shared object */
const library = () => {
  const folder = path.join(FOLDER, 'confluent_kafka.libs')
  if (!fs.existsSync(folder)) {
    const install = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', FOLDER, PACKAGE]
    execFileSync('python3', install, { stdio: 'pipe' })
  }
  const name = fs.readdirSync(folder).find(file => file.startsWith('librdkafka'))
  if (!name) throw new Error(`no librdkafka in ${folder}`)
  return path.join(folder, name)
}

const compile = () => {
  const isNew =
    fs.existsSync(PROGRAM) && fs.statSync(PROGRAM).mtimeMs >= fs.statSync(SOURCE).mtimeMs
  if (!isNew) execFileSync('cc', ['-O2', '-o', PROGRAM, SOURCE, '-ldl'], { stdio: 'pipe' })
}

/**
 * @param {number} sticky ms for which all messages without a key go to one partition
 * @returns {import('./index').Measured}
 */
const withSticky = sticky => ({
  missing: () => {
    try {
      library()
      compile()
      return null
    } catch (error) {
      return /** @type {Error} */ (error).message.split('\n')[0]
    }
  },
  can: () => true,
  command: ({ brokers, topic, shape, codec, size, values, warmUp, duration }) => {
    const { outstanding, messages } = SHAPES[shape]
    // What is one send's there is one message's here; many at a time are as many as the queue takes.
    const window = messages > 1 ? 0 : outstanding
    const numbers = [sticky, window, size, warmUp, duration].map(String)
    return [PROGRAM, library(), brokers.join(','), topic, codec, values, ...numbers]
  }
})

module.exports = {
  /** Its own default: what comes within 10 ms is a batch of one partition. */
  sticky: withSticky(10),
  /** The work of the clients of Node's: one message after the other goes to another partition. */
  spread: withSticky(0)
}
