// @ts-check
'use strict'

/** Says how many specs are left to the soak run, so that nobody takes a quick run for all of it. See `soak.js`. */
module.exports = class Left {
  /** @param {import('@jest/reporters').Config.GlobalConfig} config */
  constructor({ testNamePattern }) {
    // Whoever names specs leaves the others.
    this.isWhole = !testNamePattern
  }

  /** @param {unknown} _ @param {import('@jest/reporters').AggregatedResult} results */
  onRunComplete(_, { testResults, numPendingTests }) {
    if (!this.isWhole || numPendingTests === 0) return
    const lines = testResults
      .filter(({ numPendingTests: count }) => count > 0)
      .map(({ numPendingTests: count, testFilePath }) => ({
        count,
        name: testFilePath.replace(/.*__test__./, '')
      }))
      .sort((a, b) => b.count - a.count)
      .map(({ count, name }) => `${String(count).padStart(5)}    ${name}`)
    console.log(`Left to npm run test:soak: ${numPendingTests} specs\n${lines.join('\n')}`)
  }
}
