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
    expect(error.message).toContain(`${process.platform}-${process.arch}`)
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
