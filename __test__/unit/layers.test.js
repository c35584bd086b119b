'use strict'

/**
 * The law of the rooms: which may know which. ARCHITECTURE.md links here. The other two guards are the feature ladder
 * (`cargo check --no-default-features`) and clippy's `disallowed-methods`.
 */

const fs = require('node:fs')
const path = require('node:path')

const SRC = path.join(__dirname, '../../src')

const MAY_KNOW = {
  protocol: [],
  records: ['protocol'],
  machine: ['protocol'],
  cluster: ['protocol', 'machine'],
  group: ['protocol', 'machine'],
  offsets: ['protocol', 'machine', 'cluster'],
  delivery: ['protocol', 'records', 'machine'],
  fetch: ['protocol', 'records', 'machine', 'cluster', 'delivery'],
  produce: ['protocol', 'records', 'machine', 'cluster'],
  // What ends messages ends transactions, in the same words.
  transaction: ['protocol', 'machine', 'produce'],
  // The clients do not know each other.
  'clients/admin': ['protocol', 'machine', 'cluster'],
  'clients/consumer': ['protocol', 'machine', 'cluster', 'group', 'offsets', 'delivery', 'fetch'],
  'clients/producer': ['protocol', 'records', 'machine', 'cluster', 'produce', 'transaction'],
  network: ['protocol', 'machine'],
  runtime: [
    'protocol',
    'records',
    'machine',
    'delivery',
    'clients/admin',
    'clients/consumer',
    'clients/producer',
    'network'
  ],
  bridge: [
    'protocol',
    'machine',
    'group',
    'delivery',
    'fetch',
    'clients/admin',
    'clients/consumer',
    'clients/producer',
    'network',
    'runtime'
  ]
}

/** The same of JavaScript, folders and single files, types apart. `../package.json` is nobody's. */
const MAY_REQUIRE = {
  'index.js': [
    'consumer',
    'producer',
    'admin',
    'cluster',
    'config',
    'instrumentation',
    'errors',
    'loggers',
    'unknown'
  ],
  consumer: [
    'config',
    'instrumentation',
    'network',
    'errors',
    'loggers',
    'native',
    'protocol',
    'retry',
    'unknown',
    'utils'
  ],
  // The command line stands on the whole client, as a program does.
  cli: ['index.js', 'loggers', 'utils'],
  admin: [
    'enums',
    'instrumentation',
    'network',
    'errors',
    'help',
    'limits',
    'protocol',
    'retry',
    'unknown',
    'utils'
  ],
  cluster: ['errors', 'network', 'loggers', 'native', 'protocol', 'retry', 'sasl', 'tls', 'utils'],
  producer: [
    'config',
    'enums',
    'instrumentation',
    'network',
    'errors',
    'help',
    'loggers',
    'native',
    'retry',
    'unknown',
    'utils'
  ],
  config: ['errors', 'help', 'limits', 'loggers', 'tls', 'unknown', 'utils'],
  limits: ['loggers', 'utils'],
  sasl: ['errors', 'help', 'unknown', 'utils'],
  tls: ['errors', 'utils'],
  retry: ['errors', 'utils'],
  // The folders of kafkajs: what connections tell has its names beside the connections, `eventType` its place beside the emitter.
  instrumentation: ['network', 'errors', 'utils'],
  network: ['instrumentation'],
  enums: ['protocol'],
  prometheus: [],
  foreign: [],
  unknown: ['foreign', 'limits', 'utils'],
  utils: ['errors', 'help'],
  loggers: ['help', 'utils'],
  help: [],
  // kafkajs keeps the codes and the function that makes errors of them in one folder, and programs look for them there.
  errors: ['help', 'protocol'],
  protocol: ['errors'],
  native: ['binding', 'help']
}

