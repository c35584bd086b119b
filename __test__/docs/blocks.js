// @ts-check
'use strict'

/** The code in the documents: README, DIFFERENCES and the pages of docs/. */

const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..')

/** @typedef {{ page: string, line: number, language: string, code: string }} Block */

/** @returns {string[]} from the root */
const pages = () => [
  ...fs.readdirSync(ROOT).filter(file => file.endsWith('.md')),
  ...fs
    .readdirSync(path.join(ROOT, 'docs'))
    .filter(file => file.endsWith('.md'))
    .map(file => path.join('docs', file))
]

/** @param {string} page */
const textOf = page => fs.readFileSync(path.join(ROOT, page), 'utf8')

/** @param {string} page @returns {Block[]} */
const blocksOf = page => {
  const text = textOf(page)
  return [...text.matchAll(/^(`{3,})(\w*)\n([^]*?)^\1$/gm)].map(
    ({ 2: language, 3: code, index }) => ({
      page,
      line: text.slice(0, index).split('\n').length + 1,
      language,
      code
    })
  )
}

/** Without what others have written. @returns {Block[]} */
const allBlocks = () =>
  pages()
    .filter(page => page !== 'THIRD-PARTY-NOTICES.md')
    .flatMap(blocksOf)

module.exports = { ROOT, allBlocks, blocksOf, pages, textOf }
