// @ts-check
'use strict'

/** Names the specs that passed at their second try only. A few are hiccups; more of them are a bug, and fail the run. */
module.exports = class Unsteady {
  /** @type {string[]} */
  specs = []

  /** @param {unknown} _ @param {import('@jest/reporters').TestResult} result */
  onTestResult(_, result) {
    const again = result.testResults.filter(
      ({ status, invocations }) => status === 'passed' && (invocations ?? 1) > 1
    )
    this.specs.push(...again.map(({ fullName }) => `${result.testFilePath}: ${fullName}`))
  }

  onRunComplete() {
    if (this.specs.length === 0) return
    console.log(`Passed at the second try only:\n  ${this.specs.join('\n  ')}`)
  }

  getLastError() {
    if (this.specs.length > TOLERATED) return new Error(`${this.specs.length} specs are unsteady`)
    return undefined
  }
}

/** Specs of a whole run. */
const TOLERATED = 2
