// @ts-check
'use strict'

/** What `--help` says, in lines that are no longer than the terminal is wide. */

const { GLOBAL_OPTIONS } = require('./options')

/**
 * @param {Record<string, () => import('./index').Command>} commands
 * @param {number} [width] of the terminal
 */
const overview = (commands, width = Infinity) => {
  const rows = Object.entries(commands).map(([name, load]) => {
    const { usage, summary } = load()
    return [`${name} ${usage}`, summary]
  })
  return [
    ...wrapped('kafkars COMMAND: looks into a Kafka cluster', width),
    '',
    ...columns(rows, width),
    '',
    'How to connect, for every command:',
    '',
    ...optionRows(GLOBAL_OPTIONS, width),
    '',
    ...wrapped('kafkars help COMMAND has its options and examples.', width),
    ...wrapped(EXIT_CODES, width)
  ].join('\n')
}

const EXIT_CODES =
  'Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 nobody was reached, 130 interrupted.'

/**
 * Examples are as they have to be typed, however long.
 * @param {string} name @param {import('./index').Command} command @param {number} [width] of the terminal
 */
const describeCommand = (name, { summary, usage, options = {}, examples }, width = Infinity) =>
  [
    ...wrapped(`kafkars ${name} ${usage}`, width, 4),
    '',
    ...wrapped(summary, width),
    ...(Object.keys(options).length > 0 ? ['', ...optionRows(options, width)] : []),
    '',
    ...examples.map(example => `  ${example}`),
    '',
    'How to connect: kafkars help'
  ].join('\n')

/** @param {Record<string, any>} options @param {number} width */
const optionRows = (options, width) =>
  columns(
    Object.entries(options).map(([name, { type, short, help }]) => [
      `${short ? `-${short}, ` : ''}--${name}${type === 'string' ? ' …' : ''}`,
      help
    ]),
    width
  )

/** Beside each other where there is room for it, else one below the other. @param {string[][]} rows @param {number} width */
const columns = (rows, width) => {
  const widest = Math.max(...rows.map(([left]) => left.length))
  const indent = widest + 4
  if (width - indent < NARROWEST) {
    const below = text => wrapped(`      ${text}`, width, 6)
    return rows.flatMap(([left, right]) => [...wrapped(`  ${left}`, width, 4), ...below(right)])
  }
  return rows.flatMap(([left, right]) =>
    wrapped(`  ${left.padEnd(widest)}  ${right}`, width, indent)
  )
}

/** Of a column of text. */
const NARROWEST = 36

/**
 * @param {string} text
 * @param {number} width
 * @param {number} [indent] of the lines behind the first
 * @returns {string[]} broken between words
 */
const wrapped = (text, width, indent = 0) => {
  const at = text.length > width ? text.lastIndexOf(' ', width) : -1
  // What has no blank stays whole.
  if (at <= indent) return [text]
  const rest = `${' '.repeat(indent)}${text.slice(at + 1)}`
  return [text.slice(0, at).trimEnd(), ...wrapped(rest, width, indent)]
}

module.exports = { describeCommand, overview }
