'use strict'

const fs = require('node:fs')
const { Kafka } = require('../..')

const failWith = error => {
  jest.resetModules()
  const load = () => {
    throw error
  }
  jest.doMock('../../src/binding', load, { virtual: true })
}

describe('without an addon', () => {
  beforeEach(() => failWith(new Error('no such file')))

  it('the package loads, and its first use says what is missing', async () => {
    const kafkars = require('../..')
    const consumer = new kafkars.Kafka({ brokers: ['b:1'] }).consumer({ groupId: 'g' })
    const error = await consumer.connect().catch(e => e)
    const binary =
      /^kafkars: the native addon for (\S+) \(Node ([\d.]+)\) could not be loaded: no such file\. This package has binaries for ([\w, -]+)\. /
    const [, platform, node] = binary.exec(error.message)
    expect(platform).toMatch(new RegExp(`^${process.platform}-${process.arch}(-gnu|-musl)?$`))
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
      /could not be loaded: libc\.so\.6: version `GLIBC_2\.34' not found\. This package/
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
