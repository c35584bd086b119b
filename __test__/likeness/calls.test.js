// @ts-check
'use strict'

/**
 * Random calls of kafkajs and of kafkars, side by side: whatever a program can see of them is the same, or a row of DIFFERENCES.md. And
 * kafkars hangs nowhere, changes no argument, throws no error of Node's that it did not mean, and logs no error that kafkajs does not.
 */

const fs = require('node:fs')
const path = require('node:path')
const { SOAK } = require('../ci/soak')
const { observer, sharedCluster, uniqueName, waitFor } = require('../kafka/helpers')
const kafkajs = require('kafkajs')
const kafkars = require('../..')
const { adminProgram } = require('./calls/adminPrograms')
const { LISTED, isBroken, isListed, mayHaveWrittenMore } = require('./calls/listed')
const { producerProgram, transactionProgram } = require('./calls/programs')
const { differencesOf, seen } = require('./calls/seen')
const { FAMILY, World } = require('./calls/world')

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'

const { LIKENESS_FIRST = 1, LIKENESS_SEEDS } = process.env
const FIRST = Number(LIKENESS_FIRST)

const { brokers } = sharedCluster()
const theirAdmin = observer().admin()
const ourKafka = new kafkars.Kafka({ brokers, logLevel: 0, connectionTimeout: 20_000 })
const ourAdmin = ourKafka.admin()

const rejections = /** @type {any[]} */ ([])
/** kafkajs leaves some of its own. */
const hear = (/** @type {any} */ error) => {
  if (!String(error?.stack).includes('node_modules')) rejections.push(error)
}

beforeAll(async () => {
  process.on('unhandledRejection', hear)
  await theirAdmin.connect()
  // kafkajs does not wait until there are coordinators.
  const producer = ourKafka.producer({ transactionalId: uniqueName('likeness') })
  await producer.connect()
  await (await producer.transaction()).abort()
  await producer.disconnect()
  await ourAdmin.fetchOffsets({ groupId: uniqueName('likeness') })
})

afterAll(async () => {
  process.off('unhandledRejection', hear)
  await Promise.all([theirAdmin.disconnect(), ourAdmin.disconnect()])
})

/** What programs begin with. @param {string[]} prefixes */
const prepare = async prefixes => {
  const topics = prefixes.flatMap(prefix => [
    { topic: `${prefix}one`, numPartitions: 1 },
    { topic: `${prefix}three`, numPartitions: 3 }
  ])
  await theirAdmin.createTopics({ topics, waitForLeaders: false, timeout: 60_000 })
  for (const { topic } of topics) {
    await waitFor(() => theirAdmin.fetchTopicOffsets(topic).catch(() => null))
  }
}

/** Records and offsets, for an admin client. @param {string[]} prefixes */
const fill = async prefixes => {
  const producer = ourKafka.producer()
  await producer.connect()
  const at = (/** @type {number} */ timestamp) => ({ value: 'x', timestamp: `${timestamp}` })
  for (const prefix of prefixes) {
    const three = [0, 0, 1, 2].map(partition => ({ ...at(1_700_000_000_000), partition }))
    await producer.sendBatch({
      topicMessages: [
        { topic: `${prefix}one`, messages: [0, 1, 2].map(n => at(1_699_999_999_999 + n)) },
        { topic: `${prefix}three`, messages: three }
      ]
    })
    const offsets = ['1', '-1', '-2'].map((offset, partition) => ({ partition, offset }))
    const groupId = `${prefix}group`
    await ourAdmin.setOffsets({ groupId, topic: `${prefix}one`, partitions: [offsets[0]] })
    await ourAdmin.setOffsets({ groupId, topic: `${prefix}three`, partitions: offsets })
  }
  await producer.disconnect()
}

const LAST = 'the last one'

/** Everything that its topics have, of open transactions, too. @param {World} world */
const recordsOf = async ({ name }) => {
  const places = [
    { topic: name('one'), partition: 0 },
    ...[0, 1, 2].map(partition => ({ topic: name('three'), partition }))
  ]
  const producer = ourKafka.producer()
  await producer.connect()
  await producer.sendBatch({
    topicMessages: places.map(({ topic, partition }) => ({
      topic,
      messages: [{ value: LAST, partition }]
    }))
  })
  await producer.disconnect()
  const consumer = ourKafka.consumer({ readUncommitted: true })
  const records = /** @type {any[]} */ ([])
  let ended = 0
  await consumer.assign(places.map(place => ({ ...place, offset: '0' })))
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, partition, message }) => {
      const { key, value, headers, timestamp } = message
      if (String(value) === LAST) ended += 1
      const isNow = Math.abs(Number(timestamp) - Date.now()) < 600_000
      records.push({ topic, partition, key, value, headers, timestamp: isNow ? '' : timestamp })
    }
  })
  await waitFor(() => ended === places.length, {
    timeout: 20_000,
    message: `the end of ${name('')}`
  })
  await consumer.disconnect()
  return records
}

