// @ts-check
'use strict'

/** `onFailure` with `exactlyOnce`, on three brokers: the program and a broker are killed, and each failed message is where it belongs, once. */

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const { family } = require('../ci/soak')
const { committed, createTopic, logEnd, produce, uniqueName, waitFor } = require('../kafka/helpers')
const { committedValues } = require('../producer/transactions')
const { pause, upTo, useCluster } = require('./support')

/** Every how many messages fails. */
const FAILING = 6
/** How many messages there are, and how often the program is killed before a broker is. @type {[count: number, kills: number][]} */
const CASES = [
  [60, 1],
  [300, 2]
]
const PARTITIONS = [0, 1, 2]

/** @type {import('../kafka').Cluster} */
let cluster
useCluster({ brokers: 3 }, own => {
  cluster = own
})

const once = family(CASES, count => count === 60)
once(
  '%d messages: each that fails is in the retry topic once, and in the dead-letter topic once',
  async (count, kills) => {
    const { brokers } = cluster
    const newTopic = () => createTopic({ brokers, partitions: 3, replicationFactor: 3 })
    const [topic, retryTopic, deadLetterTopic] = [
      await newTopic(),
      await newTopic(),
      await newTopic()
    ]
    const groupId = uniqueName('group')
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kafkars-failing-'))
    const file = path.join(directory, 'ledger')
    const values = upTo(count).map(n => `${n % FAILING === 0 ? 'bad' : 'good'} ${n}`)
    await produce(
      topic,
      values.map((value, n) => ({ value, partition: n % 3 })),
      { brokers }
    )

    const job = JSON.stringify({ brokers, topic, groupId, retryTopic, deadLetterTopic, file })
    const program = path.join(__dirname, 'programs', 'failing.js')
    const start = () =>
      spawn(process.execPath, [program, job], { stdio: ['ignore', 'ignore', 'inherit'] })
    const written = async name =>
      Object.values(await logEnd(name, brokers)).reduce((sum, end) => sum + Number(end), 0)
    /** Waits until the program has gone on, and kills it in whatever it does. @param {import('node:child_process').ChildProcess} child */
    const killSoon = async child => {
      const before = await written(retryTopic)
      await waitFor(async () => (await written(retryTopic)) > before)
      await pause(Math.random() * 100)
      child.kill('SIGKILL')
    }

    let child = start()
    try {
      for (const _ of upTo(kills)) {
        await killSoon(child)
        child = start()
      }
      const [, node] = cluster.nodes
      await node.kill9()
      // Not asked how far it is: who asks has a broker that is dead.
      await pause(1000)
      child.kill('SIGKILL')
      child = start()
      await pause(1000)
      await node.start()
      /** Is everything read and committed? @param {string} name */
      const isThrough = async name => {
        const [ends, offsets] = [
          await logEnd(name, brokers),
          await committed(groupId, name, brokers)
        ]
        return PARTITIONS.every(partition => offsets[partition] === String(ends[partition]))
      }
      await waitFor(async () =>
        (await Promise.all([isThrough(topic), isThrough(retryTopic)]).catch(() => [false])).every(
          Boolean
        )
      )
    } finally {
      child.kill('SIGKILL')
    }

    const bad = values.filter(value => value.startsWith('bad')).sort()
    expect((await committedValues(retryTopic, brokers)).sort()).toEqual(bad)
    expect((await committedValues(deadLetterTopic, brokers)).sort()).toEqual(bad)
    const handled = new Set(fs.readFileSync(file, 'utf8').trim().split('\n'))
    expect([...handled].sort()).toEqual(values.filter(value => value.startsWith('good')).sort())
    fs.rmSync(directory, { recursive: true, force: true })
  },
  180_000
)
