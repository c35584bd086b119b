// @ts-check
'use strict'

/**
 * Runs npm scripts beside each other: `node beside.js check build`. The first one is seen while it runs; what the others say is shown when
 * they end. Ends when all have ended, with an error if one has.
 *
 * The compiler works on one core for most of the time that it needs for the release build.
 */

const { spawn } = require('node:child_process')

/** @param {string} script @param {boolean} isSeen @returns {Promise<boolean>} has it succeeded? */
const run = (script, isSeen) =>
  new Promise(resolve => {
    const output = isSeen ? 'inherit' : 'pipe'
    const child = spawn('npm', ['run', script], {
      stdio: ['ignore', output, output],
      shell: process.platform === 'win32'
    })
    /** @type {Buffer[]} */
    const said = []
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', part => said.push(part))
    child.on('error', error => said.push(Buffer.from(`${error.message}\n`)))
    child.on('close', code => {
      process.stdout.write(Buffer.concat(said))
      if (code !== 0) console.error(`npm run ${script} has failed`)
      resolve(code === 0)
    })
  })

Promise.all(process.argv.slice(2).map((script, n) => run(script, n === 0))).then(results => {
  process.exitCode = results.every(Boolean) ? 0 : 1
})
