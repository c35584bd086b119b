// @ts-check
'use strict'

/**
 * `npm test`: all checks, beside them the release build, and behind that the specs on the addon.
 *
 *   check:js ─ check:pure ─ check:rust (the compiler on one core, most of the time)
 *   build ───────────────── test:addon
 *
 * What is seen while it runs: first the checks of JavaScript, then the specs; what the compiler says is shown when it ends. Ends when all
 * have ended, with an error if one has.
 *
 * Of three minutes that the compiler needs in a fresh checkout, the OpenSSL that is linked in takes one. So it is built once, for the
 * addon; the checks of Rust begin behind it and link the same, but for those that need none.
 */

const { spawn } = require('node:child_process')
const { existsSync, readdirSync } = require('node:fs')
const { join } = require('node:path')

const ROOT = join(__dirname, '..', '..')
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target')

/** Has any of it? Then the specs do not begin. */
let hasFailed = false

/**
 * @param {string} script
 * @param {{ isSeen: boolean, env?: NodeJS.ProcessEnv }} how
 * @returns {Promise<void>} it has ended, well or not
 */
const run = (script, { isSeen, env = {} }) =>
  new Promise(resolve => {
    const output = isSeen ? 'inherit' : 'pipe'
    const child = spawn('npm', ['run', script], {
      cwd: ROOT,
      env: { ...process.env, ...env },
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
      hasFailed ||= code !== 0
      resolve()
    })
  })

/** @param {string} folder */
const list = folder => (existsSync(folder) ? readdirSync(folder) : [])

/** Where a build has installed its OpenSSL: behind the end of that build script, which is when its `output` is there. @param {string} profile */
const openssl = profile => {
  const scripts = join(profile, 'build')
  const built = list(scripts).find(
    name =>
      name.startsWith('openssl-sys-') &&
      existsSync(join(scripts, name, 'output')) &&
      existsSync(join(scripts, name, 'out', 'openssl-build', 'install'))
  )
  return built && join(scripts, built, 'out', 'openssl-build', 'install')
}

/** The build's, whose folder is named by the platform. */
const opensslOfBuild = () =>
  list(TARGET)
    .map(name => openssl(join(TARGET, name, 'release')))
    .find(Boolean)

/** What tells the `openssl-sys` crate to take the build's; nothing where the checks have one of their own. @param {Promise<any>} build */
const sharedOpenssl = async build => {
  if (openssl(join(TARGET, 'debug'))) return {}
  let isBuilding = true
  build.then(() => (isBuilding = false))
  while (isBuilding && !opensslOfBuild()) await new Promise(resolve => setTimeout(resolve, 500))
  const shared = opensslOfBuild()
  return shared ? { OPENSSL_NO_VENDOR: '1', OPENSSL_STATIC: '1', OPENSSL_DIR: shared } : {}
}

/** @param {Promise<void>} build */
const check = async build => {
  await run('check:js', { isSeen: true })
  await run('check:pure', { isSeen: false })
  await run('check:rust', { isSeen: false, env: await sharedOpenssl(build) })
}

/** @param {Promise<void>} build */
const test = async build => {
  await build
  if (!hasFailed) await run('test:addon', { isSeen: true })
}

const main = async () => {
  const build = run('build', { isSeen: false })
  await Promise.all([check(build), test(build)])
  process.exitCode = hasFailed ? 1 : 0
}

main()
