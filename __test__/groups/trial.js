// @ts-check
'use strict'

/** One scenario, played by one group. */

const { ADMIN_TIMEOUT, withAdmin } = require('../kafka/helpers')
const { CLIENTS, commonAssignor } = require('./clients')
const { createGroup } = require('./group')
const { SCENARIOS } = require('./scenarios')

/**
 * What keeps these clients from playing it.
 *
 * @param {string} name of the scenario
 * @param {Pick<import('./group').GroupOptions, 'clients' | 'protocol'>} options
 * @returns {string | undefined}
 */
const refusalOf = (name, { clients, protocol }) => {
  const without = clients.find(client => !CLIENTS[client].protocols.includes(protocol))
  if (without) return `${without} does not know the protocol ${protocol}`
  if (protocol === 'eager' && !commonAssignor(clients)) {
    return `${clients.join(' and ')} have no eager assignor in common`
  }
  return SCENARIOS[name].refuses?.(clients)
}

/**
 * @param {string} name of the scenario
 * @param {import('./group').GroupOptions} options
 * @returns {Promise<import('./report').Trial>}
 */
const runTrial = async (name, options) => {
  const scenario = SCENARIOS[name]
  const { brokers, clients, protocol, partitions, session = 10_000 } = options
  const refusal = refusalOf(name, options)
  if (refusal) throw new Error(refusal)
  const group = await createGroup({ ...options, ...scenario.options })
  try {
    await group.write()
    await scenario.play(group)
    const outcome = await group.end()
    return {
      client: clients.join('+'),
      protocol,
      scenario: name,
      partitions: group.partitions,
      possible: group.partitions * (scenario.changes ?? 1),
      least: scenario.moves(partitions),
      session,
      ...outcome
    }
  } finally {
    await group.close()
    await withAdmin(brokers, admin =>
      admin.deleteTopics({ topics: [group.topic], timeout: ADMIN_TIMEOUT })
    )
  }
}

module.exports = { refusalOf, runTrial }
