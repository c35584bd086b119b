'use strict'

const oracleProtocol = require('kafkajs/src/consumer/assignerProtocol')
const oracleRoundRobin = require('kafkajs/src/consumer/assigners/roundRobinAssigner')
const protocol = require('../../src/consumer/assignerProtocol')
const { roundRobin } = require('../../src/consumer/assigners')
const { checkAssigner } = require('../../src/consumer/assigners/resolve')

const { MemberMetadata, MemberAssignment } = protocol

describe('AssignerProtocol', () => {
  it.each([
    { version: 0, topics: [] },
    { version: 0, topics: ['a', 'tópico'] },
    { version: 3, topics: ['a'], userData: Buffer.from('data') },
    { version: 1, topics: ['a'], userData: null }
  ])('speaks the bytes of kafkajs: metadata %j', metadata => {
    const bytes = oracleProtocol.MemberMetadata.encode(metadata)
    expect(MemberMetadata.encode(metadata).equals(bytes)).toBe(true)
    expect(MemberMetadata.decode(bytes)).toEqual(oracleProtocol.MemberMetadata.decode(bytes))
  })

  it.each([
    { version: 0, assignment: {} },
    { version: 0, assignment: { a: [0, 2, 4], b: [], 'c-ü': [2147483647] } },
    { version: 1, assignment: { a: [1] }, userData: Buffer.from([0, 255]) }
  ])('speaks the bytes of kafkajs: assignment %j', assignment => {
    const bytes = oracleProtocol.MemberAssignment.encode(assignment)
    expect(MemberAssignment.encode(assignment).equals(bytes)).toBe(true)
    expect(MemberAssignment.decode(bytes)).toEqual(oracleProtocol.MemberAssignment.decode(bytes))
  })

  it('reads an empty assignment as null', () => {
    expect(MemberAssignment.decode(Buffer.alloc(0))).toBe(null)
  })

  it('ignores what later versions append', () => {
    const bytes = MemberMetadata.encode({ version: 1, topics: ['a'] })
    const longer = Buffer.concat([bytes, Buffer.from([0, 0, 0, 0])])
    expect(MemberMetadata.decode(longer).topics).toEqual(['a'])
  })

  it('throws on bytes that end too early, and never loops on a large count', () => {
    const bytes = MemberMetadata.encode({
      version: 0,
      topics: ['topic'],
      userData: Buffer.alloc(9)
    })
    for (let end = 0; end < bytes.length; end++) {
      expect(() => MemberMetadata.decode(bytes.subarray(0, end))).toThrow(/buffer|range/)
    }
    expect(() => MemberMetadata.decode(Buffer.from('00007fffffff', 'hex'))).toThrow(/buffer|range/)
  })
})

const createCluster = partitions => ({
  findTopicPartitionMetadata: topic =>
    Array.from({ length: partitions[topic] ?? 0 }, (_, partitionId) => ({ partitionId }))
})

const member = (memberId, topics) => ({
  memberId,
  memberMetadata: MemberMetadata.encode({ version: 0, topics })
})

const assign = async (createAssigner, cluster, group) => {
  const assignments = await createAssigner({ cluster, groupId: 'g' }).assign(group)
  return Object.fromEntries(
    assignments.map(({ memberId, memberAssignment }) => [
      memberId,
      MemberAssignment.decode(memberAssignment).assignment
    ])
  )
}

describe('roundRobin', () => {
  it('has the name, version and protocol of kafkajs', () => {
    const ours = roundRobin({ cluster: {} })
    const theirs = oracleRoundRobin({ cluster: {} })
    expect([ours.name, ours.version]).toEqual([theirs.name, theirs.version])
    const topics = ['b', 'a']
    const [mine, other] = [ours.protocol({ topics }), theirs.protocol({ topics })]
    expect(mine.name).toBe(other.name)
    expect(mine.metadata.equals(other.metadata)).toBe(true)
  })

  it('assigns what kafkajs assigns when all subscribe alike', async () => {
    const partitions = { b: 5, a: 3, constructor: 2, empty: 0 }
    const topics = Object.keys(partitions)
    for (let count = 1; count <= 12; count++) {
      // Not in the order of the ids.
      const members = Array.from({ length: count }, (_, i) => member(`m-${(i * 7) % 12}`, topics))
      const cluster = createCluster(partitions)
      const group = { members, topics }
      const ours = await assign(roundRobin, cluster, group)
      expect(ours).toEqual(await assign(oracleRoundRobin, cluster, group))
    }
  })

  it('gives every partition to exactly one member, one that subscribed to its topic', async () => {
    const partitions = { a: 4, b: 5, c: 1 }
    const subscriptions = { m1: ['a'], m2: ['b', 'a'], m3: ['c', 'b'], m4: ['a', 'b'] }
    const members = Object.entries(subscriptions).map(([id, topics]) => member(id, topics))
    const cluster = createCluster(partitions)
    const result = await assign(roundRobin, cluster, { members, topics: ['a'] })

    const assigned = []
    for (const [id, topics] of Object.entries(result)) {
      for (const [topic, list] of Object.entries(topics)) {
        expect(subscriptions[id]).toContain(topic)
        assigned.push(...list.map(partition => `${topic}-${partition}`))
      }
    }
    const all = Object.entries(partitions).flatMap(([topic, count]) =>
      Array.from({ length: count }, (_, i) => `${topic}-${i}`)
    )
    expect(assigned.sort()).toEqual(all.sort())
  })

  it.each(['', '{}', '{"load":0.5}'])(
    'takes a member whose metadata says nothing (%j) to subscribe like the leader',
    async metadata => {
      const group = {
        members: [{ memberId: 'm', memberMetadata: Buffer.from(metadata) }],
        topics: ['a']
      }
      const cluster = createCluster({ a: 2 })
      const result = await assign(roundRobin, cluster, group)
      expect(result).toEqual({ m: { a: [0, 1] } })
      expect(result).toEqual(await assign(oracleRoundRobin, cluster, group))
    }
  )
})

it('an assigner may be a class with static methods', () => {
  class Own {
    static version = 1
    static protocol() {}
    static assign() {}
  }
  expect(checkAssigner(/** @type {any} */ (Own))).toBe(Own)
})
