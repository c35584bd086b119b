'use strict'

const { randomBytes } = require('node:crypto')
const oracle = require('kafkajs').Partitioners
const partitioners = require('../../src/producer/partitioners')

const partitionMetadata = Array.from({ length: 97 }, (_, i) => ({ partitionId: i, leader: 1 }))

describe.each(['DefaultPartitioner', 'LegacyPartitioner', 'JavaCompatiblePartitioner'])(
  '%s',
  name => {
    const topic = 't'
    const [ours, theirs] = [partitioners[name](), oracle[name]()]

    it('sends keys where kafkajs sends them', () => {
      const keys = ['', 'a', 'key', '€', 'x'.repeat(1000), Buffer.from([255, 254, 128, 0, 1])]
      for (let length = 0; length < 40; length++) keys.push(randomBytes(length))
      for (const key of keys) {
        const args = { topic, partitionMetadata, message: { key } }
        expect([key, ours(args)]).toEqual([key, theirs(args)])
      }
    })

    it('obeys the message', () => {
      expect(ours({ topic, partitionMetadata, message: { partition: 3, key: 'a' } })).toBe(3)
    })

    it('takes turns among partitions that have a leader', () => {
      const some = partitionMetadata
        .slice(0, 4)
        .map(p => ({ ...p, leader: p.partitionId % 2 ? 1 : -1 }))
      const turn = () => ours({ topic, partitionMetadata: some, message: {} })
      expect(new Set([turn(), turn(), turn()])).toEqual(new Set([1, 3]))
    })
  }
)
