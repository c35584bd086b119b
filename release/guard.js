// @ts-check
'use strict'

/**
 * Refuses to make a package that nobody could use.
 *
 *   pack      before `npm pack`: a package for others has no binary in it and depends on those of all platforms; one that is packed in
 *             a checkout, for a machine like this, has the binary that was built here
 *   publish   before `npm publish`: the package of each platform is in `npm/`, with its binary and of this version
 */

const fs = require('node:fs')
const path = require('node:path')
const { BINDING, ROOT, manifest, platforms } = require('./platforms')

/** @param {string} directory @returns {string[]} */
const binaries = directory =>
  fs.existsSync(directory) ? fs.readdirSync(directory).filter(file => file.endsWith('.node')) : []

/** What is wrong with packing this directory. @returns {string[]} */
const packing = () => {
  const problems = []
  if (!fs.existsSync(path.join(BINDING, 'index.js'))) {
    problems.push('src/binding/index.js is missing, which finds the binary: run "npm run build"')
  }
  const { optionalDependencies, version } = manifest()
  const built = binaries(BINDING)
  if (optionalDependencies === undefined) {
    if (built.length === 0) problems.push('there is no binary in src/binding: run "npm run build"')
    return problems
  }
  for (const platform of platforms()) {
    if (optionalDependencies[platform.package] !== version) {
      problems.push(`optionalDependencies has no ${platform.package} ${version}`)
    }
  }
  if (built.length > 0) {
    problems.push(
      `src/binding has ${built.join(', ')}: binaries belong into the platforms' packages`
    )
  }
  return problems
}

/** What is wrong with the packages of the platforms. @returns {string[]} */
const publishing = () => {
  const { version } = manifest()
  return platforms().flatMap(platform => {
    const directory = path.join(ROOT, 'npm', platform.name)
    const file = path.join(directory, 'package.json')
    if (!fs.existsSync(file)) return [`npm/${platform.name} is missing: run "npm run release:dirs"`]
    const own = JSON.parse(fs.readFileSync(file, 'utf8'))
    const problems = []
    if (own.version !== version) {
      problems.push(`npm/${platform.name} has version ${own.version}, this package ${version}`)
    }
    if (!fs.existsSync(path.join(directory, platform.file))) {
      problems.push(`npm/${platform.name}/${platform.file} is missing: no binary was built for it`)
    }
    return problems
  })
}

/** @param {string} what */
const main = what => {
  const problems = what === 'publish' ? publishing() : packing()
  if (problems.length > 0) {
    console.error(`kafkars cannot be ${what}ed:\n- ${problems.join('\n- ')}`)
    process.exitCode = 1
    return
  }
  if (what === 'pack' && manifest().optionalDependencies === undefined) {
    const list = binaries(BINDING).join(', ')
    console.error(
      `This package works on machines like this one only, it has ${list}: not to be published.`
    )
  }
}

if (require.main === module) main(process.argv[2])

module.exports = { packing, publishing }
