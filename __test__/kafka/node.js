// @ts-check
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const readline = require('node:readline')

const SUPERVISOR = path.join(__dirname, 'supervisor.js')

/**
 * One broker process, which can be stopped, killed, frozen and started again on the same ports and data.
 *
 * stopped ── start() ──► running ── stop(), kill9() or an end of its own ──► stopped
 */
class BrokerNode {
  /** @type {import('node:child_process').ChildProcess | undefined} its supervisor, while it runs */
  #supervisor
  #pid = 0
  #ready
  #command

  /**
   * @param {object} options
   * @param {number} options.id
   * @param {string} options.directory
   * @param {string[]} options.command            java and its arguments
   * @param {() => Promise<void>} options.ready   resolves once the cluster serves again
   */
  constructor({ id, directory, command, ready }) {
    this.id = id
    this.logFile = path.join(directory, 'broker.log')
    this.directory = directory
    /** Whether it ended although nobody asked it to. */
    this.crashed = false
    this.#command = command
    this.#ready = ready
  }

  /** The pid of its JVM; 0 while it is stopped. */
  get pid() {
    return this.#pid
  }

  get running() {
    return this.#supervisor !== undefined
  }

  /** Starts the process and does not wait for the broker in it; `restart` does. */
  async start() {
    if (this.running) return
    const data = path.join(this.directory, 'data')
    const args = [SUPERVISOR, this.logFile, data, ...this.#command]
    const { NODE_OPTIONS, ...env } = process.env // an inspector or a loader is not meant for it
    const supervisor = spawn(process.execPath, args, {
      cwd: this.directory,
      env,
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore']
    })
    this.#supervisor = supervisor
    // It may end before it has read the last command.
    supervisor.stdin.on('error', () => {})
    supervisor.once('exit', () => {
      this.crashed = !this.#ending
      this.#supervisor = undefined
      this.#pid = 0
    })
    this.#ending = false
    this.crashed = false
    this.#answers = readline.createInterface({ input: supervisor.stdout })
    this.#pid = Number(await this.#answer())
  }

  /** Shuts it down in order: its leaders move first. */
  async stop() {
    await this.sigcont()
    await this.#end('SIGTERM')
  }

  async kill9() {
    await this.#end('SIGKILL')
  }

  /** Freezes it: connections stay open, nothing answers. */
  async sigstop() {
    await this.#signal('SIGSTOP')
  }

  async sigcont() {
    await this.#signal('SIGCONT')
  }

  /** Stops it if it runs, starts it, and waits until the cluster serves all of its nodes again. */
  async restart() {
    await this.stop()
    await this.start()
    await this.#ready()
  }

  /** Ends it for good: data and all that is left of the process. */
  async destroy() {
    const supervisor = this.#supervisor
    if (supervisor) {
      this.#ending = true
      const ended = new Promise(resolve => supervisor.once('close', resolve))
      supervisor.stdin?.end()
      await ended
    }
    fs.rmSync(path.join(this.directory, 'data'), { recursive: true, force: true })
  }

  /** @type {readline.Interface | undefined} */
  #answers
  #ending = false

  /** @param {NodeJS.Signals} signal */
  async #end(signal) {
    const supervisor = this.#supervisor
    if (!supervisor) return
    this.#ending = true
    const ended = new Promise(resolve => supervisor.once('close', resolve))
    supervisor.stdin?.write(`${signal}\n`)
    await ended
  }

  /** @param {NodeJS.Signals} signal */
  async #signal(signal) {
    if (!this.running) return
    const sent = this.#answer()
    this.#supervisor?.stdin?.write(`${signal}\n`)
    await sent
  }

  /** The supervisor's next line; nothing when it ends instead. */
  #answer() {
    const answers = this.#answers
    return new Promise(resolve => {
      const settle = (line = '') => {
        answers?.off('line', settle).off('close', settle)
        resolve(line)
      }
      answers?.on('line', settle).on('close', settle)
    })
  }
}

module.exports = { BrokerNode }
