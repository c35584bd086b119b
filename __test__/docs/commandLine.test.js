// @ts-check
'use strict'

/** Each command of `kafkars` in the documents is run on the broker, as it is printed; topics and groups are those of the run. */

const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { BIN, execute, onTerminal, workplace } = require('../admin/commandLine')
const {
  createTopic,
  observer,
  produce,
  sharedCluster,
  uniqueName,
  waitFor
} = require('../kafka/helpers')
const { EXIT } = require('../../src/cli')
const { GLOBAL_OPTIONS } = require('../../src/cli/options')
const { ROOT, allBlocks, textOf } = require('./blocks')
const { allCommands, simpleCommands, typedOf, withoutComment } = require('./commands')

const PAGE = path.join('docs', 'cli.md')
const { brokers, listeners, ca, users } = sharedCluster()
/** The topic and the groups of the documents → those of the run. @type {Map<string, string>} */
const names = new Map()

beforeAll(async () => {
  const topic = await createTopic({ partitions: 2 })
  const value = JSON.stringify({ total: 3 })
  const keys = ['customer-1', 'customer-2', 'cust-41']
  await produce(
    topic,
    keys.map(key => ({ key, value, partition: 0 }))
  )
  for (const name of ['billing', 'shop']) {
    const groupId = uniqueName(name)
    const admin = observer().admin()
    await admin.connect()
    const partitions = [
      { partition: 0, offset: '1' },
      { partition: 1, offset: '0' }
    ]
    await admin.setOffsets({ groupId, topic, partitions })
    await admin.disconnect()
    names.set(name, groupId)
  }
  names.set('orders', topic).set('localhost:9092', brokers[0])
  // As npm makes it known to a shell.
  const folder = path.join(workplace(), 'bin')
  fs.mkdirSync(folder)
  fs.symlinkSync(BIN, path.join(folder, 'kafkars'))
})

/** @param {string} text */
const inThisRun = text =>
  [...names].reduce((all, [name, own]) => all.replace(new RegExp(`\\b${name}\\b`, 'g'), own), text)

/** @param {string} text @returns {string} */
const inDocuments = text => [...names].reduce((all, [name, own]) => all.replaceAll(own, name), text)

/** Does it go on until it is told to end? @param {string} line */
const lasts = line => /--watch|\btail (?!.*--end)/.test(line)

/** @param {string} line of a shell @param {{ env?: Record<string, string>, directory?: string }} [options] */
const type = (line, { env, directory } = {}) => {
  const text = inThisRun(line).replace(/^npx /, '')
  const PATH = `${path.join(workplace(), 'bin')}${path.delimiter}${process.env.PATH}`
  // The shell gives its place to the last command, so that the signal is for that.
  const shell = ['sh', '-c', text.includes('|') ? text : `exec ${text}`]
  return execute(shell, {
    env: { PATH, KAFKARS_BROKERS: brokers.join(','), ...env },
    directory,
    ...(lasts(line) && { then: child => void interrupt(child) })
  })
}

/** Lets it print something, and ends it. @param {import('node:child_process').ChildProcess} child */
const interrupt = async child => {
  let hasPrinted = false
  child.stdout?.once('data', () => (hasPrinted = true))
  await waitFor(async () => {
    if (hasPrinted || child.exitCode !== null) return true
    // What it is there for, and what it leaves out.
    const messages = ['cust-49', 'cust-50'].map(key => ({ key, value: '{}', partition: 1 }))
    await produce(/** @type {string} */ (names.get('orders')), messages)
  })
  child.kill('SIGINT')
  if (child.exitCode === null) await once(child, 'close')
}

const lines = allBlocks()
  .filter(({ language }) => language === 'sh')
  .flatMap(typedOf)
  .map(withoutComment)
const inText = allCommands()
  .filter(({ words: [first, second] }) => (first === 'npx' ? second : first) === 'kafkars')
  .map(({ text }) => text)
const all = [...lines.filter(line => /(^|\| )(npx )?kafkars /.test(line)), ...inText]
  .map(line => line.trim())
  // A name, and how they are called.
  .filter(line => line !== 'npx kafkars' && !line.endsWith('COMMAND'))
