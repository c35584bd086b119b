// @ts-check
'use strict'

/**
 * `npm run release:notices` writes THIRD-PARTY-NOTICES.md: the licences of all that is linked into the binaries, on any platform. With `npm`
 * as an argument, it goes into the packages of the platforms as well.
 * `unit/notices.test.js` fails when one is missing, or is not allowed by deny.toml.
 */

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { ROOT, platforms } = require('./platforms')

const FILE = path.join(ROOT, 'THIRD-PARTY-NOTICES.md')

/** A crate that builds and links a library in C: a build dependency, which is part of the binary nevertheless. */
const VENDORED = ['openssl-src']

/** @typedef {{ id: string, name: string, version: string, license: string | null, repository: string | null, manifest_path: string, targets: { kind: string[] }[] }} Crate */

/** What is linked, by name. Nothing is fetched: `cargo build` has done so. @returns {Crate[]} */
const linked = () => {
  const options = { cwd: ROOT, encoding: /** @type {const} */ ('utf8'), maxBuffer: 1 << 28 }
  const text = execFileSync('cargo', ['metadata', '--format-version', '1', '--locked'], options)
  const { packages, resolve } = JSON.parse(text)
  const crates = new Map(packages.map((/** @type {Crate} */ crate) => [crate.id, crate]))
  const nodes = new Map(resolve.nodes.map((/** @type {any} */ node) => [node.id, node]))
  const seen = new Set([resolve.root])
  for (const id of seen) {
    for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) {
      const crate = crates.get(pkg)
      const normal = kinds.some((/** @type {any} */ { kind }) => kind === null)
      // A macro is no part of the binary.
      const macro = crate.targets.some((/** @type {any} */ { kind }) => kind.includes('proc-macro'))
      if ((normal && !macro) || VENDORED.includes(crate.name)) seen.add(pkg)
    }
  }
  seen.delete(resolve.root)
  return [...seen]
    .map(id => crates.get(id))
    .sort((a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version))
}

/** Of the crate, and of the C sources in it. @param {Crate} crate @returns {string[]} files */
const licencesOf = crate => {
  const directory = path.dirname(crate.manifest_path)
  const places = [directory, ...['openssl', 'zstd', 'zlib'].map(name => path.join(directory, name))]
  return places
    .filter(place => fs.existsSync(place))
    .flatMap(place =>
      fs
        .readdirSync(place)
        .filter(file => /^(licen[cs]e|copying|notice|copyright|unlicense)/i.test(file))
        .map(file => path.join(place, file))
        .filter(file => fs.statSync(file).isFile())
    )
}

const notices = () => {
  /** Crates of one text stand together. @type {Map<string, string[]>} */
  const texts = new Map()
  const list = []
  for (const crate of linked()) {
    const { name, version, license, repository } = crate
    list.push(`| ${name} | ${version} | ${license ?? 'see below'} | ${repository ?? ''} |`)
    for (const file of licencesOf(crate)) {
      const text = fs.readFileSync(file, 'utf8').trim().replaceAll('\r\n', '\n')
      texts.set(text, [...(texts.get(text) ?? []), `${name} ${version}`])
    }
  }
  const sections = [...texts].map(([text, names]) => {
    const fence = text.includes('```') ? '````' : '```'
    return `## ${names.join(', ')}\n\n${fence}text\n${text}\n${fence}\n`
  })
  return `# Third-party notices

The binaries of kafkars contain these crates, and the OpenSSL and zstd that two of them build. Below are their licences, as far as a crate
brings the text along.

| crate | version | licence | source |
|---|---|---|---|
${list.join('\n')}

${sections.join('\n')}`
}

/** A package with nothing but a binary has the licences of what is in it, by the name that npm always takes along. */
const writeToPlatforms = () => {
  const own = fs.readFileSync(path.join(ROOT, 'LICENSE'), 'utf8')
  for (const { name } of platforms()) {
    const text = `${own}\n${fs.readFileSync(FILE, 'utf8')}`
    fs.writeFileSync(path.join(ROOT, 'npm', name, 'LICENSE'), text)
  }
}

if (require.main === module) {
  if (process.argv[2] === 'npm') writeToPlatforms()
  else fs.writeFileSync(FILE, notices())
}

module.exports = { FILE, linked, licencesOf, notices }
