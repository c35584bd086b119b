// @ts-check
'use strict'

/** Runs the command line: in a pipe and on a terminal. It is kafkars's with `CLIENT=kafkajs` as well, which has none. */

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { sharedCluster } = require('../kafka/helpers')

const BIN = path.join(__dirname, '../../bin/kafkars.js')

/** A directory without a kafkars.json. */
let cwd
beforeAll(() => {
  cwd = fs.mkdtempSync(path.join(os.tmpdir(), 'kafkars-cli-'))
})
afterAll(() => fs.rmSync(cwd, { recursive: true }))

/** Where the commands run. @returns {string} */
const workplace = () => cwd

/**
 * @param {string[]} command
 * @param {{ input?: string, when?: string, then?: (child: import('node:child_process').ChildProcess) => void, env?: Record<string, string>, directory?: string }} [options]
 *   `then` is done when it has printed `when` (default: at once), instead of `input`
 * @returns {Promise<{ code: number | null, stdout: string, stderr: string }>}
 */
const execute = (
  [file, ...args],
  { input = '', when = '', then, env, directory = workplace() } = {}
) =>
  new Promise((resolve, reject) => {
    const { KAFKARS_BROKERS, ...inherited } = process.env
    const child = spawn(file, args, {
      cwd: directory,
      env: { ...inherited, NO_COLOR: '1', ...env }
    })
    let [stdout, stderr] = ['', '']
    let isDone = then === undefined
    const look = () => {
      if (isDone || !(stdout + stderr).includes(when)) return
      isDone = true
      then?.(child)
    }
    child.stdout.on('data', chunk => {
      stdout += chunk
      look()
    })
    child.stderr.on('data', chunk => {
      stderr += chunk
      look()
    })
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout, stderr }))
    if (then === undefined) child.stdin.end(input)
    look()
  })

const run = (args, options) =>
  execute([process.execPath, BIN, ...args], {
    ...options,
    env: { KAFKARS_BROKERS: sharedCluster().brokers.join(','), ...options?.env }
  })

/**
 * On a terminal: Python's pseudo-terminal, as the machine that builds the addon has one.
 * @param {string[]} args
 * @param {Parameters<typeof execute>[1] & { size?: { rows: number, columns: number } }} [options] `input` is what is typed
 */
const onTerminal = (args, { size, ...options } = {}) => {
  const program =
    'import pty, sys, os; status = pty.spawn(sys.argv[1:]); sys.exit(os.waitstatus_to_exitcode(status))'
  const sized = size
    ? ['sh', '-c', `stty rows ${size.rows} cols ${size.columns}; exec "$0" "$@"`]
    : []
  return execute(['python3', '-c', program, ...sized, process.execPath, BIN, ...args], {
    ...options,
    env: { KAFKARS_BROKERS: sharedCluster().brokers.join(','), TERM: 'xterm' }
  })
}

module.exports = { BIN, execute, onTerminal, run, workplace }
