'use strict'

jest.mock('../../src/native', () => ({ NativeSiblings: class {} }))
const { MemberAssignment, MemberMetadata } = require('../../src/consumer/assignerProtocol')
const { roundRobin } = require('../../src/consumer/assigners')
const { Assignment } = require('../../src/consumer/assignment')
const InstrumentationEventEmitter = require('../../src/instrumentation/emitter')
const support = require('./support')
const native = require('../../src/native')
const Cluster = require('../../src/cluster')
const { kafkaOptions } = require('../../src/config')

/** What the engine shows of these topics, by their partition counts. */
const shown = partitions => ({
  clusterId: 'c',
  controllerId: 1,
  brokers: [{ nodeId: 1, host: 'b1', port: 9092, rack: null }],
  topics: Object.entries(partitions).map(([name, count]) => support.createTopic(name, count))
})

const member = (memberId, topics) => ({
  memberId,
  groupInstanceId: null,
  memberMetadata: MemberMetadata.encode({ version: 0, topics })
})

/** The leader of a group; `assign` is its assigner's, round robin by default. */
const lead = async ({ assign, rebalanceProtocol, metadata, members = [member('m', ['t'])] }) => {
  const world = support.createWorld()
  native.NativeClient = support.createNativeClient(world)
  const { root } = support.createLogger()
  const emitter = new InstrumentationEventEmitter()
  const cluster = new Cluster({
    config: kafkaOptions({ brokers: ['b1:9092'] }),
    logger: root,
    emitter,
    metadataMaxAge: 300000,
    allowAutoTopicCreation: true,
    maxInFlightRequests: null,
    readCommitted: true
  })
  const standard = roundRobin({ cluster: /** @type {any} */ (cluster), groupId: 'g', logger: root })
  const assigner = assign
    ? { ...standard, rebalanceProtocol, assign: group => assign(cluster, group, standard) }
    : standard
  const completeAssign = jest.fn()
  const questions = new Assignment({
    engine: { completeAssign },
    cluster,
    assigners: [assigner],
    consumerGroup: { topics: new Map([['t', { fromBeginning: true }]]) }
  })
  const event = { type: 'assign', job: 7, protocol: 'RoundRobinAssigner', members, metadata }
  await questions.assign(event)
  expect(completeAssign).toHaveBeenCalledTimes(1)
  const [job, error, assignments, seen] = completeAssign.mock.calls[0]
  expect(job).toBe(7)
  const byTopic = list =>
    Object.fromEntries(list.map(({ topic, partitions }) => [topic, partitions]))
  const given = assignments.map(({ memberId, assignment }) => [
    memberId,
    { ...MemberAssignment.decode(assignment).assignment }
  ])
  return {
    error,
    given: Object.fromEntries(given),
    seen: byTopic(seen),
    requests: world.metadataRequests,
    watchers: cluster.brokerPool.answerWatchers.size
  }
}

describe('the leader assigns', () => {
  it('by what the engine has read, all members topics, and asks nobody else', async () => {
    const members = [member('m1', ['t']), member('m2', ['t', 'o', 'missing'])]
    const { given, seen, requests } = await lead({ metadata: shown({ t: 2, o: 2 }), members })
    expect(given).toEqual({ m1: { t: [0] }, m2: { t: [1], o: [0, 1] } })
    expect(seen).toEqual({ t: [0, 1], o: [0, 1] })
    expect(requests).toEqual([])
  })

  it('by what members own, if its assigner is cooperative', async () => {
    const told = async (rebalanceProtocol, rest) => {
      let seen
      const memberMetadata = Buffer.concat([member('m', ['t']).memberMetadata, rest])
      const assign = (_cluster, group, standard) => {
        seen = group.members[0]
        return standard.assign(group)
      }
      const members = [{ memberId: 'm', groupInstanceId: null, memberMetadata }]
      await lead({ metadata: shown({ t: 2 }), assign, rebalanceProtocol, members })
      return seen
    }
    // One topic, "t", of which 1 and 0; generation 7.
    const owned = Buffer.from('00000001000174000000020000000100000000' + '00000007', 'hex')
    expect(await told('cooperative', owned)).toMatchObject({
      ownedPartitions: { t: [1, 0] },
      generationId: 7
    })
    for (const none of [Buffer.alloc(0), owned.subarray(0, 9)]) {
      const { ownedPartitions, generationId } = await told('cooperative', none)
      expect([Object.keys(ownedPartitions), generationId]).toEqual([[], -1])
    }
    expect(Object.keys(await told('eager', owned))).toEqual(Object.keys(member('m', [])))
  })

  it('by what its assigner has been told where that is less, whatever it asks with', async () => {
    // The world's brokers know three partitions of `t` and one of `u`.
    const ways = [
      cluster => cluster.metadata({ topics: ['t'] }),
      cluster => cluster.metadata(),
      cluster => cluster.addMultipleTargetTopics(['t']),
      async cluster => (await cluster.findControllerBroker()).metadata(['t'])
    ]
    for (const ask of ways) {
      const { seen, error, watchers } = await lead({
        metadata: shown({ t: 5 }),
        assign: async (cluster, group, standard) => {
          await ask(cluster)
          return standard.assign(group)
        }
      })
      expect(error).toBe(null)
      expect(seen.t).toEqual([0, 1, 2])
      expect(watchers).toBe(0)
    }
  })

  it('and an answer that has more is no sight of it', async () => {
    const { seen } = await lead({
      metadata: shown({ t: 2 }),
      assign: async (cluster, group, standard) => {
        await cluster.metadata({ topics: ['t', 'u'] })
        return standard.assign(group)
      }
    })
    expect(seen).toEqual({ t: [0, 1], u: [0] })
  })

  it('and is not watched any more when its assigner fails', async () => {
    const { error, watchers, seen } = await lead({
      metadata: shown({ t: 2 }),
      assign: async () => {
        throw new Error('mistake')
      }
    })
    expect([error, watchers, seen]).toEqual(['mistake', 0, {}])
  })
})

it.each([
  [undefined, ''],
  ['a text', 'a text'],
  [Buffer.from('bytes'), 'bytes']
])('a member offers the metadata of its assigner (%p), as in kafkajs', async (metadata, bytes) => {
  const completeProtocols = jest.fn()
  const questions = new Assignment({
    engine: { completeProtocols },
    cluster: /** @type {any} */ ({}),
    assigners: [{ name: 'mine', protocol: () => ({ name: 'mine', metadata }), assign() {} }],
    consumerGroup: { topics: new Map([['t', { fromBeginning: true }]]) }
  })
  await questions.offerProtocols({ job: 7, topics: ['t'] })
  const offer = { name: 'mine', metadata: Buffer.from(bytes) }
  expect(completeProtocols.mock.calls).toEqual([[7, null, [offer]]])
})
