// @ts-check
'use strict'

/**
 * Where the behaviour specs run: on kafkars, or with `CLIENT=kafkajs` on kafkajs. `differences.js` lists the specs that
 * kafkajs fails, and is held to it:
 *
 *                          on kafkars      on kafkajs
 *   a spec                 has to pass     has to pass
 *   a spec that is listed  has to pass     has to fail
 *   a name without a spec  is an error     is an error
 */

const path = require('node:path')
const { TestEnvironment } = require('jest-environment-node')

const differences = require('./differences')

/** Some would hang for ever on kafkajs, ms. A listed spec that itself takes longer names its own. */
const LISTED_TIMEOUT = 5_000

module.exports = class Environment extends TestEnvironment {
  /** @param {any} config @param {any} context */
  constructor(config, context) {
    super(config, context)
    const file = path.relative(config.projectConfig.rootDir, context.testPath)
    /** The full names of what is listed of this file. */
    this.listed = namesOf(file.split(path.sep).join('/').replace('.test.js', ''))
  }

  /** Called by jest-circus. @param {any} event @param {any} state */
  async handleTestEvent(event, state) {
    if (event.name === 'run_start') this.start(testsOf(state.rootDescribeBlock))
    if (event.name === 'test_done' && this.mustFail(event.test)) invert(event.test)
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
    return process.env.CLIENT === 'kafkajs' && this.listed.has(fullName(test))
  }
}

/** Whatever has failed (the spec, a hook, a promise that nobody waits for) is what was expected. @param {any} test */
const invert = test => {
  if (test.errors.length > 0) test.errors = []
  else test.errors.push([Object.assign(test.asyncError, { message: PASSES }), test.asyncError])
}

const PASSES = 'kafkajs passes this spec: it is no difference, and differences.js must not list it'

/** @param {string} file @returns {Set<string>} */
const namesOf = file => new Set(Object.values(differences).flatMap(files => files[file] ?? []))

/** All tests below. @param {any} block @returns {any[]} */
const testsOf = block =>
  block.children.flatMap(child => (child.type === 'test' ? [child] : testsOf(child)))

/** As Jest prints it. @param {any} test @returns {string} */
const fullName = ({ name, parent }) => (parent.parent ? `${fullName(parent)} ${name}` : name)
