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
 * @property {(head: string[], rows: (string | number | null)[][], narrow: number[]) => string[]} fitted the lines of a table on a terminal,
 *   no longer than it is wide: as long as that helps these columns are narrower than what stands in them
 * @property {(text: string) => string} cut to the width of a terminal
 * @property {number} height how many lines a terminal shows
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
    fitted: (head, rows, narrow) => {
      const cells = rows.map(row => row.map(cell => clean(cell ?? '')))
      return aligned(head, cells, strong, { width: stdout.columns || Infinity, narrow })
    },
    cut: text => cut(text, stdout.columns || Infinity),
    get height() {
      return stdout.rows || Infinity
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

const aligned = (
  head,
  rows,
  strong,
  { width = Infinity, narrow = /** @type {number[]} */ ([]) } = {}
) => {
  const widths = head.map((title, i) =>
    rows.reduce((most, row) => Math.max(most, row[i].length), title.length)
  )
  let surplus = widths.reduce((sum, one) => sum + one + GAP.length, -GAP.length) - width
  for (; surplus > 0; surplus--) {
    const widest = narrow.reduce(
      (one, other) => (widths[other] > widths[one] ? other : one),
      narrow[0]
    )
    if (!(widths[widest] > NARROWEST)) break
    widths[widest]--
  }
  const isNumeric = head.map(
    (_, i) => rows.length > 0 && rows.every(row => /^[-\d.,% ]*$/.test(row[i]))
  )
  const format = row => {
    const cells = row.map((cell, i) => {
      const shown = cut(cell, widths[i])
      return isNumeric[i] ? shown.padStart(widths[i]) : shown.padEnd(widths[i])
    })
    return cut(cells.join(GAP).trimEnd(), width)
  }
  return [strong(format(head)), ...rows.map(format)]
}

/** Between two columns. */
const GAP = '  '

/** Of a column whose cells are cut. */
const NARROWEST = 6

/** @param {string} text @param {number} width */
const cut = (text, width) =>
  text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text

/** Bytes for people. @param {number | null} bytes */
const size = bytes => {
  if (bytes === null) return ''
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10))
  return unit === 0 ? `${bytes} B` : `${(bytes / 1024 ** unit).toFixed(1)} ${UNITS[unit]}`
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

module.exports = { clean, createOutput, size }
