'use strict'

/**
 * `npm run demo`: 300,000 orders in four codecs, a cooperative group that grows and shrinks while it reads them, and a proof
 * that nothing was lost. `CLIENT=kafkajs npm run demo` shows the same program on kafkajs, whose groups stop at each change;
 * `npm run demo -- --pull` members that ask for their orders.
 *
 *   build.js   the addon                       ledger.js  what has been read
 *   orders.js  the orders                      screen.js  what you see
 *   write.js   how they get into the topic     proof.js   what must hold in the end
 *   member.js  a consumer of the group
 */

const { setTimeout: sleep } = require('node:timers/promises')

const { sharedCluster } = require('../../kafka/shared')
const { optionsOf } = require('../../usage')
const { Ledger } = require('./ledger')
const { startMember } = require('./member')
const { prove } = require('./proof')
const { buildAddon } = require('./build')
const { Screen, grouped } = require('./screen')
const { writeOrders } = require('./write')

const ORDERS = 300_000
const PARTITIONS = 6
const { CLIENT = 'kafkars' } = process.env
const USAGE = `npm run demo [-- --pull]

  --pull          members that ask for their orders
  CLIENT=kafkajs  the same program on kafkajs`
const PULL = Boolean(optionsOf(USAGE, { pull: { type: 'boolean' } }).pull)
/** kafkajs writes and reads the others only with packages that it does not bring. */
const CODECS = /** @type {const} */ (
  CLIENT === 'kafkajs' ? ['None', 'GZIP'] : ['ZSTD', 'LZ4', 'Snappy', 'GZIP']
)
/** kafkajs has no cooperative one. */
const ASSIGNERS = CLIENT === 'kafkajs' ? {} : { partitionAssigners: ['cooperative-sticky'] }
/** ms without a single order after which the demo has failed */
const PATIENCE = 30_000

const screen = new Screen(process.stdout)

const main = async () => {
  if (CLIENT === 'kafkars') await buildAddon(line => screen.tell(line))
  if (PULL && CLIENT === 'kafkajs') {
    throw new Error('kafkajs has nothing to pull with: leave out --pull')
  }
  screen.tell(`client: ${CLIENT}${PULL ? ', orders are asked for by getMany()' : ''}`)
  if (CLIENT === 'kafkajs') {
    screen.tell('kafkajs brings no zstd, lz4 and snappy: half of the orders are written with gzip,')
    screen.tell('the others uncompressed (kafkars reads all four codecs here)')
  }
  const elsewhere = process.env.KAFKA_BROKERS || process.env.KAFKA_FIXTURE
  screen.tell(elsewhere ? `brokers: ${elsewhere}` : 'starting a broker')
  const cluster = await sharedCluster()
  try {
    return await play(cluster.brokers)
  } finally {
    screen.clear()
    await cluster.stop()
  }
}

/**
 * @param {string[]} brokers
 * @returns {Promise<boolean>} whether the proof holds
 */
const play = async brokers => {
  const { Kafka, logLevel } = require('../../kafka/client')
  const topic = `demo-orders-${Date.now().toString(36)}`
  const groupId = `${topic}-readers`
  const admin = witness(brokers)
  await admin.connect()
  try {
    await admin.createTopics({
      topics: [{ topic, numPartitions: PARTITIONS }],
      waitForLeaders: true
    })
    const written = await write(brokers, topic)

    const ends = await admin.fetchTopicOffsets(topic)
    const ledger = new Ledger(
      written.count,
      ends.sort((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset))
    )
    // What matters comes as events; log lines would tear the table.
    const kafka = new Kafka({ clientId: 'demo', brokers, logLevel: logLevel.NOTHING })
    await read({ kafka, topic, groupId }, ledger)
    return showProof(await prove({ admin, topic, groupId, ledger, written }))
  } finally {
    await admin.disconnect()
  }
}

/**
 * @param {string[]} brokers
 * @param {string} topic
 */
const write = async (brokers, topic) => {
  screen.tell(`writing ${grouped(ORDERS)} orders to ${topic}: ${CODECS.join(', ').toLowerCase()}`)
  const startAt = Date.now()
  const progress = (/** @type {number} */ n) =>
    screen.progress(`${grouped(n)} of ${grouped(ORDERS)} written`)
  const written = await writeOrders({ brokers, topic, count: ORDERS, codecs: CODECS, progress })
  screen.clear()
  const megabytes = (written.bytes / 1e6).toFixed(0)
  const seconds = ((Date.now() - startAt) / 1000).toFixed(1)
  screen.tell(`written in ${seconds} s: ${megabytes} MB of JSON in ${PARTITIONS} partitions`)
  return written
}

/**
 * Ann reads alone, Ben helps for the middle third, Ann finishes.
 * @param {{ kafka: import('../../..').Kafka, topic: string, groupId: string }} where
 * @param {Ledger} ledger
 */
const read = async (where, ledger) => {
  /** @type {(error: Error) => void} */
  let fail = () => {}
  const failed = /** @type {Promise<never>} */ (
    new Promise((_, reject) => {
      fail = reject
    })
  )
  failed.catch(() => {})
  const tell = (/** @type {string} */ line) => screen.tell(line)
  const start = (/** @type {string} */ name) =>
    startMember({ ...where, ...ASSIGNERS, pull: PULL, name, ledger, tell, fail })
  const until = (/** @type {number} */ orders) => Promise.race([failed, reached(ledger, orders)])

  screen.watch(ledger)
  tell('ann starts')
  const ann = await start('ann')
  await until(ledger.count / 3)
  tell('a third is done: ben joins')
  ledger.watchKept()
  const ben = await start('ben')
  await until((ledger.count / 3) * 2)
  tell(keptLine(ledger))
  tell('two thirds are done: ben leaves')
  await ben.leave()
  await until(ledger.count)
  tell('all orders were read: ann commits and leaves')
  await ann.leave()
  screen.clear()
}

/** @param {Ledger} ledger */
const keptLine = ledger => {
  const { partitions, pause } = ledger.kept()
  if (partitions.length === 0) return 'all partitions were given up and assigned anew'
  const still = Math.round(pause)
  return `ann kept partitions ${partitions.join(' ')}: none stood still for more than ${still} ms`
}

/**
 * @param {Ledger} ledger
 * @param {number} orders
 */
const reached = async (ledger, orders) => {
  let { deliveries } = ledger
  let movedAt = Date.now()
  while (ledger.distinct < orders) {
    await sleep(20)
    if (ledger.deliveries > deliveries) {
      deliveries = ledger.deliveries
      movedAt = Date.now()
    } else if (Date.now() - movedAt > PATIENCE) {
      throw new Error(`no order for ${PATIENCE / 1000} s, ${grouped(ledger.distinct)} were read`)
    }
  }
}

/** @param {import('./proof').Check[]} checks */
const showProof = checks => {
  screen.say('\nThe proof (offsets: as the brokers report them)\n')
  for (const { holds, line } of checks) screen.say(`  ${holds ? 'ok    ' : 'FAILED'}  ${line}`)
  const holds = checks.every(check => check.holds)
  screen.say(holds ? '\nNothing was lost.' : '\nThe proof does not hold.')
  return holds
}

/** @param {string[]} brokers */
const witness = brokers => {
  const { Kafka, logLevel } = require('../../kafka/client')
  return new Kafka({ clientId: 'witness', brokers, logLevel: logLevel.ERROR }).admin()
}

main().then(
  holds => process.exit(holds ? 0 : 1),
  error => {
    console.error(`\n${error.stack}`)
    process.exit(1)
  }
)
