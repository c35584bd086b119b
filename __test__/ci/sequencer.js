// @ts-check
'use strict'

const fs = require('node:fs')
const { default: Sequencer } = require('@jest/test-sequencer')

/**
 * Files that start brokers of their own come first: they take minutes, most of which is waiting. One that came last would
 * run alone, with nothing beside it.
 */
module.exports = class LongestFirst extends Sequencer {
  /** @param {import('@jest/test-result').Test[]} tests */
  sort(tests) {
    const order = super.sort(tests)
    const own = tests.filter(({ path }) =>
      /(start|use)Cluster\(/.test(fs.readFileSync(path, 'utf8'))
    )
    return [...order].sort((a, b) => Number(own.includes(b)) - Number(own.includes(a)))
  }
}
