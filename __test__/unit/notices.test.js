'use strict'

/** What is linked into the binaries is named with its licence, and each licence is one that deny.toml allows. */

const fs = require('node:fs')
const path = require('node:path')
const { FILE, linked } = require('../../release/notices')

const ROOT = path.join(__dirname, '..', '..')
const [, list] = /allow = \[([^\]]*)\]/.exec(fs.readFileSync(path.join(ROOT, 'deny.toml'), 'utf8'))
const ALLOWED = [...list.matchAll(/"([^"]+)"/g)].map(([, name]) => name)

/** An expression of SPDX; an exception only adds rights. */
const isAllowed = license => {
  const text = license.replaceAll('/', ' OR ').replace(/ WITH [\w.-]+/g, '')
  const words = text.match(/\(|\)|[\w.+-]+/g)
  let at = 0
  const one = () => {
    const word = words[at++]
    if (word !== '(') return ALLOWED.includes(word)
    const inner = any()
    at++
    return inner
  }
  const all = () => {
    let allowed = one()
    while (words[at] === 'AND') {
      at++
      allowed = one() && allowed
    }
    return allowed
  }
  const any = () => {
    let allowed = all()
    while (words[at] === 'OR') {
      at++
      allowed = all() || allowed
    }
    return allowed
  }
  return any()
}

const crates = linked()

test('every crate that is linked is in THIRD-PARTY-NOTICES.md, and nothing else', () => {
  const rows = fs.readFileSync(FILE, 'utf8').matchAll(/^\| (\S+) \| (\d\S*) \| /gm)
  const named = [...rows].map(([, name, version]) => `${name} ${version}`)
  // "npm run release:notices" writes it.
  expect(named).toEqual(crates.map(({ name, version }) => `${name} ${version}`))
  expect(named.join('\n')).toMatch(/^openssl-src /m)
})

test('every licence is allowed', () => {
  const refused = crates.filter(({ license }) => !license || !isAllowed(license))
  expect(refused.map(({ name, license }) => `${name}: ${license}`)).toEqual([])
})

test('an expression is allowed when one of its choices is, as a whole', () => {
  expect(isAllowed('GPL-3.0 OR (MIT AND Zlib)')).toBe(true)
  expect(isAllowed('MIT AND GPL-3.0')).toBe(false)
  expect(isAllowed('Apache-2.0 WITH LLVM-exception')).toBe(true)
  expect(isAllowed('GPL-3.0/MIT')).toBe(true)
})
