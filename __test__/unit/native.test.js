'use strict'

const fs = require('node:fs')
const { Kafka } = require('../..')
const { platforms } = require('../../release/platforms')

const { glibcVersionRuntime } = /** @type {any} */ (process.report.getReport()).header
const LIBC = { linux: glibcVersionRuntime ? 'glibc' : 'musl' }[process.platform] ?? null
/** As in the names of packages. */
const HERE = platforms().find(
  ({ os, cpu, libc }) => os === process.platform && cpu === process.arch && libc === LIBC
)?.name

const failWith = error => {
  jest.resetModules()
  const load = () => {
    throw error
  }
  jest.doMock('../../src/binding', load, { virtual: true })
}

describe('without an addon', () => {
  beforeEach(() => failWith(new Error('no such file')))
  afterEach(() => jest.dontMock('../../package.json'))

  it('the package loads, and its first use says what is missing', async () => {
    const kafkars = require('../..')
    const consumer = new kafkars.Kafka({ brokers: ['b:1'] }).consumer({ groupId: 'g' })
    const error = await consumer.connect().catch(e => e)
    const binary =
      /^kafkars: the native addon for (\S+) \(Node ([\d.]+)\) could not be loaded: no such file\. This package has binaries for ([\w, -]+)\. /
    const [, platform, node] = binary.exec(error.message)
    expect(platform).toMatch(new RegExp(`^${process.platform}-${process.arch}(-glibc|-musl)?$`))
    expect(node).toBe(process.versions.node)
    expect(error.message).toContain('npm run build')
    expect(error.cause.message).toBe('no such file')
    // Each registry of Jest has classes of its own.
    expect(kafkars.Kafka).not.toBe(Kafka)
  })

  it('the message says what was wrong with the binary, not with what was tried after it', () => {
    const binary = new Error('libc.so.6: version `GLIBC_2.34\u0027 not found\nRequire stack:\n- a')
    failWith(new Error('Cannot find native binding', { cause: new Error('b', { cause: binary }) }))
    expect(() => require('../../src/native').NativeClient).toThrow(
      /could not be loaded: libc\.so\.6: version `GLIBC_2\.34' not found\. The binary was built for a newer system/
    )
  })

  /** As `napi pre-publish` makes it. */
  const publish = list => {
    const names = list.map(name => [`@kafkars/binding-${name}`, '2.3.0'])
    const manifest = {
      ...jest.requireActual('../../package.json'),
      optionalDependencies: Object.fromEntries(names)
    }
    jest.doMock('../../package.json', () => manifest)
  }
  const missing = name =>
    Object.assign(new Error(`Cannot find module '${name}'\nRequire stack:`), {
      code: 'MODULE_NOT_FOUND'
    })

  it('where the package of this platform was left out, it is named, and why it may be', () => {
    failWith(missing('./kafkars.linux-x64-gnu.node'))
    publish([HERE, 'aix-ppc64'])
    let error = null
    try {
      require('../../src/native').NativeClient
    } catch (e) {
      error = e
    }
    expect(error.message).toContain(`The binary is in the package "@kafkars/binding-${HERE}", `)
    expect(error.message).toContain('npm install --omit=optional')
    expect(error.message).toContain('lockfile or node_modules was made on another platform')
    expect(error).toMatchObject({ code: 'KAFKARS_NO_ADDON' })
    expect(error.helpUrl).toMatch(/troubleshooting\.md#the-addon-is-missing$/)
  })

  it('where there is no package for this platform, those that there are are named', () => {
    failWith(missing('./kafkars.aix-ppc64.node'))
    publish(['aix-ppc64', 'sunos-x64'])
    expect(() => require('../../src/native').NativeClient).toThrow(
      'There are binaries for aix-ppc64, sunos-x64. On another platform, build the package from its sources'
    )
  })

  it('what keeps the binary from loading is said, and not where else one was looked for', () => {
    const broken = Object.assign(new Error('invalid ELF header'), { code: 'ERR_DLOPEN_FAILED' })
    const before = Object.assign(missing('./kafkars.linux-x64-gnu.node'))
    broken.cause = before
    failWith(
      new Error('Cannot find native binding. npm has a bug', {
        cause: Object.assign(missing('b'), { cause: broken })
      })
    )
    expect(() => require('../../src/native').NativeClient).toThrow(
      /could not be loaded: invalid ELF header\./
    )
  })

  it('where there is no binary at all, it is a checkout, or a bundle', () => {
    failWith(new Error('no such file'))
    const exists = jest.spyOn(fs, 'existsSync').mockReturnValue(false)
    try {
      expect(() => require('../../src/native').NativeClient).toThrow(
        /has binaries for no platform\. In a checkout, .* of a bundle, leave this package out/
      )
    } finally {
      exists.mockRestore()
    }
  })

  it('where a bundler has the name of a file loaded in its place, that is said', () => {
    jest.resetModules()
    jest.doMock('../../src/binding', () => ({ default: './kafkars-2VZJ.node' }), { virtual: true })
    publish([HERE])
    expect(() => require('../../src/native').NativeSiblings).toThrow(
      /could not be loaded: there is something else in its place.* In a bundle, leave kafkars out/
    )
  })

  it('the message does not need the report of the process, for which Deno wants a permission', () => {
    failWith(new Error('loading addons is disabled'))
    const denied = () => {
      throw new Error('Requires sys access')
    }
    const report = jest.spyOn(process.report, 'getReport').mockImplementation(denied)
    try {
      expect(() => require('../../src/native').NativeClient).toThrow(
        /^kafkars: the native addon for \w+-\w+ .* could not be loaded: loading addons is disabled\. /
      )
    } finally {
      report.mockRestore()
    }
  })
})

it('an addon is loaded once, when a class of it is used', () => {
  jest.resetModules()
  const load = jest.fn(() => ({ NativeClient: class {}, NativeConsumer: class {} }))
  jest.doMock('../../src/binding', load, { virtual: true })
  const native = require('../../src/native')
  expect(load).not.toHaveBeenCalled()
  expect(native.NativeClient).toBe(native.NativeClient)
  expect(native.NativeConsumer.name).toBe('NativeConsumer')
  expect(load).toHaveBeenCalledTimes(1)
})
