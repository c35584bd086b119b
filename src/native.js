'use strict'

/**
 * The native addon, described by `native.d.ts`. It is loaded when one of its classes is first used, so that requiring the
 * package never fails.
 */

const fs = require('node:fs')
const path = require('node:path')

const { helpUrl } = require('./help')

/** Of a checkout there are none: `napi pre-publish` writes them. @type {{ optionalDependencies?: Record<string, string> }} */
const { optionalDependencies = {} } = require('../package.json')

/** A bundler that takes the binary for a picture or a font has its name loaded. */
const NO_ADDON = 'there is something else in its place, as bundlers put it there'

let addon = null

/**
 * Linux's C library, as npm names it. `null`: unknown (Deno wants a permission for the report), or there is but one.
 * @returns {{ name: 'glibc' | 'musl', version?: string } | null}
 */
const libc = () => {
  if (process.platform !== 'linux') return null
  try {
    const { header } = /** @type {any} */ (process.report.getReport())
    const version = header.glibcVersionRuntime
    return version ? { name: 'glibc', version } : { name: 'musl' }
  } catch {
    return null
  }
}

/** What came of each attempt to load it, the first one first. */
const attempts = error => {
  const chain = []
  for (let at = error; at && !chain.includes(at); at = at.cause) chain.unshift(at)
  return chain
}

const notFound = error => error?.code === 'MODULE_NOT_FOUND'

/** Why the binary that is there does not load; if there is none, why it was not found where it was looked for first. */
const reasonOf = error => {
  const chain = attempts(error).filter(one => !/Cannot find native binding/.test(one?.message))
  const real = chain.find(one => !notFound(one)) ?? chain[0] ?? error
  return String(real?.message ?? real).split('\n')[0]
}

/** Names of platforms, as in `kafkars.linux-x64-gnu.node`. */
const namesOf = files => files.flatMap(file => /^kafkars\.(.*)\.node$/.exec(file)?.[1] ?? [])

/** @returns {string[]} the binaries beside the loader, as a checkout has them */
const builtHere = () => {
  const directory = path.join(__dirname, 'binding')
  return fs.existsSync(directory) ? namesOf(fs.readdirSync(directory)) : []
}

/** Of a package from a registry: that of this platform is not there, or there is none. */
const adviceOfPackage = (packages, here) => {
  const own = packages.filter(name => here.test(name))
  if (own.length === 0) {
    const names = packages.map(name => name.replace(/^.*binding-/, '')).join(', ')
    return (
      `There are binaries for ${names}. On another platform, build the package from its sources ("npm install && npm run ` +
      'build" in a checkout, then "npm pack") and install what that makes'
    )
  }
  return (
    `The binary is in the package ${own.map(name => `"${name}"`).join(' or ')}, which npm installs beside this one as an ` +
    'optional dependency. It is missing after "npm install --omit=optional" (or --no-optional), and when the lockfile or ' +
    'node_modules was made on another platform: install without that option, or remove node_modules and the lockfile and ' +
    'install again on this platform. In a bundle, leave kafkars out (it is "external")'
  )
}

/** What to do. */
const advice = error => {
  let built = []
  try {
    built = builtHere()
  } catch (e) {
    // Not for want of a binary: of file descriptors, for instance.
    return `Its directory cannot be read: ${e.message}`
  }
  const packages = Object.keys(optionalDependencies).filter(name => name.includes('/binding-'))
  const abi = { glibc: '-gnu', musl: '-musl' }[libc()?.name ?? ''] ?? '(-|$)'
  const here = new RegExp(`binding-${process.platform}-${process.arch}${abi}`)
  const real = attempts(error).find(one => !notFound(one))
  if (/GLIBC_\d|GLIBCXX_\d/.test(real?.message)) {
    const { name = 'its C library', version = '' } = libc() ?? {}
    return `The binary was built for a newer system, this one has ${name} ${version}: use a newer one, or build the package here`
  }
  if (packages.length > 0) return adviceOfPackage(packages, here)
  if (built.length > 0) {
    return (
      `This package has binaries for ${built.join(', ')}. On a platform without one, build the package from its sources ` +
      '("npm install && npm run build" in a checkout, then "npm pack") and install what that makes'
    )
  }
  return (
    'This package has binaries for no platform. In a checkout, make one with "npm run build"; of a bundle, leave this ' +
    'package out (it is "external"), or take its binary along'
  )
}

/** @throws {Error} when there is no addon for this platform; `cause` says what was tried */
const load = () => {
  if (addon === null) {
    try {
      const loaded = require('./binding')
      if (typeof loaded.NativeClient !== 'function') throw new Error(NO_ADDON)
      addon = loaded
    } catch (cause) {
      const { platform, arch, versions } = process
      const on = [platform, arch, libc()?.name].filter(Boolean).join('-')
      const error = new Error(
        `kafkars: the native addon for ${on} (Node ${versions.node}) could not be loaded: ` +
          `${reasonOf(cause)}. ${advice(cause)}`,
        { cause }
      )
      throw Object.assign(error, {
        code: 'KAFKARS_NO_ADDON',
        helpUrl: helpUrl('the-addon-is-missing')
      })
    }
  }
  return addon
}

module.exports = {
  get NativeClient() {
    return load().NativeClient
  },
  get NativeConsumer() {
    return load().NativeConsumer
  },
  get NativeProducer() {
    return load().NativeProducer
  },
  get NativeSiblings() {
    return load().NativeSiblings
  }
}
