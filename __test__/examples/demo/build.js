'use strict'

/** What the demo needs before it can begin: the addon. */

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..', '..')

/**
 * Builds the addon where there is none.
 * @param {(line: string) => void} say
 */
const buildAddon = async say => {
  const binding = path.join(ROOT, 'src', 'binding')
  const built =
    fs.existsSync(binding) && fs.readdirSync(binding).some(file => file.endsWith('.node'))
  if (built) return
  say('the addon is not built yet: npm run build (some minutes, once)')
  const windows = process.platform === 'win32'
  const npm = spawn(windows ? 'npm.cmd' : 'npm', ['run', 'build'], {
    cwd: ROOT,
    stdio: 'inherit',
    shell: windows
  })
  const code = await new Promise((resolve, reject) => npm.on('error', reject).on('exit', resolve))
  if (code !== 0) throw new Error(`npm run build ended with exit code ${code}`)
}

module.exports = { buildAddon }
