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
  cluster: ['protocol'],
  group: ['protocol', 'cluster'],
  offsets: ['protocol', 'cluster'],
  fetch: ['protocol', 'records', 'cluster'],
  consumer: ['protocol', 'cluster', 'group', 'offsets', 'fetch'],
  network: ['protocol', 'cluster'],
  runtime: ['protocol', 'records', 'cluster', 'fetch', 'consumer', 'network'],
  bridge: ['protocol', 'cluster', 'fetch', 'consumer', 'network', 'runtime']
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
  const known = [...code.matchAll(/\bcrate::(?:engine::)?([a-z_]+)/g)].map(match => match[1])
  const strangers = known.filter(other => other !== room && !MAY_KNOW[room].includes(other))
  const hidden = HIDDEN_EDGE.test(code) || (isRoot && HIDDEN_EDGE_OF_ROOT.test(code))
  return [...strangers, ...(hidden ? ['a hidden edge'] : [])]
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
    const rooms = fs
      .readdirSync(path.join(SRC, 'engine'), { withFileTypes: true })
      .filter(entry => entry.isDirectory() && entry.name !== 'testing')
      .map(entry => entry.name)
    expect(rooms.filter(room => !(room in MAY_KNOW))).toEqual([])
  })

  test('only the bridge is reached from JavaScript', () => {
    const files = fs
      .readdirSync(SRC, { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.js') && !file.startsWith('binding'))
    const loaders = files.filter(file =>
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

  test('the guard sees through what would hide an edge', () => {
    expect(violations('group', 'use crate::engine::fetch::Fetch;')).toEqual(['fetch'])
    expect(violations('group', 'use crate::engine::{fetch, group};')).toContain('a hidden edge')
    expect(violations('group', 'use super::super::fetch;')).toContain('a hidden edge')
    expect(violations('group', 'use super::fetch::Fetch;', true)).toContain('a hidden edge')
    expect(violations('records', 'fn f(x: crate::engine::consumer::Tag) {}')).toEqual(['consumer'])
    expect(
      violations('group', '// crate::engine::fetch\nuse crate::engine::cluster::Log;')
    ).toEqual([])
    expect(
      violations('group', '#[cfg(test)]\nmod tests {\n    use crate::engine::fetch::Fetch;\n}\n')
    ).toEqual([])
  })
})
