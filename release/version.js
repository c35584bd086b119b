// @ts-check
'use strict'

/** `npm version` has changed package.json: the crate gets the same version. */

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { ROOT, manifest } = require('./platforms')

const { version } = manifest()
for (const file of ['Cargo.toml', 'Cargo.lock']) {
  const name = path.join(ROOT, file)
  const before = fs.readFileSync(name, 'utf8')
  const after = before.replace(/(name = "kafkars"\nversion = ")[^"]*/, `$1${version}`)
  fs.writeFileSync(name, after)
  execFileSync('git', ['add', file], { cwd: ROOT })
}
