'use strict'

/**
 * One client writes for a while, in a process of its own. `node one-run.js '<json>'` prints its figures as one line of JSON, the
 * last one of stdout.
 *
 * ```
 * connect ── sends ────────── mark ─────────────── mark ── what is out ends ── disconnect
 *              └── warmUp ─────┴────── duration ─────┘
 * ```
 */

const fs = require('node:fs')
const { monitorEventLoopDelay, performance } = require('node:perf_hooks')
const { setTimeout: sleep } = require('node:timers/promises')

const { SHAPES } = require('./workloads')

/** ms between two ticks of the measurement of stalls; taken off its result */
const TICK = 2

/** @param {import('./index').Job} job */
const run = async job => {
  const { outstanding, messages, isTimed } = SHAPES[job.shape]
  const client = require(`./clients/${job.client}`)
  const producer = await client.connect(client.load(job.codec), { ...job, isTimed })
  const values = cut(fs.readFileSync(job.values), job.size)

  let [count, at, isOver] = [0, 0, false]
  /** @type {number[]} */
  const took = []
  const next = () => ({ value: values[at++ % values.length] })
  // As a program would, each send makes messages of its own.
  const record = () => (messages === 1 ? [next()] : Array.from({ length: messages }, next))
  const sendOn = async () => {
    while (!isOver) {
      await producer.send(record())
      count += messages
    }
  }
  const timeOn = async () => {
    while (!isOver) {
      const begun = performance.now()
      await producer.send(record())
      took.push(performance.now() - begun)
      count += messages
    }
  }
  const sending = Array.from({ length: outstanding }, isTimed ? timeOn : sendOn)
  const all = Promise.all(sending)
  await Promise.race([sleep(job.warmUp), all])

  const histogram = monitorEventLoopDelay({ resolution: TICK })
  histogram.enable()
  // The histogram knows nothing of a stall that has not ended, nor of one that is longer than all of the window.
  let [tickAt, stall] = [performance.now(), 0]
  const tick = () => {
    const now = performance.now()
    stall = Math.max(stall, now - tickAt)
    tickAt = now
  }
  const ticking = setInterval(tick, TICK)
  took.length = 0
  const [before, begun, cpu] = [count, performance.now(), process.cpuUsage()]
  await Promise.race([sleep(job.duration), all])
  const [written, elapsed] = [count - before, performance.now() - begun]
  const { user, system } = process.cpuUsage(cpu)
  histogram.disable()
  clearInterval(ticking)
  tick()
  took.sort((a, b) => a - b)
  const part = (/** @type {number} */ p) => took[Math.floor(took.length * p)]
  const latency = { p50: part(0.5), p99: part(0.99) }

  isOver = true
  await all
  await producer.disconnect()
  return {
    count,
    messagesPerSecond: (written / elapsed) * 1000,
    cpuMicros: (user + system) / written,
    ...latency,
    stallMs: Math.max(0, histogram.max / 1e6 - TICK, stall - TICK),
    rssMb: process.resourceUsage().maxRSS / 1024
  }
}

/** @param {Buffer} bytes @param {number} size */
const cut = (bytes, size) =>
  Array.from({ length: bytes.length / size }, (_, n) => bytes.subarray(n * size, (n + 1) * size))

run(JSON.parse(process.argv[2])).then(
  figures => {
    process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0))
  },
  error => {
    console.error(error)
    process.exit(1)
  }
)
