'use strict'

const fs = require('node:fs')
const { dirname, join, posix, sep } = require('node:path')
const kafkajs = require('kafkajs')
const kafkars = require('../..')

const ROOT = join(__dirname, '..', '..')

/** Not in kafkajs. */
const ADDED = ['AlterConfigOperations', 'ScramMechanisms', 'KafkaJSDeserializationError']

const thrownBy = call => {
  try {
    call()
  } catch (error) {
    return error
  }
}

/** The ways to name a file where a package has no `exports`: whole, without its suffix, by its folder. */
const spellings = file => [
  file,
  file.replace(/\.js$/, ''),
  ...(file.endsWith('/index.js') ? [dirname(file)] : [])
]

describe('the package', () => {
  it('exports the names of kafkajs, and few others', () => {
    expect(Object.keys(kafkars).sort()).toEqual([...Object.keys(kafkajs), ...ADDED].sort())
    expect(Object.keys(kafkars)).toHaveLength(44 + ADDED.length)
    expect(kafkars).not.toHaveProperty('__esModule')
  })

  it('has a class to those who look at its source, as New Relic does, who else calls it without new', () => {
    class Other extends kafkars.Kafka {}
    const sourceOf = Function.prototype.toString
    for (const { Kafka } of [kafkajs, kafkars]) expect(sourceOf.call(Kafka)).toMatch(/^class /)
    expect(Object.keys(kafkars.Kafka)).toEqual(Object.keys(kafkajs.Kafka))
    expect(new Other({ brokers: ['a:1'] })).toBeInstanceOf(kafkars.Kafka)
    expect(() => kafkars.Kafka({})).toThrow(
      "Class constructor Kafka cannot be invoked without 'new'"
    )
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
    const read = path => fs.readFileSync(require.resolve(path), 'utf8')
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

  it('has the codec of kafkajs', async () => {
    const gzip = CompressionTypes => kafkajs.CompressionCodecs[CompressionTypes.GZIP]()
    const [theirs, ours] = [gzip(kafkajs.CompressionTypes), kafkars.CompressionCodecs[1]()]
    const buffer = Buffer.from('abc'.repeat(50))
    const compressed = await ours.compress({ buffer })
    expect(compressed).toEqual(await theirs.compress({ buffer }))
    expect(await ours.decompress(compressed)).toEqual(buffer)
  })

  it('accepts codecs', () => {
    const { CompressionCodecs, CompressionTypes } = kafkars
    expect(Object.keys(CompressionCodecs)).toEqual(Object.keys(kafkajs.CompressionCodecs))
    for (const type of ['Snappy', 'LZ4', 'ZSTD'].map(name => CompressionTypes[name])) {
      const { message } = thrownBy(kafkajs.CompressionCodecs[type])
      expect(thrownBy(CompressionCodecs[type]).message).toContain(message)
      expect(CompressionCodecs[type]).toThrow(kafkars.KafkaJSNotImplemented)
    }
    const codec = () => ({})
    CompressionCodecs[CompressionTypes.LZ4] = codec
    expect(CompressionCodecs[CompressionTypes.LZ4]).toBe(codec)
  })

  it('is found by every path by which kafkajs is', () => {
    const theirs = dirname(require.resolve('kafkajs/package.json'))
    const shared = fs
      .readdirSync(join(theirs, 'src'), { recursive: true })
      .map(name => posix.join('src', ...String(name).split(sep)))
      .filter(file => file.endsWith('.js') && fs.existsSync(join(ROOT, file)))
    expect(shared.length).toBeGreaterThan(20)
    for (const file of ['index.js', ...shared]) {
      for (const spelling of spellings(file)) {
        expect(require.resolve(`kafkars/${spelling}`)).toBe(join(ROOT, file))
      }
    }
  })

  it('has what programs reach for in kafkajs', async () => {
    const both = file => [require(`kafkajs/src/${file}`), require(`../../src/${file}`)]
    const [theirs, ours] = both('protocol/message/compression')
    expect(ours.Types).toEqual(theirs.Types)
    expect(ours.Codecs).toBe(kafkars.CompressionCodecs)
    for (const partitioner of ['default', 'legacy']) {
      const [their, our] = both(`producer/partitioners/${partitioner}/murmur2`)
      for (const key of ['', 'a', 'key', Buffer.from('other key'), 17]) {
        expect(our(key)).toBe(their(key))
      }
    }
    for (const waitFor of both('utils/waitFor')) {
      expect(await waitFor(waited => waited >= 2 && 'enough', { delay: 1 })).toBe('enough')
      const never = () => false
      await expect(waitFor(never, { delay: 1, maxWait: 5 })).rejects.toMatchObject({
        name: 'KafkaJSTimeout',
        message: 'Timeout'
      })
      await expect(
        waitFor(() => {
          throw new Error('broken')
        })
      ).rejects.toThrow('broken')
    }
    for (const { prototype } of both('network/requestQueue')) {
      expect(typeof prototype.scheduleCheckPendingRequests).toBe('function')
    }
  })

  it('lists every name for import', () => {
    const source = fs.readFileSync(require.resolve('../../index.mjs'), 'utf8')
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
