// @ts-check
'use strict'

/**
 * What commands print: tables on a terminal; elsewhere the same, a row a line with tabs between, for `cut` and `awk`; and JSON where that is
 * asked for.
 */

/**
 * @typedef {object} Output
 * @property {boolean} isTerminal
 * @property {boolean} isJson
 * @property {(text?: string) => void} line
 * @property {(head: string[], rows: (string | number | null)[][]) => void} table a column is set to the right if it is numbers
 * @property {(value: any) => void} json one line
 * @property {(text: string) => void} note for people: to standard error
 * @property {(text: string) => string} strong
 * @property {(text: string) => string} faint
 * @property {(text: string) => string} good
 * @property {(text: string) => string} bad
 */

/** @param {NodeJS.Process} process @param {any} values flags @returns {Output} */
const createOutput = ({ stdout, stderr, env }, { json }) => {
  const isTerminal = stdout.isTTY === true
  const hasColours = isTerminal && !env.NO_COLOR && env.TERM !== 'dumb'
  const painted = code => text => (hasColours ? `\u001b[${code}m${text}\u001b[0m` : text)
  const line = (text = '') => void stdout.write(`${text}\n`)
  const strong = painted(1)
  return {
    isTerminal,
    isJson: json === true,
    line,
    table: (head, rows) => {
      const cells = rows.map(row => row.map(cell => clean(cell ?? '')))
      if (isTerminal) aligned(head, cells, strong).forEach(text => line(text))
      else cells.forEach(row => line(row.join('\t')))
    },
    json: value => line(JSON.stringify(value)),
    note: text => void stderr.write(`${text}\n`),
    strong,
    faint: painted(2),
    good: painted(32),
    bad: painted(31)
  }
}

/** What would move a cursor, or end a column, is shown as what it is. @param {any} value */
const clean = value =>
  String(value).replace(CONTROL, char => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)

// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g

const aligned = (head, rows, strong) => {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map(row => row[i].length)))
  const isNumeric = head.map(
    (_, i) => rows.length > 0 && rows.every(row => /^[-\d.,% ]*$/.test(row[i]))
  )
  const format = row =>
    row
      .map((cell, i) => (isNumeric[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join('  ')
      .trimEnd()
  return [strong(format(head)), ...rows.map(format)]
}

/** Bytes for people. @param {number | null} bytes */
const size = bytes => {
  if (bytes === null) return ''
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10))
  return unit === 0 ? `${bytes} B` : `${(bytes / 1024 ** unit).toFixed(1)} ${UNITS[unit]}`
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

module.exports = { clean, createOutput, size }
