// @ts-check
'use strict'

/**
 * Groups that are on their way to the protocol of KIP-848: brokers let members of both protocols into one group, and
 * answer the classic ones, which are ours, otherwise than in a group of their own.
 */

const { startJavaConsumer } = require('../kafka/consumer')
const { committed, createTopic, produce, sharedCluster, uniqueName } = require('../kafka/helpers')
const {
  AssignerProtocol: { MemberMetadata },
  PartitionAssigners,
  createConsumer,
  numbered,
  startConsumer,
  upTo,
  waitFor
} = require('./support')

const PARTITIONS = 4

const java = /** @type {import('../kafka/consumer').JavaConsumer[]} */ ([])

afterEach(() => Promise.all(java.splice(0).map(consumer => consumer.kill())))

const startJava = async ({ config, ...options }) => {
  const consumer = await startJavaConsumer(sharedCluster().brokers, {
    ...options,
    config: options.share ? {} : { 'group.protocol': 'consumer', ...config }
  })
  java.push(consumer)
  return consumer
}

/** A topic of which every message has to be handled by somebody. */
const createLedger = async () => {
  const topic = await createTopic({ partitions: PARTITIONS })
  const handlers = /** @type {(() => (string | null)[])[]} */ ([])
  let written = 0
  return {
    topic,
    /** One message into each partition. */
    write: async () => {
      await produce(topic, numbered(PARTITIONS, { partitions: PARTITIONS, first: written }))
      written += PARTITIONS
    },
    /** Counts what these have handled. */
    follow: (/** @type {(() => (string | null)[])[]} */ ...more) => handlers.push(...more),
    settled: async () => {
      const seen = () => new Set(handlers.flatMap(values => values()))
      await waitFor(() => seen().size >= written)
      expect([...seen()].map(Number).sort((a, b) => a - b)).toEqual(upTo(written))
    },
    committed: async (/** @type {string} */ groupId) => {
      const all = Array(PARTITIONS).fill(String(written / PARTITIONS))
      await waitFor(async () => {
        const offsets = Object.values(await committed(groupId, topic))
        return offsets.join() === all.join()
      })
    }
  }
}

const valuesOf =
  ({ messages }) =>
  () =>
    messages.map(({ value }) => value)
const assignedTo = ({ seen }, topic) => seen.of('GROUP_JOIN').at(-1)?.memberAssignment[topic] ?? []
const countOf = (tests, topic) => tests.flatMap(test => assignedTo(test, topic)).length

/** Two of ours, which share the topic; the first one leads. */
const startTwo = async (ledger, options = [{}, {}]) => {
  const { topic } = ledger
  const groupId = uniqueName('group')
  const one = await startConsumer({ topics: [topic], groupId, ...options[0] })
  await waitFor(() => assignedTo(one, topic).length === PARTITIONS)
  const two = await startConsumer({ topics: [topic], groupId, ...options[1] })
  ledger.follow(valuesOf(one), valuesOf(two))
  return { groupId, tests: [one, two] }
}

/** Until it has got some of what is written. @param {any} ledger @param {import('../kafka/consumer').JavaConsumer} other */
const takePart = async (ledger, other) => {
  ledger.follow(() => other.values)
  await waitFor(async () => {
    await ledger.write()
    return other.values.length > 0
  })
  await ledger.settled()
}

const expectNoCrash = tests => {
  for (const { seen } of tests) expect(seen.of('CRASH')).toEqual([])
}

it.each([
  ['leaves', consumer => consumer.stop()],
  ['is killed', consumer => consumer.kill()]
])('a member of KIP-848 comes and %s, and the group goes on', async (_, end) => {
  const ledger = await createLedger()
  const { groupId, tests } = await startTwo(ledger)
  await ledger.write()
  await ledger.settled()

  const other = await startJava({ topic: ledger.topic, groupId })
  await takePart(ledger, other)
  expect(countOf(tests, ledger.topic)).toBeLessThan(PARTITIONS)

  await end(other)
  await waitFor(() => countOf(tests, ledger.topic) === PARTITIONS)
  await ledger.write()
  await ledger.settled()
  await ledger.committed(groupId)
  expectNoCrash(tests)
})

