'use strict'

/** The tables of differences for readers and the list of the specs that show them tell the same. */

const fs = require('node:fs')
const path = require('node:path')

const differences = require('../consumer/differences')

const TESTS = path.join(__dirname, '..')

const read = file => fs.readFileSync(path.join(TESTS, '..', file), 'utf8')

/** The left columns of all tables in a text. @param {string} text */
const rowsOf = text =>
  text
    .split(/\n{2,}/)
    .filter(block => block.startsWith('|'))
    .flatMap(table => table.trim().split('\n').slice(2))
    .map(line => line.split(' | ')[0].replace(/^\| /, ''))

/** Options that kafkajs does not have are in tables of docs/. */
const optionRows = () =>
  fs
    .readdirSync(path.join(TESTS, '../docs'))
    .filter(page => page.endsWith('.md'))
    .flatMap(page => rowsOf(read(path.join('docs', page))))

test('every key is a row of DIFFERENCES.md or an option in docs/, and every difference is a key', () => {
  const differing = rowsOf(read('DIFFERENCES.md'))
  const options = optionRows()
  expect(options).toContain('`maxPollInterval`')
  const keys = Object.keys(differences)
  expect(keys.filter(key => !options.includes(key)).sort()).toEqual([...differing].sort())
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
