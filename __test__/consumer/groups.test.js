// @ts-check
'use strict'

/**
 * Groups whose members are processes, and whose topic is written to all the time, come through their changes by each protocol:
 * every message is handled once, in order, by one member at a time, and where a protocol keeps partitions, no more of them move
 * than have to. `npm run groups` measures the same.
 */

const { family } = require('../ci/soak')
const { complaintsOf } = require('../groups/ledger')
const { SCENARIOS } = require('../groups/scenarios')
const { runTrial } = require('../groups/trial')
const { sharedCluster } = require('../kafka/helpers')
const { CLIENT } = require('./support')

/** @typedef {import('../kafka/member').GroupProtocol} GroupProtocol */

const PARTITIONS = 6

/**
 * @param {string} scenario
 * @param {GroupProtocol} protocol
 * @param {string[]} clients
 */
const play = async (scenario, protocol, clients) => {
  const { brokers } = sharedCluster()
  // By KIP-848 the session is the coordinator's, and as long.
  const options = { brokers, clients, protocol, partitions: PARTITIONS, session: 6000 }
  const { figures, faults, least } = await runTrial(scenario, options)
  // Kafka's VerifiableConsumer tells of records before it commits them: what it has to give up then is handled again. So does kafkajs
  // where a rebalance gets in between.
  const isOurs = (/** @type {string} */ duplicate) => {
    const first = Number(/by member (\d+)/.exec(duplicate)?.[1])
    return clients[(first - 1) % clients.length] === 'kafkars'
  }
  expect(complaintsOf({ ...faults, duplicates: faults.duplicates.filter(isOurs) })).toEqual([])
  return { moves: figures.moves, repeated: faults.repeated, least }
}

/** @type {GroupProtocol[]} */
const PROTOCOLS = ['eager', 'cooperative', 'consumer']
const SCENARIO_NAMES = ['join', 'leave', 'rolling', 'kill', 'static', 'grow']

/** The scenario that stands for the others of its protocol. @type {Record<GroupProtocol, string>} */
const REPRESENTATIVES = { eager: 'rolling', cooperative: 'join', consumer: 'kill' }

/** By KIP-848 a static member that was killed comes back when its session is over, and others have had its partitions. */
const mayMove = (/** @type {GroupProtocol} */ protocol, /** @type {string} */ scenario) =>
  protocol === 'eager' || (protocol === 'consumer' && scenario === 'static')

family(
  PROTOCOLS.flatMap(protocol =>
    SCENARIO_NAMES.map(name => /** @type {const} */ ([protocol, SCENARIOS[name].title, name]))
  ),
  (protocol, _, name) => REPRESENTATIVES[protocol] === name
)('%s: %s', async (protocol, _, name) => {
  const { moves, least, repeated } = await play(name, protocol, [CLIENT])
  if (!mayMove(protocol, name)) expect(moves).toBe(least)
  if (!['kill', 'static'].includes(name)) expect(repeated).toBe(0)
})

family(
  PROTOCOLS.flatMap(protocol => [
    /** @type {const} */ ([protocol, 'led by a member in Java', ['java', CLIENT]]),
    /** @type {const} */ ([protocol, 'with members in Java', [CLIENT, 'java']])
  ]),
  (protocol, _, [first]) => protocol === 'cooperative' && first === 'java'
)('%s: a group %s takes in another member', async (protocol, _, clients) => {
  const { moves, least } = await play('join', protocol, [...clients])
  if (protocol !== 'eager') expect(moves).toBe(least)
})
