// @ts-check
'use strict'

/** What whole processes do: how they end, what they survive. */

const { execFile } = require('node:child_process')
const { EventEmitter, once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { promisify } = require('node:util')

const { ROOT, allBlocks } = require('../docs/blocks')
const {
  committed,
  createTopic,
  observer,
  produce,
  sharedCluster,
  uniqueName,
  waitFor,
  withAdmin
} = require('../kafka/helpers')

const { brokers } = sharedCluster()

/**
 * Runs a program to its own end, which must be in time and without an error.
 * @returns {Promise<string[]>} the lines it prints
 */
const run = async (program, options, flags = /** @type {string[]} */ ([])) => {
  const file = path.join(__dirname, 'programs', program)
  const args = [...flags, file, JSON.stringify({ brokers, ...options })]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 240_000 })
  expect(stderr).toBe('')
  return stdout.trim().split('\n')
}

/** @param {number} count @param {number} [partitions] */
const filled = async (count, partitions = 1) => {
  const topic = await createTopic({ partitions })
  const messages = Array.from({ length: count }, (_, i) => ({
    value: `${i} ${'x'.repeat(100)}`,
    partition: i % partitions
  }))
  await produce(topic, messages)
  return topic
}

it('a process ends by itself after disconnect()', async () => {
  const [topic, groupId] = [await filled(100), uniqueName('group')]
  expect(await run('consume.js', { topic, groupId, count: 100 })).toEqual(['handled 100'])
  expect(await committed(groupId, topic)).toEqual({ 0: '100' })
})

it('a consumer that is connected keeps its process alive, one that is disconnected does not', async () => {
  const [topic, groupId] = [await filled(1), uniqueName('group')]
  expect(await run('connect.js', { topic, groupId })).toEqual(['still here'])
})

it('a consumer stops where the intrinsics are frozen', async () => {
  const [topic, groupId] = [await filled(5), uniqueName('group')]
  const flags = ['--frozen-intrinsics', '--no-warnings']
  expect(await run('consume.js', { topic, groupId, count: 5 }, flags)).toEqual(['handled 5'])
})

it.each([
  'throws an Error',
  'rejects with an Error',
  'throws a string',
  'throws a frozen object',
  'rejects later',
  'returns a thenable that throws'
])('a handler that %s does not take the process down: it is called again', async fail => {
  const [topic, groupId] = [await filled(5), uniqueName('group')]
  expect(await run('consume.js', { topic, groupId, count: 5, fail })).toEqual(['handled 5'])
  expect(await committed(groupId, topic)).toEqual({ 0: '5' })
})

it.each(['throws null', 'rejects with undefined', 'throws a TypeError'])(
  'a handler that %s ends the consumer, and not the process',
  async fail => {
    const [topic, groupId] = [await filled(5), uniqueName('group')]
    expect(await run('consume.js', { topic, groupId, count: 5, fail })).toEqual([
      'crash false',
      'handled 0'
    ])
    expect(await committed(groupId, topic)).toEqual({ 0: '-1' })
  }
)

// In a process of its own: one handler of another spec that is no async function, and contexts are tracked for good. Without that
// no stack shows that a callback's stop() is the handler's, so it ends when the engine waits for handlers no longer (on Node 24,
// where contexts cost nothing, at once).
it.each(['stop', 'disconnect'])(
  '%s() in a callback of an async handler, and awaited there, ends where nothing tracks contexts',
  async end => {
    const [topic, groupId] = [await filled(10), uniqueName('group')]
    expect(await run('endInCallback.js', { topic, groupId, end })).toEqual([
      'untracked',
      'handled 0,1,2,3'
    ])
  }
)

