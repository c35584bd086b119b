// @ts-check
'use strict'

/**
 * What the documents have people type and write to install it, as it is printed, in empty projects: blocks of shell, package.json,
 * Dockerfiles. `docs/commands.test.js` sees to it that there is no other.
 */

const { once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const { allBlocks, textOf } = require('../docs/blocks')
const { allCommands, typedOf } = require('../docs/commands')
const { manifest } = require('../../release/platforms')
const { isInstalled } = require('./commands')
const { build, nodeOf, parse, start } = require('./dockerfile')

/**
 * @typedef {object} World
 * @property {string} directory for projects
 * @property {string} url of the registry
 * @property {string} npmrc
 * @property {import('./publish').Run} run
 * @property {(name: string, files?: Record<string, string>) => string} project makes one, for what it is called there
 * @property {(own: string, program?: string) => void} expectLoaded
 * @property {(condition: unknown, what: string) => void} check
 * @property {NodeJS.ProcessEnv} env
 */

/** A package on which a project may depend. @param {World} world @param {any} description @param {string} index */
const publish = ({ directory, run, npmrc }, description, index) => {
  const own = path.join(directory, `library-${description.name}`)
  fs.mkdirSync(own)
  const files = {
    '.npmrc': npmrc,
    'package.json': JSON.stringify({ version: '1.0.0', ...description }),
    'index.js': index
  }
  for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(own, file), text)
  run(own, 'npm', 'publish', '--loglevel', 'error')
}

/** What a shell is told, so that npm asks this registry. @param {World} world @param {string} own */
const environment = ({ env, url }, own) => ({
  ...env,
  npm_config_registry: url,
  npm_config_cache: path.join(own, '.cache'),
  npm_config_loglevel: 'error',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_update_notifier: 'false'
})

/** @param {World} world @param {string} own @param {string} text of a shell */
const type = (world, own, text) => {
  const variables = Object.entries(environment(world, own)).map(
    ([name, value]) => `${name}=${value}`
  )
  return world.run(own, 'env', '-i', ...variables, 'sh', '-e', '-c', text)
}

/** @param {string} own @returns {string[]} of the platforms */
const bindings = own => fs.readdirSync(path.join(own, 'node_modules', '@kafkars'))

/** Blocks of shell, whole. @param {World} world */
const shell = world => {
  const blocks = allBlocks().filter(
    block =>
      block.language === 'sh' &&
      typedOf(block)
        .filter(Boolean)
        .every(line => line.split(' && ').every(isInstalled))
  )
  for (const { page, line, code } of blocks) {
    const [, name = 'kafkars'] = /(kafkajs)@npm:/.exec(code) ?? []
    const own = world.project(name)
    const isCi = code.startsWith('npm ci')
    if (isCi) type(world, own, 'npm install --package-lock-only kafkars')
    type(world, own, code)
    if (isCi) {
      const [, cpu] = /--cpu=(\w+)/.exec(code) ?? []
      const [, libc] = /--libc=(\w+)/.exec(code) ?? []
      const wanted = `binding-linux-${cpu}-${libc === 'glibc' ? 'gnu' : libc}`
      world.check(String(bindings(own)) === wanted, `${page}:${line}: installs ${bindings(own)}`)
    } else {
      const [, folder = '.'] = /cd (\w+)/.exec(code) ?? []
      const at = path.join(own, folder)
      if (folder !== '.') {
        fs.copyFileSync(path.join(own, 'program.cjs'), path.join(at, 'program.cjs'))
      }
      world.expectLoaded(at)
      world.check(true, `${page}:${line}: ${code.trim().replaceAll('\n', ' && ')}`)
    }
  }
  world.check(blocks.length >= 4, `${blocks.length} blocks of shell install it`)
}

/** A package that was made in a checkout. @param {World} world */
const tarball = world => {
  const file = `kafkars-${manifest().version}.tgz`
  const commands = allCommands().filter(({ text }) => text.startsWith('npm install path/to/'))
  for (const { page, line, text } of commands) {
    const own = world.project('kafkars')
    type(world, own, text.replace('path/to', world.directory))
    world.expectLoaded(own)
    world.check(text.endsWith(`/${file}`), `${page}:${line}: ${text}`)
  }
  world.check(commands.length > 0, 'a package is installed that was made in a checkout')
}

