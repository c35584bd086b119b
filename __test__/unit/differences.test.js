'use strict'

/** The README's table of differences and the list of the specs that show them tell the same. */

const fs = require('node:fs')
const path = require('node:path')

const differences = require('../consumer/differences')

const TESTS = path.join(__dirname, '..')
const README = fs.readFileSync(path.join(TESTS, '../README.md'), 'utf8')

/** The left column of the section's table. @param {string} section */
const rowsOf = section => {
  const [, after] = README.split(`\n## ${section}\n`)
  const [table] = after.split('\n## ')
  const [, , ...lines] = table.match(/^\|.*$/gm) ?? []
  return lines.map(line => line.split(' | ')[0].replace(/^\| /, ''))
}

test('every key is a row of the README, and every row of its differences is a key, in order', () => {
  const options = rowsOf('Options')
  const keys = Object.keys(differences).filter(key => !options.includes(key))
  expect(keys).toEqual(rowsOf('Differences from kafkajs'))
})

test('every key has a spec that shows it', () => {
  const empty = Object.entries(differences).filter(([, specs]) => Object.keys(specs).length === 0)
  expect(empty).toEqual([])
})

test('every file in the list exists', () => {
  const files = new Set(Object.values(differences).flatMap(specs => Object.keys(specs)))
  const missing = [...files].filter(file => !fs.existsSync(path.join(TESTS, `${file}.test.js`)))
  expect(missing).toEqual([])
})

test('no spec is in it twice', () => {
  const names = Object.values(differences).flatMap(specs =>
    Object.entries(specs).flatMap(([file, list]) => list.map(name => `${file}: ${name}`))
  )
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
})