/** The programs in the documents that a signal ends. */
const ENDING = allBlocks().filter(
  ({ language, code }) => language === 'js' && /process\.once\(/.test(code) && /\.run\(/.test(code)
)

describe.each(ENDING.map(({ page, code }) => [page, code]))('the program in %s', (_, code) => {
  const client = process.env.CLIENT === 'kafkajs' ? require.resolve('kafkajs') : ROOT
  const isModule = !code.includes('require(')
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kafkars-ending-'))
  afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

  /** Begins it, with the names of this run. @param {{ topic: string, groupId: string, seed: string }} names */
  const begin = ({ topic, groupId, seed }) => {
    const given = code.includes('new Kafka(')
      ? ''
      : `import { Kafka } from 'kafkars'
         const handle = async () => {}
         const kafka = new Kafka({ brokers: ['localhost:9092'] })\n`
    const program = `${given}${code}`
      .replace(/(from |require\()'kafkars'/, `$1${JSON.stringify(require.resolve(client))}`)
      .replace('localhost:9092', seed)
      .replace("groupId: 'shop'", `groupId: '${groupId}'`)
      .replace("topics: ['orders']", `topics: ['${topic}']`)
    const file = path.join(directory, `program.${isModule ? 'mjs' : 'cjs'}`)
    fs.writeFileSync(file, program)
    const child = execFile(process.execPath, [file])
    let stderr = ''
    child.stderr?.on('data', data => (stderr += data))
    return { child, complaints: () => stderr }
  }

  /** Tells it to end, which it has to do soon and without a word. @param {ReturnType<typeof begin>} program */
  const end = async ({ child, complaints }) => {
    child.kill(code.includes('SIGTERM') ? 'SIGTERM' : 'SIGINT')
    const slow = setTimeout(() => child.kill('SIGKILL'), 10_000)
    const [status, signal] = await once(child, 'close')
    clearTimeout(slow)
    expect({ status, signal, stderr: complaints() }).toEqual({
      status: 0,
      signal: null,
      stderr: ''
    })
  }

  it('ends well while no broker answers', async () => {
    const silent = net.createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = /** @type {net.AddressInfo} */ (silent.address())
    const program = begin({ topic: 'orders', groupId: 'shop', seed: `127.0.0.1:${port}` })
    await once(silent, 'connection')
    await end(program).finally(() => silent.close())
  })

  it('ends well while it joins its group', async () => {
    const [topic, groupId] = [await filled(1), uniqueName('group')]
    // A member whose handler does not end: the rebalance waits for it.
    const other = observer().consumer({ groupId })
    const handling = new EventEmitter()
    const begun = once(handling, 'begun')
    const eachMessage = async () => {
      handling.emit('begun')
      await once(handling, 'done')
    }
    await other.subscribe({ topics: [topic], fromBeginning: true })
    await other.run({ eachMessage })
    await begun
    const program = begin({ topic, groupId, seed: brokers[0] })
    await waitFor(async () => {
      const { groups } = await withAdmin(undefined, admin => admin.describeGroups([groupId]))
      return groups[0].state === 'PreparingRebalance'
    })
    try {
      await end(program)
    } finally {
      handling.emit('done')
      await other.disconnect()
    }
  })
})

it('worker threads can be terminated while they consume', async () => {
  const [topic, groupId] = [await filled(20_000, 3), uniqueName('group')]
  expect(await run('workers.js', { topic, groupId, rounds: 20 })).toEqual(['survived'])
})

it('disconnect() leaves nothing open that Jest would report', async () => {
  const [topic, groupId] = [await filled(5), uniqueName('group')]
  expect(await run('handles.js', { topic, groupId, count: 5 })).toEqual(['open:'])
})

it('consumers that come and go leave no memory behind', async () => {
  const [topic, groupId] = [await filled(2000, 3), uniqueName('group')]
  const options = { topic, groupId, count: 2000, rounds: 60 }
  const memory = (await run('churn.js', options, ['--expose-gc'])).map(line =>
    line.split(' ').map(Number)
  )
  expect(memory).toHaveLength(6)
  // The first rounds warm up: code, the allocator's arenas, connections' buffers.
  const [, , warm, , , last] = memory
  const [resident, buffers] = last.map((now, i) => now - warm[i])
  expect(resident).toBeLessThan(16)
  // Buffers that nobody has written to are not resident: leaked, they show here alone.
  expect(buffers).toBeLessThan(16)
})
