// @ts-check
'use strict'

/** The table of a run, and the goals that its figures are held against. */

/** @typedef {import('./ledger').Figures} Figures */
/** @typedef {import('./ledger').Faults} Faults */

/**
 * @typedef {object} Trial
 * @property {string} client       its name, or those of several with `+` between them
 * @property {import('./clients').GroupProtocol} protocol
 * @property {string} scenario
 * @property {number} partitions
 * @property {number} possible     moves, if each partition changed hands whenever a member comes or goes
 * @property {number} least        moves that no group could do without
 * @property {number} session      ms
 * @property {Figures} figures
 * @property {Faults} faults
 */

/**
 * @typedef {object} Goal
 * @property {keyof Figures | 'repeated'} figure
 * @property {number} most
 */

/** How much later than the producer a partition that nobody takes away may be read, ms. */
const UNNOTICED = 100

/** @param {Trial} trial @returns {Goal[]} */
const goalsOf = ({ protocol, scenario, least, partitions, session, figures }) => {
  const keeps = protocol !== 'eager'
  const kept = { figure: /** @type {const} */ ('kept'), most: figures.producer + UNNOTICED }
  /** @type {Record<string, Goal[]>} */
  const goals = {
    join: [
      { figure: 'moves', most: least },
      ...(keeps
        ? [
            kept,
            { figure: /** @type {const} */ ('moved'), most: protocol === 'consumer' ? 700 : 500 }
          ]
        : [])
    ],
    leave: [
      { figure: 'moves', most: least },
      ...(keeps ? [kept] : []),
      { figure: 'moved', most: 250 }
    ],
    rolling: keeps ? [{ figure: 'moves', most: least }, kept] : [],
    ten: [{ figure: 'stable', most: 1800 }],
    slow: keeps ? [kept] : [],
    // A commit interval is no longer than it takes to write two messages.
    kill: [...(keeps ? [kept] : []), { figure: 'repeated', most: partitions / 3 }],
    static: [
      // By KIP-848 its name is free when its session is over, and so are its partitions.
      ...(protocol === 'consumer' ? [] : [{ figure: /** @type {const} */ ('moves'), most: least }]),
      ...(keeps ? [kept] : []),
      { figure: 'repeated', most: partitions / 3 },
      ...(protocol === 'consumer'
        ? [{ figure: /** @type {const} */ ('moved'), most: session + 1000 }]
        : [])
    ],
    grow: [...(keeps ? [kept] : []), { figure: 'moved', most: 1500 }]
  }
  return goals[scenario]
}

const COLUMNS = [
  'client',
  'protocol',
  'scenario',
  'moves',
  'kept ms',
  'moved ms',
  'stable ms',
  'producer ms',
  'twice',
  'lost',
  'two owners',
  'disorder',
  'goals'
]

/** @param {Trial} trial */
const rowOf = trial => {
  const { client, protocol, scenario, least, possible, figures, faults } = trial
  const goals = goalsOf(trial).map(({ figure, most }) => {
    const value = figure === 'repeated' ? faults.repeated : figures[figure]
    return `${figure} ≤ ${Math.round(most)} ${value <= most ? '✓' : '✗'}`
  })
  const twice = faults.duplicates.length + faults.repeated
  return [
    client,
    protocol,
    scenario,
    `${figures.moves} of ${possible}, least ${least}`,
    figures.kept,
    figures.moved,
    figures.stable,
    figures.producer,
    faults.repeated > 0 ? `${twice} (${faults.repeated} by the killed)` : twice,
    faults.lost.length,
    faults.overlaps.length,
    faults.disorder.length,
    goals.join(', ')
  ]
}

/** @param {Trial[]} trials */
const tableOf = trials =>
  [COLUMNS, COLUMNS.map(() => '--'), ...trials.map(rowOf)]
    .map(cells => `| ${cells.join(' | ')} |`)
    .join('\n')

module.exports = { goalsOf, rowOf, tableOf }
