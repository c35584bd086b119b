// @ts-check
'use strict'

/**
 * Producers, and programs that consume, transform and produce, while brokers, links and programs fail; Kafka's own consumer judges.
 * `npm run chaos -- --producer` and `-- --transactions` do it for longer.
 */

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const producers = require('../chaos/producers')
const transactions = require('../chaos/transactions')
const { longBlock } = require('../ci/soak')
const { lendCluster } = require('./support')

/** How long things break. */
const MILLISECONDS = 60_000

/** @type {string} */
let directory
beforeAll(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kafkars-written-'))))
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

/** @param {import('../kafka').ClusterOptions} options */
const useProxied = options => {
  /** @type {import('../kafka').Cluster} */
  let cluster
  beforeAll(async () => (cluster = await lendCluster({ brokers: 3, proxied: true, ...options })))
  afterAll(() => cluster?.stop())
  return () => cluster
}

/** @param {import('../kafka').Cluster} cluster @param {number} seed */
const transform = async (cluster, seed) => {
  const folder = path.join(directory, String(seed))
  const report = await transactions.runTransactions({
    cluster,
    seed,
    milliseconds: MILLISECONDS,
    directory: folder
  })
  expect(transactions.complaints(report)).toEqual([])
  expect(report.read).toBeGreaterThan(0)
  expect(report.audit.counts.get('committed')).toBeGreaterThan(0)
}

longBlock('of three brokers', () => {
  const cluster = useProxied({})

  it('what is acknowledged is there, once and in order, and everything is told', async () => {
    const report = await producers.runProducers({
      cluster: cluster(),
      seed: 30,
      milliseconds: MILLISECONDS,
      directory: path.join(directory, 'producers')
    })
    expect(producers.complaints(report)).toEqual([])
    expect(report.written.acknowledged).toBeGreaterThan(0)
  }, 900_000)

  it(
    'what is consumed, transformed and produced is there once',
    () => transform(cluster(), 31),
    900_000
  )
})

longBlock('of three brokers with the first protocol of transactions', () => {
  const cluster = useProxied({ features: { 'transaction.version': 1 } })

  it(
    'what is consumed, transformed and produced is there once',
    () => transform(cluster(), 32),
    900_000
  )
})
