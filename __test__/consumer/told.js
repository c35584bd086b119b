// @ts-check
'use strict'

/**
 * What the tables of mistakes have in common: an error says in its first lines, which people see, what, which, why and what to do; a
 * program can tell it by its fields; and its link leads to a section of the page on troubles.
 */

const fs = require('node:fs')
const path = require('node:path')

const PAGE = fs.readFileSync(path.join(__dirname, '../../docs/troubleshooting.md'), 'utf8')

/** As GitHub makes links of headings. */
const SECTIONS = [...PAGE.matchAll(/^## (.*)$/gm)].map(([, title]) =>
  title
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-')
)

/** More is not read. */
const LONGEST = 700

/** Is in no output. */
const SECRET = 'correct-horse'

/**
 * @typedef {object} Told
 * @property {any} is fields of the error
 * @property {(string | RegExp)[]} says parts of its first lines
 * @property {string} help the section that it leads to
 */

/** The lines above the frames, those of a cause that stands there included. @param {any} error */
const headOf = error => String(error.stack).split('\n    at ', 1)[0]

/** @param {any} error @param {Told} told @param {any[]} logs */
const expectTold = (error, { is, says, help }, logs) => {
  const head = headOf(error)
  // First, so that a failure shows what was said.
  for (const part of says) {
    if (typeof part === 'string') expect(head).toContain(part)
    else expect(head).toMatch(part)
  }
  expect(error).toMatchObject(is)
  expect(head).toContain(error.message)
  expect(head.length).toBeLessThan(LONGEST)
  expect(error.helpUrl).toMatch(/\/docs\/troubleshooting\.md#/)
  expect(error.helpUrl.split('#')[1]).toBe(help)
  expect(SECTIONS).toContain(help)
  expect(`${error.stack}${JSON.stringify(logs)}`).not.toContain(SECRET)
}

/** A `logCreator`, and what it was given. */
const createLogs = () => {
  const logs = /** @type {any[]} */ ([])
  return { logs, logCreator: () => (/** @type {any} */ entry) => void logs.push(entry) }
}

/** @param {any[]} logs @param {string} label */
const linesOf = (logs, label) =>
  logs.filter(entry => entry.label === label).map(({ log }) => log.message)

module.exports = { SECRET, createLogs, expectTold, headOf, linesOf }