/** Brace imports and `super::super` would hide an edge from this test; in the root of a room `super` is what is around it. */
const HIDDEN_EDGE = /\bcrate::\{|\bcrate::engine::\{|\bsuper::super\b/
const HIDDEN_EDGE_OF_ROOT = /\bsuper::/

const rustFiles = folder =>
  fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.rs') && !/(^|\/)tests(\.rs$|\/)/.test(file))
    .map(file => path.join(folder, file))

/** The code without its comments and its tests. */
const codeOf = text =>
  text
    .split(/^\s*#\[cfg\(test\)\]\s*\n\s*(?:#\[.*\]\s*\n\s*)*mod tests? \{/m)[0]
    .replace(/\/\/.*$/gm, '')

/** @returns {string[]} what breaks the law */
const violations = (room, text, isRoot = false) => {
  const code = codeOf(text)
  const known = [...code.matchAll(/\bcrate::(?:engine::)?((?:clients::)?[a-z_]+)/g)].map(match =>
    match[1].replace('::', '/')
  )
  const strangers = known.filter(other => other !== room && !MAY_KNOW[room].includes(other))
  const hidden = HIDDEN_EDGE.test(code) || (isRoot && HIDDEN_EDGE_OF_ROOT.test(code))
  return [...strangers, ...(hidden ? ['a hidden edge'] : [])]
}

const jsFiles = () =>
  fs
    .readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.js') && !file.startsWith('binding'))
    .map(file => file.split(path.sep).join('/'))

/** `consumer/lane.js` lies in `consumer`, `retry.js` is `retry`. @param {string} file */
const jsRoomOf = file =>
  file === 'index.js' ? file : file.includes('/') ? file.split('/')[0] : file.replace('.js', '')

/** @returns {string[]} what breaks the law */
const jsViolations = (file, text) => {
  const code = text.replace(/\/\*[^]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const required = [...code.matchAll(/\brequire\(['"](\.[^'"]*)['"]\)/g)].map(([, to]) =>
    path.posix.join(path.posix.dirname(file), to)
  )
  const rooms = required.filter(to => to !== '../package.json').map(to => to.split('/')[0])
  const room = jsRoomOf(file)
  return rooms.filter(other => other !== room && !MAY_REQUIRE[room]?.includes(other))
}

describe('layers', () => {
  for (const room of Object.keys(MAY_KNOW)) {
    const folder = path.join(SRC, room === 'bridge' ? 'bridge' : `engine/${room}`)

    test(`${room} knows only ${MAY_KNOW[room].join(', ') || 'itself'}`, () => {
      const files = rustFiles(folder)
      expect(files.length).toBeGreaterThan(0)
      const found = files.flatMap(file =>
        violations(room, fs.readFileSync(file, 'utf8'), file === path.join(folder, 'mod.rs')).map(
          what => `${path.relative(SRC, file)}: ${what}`
        )
      )
      expect(found).toEqual([])
    })
  }

  test('every room of the engine is in the table', () => {
    const foldersIn = folder =>
      fs
        .readdirSync(path.join(SRC, folder), { withFileTypes: true })
        .filter(entry => entry.isDirectory())
        .map(entry => entry.name)
    const rooms = foldersIn('engine').filter(name => !['testing', 'clients'].includes(name))
    rooms.push(...foldersIn('engine/clients').map(name => `clients/${name}`))
    expect(rooms.filter(room => !(room in MAY_KNOW))).toEqual([])
  })

  for (const room of new Set(jsFiles().map(jsRoomOf))) {
    test(`JavaScript: ${room} requires only ${MAY_REQUIRE[room]?.join(', ') || 'itself'}`, () => {
      const found = jsFiles()
        .filter(file => jsRoomOf(file) === room)
        .flatMap(file => {
          const text = fs.readFileSync(path.join(SRC, file), 'utf8')
          return jsViolations(file, text).map(what => `${file}: ${what}`)
        })
      expect(found).toEqual([])
    })
  }

  test('only the bridge is reached from JavaScript', () => {
    const loaders = jsFiles().filter(file =>
      /require\(['"]\.{1,2}\/binding['"]\)/.test(fs.readFileSync(path.join(SRC, file), 'utf8'))
    )
    expect(loaders).toEqual(['native.js'])
  })

  test('a panic does not unwind into JavaScript', () => {
    const exported = rustFiles(path.join(SRC, 'bridge')).flatMap(file => [
      ...fs.readFileSync(file, 'utf8').matchAll(/#\[napi([^\]]*)\]\s+pub fn (\w+)/g)
    ])
    expect(exported.length).toBeGreaterThan(20)
    const careless = exported.filter(([, options]) => !options.includes('catch_unwind'))
    expect(careless.map(([, , name]) => name)).toEqual([])
  })

  // Each law is broken once: a table that the guard does not look at would let everything pass.
  test('every edge that is not in the tables is found', () => {
    const rooms = Object.keys(MAY_KNOW)
    const use = room => `use crate::engine::${room.replace('/', '::')}::Thing;`
    for (const room of rooms) {
      for (const other of rooms.filter(name => name !== room && name !== 'bridge')) {
        const found = MAY_KNOW[room].includes(other) ? [] : [other]
        expect([room, other, violations(room, use(other))]).toEqual([room, other, found])
      }
    }
    const jsRooms = Object.keys(MAY_REQUIRE)
    for (const room of jsRooms) {
      const file = room.endsWith('.js') ? room : `${room}/index.js`
      const here = room.endsWith('.js') ? './' : '../'
      for (const other of jsRooms.filter(name => name !== room && name !== 'index.js')) {
        const found = MAY_REQUIRE[room].includes(other) ? [] : [other]
        const code = `const thing = require('${here}${other}')`
        expect([room, other, jsViolations(file, code)]).toEqual([room, other, found])
      }
    }
  })

  test('the guard sees through what would hide an edge', () => {
    expect(violations('group', 'use crate::engine::fetch::Fetch;')).toEqual(['fetch'])
    expect(violations('group', 'use crate::engine::{fetch, group};')).toContain('a hidden edge')
    expect(violations('group', 'use super::super::fetch;')).toContain('a hidden edge')
    expect(violations('group', 'use super::fetch::Fetch;', true)).toContain('a hidden edge')
    expect(violations('records', 'fn f(x: crate::engine::clients::consumer::Tag) {}')).toEqual([
      'clients/consumer'
    ])
    expect(jsViolations('admin/index.js', "require('../consumer/runner')")).toEqual(['consumer'])
    expect(jsViolations('utils/long.js', "const a = require('../native')")).toEqual(['native'])
    expect(jsViolations('tls/index.js', "// require('../native')")).toEqual([])
    expect(
      violations('group', '// crate::engine::fetch\nuse crate::engine::machine::Log;')
    ).toEqual([])
    expect(
      violations('group', '#[cfg(test)]\nmod tests {\n    use crate::engine::fetch::Fetch;\n}\n')
    ).toEqual([])
  })
})
