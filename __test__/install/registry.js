// @ts-check
'use strict'

/** A registry on loopback that knows nothing but what is published to it (verdaccio, without an uplink). */

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')

const VERDACCIO = path.join(__dirname, 'node_modules', '.bin', 'verdaccio')

/** @returns {Promise<number>} a free port */
const freePort = () =>
  new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {net.AddressInfo} */ (server.address())
      server.close(() => resolve(port))
    })
  })

/**
 * @param {string} directory for what it stores
 * @returns {Promise<{ url: string, stop: () => void }>}
 */
const startRegistry = async directory => {
  const port = await freePort()
  const file = path.join(directory, 'verdaccio.yaml')
  const config = {
    storage: path.join(directory, 'storage'),
    auth: { htpasswd: { file: path.join(directory, 'htpasswd') } },
    packages: { '**': { access: '$all', publish: '$all' } },
    max_body_size: '100mb',
    log: { type: 'stdout', level: 'warn' }
  }
  // YAML has JSON in it.
  fs.writeFileSync(file, JSON.stringify(config))
  const options = ['--config', file, '--listen', `127.0.0.1:${port}`]
  const child = spawn(process.execPath, [fs.realpathSync(VERDACCIO), ...options])
  let output = ''
  child.stdout.on('data', data => (output += data))
  child.stderr.on('data', data => (output += data))
  const url = `http://127.0.0.1:${port}/`
  while (child.exitCode === null) {
    const answer = await fetch(`${url}-/ping`).catch(() => null)
    if (answer?.ok) return { url, stop: () => child.kill() }
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error(`the registry has ended: ${output}`)
}

module.exports = { startRegistry }
