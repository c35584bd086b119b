// @ts-check
/**
 * `npm run kafka:up [-- --brokers 3]` starts a cluster in the background, `npm run kafka:down` ends it.
 *
 * up    starts a keeper, waits until it has written `.kafka/up.json`, prints what to export
 * keep  (the keeper) holds the cluster, and a loopback port on which it can be told to stop
 * down  tells it
 *
 * Whether a cluster is up is asked at the port and never guessed from a pid, which may belong to anybody by now.
 */
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const { setTimeout: pause } = require('node:timers/promises')
const { parseArgs } = require('node:util')

const { startCluster } = require('.')
const { HOME } = require('./fetch')
const { closeInherited } = require('./inherited')

const STATE = path.join(HOME, 'up.json')
const LOG = path.join(HOME, 'up.log')

/** @param {string | undefined} brokers */
const up = async brokers => {
  if (await ask('status')) {
    console.log('# This cluster is up already:')
    return report()
  }
  fs.mkdirSync(HOME, { recursive: true })
  const log = fs.openSync(LOG, 'w')
  const { NODE_OPTIONS, ...env } = process.env
  const keeper = spawn(process.execPath, [__filename, 'keep', '--brokers', brokers ?? '1'], {
    cwd: HOME,
    env,
    detached: true,
    stdio: ['ignore', log, log]
  })
  const ended = new Promise(resolve => keeper.once('exit', () => resolve('ended')))
  process.once('SIGINT', () => {
    keeper.kill()
    process.exit(130)
  })
  while (!(await ask('status'))) {
    if ((await Promise.race([ended, pause(100)])) !== 'ended') continue
    if (await ask('status')) break // another `up` has been quicker, and ours gave way
    throw new Error(fs.readFileSync(LOG, 'utf8').trim())
  }
  keeper.unref()
  report()
}

const report = () => {
  const { brokers } = readState()
  console.log(`export KAFKA_BROKERS=${brokers.join(',')}`)
  console.log(`export KAFKA_FIXTURE=${STATE}`)
}

/** @param {string | undefined} brokers */
const keep = async brokers => {
  closeInherited()
  const count = Number(brokers)
  if (count !== 1 && count !== 3) throw new Error('--brokers: a cluster has 1 or 3 nodes')
  const cluster = await startCluster({ brokers: count, lasting: true })
  /** @returns {Promise<string>} */
  const stop = async () => {
    const answer = await cluster.stop().then(
      () => 'stopped',
      error => error.message
    )
    fs.rmSync(STATE, { force: true })
    return answer
  }
  const server = net.createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', async question => {
      if (String(question) === 'status') socket.end('up')
      else if (String(question) === 'stop') socket.end(await stop(), () => process.exit())
    })
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () =>
      stop()
        .then(console.log)
        .finally(() => process.exit())
    )
  }

  const { nodes, proxies, stop: _, ...description } = cluster
  const { port } = /** @type {net.AddressInfo} */ (server.address())
  const state = JSON.stringify({ ...description, keeper: { pid: process.pid, port } }, null, 2)
  if (await ask('status')) return cluster.stop().then(() => process.exit(0))
  fs.writeFileSync(`${STATE}.${process.pid}`, state)
  fs.renameSync(`${STATE}.${process.pid}`, STATE)
}

const down = async () => {
  const answer = await ask('stop')
  if (answer === '') {
    fs.rmSync(STATE, { force: true })
    console.log('# No cluster is up')
  } else if (answer !== 'stopped') {
    throw new Error(answer)
  }
  fs.rmSync(LOG, { force: true })
}

/**
 * @param {'status' | 'stop'} question
 * @returns {Promise<string>} the keeper's answer; empty when there is none
 */
const ask = question => {
  const { keeper } = readState()
  if (!keeper) return Promise.resolve('')
  return new Promise(resolve => {
    let answer = ''
    const socket = net.connect(keeper.port, '127.0.0.1')
    socket.on('connect', () => socket.write(question))
    socket.on('data', data => {
      answer += data
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })
}

/** @returns {any} an empty object when there is none */
const readState = () => (fs.existsSync(STATE) ? JSON.parse(fs.readFileSync(STATE, 'utf8')) : {})

const USAGE = 'usage: cli.js up [--brokers 1|3] | down'

const main = async () => {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { brokers: { type: 'string' }, help: { type: 'boolean' } }
  })
  const [command] = positionals
  if (values.help) console.log(USAGE)
  else if (command === 'up') await up(values.brokers)
  else if (command === 'keep') await keep(values.brokers)
  else if (command === 'down') await down()
  else throw new Error(USAGE)
}

main().catch(error => {
  console.error(error.message)
  process.exit(1)
})
