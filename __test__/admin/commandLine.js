// @ts-check
'use strict'

/** Runs the command line: in a pipe and on a terminal. */

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
 * @param {{ input?: string, env?: Record<string, string>, directory?: string }} [options]
 * @returns {Promise<{ code: number | null, stdout: string, stderr: string }>}
 */
const execute = ([file, ...args], { input = '', env, directory = workplace() } = {}) =>
  new Promise((resolve, reject) => {
    const { KAFKARS_BROKERS, ...inherited } = process.env
    const child = spawn(file, args, {
      cwd: directory,
      env: { ...inherited, NO_COLOR: '1', ...env }
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', chunk => (stdout += chunk))
    child.stderr.on('data', chunk => (stderr += chunk))
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout, stderr }))
    child.stdin.end(input)
  })

const run = (args, options) =>
  execute([process.execPath, BIN, ...args], {
    ...options,
    env: { KAFKARS_BROKERS: sharedCluster().brokers.join(','), ...options?.env }
  })

/**
 * On a terminal: Python's pseudo-terminal, as the machine that builds the addon has one.
 * @param {string[]} args
 * @param {{ input?: string }} [options] what is typed
 */
const onTerminal = (args, options) => {
  const program =
    'import pty, sys, os; status = pty.spawn(sys.argv[1:]); sys.exit(os.waitstatus_to_exitcode(status))'
  return execute(['python3', '-c', program, process.execPath, BIN, ...args], {
    ...options,
    env: { KAFKARS_BROKERS: sharedCluster().brokers.join(','), TERM: 'xterm' }
  })
}

module.exports = { BIN, execute, onTerminal, run, workplace }
