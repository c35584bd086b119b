// @ts-check
'use strict'

/** Names the files that took longest, so that a run which grows says where. */
module.exports = class Slowest {
  /** @param {unknown} _ @param {import('@jest/reporters').AggregatedResult} results */
  onRunComplete(_, { testResults }) {
    const files = testResults.map(({ testFilePath, perfStats: { start, end } }) => ({
      name: testFilePath.replace(/.*__test__./, ''),
      seconds: (end - start) / 1000
    }))
    const slow = files.filter(({ seconds }) => seconds >= WORTH_A_LINE)
    if (slow.length === 0) return
    const lines = slow
      .sort((a, b) => b.seconds - a.seconds)
      .slice(0, 10)
      .map(({ name, seconds }) => `${seconds.toFixed(0).padStart(5)} s  ${name}`)
    console.log(`Slowest files:\n${lines.join('\n')}`)
  }
}

const WORTH_A_LINE = 5
