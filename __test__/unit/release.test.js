'use strict'

/** What package.json, the crate and the documents say of the package agrees; a release is for the platforms that are named. */

const fs = require('node:fs')
const path = require('node:path')
const { packing, publishing } = require('../../release/guard')
const { settings } = require('../../release/linux')
const { platforms } = require('../../release/platforms')
const manifest = require('../../package.json')

const ROOT = path.join(__dirname, '..', '..')
const read = file => fs.readFileSync(path.join(ROOT, file), 'utf8')

test('the platforms have the names of npm', () => {
  expect(platforms().map(({ name, os, cpu, libc }) => [name, os, cpu, libc])).toEqual([
    ['linux-x64-gnu', 'linux', 'x64', 'glibc'],
    ['linux-arm64-gnu', 'linux', 'arm64', 'glibc'],
    ['linux-x64-musl', 'linux', 'x64', 'musl'],
    ['linux-arm64-musl', 'linux', 'arm64', 'musl'],
    ['darwin-x64', 'darwin', 'x64', null],
    ['darwin-arm64', 'darwin', 'arm64', null],
    ['win32-x64-msvc', 'win32', 'x64', null],
    ['win32-arm64-msvc', 'win32', 'arm64', null]
  ])
})

test('a binary for Linux is built where there is a standard library for it, or the source of one', () => {
  const [gnu, , musl] = platforms()
  const targets = new Set([gnu.target])
  expect(settings(gnu, { targets, source: false })).toEqual({})
  expect(settings(musl, { targets, source: false })).toBeNull()
  // Rust links musl into what it makes, unless it is told not to; and what Node loads has that of Node.
  const RUSTFLAGS = '-C target-feature=-crt-static'
  expect(settings(musl, { targets: new Set([musl.target]), source: true })).toEqual({ RUSTFLAGS })
  expect(settings(musl, { targets, source: true })).toEqual({
    RUSTFLAGS,
    CARGO_UNSTABLE_BUILD_STD: 'std,panic_unwind',
    RUSTC_BOOTSTRAP: '1'
  })
})

test('the crate has the version of the package', () => {
  for (const file of ['Cargo.toml', 'Cargo.lock']) {
    expect(/name = "kafkars"\nversion = "([^"]+)"/.exec(read(file))[1]).toBe(manifest.version)
  }
})

test('whoever asks for kafkajs 2 gets it under its name', () => {
  const [major, minor, patch] = manifest.version.split('.').map(Number)
  expect(major).toBe(2)
  expect(minor > 2 || (minor === 2 && patch >= 4)).toBe(true)
})

test('a checkout depends on no binary of a registry: it is built', () => {
  expect(manifest.optionalDependencies).toBeUndefined()
  expect(manifest.dependencies).toBeUndefined()
})

test('what is to be in the package is there', () => {
  const missing = manifest.files.filter(
    file => !file.includes('*') && !fs.existsSync(path.join(ROOT, file))
  )
  expect(missing).toEqual([])
})

describe('the guard', () => {
  const existing = new Set()
  let content = {}
  beforeEach(() => {
    existing.clear()
    content = { version: manifest.version, napi: manifest.napi }
    jest.spyOn(fs, 'existsSync').mockImplementation(file => existing.has(path.relative(ROOT, file)))
    jest
      .spyOn(fs, 'readdirSync')
      .mockImplementation(directory =>
        [...existing]
          .filter(file => path.join(ROOT, path.dirname(file)) === directory)
          .map(file => path.basename(file))
      )
    const actual = fs.readFileSync
    jest
      .spyOn(fs, 'readFileSync')
      .mockImplementation((file, ...rest) =>
        String(file).endsWith('package.json') ? JSON.stringify(content) : actual(file, ...rest)
      )
  })
  afterEach(() => jest.restoreAllMocks())

  const depends = () => {
    content.optionalDependencies = Object.fromEntries(
      platforms().map(platform => [platform.package, manifest.version])
    )
  }

  it('packs a checkout with the binary that was built in it', () => {
    existing.add('src/binding').add('src/binding/index.js')
    expect(packing()).toEqual(['there is no binary in src/binding: run "npm run build"'])
    existing.add('src/binding/kafkars.linux-x64-gnu.node')
    expect(packing()).toEqual([])
    existing.delete('src/binding/index.js')
    expect(packing()).toHaveLength(1)
  })

  it('packs what is for everybody without a binary, and with the packages of all platforms', () => {
    existing.add('src/binding').add('src/binding/index.js')
    depends()
    expect(packing()).toEqual([])
    delete content.optionalDependencies['@kafkars/binding-darwin-arm64']
    existing.add('src/binding/kafkars.linux-x64-gnu.node')
    expect(packing()).toEqual([
      `optionalDependencies has no @kafkars/binding-darwin-arm64 ${manifest.version}`,
      "src/binding has kafkars.linux-x64-gnu.node: binaries belong into the platforms' packages"
    ])
  })

  it('publishes with the binary of each platform', () => {
    expect(publishing()).toHaveLength(platforms().length)
    for (const { name, file } of platforms()) {
      existing.add(`npm/${name}/package.json`).add(`npm/${name}/${file}`)
    }
    expect(publishing()).toEqual([])
    existing.delete('npm/linux-arm64-musl/kafkars.linux-arm64-musl.node')
    expect(publishing()).toEqual([
      'npm/linux-arm64-musl/kafkars.linux-arm64-musl.node is missing: no binary was built for it'
    ])
  })
})
