// @ts-check
'use strict'

/**
 * `npm run test:ecosystem`: packs this package as it would be published, installs it under the name `kafkajs` into a project
 * outside of this checkout, with what others have built on kafkajs from the registry, and runs that project's tests on the
 * fixture's broker. Needs `npm run build` before.
 */

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { sharedCluster } = require('../kafka/shared')

const ROOT = path.join(__dirname, '..', '..')
const PROJECT = path.join(__dirname, 'project')
const NEST_12 = ['@nestjs/common@12.5.1', '@nestjs/core@12.5.1', '@nestjs/microservices@12.1.1']

/** npm tells its scripts about the checkout that they belong to; the project is none of it. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle|config_local)/.test(name)
  )
)

/**
 * @param {string} cwd
 * @param {string} command
 * @param {...string} args
 */
const run = (cwd, command, ...args) =>
  execFileSync(command, args, { cwd, env: ENVIRONMENT, stdio: 'inherit' })

/**
 * @param {string} directory
 * @returns {string} the package, as it would be published
 */
const install = directory => {
  fs.cpSync(PROJECT, directory, { recursive: true })
  run(ROOT, 'npm', 'pack', '--loglevel', 'error', '--pack-destination', directory)
  const tarball = fs.readdirSync(directory).find(name => name.endsWith('.tgz'))
  if (!tarball) throw new Error('npm pack has made no package')
  run(directory, 'npm', 'pkg', 'set', `dependencies.kafkajs=file:${tarball}`)
  npmInstall(directory)
  return tarball
}

/**
 * A package that has to be compiled, or fetched from elsewhere, would do it in a script. No program has all of these at
 * once: their optional peers do not agree.
 *
 * @param {string} directory
 * @param {...string} packages those of its package.json if there are none
 */
const npmInstall = (directory, ...packages) => {
  const quiet = ['--loglevel', 'error', '--no-audit', '--no-fund', '--prefer-offline']
  run(directory, 'npm', 'install', '--ignore-scripts', '--legacy-peer-deps', ...quiet, ...packages)
}

/**
 * One process each: who instruments a module instruments it for all.
 * @param {string} directory
 * @param {...string} files
 */
const test = (directory, ...files) =>
  run(
    directory,
    process.execPath,
    '--test',
    '--test-concurrency=1',
    '--test-timeout=60000',
    ...files
  )

/** Files that programs reach into by paths of kafkajs's, which has no types for them. */
const withoutTypes = () =>
  Object.keys(require('../../package.json').exports)
    .filter(name => name.startsWith('./src'))
    .map(name => name.slice('./'.length))

const main = async () => {
  const directory = fs.mkdtempSync(path.join(tmpdir(), 'kafkars-ecosystem-'))
  const cluster = await sharedCluster()
  try {
    const fixture = path.join(directory, 'fixture.json')
    fs.writeFileSync(fixture, JSON.stringify({ brokers: cluster.brokers }))
    ENVIRONMENT.KAFKA_FIXTURE = fixture
    const tarball = install(directory)
    const tool = (/** @type {string} */ name, /** @type {string[]} */ ...args) =>
      run(directory, path.join('node_modules', '.bin', name), ...args)
    tool('publint', tarball)
    tool('attw', tarball, '--exclude-entrypoints', ...withoutTypes())
    tool('tsc', '-p', 'tsconfig.json')
    tool('tsc', '-p', 'tsconfig.bundler.json')
    test(directory, ...fs.readdirSync(directory).filter(name => /\.test\.m?js$/.test(name)))
    // Its next release is made of ES modules, and loads kafkajs by `import`.
    npmInstall(directory, ...NEST_12)
    test(directory, 'nest.test.js')
  } finally {
    await cluster.stop()
    fs.rmSync(directory, { recursive: true, force: true })
  }
}

main().catch(error => {
  console.error(error.message)
  process.exit(1)
})
