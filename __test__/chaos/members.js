// @ts-check
'use strict'

/** The members of the group: processes that come, go and are killed. */

const { fork } = require('node:child_process')
const path = require('node:path')
const { setTimeout: pause } = require('node:timers/promises')

/** Ways to consume, see `member.js`. There is `parallel` as well, for `--modes`. */
const MODES = ['message', 'batch', 'concurrent', 'manual']

/** @typedef {'eager' | 'cooperative' | 'consumer'} Protocol the last one is that of KIP-848 */

/** How partitions change hands, see `member.js`. @type {Protocol[]} */
const PROTOCOLS = ['eager', 'cooperative', 'consumer']

class Members {
  /** @type {import('node:child_process').ChildProcess[]} */
  #alive = []
  #count = 0
  #options

  /**
   * @param {{ brokers: string[], topic: string, groupId: string, directory: string, ledger: import('./ledger').Ledger,
   *   rng: ReturnType<typeof import('./random').random>, modes: string[], protocol: Protocol }} options
   */
  constructor(options) {
    this.#options = options
  }

  get size() {
    return this.#alive.length
  }

  join() {
    const { brokers, topic, groupId, directory, ledger, rng, modes, protocol } = this.#options
    const mode = modes[this.#count % modes.length]
    const file = path.join(directory, `${this.#count++}-${mode}`)
    const seed = rng.below(2 ** 31)
    const settings = { brokers, topic, groupId, mode, protocol, ledger: file, seed }
    ledger.add(file)
    const child = fork(path.join(__dirname, 'member.js'), [JSON.stringify(settings)])
    this.#alive.push(child)
    child.once('exit', (code, signal) => {
      this.#alive = this.#alive.filter(other => other !== child)
      // A process that ends by itself has not stood the test.
      if (code !== 0 && signal !== 'SIGKILL') {
        ledger.audit.deaths.push(`${file} ended with ${code ?? signal}`)
      }
    })
    return mode
  }

  /** One of them leaves, in order. */
  async leave() {
    await this.#stop(this.#options.rng.pick(this.#alive))
  }

  kill() {
    const child = this.#options.rng.pick(this.#alive)
    this.#alive = this.#alive.filter(other => other !== child)
    child.kill('SIGKILL')
  }

  /** One of them stands still, as a suspended machine does. @param {number} milliseconds */
  async freeze(milliseconds) {
    const child = this.#options.rng.pick(this.#alive)
    child.kill('SIGSTOP')
    await pause(milliseconds)
    child.kill('SIGCONT')
  }

  /** @param {'pause' | 'seek'} name */
  command(name) {
    this.#options.rng.pick(this.#alive).send(name)
  }

  async stop() {
    await Promise.all(this.#alive.map(child => this.#stop(child)))
  }

  /** @param {import('node:child_process').ChildProcess} child */
  #stop(child) {
    this.#alive = this.#alive.filter(other => other !== child)
    return new Promise(resolve => {
      const stuck = setTimeout(() => {
        this.#options.ledger.audit.deaths.push(`${child.spawnargs.at(-1)} does not stop`)
        child.kill('SIGKILL')
      }, STOP_TIMEOUT)
      child.once('exit', () => {
        clearTimeout(stuck)
        resolve(undefined)
      })
      child.send('stop')
    })
  }
}

const STOP_TIMEOUT = 30_000

module.exports = { MODES, Members, PROTOCOLS }
