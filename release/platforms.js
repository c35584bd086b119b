// @ts-check
'use strict'

/** The platforms that there are packages for: those of `napi.targets` in package.json, by the names of npm. */

const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..')
const BINDING = path.join(ROOT, 'src', 'binding')

/** @returns {any} package.json as it is now: `napi pre-publish` writes to it */
const manifest = () => JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'))

/** By the first and the last part of a target of Rust. @type {Record<string, string>} */
const CPUS = { x86_64: 'x64', aarch64: 'arm64' }
/** @type {Record<string, string>} */
const SYSTEMS = { apple: 'darwin', pc: 'win32', unknown: 'linux' }

/**
 * @typedef {object} Platform
 * @property {string} target of Rust
 * @property {string} name as in the names of the package and the binary
 * @property {string} os as npm has it
 * @property {string} cpu
 * @property {string | null} libc 'glibc' or 'musl'
 * @property {string} package
 * @property {string} file
 */

/** @returns {Platform[]} */
const platforms = () => {
  const { napi } = manifest()
  return napi.targets.map((/** @type {string} */ target) => {
    const [arch, vendor, , abi] = target.split('-')
    const os = SYSTEMS[vendor]
    const cpu = CPUS[arch]
    const name = [os, cpu, abi].filter(Boolean).join('-')
    const libc = { gnu: 'glibc', musl: 'musl' }[abi] ?? null
    const file = `${napi.binaryName}.${name}.node`
    return { target, name, os, cpu, libc, package: `${napi.packageName}-${name}`, file }
  })
}

module.exports = { BINDING, ROOT, manifest, platforms }
