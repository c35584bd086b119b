// @ts-check
'use strict'

const fs = require('node:fs')
const { default: Sequencer } = require('@jest/test-sequencer')

/**
 * Files that have brokers of their own keep the processor busy, the others wait most of their time: so they are mixed, as they come to
 * their ends together. Of each kind those that take longest come first: one that came last would run alone, with nothing beside it.
 */
module.exports = class Mixed extends Sequencer {
  /** @param {import('@jest/test-result').Test[]} tests */
  sort(tests) {
    const order = super.sort(tests)
    const isBusy = (/** @type {import('@jest/test-result').Test} */ { path }) =>
      /(start|use|lend)Cluster\(/.test(fs.readFileSync(path, 'utf8'))
    const kinds = [order.filter(isBusy), order.filter(test => !isBusy(test))]
    const placed = kinds.flatMap(kind =>
      kind.map((test, index) => ({ test, place: (index + 0.5) / kind.length }))
    )
    return placed.sort((a, b) => a.place - b.place).map(({ test }) => test)
  }
}
