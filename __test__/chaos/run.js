// @ts-check
'use strict'

/**
 * `npm run chaos -- --help` says what there is. Everything fails for some minutes, on three brokers, and every message is accounted for.
 */

const fs = require('node:fs')
const path = require('node:path')

const { startCluster } = require('../kafka')
const { optionsOf } = require('../usage')
const { PROTOCOLS, complaints, runChaos } = require('./chaos')
const { complaints: producerComplaints, runProducers } = require('./producers')
const { complaints: transactionComplaints, runTransactions } = require('./transactions')

const USAGE = `npm run chaos -- [--minutes 5] [--seed 1] [--faults 'a broker is killed,links stall'] [--modes batch,manual]
                 [--protocol ${PROTOCOLS.join('|')}]
                 what a group reads
  --transactions [--transaction-version 1|2]
                 what a group reads, and writes in transactions
  --producer     what a hundred producers write

Ledgers and logs stay in .kafka/chaos/<what>-<seed>-<protocol>.`

const group = {
  run: runChaos,
  complaints,
  /** @param {import('./chaos').Report} report */
  summary: ({ acknowledged, aborted, audit, settled }) =>
    `${acknowledged} acknowledged, ${aborted} aborted, ${audit.handled} handled, ${audit.duplicates} twice, caught up in ${settled} ms`
}

const transactions = {
  run: runTransactions,
  complaints: transactionComplaints,
  /** @param {import('./transactions').Report} report */
  summary: ({ read, aborted, settled, ends }) =>
    `${read} read, ${aborted} aborted before, caught up in ${settled} ms, members: ${JSON.stringify(ends)}`
}

const producers = {
  run: runProducers,
  complaints: producerComplaints,
  /** @param {import('./producers').Report} report */
  summary: ({ written, ends }) => {
    const { sent, acknowledged, rejected, doubtful, before, late, entries, repeated, swapped } =
      written
    const latest = late.reduce((longest, { after }) => Math.max(longest, after), 0)
    const lines = [...written.errors].map(([error, times]) => `\n  ${times} sends: ${error}`)
    return [
      `${sent} sent, ${acknowledged} acknowledged, ${rejected} rejected (${doubtful} in doubt: ${before} were written by then, ${late.length} up to ${latest} ms later)`,
      `${entries} in the log; without numbers: ${repeated} twice, ${swapped} out of order; programs: ${JSON.stringify(ends)}`,
      lines.join('')
    ].join(', ')
  }
}

const main = async () => {
  const values = optionsOf(USAGE, {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 10_000) },
    faults: { type: 'string' },
    modes: { type: 'string' },
    protocol: { type: 'string', default: 'eager' },
    transactions: { type: 'boolean' },
    'transaction-version': { type: 'string', default: '2' },
    producer: { type: 'boolean' }
  })
  const { minutes, seed, faults, modes } = values
  const protocol = PROTOCOLS.find(name => name === values.protocol)
  if (!protocol) throw new Error(`--protocol: one of ${PROTOCOLS.join(', ')}`)
  const version = Number(values['transaction-version'])
  const kind = values.transactions ? 'transactions' : values.producer ? 'producer' : 'group'
  const name = [kind, seed, protocol, ...(values.transactions ? [`v${version}`] : [])].join('-')
  const directory = path.join(__dirname, '../../.kafka/chaos', name)
  fs.rmSync(directory, { recursive: true, force: true })
  const start = Date.now()
  const log = (/** @type {string} */ line) =>
    console.log(`${((Date.now() - start) / 1000).toFixed(1).padStart(7)} s  ${line}`)
  log(name)
  const { run, summary, complaints: complain } = KINDS[kind]
  const cluster = await startCluster({
    brokers: 3,
    proxied: true,
    ...(version === 1 && { features: { 'transaction.version': 1 } })
  })
  try {
    const report = /** @type {any} */ (
      await run({
        cluster,
        seed: Number(seed),
        milliseconds: Number(minutes) * 60_000,
        directory,
        protocol,
        log,
        ...(faults && { faults: faults.split(',') }),
        ...(modes && { modes: modes.split(',') })
      })
    )
    const { audit } = report
    console.log(
      `${name}: ${summary(report)}, ${audit.crashes.length} restarts of consumers,`,
      `longest stall ${audit.longestStall} ms, memory ${audit.memory.join(' ')} MB`
    )
    for (const [what, times] of audit.counts) console.log(`  ${times} × ${what}`)
    for (const crash of new Set(audit.crashes.map(line => line.replace(/^.*?: /, '')))) {
      console.log(`  restarted after ${crash}`)
    }
    const wrong = complain(report)
    for (const line of wrong) console.log(line)
    if (wrong.length > 0) {
      for (const { id, logFile } of cluster.nodes) {
        fs.copyFileSync(logFile, path.join(directory, `broker-${id}.log`))
      }
    }
    process.exitCode = wrong.length > 0 ? 1 : 0
  } finally {
    await cluster.stop()
  }
}

const KINDS = { group, transactions, producer: producers }

main().catch(error => {
  console.error(error)
  process.exitCode = 1
})
