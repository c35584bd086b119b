// @ts-check
'use strict'

/** What `--help` says. */

const { GLOBAL_OPTIONS } = require('./options')

/** @param {Record<string, () => import('./index').Command>} commands */
const overview = commands => {
  const rows = Object.entries(commands).map(([name, load]) => {
    const { usage, summary } = load()
    return [`${name} ${usage}`, summary]
  })
  return [
    'kafkars COMMAND: looks into a Kafka cluster',
    '',
    ...columns(rows),
    '',
    'How to connect, for every command:',
    '',
    ...optionRows(GLOBAL_OPTIONS),
    '',
    'kafkars help COMMAND has its options and examples.',
    'Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 nobody was reached, 130 interrupted.'
  ].join('\n')
}

/** @param {string} name @param {import('./index').Command} command */
const describeCommand = (name, { summary, usage, options = {}, examples }) =>
  [
    `kafkars ${name} ${usage}`,
    '',
    summary,
    ...(Object.keys(options).length > 0 ? ['', ...optionRows(options)] : []),
    '',
    ...examples.map(example => `  ${example}`),
    '',
    'How to connect: kafkars help'
  ].join('\n')

const optionRows = options =>
  columns(
    Object.entries(options).map(([name, { type, short, help }]) => [
      `${short ? `-${short}, ` : ''}--${name}${type === 'string' ? ' …' : ''}`,
      help
    ])
  )

/** @param {string[][]} rows */
const columns = rows => {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}

module.exports = { describeCommand, overview }
