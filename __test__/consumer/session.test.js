// @ts-check
'use strict'

/**
 * A member that stands still for longer than its session, or is cut off, has lost what it holds, and cannot have heard of it. It
 * hands out nothing more: another member is at it by then.
 */

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const { committed, createTopic, produce, uniqueName, withAdmin } = require('../kafka/helpers')
const {
  CLIENT,
  createConsumer,
  createKafka,
  lendCluster,
  numbered,
  pause,
  waitFor
} = require('./support')

const PARTITIONS = 6
/** Ways to consume, see `programs/ledger.js`. */
const MODES = ['eachMessage', 'concurrent', 'eachBatch', 'busy']
/** What who is cut off may hand out: what is on its way. kafkajs goes on until its heartbeat has failed. */
const AT_MOST = CLIENT === 'kafkajs' ? 10 : 1
/** Of who is to lose its session, ms. */
const SHORT = 2000
/** Of who is not, on however slow a machine, ms. */
const LONG = 30_000

/** @type {import('../kafka').Cluster} */
let cluster
/** @type {string} */
let directory
/** @type {string} */
let topic
const processes = /** @type {import('node:child_process').ChildProcess[]} */ ([])

beforeAll(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kafkars-session-'))
  cluster = await lendCluster({ proxied: true })
  const { brokers } = cluster
  topic = await createTopic({ partitions: PARTITIONS, brokers })
  await produce(topic, numbered(120_000, { partitions: PARTITIONS }), { brokers })
}, 120_000)

afterEach(() => {
  for (const child of processes.splice(0)) child.kill('SIGKILL')
  cluster.proxies[0].heal()
})

afterAll(async () => {
  await cluster?.stop()
  fs.rmSync(directory, { recursive: true, force: true })
})

/** A member in a process of its own, see `programs/ledger.js`. */
const startMember = (groupId, mode, { brokers = cluster.brokers, sessionTimeout = SHORT } = {}) => {
  const file = path.join(directory, uniqueName('member'))
  fs.writeFileSync(file, '')
  const program = path.join(__dirname, 'programs', 'ledger.js')
  const options = JSON.stringify({ brokers, topic, groupId, file, mode, sessionTimeout })
  const child = spawn(process.execPath, [program, options], { stdio: 'inherit' })
  processes.push(child)
  const lines = () => {
    const text = fs.readFileSync(file, 'latin1').split('\n').slice(0, -1)
    return text.map(line => line.split(' '))
  }
  const joins = () => lines().filter(([kind]) => kind === 'j')
  return {
    child,
    lines,
    joins,
    /** How many partitions it has. */
    share: () => joins().at(-1)?.[2].split(',').length ?? 0,
    /** Has it been handed something by its last assignment? */
    isAtWork: () => lines().at(-1)?.[0] === 'm'
  }
}

/** Does its coordinator say so? @param {string} groupId */
const hasNoMember = async groupId => {
  const { groups } = await withAdmin(cluster.brokers, admin => admin.describeGroups([groupId]))
  return groups[0].members.length === 0
}

/** What has been handed out behind `lines` lines, until it has joined again. */
const after = async (member, lines) => {
  const rest = () => member.lines().slice(lines)
  await waitFor(() => rest().some(([kind]) => kind === 'j'))
  const end = rest().findIndex(([kind]) => kind === 'j')
  return rest().slice(0, end)
}

/** @param {string} mode @param {{ brokers?: string[] }} [options] */
const startTwo = async (mode, { brokers } = {}) => {
  const groupId = uniqueName('group')
  const [member, other] = [startMember(groupId, mode, { brokers }), startMember(groupId, mode)]
  const isShared = ({ share, isAtWork }) => share() === PARTITIONS / 2 && isAtWork()
  await waitFor(() => isShared(member) && isShared(other))
  await pause(500)
  return { member, other }
}

