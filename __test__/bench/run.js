'use strict'

/**
 * `npm run bench`: every client reads the same topics from a real broker, side by side.
 *
 * One run is one client, one API, one workload in a fresh process. Runs are interleaved (A B C, B C A, …),
 * so that a slow minute of the machine hits all clients, and the table shows medians of the rounds.
 */

const { execFileSync, spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const { HELP, parse } = require('./options')

const ROOT = path.join(__dirname, '..', '..')
/** ms after which a run has failed */
const RUN_TIMEOUT = 120_000

/** @typedef {import('./workloads').Workload} Workload */

const main = async () => {
  const options = parse(process.argv.slice(2))
  if (!options) return say(HELP)
  installPeers()

  // What is needed only from here on may need the peers.
  const { CLIENTS } = require('./clients')
  const { CALM, machine } = require('./machine')
  const { measureCalls, measureLatency } = require('./per-message')
  const { measureProduce } = require('./produce')
  const { report } = require('./report')
  const { HOME, KAFKA_VERSION } = require('../kafka/fetch')
  const { sharedCluster } = require('../kafka/shared')

  const clients = options.clients || CLIENTS
  const elsewhere = process.env.KAFKA_BROKERS || process.env.KAFKA_FIXTURE
  const versions = options.mode === 'throughput' ? versionsOf(clients, CLIENTS) : {}
  if (!elsewhere) say('starting a broker')
  const cluster = await sharedCluster()
  const save = (/** @type {object} */ figures) => {
    const file = path.join(HOME, `bench-${new Date().toISOString().replace(/[:.]/g, '-')}.json`)
    fs.writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`)
    say(`\n${path.relative(process.cwd(), file)}`)
  }
  let sections
  try {
    const place = machine(elsewhere ? `at ${cluster.brokers.join(', ')}` : KAFKA_VERSION)
    if (options.mode !== 'throughput') {
      const { mode, rounds, seconds } = options
      say(`${place}\n${mode}: ${rounds} rounds of ${seconds} s`)
      const measureIt = { calls: measureCalls, latency: measureLatency, produce: measureProduce }
      save({ machine: place, mode, sections: await measureIt[mode](cluster.brokers, options, say) })
      if (options.keep) await keep(cluster.brokers)
      return
    }
    sections = []
    for (const workload of options.workloads) {
      sections.push(await measure(cluster.brokers, workload, clients, options))
    }
    const peers = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
    say(`\n${place}\n${peers.join(', ')}; median of ${options.rounds} (lowest–highest)`)
    const runs = sections.flatMap(section => section.runs)
    const disturbed = runs.filter(({ busy }) => busy > CALM).length
    if (disturbed > 0) {
      say(`${disturbed} of ${runs.length} runs began while something else was busy: see --calm`)
    }
    say('')
    say(report(sections, options))

    save({ machine: place, versions, rounds: options.rounds, sections })
    if (options.keep) await keep(cluster.brokers)
  } finally {
    await cluster.stop()
  }
}

/** The peers are no dependencies of the product: they have a package.json of their own. */
const installPeers = () => {
  const { dependencies } = readJson(path.join(__dirname, 'package.json'))
  const missing = Object.entries(dependencies).filter(([name, version]) => {
    const manifest = path.join(__dirname, 'node_modules', name, 'package.json')
    return !fs.existsSync(manifest) || readJson(manifest).version !== version
  })
  if (missing.length === 0) return
  say(`installing ${missing.map(entry => entry.join('@')).join(', ')}`)
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const shell = process.platform === 'win32'
  execFileSync(npm, ['ci', '--no-audit', '--no-fund'], { cwd: __dirname, stdio: 'inherit', shell })
}

/**
 * Loads every client once, so that a missing one is known before minutes have been spent.
 * @param {string[]} clients
 * @param {string[]} known
 * @returns {Record<string, string>}
 */
const versionsOf = (clients, known) => {
  const unknown = clients.filter(name => !known.includes(name))
  if (unknown.length > 0) {
    throw new Error(`--client ${unknown.join(', ')}: choose from ${known.join(', ')}`)
  }
  return Object.fromEntries(
    clients.map(name => {
      const file = path.join(__dirname, 'clients', name)
      const client = require(file)
      const script = `require(${JSON.stringify(file)}).load('none')`
      try {
        execFileSync(process.execPath, ['-e', script], { stdio: 'pipe' })
        return [name, readJson(path.join(__dirname, client.manifest)).version]
      } catch (error) {
        const { stderr } = /** @type {any} */ (error)
        const others = clients.filter(other => other !== name).map(other => `--client ${other}`)
        throw new Error(
          `${name} cannot be loaded (npm run build?); without it: npm run bench -- ` +
            `${others.join(' ')}\n${stderr}`
        )
      }
    })
  )
}

/**
 * @param {string[]} brokers
 * @param {Workload} workload
 * @param {string[]} clients
 * @param {import('./options').Options} options
 * @returns {Promise<import('./report').Section>}
 */
const measure = async (
  brokers,
  workload,
  clients,
  { apis, rounds, nodeArgs, wrap, ...options }
) => {
  const { fill } = require('./data')
  const { calm } = require('./machine')
  const { titleOf } = require('./workloads')
  const title = titleOf(workload)
  say(title)
  if (await fill(brokers, workload)) say('  written')
  // A throw-away read, for the page cache and the broker's compiler.
  await runOnce(brokers, workload, { client: clients[0], api: 'eachBatch', nodeArgs: [], wrap: [] })

  /** @type {import('./report').Run[]} */
  const runs = []
  for (let round = 0; round < rounds; round++) {
    const turn = round % clients.length
    const order = [...clients.slice(turn), ...clients.slice(0, turn)]
    for (const api of apis) {
      for (const client of order.filter(name => has(name, api))) {
        const busy = await calm(options.calm)
        const figures = await runOnce(brokers, workload, { client, api, nodeArgs, wrap })
        runs.push({ client, api, round, busy, figures })
        say(`  round ${round + 1}  ${api.padEnd(11)}  ${client.padEnd(10)}  ${inShort(figures)}`)
      }
    }
  }
  return { workload: workload.name, title, codec: workload.codec, runs }
}

/** @param {string} client @param {string} api */
const has = (client, api) => {
  const { COMPARED } = require('./report')
  return !(api in COMPARED) || Boolean(require(`./clients/${client}`).more?.includes(api))
}

/**
 * @param {string[]} brokers
 * @param {Workload} workload
 * @param {{ client: string, api: string, nodeArgs: string[], wrap: string[] }} how
 * @returns {Promise<import('./meter').Figures>}
 */
const runOnce = async (brokers, workload, { client, api, nodeArgs, wrap }) => {
  const { bytesIn, committedBy } = require('./data')
  const { topicOf } = require('./workloads')
  const { messages, codec, keyed } = workload
  const groupId = `bench-${client}-${api.replace(' ', '-')}-${process.pid}-${Date.now()}`
  const job = { client, api, brokers, topic: topicOf(workload), groupId, codec, messages, keyed }
  const node = [process.execPath, ...nodeArgs, path.join(__dirname, 'one-run.js')]
  const output = await execute([...wrap, ...node, JSON.stringify(job)])

  const lines = output.trimEnd().split('\n')
  /** @type {import('./meter').Figures} */
  const figures = JSON.parse(lines.pop() || '')
  // --trace-gc and its like print to stdout.
  lines.forEach(say)
  const { count, bytes } = figures
  if (count !== messages || bytes !== bytesIn(workload)) {
    throw new Error(
      `${client} ${api} delivered ${count} messages with ${bytes} bytes ` +
        `instead of ${messages} with ${bytesIn(workload)}`
    )
  }
  // A client that does not commit has had less to do.
  const committed = await committedBy(brokers, job.topic, groupId)
  if (committed !== messages) {
    throw new Error(`${client} ${api} has committed ${committed} of ${messages} messages`)
  }
  return figures
}

/**
 * @param {string[]} command
 * @returns {Promise<string>} its stdout
 */
const execute = ([file, ...args]) =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', chunk => (output += chunk))
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`no end after ${RUN_TIMEOUT / 1000} s: ${file} ${args.join(' ')}`))
    }, RUN_TIMEOUT)
    child.on('error', reject)
    child.on('close', code => {
      clearTimeout(timer)
      if (code === 0) resolve(output)
      else reject(new Error(`exit code ${code}: ${file} ${args.join(' ')}\n${output}`))
    })
  })

/** @param {import('./meter').Figures} figures */
const inShort = ({ messagesPerSecond, totalMs, cpuMicros, stallMs, histogramStallMs, rssMb }) =>
  [
    `${(messagesPerSecond / 1000).toFixed(0).padStart(5)} k msg/s`,
    `${(totalMs / 1000).toFixed(2).padStart(6)} s`,
    `${cpuMicros.toFixed(2).padStart(5)} µs CPU/msg`,
    `${stallMs.toFixed(0).padStart(4)} ms stall (${histogramStallMs.toFixed(0)})`,
    `${rssMb.toFixed(0).padStart(4)} MB`
  ].join('  ')

/** @param {string[]} brokers */
const keep = async brokers => {
  say(`\nKAFKA_BROKERS=${brokers.join(',')}  (until Ctrl-C)`)
  await new Promise(resolve => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
    setInterval(() => {}, 2 ** 30)
  })
}

/** @param {string} file */
const readJson = file => JSON.parse(fs.readFileSync(file, 'utf8'))

/** @param {string} line */
const say = line => console.log(line)

main().then(
  () => process.exit(0),
  error => {
    console.error(error.message)
    process.exit(1)
  }
)
