'use strict'

/**
 * The native addon, described by `native.d.ts`. It is loaded when one of its classes is first used, so that requiring the
 * package never fails.
 */

const fs = require('node:fs')
const path = require('node:path')

let addon = null

/** As in the names of the binaries, which on Linux are for one C library. */
const thisPlatform = () => {
  const { platform, arch, report } = process
  if (platform !== 'linux') return `${platform}-${arch}`
  try {
    const { header } = /** @type {any} */ (report.getReport())
    return `${platform}-${arch}-${header.glibcVersionRuntime ? 'gnu' : 'musl'}`
  } catch {
    // Deno wants a permission for the report.
    return `${platform}-${arch}`
  }
}

/** What came of the binary beside the loader, which it tries first; behind that come packages that do not exist. */
const reasonOf = error => {
  let first = error
  while (first?.cause) first = first.cause
  return String(first?.message ?? first).split('\n')[0]
}

/** What there are binaries for, and what to do: there are none in a checkout before the build, and beside a bundle. */
const advice = () => {
  const directory = path.join(__dirname, 'binding')
  let files = []
  try {
    files = fs.existsSync(directory) ? fs.readdirSync(directory) : []
  } catch (error) {
    // Not for want of a binary: of file descriptors, for instance.
    return `Its directory cannot be read: ${error.message}`
  }
  const names = files.flatMap(file => /^kafkars\.(.*)\.node$/.exec(file)?.[1] ?? [])
  if (names.length === 0) {
    return (
      'This package has binaries for no platform. In a checkout, make one with "npm run build"; of a bundle, leave this ' +
      'package out (it is "external"), or take its binary along'
    )
  }
  return (
    `This package has binaries for ${names.join(', ')}. On a platform without one, build the package from its sources ` +
    '("npm install && npm run build" in a checkout, then "npm pack") and install what that makes'
  )
}

/** @throws {Error} when there is no addon for this platform; `cause` says what was tried */
const load = () => {
  if (addon === null) {
    try {
      addon = require('./binding')
    } catch (cause) {
      throw new Error(
        `kafkars: the native addon for ${thisPlatform()} (Node ${process.versions.node}) could not be loaded: ` +
          `${reasonOf(cause)}. ${advice()}`,
        { cause }
      )
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
  }
}
