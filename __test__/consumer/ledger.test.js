// @ts-check
'use strict'

/** A group that has to account for every message while brokers, links and members fail. `npm run chaos` does it for longer. */

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const { complaints, runChaos } = require('../chaos/chaos')
const { SOAK, longSpec } = require('../ci/soak')
const { lendCluster } = require('./support')

/** @type {import('../kafka').Cluster} */
let cluster
/** @type {string} */
let directory

beforeAll(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kafkars-ledger-'))
  cluster = await lendCluster({ brokers: 3, proxied: true })
})

afterAll(async () => {
  await cluster?.stop()
  fs.rmSync(directory, { recursive: true, force: true })
})

it('loses nothing, whatever fails', async () => {
  const milliseconds = SOAK ? 120_000 : 20_000
  const report = await runChaos({ cluster, seed: 20, milliseconds, directory })
  expect(complaints(report)).toEqual([])
  expect(report.acknowledged).toBeGreaterThan(0)
  expect(report.audit.handled).toBeGreaterThanOrEqual(report.acknowledged)
}, 900_000)

longSpec(
  'nor does a group whose handlers run beside each other',
  async () => {
    const report = await runChaos({
      cluster,
      seed: 21,
      milliseconds: 60_000,
      directory: path.join(directory, 'parallel'),
      modes: ['parallel', 'concurrent']
    })
    expect(complaints(report)).toEqual([])
    expect(report.audit.handled).toBeGreaterThanOrEqual(report.acknowledged)
  },
  900_000
)