/** @param {ReturnType<typeof startMember>} member @param {() => Promise<any>} until @returns how much it is handed then */
const standStill = async (member, until) => {
  member.child.kill('SIGSTOP')
  await until()
  const lines = member.lines().length
  member.child.kill('SIGCONT')
  const { length } = await after(member, lines)
  await waitFor(() => member.isAtWork())
  return length
}

// Beside each other: all that they do is to wait.
it('who stood still for longer than its session hands out nothing more', async () => {
  const takenOver = async mode => {
    const { member, other } = await startTwo(mode)
    return standStill(member, async () => {
      await waitFor(() => other.share() === PARTITIONS && other.isAtWork())
      await pause(500)
    })
  }
  const alone = async () => {
    const groupId = uniqueName('group')
    const member = startMember(groupId, 'eachMessage')
    await waitFor(() => member.isAtWork())
    return standStill(member, () => waitFor(() => hasNoMember(groupId)))
  }
  const [single, ...others] = await Promise.all([alone(), ...MODES.map(takenOver)])
  const handed = [single, ...others]
  // It may have been about to hand one out. (kafkajs begins the next batch before it knows.)
  expect(handed).toEqual(handed.map(count => Math.min(count, 1)))
}, 120_000)

it('who is cut off hands out nothing more when another one takes over', async () => {
  const { member, other } = await startTwo('eachMessage', { brokers: cluster.listeners.proxied })
  cluster.proxies[0].stall()
  await waitFor(() => other.share() === PARTITIONS && other.isAtWork())
  const [, takenOver] = other.joins().at(-1) ?? []
  await pause(1000)
  const late = member.lines().filter(([, time]) => time > takenOver)
  // One may have been on its way into the ledger.
  expect(late.length).toBeLessThanOrEqual(AT_MOST)
  const lines = member.lines().length
  cluster.proxies[0].heal()
  expect((await after(member, lines)).length).toBeLessThanOrEqual(AT_MOST)
  await waitFor(() => member.isAtWork())
}, 120_000)

it('who stood still for less goes on', async () => {
  const member = startMember(uniqueName('group'), 'eachMessage', { sessionTimeout: LONG })
  await waitFor(() => member.isAtWork())
  await pause(500)
  member.child.kill('SIGSTOP')
  await pause(1000)
  const lines = member.lines().length
  member.child.kill('SIGCONT')
  await waitFor(() => member.lines().length > lines + 50)
  expect(member.joins()).toHaveLength(1)
}, 120_000)

it.each([false, true])(
  'a batch that is at work while nobody is heard counts, if its member is one still: %p',
  async asks => {
    const { brokers, listeners, proxies } = cluster
    const name = await createTopic({ brokers })
    await produce(name, numbered(20), { brokers })
    const groupId = uniqueName('group')
    // Three heartbeats, of half a second here, make the member doubt; its coordinator waits for six seconds.
    const options = { groupId, groupProtocol: 'consumer', heartbeatInterval: undefined }
    const kafka = createKafka({ brokers: listeners.proxied })
    const consumer = createConsumer(/** @type {any} */ ({ kafka, ...options }))
    const handed = /** @type {number[]} */ ([])
    const doubts = () => /** @type {any} */ (consumer).health().waitsFor?.reason === 'session'
    await consumer.subscribe({ topic: name, fromBeginning: true })
    await consumer.run({
      eachBatch: async ({ batch, isStale }) => {
        handed.push(batch.messages.length)
        if (handed.length > 1) return
        proxies[0].stall()
        await waitFor(doubts)
        // Who asks is told, and may leave: then what it has not resolved is not handled.
        if (asks) expect(isStale()).toBe(true)
        proxies[0].heal()
        await waitFor(() => !doubts())
      }
    })
    await waitFor(async () => (await committed(groupId, name, brokers))[0] === '20')
    expect(handed).toEqual(asks ? [20, 20] : [20])
    await consumer.disconnect()
  },
  60_000
)
