// @ts-check
'use strict'

/**
 * Publishes this checkout to a registry on loopback as a release is: a package without binaries, and one for each platform. That of this
 * machine has its binary; those of the others have the right name, system and processor, and a text instead of a binary.
 */

const fs = require('node:fs')
const path = require('node:path')
const { BINDING, ROOT, platforms } = require('../../release/platforms')

/** @typedef {(cwd: string, command: string, ...args: string[]) => string} Run */

/**
 * @param {string} directory
 * @param {{ run: Run, here: import('../../release/platforms').Platform, npmrc: string }} options
 */
const publish = (directory, { run, here, npmrc }) => {
  run(ROOT, 'npm', 'pack', '--loglevel', 'error', '--pack-destination', directory)
  const [tarball] = fs.readdirSync(directory).filter(name => name.endsWith('.tgz'))
  run(directory, 'tar', 'xzf', tarball)
  const main = path.join(directory, 'package')
  run(main, process.execPath, path.join(ROOT, 'node_modules', '.bin', 'napi'), 'create-npm-dirs')

  for (const platform of platforms()) {
    const own = path.join(main, 'npm', platform.name)
    const built = path.join(BINDING, platform.file)
    if (platform === here || platform.name === here.name) {
      fs.copyFileSync(built, path.join(own, platform.file))
    } else {
      fs.writeFileSync(path.join(own, platform.file), `no binary for ${platform.name}\n`)
    }
    fs.writeFileSync(path.join(own, '.npmrc'), npmrc)
    run(own, 'npm', 'publish', '--loglevel', 'error')
  }

  // What `napi pre-publish` does, and a machine that has built nothing.
  const file = path.join(main, 'package.json')
  const manifest = JSON.parse(fs.readFileSync(file, 'utf8'))
  manifest.optionalDependencies = Object.fromEntries(
    platforms().map(platform => [platform.package, manifest.version])
  )
  // Those of a checkout.
  delete manifest.scripts
  fs.writeFileSync(file, JSON.stringify(manifest, null, 2))
  fs.rmSync(path.join(main, 'npm'), { recursive: true })
  for (const name of fs.readdirSync(path.join(main, 'src', 'binding'))) {
    if (name.endsWith('.node')) fs.rmSync(path.join(main, 'src', 'binding', name))
  }
  fs.writeFileSync(path.join(main, '.npmrc'), npmrc)
  run(main, 'npm', 'publish', '--loglevel', 'error')
}

module.exports = { publish }