/** What a program leaves behind, in an order. @param {World} world @param {string} client */
const leftBy = async (world, client) => {
  const left = client === 'admin' ? await topicsOf(world.prefix) : await recordsOf(world)
  return left.map(one => JSON.stringify(seen(one, world.anonymous))).sort()
}

/** Of kafkars alone. @param {import('./calls/world').Outcome} outcome @param {import('./calls/world').Outcome} theirs */
const faultsOf = ({ how, error, changed, lines }, theirs) => [
  ...(how === 'hangs' ? ['it hangs'] : []),
  ...(isOurs(error) ? [`it is an error of Node's: ${error.stack}`] : []),
  ...changed.map(arg => `it has changed an argument, which is ${arg} now`),
  ...(theirs.how === how && theirs.lines.length === 0
    ? lines.map(line => `it has logged: ${line}`)
    : [])
]

/** Where Node's error is the one that is meant, it leads to help. @param {any} error */
const isOurs = error =>
  ['TypeError', 'RangeError', 'SyntaxError', 'ReferenceError'].includes(error?.name) &&
  error.helpUrl === undefined

/** Where offsets differ because one of both has written more. @param {any} value @returns {any} */
const withoutOffsets = value =>
  Array.isArray(value)
    ? value.map(row => (row?.baseOffset === undefined ? row : { ...row, baseOffset: '' }))
    : value

const GOES_ON = /^(send|fetch|list|describe)/

/**
 * @param {(seed: number) => import('./calls/programs').Program} create
 * @param {number} seed
 * @returns {Promise<string[]>} what is neither the same nor listed
 */
const compare = async (create, seed) => {
  const run = uniqueName(`${FAMILY}${seed}`)
  const prefixes = { kafkajs: `${run}-j-`, kafkars: `${run}-r-` }
  const both = Object.values(prefixes)
  await prepare(both)
  const program = create(seed)
  if (program.client === 'admin') await fill(both)
  const worlds = {
    kafkajs: new World(kafkajs, { prefix: prefixes.kafkajs, brokers, program: create(seed) }),
    kafkars: new World(kafkars, { prefix: prefixes.kafkars, brokers, program: create(seed) })
  }
  const found = /** @type {string[]} */ ([])
  let areAlike = true
  for (const step of program.steps) {
    const [theirs, ours] = await Promise.all(
      [worlds.kafkajs, worlds.kafkars].map(world => world.perform(step))
    )
    const told = faultsOf(ours, theirs)
    if (!isBroken(theirs)) {
      const [a, b] = [theirs, ours].map(({ how, value, events }) => ({
        how,
        value: areAlike ? value : withoutOffsets(value),
        events: events.filter(event => !event.includes('.network.'))
      }))
      const differences = differencesOf(a, b)
      if (differences.length > 0) {
        areAlike = false
        if (!isListed({ step, kafkajs: theirs, kafkars: ours })) told.push(...differences)
      }
      if (mayHaveWrittenMore({ step, kafkajs: theirs, kafkars: ours })) areAlike = false
    }
    found.push(...told.map(text => `seed ${seed}: ${step.text}\n    ${text}`))
    // Behind a change that only one of both has made they differ.
    areAlike &&= !isBroken(theirs)
    if (isBroken(theirs) || (theirs.how !== ours.how && !GOES_ON.test(step.method))) break
  }
  await Promise.all(Object.values(worlds).map(({ client }) => client.disconnect()))
  if (areAlike && found.length === 0) {
    const left = Object.values(worlds).map(world => leftBy(world, program.client))
    const [theirs, ours] = await Promise.all(left)
    found.push(...differencesOf(theirs, ours).map(text => `seed ${seed}: what is left${text}`))
  }
  await theirAdmin.deleteTopics({ topics: (await Promise.all(both.map(topicsOf))).flat() })
  return found
}

/** @param {string} prefix */
const topicsOf = async prefix => (await theirAdmin.listTopics()).filter(t => t.startsWith(prefix))

test('what is listed is a row of DIFFERENCES.md', () => {
  const text = fs.readFileSync(path.join(__dirname, '../../DIFFERENCES.md'), 'utf8')
  for (const [row] of LISTED) expect(text).toContain(`\n| ${row} | `)
})

test.each(
  /** @type {const} */ ([
    ['a producer', producerProgram, 15],
    ['transactions', transactionProgram, 6],
    ['an admin client', adminProgram, 12]
  ])
)(
  '%s',
  async (_, create, few) => {
    const found = /** @type {string[]} */ ([])
    const end = FIRST + Number(LIKENESS_SEEDS ?? (SOAK ? 10 * few : few))
    for (let seed = FIRST; seed < end; seed++) found.push(...(await compare(create, seed)))
    expect(found).toEqual([])
    expect(rejections).toEqual([])
  },
  1_200_000
)
