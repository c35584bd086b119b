// @ts-check
'use strict'

/** The judges of what was written: they have to find what is wrong. */

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const { differences } = require('../chaos/transactions')
const { audit } = require('../chaos/written')

/** @param {Record<number, string>} partitions values, separated by spaces; a number behind a colon is when it was written */
const log = partitions => {
  const entries = Object.entries(partitions).map(([partition, values]) => [
    Number(partition),
    values
      .split(' ')
      .filter(Boolean)
      .map((value, offset) => {
        const [text, timestamp = '0'] = value.split('@')
        return { offset, timestamp: Number(timestamp), value: `${text} filler` }
      })
  ])
  return new Map(/** @type {[number, import('../kafka/reader').Entry[]][]} */ (entries))
}

describe('what producers were told', () => {
  /** @type {string} */
  let directory
  beforeEach(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), 'written-'))))
  afterEach(() => fs.rmSync(directory, { recursive: true }))

  /** @param {string[]} lines of a ledger, fields separated by spaces @param {Record<number, string>} partitions */
  const judge = (lines, partitions) => {
    const file = path.join(directory, 'ledger')
    fs.writeFileSync(file, lines.map(line => `${line.replaceAll(' ', '\t')}\n`).join(''))
    return audit([file], log(partitions))
  }

  test('all is well', () => {
    const lines = ['s 1 w0i1 0 2', 's 1 w0i1 2 1', 'a 2 w0i1 0', 'x 5 w0i1 2 0 0 Error', 'd 6']
    expect(judge(lines, { 0: 'w0i1:0', 1: 'w0i1:1' })).toMatchObject({
      ...{
        sent: 3,
        acknowledged: 2,
        rejected: 1,
        entries: 2,
        doubtful: 0,
        repeated: 0,
        swapped: 0
      },
      ...{ lost: [], twice: [], disorder: [], strange: [], untold: [], late: [] }
    })
  })

  test('what is acknowledged and not there is lost', () => {
    expect(judge(['s 1 w0n1 0 2', 'a 2 w0n1 0'], { 0: 'w0n1:0' }).lost).toEqual(['w0n1:1'])
  })

  test('what is there twice or out of order is wrong where batches are numbered, and counted elsewhere', () => {
    const lines = ['i', 'n'].map(kind => `s 1 w0${kind}1 0 3`)
    const found = judge(lines, {
      0: 'w0i1:0 w0i1:2 w0i1:1 w0n1:1 w0n1:0 w0i1:0',
      1: 'w0n1:0 w0n1:2'
    })
    expect(found.twice).toEqual(['w0i1:0, partition 0'])
    expect(found.disorder).toEqual(['w0i1:1 behind 2, partition 0'])
    expect(found).toMatchObject({ repeated: 1, swapped: 1 })
  })

  test('what is rejected, and in the log before or behind that', () => {
    const lines = [
      's 1 w0i1 0 1',
      'x 10 w0i1 0 0 1 Timeout',
      's 11 w0i1 1 1',
      'x 20 w0i1 1 0 1 Timeout'
    ]
    const found = judge(lines, { 0: 'w0i1:0@9 w0i1:1@25' })
    expect(found).toMatchObject({
      doubtful: 2,
      before: 1,
      denied: [],
      late: [{ id: 'w0i1:1', after: 5, error: 'Timeout' }],
      errors: new Map([['Timeout', 2]])
    })
  })

  test('what is in the log although it was refused without a doubt', () => {
    const lines = ['s 1 w0i1 0 4', 'x 10 w0i1 0 1,3 0 Refused']
    const found = judge(lines, { 0: 'w0i1:0 w0i1:2 w0i1:3' })
    expect(found).toMatchObject({
      ...{ acknowledged: 2, rejected: 2, lost: [], denied: ['w0i1:3: Refused'] }
    })
  })

  test('what is never told, of programs that have ended in order', () => {
    expect(judge(['s 1 w0i1 0 1'], { 0: '' }).untold).toEqual([])
    expect(judge(['s 1 w0i1 0 1', 'd 2'], { 0: '' }).untold).toEqual([
      expect.stringContaining('w0i1:0')
    ])
  })

  test('what nobody has sent', () => {
    expect(judge(['s 1 w0i1 0 1'], { 0: 'w0i1:1' }).strange).toEqual(['w0i1:1'])
  })
})

describe('output and input', () => {
  /** @param {string} input @param {string} output */
  const compare = (input, output) => {
    const [before, after] = [input, output].map(values => ({
      partitions: log({ 0: values }),
      unread: []
    }))
    return differences(before, after)
  }

  test.each([
    ['a b c', 'a b c', []],
    ['a b c', 'a c', ['0: b is missing']],
    ['a b c', 'a b b c', ['0: b is there too often']],
    ['a b a c', 'a b a c', []],
    ['a b a c', 'a b c', ['0: a is missing']],
    ['a b c', 'b a c', ['0: a comes too late']],
    ['a b', 'a x b', ['0: x is not of the input']]
  ])('%s and %s', (input, output, expected) => {
    expect(compare(input, output)).toEqual(expected)
  })
})
