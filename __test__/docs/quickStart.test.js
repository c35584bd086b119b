// @ts-check
'use strict'

/** The quick start, followed to the letter: each program that it has people save, as a file, in a project that has the package. */

const { execFile, spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { promisify } = require('node:util')
const { createTopic, sharedCluster, uniqueName, waitFor } = require('../kafka/helpers')
const { ROOT, blocksOf, textOf } = require('./blocks')
const { allCommands } = require('./commands')

const PAGE = path.join('docs', 'quick-start.md')
const [broker] = sharedCluster().brokers
const project = fs.mkdtempSync(path.join(os.tmpdir(), 'kafkars-shop-'))
const groupId = uniqueName('shop')
/** @type {string} */
let topic

/** What its sentence says in which file a block is saved. @returns {Map<string, string>} file → program */
const files = () => {
  const lines = textOf(PAGE).split('\n')
  const blocks = blocksOf(PAGE).filter(({ language }) => ['js', 'ts'].includes(language))
  const saved = blocks.flatMap(({ line, code }) => {
    const [, name] = /Save this as `([^`]+)`/.exec(lines.slice(line - 4, line - 1).join(' ')) ?? []
    return name ? [/** @type {const} */ ([name, code])] : []
  })
  return new Map(saved)
}

/** What the instructions install, by links to what is here. */
beforeAll(async () => {
  topic = await createTopic({ partitions: 2 })
  const modules = path.join(project, 'node_modules')
  fs.mkdirSync(path.join(modules, '.bin'), { recursive: true })
  fs.symlinkSync(ROOT, path.join(modules, 'kafkars'))
  for (const name of ['typescript', '@types', path.join('.bin', 'tsc')]) {
    fs.symlinkSync(path.join(ROOT, 'node_modules', name), path.join(modules, name))
  }
  for (const [name, code] of files()) {
    const own = code
      .replaceAll('localhost:9092', broker)
      .replaceAll("'orders'", `'${topic}'`)
      .replaceAll("groupId: 'shop'", `groupId: '${groupId}'`)
    expect(own).toContain(broker)
    fs.writeFileSync(path.join(project, name), own)
  }
})
afterAll(() => fs.rmSync(project, { recursive: true }))

/** Runs a program until it has printed so many lines, then Ctrl-C, if it does not end by itself. @param {string} name @param {number} lines */
const until = async (name, lines) => {
  const child = spawn(process.execPath, [name], { cwd: project })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', data => (stdout += data))
  child.stderr.on('data', data => (stderr += data))
  let isOver = false
  const closed = once(child, 'close').finally(() => (isOver = true))
  const said = () => stdout.trim().split('\n')
  await waitFor(() => isOver || said().length >= lines)
  child.kill('SIGINT')
  const [status, signal] = await closed
  return { status, signal, lines: said(), stderr }
}

test('the programs that it names are those that it prints', () => {
  const named = allCommands()
    .filter(({ page, words }) => page === PAGE && words[0] === 'node')
    .map(({ words }) => words[1].replace('typed.mjs', 'typed.mts'))
  expect([...files().keys()].sort()).toEqual([...new Set(named)].sort())
})

test('write, read', async () => {
  const written = await promisify(execFile)(process.execPath, ['write.mjs'], { cwd: project })
  expect(written.stderr).toBe('')
  // "It prints two lines of its log, and the messages."
  const { status, lines, stderr } = await until('read.mjs', 4)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(lines.slice(0, 2).map(line => JSON.parse(line).level)).toEqual(['INFO', 'INFO'])
  const messages = lines.slice(2).filter(line => !line.startsWith('{"level"'))
  expect(messages.sort()).toEqual(['customer-1 {"total":3}', 'customer-2 {"total":5}'])
})

test('the same in TypeScript', async () => {
  const commands = allCommands().filter(
    ({ page, text }) => page === PAGE && text.startsWith('npx tsc')
  )
  expect(commands.length).toBe(1)
  const [{ words }] = commands
  const tsc = path.join(project, 'node_modules', '.bin', 'tsc')
  await promisify(execFile)(tsc, words.slice(2), { cwd: project })
  const child = spawn(process.execPath, ['typed.mjs'], { cwd: project })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (said += data))
  const closed = once(child, 'close')
  await waitFor(() => /Consumer has joined the group/.test(said) || child.exitCode !== null)
  expect(child.exitCode).toBeNull()
  child.kill()
  await closed
})
