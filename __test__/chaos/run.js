// @ts-check
'use strict'

/**
 * npm run chaos -- --minutes 5 --seed 1 [--faults 'a broker is killed,links stall'] [--modes batch,manual]
 *   [--protocol eager|cooperative|consumer]
 *
 * Ledgers and logs stay in `.kafka/chaos/<seed>-<protocol>`.
 */

const fs = require('node:fs')
const path = require('node:path')
const { parseArgs } = require('node:util')

const { startCluster } = require('../kafka')
const { PROTOCOLS, complaints, runChaos } = require('./chaos')

const main = async () => {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '5' },
      seed: { type: 'string', default: String(Date.now() % 10_000) },
      faults: { type: 'string' },
      modes: { type: 'string' },
      protocol: { type: 'string', default: 'eager' }
    }
  })
  const { minutes, seed, faults, modes } = values
  const protocol = PROTOCOLS.find(name => name === values.protocol)
  if (!protocol) throw new Error(`--protocol: one of ${PROTOCOLS.join(', ')}`)
  const directory = path.join(__dirname, '../../.kafka/chaos', `${seed}-${protocol}`)
  fs.rmSync(directory, { recursive: true, force: true })
  const start = Date.now()
  const log = (/** @type {string} */ line) =>
    console.log(`${((Date.now() - start) / 1000).toFixed(1).padStart(7)} s  ${line}`)
  log(`seed ${seed}, protocol ${protocol}`)
  const cluster = await startCluster({ brokers: 3, proxied: true })
  try {
    const report = await runChaos({
      cluster,
      seed: Number(seed),
      milliseconds: Number(minutes) * 60_000,
      directory,
      protocol,
      log,
      ...(faults && { faults: faults.split(',') }),
      ...(modes && { modes: modes.split(',') })
    })
    const { audit } = report
    console.log(
      `${protocol}: ${report.acknowledged} acknowledged, ${report.aborted} aborted, ${audit.handled} handled,`,
      `${audit.duplicates} twice, ${audit.crashes.length} restarts, caught up in ${report.settled} ms,`,
      `longest stall ${audit.longestStall} ms, memory ${audit.memory.join(' ')} MB`
    )
    for (const crash of new Set(audit.crashes.map(line => line.replace(/^.*?: /, '')))) {
      console.log(`  restarted after ${crash}`)
    }
    const wrong = complaints(report)
    for (const line of wrong) console.log(line)
    process.exitCode = wrong.length > 0 ? 1 : 0
  } finally {
    await cluster.stop()
  }
}

main().catch(error => {
  console.error(error)
  process.exitCode = 1
})