/** What gives it to libraries that ask for one exact version of kafkajs. @param {World} world */
const overrides = world => {
  const dependencies = { kafkajs: '2.2.4' }
  publish(world, { name: 'needs-kafkajs', dependencies }, "module.exports = require('kafkajs')")
  const [block] = allBlocks().filter(({ code }) => code.includes('"overrides"'))
  const description = {
    private: true,
    dependencies: { kafkajs: 'npm:kafkars@^2', 'needs-kafkajs': '1.0.0' }
  }
  const own = world.project('kafkajs', {
    'package.json': JSON.stringify({ ...description, ...JSON.parse(block.code) })
  })
  type(world, own, 'npm install')
  const same =
    "require('needs-kafkajs').Kafka === require('kafkajs').Kafka && require('kafkajs/package.json').name"
  const said = world.run(own, process.execPath, '-p', same).trim()
  world.check(said === 'kafkars', `${block.page}:${block.line}: a library gets ${said}`)
}

/** @param {World} world */
const dockerfiles = async world => {
  const blocks = allBlocks().filter(({ language }) => language === 'dockerfile')
  const [{ code: program }] = allBlocks().filter(
    ({ page, language }) => page === 'README.md' && language === 'js'
  )
  publish(world, { name: 'some-tool' }, '')
  const oldest = Number(/\d+/.exec(manifest().engines.node)?.[0])
  // Nobody answers: it has to end all the same.
  const silent = net.createServer(() => {}).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = /** @type {net.AddressInfo} */ (silent.address())
  try {
    for (const { page, line, code } of blocks) {
      const file = parse(code)
      const node = nodeOf(file)
      world.check(node >= oldest, `${page}:${line}: Node ${node}, from ${oldest} on`)
      const main = program.replace('localhost:9092', `127.0.0.1:${port}`)
      world.check(main !== program, `${page}:${line}: its program is that of the README`)
      const description = {
        private: true,
        dependencies: { kafkars: `^${manifest().version}` },
        devDependencies: { 'some-tool': '1.0.0' }
      }
      // A computer of another kind, on which it is developed.
      const context = world.project('kafkars', {
        'package.json': JSON.stringify(description),
        'main.js': main,
        '.dockerignore': ignoredBy(page)
      })
      type(world, context, 'npm install --os=sunos --cpu=sparc')
      const image = path.join(world.directory, `image-${line}`)
      fs.mkdirSync(image)
      // Somebody else will look into it.
      fs.chmodSync(world.directory, 0o755)
      const env = environment(world, image)
      const built = build(file, { context, image, env })
      const has = (/** @type {string} */ name) =>
        fs.existsSync(path.join(built.directory, 'node_modules', name))
      world.check(
        has('@kafkars') && !has('some-tool'),
        `${page}:${line}: builds, without what is for developers`
      )
      const { NODE_OPTIONS, ...clean } = world.env
      const container = start(built, clean)
      let said = ''
      for (const stream of [container.stdout, container.stderr]) {
        stream.on('data', data => (said += data))
      }
      const closed = once(container, 'close')
      const early = closed.then(() => Promise.reject(new Error(`CMD has ended: ${said}`)))
      await Promise.race([once(silent, 'connection'), early])
      early.catch(() => {})
      container.kill('SIGTERM')
      const [status, signal] = await closed
      world.check(
        status === 0 && signal === null,
        `${page}:${line}: ends by SIGTERM with ${status ?? signal}\n${said}`
      )
    }
  } finally {
    silent.close()
  }
  world.check(blocks.length > 0, `${blocks.length} Dockerfile`)
}

/** What that page tells to put into a .dockerignore. @param {string} page */
const ignoredBy = page => {
  const [, name] = /Put `([^`]+)` into `\.dockerignore`/.exec(textOf(page)) ?? []
  return name ? `${name}\n` : ''
}

/** @param {World} world */
const tryDocuments = async world => {
  shell(world)
  tarball(world)
  overrides(world)
  await dockerfiles(world)
}

module.exports = { tryDocuments }
