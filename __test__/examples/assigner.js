'use strict'

/**
 * A group of unequal machines: each member says how strong it is, and the leader gives out partitions accordingly.
 *
 *     member  ── metadata: topics, userData { capacity } ──►  leader
 *     leader  ── assignment: partitions per member ──►  every member
 *
 * Both members run in this one process, to be looked at; they would run on two machines.
 *
 *     KAFKA_BROKERS=localhost:9092 TOPIC=frames node assigner.js
 *
 * Shows: `partitionAssigners`, `AssignerProtocol`, a fallback to `PartitionAssigners.roundRobin`, `describeGroup`, and
 * what a member of another make would need to know to join: the wire name and the user data.
 */

const { setTimeout: sleep } = require('node:timers/promises')

const { AssignerProtocol, Kafka, PartitionAssigners, logLevel } = require('../../index.js')
const { fetchLogEnd } = require('./log-end')

const { MemberAssignment, MemberMetadata } = AssignerProtocol
const { KAFKA_BROKERS = 'localhost:9092', TOPIC = 'frames', GROUP_ID = 'renderers' } = process.env

const brokers = KAFKA_BROKERS.split(',')
const NAME = 'CapacityAssigner'
const VERSION = 1

/**
 * @param {number} capacity of the member that this assigner is made for
 * @returns {import('../..').PartitionAssigner}
 */
const capacityAssigner =
  capacity =>
  ({ cluster }) => ({
    name: NAME,
    version: VERSION,

    /** What this member tells the leader about itself. */
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: MemberMetadata.encode({
        version: VERSION,
        topics,
        userData: Buffer.from(JSON.stringify({ capacity }))
      })
    }),

    /** Runs in the leader alone. */
    assign: async ({ members, topics }) => {
      const team = members.map(({ memberId, memberMetadata }) => ({
        memberId,
        capacity: capacityOf(memberMetadata),
        /** @type {Record<string, number[]>} */
        assignment: {},
        load: 0
      }))
      // Everybody computes the same for the same team, whatever order the broker lists it in.
      team.sort((a, b) => b.capacity - a.capacity || a.memberId.localeCompare(b.memberId))

      for (const topic of topics) {
        for (const { partitionId } of partitionsOf(cluster, topic)) {
          const idlest = team.reduce((best, member) =>
            (member.load + 1) / member.capacity < (best.load + 1) / best.capacity ? member : best
          )
          idlest.load += 1
          idlest.assignment[topic] = [...(idlest.assignment[topic] ?? []), partitionId]
        }
      }
      return team.map(({ memberId, assignment }) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: VERSION,
          assignment,
          userData: Buffer.alloc(0)
        })
      }))
    }
  })

/**
 * @param {import('../..').Cluster} cluster
 * @param {string} topic
 */
const partitionsOf = (cluster, topic) =>
  [...cluster.findTopicPartitionMetadata(topic)].sort((a, b) => a.partitionId - b.partitionId)

/** @param {Buffer} metadata */
const capacityOf = metadata => {
  const decoded = MemberMetadata.decode(metadata)
  if (!decoded || decoded.userData.length === 0) return 1
  return JSON.parse(String(decoded.userData)).capacity
}

/**
 * @param {string} name
 * @param {number} capacity
 * @param {(partition: number, offset: bigint) => void} onMessage
 */
const startMember = async (name, capacity, onMessage) => {
  const kafka = new Kafka({ clientId: name, brokers, logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({
    groupId: GROUP_ID,
    maxWaitTimeInMs: 200,
    heartbeatInterval: 200,
    partitionAssigners: [capacityAssigner(capacity), PartitionAssigners.roundRobin]
  })
  const member = {
    name,
    consumer,
    partitions: /** @type {number[]} */ ([]),
    protocol: '',
    handled: 0
  }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    member.partitions = [...(payload.memberAssignment[TOPIC] ?? [])].sort((a, b) => a - b)
    member.protocol = payload.groupProtocol ?? ''
  })
  await consumer.connect()
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      member.handled += 1
      onMessage(partition, BigInt(message.offset) + 1n)
    }
  })
  return member
}

const main = async () => {
  const end = await fetchLogEnd(brokers, TOPIC)
  /** @type {Map<number, bigint>} */
  const next = new Map()
  const seen = (/** @type {number} */ partition, /** @type {bigint} */ offset) =>
    next.set(partition, offset)
  const members = [await startMember('strong', 3, seen), await startMember('weak', 1, seen)]

  const settled = () =>
    members.every(({ partitions }) => partitions.length > 0) &&
    members.flatMap(({ partitions }) => partitions).length === end.size
  const caughtUp = () =>
    [...end].every(([partition, offset]) => (next.get(partition) ?? 0n) >= offset)
  while (!settled() || !caughtUp()) await sleep(50)

  const group = await members[0].consumer.describeGroup()
  const result = {
    protocol: group.protocol,
    joinedWith: [...new Set(members.map(({ protocol }) => protocol))],
    partitions: Object.fromEntries(members.map(({ name, partitions }) => [name, partitions])),
    offsets: Object.fromEntries([...next].sort(([a], [b]) => a - b).map(([p, o]) => [p, String(o)]))
  }
  await Promise.all(members.map(({ consumer }) => consumer.disconnect()))
  return result
}

main().then(
  result => console.log(JSON.stringify(result)),
  error => {
    console.error(error)
    process.exit(1)
  }
)
