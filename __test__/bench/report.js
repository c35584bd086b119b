'use strict'

/** From the figures of all runs to the table. */

/** @typedef {import('./meter').Figures} Figures */
/** @typedef {{ client: string, api: string, round: number, busy: number, figures: Figures }} Run */
/** @typedef {{ workload: string, title: string, codec: string, runs: Run[] }} Section */

/**
 * @template F
 * @typedef {{ name: string, of: (figures: F) => number | undefined, digits: number }} Column
 */

/** @type {Column<Figures>[]} */
const COLUMNS = [
  { name: 'k msg/s', of: f => f.messagesPerSecond / 1000, digits: 0 },
  { name: 'total s', of: f => f.totalMs / 1000, digits: 2 },
  { name: 'CPU µs/msg', of: f => f.cpuMicros, digits: 2 },
  { name: 'stall ms', of: f => Math.max(f.stallMs, f.histogramStallMs), digits: 0 },
  { name: 'RSS MB', of: f => f.rssMb, digits: 0 }
]

/** What only some clients have, and what it is compared with. @type {Record<string, string>} */
const COMPARED = {
  'for await': 'eachMessage',
  getMany: 'eachBatch',
  'eachMessage observed': 'eachMessage',
  'eachBatch observed': 'eachBatch',
  'eachMessage traced': 'eachMessage'
}

/** Whose ratios to all others are shown. */
const OURS = 'kafkars'

/**
 * @param {any[]} sections
 * @param {{ markdown: boolean }} options
 * @param {Column<any>[]} [columns]
 * @returns {string}
 */
const report = (sections, { markdown }, columns = COLUMNS) =>
  sections
    .map(section => {
      const header = ['client', 'API', ...columns.map(({ name }) => name)]
      const table = layOut([header, ...rowsOf(section, columns)], markdown)
      const title = `${section.title}`
      return markdown ? `**${title}**\n\n${table}` : `${title}\n${table}`
    })
    .join('\n\n')

/** @param {Section} section @param {Column<any>[]} columns */
const rowsOf = ({ runs }, columns) => {
  const apis = [...new Set(runs.map(({ api }) => api))]
  return apis.flatMap(api => {
    const ofApi = runs.filter(run => run.api === api)
    const clients = [...new Set(ofApi.map(({ client }) => client))].sort(oursFirst)
    const figures = clients.map(client => [
      client,
      api,
      ...columns.map(({ of, digits }) =>
        range(
          ofApi.filter(run => run.client === client).map(run => of(run.figures) ?? NaN),
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
            ...columns.map(
              ({ of }) => `${ratio([OURS, client], [api, api], runs, of).toFixed(2)} ×`
            )
          ])
      : []
    const other = COMPARED[api]
    const toOther = apis.includes(other)
      ? clients.map(client => [
          client,
          `${api} / ${other}`,
          ...columns.map(
            ({ of }) => `${ratio([client, client], [api, other], runs, of).toFixed(2)} ×`
          )
        ])
      : []
    return [...figures, ...ratios, ...toOther]
  })
}

/**
 * The median of the rounds' own ratios: what slowed the machine in a round slowed both.
 * @param {[string, string]} clients
 * @param {[string, string]} apis
 * @param {Run[]} runs
 * @param {(figures: any) => number | undefined} of
 */
const ratio = (clients, apis, runs, of) => {
  const rounds = [...new Set(runs.map(({ round }) => round))]
  return median(
    rounds.flatMap(round => {
      const [a, b] = clients.map((client, at) => {
        const found = runs.find(
          run => run.round === round && run.client === client && run.api === apis[at]
        )
        return found && of(found.figures)
      })
      return a !== undefined && b !== undefined ? [a / b] : []
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

module.exports = { COMPARED, report, median }
