// @ts-check
/**
 * The example programs, each run unchanged on both clients (on kafkajs in the soak run): what a program prints as its last line, and what it
 * leaves behind in files, topics and committed offsets, must be the same. `CLIENT=kafkajs` runs one client only.
 */
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { Kafka, logLevel } = require('kafkajs')

const { family } = require('../ci/soak')
const {
  committed,
  createTopic,
  logEnd,
  produce,
  sharedCluster,
  uniqueName,
  waitFor
} = require('../kafka/helpers')

const CLIENTS = process.env.CLIENT ? [[process.env.CLIENT]] : [['kafkars'], ['kafkajs']]

/** @type {string} */
let directory
beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kafkars-examples-'))
})
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()
afterEach(() => running.forEach(child => child.kill('SIGKILL')))

const ON_KAFKAJS = ['-r', path.join(__dirname, '../kafka/onKafkajs.js')]

/**
 * @param {string} program
 * @param {Record<string, string>} env `CLIENT`: kafkajs instead of kafkars
 */
const start = (program, env) => {
  const swap = env.CLIENT === 'kafkajs' ? ON_KAFKAJS : []
  const child = spawn(process.execPath, [...swap, path.join(__dirname, `${program}.js`)], {
    env: { ...process.env, KAFKA_BROKERS: sharedCluster().brokers.join(','), ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc']
  })
  running.add(child)
  let output = ''
  let errors = ''
  child.stdout?.on('data', data => (output += data))
  child.stderr?.on('data', data => (errors += data))
  const lines = () => output.trim().split('\n').filter(Boolean)
  const ended = new Promise(resolve =>
    child.once('close', code => {
      running.delete(child)
      resolve({ code, result: code === 0 ? JSON.parse(lines().pop() ?? 'null') : null, errors })
    })
  )
  return { child, lines, ended }
}

/**
 * @param {string} program
 * @param {Record<string, string>} env
 * @returns {Promise<any>} its last line
 */
const run = async (program, env) => {
  const { code, result, errors } = await start(program, env).ended
  if (code !== 0) throw new Error(`${program} ended with exit code ${code}: ${errors}`)
  return result
}

/**
 * @param {string} topic
 * @param {number} count
 * @param {(i: number) => import('kafkajs').Message} message
 */
const fill = (topic, count, message) =>
  produce(
    topic,
    Array.from({ length: count }, (_, i) => message(i))
  )

/** @param {object} value */
const json = value => JSON.stringify(value)

it('offset-store: every view counts once, by offsets that Kafka knows nothing of', async () => {
  const TOPIC = await createTopic({ partitions: 3 })
  const GROUP_ID = uniqueName('counter')
  const STORE = path.join(directory, GROUP_ID)
  await fill(TOPIC, 1000, i => ({ key: `page-${i % 4}`, value: 'viewed', partition: i % 3 }))

  const env = { TOPIC, GROUP_ID, STORE }
  expect((await start('offset-store', { ...env, CRASH_AFTER: '450' }).ended).code).toBe(137)
  const { handled, counts } = await run('offset-store', env)
  expect(counts).toEqual({ 'page-0': 250, 'page-1': 250, 'page-2': 250, 'page-3': 250 })
  // What was written by the first is not read again by the second.
  expect(handled).toBeLessThan(1000)
  expect(await committed(GROUP_ID, TOPIC)).toEqual({ 0: '-1', 1: '-1', 2: '-1' })
})

it('audit: what was paid since then, and no offset is committed', async () => {
  const TOPIC = await createTopic({ partitions: 3 })
  const noon = Date.parse('2026-01-01T12:00:00Z')
  const payment = i => json({ customer: `c${i % 4}`, cents: 100 })
  // One a second, and one that is no JSON.
  await fill(TOPIC, 1200, i => ({
    value: i === 601 ? 'cash' : payment(i),
    partition: i % 3,
    timestamp: String(noon + 1000 * i)
  }))
  const SINCE = new Date(noon + 600_000).toISOString()
  const { totals, unreadable, lag, state, metrics } = await run('audit', { TOPIC, SINCE })
  expect(totals).toEqual({ c0: 15_000, c1: 14_900, c2: 15_000, c3: 15_000 })
  expect({ unreadable, lag, state }).toEqual({ unreadable: ['1/200'], lag: 0, state: 'running' })
  expect(metrics).toContain('# TYPE kafkars_consumer_messages_total counter')
})

// kafkajs joins nevertheless, and tells of what it has lost.
it('service: a signal before it has begun ends it as well', async () => {
  const TOPIC = await createTopic()
  const { child, lines, ended } = start('service', { CLIENT: 'kafkars', TOPIC })
  await waitFor(() => lines().length > 0, { message: 'the service' })
  stopService(child)
  const { code, result, errors } = await ended
  expect({ code, errors }).toEqual({ code: 0, errors: '' })
  expect(result).toMatchObject({ reason: 'SIGTERM', handled: 0 })
})

family(
  CLIENTS,
  client => client === CLIENTS[0][0],
  describe
)('%s', CLIENT => {
  it('projector: every event counts once, although the process dies in between', async () => {
    const TOPIC = await createTopic({ partitions: 3 })
    const GROUP_ID = uniqueName('projector')
    const SNAPSHOT = path.join(directory, `${GROUP_ID}.json`)
    let totalCents = 0
    await fill(TOPIC, 1000, i => {
      const type = i % 4 === 3 ? 'withdrawn' : 'deposited'
      const cents = 100 + i
      totalCents += type === 'deposited' ? cents : -cents
      return { key: `account-${i % 17}`, value: json({ type, cents }) }
    })

    const env = { CLIENT, TOPIC, GROUP_ID, SNAPSHOT }
    const crashed = await start('projector', { ...env, CRASH_AFTER: '450' }).ended
    expect(crashed.code).toBe(137)
    expect(await run('projector', env)).toEqual({
      restored: 400,
      applied: 600,
      accounts: 17,
      totalCents
    })
    expect(await committed(GROUP_ID, TOPIC)).toEqual(await logEnd(TOPIC))
    // A third start has nothing to do and says so.
    expect(await run('projector', env)).toMatchObject({ restored: 1000, applied: 0, totalCents })
  })

  it('worker: momentary failures are retried, hopeless jobs become dead letters', async () => {
    const prefix = uniqueName('jobs')
    const mails = await createTopic({ topic: `${prefix}.mails`, partitions: 2 })
    const films = await createTopic({ topic: `${prefix}.films`, partitions: 1 })
    const DEAD_LETTERS = await createTopic()
    const GROUP_ID = uniqueName('worker')
    await fill(mails, 40, i => ({
      key: String(i),
      value: json(i % 10 === 5 ? { task: 'call', failures: 2 } : { task: 'add', a: i, b: 1 })
    }))
    await fill(mails, 1, () => ({ key: 'down', value: json({ task: 'call', failures: 99 }) }))
    await fill(films, 3, () => ({ key: 'film', value: json({ task: 'render', steps: 10 }) }))
    await fill(films, 1, () => ({ key: 'broken', value: 'not a job', headers: { from: 'spec' } }))

    const env = { CLIENT, TOPICS: `^${prefix}\\.`, DEAD_LETTERS, GROUP_ID, JOBS: '45' }
    expect(await run('worker', env)).toEqual({
      settled: 45,
      succeeded: 43,
      retried: 4 * 2 + 2,
      dead: 2,
      crashes: expect.any(Number),
      committed: true
    })
    const letters = await readAll(DEAD_LETTERS, 2)
    expect(letters).toEqual([
      {
        key: 'broken',
        headers: {
          from: 'spec',
          'dlq-source': `${films}/0/3`,
          'dlq-error': 'not JSON',
          'dlq-attempts': '1'
        }
      },
      {
        key: 'down',
        headers: {
          'dlq-source': expect.stringMatching(`^${mails}/[01]/\\d+$`),
          'dlq-error': '503 at attempt 3',
          'dlq-attempts': '3'
        }
      }
    ])
    expect(await committed(GROUP_ID, mails)).toEqual(await logEnd(mails))
    expect(await committed(GROUP_ID, films)).toEqual(await logEnd(films))
  })

  it('billing: many orders at once, those of a customer in order', async () => {
    const TOPIC = await createTopic({ partitions: 2 })
    const GROUP_ID = uniqueName('billing')
    const OUTPUT = path.join(directory, `${GROUP_ID}.ndjson`)
    await fill(TOPIC, 600, i => ({
      key: `customer-${i % 40}`,
      value: json({ order: i, cents: i }),
      partition: i % 2
    }))

    const env = { CLIENT, TOPIC, GROUP_ID, OUTPUT, ORDERS: '600' }
    expect(await run('billing', env)).toEqual({ charged: 600, customers: 40, failures: 3 })
    expect(await committed(GROUP_ID, TOPIC)).toEqual(await logEnd(TOPIC))

    const last = new Map()
    const lines = fs.readFileSync(OUTPUT, 'utf8').trim().split('\n')
    for (const { order, customer, balance } of lines.map(line => JSON.parse(line))) {
      expect(balance).toBe((last.get(customer)?.balance ?? 0) + order)
      expect(order).toBeGreaterThan(last.get(customer)?.order ?? -1)
      last.set(customer, { order, balance })
    }
  })

  it('etl: a slow sink pauses the partitions, every row is loaded once', async () => {
    const TOPIC = await createTopic({ partitions: 2 })
    const GROUP_ID = uniqueName('etl')
    const OUTPUT = path.join(directory, `${GROUP_ID}.ndjson`)
    await fill(TOPIC, 20_000, i => ({
      key: `sensor-${i}`,
      value: json({ celsius: (i % 400) / 10 }),
      partition: i % 2
    }))

    const result = await run('etl', { CLIENT, TOPIC, GROUP_ID, OUTPUT })
    expect(result).toMatchObject({ rows: 20_000, bounded: true, pausedInTheEnd: 0 })
    expect(result.pauses).toBeGreaterThan(0)
    expect(await committed(GROUP_ID, TOPIC)).toEqual(await logEnd(TOPIC))

    const rows = fs
      .readFileSync(OUTPUT, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(new Set(rows.map(({ sensor }) => sensor)).size).toBe(20_000)
    expect(rows).toContainEqual({ sensor: 'sensor-123', kelvin: 285.45, offset: '61' })
  })

  it('service: a signal loses nothing and repeats nothing', async () => {
    const TOPIC = await createTopic({ partitions: 4 })
    const GROUP_ID = uniqueName('service')
    await fill(TOPIC, 2000, i => ({ value: `mail ${i}`, partition: i % 4 }))

    const first = await serve({ CLIENT, TOPIC, GROUP_ID }, handled => handled >= 200)
    expect(first).toMatchObject({
      group: { state: 'Stable', members: 1 },
      abandoned: 0
    })
    expect(first.history).toEqual(['starting', 'ready', 'stopping', 'stopped', 'disconnected'])
    expect(first.handled).toBeGreaterThanOrEqual(200)
    expect(sum(await committed(GROUP_ID, TOPIC))).toBe(first.handled)

    const rest = 2000 - first.handled
    const second = await serve({ CLIENT, TOPIC, GROUP_ID }, handled => handled >= rest)
    expect(second.handled).toBe(rest)
    expect(await committed(GROUP_ID, TOPIC)).toEqual(await logEnd(TOPIC))
  })

  it('assigner: the strong member gets three quarters of the partitions', async () => {
    const TOPIC = await createTopic({ partitions: 8 })
    const GROUP_ID = uniqueName('assigner')
    await fill(TOPIC, 800, i => ({ value: `frame ${i}`, partition: i % 8 }))

    const result = await run('assigner', { CLIENT, TOPIC, GROUP_ID })
    expect(result).toMatchObject({
      protocol: 'CapacityAssigner',
      joinedWith: ['CapacityAssigner'],
      offsets: await logEnd(TOPIC)
    })
    const { strong, weak } = result.partitions
    expect(strong).toHaveLength(6)
    expect(weak).toHaveLength(2)
    expect([...strong, ...weak].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })
})

/** As the operating system would. @param {import('node:child_process').ChildProcess} child */
const stopService = child => {
  if (process.platform === 'win32') child.send('SIGTERM')
  else child.kill('SIGTERM')
}

/**
 * Runs the service until its health says so, then stops it as the operating system would.
 *
 * @param {Record<string, string>} env
 * @param {(handled: number) => boolean} enough
 */
const serve = async (env, enough) => {
  const { child, lines, ended } = start('service', env)
  const exited = ended.then(({ errors }) => {
    throw new Error(`the service ended early: ${errors}`)
  })
  exited.catch(() => {})
  const until = (/** @type {() => any} */ predicate) =>
    Promise.race([exited, waitFor(predicate, { message: 'the service' })])

  const { listening } = JSON.parse(await until(() => lines()[0]))
  await until(async () => {
    const health = await globalThis.fetch(`http://127.0.0.1:${listening}/health`)
    const { state, handled } = await health.json()
    return health.status === 200 && state === 'ready' && enough(handled)
  })
  stopService(child)
  const { code, result, errors } = await ended
  if (code !== 0) throw new Error(`the service ended with exit code ${code}: ${errors}`)
  expect(result.reason).toBe('SIGTERM')
  return result
}

/**
 * @param {string} topic
 * @param {number} count
 * @returns {Promise<{ key: string, headers: Record<string, string> }[]>} by key
 */
const readAll = async (topic, count) => {
  const kafka = new Kafka({ brokers: sharedCluster().brokers, logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: uniqueName('reader'), maxWaitTimeInMs: 100 })
  /** @type {{ key: string, headers: Record<string, string> }[]} */
  const messages = []
  try {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message: { key, headers = {} } }) => {
        const texts = Object.entries(headers).map(([name, value]) => [name, String(value)])
        messages.push({ key: String(key), headers: Object.fromEntries(texts) })
      }
    })
    await waitFor(() => messages.length >= count)
  } finally {
    await consumer.disconnect()
  }
  return messages.sort((a, b) => a.key.localeCompare(b.key))
}

/** @param {Record<number, string>} offsets */
const sum = offsets =>
  Object.values(offsets).reduce((total, offset) => total + Math.max(0, Number(offset)), 0)
