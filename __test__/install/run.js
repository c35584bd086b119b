// @ts-check
'use strict'

/**
 * `npm run test:install`: publishes this package and those of its platforms to a registry on loopback, and installs them as users
 * do: with npm, pnpm and yarn, into empty projects, with empty caches; loads them by `require`, by `import` and from strict TypeScript; under
 * the name of kafkajs; reads what it says when the package of the platform was left out; and does what the documents say. Needs `npm run build` before.
 */

const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { BINDING, ROOT, manifest, platforms } = require('../../release/platforms')
const { tryDocuments } = require('./documents')
const { publish } = require('./publish')
const { startRegistry } = require('./registry')

const TOOLS = path.join(__dirname, 'node_modules', '.bin')

/** npm tells its scripts about the checkout that they belong to, and of its registry; the projects have one of their own. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))
)

/** @type {import('./publish').Run} */
const run = (cwd, command, ...args) => {
  const options = { cwd, env: ENVIRONMENT, encoding: /** @type {const} */ ('utf8') }
  const { status, stdout, stderr, error } = spawnSync(command, args, options)
  if (error) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`)
  return stdout
}

/** Connects to a port that nobody listens on: an error of the engine's, which proves that it was loaded. */
const BODY = `
const kafka = new Kafka({ brokers: ['127.0.0.1:1'], retry: { retries: 0 }, logLevel: logLevel.NOTHING })
kafka.consumer({ groupId: 'g' }).connect().then(
  () => { throw new Error('connected to nobody') },
  error => console.log(error.name, error.code ?? '', error.helpUrl ?? '', error.message)
)
`
const LOADED = /^(KafkaJSConnectionError|KafkaJSNumberOfRetriesExceeded) .*ECONNREFUSED/

const programs = (/** @type {string} */ name) => ({
  'program.cjs': `const { Kafka, logLevel } = require('${name}')\n${BODY}`,
  'program.mjs': `import kafkars, { Kafka, logLevel } from '${name}'\nif (kafkars.Kafka !== Kafka) throw new Error('default')\n${BODY}`,
  'program.ts': `import { Kafka, logLevel, type EachMessagePayload } from '${name}'
const handle = async ({ message }: EachMessagePayload): Promise<string | undefined> => message.value?.toString()
export const consumer = new Kafka({ brokers: ['h:9092'], logLevel: logLevel.INFO }).consumer({ groupId: 'g' })
export const running = consumer.run({ eachMessage: async payload => void (await handle(payload)) })
`,
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      strict: true,
      noEmit: true,
      target: 'ES2022',
      module: 'nodenext',
      moduleResolution: 'nodenext',
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [path.join(ROOT, 'node_modules', '@types')]
    },
    files: ['program.ts']
  })
})

/** @param {string} directory @param {string} program */
const start = (directory, program) => run(directory, process.execPath, program).trim()

/** @param {unknown} condition @param {string} what */
const check = (condition, what) => {
  if (!condition) throw new Error(what)
  console.log(`ok  ${what.split('\n')[0]}`)
}

const main = async () => {
  // Where it was never installed. Its lockfile names no host.
  if (!fs.existsSync(TOOLS)) {
    const options = { cwd: __dirname, stdio: /** @type {const} */ ('inherit') }
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], options)
  }
  const here = platforms().find(({ file }) => fs.existsSync(path.join(BINDING, file)))
  if (!here) throw new Error('there is no binary in src/binding: run "npm run build"')

  const directory = fs.mkdtempSync(path.join(tmpdir(), 'kafkars-install-'))
  const registry = await startRegistry(directory)
  const { host } = new URL(registry.url)
  const npmrc = `registry=${registry.url}\n//${host}/:_authToken=anybody\n`

  let count = 0
  /**
   * An empty project, with caches of its own.
   * @param {string} name that the package is installed under
   * @param {Record<string, string>} [more] files, instead of these
   */
  const project = (name, more = {}) => {
    const own = path.join(directory, `project-${++count}`)
    fs.mkdirSync(own)
    const files = {
      '.npmrc': npmrc,
      'package.json': '{ "private": true }',
      ...programs(name),
      ...more
    }
    for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(own, file), text)
    return own
  }
  /** @param {string} own @param {...string} args */
  const npm = (own, ...args) => {
    const quiet = ['--loglevel', 'error', '--no-audit', '--no-fund']
    return run(own, 'npm', 'install', '--cache', path.join(own, '.cache'), ...quiet, ...args)
  }
  /** @type {Record<string, (own: string) => unknown>} */
  const managers = {
    npm: own => npm(own, 'kafkars'),
    pnpm: own =>
      run(own, path.join(TOOLS, 'pnpm'), 'add', '--store-dir', path.join(own, '.store'), 'kafkars'),
    yarn: own => {
      const cache = ['--cache-folder', path.join(own, '.cache'), '--non-interactive']
      return run(
        own,
        path.join(TOOLS, 'yarn'),
        'add',
        ...cache,
        '--registry',
        registry.url,
        'kafkars'
      )
    }
  }

  try {
    publish(directory, { run, here, npmrc })
    for (const [manager, install] of Object.entries(managers)) {
      const own = project('kafkars')
      install(own)
      for (const program of ['program.cjs', 'program.mjs']) {
        const said = start(own, program)
        check(LOADED.test(said), `${manager}: ${program} runs: ${said}`)
      }
      run(own, path.join(ROOT, 'node_modules', '.bin', 'tsc'), '-p', '.')
      check(true, `${manager}: strict TypeScript compiles`)
      const binaries = fs
        .readdirSync(path.join(own, 'node_modules', 'kafkars', 'src', 'binding'))
        .filter(file => file.endsWith('.node'))
      check(binaries.length === 0, `${manager}: the package has no binary of its own`)
    }

    const alias = project('kafkajs')
    npm(alias, 'kafkajs@npm:kafkars')
    const said = start(alias, 'program.cjs')
    check(LOADED.test(said), `under the name of kafkajs: ${said}`)
    run(alias, path.join(ROOT, 'node_modules', '.bin', 'tsc'), '-p', '.')
    check(true, 'under the name of kafkajs: strict TypeScript compiles')

    const names = here.package.replace(/-(gnu|musl|msvc)$/, '')
    const without = project('kafkars')
    npm(without, '--omit=optional', 'kafkars')
    expectAdvice('--omit=optional', start(without, 'program.cjs'), names)

    const [other] = platforms().filter(({ os }) => os !== here.os)
    const foreign = project('kafkars')
    npm(foreign, `--os=${other.os}`, `--cpu=${other.cpu}`, 'kafkars')
    expectAdvice('node_modules of another platform', start(foreign, 'program.cjs'), names)

    // The lockfile alone has all platforms in it, and npm takes what is this one's.
    fs.rmSync(path.join(foreign, 'node_modules'), { recursive: true })
    const quietly = ['--loglevel', 'error', '--no-audit', '--no-fund']
    run(foreign, 'npm', 'ci', '--cache', path.join(foreign, '.cache'), ...quietly)
    const found = start(foreign, 'program.cjs')
    check(LOADED.test(found), `npm ci by a lockfile of another platform: ${found}`)

    const expectLoaded = (/** @type {string} */ own) => {
      const output = start(own, 'program.cjs')
      if (!LOADED.test(output)) throw new Error(`it does not run: ${output}`)
    }
    const { url } = registry
    const env = ENVIRONMENT
    await tryDocuments({ directory, url, npmrc, run, project, expectLoaded, check, env })
    console.log(`kafkars ${manifest().version} installs on ${here.name}`)
  } finally {
    registry.stop()
    fs.rmSync(directory, { recursive: true, force: true })
  }
}

/** @param {string} what @param {string} said @param {string} name */
const expectAdvice = (what, said, name) => {
  const parts = [
    `could not be loaded`,
    `The binary is in the package "${name}`,
    'npm install --omit=optional',
    'lockfile or node_modules was made on another platform',
    'troubleshooting.md#the-addon-is-missing'
  ]
  const missing = parts.filter(part => !said.includes(part))
  check(missing.length === 0, `${what}: says what to do\n${said}\nmissing: ${missing.join(', ')}`)
}

main().catch(error => {
  console.error(error.message)
  process.exit(1)
})