const printed = [...new Set(all)].filter(
  line => !all.some(other => other !== line && simpleCommands(other).includes(line))
)

test.each(printed)('%s', async line => {
  const { code, stdout, stderr } = await type(line)
  expect({ code, stderr }).toEqual({ code: EXIT.OK, stderr: expect.any(String) })
  if (line.includes('produce')) expect(inDocuments(stderr)).toBe('1 message sent to orders\n')
  else expect(stdout).not.toBe('')
  const [, filter] = /--filter "\/(.*)\/"/.exec(line) ?? []
  if (filter) {
    const found = stdout
      .trim()
      .split('\n')
      .map(row => JSON.parse(row).key)
    expect(found.filter(key => !new RegExp(filter).test(key))).toEqual([])
  }
})

test('each command is in the list, and there is no other', () => {
  const listed = printed.map(line => /kafkars (\w+)/.exec(line)?.[1])
  const { COMMANDS } = require('../../src/cli')
  expect(new Set(listed)).toEqual(new Set([...Object.keys(COMMANDS), 'help']))
})

/** Numbers, how wide columns are, and what the cluster is called are those of a day. @param {string} text */
const shape = text =>
  inDocuments(text)
    .trim()
    .split(/\r?\n/)
    .map(line =>
      line
        .trim()
        .replace(/localhost|(\d+\.){3}\d+/g, 'HOST')
        .replace(/cluster \S+,/, 'cluster ID,')
        .replace(/\d+/g, '0')
        .replace(/ +/g, ' ')
    )

const consoles = allBlocks().filter(({ language }) => language === 'console')

test.each(consoles.map(block => [`${block.page}:${block.line}`, block]))(
  'prints what %s shows',
  async (_, { code }) => {
    const [command, ...output] = code.trim().split('\n')
    const args = inThisRun(withoutComment(command))
      .replace(/^(npx )?kafkars /, '')
      .split(' ')
    const size = { rows: 40, columns: 200 }
    const { stdout } = await onTerminal(args, { size })
    expect(shape(stdout)).toEqual(shape(output.join('\n')))
  }
)

test('its kafkars.json is one', async () => {
  const [{ code }] = allBlocks().filter(
    ({ page, language }) => page === PAGE && language === 'json'
  )
  const directory = fs.mkdtempSync(path.join(workplace(), 'config-'))
  const [[username, password]] = Object.entries(users)
  const config = JSON.parse(code)
  const own = { ...config, brokers: listeners.saslSsl, sasl: { ...config.sasl, username } }
  fs.writeFileSync(path.join(directory, 'kafkars.json'), JSON.stringify(own))
  for (const file of config.ssl.ca) fs.writeFileSync(path.join(directory, file), ca)
  const { code: status, stderr } = await execute([process.execPath, BIN, 'topics'], {
    env: { KAFKARS_SASL_PASSWORD: password },
    directory
  })
  expect({ status, stderr }).toEqual({ status: EXIT.OK, stderr: '' })
})

test('its flags and variables are those that there are, and its exit codes', () => {
  const text = textOf(PAGE)
  const [, table] = /## How to connect([^]*?)```/.exec(text) ?? []
  const flags = [...table.matchAll(/`--([\w-]+)/g)].map(([, flag]) => flag)
  expect(flags.filter(flag => !Object.hasOwn(GLOBAL_OPTIONS, flag))).toEqual([])
  const source = fs.readFileSync(path.join(ROOT, 'src/cli/options.js'), 'utf8')
  const variables = [...text.matchAll(/KAFKARS_\w+/g)].map(([name]) => name)
  const known = /KAFKARS_SSL_(CA|CERT|KEY)/
  expect(variables.filter(name => !source.includes(name) && !known.test(name))).toEqual([])
  const [, codes] = /Exit codes: ([^.]*)\./.exec(text) ?? []
  const numbers = [...codes.matchAll(/\b(\d+) \w/g)].map(([, code]) => Number(code))
  expect(numbers).toEqual(Object.values(EXIT))
})
