// @ts-check
'use strict'

/** What a producer takes at the most: memory, time and threads, when brokers do not answer and programs do not listen. */

const { spawn } = require('node:child_process')
const path = require('node:path')
const { createInterface } = require('node:readline')
const { setTimeout: pause } = require('node:timers/promises')

const { longSpec } = require('../ci/soak')
const { createTopic } = require('../kafka/helpers')
const { createKafka, createProducer, readLog, rejection } = require('./support')
const { startProducer, useCluster, valuesOf } = require('./support')

const MB = 2 ** 20

/** @type {import('../kafka').Cluster} */
let cluster
useCluster({ proxied: true }, async own => {
  cluster = own
})

const proxied = () => createKafka({ brokers: cluster.listeners.proxied })
const everyProxy = (/** @type {(proxy: any) => void} */ does) => cluster.proxies.forEach(does)

/** Nothing else happens in this process. @param {number} ms */
const block = ms => {
  const until = Date.now() + ms
  while (Date.now() < until);
}

it('keeps within bufferMemory and little more while nobody answers, and ends in time', async () => {
  const topic = await createTopic({ brokers: cluster.brokers })
  const bufferMemory = 32 * MB
  // As much again as there is room for.
  const [size, sends] = [1000, 40_000]
  const job = { brokers: cluster.listeners.proxied, topic, bufferMemory, size, sends }
  const program = path.join(__dirname, 'programs', 'outstanding.js')
  const child = spawn(process.execPath, [program, JSON.stringify(job)], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => (await lines.next()).value
  expect(await next()).toBe('ready')
  everyProxy(proxy => proxy.stall())
  child.stdin.write('go\n')
  const waiting = JSON.parse(await next())
  expect(waiting.settled).toBe(0)
  expect(waiting.growth).toBeGreaterThan(bufferMemory / 2)
  expect(waiting.growth).toBeLessThan(bufferMemory + 60 * MB)
  const ended = JSON.parse(await next())
  expect(ended.settled).toBe(sends)
  child.stdin.end()
})

it('disconnects in its time with no broker alive, and tells what is not written', async () => {
  const topic = await createTopic({ brokers: cluster.brokers })
  const producer = await startProducer({ kafka: proxied() })
  await producer.send({ topic, messages: [{ value: 'written' }] })
  everyProxy(proxy => {
    proxy.refuse()
    proxy.cut()
  })
  const lost = rejection(producer.send({ topic, messages: [{ value: 'lost' }] }))
  const begun = Date.now()
  await /** @type {any} */ (producer).disconnect({ timeout: 1000 })
  expect(await lost).toBeInstanceOf(Error)
  expect(Date.now() - begun).toBeLessThan(20_000)
  expect(valuesOf(await readLog(topic, cluster.brokers))).toEqual(['written'])
})

it('rejects what has waited for room for longer than maxBlock, and nothing else', async () => {
  const topic = await createTopic({ brokers: cluster.brokers })
  const options = { bufferMemory: 10_000, maxBlock: 500 }
  const producer = await startProducer({ kafka: proxied(), ...options })
  const send = (/** @type {string} */ value) => producer.send({ topic, messages: [{ value }] })
  await send('first')
  everyProxy(proxy => proxy.stall())
  const within = send('a'.repeat(5000))
  const beyond = rejection(send('b'.repeat(8000)))
  expect(await beyond).toMatchObject({ message: expect.stringContaining('500 ms (maxBlock)') })
  for (const proxy of cluster.proxies) await proxy.heal()
  await within
  const values = valuesOf(await readLog(topic, cluster.brokers))
  expect(values.map(value => value?.length)).toEqual([5, 5000])
})

it('is one of a hundred in a process', async () => {
  const topic = await createTopic({ brokers: cluster.brokers })
  const kafka = createKafka({ brokers: cluster.brokers })
  const producers = Array.from({ length: 100 }, () => createProducer({ kafka }))
  await Promise.all(producers.map(producer => producer.connect()))
  const rounds = [0, 1, 2].map(round =>
    producers.map((producer, n) =>
      producer.send({ topic, messages: [{ key: String(n), value: String(round) }] })
    )
  )
  await Promise.all(rounds.flat())
  const log = await readLog(topic, cluster.brokers)
  expect(log).toHaveLength(300)
  for (let n = 0; n < 100; n++) {
    const values = valuesOf(log.filter(({ key }) => key === String(n)))
    expect(values).toEqual(['0', '1', '2'])
  }
  await Promise.all(producers.map(producer => producer.disconnect()))
})

/** @param {number} ms */
const survives = async ms => {
  const topic = await createTopic({ brokers: cluster.brokers })
  const producer = await startProducer({ kafka: createKafka({ brokers: cluster.brokers }) })
  const send = (/** @type {string} */ value) => producer.send({ topic, messages: [{ value }] })
  await send('before')
  const [during, handedOver] = [send('handed over'), pause(0)]
  await handedOver
  const other = send('in the turn that does not end')
  block(ms)
  await Promise.all([during, other])
  await send('after')
  expect(valuesOf(await readLog(topic, cluster.brokers))).toEqual([
    'before',
    'handed over',
    'in the turn that does not end',
    'after'
  ])
}

it('goes on after the event loop was blocked', () => survives(3000))
longSpec('goes on after the event loop was blocked for half a minute', () => survives(30_000))
