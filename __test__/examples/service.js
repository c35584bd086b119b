'use strict'

/**
 * A service that can be stopped at any moment: on SIGTERM it finishes the messages in hand, commits, leaves the
 * group and ends with exit code 0, so that the next instance starts exactly behind it.
 *
 *     starting ── GROUP_JOIN ──► ready ── SIGTERM, SIGINT ──► stopping ── disconnected ──► exit 0
 *        └───────────────────────────────────────────────────────┘
 *                                  └──── CRASH without restart ──────────────────────────► exit 1
 *
 *     KAFKA_BROKERS=localhost:9092 TOPIC=mails PORT=8080 node service.js
 *     curl localhost:8080/health
 *
 * Shows: `partitionsConsumedConcurrently`, `autoCommitInterval`, `stop` and `disconnect` on a signal, a log of one's own
 * with `logCreator`, `describeGroup`, HEARTBEAT, STOP and DISCONNECT events.
 */

const http = require('node:http')
const { setTimeout: sleep } = require('node:timers/promises')

const { Kafka, logLevel } = require('../../index.js')

const {
  KAFKA_BROKERS = 'localhost:9092',
  TOPIC = 'mails',
  GROUP_ID = 'mailer',
  PORT = '0'
} = process.env

/** ms for a clean end; an orchestrator would kill us a little later */
const GRACE = 10_000
/** ms to hand a mail over */
const DELIVERY = 2
/** What is told of a group that was not joined yet. */
const NO_GROUP = { state: 'Unknown', members: [] }

/** What an orchestrator may ask. */
class Health {
  state = 'starting'
  handled = 0
  inHand = 0
  heartbeats = 0
  /** @type {string[]} */
  history = ['starting']

  /** @param {string} state */
  become(state) {
    if (this.state === state) return
    this.state = state
    this.history.push(state)
  }

  /** @param {number} port */
  listen(port) {
    const server = http.createServer((_, response) => {
      const { state, handled, inHand, heartbeats } = this
      response.writeHead(state === 'ready' ? 200 : 503, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ state, handled, inHand, heartbeats }))
    })
    return new Promise(resolve => server.listen(port, '127.0.0.1', () => resolve(server)))
  }
}

/** One line of JSON per entry, on stderr: stdout is for results. */
const toStderr =
  () =>
  /** @param {import('../..').LogEntry} entry */
  ({ namespace, label, log: { message, timestamp } }) =>
    process.stderr.write(`${JSON.stringify({ timestamp, label, namespace, message })}\n`)

/** @returns {Promise<string>} the reason to stop */
const untilToldToStop = () =>
  new Promise(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => resolve(signal))
    // Windows has no SIGTERM: process managers send a message there.
    process.once('message', message => resolve(String(message)))
  })

const main = async () => {
  const told = untilToldToStop()
  const health = new Health()
  const server = await health.listen(Number(PORT))
  const { port } = server.address()
  console.log(JSON.stringify({ listening: port }))

  const kafka = new Kafka({
    clientId: 'mailer',
    brokers: KAFKA_BROKERS.split(','),
    logLevel: logLevel.WARN,
    logCreator: toStderr
  })
  const consumer = kafka.consumer({
    groupId: GROUP_ID,
    maxWaitTimeInMs: 500,
    heartbeatInterval: 300
  })
  const { GROUP_JOIN, HEARTBEAT, CRASH, STOP, DISCONNECT } = consumer.events
  consumer.on(GROUP_JOIN, () => health.become('ready'))
  consumer.on(HEARTBEAT, () => (health.heartbeats += 1))
  consumer.on(STOP, () => health.become('stopped'))
  consumer.on(DISCONNECT, () => health.become('disconnected'))
  const crashed = new Promise((_, reject) => {
    consumer.on(CRASH, ({ payload: { error, restart } }) => restart || reject(error))
  })

  /** Rejects if that fails, unless we were told to stop meanwhile. */
  const start = async () => {
    await consumer.connect()
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
    await consumer.run({
      partitionsConsumedConcurrently: 2,
      autoCommitInterval: 1000,
      eachMessage: async () => {
        health.inHand += 1
        await sleep(DELIVERY)
        health.inHand -= 1
        health.handled += 1
      }
    })
  }

  const reason = await Promise.race([told, crashed, start().then(() => crashed)])
  const isMember = health.state === 'ready'
  const { members, state } = isMember ? await consumer.describeGroup() : NO_GROUP
  health.become('stopping')

  await Promise.race([
    consumer.stop().then(() => consumer.disconnect()),
    sleep(GRACE, undefined, { ref: false }).then(() => {
      throw new Error(`not stopped within ${GRACE} ms`)
    })
  ])
  server.close()
  server.closeAllConnections()
  return {
    reason,
    group: { state, members: members.length },
    handled: health.handled,
    abandoned: health.inHand,
    history: health.history
  }
}

main().then(
  result => {
    console.log(JSON.stringify(result))
    // A parent's message channel would keep us alive.
    process.disconnect?.()
  },
  error => {
    console.error(error)
    process.exit(1)
  }
)
