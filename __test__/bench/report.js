'use strict'

/** From the figures of all runs to the table. */

/** @typedef {import('./meter').Figures} Figures */
/** @typedef {{ client: string, api: string, round: number, busy: number, figures: Figures }} Run */
/** @typedef {{ workload: string, title: string, codec: string, runs: Run[] }} Section */

/**
 * @type {{
 *   name: string, of: (f: Figures) => number, digits: number, better: 'more' | 'less'
 * }[]}
 */
const COLUMNS = [
  { name: 'k msg/s', of: f => f.messagesPerSecond / 1000, digits: 0, better: 'more' },
  { name: 'total s', of: f => f.totalMs / 1000, digits: 2, better: 'less' },
  { name: 'CPU µs/msg', of: f => f.cpuMicros, digits: 2, better: 'less' },
  {
    name: 'stall ms',
    of: f => Math.max(f.stallMs, f.histogramStallMs),
    digits: 0,
    better: 'less'
  },
  { name: 'RSS MB', of: f => f.rssMb, digits: 0, better: 'less' }
]

/** Whose ratios to all others are shown. */
const OURS = 'kafkars'

/**
 * @param {Section[]} sections
 * @param {{ markdown: boolean }} options
 * @returns {string}
 */
const report = (sections, { markdown }) =>
  sections
    .map(section => {
      const header = ['client', 'API', ...COLUMNS.map(({ name }) => name)]
      const table = layOut([header, ...rowsOf(section)], markdown)
      const title = `${section.title}`
      return markdown ? `**${title}**\n\n${table}` : `${title}\n${table}`
    })
    .join('\n\n')

/** @param {Section} section */
const rowsOf = ({ runs }) => {
  const apis = [...new Set(runs.map(({ api }) => api))]
  return apis.flatMap(api => {
    const ofApi = runs.filter(run => run.api === api)
    const clients = [...new Set(ofApi.map(({ client }) => client))].sort(oursFirst)
    const figures = clients.map(client => [
      client,
      api,
      ...COLUMNS.map(({ of, digits }) =>
        range(
          ofApi.filter(run => run.client === client).map(run => of(run.figures)),
          digits
        )
      )
    ])
    const ratios = clients.includes(OURS)
      ? clients
          .filter(client => client !== OURS)
          .map(client => [
            `${OURS} / ${client}`,
            api,
            ...COLUMNS.map(({ of }) => `${ratio(ofApi, client, of).toFixed(2)} ×`)
          ])
      : []
    return [...figures, ...ratios]
  })
}

/**
 * The median of the rounds' own ratios: what slowed the machine in a round slowed both.
 * @param {Run[]} runs
 * @param {string} peer
 * @param {(figures: Figures) => number} of
 */
const ratio = (runs, peer, of) => {
  const rounds = [...new Set(runs.map(({ round }) => round))]
  const inRound = (/** @type {number} */ round, /** @type {string} */ client) =>
    runs.find(run => run.round === round && run.client === client)
  return median(
    rounds.flatMap(round => {
      const ours = inRound(round, OURS)
      const theirs = inRound(round, peer)
      return ours && theirs ? [of(ours.figures) / of(theirs.figures)] : []
    })
  )
}

/**
 * `median (lowest–highest)`
 * @param {number[]} values
 * @param {number} digits
 */
const range = (values, digits) => {
  const text = median(values).toFixed(digits)
  if (values.length < 2) return text
  const [low, high] = [Math.min(...values), Math.max(...values)].map(v => v.toFixed(digits))
  return `${text} (${low}–${high})`
}

/** @param {number[]} values */
const median = values => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * @param {string} a
 * @param {string} b
 */
const oursFirst = (a, b) => Number(b === OURS) - Number(a === OURS)

/**
 * @param {string[][]} rows the first one is the header
 * @param {boolean} markdown
 */
const layOut = (rows, markdown) => {
  const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)))
  const lines = rows.map(row =>
    row.map((cell, at) => (at < 2 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
  )
  const rule = widths.map((width, at) => '-'.repeat(width - (at < 2 ? 0 : 1)) + (at < 2 ? '' : ':'))
  return markdown
    ? [lines[0], rule, ...lines.slice(1)].map(cells => `| ${cells.join(' | ')} |`).join('\n')
    : lines.map(cells => `  ${cells.join('   ')}`.trimEnd()).join('\n')
}

module.exports = { report, median }
