'use strict'

/** What errors refer to is there. */

const fs = require('node:fs')
const path = require('node:path')
const kafkars = require('../..')
const { fromFailure } = require('../../src/errors')
const { BY_CLASS, BY_TYPE, helpUrl } = require('../../src/help')
const { describe: describeCode } = require('../../src/protocol/errorCodes')

const ROOT = path.join(__dirname, '..', '..')
const page = fs.readFileSync(path.join(ROOT, 'docs', 'troubleshooting.md'), 'utf8')

const sources = fs
  .readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.js'))
  .map(file => fs.readFileSync(path.join(ROOT, 'src', file), 'utf8'))

/** As GitHub makes links of headings. */
const sections = [...page.matchAll(/^## (.*)$/gm)].map(([, title]) =>
  title
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-')
)

test('every section that an error leads to is on the page', () => {
  const named = sources.flatMap(text => [...text.matchAll(/withHelp\([^]*?, '([a-z-]+)'\)/g)])
  const used = [
    ...Object.values(BY_CLASS),
    ...Object.values(BY_TYPE),
    ...named.map(([, section]) => section),
    'the-addon-is-missing'
  ]
  expect(used).toContain('ended-by-the-program')
  expect(used.filter(section => !sections.includes(section))).toEqual([])
})

test('classes and types are known ones', () => {
  expect(Object.keys(BY_CLASS).filter(name => !(name in kafkars))).toEqual([])
  const types = new Set(Array.from({ length: 140 }, (_, code) => describeCode(code).type))
  expect(Object.keys(BY_TYPE).filter(type => !types.has(type))).toEqual([])
})

test('errors of brokers lead to what their type is about, others to what their class is about', () => {
  const failure = { failure: 'protocol', code: 30, message: 'no', topic: null }
  expect(fromFailure(failure).helpUrl).toBe(helpUrl('not-authorized'))
  const closed = { failure: 'closed', message: 'closed', broker: 'h:1' }
  expect(fromFailure(closed).helpUrl).toBe(helpUrl('no-connection'))
})

test('what has a page of its own keeps it, and what programs derive has none', () => {
  const { KafkaJSError, KafkaJSProtocolError } = kafkars
  expect(new KafkaJSProtocolError(describeCode(27)).helpUrl).toMatch(/^https:\/\/kafka\.js\.org\//)
  class Mine extends KafkaJSError {}
  expect(new Mine('mine').helpUrl).toBeUndefined()
})
