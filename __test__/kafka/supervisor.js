// @ts-check
/**
 * The parent of one broker: `node supervisor.js <log file> <data folder> <java> <arguments…>`.
 *
 * It outlives whoever started it by the moment it takes to kill the broker, however that one ended: the pipe
 * on stdin then reaches its end, after kill -9 too. In its own process group (`detached`), Ctrl-C reaches the
 * fixture alone, which stops its brokers in its own order.
 *
 * stdin   one signal per line, for the broker; the end means SIGKILL, and that its data may go
 * stdout  the broker's pid, then every signal once it has been sent
 * exit    with the broker
 */
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const readline = require('node:readline')

const { closeInherited } = require('./inherited')

const main = () => {
  closeInherited()
  const [logFile, data, command, ...args] = process.argv.slice(2)
  const log = fs.openSync(logFile, 'a')
  const broker = spawn(command, args, { stdio: ['ignore', log, log] })
  broker.on('error', error => {
    fs.writeSync(log, `${error.stack}\n`)
    process.exit(1)
  })
  broker.on('spawn', () => say(String(broker.pid)))
  let abandoned = false
  broker.on('exit', (code, signal) => {
    fs.writeSync(log, `# the broker ended: ${signal ?? `exit code ${code}`}\n`)
    if (abandoned) fs.rmSync(data, { recursive: true, force: true })
    process.exit(0)
  })

  // A starter that is gone reads no answer, and that must not end us before the broker.
  process.stdout.on('error', () => {})
  const commands = readline.createInterface({ input: process.stdin })
  commands.on('line', signal => {
    broker.kill(/** @type {NodeJS.Signals} */ (signal))
    say(signal)
  })
  const abandon = () => {
    abandoned = true
    broker.kill('SIGKILL')
  }
  commands.on('close', abandon)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, abandon)
}

/** @param {string} line */
const say = line => process.stdout.write(`${line}\n`)

main()
