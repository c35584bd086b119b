// @ts-check
'use strict'

/**
 * The commands in the documents: those of blocks of shell, and those that a sentence or a table names. Each is run, or looked up where it
 * cannot be (`commands.test.js`, `commandLine.test.js`, `install/documents.js`).
 */

const { allBlocks, pages, textOf } = require('./blocks')

/**
 * @typedef {object} Command
 * @property {string} page
 * @property {number} line
 * @property {string} text as it is printed, without the variables before it
 * @property {Record<string, string>} env
 * @property {string[]} words
 */

const SHELL = ['sh', 'console']

/** A line of shell, as people paste it: a prompt, and what is said of it, are none of it. @param {string} line */
const withoutComment = line => line.replace(/^\$ /, '').replace(/(^|\s)#(\s.*)?$/, '')

/** The lines of a block that are typed; all but the prompts' are output in a `console`. @param {import('./blocks').Block} block */
const typedOf = ({ language, code }) =>
  code.split('\n').filter(line => language !== 'console' || line.startsWith('$ '))

/** @param {string} line @returns {string[]} what stands between `&&`, `|` and `;` */
const simpleCommands = line =>
  (line.match(/(?:'[^']*'|"[^"]*"|[^&|;'"])+/g) ?? []).map(text => text.trim()).filter(Boolean)

/** @param {string} text @returns {string[]} */
const wordsOf = text =>
  (text.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? []).map(word => word.replace(/['"]/g, ''))

/** @param {string} text @returns {Pick<Command, 'text' | 'env' | 'words'>} */
const parse = text => {
  const [, before, rest] = /** @type {RegExpExecArray} */ (/^((?:[A-Z_]+=\S+ )*)([^]*)$/.exec(text))
  const pairs = before
    .split(' ')
    .filter(Boolean)
    .map(pair => pair.split('='))
  return { text: rest, env: Object.fromEntries(pairs), words: wordsOf(rest) }
}

/** What in a sentence is a command, and not only a name. */
const BEGINNING =
  /^(?:[A-Z_]+=\S+ )*(?:npm|npx|node|cargo|pip|rustup|git|docker|deno|kafkars) [\w-]/m

/** @param {string} page @returns {{ line: number, text: string }[]} in its sentences and tables */
const spansOf = page => {
  const text = textOf(page).replace(/^(`{3,})[^]*?^\1$/gm, block => block.replace(/[^\n]/g, ''))
  return [...text.matchAll(/`([^`\n]+)`/g)]
    .filter(([, span]) => BEGINNING.test(span))
    .map(({ 1: span, index }) => ({
      line: text.slice(0, index).split('\n').length,
      // What may be left out is given.
      text: span.replace(/\[([^\]]*)\]/g, '$1')
    }))
}

/** @returns {Command[]} */
const allCommands = () => {
  const inBlocks = allBlocks()
    .filter(({ language }) => SHELL.includes(language))
    .flatMap(block =>
      typedOf(block).map(text => ({
        page: block.page,
        line: block.line,
        text: withoutComment(text)
      }))
    )
  const inText = pages()
    .filter(page => page !== 'THIRD-PARTY-NOTICES.md')
    .flatMap(page => spansOf(page).map(span => ({ page, ...span })))
  return [...inBlocks, ...inText].flatMap(({ page, line, text }) =>
    simpleCommands(text).map(simple => ({ page, line, ...parse(simple) }))
  )
}

module.exports = { BEGINNING, SHELL, allCommands, simpleCommands, typedOf, withoutComment }