it('a group of KIP-848 takes ours in, their commits too', async () => {
  const ledger = await createLedger()
  const groupId = uniqueName('group')
  const other = await startJava({ topic: ledger.topic, groupId })
  await takePart(ledger, other)

  const run = { autoCommit: false }
  const ours = await startConsumer({ topics: [ledger.topic], groupId, run })
  ledger.follow(valuesOf(ours))
  await waitFor(() => assignedTo(ours, ledger.topic).length === PARTITIONS / 2)
  await ledger.write()
  await ledger.settled()
  const [partition] = assignedTo(ours, ledger.topic)
  await ours.consumer.commitOffsets([{ topic: ledger.topic, partition, offset: '1' }])
  expect((await committed(groupId, ledger.topic))[partition]).toBe('1')

  // The last one of KIP-848 goes: it is a group of ours.
  await other.stop()
  await waitFor(() => assignedTo(ours, ledger.topic).length === PARTITIONS)
  await ours.consumer.commitOffsets([{ topic: ledger.topic, partition, offset: '2' }])
  expect((await committed(groupId, ledger.topic))[partition]).toBe('2')
  expectNoCrash([ours])
})

it('a group that becomes one of KIP-848 while its leader assigns is joined again', async () => {
  const ledger = await createLedger()
  const groupId = uniqueName('group')
  let other
  const observer = createConsumer({ groupId })
  // What the coordinator tells classic clients of a group that is none of theirs.
  const isConverted = async () => (await observer.describeGroup()).state === 'Dead'
  const convert = async () => {
    other ??= await startJava({ topic: ledger.topic, groupId })
    await waitFor(isConverted)
  }
  const [first, second] = [assigner('first'), assigner('second', convert)]
  // Both have the second one in common.
  const { tests } = await startTwo(ledger, [
    { partitionAssigners: [first, second], groupId },
    { partitionAssigners: [second], groupId }
  ])
  ledger.follow(() => other?.values ?? [])
  await waitFor(async () => {
    await ledger.write()
    return other?.values.length > 0
  })
  await ledger.settled()
  expectNoCrash(tests)
})

it('a static member whose place one of KIP-848 takes crashes for good', async () => {
  const ledger = await createLedger()
  const groupId = uniqueName('group')
  const ours = await startConsumer({ topics: [ledger.topic], groupId, groupInstanceId: 'one' })
  ledger.follow(valuesOf(ours))
  await ledger.write()
  await ledger.settled()
  const config = { 'group.instance.id': 'one' }
  const other = await startJava({ topic: ledger.topic, groupId, config })
  await waitFor(() => ours.seen.of('CRASH').length > 0)
  expect(ours.seen.of('CRASH')).toMatchObject([
    { restart: false, error: { cause: { type: 'FENCED_INSTANCE_ID' } } }
  ])
  await ledger.write()
  await waitFor(() => other.values.length >= PARTITIONS)
})

it('a share group is not for us', async () => {
  const { topic, write } = await createLedger()
  const groupId = uniqueName('group')
  const other = await startJava({ topic, groupId, share: true })
  await waitFor(async () => {
    await write()
    return other.values.length > 0
  })
  const { seen } = await startConsumer({ topics: [topic], groupId })
  await waitFor(() => seen.of('CRASH').length > 0)
  expect(seen.of('CRASH')).toMatchObject([
    { restart: false, error: { type: 'INCONSISTENT_GROUP_PROTOCOL', retriable: false } }
  ])
})

/** Round robin by another name. `before` is awaited before it assigns. */
const assigner = (name, before) => options => {
  const roundRobin = PartitionAssigners.roundRobin(options)
  return {
    ...roundRobin,
    name,
    protocol: ({ topics }) => ({
      name,
      metadata: MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) })
    }),
    assign: async task => {
      await before?.()
      return roundRobin.assign(task)
    }
  }
}
