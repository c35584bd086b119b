// @ts-check
'use strict'

/**
 * Every block of code is somebody's to run, and every command that the documents name does what it is named for. Here are those of this
 * repository, which take minutes or publish: what they call is there, and knows the options.
 *
 *   documents.test.js        JavaScript
 *   commandLine.test.js      `kafkars …`, what it prints, its configuration
 *   quickStart.test.js       the programs of the quick start, as files
 *   unit/documents.test.js   TypeScript
 *   install/documents.js     `npm install …`, Dockerfiles, package.json: with a registry
 *   ecosystem/project        Deno
 */

const { execFile } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { parseArgs, promisify } = require('node:util')
const yaml = require('yaml')
const { isInstalled } = require('../install/commands')
const { ROOT, allBlocks, textOf } = require('./blocks')
const { BEGINNING, SHELL, allCommands } = require('./commands')
const manifest = require('../../package.json')

const execute = promisify(execFile)
/** @param {string} file */
const read = file => fs.readFileSync(path.join(ROOT, file), 'utf8')

/** @typedef {import('./commands').Command} Command */

/** Where a program is not one of JavaScript. */
const RUNNERS = {
  js: 'docs/documents.test.js',
  ts: 'unit/documents.test.js',
  json: 'docs/commandLine.test.js, install/documents.js',
  diff: 'docs/documents.test.js',
  sh: 'docs/commands.test.js, and those that it names',
  console: 'docs/commandLine.test.js',
  dockerfile: 'install/documents.js',
  // What is drawn.
  text: null
}

test('every block of code is run by somebody', () => {
  const stray = allBlocks().filter(({ language }) => !Object.hasOwn(RUNNERS, language))
  expect(stray).toEqual([])
  const drawn = allBlocks().filter(({ language }) => language === 'text')
  expect(drawn.filter(({ code }) => BEGINNING.test(code))).toEqual([])
})

/** `node FILE …`: it knows all of its options, and the names that it is given. @param {string[]} words */
const program = async ([file, ...args]) => {
  const call = [path.join(ROOT, file), ...args, '--help']
  const { stdout } = await execute(process.execPath, call)
  const names = args
    .filter(word => !word.startsWith('-'))
    .flatMap(word => word.split(','))
    .filter(word => /^[a-z]/.test(word))
  expect(names.filter(name => !stdout.includes(name))).toEqual([])
}

/** Where jest finds its specs. */
const SPECS = fs
  .readdirSync(path.join(ROOT, '__test__'), { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.test.js') && !file.includes('node_modules'))

/** `jest …`: there are such projects, and specs of these names. @param {string[]} words */
const specs = words => {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      selectProjects: { type: 'string' },
      runInBand: { type: 'boolean' }
    }
  })
  const { projects } = require(path.join(ROOT, values.config ?? ''))
  const known = projects.map((/** @type {any} */ { displayName }) => displayName)
  const names = [values.selectProjects, ...positionals].filter(name => !known.includes(name))
  expect(known).toContain(values.selectProjects)
  expect(names.filter(name => !SPECS.some(file => file.includes(String(name))))).toEqual([])
}

/** An npm script. @param {string} name @param {string[]} args */
const script = async (name, args) => {
  expect(manifest.scripts).toHaveProperty([name])
  const [first, ...words] = manifest.scripts[name].split(' ')
  if (args.length === 0) return
  if (first === 'node') return program([...words, ...args])
  expect(first).toBe('jest')
  specs([...words, ...args])
}

/** cargo's own, and those of this repository. */
const CARGO = ['build', 'check', 'fmt', 'test']

