// @ts-check
'use strict'

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const { Ledger } = require('../chaos/ledger')

/** @type {string} */
let directory
beforeEach(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ledger-'))))
afterEach(() => fs.rmSync(directory, { recursive: true }))

/** @param {Record<string, string[]>} members lines of each, fields separated by spaces */
const audit = members => {
  const ledger = new Ledger()
  for (const [name, lines] of Object.entries(members)) {
    const file = path.join(directory, name)
    fs.writeFileSync(file, lines.map(line => `${line.replaceAll(' ', '\t')}\n`).join(''))
    ledger.add(file)
  }
  return ledger.close({ acknowledged: new Set(['x', 'y']), aborted: new Set(['z']) })
}

test('what is lost, leaked, out of order and handled twice', () => {
  const report = audit({ a: ['j 1 0', 'm 2 0 0 x', 'm 3 0 0 x', 'm 4 0 1 z'] })
  expect(report).toMatchObject({ handled: 2, duplicates: 1, lost: ['y'], leaked: ['z'] })
  expect(report.disorder).toHaveLength(1)
})

test('behind a seek one message may come before what was sought: its handler was at work', () => {
  const started = ['j 1 0', 'm 2 0 7 x', 's 3 0']
  expect(audit({ a: [...started, 'm 4 0 8 y', 'm 5 0 2 v'] }).disorder).toEqual([])
  expect(audit({ a: [...started, 'm 4 0 2 y', 'm 5 0 3 v'] }).disorder).toEqual([])
  expect(audit({ a: [...started, 'm 4 0 8 y', 'm 5 0 9 v', 'm 6 0 2 w'] }).disorder).toHaveLength(1)
})

describe('two members on one partition', () => {
  test('one after the other', () => {
    const a = ['j 1 0', 'm 2 0 0 x', 'm 3 0 1 y', 'j 8 0', 'm 9 0 4 v', 'm 10 0 5 w']
    const b = ['j 4 0', 'm 5 0 2 t', 'm 6 0 3 u']
    expect(audit({ a, b }).strays).toEqual([])
  })

  test('the message that was being handled when the partition was lost', () => {
    const a = ['j 1 0', 'm 2 0 0 x', 'm 7 0 1 y']
    const b = ['j 4 0', 'm 5 0 1 y', 'm 6 0 2 t', 'm 8 0 3 u']
    expect(audit({ a, b }).strays).toEqual([])
  })

  test('both at once', () => {
    const a = ['j 1 0', 'm 2 0 0 x', 'm 7 0 1 y', 'm 9 0 2 t']
    const b = ['j 4 0', 'm 5 0 1 y', 'm 6 0 2 t', 'm 8 0 3 u']
    expect(audit({ a, b }).strays).toEqual([
      expect.stringMatching(/^partition 0: .*a after join 1, 2$/)
    ])
  })
})
