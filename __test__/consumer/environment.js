// @ts-check
'use strict'

/**
 * Where the behaviour specs run: on kafkars, or with `CLIENT=kafkajs` on kafkajs. `differences.js` lists the specs that
 * kafkajs fails, and is held to it:
 *
 *                          on kafkars      on kafkajs
 *   a spec                 has to pass     has to pass
 *   a spec that is listed  has to pass     has to fail, itself: a file that cannot begin shows nothing
 *   a name without a spec  is an error     is an error
 */

const path = require('node:path')
const { TestEnvironment } = require('jest-environment-node')

const { lendCluster } = require('../kafka/pool')
const differences = require('./differences')

const ON_KAFKAJS = process.env.CLIENT === 'kafkajs'

/**
 * Some would hang for ever on kafkajs, ms. Several times what any of them takes on kafkars: one that takes longer names its own, so
 * that kafkajs has the time to pass.
 */
const LISTED_TIMEOUT = 15_000

module.exports = class Environment extends TestEnvironment {
  /** @param {any} config @param {any} context */
  constructor(config, context) {
    super(config, context)
    const file = fileOf(config.projectConfig.rootDir, context.testPath)
    /** The full names of what is listed of this file. */
    this.listed = new Set(Object.values(differences).flatMap(files => files[file] ?? []))
    /** What a hook before all has failed. */
    this.unbegun = new Set()
    this.hasFailed = false
    // What one file has started, the next one uses: so it lives out here, and not with the file.
    const lend = (/** @type {any} */ options) => lendCluster(options, () => this.hasFailed)
    Object.assign(this.global, { lendCluster: lend })
  }

  /** Called by jest-circus. @param {any} event @param {any} state */
  async handleTestEvent(event, state) {
    if (event.name === 'run_start') this.start(testsOf(state.rootDescribeBlock))
    if (event.name === 'test_start' && event.test.errors.length > 0) this.unbegun.add(event.test)
    if (event.name === 'test_done') this.hasFailed ||= event.test.errors.length > 0
    if (event.name === 'test_done' && this.mustFail(event.test)) this.judge(event.test)
    if (event.name === 'teardown' && ON_KAFKAJS) outlive()
  }

  /** @param {any[]} tests of the file */
  start(tests) {
    const names = tests.map(fullName)
    const missing = [...this.listed].filter(name => !names.includes(name))
    if (missing.length > 0) {
      throw new Error(`differences.js lists what is no spec:\n  ${missing.join('\n  ')}`)
    }
    for (const test of tests) if (this.mustFail(test)) test.timeout ??= LISTED_TIMEOUT
  }

  /** @param {any} test */
  mustFail(test) {
    return ON_KAFKAJS && this.listed.has(fullName(test))
  }

  /** Whatever has failed (the spec, a hook beside it, a promise that nobody waits for) is what was expected. @param {any} test */
  judge(test) {
    if (this.unbegun.has(test)) return
    if (test.errors.length > 0) test.errors = []
    else test.errors.push([Object.assign(test.asyncError, { message: PASSES }), test.asyncError])
  }
}

const PASSES = 'kafkajs passes this spec: it is no difference, and differences.js must not list it'

/** What a consumer that never ends throws behind the last spec must not end the process before that has told its results. */
const outlive = () => {
  for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, () => {})
}

/** As `differences.js` names it. @param {string} root @param {string} testPath */
const fileOf = (root, testPath) =>
  path.relative(root, testPath).split(path.sep).join('/').replace('.test.js', '')

/** All tests below. @param {any} block @returns {any[]} */
const testsOf = block =>
  block.children.flatMap(child => (child.type === 'test' ? [child] : testsOf(child)))

/** As Jest prints it. @param {any} test @returns {string} */
const fullName = ({ name, parent }) => (parent.parent ? `${fullName(parent)} ${name}` : name)
