'use strict'

/** What the documents refer to is there, and their TypeScript compiles. Their JavaScript is run by `docs/documents.test.js`. */

const fs = require('node:fs')
const path = require('node:path')
const ts = require('typescript')
const { ROOT, allBlocks, pages, textOf } = require('../docs/blocks')
const { homepage, scripts } = require('../../package.json')

const REPOSITORY = homepage.replace(/#.*$/, '')

/** As GitHub makes links of headings. */
const anchorsOf = text =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-')
  )

const withoutCode = text => text.replace(/^(`{3,})[^]*?^\1$/gm, '').replace(/`[^`\n]*`/g, '')

describe.each(pages())('%s', page => {
  const text = withoutCode(textOf(page))
  const links = [...text.matchAll(/\]\(([^()\s]+)\)/g)].map(([, link]) => link)

  it('links to what there is', () => {
    const broken = links.filter(link => {
      if (/^\w+:/.test(link)) return link.startsWith(`${REPOSITORY}/blob/`)
      const [file, anchor] = link.split('#')
      const target = file ? path.join(ROOT, path.dirname(page), file) : path.join(ROOT, page)
      if (!fs.existsSync(target)) return true
      if (!anchor || !target.endsWith('.md')) return false
      return !anchorsOf(fs.readFileSync(target, 'utf8')).includes(anchor)
    })
    expect(broken).toEqual([])
  })

  it('has one title, and no table with a row of another width', () => {
    if (page !== 'CHANGELOG.md') expect(textOf(page).match(/^# /gm) ?? []).not.toHaveLength(0)
    const widths = line => line.replace(/\\\||`[^`]*`/g, '').split('|').length
    const odd = text
      .split(/\n{2,}/)
      .filter(block => block.startsWith('|'))
      .flatMap(table =>
        table
          .trim()
          .split('\n')
          .filter(line => widths(line) !== widths(table.trim().split('\n')[0]))
      )
    expect(odd).toEqual([])
  })
})

test('every npm script that a document names is there', () => {
  const named = pages()
    .filter(page => page !== 'THIRD-PARTY-NOTICES.md')
    .flatMap(page => [...textOf(page).matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name))
  expect([...new Set(named)].filter(name => !(name in scripts))).toEqual([])
})

test('every page of docs/ is linked by another document', () => {
  const linked = page =>
    pages().some(other => other !== page && textOf(other).includes(path.basename(page)))
  expect(pages().filter(page => page.startsWith('docs') && !linked(page))).toEqual([])
})

/** What a block takes for granted. */
const GIVEN = {
  kafka: "import('kafkars').Kafka",
  consumer: "import('kafkars').Consumer",
  producer: "import('kafkars').Producer",
  admin: "import('kafkars').Admin"
}

test('the TypeScript compiles, strictly', () => {
  const blocks = allBlocks().filter(({ language }) => language === 'ts')
  expect(blocks.length).toBeGreaterThan(1)
  const files = new Map(
    blocks.map(({ page, line, code }) => {
      const given = Object.entries(GIVEN)
        .filter(([name]) => !new RegExp(`\\b(const|let|using) ${name}\\b`).test(code))
        .map(([name, type]) => `declare const ${name}: ${type}\n`)
      return [path.join(ROOT, `${page}.${line}.ts`), `${given.join('')}${code}\nexport {}\n`]
    })
  )
  const options = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.esnext.d.ts'],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: ['node'],
    typeRoots: [path.join(ROOT, 'node_modules', '@types')],
    paths: { kafkars: [path.join(ROOT, 'index.d.ts')] }
  }
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = file => files.has(file) || fileExists(file)
  host.readFile = file => files.get(file) ?? readFile(file)
  host.getSourceFile = (file, ...rest) =>
    files.has(file)
      ? ts.createSourceFile(file, files.get(file), options.target, true)
      : getSourceFile(file, ...rest)
  const program = ts.createProgram([...files.keys()], options, host)
  const problems = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, '\n')
    return `${path.relative(ROOT, file?.fileName ?? '')}: ${text}`
  })
  expect(problems).toEqual([])
})
