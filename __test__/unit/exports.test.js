'use strict'

const kafkajs = require('kafkajs')
const kafkars = require('../..')

describe('the package', () => {
  it('exports the names of kafkajs and no other', () => {
    expect(Object.keys(kafkars).sort()).toEqual(Object.keys(kafkajs).sort())
    expect(Object.keys(kafkars)).toHaveLength(44)
    expect(kafkars).not.toHaveProperty('__esModule')
  })

  it('has the numbers of kafkajs in every enum', () => {
    const enums = Object.keys(kafkajs).filter(
      name => typeof kafkajs[name] === 'object' && name !== 'CompressionCodecs'
    )
    const numbers = enums.filter(name => Object.values(kafkajs[name]).every(Number.isInteger))
    expect(numbers).toHaveLength(8)
    for (const name of numbers) expect(kafkars[name]).toEqual(kafkajs[name])
  })

  it('accepts codecs', () => {
    const { CompressionCodecs, CompressionTypes } = kafkars
    expect(Object.keys(CompressionCodecs)).toEqual(Object.keys(kafkajs.CompressionCodecs))
    expect(() => CompressionCodecs[CompressionTypes.LZ4]()).toThrow(kafkars.KafkaJSNotImplemented)
    const codec = () => ({})
    CompressionCodecs[CompressionTypes.LZ4] = codec
    expect(CompressionCodecs[CompressionTypes.LZ4]).toBe(codec)
  })

  it('lists every name for import', () => {
    const source = require('node:fs').readFileSync(require.resolve('../../index.mjs'), 'utf8')
    const [, list] = /\{([^}]+)\}/.exec(source)
    expect(
      list
        .split(',')
        .map(name => name.trim())
        .sort()
    ).toEqual(Object.keys(kafkars).sort())
  })

  it('is found where instrumentations look', () => {
    const Client = require('../../src')
    expect(kafkars.Kafka).toBe(Client)
    expect(Client.name).toBe('Client')
    expect(typeof require('../../src/consumer')).toBe('function')
    for (const method of ['consumer', 'producer', 'admin', 'logger']) {
      const { writable, configurable } = Object.getOwnPropertyDescriptor(Client.prototype, method)
      expect({ writable, configurable }).toEqual({ writable: true, configurable: true })
    }
  })
})
