// @ts-check
'use strict'

/** The processes that are put to the test: they come, go and are killed. */

const { fork } = require('node:child_process')
const path = require('node:path')
const { setTimeout: pause } = require('node:timers/promises')

/** Ways to consume, see `member.js`. There are more, for `--modes`: `parallel`; `pulled`, `many`, `stream`, `pulledManual`. */
const MODES = ['message', 'batch', 'concurrent', 'manual']

/** @typedef {'eager' | 'cooperative' | 'consumer'} Protocol the last one is that of KIP-848 */

/** How partitions change hands, see `member.js`. @type {Protocol[]} */
const PROTOCOLS = ['eager', 'cooperative', 'consumer']

/**
 * How a program ends that wants to be started again: it cannot know whether what it has done last counts.
 */
const AGAIN = 75

/**
 * A process, and what it was told.
 *
 * @typedef {object} Alive
 * @property {import('node:child_process').ChildProcess} child
 * @property {string} file
 * @property {string} name
 */

class Members {
  /** @type {Alive[]} */
  #alive = []
  #count = 0
  #isOver = false
  #options

  /** How often each of them ended how, `stop()` aside. */
  ends = { killed: 0, left: 0, again: 0 }

  /**
   * @param {{ program: string, directory: string, ledger: import('./ledger').Ledger,
   *   rng: ReturnType<typeof import('./random').random>,
   *   nameOf: (count: number, taken: string[]) => string,
   *   settings: (name: string, file: string) => object }} options
   *   program: a file of this folder, whose argument is what `settings` gives, as JSON, with `ledger`, `seed` and `name`;
   *   nameOf: what the next one is called
   */
  constructor(options) {
    this.#options = options
  }

  get size() {
    return this.#alive.length
  }

  /** @param {string} [called] default: as `nameOf` says */
  join(called) {
    const { program, directory, ledger, rng, nameOf, settings } = this.#options
    const taken = this.#alive.map(({ name: other }) => other)
    const name = called ?? nameOf(this.#count, taken)
    const file = path.join(directory, `${this.#count++}-${name}`)
    const given = { ...settings(name, file), name, ledger: file, seed: rng.below(2 ** 31) }
    ledger.add(file)
    const child = fork(path.join(__dirname, program), [JSON.stringify(given)])
    this.#alive.push({ child, file, name })
    child.once('exit', (code, signal) => {
      this.#forget(child)
      if (code === AGAIN) {
        this.ends.again++
        if (!this.#isOver) this.join()
      } else if (code !== 0 && signal !== 'SIGKILL' && signal !== 'SIGTERM') {
        // A process that ends by itself has not stood the test. (One that was told to had not begun to listen.)
        ledger.audit.deaths.push(`${file} ended with ${code ?? signal}`)
      }
    })
    return name
  }

  /** One of them leaves, in order. @param {NodeJS.Signals} [signal] default: by a message */
  async leave(signal) {
    this.ends.left++
    await this.#stop(this.#pick(), signal)
  }

  kill() {
    const { child } = this.#pick()
    this.#forget(child)
    this.ends.killed++
    child.kill('SIGKILL')
  }

  /** One of them stands still, as a suspended machine does. @param {number} milliseconds */
  async freeze(milliseconds) {
    await this.#frozen(milliseconds, () => {})
  }

  /** And another one takes its name meanwhile. @param {number} milliseconds */
  async replace(milliseconds) {
    await this.#frozen(milliseconds, ({ name }) => this.join(name))
  }

  /** @param {string} name of a command that the program knows */
  command(name) {
    this.#pick().child.send(name)
  }

  async stop() {
    this.#isOver = true
    await Promise.all(this.#alive.map(each => this.#stop(each)))
  }

  #pick() {
    return this.#options.rng.pick(this.#alive)
  }

  /** @param {import('node:child_process').ChildProcess} child */
  #forget(child) {
    this.#alive = this.#alive.filter(other => other.child !== child)
  }

  /** @param {number} milliseconds @param {(one: Alive) => void} meanwhile */
  async #frozen(milliseconds, meanwhile) {
    const one = this.#pick()
    one.child.kill('SIGSTOP')
    meanwhile(one)
    await pause(milliseconds)
    one.child.kill('SIGCONT')
  }

  /** @param {Alive} one @param {NodeJS.Signals} [signal] */
  #stop({ child, file }, signal) {
    this.#forget(child)
    return new Promise(resolve => {
      const stuck = setTimeout(() => {
        this.#options.ledger.audit.deaths.push(`${file} does not stop`)
        child.kill('SIGKILL')
      }, STOP_TIMEOUT)
      child.once('exit', () => {
        clearTimeout(stuck)
        resolve(undefined)
      })
      // It may have ended in this moment.
      if (child.exitCode !== null || child.signalCode !== null) child.emit('exit', child.exitCode)
      else if (signal) child.kill(signal)
      else if (child.connected) child.send('stop')
    })
  }
}

const STOP_TIMEOUT = 45_000

module.exports = { AGAIN, MODES, Members, PROTOCOLS }
