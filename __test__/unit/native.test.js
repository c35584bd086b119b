'use strict'

const { Kafka } = require('../..')

describe('without an addon', () => {
  beforeEach(() => {
    jest.resetModules()
    jest.doMock(
      '../../src/binding',
      () => {
        throw new Error('no such file')
      },
      { virtual: true }
    )
  })

  it('the package loads, and its first use says what is missing', async () => {
    const kafkars = require('../..')
    const consumer = new kafkars.Kafka({ brokers: ['b:1'] }).consumer({ groupId: 'g' })
    const error = await consumer.connect().catch(e => e)
    const binary =
      /^kafkars: the native addon for (\S+) \(Node ([\d.]+)\) could not be loaded; this package has binaries for ([\w, -]+)\. /
    const [, platform, node] = binary.exec(error.message)
    expect(platform).toMatch(new RegExp(`^${process.platform}-${process.arch}(-gnu|-musl)?$`))
    expect(node).toBe(process.versions.node)
    expect(error.message).toContain('npm run build')
    expect(error.cause.message).toBe('no such file')
    // Each registry of Jest has classes of its own.
    expect(kafkars.Kafka).not.toBe(Kafka)
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
