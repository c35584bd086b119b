// @ts-check
'use strict'

/**
 * `npm run release:linux`: builds for each Linux platform what this machine can, into `artifacts/`, and says what it cannot and why.
 * `npm run release:linux -- x64-gnu` builds those whose names contain it; `--help` says which there are.
 *
 * zig is linker and C compiler: it knows glibc back to 2.17, musl, and both architectures. Needs `pip install ziglang cargo-zigbuild`
 * (or both of them on PATH); OpenSSL is built along and needs perl and make. What is not this machine's needs a standard library of Rust: by
 * `rustup target add`, or of another compiler, which `RUSTC` names; where that has only the source of it, the library is built along.
 */

const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { BINDING, ROOT, platforms } = require('./platforms')

/** The oldest glibc: Debian 8, CentOS 7, Amazon Linux 2. */
const GLIBC = '2.17'
const ARTIFACTS = path.join(ROOT, 'artifacts')

/** @param {string} command @param {string[]} args */
const works = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0

/**
 * What the compiler has brought along.
 *
 * @typedef {object} Library
 * @property {Set<string>} targets that there is a standard library for
 * @property {boolean} source is there that of the library?
 *
 * @returns {Library}
 */
const installed = () => {
  const rustc = process.env.RUSTC ?? 'rustc'
  const { stdout } = spawnSync(rustc, ['--print', 'sysroot'], { encoding: 'utf8' })
  const directory = path.join((stdout ?? '').trim(), 'lib', 'rustlib')
  const lock = path.join(directory, 'src', 'rust', 'library', 'Cargo.lock')
  return {
    targets: new Set(fs.existsSync(directory) ? fs.readdirSync(directory) : []),
    source: fs.existsSync(lock)
  }
}

/**
 * With what a platform is built, beside the environment.
 *
 * @param {Pick<import('./platforms').Platform, 'target' | 'libc'>} platform
 * @param {Library} library
 * @returns {Record<string, string> | null} null when there is no standard library for it, and none can be built
 */
const settings = ({ target, libc }, { targets, source }) => {
  /** @type {Record<string, string>} */
  const env = {}
  // A library that is loaded into Node has musl from it.
  if (libc === 'musl') env.RUSTFLAGS = '-C target-feature=-crt-static'
  if (targets.has(target)) return env
  // Cargo calls it unstable, whatever the compiler is.
  return source
    ? { ...env, CARGO_UNSTABLE_BUILD_STD: 'std,panic_unwind', RUSTC_BOOTSTRAP: '1' }
    : null
}

/** Why nothing can be built here. @returns {string | null} */
const missing = () => {
  if (!works('cargo-zigbuild', ['--version'])) {
    return 'cargo-zigbuild is missing: pip install cargo-zigbuild, or cargo install cargo-zigbuild'
  }
  const zig = works('zig', ['version']) || works('python3', ['-m', 'ziglang', 'version'])
  if (!zig) return 'zig is missing: pip install ziglang'
  for (const tool of ['perl', 'make']) {
    if (!works(tool, ['--version'])) return `${tool} is missing, which builds OpenSSL`
  }
  return null
}

/** The newest version of glibc's symbols that a binary asks for. @param {string} file */
const glibcOf = file => {
  const text = fs.readFileSync(file, 'latin1')
  const versions = [...text.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, a, b]) => [
    Number(a),
    Number(b)
  ])
  const [newest] = versions.sort((a, b) => b[0] - a[0] || b[1] - a[1])
  return newest ? newest.join('.') : null
}

/** @param {import('./platforms').Platform} platform @param {Record<string, string>} more @returns {string} the binary */
const build = ({ target, libc, file }, more) => {
  const versioned = libc === 'glibc' ? `${target}.${GLIBC}` : target
  const flags = ['--platform', '--release', '--cross-compile', '--target', versioned]
  const env = { ...process.env, ...more }
  const own = ['--output-dir', ARTIFACTS, '--js', 'index.js', '--dts', 'index.d.ts']
  execFileSync('npx', ['napi', 'build', ...flags, ...own], { cwd: ROOT, env, stdio: 'inherit' })
  return path.join(ARTIFACTS, file)
}

const main = () => {
  const isHelp = process.argv.includes('--help')
  const [wanted = ''] = process.argv.slice(2)
  const all = platforms().filter(({ os }) => os === 'linux')
  const linux = all.filter(({ name }) => name.includes(wanted))
  if (isHelp || linux.length === 0) {
    console.log(`npm run release:linux [-- PART]\n\n  ${all.map(({ name }) => name).join('\n  ')}`)
    process.exitCode = isHelp ? 0 : 2
    return
  }
  const reason = missing()
  const library = installed()
  fs.mkdirSync(ARTIFACTS, { recursive: true })
  const report = linux.map(platform => {
    if (reason) return { platform, failed: reason }
    const more = settings(platform, library)
    if (more === null) {
      const remedy = `rustup target add ${platform.target}, or a compiler that has one in RUSTC`
      return { platform, failed: `no standard library: ${remedy}` }
    }
    try {
      const file = build(platform, more)
      const newest = platform.libc === 'glibc' ? glibcOf(file) : null
      if (newest && Number(newest.split('.')[1]) > Number(GLIBC.split('.')[1])) {
        return { platform, failed: `the binary wants glibc ${newest}` }
      }
      return { platform, made: `${path.relative(ROOT, file)}${newest ? `, glibc ${newest}` : ''}` }
    } catch (error) {
      return { platform, failed: error.message }
    }
  })
  // The loader is the same for all; a checkout that was never built gets it, too.
  const loader = path.join(ARTIFACTS, 'index.js')
  if (fs.existsSync(loader) && !fs.existsSync(path.join(BINDING, 'index.js'))) {
    fs.mkdirSync(BINDING, { recursive: true })
    fs.copyFileSync(loader, path.join(BINDING, 'index.js'))
  }
  for (const { platform, made, failed } of report) {
    console.log(`${platform.name.padEnd(18)} ${made ?? `not built: ${failed}`}`)
  }
  if (report.some(({ failed }) => failed)) process.exitCode = 1
}

if (require.main === module) main()

module.exports = { settings }
