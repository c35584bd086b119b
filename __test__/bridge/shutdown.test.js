// @ts-check
'use strict'

/** Processes that are told to end while they begin, at brokers that let them wait. They end, by themselves and soon. */

const { execFile } = require('node:child_process')
const { once } = require('node:events')
const net = require('node:net')
const path = require('node:path')
const { promisify } = require('node:util')

const { setTimeout: pause } = require('node:timers/promises')

/** Half of what the quickest of the back-offs and time-outs would take that must not be waited for, ms. */
const SOON = 5000

/** @type {Record<string, (socket: net.Socket) => void>} */
const PEERS = {
  'accepts and stays silent': () => {},
  'closes at once': socket => socket.destroy(),
  'closes after a request': socket => socket.once('data', () => socket.destroy()),
  'says a little': socket => socket.once('data', () => socket.write(Buffer.from([0, 0])))
}

/** @type {net.Server} */
let server
/** Sockets accepted. */
let accepted = 0
/** @type {Set<net.Socket>} */
const open = new Set()

/** @param {(socket: net.Socket) => void} peer */
const listen = async peer => {
  accepted = 0
  server = net.createServer(socket => {
    accepted++
    open.add(socket)
    socket
      .on('close', () => open.delete(socket))
      .on('error', () => {})
      .resume()
    peer(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${/** @type {net.AddressInfo} */ (server.address()).port}`
}

afterEach(async () => {
  for (const socket of open) socket.destroy()
  await new Promise(done => server.close(done))
})

/** @param {any} options */
const run = async options => {
  const file = path.join(__dirname, 'programs/shutdown.js')
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [file, JSON.stringify({ after: 300, end: 'disconnect', ...options })],
    { timeout: 60_000 }
  )
  expect(stderr).toBe('')
  const [outcome, time, ...rest] = stdout.trim().split('\n')
  expect(rest).toEqual([])
  expect(Number(time)).toBeLessThan(SOON)
  await pause(50)
  expect(open.size).toBe(0)
  return outcome
}

const DISCONNECTED = /^KafkaJSNonRetriableError: Disconnected before /

describe.each(Object.keys(PEERS))('at a broker that %s', kind => {
  it.each(['chain', 'careless', 'run', 'describeGroup', 'admin'])(
    'disconnect() ends what was begun (%s)',
    async begin => {
      const brokers = [await listen(PEERS[kind])]
      const outcome = await run({ kafka: { brokers, connectionTimeout: 30_000 }, begin })
      expect(outcome).toMatch(DISCONNECTED)
      expect(accepted).toBeGreaterThan(0)
    }
  )
})

it.each([
  ['twice', DISCONNECTED],
  ['again', DISCONNECTED]
])('disconnect() %s', async (end, outcome) => {
  const brokers = [await listen(PEERS['accepts and stays silent'])]
  expect(await run({ kafka: { brokers }, begin: 'chain', end })).toMatch(outcome)
})

it('stop() ends a run() that is still connecting', async () => {
  const brokers = [await listen(PEERS['closes at once'])]
  expect(await run({ kafka: { brokers }, begin: 'run', end: 'stop' })).toBe(
    'KafkaJSNonRetriableError: Stopped before the group was joined'
  )
})

it.each([
  ['TLS', { ssl: true }],
  ['SASL', { sasl: { mechanism: 'plain', username: 'u', password: 'p' } }]
])('disconnect() ends a handshake (%s)', async (_, options) => {
  const brokers = [await listen(PEERS['accepts and stays silent'])]
  const kafka = { brokers, connectionTimeout: 30_000, ...options }
  expect(await run({ kafka, begin: 'chain' })).toMatch(DISCONNECTED)
})

it('disconnect() ends the look for an address and for a connection that nobody answers', async () => {
  await listen(PEERS['closes at once'])
  // Reserved for documentation: nobody is there. Where there is no way to it, that is known at once.
  for (const broker of ['192.0.2.1:9092', 'no-such-host.invalid:9092']) {
    const kafka = { brokers: [broker], connectionTimeout: 30_000 }
    expect(await run({ kafka, begin: 'chain' })).toMatch(DISCONNECTED)
  }
})