/** @param {Command} command */
const cargo = async ({ words: [, name, ...args] }) => {
  const own = [...read('.cargo/config.toml').matchAll(/^([\w-]+) = "/gm)].map(([, alias]) => alias)
  // `cargo deny` is a program of others, with a file of ours.
  expect([
    ...CARGO,
    ...own,
    ...(fs.existsSync(path.join(ROOT, 'deny.toml')) ? ['deny'] : [])
  ]).toContain(name)
  const [filter] = args.filter(word => !word.startsWith('-'))
  if (filter) expect(fs.existsSync(path.join(ROOT, 'src/engine', filter))).toBe(true)
}

/** `npx -p node@24 -- node node_modules/.bin/jest …` @param {Command} command */
const otherNode = async ({ words }) => {
  const [, version] = /^node@(\d+)$/.exec(words[2]) ?? []
  const { jobs } = yaml.parse(read('.github/workflows/ci.yml'))
  expect(jobs.test.strategy.matrix.node).toContain(Number(version))
  expect(words.slice(3, 6)).toEqual(['--', 'node', 'node_modules/.bin/jest'])
  specs(words.slice(6))
}

/** Connects to nobody: that it says so proves that the engine was loaded. */
const LOADING = `
const { Kafka } = require(${JSON.stringify(ROOT)})
new Kafka({ brokers: ['127.0.0.1:1'], logLevel: 0, retry: { retries: 0 } }).admin().connect()
`

/** A flag of Node's, with which the package loads, or says that it cannot. @param {Command} command */
const flagged = async ({ words: [, flag] }) => {
  const failed = execute(process.execPath, [flag, '-e', LOADING])
  const { stderr } = await failed.catch(error => error)
  const isRefused = flag === '--no-addons'
  expect(stderr).toMatch(isRefused ? /the native addon for .* could not be loaded/ : /ECONNREFUSED/)
}

/** A tag is released, as the version that package.json says. @param {Command} command */
const tag = async ({ words: [, verb, name] }) => {
  expect(yaml.parse(read('.github/workflows/release.yml')).on.push.tags).toEqual(['v*'])
  if (verb === 'tag') expect(name).toBe(`v${manifest.version}`)
}

/** A broker of a version that is supported, where the programs of that page look for it. @param {Command} command */
const container = async ({ page, words }) => {
  const [, ports] = /-p (\S+)/.exec(words.join(' ')) ?? []
  const addresses = [...textOf(page).matchAll(/brokers: \['([^']+)'\]/g)].map(([, one]) => one)
  expect(addresses.length).toBeGreaterThan(0)
  for (const address of addresses) expect(`localhost:${ports.split(':')[0]}`).toBe(address)
  const [image, version] = words.slice(-1)[0].split(':')
  expect(image).toBe('apache/kafka')
  const [, newest] = /\| Kafka \| 2\.1 to (\d+)\.x/.exec(textOf('docs/versions.md')) ?? []
  expect(version.split('.')[0]).toBe(newest)
}

const locked = require('../../package-lock.json').packages['']

/** One of our files has it. @param {string} text @param {string[]} files */
const says = (text, ...files) => expect(files.map(read).join('')).toContain(text)

/**
 * Who asks what of a command.
 *
 * @type {[RegExp, (command: Command) => Promise<unknown>][]}
 */
const CHECKS = [
  [/^npm test$/, async () => script('test', [])],
  [/^npm run /, async ({ words: [, , name, , ...args] }) => script(name, args)],
  [/^npm version /, async () => script('version', [])],
  [/^npm publish/, async () => script('prepublishOnly', [])],
  // In a checkout.
  [/^npm install$/, async () => expect(locked.devDependencies).toEqual(manifest.devDependencies)],
  [
    /^npm audit signatures$/,
    async () => says('NPM_CONFIG_PROVENANCE: ', '.github/workflows/release.yml')
  ],
  [/^node __test__\//, async ({ words }) => program(words.slice(1))],
  [/^node --/, flagged],
  [/^npx -p node@/, otherNode],
  [/^cargo /, cargo],
  [
    /^pip install ziglang cargo-zigbuild$/,
    async ({ text }) => says(text, '.github/workflows/build.yml')
  ],
  [/^pip install /, async ({ words }) => says(words[2], '__test__/groups/clients.js')],
  [/^rustup target add$/, async ({ text }) => says(text, 'release/linux.js')],
  [/^git (tag|push --(follow-)?tags$)/, tag],
  [/^docker run /, container]
]

/** Those that another test runs. */
const ELSEWHERE = [
  // commandLine.test.js
  /^(npx )?kafkars\b/,
  /^echo /,
  // quickStart.test.js
  /^node \w+\.m[jt]s$/,
  /^npm install -D typescript @types\/node$/,
  /^npx tsc /,
  // ecosystem
  /^deno run /
]

const commands = allCommands()
const unclaimed = commands.filter(
  command =>
    !isInstalled(command.text) &&
    ![...CHECKS.map(([pattern]) => pattern), ...ELSEWHERE].some(one => one.test(command.text))
)

test('what has one block of its kind has a test for that one', () => {
  const found = allBlocks().filter(({ language }) => ['json', 'diff'].includes(language))
  expect(found.map(({ page, language }) => [page, language])).toEqual([
    ['README.md', 'diff'],
    ['docs/cli.md', 'json'],
    ['docs/migrating.md', 'json']
  ])
})

test('every command is run or looked up by somebody', () => {
  expect(unclaimed).toEqual([])
  expect(commands.length).toBeGreaterThan(80)
})

const here = commands.flatMap(command => {
  const [, check] = CHECKS.find(([pattern]) => pattern.test(command.text)) ?? []
  return check && !isInstalled(command.text) ? [{ ...command, check }] : []
})
const once = [
  ...new Map(here.map(command => [`${command.page} ${command.text}`, command])).values()
]

it.each(once.map(one => [`${one.page}: ${one.text}`, one]))('%s', async (_, command) => {
  await command.check(command)
})

/** What our own programs read. */
const sources = ['__test__', 'src', 'release'].flatMap(folder =>
  fs
    .readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => /\.(js|rs)$/.test(file) && !file.includes('node_modules'))
    .map(file => path.join(folder, file))
)

test('somebody reads every variable that is set for a command', () => {
  const set = new Set(commands.flatMap(({ env }) => Object.keys(env)))
  expect(set.size).toBeGreaterThan(3)
  const texts = sources.map(read)
  const unread = [...set].filter(
    name => !texts.some(text => new RegExp(`\\b${name}\\b`).test(text))
  )
  expect(unread).toEqual([])
})

test('no block begins in another way than those that are looked for', () => {
  for (const page of new Set(allBlocks().map(one => one.page))) {
    expect(textOf(page)).not.toMatch(/^(~~~|[ \t]+`{3,})/m)
  }
  expect(SHELL.every(language => Object.hasOwn(RUNNERS, language))).toBe(true)
})
