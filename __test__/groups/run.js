// @ts-check
'use strict'

/**
 * `npm run groups`: what becomes of groups when their members change, on three brokers, for each client and protocol: how much moves, how long
 * it is not read, and whether each message is handled once. A client `a+b` is a group of both, led by the first.
 */

const { startCluster } = require('../kafka')
const { optionsOf } = require('../usage')
const { CLIENTS, PROTOCOLS, librdkafkaIsMissing } = require('./clients')
const { complaintsOf } = require('./ledger')
const { rowOf, tableOf } = require('./report')
const { SCENARIOS } = require('./scenarios')
const { refusalOf, runTrial } = require('./trial')

const PARTITIONS = 24
const SESSION = 10_000
/** For brokers that are busy with a new topic, ms. */
const PATIENCE = 10_000

/** Who is compared, and who has to get along with whom. */
const GROUPS = ['kafkars', 'java', 'kafkajs']
const MIXED = ['kafkars+java', 'java+kafkars', 'kafkars+librdkafka', 'librdkafka+kafkars']

/** What mixed groups play, where nothing else is asked for. */
const OF_MIXED = ['join', 'leave']

const USAGE = `npm run groups -- [--client kafkars,java+kafkars] [--protocol ${PROTOCOLS.join(',')}]
                  [--scenario ${Object.keys(SCENARIOS).join(',')}]
                  [--assignor range] [--heartbeat 500] [--minutes 20]

A client "a+b" is a group of both, led by the first; --heartbeat is the interval that the brokers give, ms.`

const main = async () => {
  const values = optionsOf(USAGE, {
    client: { type: 'string', default: [...GROUPS, ...MIXED].join(',') },
    protocol: { type: 'string', default: PROTOCOLS.join(',') },
    scenario: { type: 'string' },
    assignor: { type: 'string' },
    heartbeat: { type: 'string', default: '500' },
    minutes: { type: 'string', default: '20' }
  })
  const end = Date.now() + Number(values.minutes) * 60_000
  const heartbeat = Number(values.heartbeat)
  const plan = planOf(values)
  const cluster = await startCluster({
    brokers: 3,
    lasting: true,
    config: {
      'group.consumer.heartbeat.interval.ms': heartbeat,
      'group.consumer.session.timeout.ms': SESSION
    }
  })
  const trials = /** @type {import('./report').Trial[]} */ ([])
  const left = new Set()
  const wrong = /** @type {string[]} */ ([])
  try {
    await warmUp({ brokers: cluster.brokers, partitions: PARTITIONS, session: SESSION, heartbeat })
    for (const { clients, protocol, scenario } of plan) {
      const name = `${clients.join('+')}, ${protocol}, ${scenario}`
      const options = {
        brokers: cluster.brokers,
        clients,
        protocol,
        partitions: PARTITIONS,
        session: SESSION,
        heartbeat,
        patience: PATIENCE,
        ...(values.assignor && { assignor: values.assignor })
      }
      const refusal = refusalOf(scenario, options)
      if (refusal) {
        left.add(refusal)
        continue
      }
      if (Date.now() + (SCENARIOS[scenario].minutes ?? 0.25) * 60_000 > end) {
        console.log(`left out: ${name}: ${values.minutes} minutes are over`)
        continue
      }
      try {
        const trial = await runTrial(scenario, options)
        trials.push(trial)
        console.log(rowOf(trial).join(' | '))
        wrong.push(...complaintsOf(trial.faults).map(complaint => `${name}: ${complaint}`))
      } catch (error) {
        console.log(`failed: ${name}: ${error.message}`)
        wrong.push(`${name}: ${error.message}`)
      }
    }
  } finally {
    await cluster.stop()
  }
  console.log(`\n${tableOf(trials)}\n`)
  for (const [name, { title }] of Object.entries(SCENARIOS)) console.log(`${name}: ${title}`)
  for (const refusal of left) console.log(`left out: ${refusal}`)
  for (const complaint of wrong) console.log(complaint)
  // What others do wrong is for comparison.
  process.exitCode = wrong.some(complaint => complaint.includes('kafkars')) ? 1 : 0
}

/**
 * Brokers that have just started answer a producer only after a second now and then: not counted.
 *
 * @param {Omit<import('./group').GroupOptions, 'clients' | 'protocol'>} options
 */
const warmUp = async options => {
  for (const protocol of PROTOCOLS) {
    await runTrial('join', { ...options, clients: ['kafkars'], protocol })
  }
}

/** @param {{ client: string, protocol: string, scenario?: string }} options */
const planOf = ({ client, protocol, scenario }) => {
  const scenarios = scenario && chosen('--scenario', scenario, Object.keys(SCENARIOS))
  const protocols = chosen('--protocol', protocol, PROTOCOLS)
  const missing = librdkafkaIsMissing()
  if (missing && client.includes('librdkafka')) console.log(`left out: ${missing}`)
  const groups = client
    .split(',')
    .map(names => names.split('+').map(name => chosen('--client', name, Object.keys(CLIENTS))[0]))
    .filter(clients => !(missing && clients.includes('librdkafka')))
  return groups.flatMap(clients =>
    protocols.flatMap(name =>
      (scenarios || (clients.length > 1 ? OF_MIXED : Object.keys(SCENARIOS))).map(each => ({
        clients,
        protocol: name,
        scenario: each
      }))
    )
  )
}

/**
 * @template {string} T
 * @param {string} option
 * @param {string} list
 * @param {T[]} known
 * @returns {T[]}
 */
const chosen = (option, list, known) =>
  list.split(',').map(name => {
    const found = known.find(each => each === name)
    if (!found) throw new Error(`${option} ${name}: one of ${known.join(', ')}`)
    return found
  })

// Members in Java do not notice that nobody listens to them any more: they end with us, in `exit`.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => process.exit(1))
}

main().catch(error => {
  console.error(error)
  process.exitCode = 1
})
