'use strict'

const kafkajs = require('kafkajs')
const kafkars = require('../..')

/** Not in kafkajs. */
const ADDED = ['AlterConfigOperations', 'ScramMechanisms', 'KafkaJSDeserializationError']

describe('the package', () => {
  it('exports the names of kafkajs, and few others', () => {
    expect(Object.keys(kafkars).sort()).toEqual([...Object.keys(kafkajs), ...ADDED].sort())
    expect(Object.keys(kafkars)).toHaveLength(44 + ADDED.length)
    expect(kafkars).not.toHaveProperty('__esModule')
  })

  it('has everything inside of them', () => {
    for (const name of ['AssignerProtocol', 'Partitioners']) {
      expect(Object.keys(kafkars[name]).sort()).toEqual(Object.keys(kafkajs[name]).sort())
    }
    const { range, sticky, cooperativeSticky, ...theirs } = kafkars.PartitionAssigners
    expect(Object.keys(theirs)).toEqual(Object.keys(kafkajs.PartitionAssigners))
    expect([range, sticky, cooperativeSticky]).toEqual(['range', 'sticky', 'cooperative-sticky'])
    const { MemberMetadata, MemberAssignment } = kafkars.AssignerProtocol
    for (const codec of [MemberMetadata, MemberAssignment]) {
      expect(Object.keys(codec).sort()).toEqual(['decode', 'encode'])
    }
  })

  it('has every type of kafkajs, and a check of it', () => {
    const read = path => require('node:fs').readFileSync(require.resolve(path), 'utf8')
    const declared =
      /^export (?:declare )?(?:abstract )?(?:type|interface|class|const|enum) (?:enum )?(\w+)/gm
    const names = new Set(
      [...read('kafkajs/types/index.d.ts').matchAll(declared)].map(([, name]) => name)
    )
    expect(names.size).toBe(166)
    const checks = read('../types/assignable.ts')
    expect([...names].filter(name => !checks.includes(`kafkajs.${name}`))).toEqual([])
  })

  it('asks of a config no more than kafkajs does', () => {
    for (const { Kafka } of [kafkajs, kafkars]) {
      expect(() => new Kafka()).toThrow(TypeError)
      expect(() => new Kafka({})).not.toThrow()
      expect(() => new Kafka({ brokers: 7, brokerz: [], logLevel: 0 })).not.toThrow()
    }
  })

  it('has the numbers of kafkajs in every enum', () => {
    const enums = Object.keys(kafkajs).filter(
      name => typeof kafkajs[name] === 'object' && name !== 'CompressionCodecs'
    )
    const numbers = enums.filter(name => Object.values(kafkajs[name]).every(Number.isInteger))
    expect(numbers).toHaveLength(8)
    for (const name of numbers) expect(kafkars[name]).toMatchObject(kafkajs[name])
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
